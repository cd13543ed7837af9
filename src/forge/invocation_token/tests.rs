use aws_lc_rs::{encoding::AsDer as _, hmac, rsa::KeyPair, rsa::PublicKeyComponents, signature::KeyPair as _};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::forge::key_set::{
    KeySet,
    tests::{PAIRS, modulus, published, sign as signature_of},
};

mod claim_rules;
mod form;
mod kinds;

const APP: &str = "ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000001";
const OTHER_APP: &str = "ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000002";
const KEY_ID: &str = "forge/invocation-token/wf-0a1b2c3d-0000-4000-8000-000000000001";
const AMARA: &str = "712020:22a7b9c1-1d6b-4e2f-8b68-7b3a2d1e0002";
const INSTALLATION: Uuid = Uuid::from_u128(0x11111111_2222_4333_8444_555555555555);
const WORKSPACE: Uuid = Uuid::from_u128(0x5f0c7a52_1d0e_4b8b_9a3e_6a1f0e5d2c11);
const REPOSITORY: Uuid = Uuid::from_u128(0xa1c40e1b_52a4_4e58_8d6b_0b7b7c3a9f01);
const NOW: i64 = 1_763_600_000;

/// The claims of a call that Forge makes by itself.
fn platform() -> Value {
    json!({
        "app": {
            "id": APP,
            "installationId": format!("ari:cloud:ecosystem::installation/{INSTALLATION}"),
            "apiBaseUrl": "https://api.bitbucket.org",
            "appVersion": "2.0.0",
            "environment": { "type": "PRODUCTION", "id": "ari:cloud:ecosystem::environment/x/y" },
            "module": { "type": "core:endpoint", "key": "ep-pr" },
            "installation": {
                "id": format!("ari:cloud:ecosystem::installation/{INSTALLATION}"),
                "contexts": [{ "name": "bitbucket", "apiBaseUrl": "https://api.bitbucket.org", "workspaceId": WORKSPACE.to_string() }],
            },
        },
        "iss": ISSUER, "aud": APP, "iat": NOW, "nbf": NOW, "exp": NOW + 25, "jti": "0123456789abcdef0123456789abcdef01234567",
    })
}

/// The claims of a call of a page that Amara looks at.
fn page(module: &str) -> Value {
    let mut claims = platform();
    claims["principal"] = json!(AMARA);
    claims["context"] = json!({
        "workspaceId": WORKSPACE.braced().to_string(), "moduleKey": "panel", "localId": "x", "accountId": AMARA,
        "extension": {
            "type": module, "location": "https://bitbucket.org/lumenpay/checkout/pull-requests/412",
            "repository": { "uuid": REPOSITORY.braced().to_string() }, "pullRequest": { "id": 412 },
        },
    });
    claims
}

fn with(mut claims: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    claims.pointer_mut(parent).expect("an object")[name] = value;
    claims
}

fn without(mut claims: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = claims.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    parent.remove(name).expect("a claim");
    claims
}

fn parts(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

fn sign_with(header: &str, claims: &str, pair: &KeyPair) -> String {
    let signing_input = parts(header, claims);
    format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature_of(pair, &signing_input)))
}

fn header() -> String {
    json!({ "alg": "RS256", "kid": KEY_ID }).to_string()
}

fn sign(claims: &Value) -> String {
    sign_with(&header(), &claims.to_string(), &PAIRS[0])
}

fn key() -> PublicKey {
    let document = json!({ "keys": [published(KEY_ID, &PAIRS[0])] }).to_string();
    KeySet::parse(document.as_bytes()).expect("a key set").key(KEY_ID).expect("a key").clone()
}

fn verify_in(token: &str, environments: &[&str], now: i64) -> Result<Invocation, Refusal> {
    let environments: Vec<String> = environments.iter().map(|name| (*name).to_owned()).collect();
    verify(token, &key(), &Expected { app_id: APP, environments: &environments }, now)
}

fn verify_at(token: &str, now: i64) -> Result<Invocation, Refusal> {
    verify_in(token, &["PRODUCTION"], now)
}

fn read(claims: &Value) -> Result<Invocation, Refusal> {
    verify_at(&sign(claims), NOW)
}

fn refusal(claims: &Value) -> Option<Refusal> {
    read(claims).err()
}

#[test]
fn a_token_of_forge_is_accepted_and_says_where_and_for_whom() {
    let token = sign(&page(PANEL));
    assert_eq!(peek_key_id(&token).as_deref(), Ok(KEY_ID));
    let expected = Invocation {
        installation: INSTALLATION,
        workspace: WORKSPACE,
        environment: "PRODUCTION".to_owned(),
        api_base_url: Some("https://api.bitbucket.org".to_owned()),
        principal: Some(AMARA.to_owned()),
        extension: Some(Extension { module: Some(PANEL.to_owned()), repository: Some(REPOSITORY), pull_request: Some(412) }),
        issued_at: NOW,
        expires_at: NOW + 25,
    };
    assert_eq!(verify_at(&token, NOW), Ok(expected.clone()));
    assert_eq!(read(&platform()), Ok(Invocation { principal: None, extension: None, ..expected }));
}

#[test]
fn a_token_signed_by_another_key_is_refused() {
    let token = sign_with(&header(), &platform().to_string(), &PAIRS[1]);
    assert_eq!(verify_at(&token, NOW), Err(Refusal::Signature));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_changed_byte_is_refused(at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        let token = sign(&platform());
        let mut changed = token.clone().into_bytes();
        changed[at.index(token.len())] = byte;
        let changed = String::from_utf8(changed).expect("ASCII");
        prop_assert_eq!(verify_at(&changed, NOW).is_ok(), changed == token);
    }

    #[test]
    fn no_signed_claims_make_a_panic(text in ".{0,200}", number in any::<f64>()) {
        prop_assert!(verify_at(&sign_with(&header(), &text, &PAIRS[0]), NOW).is_err());
        for pointer in ["/iat", "/exp", "/app", "/app/installation", "/context", "/context/extension", "/principal", "/icLabel"] {
            for value in [json!(text), json!(number), json!([text]), json!({ "id": number })] {
                let _refused = read(&with(page(PANEL), pointer, value));
            }
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
        prop_assert!(verify_at(&text, NOW).is_err());
        prop_assert!(peek_key_id(&text).is_err());
        prop_assert!(find_token([bytes.as_slice()]).is_err() || bytes.starts_with(b"Bearer "));
        let lossy = String::from_utf8_lossy(&bytes);
        prop_assert!(verify_at(&lossy, NOW).is_err());
    }
}
