//! What a caller sent: a bounded JSON body and the key that makes its repetition harmless. It is judged after who sent it, so that
//! a stranger learns nothing from the order of refusals.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use serde::de::DeserializeOwned;

use crate::error::{Error, Kind, Result};
use crate::people::idempotency;
use crate::platform::body::Body;
use crate::storage::seal::hash_hex;

/// The largest body, in bytes: the longest text in any script, escaped as JSON may be.
const BODY_BYTES: usize = 256 * 1024;
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// A body as it came, still unread.
#[derive(Debug)]
pub(super) struct Sent {
    request: HttpRequest,
    body: Result<Body<BODY_BYTES>>,
}

impl FromRequest for Sent {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Body::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move { Ok(Self { request, body: body.await }) })
    }
}

impl Sent {
    /// The body, read.
    ///
    /// # Errors
    /// `content_type_unsupported` or `body_malformed` (400); `body_too_large` (413).
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T> {
        must_be_json(&self.request)?;
        parse(&self.body?.0)
    }

    /// The body, read, or what stands for one that was left out.
    ///
    /// # Errors
    /// As [`Sent::json`].
    pub(super) fn json_or_nothing<T: DeserializeOwned + Default>(self) -> Result<T> {
        match &self.body {
            Ok(body) if body.0.is_empty() => Ok(T::default()),
            _ => self.json(),
        }
    }

    /// The body, read, and the key under which its answer is kept, when there is one.
    ///
    /// # Errors
    /// As [`Sent::json`]; `idempotency_key_invalid` (400).
    pub(super) fn with_key<T: DeserializeOwned>(self) -> Result<(T, Option<idempotency::Request>)> {
        must_be_json(&self.request)?;
        let bytes = self.body?.0;
        Ok((parse(&bytes)?, key(&self.request, &bytes)?))
    }
}

impl Sent {
    /// The key under which the answer is kept, for a request without a body.
    ///
    /// # Errors
    /// `idempotency_key_invalid` (400); `body_too_large` (413).
    pub(super) fn key(self) -> Result<Option<idempotency::Request>> {
        let bytes = self.body?.0;
        key(&self.request, &bytes)
    }
}

fn must_be_json(request: &HttpRequest) -> Result<()> {
    if request.content_type().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "Send JSON and say so with the header Content-Type: application/json.";
    Err(Error::new(Kind::Invalid, "content_type_unsupported", detail))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| Error::new(Kind::Invalid, "body_malformed", complaint(&error)))
}

fn key(request: &HttpRequest, body: &[u8]) -> Result<Option<idempotency::Request>> {
    let mut values = request.headers().get_all(IDEMPOTENCY_KEY);
    let Some(value) = values.next() else { return Ok(None) };
    // A key that is not text, or one of two, is as unusable as an empty one.
    let value = value.to_str().ok().filter(|_| values.next().is_none()).unwrap_or_default();
    let mut hashed = format!("{} {}\n", request.method(), request.path()).into_bytes();
    hashed.extend_from_slice(body);
    idempotency::Request::parse(value, hash_hex(&hashed)).map(Some)
}

/// What is wrong with a body, and where, in our words: the parser's own sentence may repeat what was sent.
fn complaint(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let (line, column) = (error.line(), error.column());
    let ours = said.split(" at line ").next().unwrap_or_default();
    let what = match error.classify() {
        serde_json::error::Category::Data => match ours.split_whitespace().next().unwrap_or_default() {
            // These two name a field of ours.
            "missing" | "duplicate" => ours,
            "unknown" => "a field or a word that is not known here",
            _ => "a value of another type than expected",
        },
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof | serde_json::error::Category::Io => "not JSON",
    };
    format!("The body cannot be read: {what}, at line {line}, column {column}. The document at /api shows what is expected.")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        #[serde(rename = "enabled")]
        _enabled: bool,
    }

    fn complaint_about(body: &str) -> String {
        complaint(&serde_json::from_str::<Example>(body).unwrap_err())
    }

    #[test]
    fn a_complaint_says_what_is_wrong_and_where() {
        assert!(complaint_about("{}").contains("missing field `enabled`, at line 1, column 2"));
        assert!(complaint_about(r#"{"enabled":true,"enabled":true}"#).contains("duplicate field `enabled`"));
        assert!(complaint_about(r#"{"enabled":"yes"}"#).contains("another type"));
        assert!(complaint_about("{").contains("not JSON"));
    }

    #[test]
    fn a_complaint_repeats_nothing_that_was_sent() {
        for body in [r#"{"s3cret":1}"#, r#"{"enabled":"s3cret"}"#, "s3cret", r#"{"enabled":true} s3cret"#, r#""s3cret""#] {
            assert!(!complaint_about(body).contains("s3cret"), "{body}");
        }
    }
}
