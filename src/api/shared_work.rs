//! `/api/v1/one-on-ones/{id}/shared-work` and the same of feedback: linked pull requests that involve both people.

use actix_web::{HttpRequest, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::listing::{self, List, PageQuery};
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::people::shared_work::{self, SharedPullRequest};
use crate::people::{feedback, one_on_ones};
use crate::storage::ids::{FeedbackId, OneOnOneId};

/// What two people work on together, as far as its pull requests are linked and you may see them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SharedWork {
    /// Whether your Bitbucket account is known; if not, nothing can be found.
    own_account_known: bool,
    /// Whether the other person's is.
    their_account_known: bool,
    /// The pull requests that involve both, the newest first.
    pull_requests: List<PullRequestOfBoth>,
}

/// A linked pull request that involves both as author or reviewer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PullRequestOfBoth {
    /// Its address in Bitbucket.
    url: String,
    /// Its repository, as `workspace/repository`.
    repository: Option<String>,
    /// Its number within the repository.
    number: Option<i64>,
    /// Its title.
    title: Option<String>,
    /// `OPEN`, `MERGED`, `DECLINED` or `SUPERSEDED`.
    state: Option<String>,
    /// Whether it is attached to this conversation.
    attached: bool,
}

impl From<SharedPullRequest> for PullRequestOfBoth {
    fn from(shared: SharedPullRequest) -> Self {
        let SharedPullRequest { url, repository_name, number, title, state, is_attached, .. } = shared;
        Self { url, repository: repository_name, number, title, state, attached: is_attached }
    }
}

impl From<shared_work::SharedWork> for SharedWork {
    fn from(work: shared_work::SharedWork) -> Self {
        Self {
            own_account_known: work.knows_own_account,
            their_account_known: work.knows_their_account,
            pull_requests: List::new(work.pull_requests, PullRequestOfBoth::from),
        }
    }
}

/// The work that the two people of a 1:1 share.
#[utoipa::path(
    get,
    path = "/api/v1/one-on-ones/{id}/shared-work",
    operation_id = "show_shared_work_of_one_on_one",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(("id" = OneOnOneId, Path, description = "The 1:1."), PageQuery),
    responses((status = 200, body = SharedWork), (status = 404))
)]
pub(super) async fn of_one_on_one(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    request: HttpRequest,
) -> Result<web::Json<SharedWork>> {
    caller.needs(Scope::Read)?;
    let (id, page) = (OneOnOneId::parse(&id).ok_or_else(|| Error::not_found("one_on_one"))?, listing::page(&request)?);
    let read = app.read(move |connection| {
        let item = one_on_ones::find(connection, &caller.viewer, &id)?;
        let (other, _) = item.counterpart(&caller.viewer);
        shared_work::between(connection, &caller.viewer, other, &item.target(), &page)
    });
    Ok(web::Json(read.await?.into()))
}

/// The work that author and subject of feedback share.
#[utoipa::path(
    get,
    path = "/api/v1/feedback/{id}/shared-work",
    operation_id = "show_shared_work_of_feedback",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(("id" = FeedbackId, Path, description = "The feedback item."), PageQuery),
    responses((status = 200, body = SharedWork), (status = 404))
)]
pub(super) async fn of_feedback(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    request: HttpRequest,
) -> Result<web::Json<SharedWork>> {
    caller.needs(Scope::Read)?;
    let (id, page) = (FeedbackId::parse(&id).ok_or_else(|| Error::not_found("feedback"))?, listing::page(&request)?);
    let read = app.read(move |connection| {
        let item = feedback::find(connection, &caller.viewer, &id)?;
        // A manager whom it was shared with is neither of the two.
        let (other, _) = item.counterpart(&caller.viewer).ok_or_else(|| Error::not_found("shared work"))?;
        shared_work::between(connection, &caller.viewer, other, &item.target(), &page)
    });
    Ok(web::Json(read.await?.into()))
}
