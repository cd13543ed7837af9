use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

use super::*;

mod claim_rules;
mod form;

const SECRET: &str = "7512836e-9137-48ac-baaf-a1935b96e17a";
const CLIENT_KEY: &str = "ari:cloud:bitbucket::app/{acf54878-51be-473e-bf0b-0fbb12e011ad}/clarityloop";
const NOW: i64 = 1_763_600_000;

fn query() -> Query {
    Query::parse("pull_request=11&account=6059303e630024006fab8c2b&crev=1%2F2&jwt=ignored").expect("a query")
}

fn request(query: &Query) -> SignedRequest<'_> {
    SignedRequest { method: "GET", path: "/connect/panel", public_path: None, query }
}

fn claims() -> Value {
    let hash = query_string_hash("GET", "/connect/panel", &query());
    json!({ "iss": CLIENT_KEY, "aud": CLIENT_KEY, "iat": NOW, "exp": NOW + 300, "qsh": hash })
}

fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn claims_without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

fn sign_with(header: &str, claims: &str, secret: &str) -> String {
    let signing_input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, signing_input.as_bytes());
    format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn sign(claims: &Value) -> String {
    sign_with(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string(), SECRET)
}

fn verify_at(token: &str, now: i64) -> Result<Claims, Refusal> {
    verify(token, CLIENT_KEY, &[VerificationKey::new(SECRET)], &request(&query()), now)
}

fn refusal(token: &str) -> Option<Refusal> {
    verify_at(token, NOW).err()
}

#[test]
fn a_signed_request_is_accepted_and_says_who_signed_it_and_when() {
    let token = sign(&claims());
    assert_eq!(peek_client_key(&token).as_deref(), Ok(CLIENT_KEY));
    assert_eq!(
        verify_at(&token, NOW),
        Ok(Claims { client_key: CLIENT_KEY.to_owned(), issued_at: NOW, expires_at: NOW + 300, key_index: 0 })
    );
}

#[test]
fn a_token_signed_with_another_secret_is_refused() {
    let token = sign_with(r#"{"alg":"HS256"}"#, &claims().to_string(), "another");
    assert_eq!(refusal(&token), Some(Refusal::Signature));
    assert_eq!(verify(&token, CLIENT_KEY, &[], &request(&query()), NOW), Err(Refusal::Signature));
}

#[test]
fn an_empty_secret_verifies_nothing() {
    let token = sign_with(r#"{"alg":"HS256"}"#, &claims().to_string(), "");
    let keys = [VerificationKey::new("")];
    assert_eq!(verify(&token, CLIENT_KEY, &keys, &request(&query()), NOW), Err(Refusal::Signature));
}

#[test]
fn the_hash_must_be_that_of_this_request() {
    assert_eq!(refusal(&sign(&claims_without("qsh"))), Some(Refusal::QueryStringHashMissing));
    for value in [Value::Null, json!(""), json!("context-qsh"), json!(1)] {
        assert_eq!(refusal(&sign(&claims_with("qsh", value))), Some(Refusal::QueryStringHashMismatch));
    }

    let token = sign(&claims());
    let keys = [VerificationKey::new(SECRET)];
    let verify_for = |method, path, raw: &str| {
        let query = Query::parse(raw).expect("a query");
        let request = SignedRequest { method, path, public_path: None, query: &query };
        verify(&token, CLIENT_KEY, &keys, &request, NOW).err()
    };
    let raw = "pull_request=11&account=6059303e630024006fab8c2b&crev=1%2F2";
    assert_eq!(verify_for("get", "/connect/panel/", raw), None);
    for (method, path, raw) in [
        ("POST", "/connect/panel", raw.to_owned()),
        ("GET", "/connect/configure", raw.to_owned()),
        ("GET", "/connect/%70anel", raw.to_owned()),
        ("GET", "/connect/panel", raw.replace("11", "12")),
        ("GET", "/connect/panel", format!("{raw}&pull_request=12")),
        ("GET", "/connect/panel", format!("{raw}&pull_request[]=12")),
        ("GET", "/connect/panel", format!("{raw}&x")),
        ("GET", "/connect/panel", String::new()),
    ] {
        assert_eq!(verify_for(method, path, &raw), Some(Refusal::QueryStringHashMismatch), "{method} {path} {raw}");
    }
}

#[test]
fn the_path_of_the_public_url_may_be_hashed_or_not_and_passed_on_or_not() {
    let query = query();
    let token_for = |path| sign(&claims_with("qsh", json!(query_string_hash("GET", path, &query))));
    let accepts = |signed, received, public_path| {
        let request = SignedRequest { method: "GET", path: received, public_path, query: &query };
        verify(&token_for(signed), CLIENT_KEY, &[VerificationKey::new(SECRET)], &request, NOW).is_ok()
    };
    for public_path in [Some("/loop"), Some("/loop/")] {
        assert!(accepts("/connect/panel", "/connect/panel", public_path));
        assert!(accepts("/loop/connect/panel", "/connect/panel", public_path));
        assert!(accepts("/connect/panel", "/loop/connect/panel", public_path));
        assert!(accepts("/loop/connect/panel", "/loop/connect/panel", public_path));
        assert!(!accepts("ing/connect/panel", "/looping/connect/panel", public_path));
        assert!(!accepts("/other/connect/panel", "/connect/panel", public_path));
    }
    for public_path in [None, Some(""), Some("/")] {
        assert!(accepts("/connect/panel", "/connect/panel", public_path));
        assert!(!accepts("/loop/connect/panel", "/connect/panel", public_path));
    }
}

#[test]
fn a_replaced_secret_verifies_only_what_was_issued_before_the_change() {
    let keys = [VerificationKey::new("new"), VerificationKey::new(SECRET).only_issued_before(NOW)];
    let verify_issued = |issued_at: i64| {
        let token = sign(&claims_with("iat", json!(issued_at)));
        verify(&token, CLIENT_KEY, &keys, &request(&query()), NOW).map(|claims| claims.key_index)
    };
    assert_eq!(verify_issued(NOW - 1), Ok(1));
    assert_eq!(verify_issued(NOW), Err(Refusal::Signature));
}

#[test]
fn debug_output_shows_no_secret() {
    let shown = format!("{:?}", VerificationKey::new(SECRET).only_issued_before(NOW));
    assert!(shown.contains("1763600000") && !shown.contains(SECRET), "{shown}");
}

proptest! {
    #[test]
    fn any_signed_request_is_accepted_and_no_other_query(
        pairs in proptest::collection::vec((".{0,6}", ".{0,12}"), 0..8),
        more in ".{0,6}",
    ) {
        let borrowed = || pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query = Query::from_pairs(borrowed());
        let token = sign(&claims_with("qsh", json!(query_string_hash("GET", "/connect/panel", &query))));
        let keys = [VerificationKey::new(SECRET)];
        prop_assert!(verify(&token, CLIENT_KEY, &keys, &request(&query), NOW).is_ok());

        let other = Query::from_pairs(borrowed().chain([(more.as_str(), "")]));
        prop_assert!(more == "jwt" || verify(&token, CLIENT_KEY, &keys, &request(&other), NOW).is_err());
    }

    #[test]
    fn any_changed_byte_is_refused(at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        let token = sign(&claims());
        let mut changed = token.clone().into_bytes();
        changed[at.index(token.len())] = byte;
        let changed = String::from_utf8(changed).expect("ASCII");
        prop_assert_eq!(verify_at(&changed, NOW).is_ok(), changed == token);
    }

    #[test]
    fn any_text_is_refused(text in ".{0,200}") {
        prop_assert!(verify_at(&text, NOW).is_err());
    }
}
