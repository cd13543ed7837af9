//! The one verifier of Connect tokens. For every door that Bitbucket signs its calls to.
//!
//! A door finds the token, peeks at the client key to look its keys up, verifies, and only then believes anything. What the
//! claims mean: <https://developer.atlassian.com/cloud/bitbucket/authentication-for-apps>.

use std::{borrow::Cow, fmt};

use aws_lc_rs::{constant_time, digest, hmac};
use serde_json::Value;

use super::{
    json_web_token::{LONGEST_TOKEN_BYTES, Unverified, seconds},
    query::Query,
    query_string_hash::{lowercase_hexadecimal, query_string_hash},
    refusal::Refusal,
};

/// How far the clocks of Bitbucket and of this server may differ.
pub const LEEWAY_SECONDS: i64 = 60;

/// The longest time between `iat` and `exp`.
pub const LONGEST_LIFETIME_SECONDS: i64 = 24 * 60 * 60;

/// A shared secret made ready to verify with.
///
/// An empty secret verifies nothing.
#[derive(Clone)]
pub struct VerificationKey {
    key: Option<hmac::Key>,
    only_issued_before: Option<i64>,
}

impl VerificationKey {
    /// The key for a shared secret, whose UTF-8 bytes are the key of the HMAC.
    pub fn new(secret: &str) -> Self {
        let key = (!secret.is_empty()).then(|| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
        Self { key, only_issued_before: None }
    }

    /// The same key for a secret that was replaced at `seconds` (Unix time): it verifies only tokens with an `iat` before.
    #[must_use]
    pub fn only_issued_before(self, seconds: i64) -> Self {
        Self { only_issued_before: Some(seconds), ..self }
    }

    fn signed(&self, token: &Unverified<'_>, issued_at: i64) -> bool {
        self.only_issued_before.is_none_or(|change| issued_at < change)
            && self.key.as_ref().is_some_and(|key| hmac::verify(key, token.signing_input.as_bytes(), &token.signature).is_ok())
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("VerificationKey").field("only_issued_before", &self.only_issued_before).finish_non_exhaustive()
    }
}

/// The request that a token must have been made for.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method, in any case.
    pub method: &'a str,
    /// The raw path as this server received it, still percent-encoded.
    pub path: &'a str,
    /// The path of the public URL (`/clarityloop` of `https://example.com/clarityloop`), when it has one. Atlassian says
    /// that it is not hashed, proxies may or may not pass it on, so the hash is taken with and without.
    pub public_path: Option<&'a str>,
    /// The decoded query, the same that parameters are read from.
    pub query: &'a Query,
}

impl SignedRequest<'_> {
    fn has_hash(&self, claimed: &str) -> bool {
        self.paths().iter().any(|path| {
            let hash = query_string_hash(self.method, path, self.query);
            constant_time::verify_slices_are_equal(hash.as_bytes(), claimed.as_bytes()).is_ok()
        })
    }

    fn paths(&self) -> Vec<Cow<'_, str>> {
        let mut paths = vec![Cow::Borrowed(self.path)];
        let public_path = self.public_path.unwrap_or_default().trim_end_matches('/');
        if !public_path.is_empty() {
            paths.push(match self.path.strip_prefix(public_path) {
                Some(rest) if rest.is_empty() || rest.starts_with('/') => rest.into(),
                _ => format!("{public_path}{}", self.path).into(),
            });
        }
        paths
    }
}

/// What a verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The installation that signed: `iss`.
    pub client_key: String,
    /// `iat` in Unix seconds.
    pub issued_at: i64,
    /// `exp` in Unix seconds.
    pub expires_at: i64,
    /// Which of the given keys made the signature.
    pub key_index: usize,
}

/// The token of a request: from its only `Authorization: JWT <token>` header or its only `jwt` parameter.
///
/// # Errors
/// [`Refusal::Missing`], [`Refusal::Repeated`] for two anywhere, [`Refusal::Malformed`] for another scheme or a token that is
/// too long.
pub fn find_token<'a>(authorization_headers: impl IntoIterator<Item = &'a [u8]>, query: &'a Query) -> Result<&'a str, Refusal> {
    let in_headers = authorization_headers.into_iter().map(token_of_header);
    let in_query = query.pairs().filter(|(name, _)| *name == "jwt").map(|(_, token)| Ok(token));
    let mut tokens = in_headers.chain(in_query);

    let token = tokens.next().ok_or(Refusal::Missing)?;
    if tokens.next().is_some() {
        return Err(Refusal::Repeated);
    }
    match token? {
        "" => Err(Refusal::Missing),
        token if token.len() > LONGEST_TOKEN_BYTES => Err(Refusal::Malformed),
        token => Ok(token),
    }
}

fn token_of_header(header: &[u8]) -> Result<&str, Refusal> {
    let token = header.strip_prefix(b"JWT ").ok_or(Refusal::Malformed)?;
    str::from_utf8(token).or(Err(Refusal::Malformed))
}

/// The client key that a token names, to look its keys up with. Nothing is verified yet except that the token is one that
/// could be: HS256 and an ordinary header.
///
/// # Errors
/// [`Refusal::Malformed`], [`Refusal::Algorithm`] or [`Refusal::Claims`].
pub fn peek_client_key(token: &str) -> Result<String, Refusal> {
    let token = Unverified::parse(token)?;
    token.client_key().map(str::to_owned)
}

/// When a token says that it was made, in Unix seconds: to be believed only of one whose signature has been found good.
pub fn unverified_issued_at(token: &str) -> Option<i64> {
    Unverified::parse(token).ok()?.payload.iat.as_ref().and_then(seconds)
}

/// Verifies that one of `keys` signed `token` for `client_key` and this very `request`, at `now` in Unix seconds.
///
/// Single use is not looked at here: see [`token_fingerprint`].
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn verify(
    token: &str,
    client_key: &str,
    keys: &[VerificationKey],
    request: &SignedRequest<'_>,
    now: i64,
) -> Result<Claims, Refusal> {
    let token = Unverified::parse(token)?;
    let issued_at = token.payload.iat.as_ref().and_then(seconds).ok_or(Refusal::Claims)?;
    let expires_at = token.payload.exp.as_ref().and_then(seconds).ok_or(Refusal::Claims)?;

    let key_index = keys.iter().position(|key| key.signed(&token, issued_at)).ok_or(Refusal::Signature)?;
    if token.client_key()? != client_key {
        return Err(Refusal::IssuerMismatch);
    }
    if token.payload.aud.as_ref().is_some_and(|audience| !is_audience(audience, client_key)) {
        return Err(Refusal::Audience);
    }
    check_times(issued_at, expires_at, token.payload.nbf.as_ref(), now)?;
    check_hash(token.payload.qsh.as_ref(), request)?;

    Ok(Claims { client_key: client_key.to_owned(), issued_at, expires_at, key_index })
}

/// Names a verified token, so that it can be used once: SHA-256 of what its signature covers, in hexadecimal.
///
/// The signature itself is left out because its base64 could be written in other ways; one secret makes only one signature
/// for one text anyway.
pub fn token_fingerprint(token: &str) -> String {
    let signing_input = token.rsplit_once('.').map_or(token, |(signing_input, _)| signing_input);
    lowercase_hexadecimal(digest::digest(&digest::SHA256, signing_input.as_bytes()).as_ref())
}

fn check_times(issued_at: i64, expires_at: i64, not_before: Option<&Value>, now: i64) -> Result<(), Refusal> {
    let latest_begin = now.saturating_add(LEEWAY_SECONDS);
    if !(0..=LONGEST_LIFETIME_SECONDS).contains(&expires_at.saturating_sub(issued_at)) {
        return Err(Refusal::Lifetime);
    }
    if now > expires_at.saturating_add(LEEWAY_SECONDS) {
        return Err(Refusal::Expired);
    }
    if issued_at > latest_begin {
        return Err(Refusal::IssuedInFuture);
    }
    match not_before.map(seconds) {
        Some(None) => Err(Refusal::Claims),
        Some(Some(not_before)) if not_before > latest_begin => Err(Refusal::NotYetValid),
        _ => Ok(()),
    }
}

/// An audience of one may be written as a list (RFC 7519, section 4.1.3).
fn is_audience(audience: &Value, client_key: &str) -> bool {
    match audience.as_array().map(Vec::as_slice) {
        Some([only]) => only == client_key,
        Some(_) => false,
        None => audience == client_key,
    }
}

fn check_hash(claimed: Option<&Value>, request: &SignedRequest<'_>) -> Result<(), Refusal> {
    let claimed = claimed.ok_or(Refusal::QueryStringHashMissing)?;
    let claimed = claimed.as_str().ok_or(Refusal::QueryStringHashMismatch)?;
    if request.has_hash(claimed) { Ok(()) } else { Err(Refusal::QueryStringHashMismatch) }
}

#[cfg(test)]
mod tests;
