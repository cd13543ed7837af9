//! `/api/v1/feedback`: what members write about one another.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::creation;
use super::links::{Link, Person};
use super::listing::{self, List, PageQuery};
use super::sent::Sent;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::people::feedback::Audience;
use crate::people::links::{Kind, Target};
use crate::people::page::Page;
use crate::people::text::Body;
use crate::people::{feedback, links};
use crate::storage::ids::{FeedbackId, MemberId};

/// A feedback item: a draft that only its author sees, until it is shared with whom it is about.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Feedback {
    /// Its id.
    id: FeedbackId,
    /// Who wrote it.
    author: Person,
    /// Whom it is about.
    about: Person,
    /// What it says.
    body: String,
    /// Whether it is shared.
    shared: bool,
    /// When it was shared.
    shared_at: Option<DateTime<Utc>>,
    /// The manager who sees it too, once shared with them and as long as they lead whom it is about.
    manager: Option<Person>,
    /// When it was begun.
    created_at: DateTime<Utc>,
}

/// A feedback item with the pull requests that belong to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeedbackWithLinks {
    /// The item.
    #[serde(flatten)]
    feedback: Feedback,
    /// The newest 100 pull requests attached to it. `/api/v1/links` takes the cursor for the others.
    links: List<Link>,
}

/// Feedback to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFeedback {
    /// The id of the member it is about.
    #[schema(value_type = MemberId)]
    about: String,
    /// What it says: at most 20,000 characters, possibly none.
    body: String,
    /// Whether it is shared with them at once.
    #[serde(default)]
    shared: bool,
}

/// With whom feedback is shared besides whom it is about.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sharing {
    /// Whether their manager sees it too.
    #[serde(default)]
    with_manager: bool,
}

/// Another text for a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangedFeedback {
    /// What it says: at most 20,000 characters, possibly none.
    body: String,
}

impl From<feedback::Feedback> for Feedback {
    fn from(item: feedback::Feedback) -> Self {
        let manager = item.manager().map(|manager| Person { id: manager.id, name: manager.name });
        Self {
            manager,
            id: item.id,
            author: Person { id: item.author_id, name: item.author_name },
            about: Person { id: item.subject_id, name: item.subject_name },
            body: item.body,
            shared: item.shared_at.is_some(),
            shared_at: item.shared_at.map(|at| at.and_utc()),
            created_at: item.created_at.and_utc(),
        }
    }
}

/// The feedback that you may see, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/feedback",
    operation_id = "list_feedback",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(PageQuery),
    responses((status = 200, body = List<Feedback>))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller, request: HttpRequest) -> Result<web::Json<List<Feedback>>> {
    caller.needs(Scope::Read)?;
    let page = listing::page(&request)?;
    let listed = app.read(move |connection| feedback::list(connection, &caller.viewer, feedback::Part::All, &page)).await?;
    Ok(web::Json(List::new(listed, Feedback::from)))
}

/// One feedback item, with the pull requests that belong to it.
#[utoipa::path(
    get,
    path = "/api/v1/feedback/{id}",
    operation_id = "show_feedback",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(("id" = FeedbackId, Path, description = "The feedback item.")),
    responses((status = 200, body = FeedbackWithLinks), (status = 404))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<FeedbackWithLinks>> {
    caller.needs(Scope::Read)?;
    let id = FeedbackId::parse(&id).ok_or_else(|| Error::not_found("feedback"))?;
    let shown = app.read(move |connection| {
        let feedback = feedback::find(connection, &caller.viewer, &id)?;
        let target = Target { kind: Kind::Feedback, id: id.to_string() };
        let links = links::list(connection, &caller.viewer, Some(&target), &Page { before: None, limit: 100 })?;
        Ok(FeedbackWithLinks { feedback: feedback.into(), links: List::new(links, Link::from) })
    });
    shown.await.map(web::Json)
}

/// Writes feedback about a colleague.
#[utoipa::path(
    post,
    path = "/api/v1/feedback",
    operation_id = "create_feedback",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    request_body = NewFeedback,
    responses((status = 201, body = Feedback), (status = 404, description = "`not_found`: there is no such member."))
)]
pub(super) async fn create(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let (input, key) = sent.with_key::<NewFeedback>()?;
    let about = MemberId::parse(&input.about).ok_or_else(|| Error::not_found("member"))?;
    let new = feedback::NewFeedback { about, body: Body::parse(&input.body)?, shared: input.shared };
    creation::answer(&app, caller.viewer, key, "/api/v1/feedback", move |connection, viewer, now| {
        let id = feedback::create(connection, viewer, &new, now)?;
        feedback::find(connection, viewer, &id).map(Feedback::from)
    })
    .await
}

/// Shares your own draft with whom it is about, and with their manager when you say so. Sharing again can only add the manager.
#[utoipa::path(
    post,
    path = "/api/v1/feedback/{id}/share",
    operation_id = "share_feedback",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = FeedbackId, Path, description = "The feedback item.")),
    request_body(content = Sharing, description = "May be left out: then it is shared with whom it is about alone."),
    responses((status = 200, body = Feedback), (status = 404), (status = 409, description = "`no_manager`"))
)]
pub(super) async fn share(app: web::Data<App>, caller: Caller, id: web::Path<String>, sent: Sent) -> Result<web::Json<Feedback>> {
    caller.needs(Scope::Write)?;
    let sharing: Sharing = sent.json_or_nothing()?;
    let audience = if sharing.with_manager { Audience::SubjectAndManager(None) } else { Audience::Subject };
    let id = FeedbackId::parse(&id).ok_or_else(|| Error::not_found("feedback"))?;
    let now = app.now();
    let shared = app.write(move |connection| feedback::share(connection, &caller.viewer, &id, &audience, &now)).await?;
    Ok(web::Json(shared.into()))
}

/// Changes the text of your own draft.
#[utoipa::path(
    patch,
    path = "/api/v1/feedback/{id}",
    operation_id = "change_feedback",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = FeedbackId, Path, description = "The feedback item.")),
    request_body = ChangedFeedback,
    responses((status = 200, body = Feedback), (status = 404), (status = 409, description = "`feedback_shared`"))
)]
pub(super) async fn change(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    sent: Sent,
) -> Result<web::Json<Feedback>> {
    caller.needs(Scope::Write)?;
    let id = FeedbackId::parse(&id).ok_or_else(|| Error::not_found("feedback"))?;
    let (body, now) = (Body::parse(&sent.json::<ChangedFeedback>()?.body)?, app.now());
    let changed = app.write(move |connection| {
        feedback::write(connection, &caller.viewer, &id, &body, &now)?;
        feedback::find(connection, &caller.viewer, &id)
    });
    Ok(web::Json(changed.await?.into()))
}

/// Deletes your own draft. Pull requests are no longer attached to it.
#[utoipa::path(
    delete,
    path = "/api/v1/feedback/{id}",
    operation_id = "withdraw_feedback",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = FeedbackId, Path, description = "The feedback item.")),
    responses((status = 204, description = "The draft is gone."), (status = 404), (status = 409, description = "`feedback_shared`"))
)]
pub(super) async fn withdraw(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let id = FeedbackId::parse(&id).ok_or_else(|| Error::not_found("feedback"))?;
    app.write(move |connection| feedback::withdraw(connection, &caller.viewer, &id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
