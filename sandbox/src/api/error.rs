//! Bitbucket's error shape.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#standardized-error-responses>.

use crate::budget::UsedUp;
use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::{Map, Value, json};

/// A refusal.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    /// `detail` (text or an object), `fields` and `data`, as far as there are any.
    more: Map<String, Value>,
    is_plain: bool,
    used_up: Option<UsedUp>,
}

impl From<UsedUp> for ApiError {
    fn from(used_up: UsedUp) -> Self {
        Self { used_up: Some(used_up), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many calls") }
    }
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), more: Map::new(), is_plain: false, used_up: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// Something is wrong with one field of what was sent.
    pub(crate) fn of_field(field: &str, reason: &str) -> Self {
        Self::bad_request("Bad request").with("fields", json!({ field: [reason] }))
    }

    /// The token is not good here, whatever it is.
    pub(crate) fn unsupported() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Token is invalid, expired, or not supported for this endpoint.")
    }

    /// The same with another part of the error: `detail`, `fields` or `data`.
    pub(crate) fn with(mut self, part: &str, value: Value) -> Self {
        self.more.insert(part.to_owned(), value);
        self
    }

    /// The same as plain text, which some refusals really are.
    pub(crate) fn plain(self) -> Self {
        Self { is_plain: true, ..self }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        if let Some(used_up) = &self.used_up {
            return used_up.answer();
        }
        let mut response = HttpResponse::build(self.status);
        if self.is_plain {
            return response.content_type("text/plain; charset=utf-8").body(self.message.clone());
        }
        let mut error = json!({ "message": self.message });
        for (part, value) in &self.more {
            error[part] = value.clone();
        }
        response.json(json!({ "type": "error", "error": error }))
    }
}
