//! JSON Web Tokens with a free choice of header, claims and secret, so that a test can build right and wrong ones.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/understanding-jwt-for-apps/>.

use crate::signing::{canonical_request, query_string_hash};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::{Map, Value, json};
use sha2::{Sha256, Sha384, Sha512};

/// A token that is being built. It starts as Bitbucket's own: HS256, `iss` and `aud` are the clientKey.
#[derive(Clone, Debug)]
pub struct Token {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Token {
    /// A token as Bitbucket sends it, still without `iat`, `exp` and `qsh`.
    #[must_use]
    pub fn new(client_key: &str) -> Self {
        let token = Self { header: Map::new(), claims: Map::new() };
        token.algorithm("HS256").header("typ", json!("JWT")).claim("iss", json!(client_key)).claim("aud", json!(client_key))
    }

    /// A token as an app sends it to the API: `iss` is the app key, `sub` the clientKey.
    #[must_use]
    pub fn of_app(app_key: &str, client_key: &str) -> Self {
        Self::new(app_key).without("aud").claim("sub", json!(client_key))
    }

    /// Sets `iat`, in seconds since 1970.
    #[must_use]
    pub fn issued_at(self, seconds: i64) -> Self {
        self.claim("iat", json!(seconds))
    }

    /// Sets `exp`, in seconds since 1970.
    #[must_use]
    pub fn expires_at(self, seconds: i64) -> Self {
        self.claim("exp", json!(seconds))
    }

    /// Sets `qsh` to a hash that is already computed, or to anything else.
    #[must_use]
    pub fn query_string_hash(self, hash: &str) -> Self {
        self.claim("qsh", json!(hash))
    }

    /// Sets `qsh` to the hash of a request.
    #[must_use]
    pub fn request(self, method: &str, path: &str, raw_query: &str) -> Self {
        self.query_string_hash(&query_string_hash(&canonical_request(method, path, raw_query)))
    }

    /// Sets any claim to any value.
    #[must_use]
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims.insert(name.to_owned(), value);
        self
    }

    /// Removes a claim.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets any header field to any value.
    #[must_use]
    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.header.insert(name.to_owned(), value);
        self
    }

    /// Sets `alg`, which also chooses how [`Token::sign`] signs.
    #[must_use]
    pub fn algorithm(self, name: &str) -> Self {
        self.header("alg", json!(name))
    }

    /// The compact token. `none` leaves the signature empty, HS384 and HS512 sign with their own hash, and every other algorithm
    /// is signed as HS256, which is what an attacker who confuses algorithms would send.
    #[must_use]
    pub fn sign(&self, secret: &str) -> String {
        let encode = |part: &Map<String, Value>| URL_SAFE_NO_PAD.encode(json!(part).to_string());
        let signed = format!("{}.{}", encode(&self.header), encode(&self.claims));
        let algorithm = self.header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let signature = URL_SAFE_NO_PAD.encode(signature(algorithm, secret, &signed));
        format!("{signed}.{signature}")
    }
}

/// The claims of a compact token, unverified; `None` if it is not one.
#[must_use]
pub fn unverified_claims(token: &str) -> Option<Map<String, Value>> {
    let claims = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// Whether a compact token is HS256 and signed with this secret.
#[must_use]
pub fn is_signed_with(token: &str, secret: &str) -> bool {
    let Some((signed, given)) = token.rsplit_once('.') else {
        return false;
    };
    let header: Option<Map<String, Value>> = signed
        .split('.')
        .next()
        .and_then(|header| URL_SAFE_NO_PAD.decode(header).ok())
        .and_then(|header| serde_json::from_slice(&header).ok());
    let is_hs256 = header.is_some_and(|header| header.get("alg").and_then(Value::as_str) == Some("HS256"));
    let Ok(given) = URL_SAFE_NO_PAD.decode(given) else {
        return false;
    };
    is_hs256
        && Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .is_ok_and(|hmac| hmac.chain_update(signed).verify_slice(&given).is_ok())
}

fn signature(algorithm: &str, secret: &str, signed: &str) -> Vec<u8> {
    /// An HMAC takes a key of any length, so the empty answer is never given.
    macro_rules! hmac {
        ($hash:ty) => {
            Hmac::<$hash>::new_from_slice(secret.as_bytes())
                .map(|hmac| hmac.chain_update(signed).finalize().into_bytes().to_vec())
                .unwrap_or_default()
        };
    }
    match algorithm {
        "none" => Vec::new(),
        "HS384" => hmac!(Sha384),
        "HS512" => hmac!(Sha512),
        _ => hmac!(Sha256),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_signed_with_its_own_secret_only() {
        let token = Token::new("connection:1").issued_at(1).sign("secret");
        assert!(is_signed_with(&token, "secret"));
        assert!(!is_signed_with(&token, "another"));
        assert!(!is_signed_with(&token.replacen('.', ".A", 1), "secret"));
    }

    #[test]
    fn a_token_of_another_algorithm_is_not_signed() {
        for algorithm in ["none", "HS384", "HS512", "RS256"] {
            assert!(!is_signed_with(&Token::new("connection:1").algorithm(algorithm).sign("secret"), "secret"), "{algorithm}");
        }
    }

    #[test]
    fn claims_come_back_as_they_were_set() {
        let token = Token::new("connection:1").claim("extra", json!([1])).without("aud").sign("secret");
        let claims = unverified_claims(&token).unwrap();
        assert_eq!(claims.get("extra"), Some(&json!([1])));
        assert_eq!(claims.get("iss"), Some(&json!("connection:1")));
        assert_eq!(claims.get("aud"), None);
    }
}
