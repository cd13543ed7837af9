//! A JSON web token taken apart and nothing verified: three base64url parts, RS256, an ordinary header (RFC 7515, RFC 7519).
//! For the verifier of invocation tokens only.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::refusal::Refusal;

/// The longest token that is read. Those of Forge have about two thousand bytes, more with a long address in their context.
pub const LONGEST_TOKEN_BYTES: usize = 16 * 1024;

/// The longest name of a key that is looked up.
pub const LONGEST_KEY_ID_BYTES: usize = 255;

/// The parts of a token. Nothing in it is believed before the signature is verified.
pub(super) struct Unverified<'a> {
    /// Which key made the signature.
    pub(super) key_id: String,
    /// What the signature covers.
    pub(super) signing_input: &'a str,
    /// The signature's bytes.
    pub(super) signature: Vec<u8>,
    payload: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<Value>,
}

/// The claims that are looked at, each as it came. A claim that stands twice makes a token malformed.
#[derive(Deserialize)]
pub(super) struct Payload {
    #[serde(default, deserialize_with = "present")]
    pub(super) iss: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(super) aud: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(super) iat: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(super) exp: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(super) nbf: Option<Value>,
    pub(super) app: Option<Value>,
    pub(super) context: Option<Value>,
    pub(super) principal: Option<Value>,
    #[serde(rename = "icLabel")]
    pub(super) isolated_cloud: Option<Value>,
}

impl<'a> Unverified<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > LONGEST_TOKEN_BYTES {
            return Err(Refusal::Malformed);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Refusal::Malformed)?;

        let header: Header = json_part(header)?;
        if header.alg != "RS256" {
            return Err(Refusal::Algorithm);
        }
        // `crit` names extensions that must be understood (RFC 7515, section 4.1.11); none are.
        if header.crit.is_some() || header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(Refusal::Malformed);
        }
        let key_id = header.kid.filter(|key_id| is_key_id(key_id)).ok_or(Refusal::Malformed)?;
        Ok(Self { key_id, signing_input, signature: decoded_part(signature)?, payload })
    }

    /// The claims, to be read once the signature has been found good.
    pub(super) fn payload(&self) -> Result<Payload, Refusal> {
        json_part(self.payload)
    }
}

fn is_key_id(text: &str) -> bool {
    (1..=LONGEST_KEY_ID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn json_part<T: DeserializeOwned>(part: &str) -> Result<T, Refusal> {
    let json = decoded_part(part)?;
    // An array would be taken for the fields in their order.
    if !json.starts_with(b"{") {
        return Err(Refusal::Malformed);
    }
    serde_json::from_slice(&json).or(Err(Refusal::Malformed))
}

fn decoded_part(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).or(Err(Refusal::Malformed))
}

/// Keeps a `null` apart from a claim that is not there: only the latter may be left out.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Whole Unix seconds of a NumericDate, which may have a fraction (RFC 7519, section 2).
pub(super) fn seconds(claim: &Value) -> Option<i64> {
    // The cast saturates: a time beyond any calendar stays one, and fails the checks that follow.
    claim.as_i64().or_else(|| claim.as_f64().map(|seconds| seconds.floor() as i64))
}
