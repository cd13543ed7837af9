//! No invocation token is accepted that Forge's key did not sign, what is accepted keeps every rule, checked here a second time
//! by other means, and no accepted token opens two kinds of doors.
#![no_main]

#[path = "../../src/forge"]
mod forge {
    pub mod events;
    pub mod identifiers;
    pub mod invocation_token;
    pub mod json_web_token;
    pub mod key_set;
    pub mod payload;
    pub mod refusal;
}

use std::sync::LazyLock;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{
    Engine,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use forge::events::{Lifecycle, RepositoryEvent};
use forge::invocation_token::{Expected, Invocation, find_token, peek_key_id, verify};
use forge::key_set::KeySet;
use forge::refusal::Refusal;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const APP: &str = "ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000001";
const KEY_ID: &str = "forge/invocation-token/wf-1";
const NOW: i64 = 1_763_600_000;

static PAIR: LazyLock<KeyPair> =
    LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).expect("a key pair"));
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let modulus = URL_SAFE.encode(&PAIR.public_key().as_ref()[9..265]);
    let key = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": modulus, "e": "AQAB" });
    KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes()).expect("a key set")
});

/// A right token is made wrong by changes: the number of a claim, and the JSON it is to have or nothing to leave it out.
type Changes<'a> = Vec<(u8, &'a str)>;

fuzz_target!(|input: (&str, Changes<'_>, &[u8], bool)| {
    let (header, changes, tail, ordinary) = input;
    let _unusable = KeySet::parse(tail);
    bodies_are_read_or_refused(tail);
    let right = json!({ "alg": "RS256", "kid": KEY_ID }).to_string();
    let header = if ordinary { &right } else { header };
    let payload = payload(&changes);
    let signing_input = format!("{}.{}", encoded(header), encoded(&payload));
    assert!(verified(header).is_err());
    assert!(verified(&format!("{signing_input}.{}", encoded(tail))).is_err());

    let mut signature = vec![0; PAIR.public_modulus_len()];
    PAIR.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signing_input.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    let signed = format!("{signing_input}.{}", encoded(&signature));
    let read = verified(&signed);
    assert!(read.is_ok() || !ordinary || !changes.is_empty());
    if let Ok(invocation) = read {
        every_rule_is_kept(header, &payload);
        one_door_at_most(&invocation);
        assert!(peek_key_id(&signed).is_ok());
        assert_eq!(
            find_token([format!("Bearer {signed}").as_bytes()]),
            Ok(signed.as_str())
        );
        assert!(verified(&format!("{signed}=")).is_err());
    }
});

/// What is read of a body fits the columns that it is looked up in.
fn bodies_are_read_or_refused(body: &[u8]) {
    let _refused = Lifecycle::parse(body);
    if let Ok(event) = RepositoryEvent::parse(body) {
        assert!(event.event.starts_with("avi:bitbucket:"));
        assert!(
            event
                .pull_request
                .is_none_or(|number| (1..=i64::MAX as u64).contains(&number))
        );
    }
}

fn payload(changes: &Changes<'_>) -> String {
    let installation =
        "ari:cloud:ecosystem::installation/11111111-2222-4333-8444-555555555555".to_owned();
    let workspace = "5f0c7a52-1d0e-4b8b-9a3e-6a1f0e5d2c11";
    let app = json!({
        "id": APP, "installationId": installation, "environment": { "type": "PRODUCTION" },
        "installation": { "contexts": [{ "name": "bitbucket", "workspaceId": workspace }] },
    });
    let context = json!({
        "workspaceId": format!("{{{workspace}}}"),
        "extension": {
            "type": "bitbucket:repoPullRequestOverviewPanel", "pullRequest": { "id": 412 },
            "repository": { "uuid": "{a1c40e1b-52a4-4e58-8d6b-0b7b7c3a9f01}" },
        },
    });
    let mut claims = [
        ("iss", "\"forge/invocation-token\"".to_owned()),
        ("aud", format!("\"{APP}\"")),
        ("iat", NOW.to_string()),
        ("exp", (NOW + 25).to_string()),
        ("nbf", NOW.to_string()),
        ("app", app.to_string()),
        ("principal", "\"712020:1\"".to_owned()),
        ("context", context.to_string()),
        ("icLabel", String::new()),
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

fn every_rule_is_kept(header: &str, payload: &str) {
    // What is not looked at may hold numbers that are too large for this second reading.
    let (Ok(header), Ok(payload)) = (
        serde_json::from_str::<Value>(header),
        serde_json::from_str::<Value>(payload),
    ) else {
        return;
    };
    let seconds = |name: &str| payload[name].as_f64().expect("a number");
    assert_eq!(header["alg"], "RS256");
    assert!(header.get("crit").is_none());
    assert_eq!(payload["iss"], "forge/invocation-token");
    assert_eq!(payload["aud"], APP);
    assert_eq!(payload["app"]["id"], APP);
    assert_eq!(payload["app"]["environment"]["type"], "PRODUCTION");
    assert!(seconds("exp") >= (NOW - 5) as f64);
    assert!(seconds("iat") < (NOW + 6) as f64);
    assert!(seconds("exp") - seconds("iat") < 301.0);
    assert!(
        payload
            .get("nbf")
            .is_none_or(|_| seconds("nbf") < (NOW + 6) as f64)
    );
}

fn one_door_at_most(invocation: &Invocation) {
    let doors = [
        invocation.of_panel().is_ok(),
        invocation.of_settings().is_ok(),
        invocation.of_platform().is_ok(),
    ];
    assert!(doors.iter().filter(|open| **open).count() <= 1);
    assert_eq!(
        doors[2],
        invocation.principal.is_none() && invocation.extension.is_none()
    );
}

fn verified(token: &str) -> Result<Invocation, Refusal> {
    let key = KEYS.key(KEY_ID).expect("the key");
    let expected = Expected {
        app_id: APP,
        environments: &["PRODUCTION".to_owned()],
    };
    verify(token, key, &expected, NOW)
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
