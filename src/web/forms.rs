//! Forms that come back with what was typed: what is wrong with which field. Page handlers use it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::failure::{Failure, PageResult, html};
use super::page::WrongField;
use crate::error::Error;

/// What is wrong with a form, for its page to come back with.
///
/// # Errors
/// An error that is about no field is answered by a page of its own.
pub fn wrong_field(error: Error) -> Result<(WrongField, StatusCode), Failure> {
    match error.field {
        Some(field) => {
            error.log();
            Ok((WrongField::new(field, error.detail.to_string()), error.status()))
        }
        None => Err(error.into()),
    }
}

/// A page that came back.
///
/// # Errors
/// Never in practice: writing to memory does not fail.
pub fn answer(page: &impl askama::Template, status: StatusCode) -> PageResult<HttpResponse> {
    let mut response = html(page)?;
    *response.status_mut() = status;
    Ok(response)
}
