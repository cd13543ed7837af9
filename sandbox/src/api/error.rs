//! Bitbucket's error shape.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#standardized-error-responses>.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::{Value, json};

/// A refusal; `detail` is `null`, text or an object.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) detail: Value,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), detail: Value::Null }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
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
        let mut body = json!({ "type": "error", "error": { "message": self.message } });
        if !self.detail.is_null() {
            body["error"]["detail"] = self.detail.clone();
        }
        HttpResponse::build(self.status).json(body)
    }
}
