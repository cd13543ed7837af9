//! One call and its answer, as plain values. The typed calls and whoever passes a person's own call on make and read them.

use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;

use super::path::encode_into;
use super::{ApiPath, Failure, Part};

/// The headers of an answer that tell a caller something; the others are the machinery of the web.
const HEADERS_THAT_MATTER: [&str; 18] = [
    "content-type",
    "content-disposition",
    "content-range",
    "etag",
    "last-modified",
    "location",
    "link",
    "deprecation",
    "sunset",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-resource",
    "x-ratelimit-nearlimit",
    "x-accepted-oauth-scopes",
    "x-oauth-scopes",
    "x-credential-type",
];

/// What is asked of Bitbucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Where.
    pub path: ApiPath,
    /// The parameters, not encoded; one name may come several times.
    pub query: Vec<(String, String)>,
    /// What is sent along.
    pub body: Option<Body>,
}

/// What is sent along with a call. Its `Debug` shows nothing of it: hooks are made with their secrets.
#[derive(Clone, PartialEq)]
pub enum Body {
    /// As `application/json`.
    Json(serde_json::Value),
    /// As `application/x-www-form-urlencoded`; one name may come several times.
    Form(Vec<(String, String)>),
    /// As `multipart/form-data`, with files.
    Multipart(Vec<Part>),
}

/// What Bitbucket answered, when it did what was asked. Its `Debug` shows nothing of the body.
#[derive(Clone)]
pub struct Answer {
    /// 2xx or 304.
    pub status: StatusCode,
    /// The headers that matter, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub body: Vec<u8>,
    /// How many calls the credential has left of this kind, as far as we know.
    pub budget_left: Option<u32>,
}

impl Call {
    /// A `GET` of `path`.
    pub fn get(path: ApiPath) -> Self {
        Self::new(Method::GET, path)
    }

    /// A call without parameters and body.
    pub fn new(method: Method, path: ApiPath) -> Self {
        Self { method, path, query: Vec::new(), body: None }
    }

    /// The same call with one parameter more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// The same call with one parameter more, when there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same call with a JSON body.
    #[must_use]
    pub fn json(self, body: serde_json::Value) -> Self {
        Self { body: Some(Body::Json(body)), ..self }
    }

    /// Path and query as they go on the wire.
    pub fn target(&self) -> String {
        let mut target = self.path.as_str().to_owned();
        for (index, (name, value)) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            encode_into(&mut target, name);
            target.push('=');
            encode_into(&mut target, value);
        }
        target
    }
}

impl Answer {
    /// The body as what it should be.
    ///
    /// # Errors
    /// `Malformed` when it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // The position only: the message of serde may quote what it read.
            tracing::warn!(line = error.line(), column = error.column(), "an answer of Bitbucket could not be read");
            Failure::Malformed
        })
    }

    /// The value of a header that matters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn headers_of(headers: &HeaderMap) -> Vec<(String, String)> {
        let value = |name: &str| HeaderName::from_bytes(name.as_bytes()).ok().and_then(|name| headers.get(name)).cloned();
        HEADERS_THAT_MATTER
            .iter()
            .filter_map(|name| {
                value(name).map(|value| ((*name).to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            })
            .collect()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Answer({}, {} bytes)", self.status.as_u16(), self.body.len())
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Json(_) => "Json(…)",
            Self::Form(_) => "Form(…)",
            Self::Multipart(_) => "Multipart(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_in_a_parameter_is_encoded_and_names_may_repeat() {
        let path = ApiPath::of(["repositories", "w", "r", "pullrequests"]).unwrap();
        let call = Call::get(path).with("state", "OPEN").with("state", "MERGED").with("fields", "+values.participants");
        assert_eq!(call.target(), "/2.0/repositories/w/r/pullrequests?state=OPEN&state=MERGED&fields=%2Bvalues.participants");
    }

    #[test]
    fn only_the_headers_that_matter_are_kept() {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", "1000".parse().unwrap());
        headers.insert("set-cookie", "session=1".parse().unwrap());
        assert_eq!(Answer::headers_of(&headers), [("x-ratelimit-limit".to_owned(), "1000".to_owned())]);
    }
}
