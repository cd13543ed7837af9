//! `/api/v1/one-on-ones/{id}/agenda`: what two people want to talk about.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::creation;
use super::links::Person;
use super::one_on_ones::parse;
use super::sent::Sent;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::people::one_on_ones::agenda;
use crate::people::text::Line;
use crate::storage::ids::{AgendaItemId, OneOnOneId};

/// An item on the agenda of a 1:1.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgendaItem {
    /// Its id.
    id: AgendaItemId,
    /// What it says.
    body: String,
    /// Who added it.
    added_by: Person,
    /// Whether it is ticked.
    done: bool,
    /// When it was ticked.
    done_at: Option<DateTime<Utc>>,
    /// The day of the 1:1 it was carried over from.
    carried_from: Option<NaiveDate>,
    /// The 1:1 it was carried over to.
    carried_to: Option<OneOnOneId>,
    /// When it was added first.
    created_at: DateTime<Utc>,
}

/// An item to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAgendaItem {
    /// What it says: 1 to 300 characters on one line.
    body: String,
    /// Whether it is ticked already.
    #[serde(default)]
    done: bool,
}

/// What to change of an item; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgendaItemChange {
    /// What it says; only on items that you added.
    body: Option<String>,
    /// Whether it is ticked. Where it was carried over, it is ticked there too.
    done: Option<bool>,
}

impl From<agenda::AgendaItem> for AgendaItem {
    fn from(item: agenda::AgendaItem) -> Self {
        Self {
            id: item.id,
            body: item.body,
            added_by: Person { id: item.added_by, name: item.added_by_name },
            done: item.done_at.is_some(),
            done_at: item.done_at.map(|at| at.and_utc()),
            carried_from: item.carried_from,
            carried_to: item.carried_to,
            created_at: item.created_at.and_utc(),
        }
    }
}

fn item_id(id: &str) -> Result<AgendaItemId> {
    AgendaItemId::parse(id).ok_or_else(|| Error::not_found("agenda item"))
}

/// Adds an item to the agenda of a 1:1 of yours.
#[utoipa::path(
    post,
    path = "/api/v1/one-on-ones/{id}/agenda",
    operation_id = "create_agenda_item",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = OneOnOneId, Path, description = "The 1:1.")),
    request_body = NewAgendaItem,
    responses((status = 201, body = AgendaItem), (status = 404), (status = 409, description = "`agenda_full`"))
)]
pub(super) async fn create(app: web::Data<App>, caller: Caller, id: web::Path<String>, sent: Sent) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let (input, key) = sent.with_key::<NewAgendaItem>()?;
    let (id, body) = (parse(&id)?, Line::parse("body", &input.body)?);
    let collection = format!("/api/v1/one-on-ones/{id}/agenda");
    creation::answer(&app, caller.viewer, key, &collection, move |connection, viewer, now| {
        let item = agenda::add(connection, viewer, &id, &body, now)?;
        if input.done {
            agenda::tick(connection, viewer, &id, &item, true, now)?;
        }
        agenda::find(connection, viewer, &id, &item).map(AgendaItem::from)
    })
    .await
}

/// Ticks an item, or changes the text of one that you added.
#[utoipa::path(
    patch,
    path = "/api/v1/one-on-ones/{id}/agenda/{item}",
    operation_id = "change_agenda_item",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = OneOnOneId, Path, description = "The 1:1."), ("item" = AgendaItemId, Path, description = "The item.")),
    request_body = AgendaItemChange,
    responses(
        (status = 200, body = AgendaItem),
        (status = 403, description = "`adder_needed`: the text is not yours to change."),
        (status = 404)
    )
)]
pub(super) async fn change(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    sent: Sent,
) -> Result<web::Json<AgendaItem>> {
    caller.needs(Scope::Write)?;
    let (id, item, input) = (parse(&path.0)?, item_id(&path.1)?, sent.json::<AgendaItemChange>()?);
    let body = input.body.map(|body| Line::parse("body", &body)).transpose()?;
    let now = app.now();
    let changed = app.write(move |connection| {
        if let Some(body) = &body {
            agenda::write(connection, &caller.viewer, &id, &item, body)?;
        }
        if let Some(is_done) = input.done {
            agenda::tick(connection, &caller.viewer, &id, &item, is_done, &now)?;
        }
        agenda::find(connection, &caller.viewer, &id, &item)
    });
    Ok(web::Json(changed.await?.into()))
}

/// Takes an item that you added off the agenda.
#[utoipa::path(
    delete,
    path = "/api/v1/one-on-ones/{id}/agenda/{item}",
    operation_id = "remove_agenda_item",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = OneOnOneId, Path, description = "The 1:1."), ("item" = AgendaItemId, Path, description = "The item.")),
    responses(
        (status = 204, description = "It is off the agenda."),
        (status = 403, description = "`adder_needed`"),
        (status = 404)
    )
)]
pub(super) async fn remove(app: web::Data<App>, caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let (id, item) = (parse(&path.0)?, item_id(&path.1)?);
    app.write(move |connection| agenda::remove(connection, &caller.viewer, &id, &item)).await?;
    Ok(HttpResponse::NoContent().finish())
}
