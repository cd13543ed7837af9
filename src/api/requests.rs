//! `/api/v1/requests`: what members ask one another for, and the answers.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::creation;
use super::links::{Link, Person};
use super::listing::{self, List};
use super::sent::Sent;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::people::page::Page;
use crate::people::requests::{NewRequest, Part, State};
use crate::people::text::{self, Body, Note};
use crate::people::{links, requests};
use crate::storage::ids::{MemberId, RequestId};

/// A request for feedback, which its two people see.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Request {
    /// Its id.
    id: RequestId,
    /// Who asks.
    asker: Person,
    /// Who is asked.
    asked: Person,
    /// About whom.
    about: Person,
    /// What is asked.
    question: String,
    /// Until when an answer helps.
    due_on: Option<NaiveDate>,
    /// How far it is.
    #[schema(inline)]
    state: State,
    /// The answer, or the word it was declined with; null until then.
    answer: Option<String>,
    /// When it was answered, declined or closed.
    decided_at: Option<DateTime<Utc>>,
    /// When it was asked.
    created_at: DateTime<Utc>,
}

/// A request with the pull requests that belong to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestWithLinks {
    /// The request.
    #[serde(flatten)]
    request: Request,
    /// The newest 100 pull requests attached to it. `/api/v1/links` takes the cursor for the others.
    links: List<Link>,
}

/// A request to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedFor {
    /// The id of the member who is asked.
    #[schema(value_type = MemberId)]
    asked: String,
    /// The id of the member it is about; you when absent.
    #[schema(value_type = Option<MemberId>)]
    about: Option<String>,
    /// What is asked: at most 20,000 characters.
    question: String,
    /// Until when an answer helps, such as `2026-11-27`.
    #[schema(value_type = Option<NaiveDate>)]
    due_on: Option<String>,
}

/// An answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answering {
    /// What it says: at most 20,000 characters.
    body: String,
}

/// How a request is declined.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Declining {
    /// A word for whoever asked: at most 2,000 characters, possibly none.
    #[serde(default)]
    word: String,
}

/// Which requests a list holds.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Filter {
    /// Those that wait for your answer.
    ToAnswer,
    /// Yours that wait for somebody's answer.
    Asked,
    /// Those that are over.
    Done,
}

/// Which requests are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RequestsQuery {
    /// Only those that wait for your answer, only yours that wait, or only those that are over.
    #[param(inline)]
    filter: Option<Filter>,
    /// Where to go on: the `next` of the page before.
    cursor: Option<String>,
    /// How many entries, 1 to 100; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

impl From<requests::Request> for Request {
    fn from(item: requests::Request) -> Self {
        Self {
            id: item.id,
            asker: Person { id: item.asker_id, name: item.asker_name },
            asked: Person { id: item.asked_id, name: item.asked_name },
            about: Person { id: item.about_id, name: item.about_name },
            question: item.question,
            due_on: item.due_on,
            answer: matches!(item.state, State::Answered | State::Declined).then_some(item.answer),
            state: item.state,
            decided_at: item.decided_at.map(|at| at.and_utc()),
            created_at: item.created_at.and_utc(),
        }
    }
}

/// The requests that you asked or were asked, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/requests",
    operation_id = "list_requests",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(RequestsQuery),
    responses((status = 200, body = List<Request>))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller, request: HttpRequest) -> Result<web::Json<List<Request>>> {
    caller.needs(Scope::Read)?;
    let query: RequestsQuery = listing::query(&request)?;
    let page = Page::parse(query.cursor.as_deref(), query.limit.as_deref())?;
    let part = match query.filter {
        None => Part::All,
        Some(Filter::ToAnswer) => Part::ToAnswer,
        Some(Filter::Asked) => Part::AskedByViewer,
        Some(Filter::Done) => Part::Done,
    };
    let listed = app.read(move |connection| requests::list(connection, &caller.viewer, part, &page)).await?;
    Ok(web::Json(List::new(listed, Request::from)))
}

/// One request, with the pull requests that belong to it.
#[utoipa::path(
    get,
    path = "/api/v1/requests/{id}",
    operation_id = "show_request",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(("id" = RequestId, Path, description = "The request.")),
    responses((status = 200, body = RequestWithLinks), (status = 404))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<RequestWithLinks>> {
    caller.needs(Scope::Read)?;
    let id = parse(&id)?;
    let shown = app.read(move |connection| {
        let request = requests::find(connection, &caller.viewer, &id)?;
        let links = links::list(connection, &caller.viewer, Some(&request.target()), &Page { before: None, limit: 100 })?;
        Ok(RequestWithLinks { request: request.into(), links: List::new(links, Link::from) })
    });
    shown.await.map(web::Json)
}

/// Asks a colleague for feedback.
#[utoipa::path(
    post,
    path = "/api/v1/requests",
    operation_id = "create_request",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    request_body = AskedFor,
    responses((status = 201, body = Request), (status = 404, description = "`not_found`: there is no such member."))
)]
pub(super) async fn create(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let (input, key) = sent.with_key::<AskedFor>()?;
    let member = |id: &str| MemberId::parse(id).ok_or_else(|| Error::not_found("member"));
    let new = NewRequest {
        asked: member(&input.asked)?,
        about: input.about.as_deref().map_or_else(|| Ok(caller.viewer.member_id.clone()), member)?,
        question: Body::parse_field("question", &input.question)?,
        due_on: input.due_on.as_deref().map(|date| text::date("due_on", date)).transpose()?,
    };
    creation::answer(&app, caller.viewer, key, "/api/v1/requests", move |connection, viewer, now| {
        let id = requests::ask(connection, viewer, &new, now)?;
        requests::find(connection, viewer, &id).map(Request::from)
    })
    .await
}

/// Answers a request that you were asked. Whoever asked sees the answer at once.
#[utoipa::path(
    post,
    path = "/api/v1/requests/{id}/answer",
    operation_id = "answer_request",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = RequestId, Path, description = "The request.")),
    request_body = Answering,
    responses((status = 200, body = Request), (status = 404), (status = 409, description = "`request_over`"))
)]
pub(super) async fn answer(app: web::Data<App>, caller: Caller, id: web::Path<String>, sent: Sent) -> Result<web::Json<Request>> {
    caller.needs(Scope::Write)?;
    let id = parse(&id)?;
    let (body, now) = (Body::parse(&sent.json::<Answering>()?.body)?, app.now());
    let answered = app.write(move |connection| requests::answer(connection, &caller.viewer, &id, &body, &now)).await?;
    Ok(web::Json(answered.into()))
}

/// Declines a request that you were asked.
#[utoipa::path(
    post,
    path = "/api/v1/requests/{id}/decline",
    operation_id = "decline_request",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = RequestId, Path, description = "The request.")),
    request_body(content = Declining, description = "May be left out: then it is declined without a word."),
    responses((status = 200, body = Request), (status = 404), (status = 409, description = "`request_over`"))
)]
pub(super) async fn decline(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    sent: Sent,
) -> Result<web::Json<Request>> {
    caller.needs(Scope::Write)?;
    let id = parse(&id)?;
    let (word, now) = (Note::parse(&sent.json_or_nothing::<Declining>()?.word)?, app.now());
    let declined = app.write(move |connection| requests::decline(connection, &caller.viewer, &id, &word, &now)).await?;
    Ok(web::Json(declined.into()))
}

/// Closes your own request: it needs no answer any more.
#[utoipa::path(
    post,
    path = "/api/v1/requests/{id}/close",
    operation_id = "close_request",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = RequestId, Path, description = "The request.")),
    responses((status = 200, body = Request), (status = 404), (status = 409, description = "`request_over`"))
)]
pub(super) async fn close(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<Request>> {
    caller.needs(Scope::Write)?;
    let (id, now) = (parse(&id)?, app.now());
    let closed = app.write(move |connection| requests::close(connection, &caller.viewer, &id, &now)).await?;
    Ok(web::Json(closed.into()))
}

fn parse(id: &str) -> Result<RequestId> {
    RequestId::parse(id).ok_or_else(|| Error::not_found("request"))
}
