//! `/api/v1/goals`: what members want to reach.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::creation;
use super::links::{Link, Person};
use super::listing::{self, List, PageQuery};
use super::sent::Sent;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::people::goals::{self, Change, Progress};
use crate::people::links;
use crate::people::page::Page;
use crate::people::text::{self, Body, Line};
use crate::storage::ids::GoalId;

/// A goal, seen by its owner and their manager, or by the whole workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Goal {
    /// Its id.
    id: GoalId,
    /// Whose it is.
    owner: Person,
    /// What it is called.
    title: String,
    /// Why it matters.
    why: String,
    /// Until when.
    due_on: Option<NaiveDate>,
    /// How far it is, in percent.
    progress: i32,
    /// Whether the whole workspace sees it.
    public: bool,
    /// Whether it is closed.
    closed: bool,
    /// When it was closed.
    closed_at: Option<DateTime<Utc>>,
    /// When it was set.
    created_at: DateTime<Utc>,
}

/// A goal with the pull requests that belong to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GoalWithLinks {
    /// The goal.
    #[serde(flatten)]
    goal: Goal,
    /// The newest 100 pull requests attached to it. `/api/v1/links` takes the cursor for the others.
    links: List<Link>,
}

/// A goal to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGoal {
    /// What it is called: 1 to 300 characters on one line.
    title: String,
    /// Why it matters: at most 20,000 characters, possibly none.
    #[serde(default)]
    why: String,
    /// Until when, such as `2026-11-27`.
    #[schema(value_type = Option<NaiveDate>)]
    due_on: Option<String>,
    /// How far it is already, in percent.
    #[serde(default)]
    progress: i64,
    /// Whether the whole workspace sees it.
    #[serde(default)]
    public: bool,
}

/// What to change of a goal; what is absent stays. A closed goal is only opened again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GoalChange {
    /// What it is called.
    title: Option<String>,
    /// Why it matters.
    why: Option<String>,
    /// Until when; null for no day.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<NaiveDate>)]
    due_on: Option<Option<String>>,
    /// How far it is, in percent.
    progress: Option<i64>,
    /// Whether the whole workspace sees it.
    public: Option<bool>,
    /// Whether it is closed.
    closed: Option<bool>,
}

/// A null that was sent, as opposed to a field that was not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<goals::Goal> for Goal {
    fn from(goal: goals::Goal) -> Self {
        Self {
            id: goal.id,
            owner: Person { id: goal.owner_id, name: goal.owner_name },
            title: goal.title,
            why: goal.why,
            due_on: goal.due_on,
            progress: goal.progress,
            public: goal.is_public,
            closed: goal.closed_at.is_some(),
            closed_at: goal.closed_at.map(|at| at.and_utc()),
            created_at: goal.created_at.and_utc(),
        }
    }
}

impl GoalChange {
    fn parse(self) -> Result<Change> {
        let due_on = |text: Option<String>| text::optional_date("due_on", &text.unwrap_or_default());
        Ok(Change {
            title: self.title.map(|title| Line::parse("title", &title)).transpose()?,
            why: self.why.map(|why| Body::parse_field("why", &why)).transpose()?,
            due_on: self.due_on.map(due_on).transpose()?,
            progress: self.progress.map(Progress::new).transpose()?,
            is_public: self.public,
            is_closed: self.closed,
        })
    }
}

fn parse(id: &str) -> Result<GoalId> {
    GoalId::parse(id).ok_or_else(|| Error::not_found("goal"))
}

/// The goals that you may see, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/goals",
    operation_id = "list_goals",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(PageQuery),
    responses((status = 200, body = List<Goal>))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller, request: HttpRequest) -> Result<web::Json<List<Goal>>> {
    caller.needs(Scope::Read)?;
    let page = listing::page(&request)?;
    let listed = app.read(move |connection| goals::list(connection, &caller.viewer, &page)).await?;
    Ok(web::Json(List::new(listed, Goal::from)))
}

/// Sets a goal of your own.
#[utoipa::path(
    post,
    path = "/api/v1/goals",
    operation_id = "create_goal",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    request_body = NewGoal,
    responses((status = 201, body = Goal))
)]
pub(super) async fn create(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let (input, key) = sent.with_key::<NewGoal>()?;
    let new = goals::NewGoal {
        title: Line::parse("title", &input.title)?,
        why: Body::parse_field("why", &input.why)?,
        due_on: text::optional_date("due_on", &input.due_on.unwrap_or_default())?,
        progress: Progress::new(input.progress)?,
        is_public: input.public,
    };
    creation::answer(&app, caller.viewer, key, "/api/v1/goals", move |connection, viewer, now| {
        let id = goals::create(connection, viewer, &new, now)?;
        goals::find(connection, viewer, &id).map(Goal::from)
    })
    .await
}

/// One goal, with the pull requests that belong to it.
#[utoipa::path(
    get,
    path = "/api/v1/goals/{id}",
    operation_id = "show_goal",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(("id" = GoalId, Path, description = "The goal.")),
    responses((status = 200, body = GoalWithLinks), (status = 404))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<GoalWithLinks>> {
    caller.needs(Scope::Read)?;
    let id = parse(&id)?;
    let shown = app.read(move |connection| {
        let goal = goals::find(connection, &caller.viewer, &id)?;
        let links = links::list(connection, &caller.viewer, Some(&goal.target()), &Page { before: None, limit: 100 })?;
        Ok(GoalWithLinks { goal: goal.into(), links: List::new(links, Link::from) })
    });
    shown.await.map(web::Json)
}

/// Changes, closes or opens a goal of your own.
#[utoipa::path(
    patch,
    path = "/api/v1/goals/{id}",
    operation_id = "change_goal",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = GoalId, Path, description = "The goal.")),
    request_body = GoalChange,
    responses(
        (status = 200, body = Goal),
        (status = 403, description = "`goal_owner_needed`"),
        (status = 404),
        (status = 409, description = "`goal_closed`: open it again to change it.")
    )
)]
pub(super) async fn change(app: web::Data<App>, caller: Caller, id: web::Path<String>, sent: Sent) -> Result<web::Json<Goal>> {
    caller.needs(Scope::Write)?;
    let (id, change, now) = (parse(&id)?, sent.json::<GoalChange>()?.parse()?, app.now());
    let changed = app.write(move |connection| goals::change(connection, &caller.viewer, &id, &change, &now)).await?;
    Ok(web::Json(changed.into()))
}

/// Deletes a goal of your own; its links go with it.
#[utoipa::path(
    delete,
    path = "/api/v1/goals/{id}",
    operation_id = "remove_goal",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = GoalId, Path, description = "The goal.")),
    responses((status = 204, description = "It is deleted."), (status = 403, description = "`goal_owner_needed`"), (status = 404))
)]
pub(super) async fn remove(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let id = parse(&id)?;
    app.write(move |connection| goals::remove(connection, &caller.viewer, &id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
