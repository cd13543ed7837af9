//! One error for the whole server: its status, its stable code and its JSON face. Anyone may use it.

use std::borrow::Cow;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::telemetry;

/// What went wrong, as far as a caller can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The caller must prove who they are: 401.
    Unauthorised,
    /// The caller is known and may not: 403.
    Forbidden,
    /// There is no such thing, or none the caller may see: 404.
    NotFound,
    /// What was sent cannot be read or is not allowed: 400.
    Invalid,
    /// It does not fit the present state: 409.
    Conflict,
    /// It has been taken away for good: 410.
    Gone,
    /// The body is larger than this door takes: 413.
    TooLarge,
    /// The door does not take this method: 405.
    MethodNotAllowed,
    /// Address and headers are larger than any real request's: 431.
    HeadTooLarge,
    /// The request took too long to arrive: 408.
    TooSlow,
    /// Too many tries; wait: 429.
    TooMany,
    /// Bitbucket did not answer as needed: 503.
    Upstream,
    /// This server is at its limit; wait: 503.
    Busy,
    /// A fault of ours: 500.
    Internal,
}

/// An error with a stable code for machines and a sentence for people that says what to do and shows no internals.
#[derive(Debug)]
pub struct Error {
    /// What went wrong, as far as a caller can act on it.
    pub kind: Kind,
    /// Stable, in snake case.
    pub code: &'static str,
    /// One sentence: what is wrong and what to do.
    pub detail: Cow<'static, str>,
    /// The field or parameter that is wrong.
    pub field: Option<&'static str>,
    /// How long to wait before trying again.
    pub retry_after_seconds: Option<u32>,
    /// For the log, never for the caller.
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of anything that can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`.
    pub fn new(kind: Kind, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, code, detail: detail.into(), field: None, retry_after_seconds: None, source: None }
    }

    /// 401 with `code`.
    pub fn unauthorised(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unauthorised, code, detail)
    }

    /// 403 with `code`.
    pub fn forbidden(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Forbidden, code, detail)
    }

    /// 404: there is no `what`, or none the caller may see.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(Kind::NotFound, "not_found", format!("There is no such {what}, or you may not see it."))
    }

    /// 400: `field` is wrong.
    pub fn invalid(code: &'static str, field: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { field: Some(field), ..Self::new(Kind::Invalid, code, detail) }
    }

    /// 409 with `code`.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Conflict, code, detail)
    }

    /// 503: this server is at its limit for a moment.
    pub fn busy() -> Self {
        let detail = "The server is busy. Try again in a moment.";
        Self { retry_after_seconds: Some(1), ..Self::new(Kind::Busy, "busy", detail) }
    }

    /// 429: too many tries.
    pub fn too_many(code: &'static str, detail: impl Into<Cow<'static, str>>, retry_after_seconds: u32) -> Self {
        Self { retry_after_seconds: Some(retry_after_seconds), ..Self::new(Kind::TooMany, code, detail) }
    }

    /// 500, with the cause for the log.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let detail = "Something went wrong on our side. It has been recorded; try again, and name the request id if it stays.";
        Self { source: Some(source.into()), ..Self::new(Kind::Internal, "internal", detail) }
    }

    /// The same error, said of `field`.
    #[must_use]
    pub fn at(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// The same error, with its cause for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self.kind {
            Kind::Unauthorised => StatusCode::UNAUTHORIZED,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Gone => StatusCode::GONE,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Kind::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Kind::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Kind::Upstream | Kind::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The detail for a page: what is the matter, and what to do next, which may be empty.
    pub fn sentences(&self) -> (String, String) {
        let (sentence, next_step) = self.detail.split_once(". ").unwrap_or((&self.detail, ""));
        (format!("{}.", sentence.trim_end_matches('.')), next_step.to_owned())
    }

    /// Writes the error to the log, once, where it is answered: a fault of ours with its cause, anything else as a remark.
    pub fn log(&self) {
        let source = self.source.as_deref().map(tracing::field::display);
        if self.kind == Kind::Internal {
            tracing::error!(code = self.code, source, "request failed");
        } else {
            tracing::debug!(code = self.code, source, "request refused");
        }
    }

    /// The body of RFC 9457 for this error (<https://www.rfc-editor.org/rfc/rfc9457>).
    pub fn problem(&self) -> Problem<'_> {
        let status = self.status();
        Problem {
            problem_type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: self.code,
            detail: &self.detail,
            field: self.field,
            request_id: telemetry::request_id(),
        }
    }

    /// A response with this error's status and headers, still without a body.
    pub fn response(&self) -> actix_web::HttpResponseBuilder {
        self.log();
        let mut response = HttpResponse::build(self.status());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        response
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Problem details for machines (RFC 9457), with a stable `code` and the request's id.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem<'a> {
    /// Always `about:blank`: the meaning is in `code`.
    #[serde(rename = "type")]
    pub problem_type: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Stable, for programs.
    pub code: &'static str,
    /// For people: what is wrong and what to do.
    pub detail: &'a str,
    /// The field or parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// Names this request in the logs.
    pub request_id: String,
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.response().content_type("application/problem+json").json(self.problem())
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error as Diesel};
        match &error {
            Diesel::NotFound => Self::not_found("entry").because(error),
            Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
                Self::conflict("already_exists", "This exists already. Load the newest state and try again.").because(error)
            }
            Diesel::DatabaseError(DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::ClosedConnection, _) => {
                Self::busy().because(error)
            }
            Diesel::DatabaseError(_, information) if information.message().contains("database is locked") => {
                Self::busy().because(error)
            }
            _ => Self::internal(error),
        }
    }
}
