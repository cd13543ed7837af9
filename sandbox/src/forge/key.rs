//! The RSA keys that sign invocation tokens: three of them, made for this and secret to nobody.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// How many there are.
pub(super) const KEYS: usize = 3;

const FILES: [&[u8]; KEYS] =
    [include_bytes!("keys/first.pk8"), include_bytes!("keys/second.pk8"), include_bytes!("keys/third.pk8")];

static PAIRS: LazyLock<Vec<KeyPair>> = LazyLock::new(|| FILES.iter().filter_map(|file| KeyPair::from_pkcs8(file).ok()).collect());

/// The name of a key, as Forge names its own.
pub(super) fn id(key: usize) -> String {
    format!("forge/invocation-token/wf-6f9d2c10-77aa-4c0e-9f00-0000000000{key:02}")
}

/// The signature of a text.
pub(super) fn sign(key: usize, text: &str) -> Vec<u8> {
    let Some(pair) = PAIRS.get(key) else { return Vec::new() };
    let mut signature = vec![0; pair.public_modulus_len()];
    match pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature) {
        Ok(()) => signature,
        Err(_) => Vec::new(),
    }
}

/// The public key as DER (PKCS #1).
pub(super) fn public_der(key: usize) -> Vec<u8> {
    PAIRS.get(key).map(|pair| pair.public_key().as_ref().to_vec()).unwrap_or_default()
}

/// The public key as Forge publishes it, with padded base64url.
pub(super) fn published(key: usize) -> Value {
    // In the DER of a 2048-bit key the modulus follows nine bytes and is followed by the exponent 65537.
    let der = public_der(key);
    let modulus = der.get(9..265).unwrap_or_default();
    json!({
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": id(key),
        "n": URL_SAFE.encode(modulus),
        "e": URL_SAFE.encode([1, 0, 1]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_can_be_read_and_is_another_one() {
        let moduli: Vec<Value> = (0..KEYS).map(|key| published(key)["n"].clone()).collect();
        assert!(moduli.iter().all(|modulus| modulus.as_str().is_some_and(|n| n.len() == 344)));
        assert!(moduli[0] != moduli[1] && moduli[1] != moduli[2] && moduli[0] != moduli[2]);
        assert!((0..KEYS).all(|key| sign(key, "text").len() == 256));
    }
}
