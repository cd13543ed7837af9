use std::sync::LazyLock;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::engine::general_purpose::URL_SAFE;
use serde_json::json;

use super::*;

/// Two key pairs, made once: making one takes a tenth of a second.
pub(in crate::forge) static PAIRS: LazyLock<[KeyPair; 2]> =
    LazyLock::new(|| [(); 2].map(|()| KeyPair::generate(KeySize::Rsa2048).expect("a key pair")));

/// The modulus of a 2048-bit key: it follows nine bytes of DER and is followed by the exponent 65537.
pub(in crate::forge) fn modulus(pair: &KeyPair) -> &[u8] {
    &pair.public_key().as_ref()[9..265]
}

/// A key as Forge publishes it, padded.
pub(in crate::forge) fn published(key_id: &str, pair: &KeyPair) -> Value {
    json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id,
        "n": URL_SAFE.encode(modulus(pair)), "e": URL_SAFE.encode([1, 0, 1]),
    })
}

pub(in crate::forge) fn sign(pair: &KeyPair, text: &str) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("a signature");
    signature
}

fn parse(keys: &[Value]) -> Result<KeySet, Unusable> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

fn with(name: &str, value: Value) -> Value {
    let mut key = published("a", &PAIRS[0]);
    key[name] = value;
    key
}

#[test]
fn padded_and_unpadded_keys_verify_what_they_signed_and_nothing_else() {
    let unpadded = with("n", json!(URL_SAFE_NO_PAD.encode(modulus(&PAIRS[0]))));
    assert!(published("a", &PAIRS[0])["n"].as_str().is_some_and(|n| n.ends_with("==")));
    let led_by_zero = with("n", json!(URL_SAFE.encode([&[0], modulus(&PAIRS[0])].concat())));
    for key in [published("a", &PAIRS[0]), unpadded, led_by_zero] {
        let set = parse(&[key, published("b", &PAIRS[1])]).expect("a key set");
        let signature = sign(&PAIRS[0], "text");
        let key = set.key("a").expect("a key");
        assert!(key.has_signed("text", &signature));
        assert!(!key.has_signed("texts", &signature) && !key.has_signed("text", &signature[1..]) && !key.has_signed("text", &[]));
        assert!(!set.key("b").expect("a key").has_signed("text", &signature));
        assert!(set.key("c").is_none());
    }
}

#[test]
fn keys_of_other_types_purposes_and_sizes_are_passed_over() {
    for key in [
        with("kty", json!("EC")),
        with("kty", json!("oct")),
        with("alg", json!("RS512")),
        with("alg", json!("HS256")),
        with("alg", Value::Null),
        with("use", json!("enc")),
        with("use", json!(["sig"])),
        with("kid", json!(7)),
        with("kid", json!("a".repeat(256))),
        with("n", json!("not base64!")),
        with("n", json!("")),
        with("n", json!(URL_SAFE.encode([0xff; 128]))),
        with("n", json!(URL_SAFE.encode([0xff; 513]))),
        with("e", json!("")),
        with("e", json!(URL_SAFE.encode([1; 5]))),
        with("e", json!(65537)),
        json!("a key"),
        Value::Null,
    ] {
        assert_eq!(parse(std::slice::from_ref(&key)).err(), Some(Unusable), "{key}");
        let beside = parse(&[key, published("b", &PAIRS[1])]).expect("the other key");
        assert!(beside.key("a").is_none() && beside.key("b").is_some());
    }
}

#[test]
fn of_two_keys_with_one_name_the_first_counts() {
    let set = parse(&[published("a", &PAIRS[0]), published("a", &PAIRS[1])]).expect("a key set");
    assert!(set.key("a").expect("a key").has_signed("text", &sign(&PAIRS[0], "text")));
}

#[test]
fn a_document_that_is_too_large_or_no_key_set_is_refused() {
    for document in ["", "null", "[]", "{}", r#"{"keys":null}"#, r#"{"keys":{}}"#, r#"{"keys":[]}"#, "<html>"] {
        assert_eq!(KeySet::parse(document.as_bytes()).err(), Some(Unusable), "{document}");
    }
    let large = with("x", json!("a".repeat(LARGEST_DOCUMENT_BYTES)));
    assert_eq!(parse(&[large]).err(), Some(Unusable));
    let mut many = vec![Value::Null; MOST_KEYS];
    many.push(published("a", &PAIRS[0]));
    assert_eq!(parse(&many).err(), Some(Unusable));
}

proptest::proptest! {
    #[test]
    fn no_document_makes_a_panic(document in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        proptest::prop_assert!(KeySet::parse(&document).is_err());
    }
}
