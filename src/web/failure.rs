//! Errors as pages: one sentence and a next step, or the way to sign in. Every page handler answers with it.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use askama::Template as _;

use super::page::{Button, ErrorPage};
use crate::error::{Error, Kind};
use crate::telemetry;

/// An error whose face is a page.
#[derive(Debug)]
pub struct Failure(Error);

/// The result of a page handler.
pub type PageResult<T> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self(Error::internal(error))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        if self.0.code == "session_ended" { StatusCode::SEE_OTHER } else { self.0.status() }
    }

    fn error_response(&self) -> HttpResponse {
        if self.0.code == "session_ended" {
            return HttpResponse::SeeOther().insert_header((header::LOCATION, "/sign-in")).finish();
        }
        let (sentence, next_step) = self.0.sentences();
        let page = ErrorPage {
            sentence,
            next_step,
            button: (self.0.kind != Kind::Internal)
                .then(|| Button { href: "/".to_owned(), label: "Go to the start page".to_owned() }),
            request_id: telemetry::request_id(),
        };
        match page.render() {
            Ok(html) => self.0.response().content_type("text/html; charset=utf-8").body(html),
            Err(_no_memory) => self.0.error_response(),
        }
    }
}

/// A page as an answer.
///
/// # Errors
/// Never in practice: writing to memory does not fail.
pub fn html(page: &impl askama::Template) -> PageResult<HttpResponse> {
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page.render()?))
}

/// Sends the browser to another page after a form was posted.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

/// A page as the answer to a form that came back, with the status of what is wrong.
///
/// # Errors
/// As [`html`].
pub fn html_with(status: StatusCode, page: &impl askama::Template) -> PageResult<HttpResponse> {
    let mut response = html(page)?;
    *response.status_mut() = status;
    Ok(response)
}
