//! What can go wrong with a call, as a closed set that a caller can act on. Used by whoever calls Bitbucket.

use reqwest::{StatusCode, header};
use serde::Deserialize;

use crate::error::{Error, Kind};

/// Why Bitbucket did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// 401: the credential is wrong or no longer good.
    #[error("Bitbucket does not accept the credential")]
    NotAuthorised,
    /// 403: the credential is good and may not; the scopes it lacks, when Bitbucket names them.
    #[error("Bitbucket does not allow this call")]
    Forbidden {
        /// What the call needs.
        required_scopes: Vec<String>,
    },
    /// 404: no such thing, or not for this credential.
    #[error("Bitbucket has no such thing, or hides it from this app")]
    NotFound,
    /// 410: removed by Atlassian, or the workspace is gone.
    #[error("Atlassian has removed this")]
    Gone,
    /// 429.
    #[error("Bitbucket asks to wait")]
    RateLimited {
        /// For how long, when it says so.
        after_seconds: Option<u32>,
    },
    /// Any other 4xx, or a redirect: asking again would be answered the same.
    #[error("Bitbucket refused the call ({status})")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// No answer, or 5xx.
    #[error("Bitbucket does not answer")]
    Down,
    /// An answer that is not what the documentation says.
    #[error("Bitbucket's answer cannot be read")]
    Malformed,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: Option<ErrorDetail>,
}

#[derive(Deserialize)]
struct ErrorDetail {
    detail: Option<Detail>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Detail {
    Scopes { required: Vec<String> },
    Other(serde::de::IgnoredAny),
}

impl Failure {
    /// Stable, for metrics and for people's rows.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAuthorised => "bitbucket_not_authorised",
            Self::Forbidden { .. } => "bitbucket_forbidden",
            Self::NotFound => "bitbucket_not_found",
            Self::Gone => "bitbucket_gone",
            Self::RateLimited { .. } => "bitbucket_rate_limited",
            Self::Refused { .. } => "bitbucket_refused",
            Self::Down => "bitbucket_down",
            Self::Malformed => "bitbucket_malformed",
        }
    }

    /// Whether the same call may work later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Down | Self::Malformed)
    }

    pub(super) fn down(error: &reqwest::Error) -> Self {
        tracing::debug!(timeout = error.is_timeout(), connect = error.is_connect(), "Bitbucket did not answer");
        Self::Down
    }

    pub(super) fn rate_limited(headers: &header::HeaderMap) -> Self {
        let after =
            headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| text.trim().parse().ok());
        Self::RateLimited { after_seconds: after }
    }

    pub(super) fn of_status(status: StatusCode, body: &[u8]) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::NotAuthorised,
            StatusCode::BAD_REQUEST if is_about_the_client(body) => Self::NotAuthorised,
            StatusCode::FORBIDDEN => Self::Forbidden { required_scopes: required_scopes(body) },
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::GONE => Self::Gone,
            status if status.is_server_error() => Self::Down,
            status => Self::Refused { status: status.as_u16() },
        }
    }
}

/// Whether an OAuth error (<https://www.rfc-editor.org/rfc/rfc6749#section-5.2>) says that the consumer itself is wrong.
fn is_about_the_client(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct OAuthError {
        error: String,
    }
    serde_json::from_slice(body)
        .is_ok_and(|OAuthError { error }| ["invalid_client", "unauthorized_client"].contains(&error.as_str()))
}

fn required_scopes(body: &[u8]) -> Vec<String> {
    let detail = serde_json::from_slice::<ErrorBody>(body).ok().and_then(|body| body.error).and_then(|error| error.detail);
    match detail {
        Some(Detail::Scopes { required }) => required,
        Some(Detail::Other(_)) | None => Vec::new(),
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let retry_after_seconds = match failure {
            Failure::RateLimited { after_seconds } => Some(after_seconds.unwrap_or(60)),
            _ => Some(30),
        };
        let detail = "Bitbucket does not answer as it should at the moment. Try again in a minute.";
        let mut error = Self::new(Kind::Upstream, failure.code(), detail).because(failure);
        error.retry_after_seconds = retry_after_seconds;
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scopes_a_call_lacks_are_read_from_an_object_and_a_plain_detail_is_tolerated() {
        let body = br#"{"type":"error","error":{"message":"m","detail":{"granted":["account"],"required":["repository"]}}}"#;
        assert_eq!(
            Failure::of_status(StatusCode::FORBIDDEN, body),
            Failure::Forbidden { required_scopes: vec!["repository".to_owned()] }
        );
        for body in [&br#"{"error":{"detail":"no"}}"#[..], b"plain text", b""] {
            assert_eq!(Failure::of_status(StatusCode::FORBIDDEN, body), Failure::Forbidden { required_scopes: Vec::new() });
        }
    }
}
