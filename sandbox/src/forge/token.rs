//! Forge invocation tokens with a free choice of header, claims and key, so that a test can build right and wrong ones.

use super::key;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

/// A token that is being built. It starts as Forge's own.
#[derive(Clone, Debug)]
pub struct ForgeToken {
    header: Map<String, Value>,
    claims: Value,
    key: usize,
}

impl ForgeToken {
    pub(super) fn new(key: usize, claims: Value) -> Self {
        Self { header: Map::new(), claims, key }.algorithm("RS256").header("kid", json!(key::id(key)))
    }

    /// Sets a claim by its JSON pointer, for instance `/app/environment/type`; the object that holds it must be there.
    #[must_use]
    pub fn claim(mut self, pointer: &str, value: Value) -> Self {
        if let Some((parent, name)) = self.parent(pointer) {
            parent.insert(name, value);
        }
        self
    }

    /// Removes a claim by its JSON pointer.
    #[must_use]
    pub fn without(mut self, pointer: &str) -> Self {
        if let Some((parent, name)) = self.parent(pointer) {
            parent.remove(&name);
        }
        self
    }

    /// Sets any header field to any value.
    #[must_use]
    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.header.insert(name.to_owned(), value);
        self
    }

    /// Sets `alg`, which also chooses how [`ForgeToken::sign`] signs.
    #[must_use]
    pub fn algorithm(self, name: &str) -> Self {
        self.header("alg", json!(name))
    }

    /// Signs with another of Forge's three keys (0, 1, 2), whichever the header names.
    #[must_use]
    pub fn signed_by(self, key: usize) -> Self {
        Self { key, ..self }
    }

    /// The claims so far; `context` is also what a page of the app is told.
    #[must_use]
    pub fn claims(&self) -> &Value {
        &self.claims
    }

    /// The compact token. `none` leaves the signature empty, HS256 signs with the public key as its secret, which is what an
    /// attacker who confuses algorithms would do, and everything else is signed as RS256.
    #[must_use]
    pub fn sign(&self) -> String {
        let encode = |part: String| URL_SAFE_NO_PAD.encode(part);
        let signed = format!("{}.{}", encode(json!(self.header).to_string()), encode(self.claims.to_string()));
        let signature = match self.header.get("alg").and_then(Value::as_str) {
            Some("none") => Vec::new(),
            // An HMAC takes a key of any length, so the empty answer is never given.
            Some("HS256") => Hmac::<Sha256>::new_from_slice(&key::public_der(self.key))
                .map(|hmac| hmac.chain_update(&signed).finalize().into_bytes().to_vec())
                .unwrap_or_default(),
            _ => key::sign(self.key, &signed),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn parent(&mut self, pointer: &str) -> Option<(&mut Map<String, Value>, String)> {
        let (parent, name) = pointer.rsplit_once('/')?;
        Some((self.claims.pointer_mut(parent)?.as_object_mut()?, name.to_owned()))
    }
}
