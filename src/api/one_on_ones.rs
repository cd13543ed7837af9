//! `/api/v1/one-on-ones`: two people who talk on a day, and the caller's own notes on it.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::agenda::AgendaItem;
use super::caller::Caller;
use super::creation;
use super::links::{Link, Person};
use super::listing::{self, List, PageQuery};
use super::sent::Sent;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::people::links;
use crate::people::one_on_ones::{self, Span, agenda, notes};
use crate::people::page::Page;
use crate::people::text::{self, Body};
use crate::storage::ids::{MemberId, OneOnOneId};

/// A 1:1, which only its two people see.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OneOnOne {
    /// Its id.
    id: OneOnOneId,
    /// Who planned it.
    planned_by: Person,
    /// With whom.
    with: Person,
    /// On which day.
    held_on: NaiveDate,
    /// When it was planned.
    created_at: DateTime<Utc>,
}

/// A 1:1 with its agenda and the pull requests that belong to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OneOnOneWithAgenda {
    /// The 1:1.
    #[serde(flatten)]
    one_on_one: OneOnOne,
    /// What is to be talked about, at most 100 items, in the order in which they were added.
    agenda: Vec<AgendaItem>,
    /// The newest 100 pull requests attached to it. `/api/v1/links` takes the cursor for the others.
    links: List<Link>,
}

/// A 1:1 to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOneOnOne {
    /// The id of the member you talk with.
    #[schema(value_type = MemberId)]
    with: String,
    /// On which day, such as `2026-11-27`.
    #[schema(value_type = NaiveDate)]
    held_on: String,
}

/// Another day for a 1:1.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneOnOneChange {
    /// On which day, such as `2026-11-27`.
    #[schema(value_type = NaiveDate)]
    held_on: String,
}

/// Your own notes on a 1:1, which nobody else reads.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Note {
    /// What they say; empty when you have written none.
    body: String,
    /// When you wrote them last.
    updated_at: Option<DateTime<Utc>>,
}

/// Your notes to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewNote {
    /// What they say: at most 20,000 characters, possibly none.
    body: String,
}

impl From<one_on_ones::OneOnOne> for OneOnOne {
    fn from(item: one_on_ones::OneOnOne) -> Self {
        Self {
            id: item.id,
            planned_by: Person { id: item.creator_id, name: item.creator_name },
            with: Person { id: item.other_id, name: item.other_name },
            held_on: item.held_on,
            created_at: item.created_at.and_utc(),
        }
    }
}

impl From<notes::OwnNotes> for Note {
    fn from(own: notes::OwnNotes) -> Self {
        Self { body: own.body, updated_at: own.updated_at.map(|at| at.and_utc()) }
    }
}

/// The id in an address.
pub(super) fn parse(id: &str) -> Result<OneOnOneId> {
    OneOnOneId::parse(id).ok_or_else(|| Error::not_found("one_on_one"))
}

/// Your 1:1s, the latest day first.
#[utoipa::path(
    get,
    path = "/api/v1/one-on-ones",
    operation_id = "list_one_on_ones",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(PageQuery),
    responses((status = 200, body = List<OneOnOne>))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller, request: HttpRequest) -> Result<web::Json<List<OneOnOne>>> {
    caller.needs(Scope::Read)?;
    let page = listing::page_by_date(&request)?;
    let listed = app.read(move |connection| one_on_ones::list(connection, &caller.viewer, Span::All, &page)).await?;
    Ok(web::Json(List::new(listed, OneOnOne::from)))
}

/// Plans a 1:1 with a colleague. What is still open on the agenda of the one before is carried over.
#[utoipa::path(
    post,
    path = "/api/v1/one-on-ones",
    operation_id = "create_one_on_one",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    request_body = NewOneOnOne,
    responses(
        (status = 201, body = OneOnOne),
        (status = 404, description = "`not_found`: there is no such member."),
        (status = 409, description = "`already_planned`: you two have one on that day.")
    )
)]
pub(super) async fn create(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let (input, key) = sent.with_key::<NewOneOnOne>()?;
    let with = MemberId::parse(&input.with).ok_or_else(|| Error::not_found("member"))?;
    let new = one_on_ones::NewOneOnOne { with, held_on: text::date("held_on", &input.held_on)? };
    creation::answer(&app, caller.viewer, key, "/api/v1/one-on-ones", move |connection, viewer, now| {
        let id = one_on_ones::plan(connection, viewer, &new, now)?;
        one_on_ones::find(connection, viewer, &id).map(OneOnOne::from)
    })
    .await
}

/// One 1:1 with its agenda and the pull requests that belong to it.
#[utoipa::path(
    get,
    path = "/api/v1/one-on-ones/{id}",
    operation_id = "show_one_on_one",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(("id" = OneOnOneId, Path, description = "The 1:1.")),
    responses((status = 200, body = OneOnOneWithAgenda), (status = 404))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<OneOnOneWithAgenda>> {
    caller.needs(Scope::Read)?;
    let id = parse(&id)?;
    let shown = app.read(move |connection| {
        let item = one_on_ones::find(connection, &caller.viewer, &id)?;
        let agenda = agenda::list(connection, &caller.viewer, &id)?;
        let links = links::list(connection, &caller.viewer, Some(&item.target()), &Page { before: None, limit: 100 })?;
        Ok(OneOnOneWithAgenda {
            one_on_one: item.into(),
            agenda: agenda.into_iter().map(AgendaItem::from).collect(),
            links: List::new(links, Link::from),
        })
    });
    shown.await.map(web::Json)
}

/// Moves a 1:1 to another day.
#[utoipa::path(
    patch,
    path = "/api/v1/one-on-ones/{id}",
    operation_id = "move_one_on_one",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = OneOnOneId, Path, description = "The 1:1.")),
    request_body = OneOnOneChange,
    responses((status = 200, body = OneOnOne), (status = 404), (status = 409, description = "`already_planned`"))
)]
pub(super) async fn change(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    sent: Sent,
) -> Result<web::Json<OneOnOne>> {
    caller.needs(Scope::Write)?;
    let (id, input) = (parse(&id)?, sent.json::<OneOnOneChange>()?);
    let (held_on, now) = (text::date("held_on", &input.held_on)?, app.now());
    let moved = app.write(move |connection| one_on_ones::move_to(connection, &caller.viewer, &id, held_on, &now)).await?;
    Ok(web::Json(moved.into()))
}

/// Cancels a 1:1: its agenda, both people's notes and its links go with it.
#[utoipa::path(
    delete,
    path = "/api/v1/one-on-ones/{id}",
    operation_id = "cancel_one_on_one",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = OneOnOneId, Path, description = "The 1:1.")),
    responses((status = 204, description = "It is cancelled."), (status = 404))
)]
pub(super) async fn cancel(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let id = parse(&id)?;
    app.write(move |connection| one_on_ones::cancel(connection, &caller.viewer, &id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Your own notes on a 1:1.
#[utoipa::path(
    get,
    path = "/api/v1/one-on-ones/{id}/note",
    operation_id = "show_own_note",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(("id" = OneOnOneId, Path, description = "The 1:1.")),
    responses((status = 200, body = Note), (status = 404))
)]
pub(super) async fn show_note(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<Note>> {
    caller.needs(Scope::Read)?;
    let id = parse(&id)?;
    let own = app.read(move |connection| notes::read(connection, &caller.viewer, &id)).await?;
    Ok(web::Json(own.into()))
}

/// Writes your own notes on a 1:1.
#[utoipa::path(
    put,
    path = "/api/v1/one-on-ones/{id}/note",
    operation_id = "write_own_note",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = OneOnOneId, Path, description = "The 1:1.")),
    request_body = NewNote,
    responses((status = 200, body = Note), (status = 404))
)]
pub(super) async fn write_note(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    sent: Sent,
) -> Result<web::Json<Note>> {
    caller.needs(Scope::Write)?;
    let (id, input) = (parse(&id)?, sent.json::<NewNote>()?);
    let (body, now) = (Body::parse(&input.body)?, app.now());
    let written = app.write(move |connection| {
        notes::write(connection, &caller.viewer, &id, &body, &now)?;
        notes::read(connection, &caller.viewer, &id)
    });
    Ok(web::Json(written.await?.into()))
}
