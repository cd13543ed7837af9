//! The public keys that Forge publishes (a JWKS, RFC 7517), read from their document. For the cache of keys and the verifier.
//!
//! Only RSA keys for RS256 signatures are taken, the rest is passed over: a key of another type under a known name makes that
//! name unknown, never another algorithm.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::{
    rsa::PublicKeyComponents,
    signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use super::json_web_token::LONGEST_KEY_ID_BYTES;

/// The largest document that is read. Forge's has about 4 kB.
pub const LARGEST_DOCUMENT_BYTES: usize = 64 * 1024;

/// Entries of the document that are looked at. Forge publishes six.
pub const MOST_KEYS: usize = 64;

/// 2048 to 4096 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
const MOST_EXPONENT_BYTES: usize = 4;

/// An RSA key, made ready to verify RS256 signatures with.
#[derive(Clone)]
pub struct PublicKey(ParsedPublicKey);

/// Public keys by their names.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: HashMap<String, PublicKey>,
}

/// The document is too large, not a key set, or holds no key that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key set with an RSA key for RS256")]
pub struct Unusable;

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Entry {
    kty: String,
    kid: String,
    alg: String,
    #[serde(rename = "use")]
    purpose: String,
    n: String,
    e: String,
}

impl PublicKey {
    pub(super) fn has_signed(&self, signing_input: &str, signature: &[u8]) -> bool {
        self.0.verify_sig(signing_input.as_bytes(), signature).is_ok()
    }
}

impl KeySet {
    /// Reads a document; entries that are no RSA keys for RS256 signatures are passed over.
    ///
    /// # Errors
    /// [`Unusable`] when it is no key set, or nothing in it can be used.
    pub fn parse(document: &[u8]) -> Result<Self, Unusable> {
        if document.len() > LARGEST_DOCUMENT_BYTES {
            return Err(Unusable);
        }
        let document: Document = serde_json::from_slice(document).or(Err(Unusable))?;
        let mut keys = HashMap::new();
        for (key_id, key) in document.keys.into_iter().take(MOST_KEYS).filter_map(usable) {
            keys.entry(key_id).or_insert(key);
        }
        if keys.is_empty() { Err(Unusable) } else { Ok(Self { keys }) }
    }

    /// The key of this name.
    pub fn key(&self, key_id: &str) -> Option<&PublicKey> {
        self.keys.get(key_id)
    }

    /// Whether there is no key at all, as before the first document was read.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.keys.keys()).finish()
    }
}

fn usable(entry: Value) -> Option<(String, PublicKey)> {
    let entry: Entry = serde_json::from_value(entry).ok()?;
    let is_for_signatures = entry.kty == "RSA" && entry.alg == "RS256" && entry.purpose == "sig";
    let (n, e) = (unsigned_integer(&entry.n)?, unsigned_integer(&entry.e)?);
    let has_fitting_size = MODULUS_BYTES.contains(&n.len()) && (1..=MOST_EXPONENT_BYTES).contains(&e.len());
    if !is_for_signatures || !has_fitting_size || entry.kid.len() > LONGEST_KEY_ID_BYTES {
        return None;
    }
    let key = PublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?;
    Some((entry.kid, PublicKey(key)))
}

/// The bytes of a number in base64url, without leading zeros. Forge pads its base64url, which RFC 7518 does not.
fn unsigned_integer(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

#[cfg(test)]
pub(super) mod tests;
