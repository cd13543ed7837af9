//! `/api/v1/bitbucket/repositories/…/pull-requests`: opening, changing and following pull requests at Bitbucket, and their reviewers.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bitbucket_actions::{acting, created, place};
use super::caller::Caller;
use super::sent::Sent;
use crate::app::App;
use crate::connections::actions::Place;
use crate::connections::actions::pull_requests::{self, NewPullRequest, PullRequest};
use crate::connections::actions::reviewers::{self, Reviewer};
use crate::connections::actions::status::{self, Status};
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;

/// A pull request to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenPullRequest {
    /// Its title.
    title: String,
    /// The branch it comes from, in the same repository.
    source_branch: String,
    /// The branch it goes into; without one the main branch.
    destination_branch: Option<String>,
    /// What it is about.
    description: Option<String>,
    /// Who shall look at it, by Atlassian account id or by Bitbucket UUID in braces.
    #[serde(default)]
    reviewers: Vec<String>,
    /// Whether the repository's default reviewers shall as well, without the author; they do unless you say otherwise.
    default_reviewers: Option<bool>,
    /// Whether the source branch goes when it is merged.
    close_source_branch: Option<bool>,
    /// Whether it is a draft.
    draft: Option<bool>,
}

/// What is to be different; what is left out stays, reviewers too.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangePullRequest {
    /// Its title.
    title: Option<String>,
    /// What it is about.
    description: Option<String>,
    /// The branch it goes into.
    destination_branch: Option<String>,
    /// Exactly these reviewers, by Atlassian account id or by Bitbucket UUID in braces.
    reviewers: Option<Vec<String>>,
    /// Whether the source branch goes when it is merged.
    close_source_branch: Option<bool>,
    /// Whether it is a draft.
    draft: Option<bool>,
    /// The `updated_on` you have seen: refused when somebody was quicker.
    if_updated_on: Option<String>,
}

/// Somebody at Bitbucket.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BitbucketPerson {
    /// The Atlassian account id.
    account_id: Option<String>,
    /// The Bitbucket UUID in braces.
    uuid: Option<String>,
    /// The name that Bitbucket shows.
    name: Option<String>,
}

impl From<Reviewer> for BitbucketPerson {
    fn from(Reviewer { account_id, uuid, name }: Reviewer) -> Self {
        Self { account_id, uuid, name }
    }
}

/// A pull request as Bitbucket has it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BitbucketPullRequest {
    /// Its number.
    number: i64,
    /// Its title.
    title: Option<String>,
    /// `OPEN`, `MERGED`, `DECLINED` or `SUPERSEDED`.
    state: Option<String>,
    /// When it was changed last, as Bitbucket writes it.
    updated_on: Option<String>,
    /// Who shall look at it.
    reviewers: Vec<BitbucketPerson>,
    /// Its page in Bitbucket.
    url: Option<String>,
}

impl From<PullRequest> for BitbucketPullRequest {
    fn from(of: PullRequest) -> Self {
        let PullRequest { number, title, state, updated_on, reviewers, url } = of;
        Self { number, title, state, updated_on, reviewers: reviewers.into_iter().map(BitbucketPerson::from).collect(), url }
    }
}

/// A pull request that was opened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OpenedPullRequest {
    /// The pull request.
    pull_request: BitbucketPullRequest,
    /// Reviewers whom Bitbucket did not take.
    left_out: Vec<LeftOut>,
}

/// Somebody whom Bitbucket did not take as a reviewer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LeftOut {
    /// Who.
    reviewer: BitbucketPerson,
    /// What Bitbucket says.
    why: String,
}

/// How a pull request stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PullRequestStatus {
    /// The pull request.
    pull_request: BitbucketPullRequest,
    /// Whether it is a draft; null where Bitbucket does not say.
    draft: Option<bool>,
    /// Who has approved it.
    approved_by: Vec<BitbucketPerson>,
    /// Who wants changes.
    changes_requested_by: Vec<BitbucketPerson>,
    /// Its builds, at most a hundred.
    builds: Vec<Build>,
    /// How many comments it has.
    comments: Option<i64>,
    /// How many tasks it has.
    tasks: Option<i64>,
    /// How the merge stands that was asked about: `PENDING` or `SUCCESS`.
    merge_task: Option<String>,
}

/// A build of the newest commit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Build {
    /// What identifies it.
    key: Option<String>,
    /// Its name.
    name: Option<String>,
    /// `SUCCESSFUL`, `FAILED`, `INPROGRESS` or `STOPPED`.
    state: Option<String>,
    /// Where it is shown.
    url: Option<String>,
}

impl From<Status> for PullRequestStatus {
    fn from(status: Status) -> Self {
        let people = |people: Vec<Reviewer>| people.into_iter().map(BitbucketPerson::from).collect();
        let builds =
            status.builds.into_iter().map(|build| Build { key: build.key, name: build.name, state: build.state, url: build.url });
        Self {
            pull_request: status.pull_request.into(),
            draft: status.draft,
            approved_by: people(status.approved_by),
            changes_requested_by: people(status.changes_requested_by),
            builds: builds.collect(),
            comments: status.comments,
            tasks: status.tasks,
            merge_task: status.merge_task,
        }
    }
}

/// Which merge is asked about.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Merge {
    /// The id of a merge that takes long, from the address that Bitbucket answered it with.
    merge_task: Option<String>,
}

/// A pull request in a path.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PullRequestPath {
    /// Slug or UUID in braces.
    workspace: String,
    /// Its slug.
    repository: String,
    /// Its number.
    #[param(value_type = i64)]
    number: String,
}

/// A reviewer of a pull request in a path.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ReviewerPath {
    /// Slug or UUID in braces.
    workspace: String,
    /// Its slug.
    repository: String,
    /// Its number.
    #[param(value_type = i64)]
    number: String,
    /// Atlassian account id, or Bitbucket UUID in braces.
    reviewer: String,
}

impl PullRequestPath {
    fn parse(self) -> Result<(Place, i64)> {
        let number = self.number.parse().ok().filter(|number| *number > 0);
        Ok((place((self.workspace, self.repository)), number.ok_or_else(|| Error::not_found("pull request"))?))
    }
}

impl ReviewerPath {
    fn parse(self) -> Result<(Place, i64, Reviewer)> {
        let Self { workspace, repository, number, reviewer } = self;
        let (place, number) = PullRequestPath { workspace, repository, number }.parse()?;
        Ok((place, number, Reviewer::named(&reviewer)?))
    }
}

/// How a change of a pull request is answered; for the document only.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "read by the document alone")]
pub(super) enum Changed {
    /// As it is now.
    #[response(status = 200)]
    Done(BitbucketPullRequest),
    /// There is no such pull request.
    #[response(status = 404)]
    NotFound,
    /// `pull_request_closed` or `pull_request_changed`
    #[response(status = 409)]
    Closed,
}

/// Opens a pull request at Bitbucket, with the default reviewers.
#[utoipa::path(
    post,
    path = "/api/v1/bitbucket/repositories/{workspace}/{repository}/pull-requests",
    operation_id = "open_bitbucket_pull_request",
    tag = "Bitbucket",
    security(("api_token" = ["bitbucket"])),
    params(("workspace" = String, Path, description = "Slug or UUID in braces."), ("repository" = String, Path, description = "Its slug.")),
    request_body = OpenPullRequest,
    responses((status = 201, body = OpenedPullRequest))
)]
pub(super) async fn open_pull_request(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    sent: Sent,
) -> Result<HttpResponse> {
    caller.needs(Scope::Bitbucket)?;
    let (wanted, key) = sent.with_key::<OpenPullRequest>()?;
    let place = place(path.into_inner());
    let new = NewPullRequest {
        title: wanted.title,
        source_branch: wanted.source_branch,
        destination_branch: wanted.destination_branch,
        description: wanted.description,
        reviewers: wanted.reviewers,
        with_default_reviewers: wanted.default_reviewers.unwrap_or(true),
        close_source_branch: wanted.close_source_branch,
        draft: wanted.draft,
    };
    let now = app.now();
    let (opened, left_out) = pull_requests::open(&acting(&app, &caller, &now), &place, &new, key).await?;
    let address =
        format!("/api/v1/bitbucket/repositories/{}/{}/pull-requests/{}", place.workspace, place.repository, opened.number);
    let left_out = left_out.into_iter().map(|one| LeftOut { reviewer: one.reviewer.into(), why: one.why }).collect();
    created(&address, &OpenedPullRequest { pull_request: opened.into(), left_out })
}

/// How a pull request at Bitbucket stands: state, approvals, builds, and a merge that is under way.
#[utoipa::path(
    get,
    path = "/api/v1/bitbucket/repositories/{workspace}/{repository}/pull-requests/{number}",
    operation_id = "show_bitbucket_pull_request",
    tag = "Bitbucket",
    security(("api_token" = ["bitbucket"])),
    params(PullRequestPath, Merge),
    responses((status = 200, body = PullRequestStatus), (status = 404))
)]
pub(super) async fn show_pull_request(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<PullRequestPath>,
    query: web::Query<Merge>,
) -> Result<web::Json<PullRequestStatus>> {
    caller.needs(Scope::Bitbucket)?;
    let (place, number) = path.into_inner().parse()?;
    let now = app.now();
    let acting = acting(&app, &caller, &now);
    let status = status::of(&acting, &place, number, query.merge_task.as_deref()).await?;
    Ok(web::Json(status.into()))
}

/// Changes a pull request at Bitbucket; its reviewers stay unless you name others.
#[utoipa::path(
    patch,
    path = "/api/v1/bitbucket/repositories/{workspace}/{repository}/pull-requests/{number}",
    operation_id = "change_bitbucket_pull_request",
    tag = "Bitbucket",
    security(("api_token" = ["bitbucket"])),
    params(PullRequestPath),
    request_body = ChangePullRequest,
    responses(Changed)
)]
pub(super) async fn change_pull_request(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<PullRequestPath>,
    sent: Sent,
) -> Result<web::Json<BitbucketPullRequest>> {
    caller.needs(Scope::Bitbucket)?;
    let (place, number) = path.into_inner().parse()?;
    let (wanted, key) = sent.with_key::<ChangePullRequest>()?;
    let changes = pull_requests::Changes {
        title: wanted.title,
        description: wanted.description,
        destination_branch: wanted.destination_branch,
        reviewers: wanted.reviewers,
        close_source_branch: wanted.close_source_branch,
        draft: wanted.draft,
        if_updated_on: wanted.if_updated_on,
    };
    let now = app.now();
    let acting = acting(&app, &caller, &now);
    let changed = pull_requests::change(&acting, &place, number, &changes, key).await?;
    Ok(web::Json(changed.into()))
}

/// Adds a reviewer to a pull request at Bitbucket, and leaves the others.
#[utoipa::path(
    put,
    path = "/api/v1/bitbucket/repositories/{workspace}/{repository}/pull-requests/{number}/reviewers/{reviewer}",
    operation_id = "add_bitbucket_reviewer",
    tag = "Bitbucket",
    security(("api_token" = ["bitbucket"])),
    params(ReviewerPath),
    responses(Changed)
)]
pub(super) async fn add_reviewer(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ReviewerPath>,
    sent: Sent,
) -> Result<web::Json<BitbucketPullRequest>> {
    caller.needs(Scope::Bitbucket)?;
    let (place, number, reviewer) = path.into_inner().parse()?;
    let now = app.now();
    let acting = acting(&app, &caller, &now);
    let added = reviewers::add(&acting, &place, number, &reviewer, sent.key()?).await?;
    Ok(web::Json(added.into()))
}

/// Removes a reviewer from a pull request at Bitbucket, and leaves the others.
#[utoipa::path(
    delete,
    path = "/api/v1/bitbucket/repositories/{workspace}/{repository}/pull-requests/{number}/reviewers/{reviewer}",
    operation_id = "remove_bitbucket_reviewer",
    tag = "Bitbucket",
    security(("api_token" = ["bitbucket"])),
    params(ReviewerPath),
    responses(Changed)
)]
pub(super) async fn remove_reviewer(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<ReviewerPath>,
    sent: Sent,
) -> Result<web::Json<BitbucketPullRequest>> {
    caller.needs(Scope::Bitbucket)?;
    let (place, number, reviewer) = path.into_inner().parse()?;
    let now = app.now();
    let acting = acting(&app, &caller, &now);
    let removed = reviewers::remove(&acting, &place, number, &reviewer, sent.key()?).await?;
    Ok(web::Json(removed.into()))
}
