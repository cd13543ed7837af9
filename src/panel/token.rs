//! The panel token: what a panel that was opened with a signed address goes on with. Ours, worthless at every other door.
//!
//! A JWT (RFC 7519) signed with HS256 under a key derived for this purpose alone, so that neither Bitbucket's tokens verify here
//! nor this one there.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::context::Context;
use crate::config::Now;
use crate::error::{Error, Result};

/// How long a panel may stay open.
pub const LIFETIME_SECONDS: i64 = 8 * 3600;
const AUDIENCE: &str = "clarityloop-panel";
/// Longer than any token we make.
const LONGEST_BYTES: usize = 8 * 1024;

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    exp: i64,
    panel: Context,
}

/// A token for `context`, valid eight hours from `now`.
///
/// # Errors
/// When signing fails, which means the library is broken.
pub fn mint(keys: &[[u8; 32]], context: &Context, now: &Now) -> Result<String> {
    let expires_at = now.unix_seconds() + LIFETIME_SECONDS;
    renew(keys, context, expires_at)
}

/// A token for `context` that ends when the one it replaces would have.
///
/// # Errors
/// When signing fails, which means the library is broken.
pub fn renew(keys: &[[u8; 32]], context: &Context, expires_at: i64) -> Result<String> {
    let key = keys.first().ok_or_else(|| Error::internal("there is no key for panel tokens"))?;
    let claims = Claims { aud: AUDIENCE.to_owned(), exp: expires_at, panel: context.clone() };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key)).map_err(Error::internal)
}

/// What a token proves, and when it ends (Unix seconds).
///
/// # Errors
/// `panel_token_invalid` or `panel_token_expired` (401).
pub fn verify(keys: &[[u8; 32]], token: &str, now: &Now) -> Result<(Context, i64)> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "aud"]);
    // The clock is the server's, not the library's: the expiry is compared below.
    validation.validate_exp = false;
    let decode = |key: &[u8; 32]| jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key), &validation).ok();
    let decoded = if token.len() > LONGEST_BYTES { None } else { keys.iter().find_map(decode) };
    let claims = decoded
        .ok_or_else(|| Error::unauthorised("panel_token_invalid", "This page is not valid any more. Reload the pull request."))?;
    if claims.claims.exp <= now.unix_seconds() {
        return Err(Error::unauthorised(
            "panel_token_expired",
            "This page has been open for more than 8 hours. Reload the pull request to save.",
        ));
    }
    Ok((claims.claims.panel, claims.claims.exp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Random;

    fn now(seconds: i64) -> Now {
        Now::new(chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap(), Random::system())
    }

    fn context() -> Context {
        Context {
            client_key: "connection:1".to_owned(),
            account: "557058:a".to_owned(),
            bitbucket_workspace: uuid::Uuid::nil(),
            repository: uuid::Uuid::nil(),
            repository_name: Some("a/b".to_owned()),
            number: 1,
            author: None,
            title: Some("t".to_owned()),
        }
    }

    #[test]
    fn a_token_carries_its_context_for_eight_hours() {
        let keys = [[1; 32]];
        let token = mint(&keys, &context(), &now(0)).unwrap();
        assert_eq!(verify(&keys, &token, &now(LIFETIME_SECONDS - 1)).unwrap().0, context());
        assert_eq!(verify(&keys, &token, &now(LIFETIME_SECONDS)).unwrap_err().code, "panel_token_expired");
    }

    #[test]
    fn a_token_of_a_rotated_key_is_still_good_and_one_of_another_key_is_not() {
        let token = mint(&[[1; 32]], &context(), &now(0)).unwrap();
        assert!(verify(&[[2; 32], [1; 32]], &token, &now(1)).is_ok());
        assert_eq!(verify(&[[2; 32]], &token, &now(1)).unwrap_err().code, "panel_token_invalid");
    }

    #[test]
    fn a_token_with_another_audience_or_algorithm_is_refused() {
        let claims = serde_json::json!({"aud": "other", "exp": 1_900_000_000, "panel": context()});
        let other = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&[1; 32])).unwrap();
        assert!(verify(&[[1; 32]], &other, &now(0)).is_err());
        let claims = serde_json::json!({"aud": AUDIENCE, "exp": 1_900_000_000, "panel": context()});
        let other = jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims, &EncodingKey::from_secret(&[1; 32])).unwrap();
        assert!(verify(&[[1; 32]], &other, &now(0)).is_err());
    }
}
