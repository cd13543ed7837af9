//! The access tokens that Forge sends along with a call: the app's own and, from pages, the viewer's. For the doors that are
//! allowed to take them.
//!
//! They come beside a verified invocation token and are worth as much as whoever sent them: a page of the app may plant these
//! headers, so only a door of the platform takes an app's token from them.
//! <https://developer.atlassian.com/platform/forge/remote/calling-product-apis/>

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::json_web_token::LONGEST_TOKEN_BYTES;
use crate::config::Secret;

/// The header with the app's own token.
pub const SYSTEM_TOKEN_HEADER: &str = "x-forge-oauth-system";
/// The header with the viewer's token.
pub const USER_TOKEN_HEADER: &str = "x-forge-oauth-user";
/// No token is kept for longer, whatever it says: Forge's live for four hours.
pub const LONGEST_TRUST_SECONDS: i64 = 4 * 60 * 60;
/// How long a token counts that does not say its end: half of what Forge guarantees.
pub const UNDATED_TRUST_SECONDS: i64 = 60 * 60;

/// An access token for Bitbucket and when to stop using it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token, opaque.
    pub token: Secret,
    /// In Unix seconds.
    pub expires_at: i64,
}

#[derive(Deserialize)]
struct Claims {
    exp: i64,
}

impl AccessToken {
    /// Reads the value of a header at `now` in Unix seconds. `None` for what can be no token, and for one that has expired.
    pub fn read(header: &[u8], now: i64) -> Option<Self> {
        let token = str::from_utf8(header).ok()?;
        if !(1..=LONGEST_TOKEN_BYTES).contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let claimed = claimed_end(token).unwrap_or(now.saturating_add(UNDATED_TRUST_SECONDS));
        let expires_at = claimed.min(now.saturating_add(LONGEST_TRUST_SECONDS));
        (expires_at > now).then(|| Self { token: Secret::new(token), expires_at })
    }
}

/// `exp` is the one claim that Forge allows to be read.
fn claimed_end(token: &str) -> Option<i64> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claims>(&payload).ok().map(|claims| claims.exp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_763_600_000;

    fn token(claims: serde_json::Value) -> String {
        format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    fn end(header: &str) -> Option<i64> {
        AccessToken::read(header.as_bytes(), NOW).map(|token| token.expires_at - NOW)
    }

    #[test]
    fn a_token_counts_until_it_says_so_and_four_hours_at_most() {
        assert_eq!(end(&token(json!({ "exp": NOW + 7_000 }))), Some(7_000));
        for exp in [NOW + 14_401, i64::MAX] {
            assert_eq!(end(&token(json!({ "exp": exp }))), Some(14_400));
        }
        for exp in [NOW, 0, i64::MIN] {
            assert_eq!(end(&token(json!({ "exp": exp }))), None);
        }
    }

    #[test]
    fn a_token_that_does_not_say_its_end_counts_for_an_hour() {
        for header in ["opaque", "a.b.c", &token(json!({})), &token(json!({ "exp": "soon" })), &token(json!([]))] {
            assert_eq!(end(header), Some(3_600), "{header}");
        }
    }

    #[test]
    fn what_can_be_no_token_is_none_and_a_token_is_never_shown() {
        for header in ["", " ", "a b", "a\r\nb", "ä", &"a".repeat(LONGEST_TOKEN_BYTES + 1)] {
            assert_eq!(end(header), None);
        }
        assert_eq!(AccessToken::read(b"\xff", NOW), None);
        let token = AccessToken::read(b"opaque", NOW).expect("a token");
        assert!(!format!("{token:?}").contains("opaque"));
    }
}
