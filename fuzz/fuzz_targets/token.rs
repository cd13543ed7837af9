//! No token is accepted that was not signed with the secret, and what is accepted keeps every rule, checked here a second
//! time by other means.
#![no_main]

#[path = "../../src/connect"]
mod connect {
    pub mod json_web_token;
    pub mod query;
    pub mod query_string_hash;
    pub mod refusal;
    pub mod token;
}

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use connect::query::Query;
use connect::query_string_hash::query_string_hash;
use connect::token::{
    SignedRequest, VerificationKey, find_token, peek_client_key, token_fingerprint, verify,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const SECRET: &str = "the secret of the installation";
const CLIENT_KEY: &str = "connection:479";
const NOW: i64 = 1_763_600_000;

/// A right token is made wrong by changes: the number of a claim, and the JSON it is to have or nothing to leave it out.
type Changes<'a> = Vec<(u8, &'a str)>;

fuzz_target!(|input: (&str, Changes<'_>, &[u8], bool)| {
    let (header, changes, tail, ordinary) = input;
    let query = Query::from_pairs([("pull_request", "11")]);
    let hash = query_string_hash("GET", "/connect/panel", &query);
    let header = if ordinary {
        r#"{"alg":"HS256","typ":"JWT"}"#
    } else {
        header
    };
    let payload = payload(&hash, &changes);
    let signing_input = format!("{}.{}", encoded(header), encoded(&payload));

    a_stranger_is_refused(header, &query);
    a_stranger_is_refused(&format!("{signing_input}.{}", encoded(tail)), &query);

    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = hmac::sign(&key, signing_input.as_bytes());
    let signed = format!("{signing_input}.{}", encoded(signature));
    let accepted = verified(&signed, &query, SECRET);
    assert!(
        accepted || !ordinary || !changes.is_empty(),
        "a right token is accepted"
    );
    if accepted {
        every_rule_is_kept(header, &payload, &hash);
        assert!(peek_client_key(&signed).is_ok_and(|client_key| client_key == CLIENT_KEY));
        assert_eq!(
            find_token([format!("JWT {signed}").as_bytes()], &query),
            Ok(signed.as_str())
        );
        changes_are_refused(&signed, tail, &query);
    }
});

fn payload(hash: &str, changes: &Changes<'_>) -> String {
    let mut claims = [
        ("iss", format!("\"{CLIENT_KEY}\"")),
        ("aud", format!("\"{CLIENT_KEY}\"")),
        ("iat", NOW.to_string()),
        ("exp", (NOW + 300).to_string()),
        ("nbf", String::new()),
        ("qsh", format!("\"{hash}\"")),
        ("sub", String::new()),
    ];
    for (number, json) in changes {
        claims[usize::from(*number) % claims.len()].1 = (*json).to_owned();
    }
    let members: Vec<String> = claims
        .iter()
        .filter(|(_, json)| !json.is_empty())
        .map(|(name, json)| format!("\"{name}\":{json}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn a_stranger_is_refused(token: &str, query: &Query) {
    assert!(!verified(token, query, SECRET));
    assert!(
        !verified(token, query, ""),
        "an empty secret verifies nothing"
    );
    if let Ok(client_key) = peek_client_key(token) {
        assert!(
            (1..=255).contains(&client_key.len())
                && client_key.bytes().all(|byte| byte.is_ascii_graphic())
        );
    }
}

fn every_rule_is_kept(header: &str, payload: &str, hash: &str) {
    // What is not looked at may hold numbers that are too large for this second reading.
    let (Ok(header), Ok(payload)) = (
        serde_json::from_str::<Value>(header),
        serde_json::from_str::<Value>(payload),
    ) else {
        return;
    };
    let seconds = |name: &str| payload[name].as_f64().expect("a number");
    assert_eq!(header["alg"], "HS256");
    assert!(header.get("crit").is_none());
    assert_eq!(payload["iss"], CLIENT_KEY);
    assert!(
        payload
            .get("aud")
            .is_none_or(|aud| aud == CLIENT_KEY || *aud == serde_json::json!([CLIENT_KEY]))
    );
    assert_eq!(payload["qsh"], hash);
    assert!(seconds("exp") >= (NOW - 60) as f64);
    assert!(seconds("iat") < (NOW + 61) as f64);
    assert!(seconds("exp") - seconds("iat") < 86_401.0);
    assert!(
        payload
            .get("nbf")
            .is_none_or(|_| seconds("nbf") < (NOW + 61) as f64)
    );
}

fn changes_are_refused(token: &str, tail: &[u8], query: &Query) {
    let at = tail.iter().fold(0_usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
    }) % token.len();
    let mut changed = token.to_owned().into_bytes();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("ASCII");
    assert!(!verified(&changed, query, SECRET));
    assert!(!verified(&format!("{token}="), query, SECRET));
    assert!(!verified(token, query, "another secret"));
    assert_eq!(
        token_fingerprint(token),
        token_fingerprint(&format!("{token}="))
    );
}

fn verified(token: &str, query: &Query, secret: &str) -> bool {
    let request = SignedRequest {
        method: "GET",
        path: "/connect/panel",
        public_path: None,
        query,
    };
    verify(
        token,
        CLIENT_KEY,
        &[VerificationKey::new(secret)],
        &request,
        NOW,
    )
    .is_ok()
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
