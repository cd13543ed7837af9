//! Lists: which part of one is asked for, and how it is answered.

use actix_web::{HttpRequest, web};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Kind, Result};
use crate::people::page::{Listed, Page, PageByDate};

/// Which part of a list is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Where to go on: the `next` of the page before.
    cursor: Option<String>,
    /// How many entries, 1 to 100; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

/// One page of a list, the newest entry first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T: ToSchema> {
    /// The entries.
    pub(super) entries: Vec<T>,
    /// The cursor of the next page; null on the last.
    pub(super) next: Option<String>,
}

impl<T: ToSchema> List<T> {
    /// The page as it is rendered, each row by `entry`.
    pub(super) fn new<Row>(listed: Listed<Row>, entry: impl FnMut(Row) -> T) -> Self {
        Self { entries: listed.entries.into_iter().map(entry).collect(), next: listed.next }
    }
}

/// The page that a request's query asks for.
///
/// # Errors
/// `query_malformed`, `cursor_invalid` or `limit_invalid` (400).
pub(super) fn page(request: &HttpRequest) -> Result<Page> {
    let PageQuery { cursor, limit } = query(request)?;
    Page::parse(cursor.as_deref(), limit.as_deref())
}

/// The page of a list by date that a request's query asks for.
///
/// # Errors
/// `query_malformed`, `cursor_invalid` or `limit_invalid` (400).
pub(super) fn page_by_date(request: &HttpRequest) -> Result<PageByDate> {
    let PageQuery { cursor, limit } = query(request)?;
    PageByDate::parse(cursor.as_deref(), limit.as_deref())
}

/// The query of a request, read.
///
/// # Errors
/// `query_malformed` (400), also when a parameter is unknown or comes twice.
pub(super) fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T> {
    let query = web::Query::from_query(request.query_string());
    query.map(web::Query::into_inner).map_err(|_may_repeat_what_was_sent| {
        let detail = "A parameter of the address is unknown, comes twice or cannot be read. The document at /api shows them all.";
        Error::new(Kind::Invalid, "query_malformed", detail)
    })
}
