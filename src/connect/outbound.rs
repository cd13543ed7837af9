//! The signature under our own calls to Bitbucket. For the client of its REST API.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/authentication-for-apps>

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{query::Query, query_string_hash::query_string_hash};

/// How long a token for one call lives.
pub const OUTBOUND_LIFETIME_SECONDS: i64 = 3 * 60;

/// A token for one call to the REST API, for the header `Authorization: JWT <token>`: Bitbucket takes no other place.
///
/// `path` is the path of the call as it goes on the wire, percent-encoded; `query_pairs` are not encoded; `now` is Unix
/// seconds.
pub fn sign_outbound(
    app_key: &str,
    client_key: &str,
    secret: &str,
    method: &str,
    path: &str,
    query_pairs: &[(&str, &str)],
    now: i64,
) -> String {
    let query = Query::from_pairs(query_pairs.iter().copied());
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let claims = json!({
        "iss": app_key,
        "sub": client_key,
        "iat": now,
        "exp": now.saturating_add(OUTBOUND_LIFETIME_SECONDS),
        "qsh": query_string_hash(method, path, &query),
    });
    let signing_input = format!("{}.{}", encoded(&header), encoded(&claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, signing_input.as_bytes());
    format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn encoded(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(token: &str, index: usize) -> Value {
        let part = token.split('.').nth(index).expect("three parts");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
    }

    #[test]
    fn a_call_names_app_installation_and_request_and_lives_three_minutes() {
        let path = "/2.0/workspaces/%7Bacf54878-51be-473e-bf0b-0fbb12e011ad%7D/hooks";
        let query = [("pagelen", "1"), ("fields", "values.uuid,next")];

        let token = sign_outbound("clarityloop", "connection:479", "secret", "get", path, &query, 1_763_600_000);

        let hash = query_string_hash("GET", path, &Query::from_pairs(query));
        assert_eq!(part(&token, 0), json!({ "alg": "HS256", "typ": "JWT" }));
        assert_eq!(
            part(&token, 1),
            json!({ "iss": "clarityloop", "sub": "connection:479", "iat": 1_763_600_000, "exp": 1_763_600_180, "qsh": hash })
        );
    }

    #[test]
    fn the_signature_is_that_of_the_shared_secret() {
        let token = sign_outbound("clarityloop", "connection:479", "secret", "DELETE", "/2.0/addon", &[], 0);
        let (signing_input, signature) = token.rsplit_once('.').expect("three parts");
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        assert!(hmac::verify(&key, signing_input.as_bytes(), &signature).is_ok());
    }
}
