//! What people do with a pull request: approve it, ask for changes, merge it, decline it, talk about it; and what is told of that.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/>.

use super::{
    ApiError,
    caller::Caller,
    commits::diffstat_address,
    page::{self, List},
    pull_requests::found,
    repositories::{read, visible},
};
use crate::{
    bitbucket::Bitbucket,
    resource::{Happening, Resources},
    world::{PullRequest, PullRequestState, Review},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Bytes, Data, Path},
};
use serde_json::json;

/// The address of a pull request, as a handler takes it.
type Named = Path<(String, String, String)>;

const ACTIVITY: List = List { largest: 50, ..List::PLAIN };

/// `GET …/pullrequests/{pull_request_id}/activity`, the newest first.
pub(crate) async fn activity(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Named,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let (_, pull_request) = found(&state.world, &caller, &path)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let all = resources.happenings(&pull_request);
    let draw = |happening: &Happening| resources.happening(&pull_request, happening);
    ACTIVITY.answer_lazily(&request, bitbucket.url(), all, |_, _| Vec::new(), draw)
}

/// `GET …/pullrequests/activity`: of all pull requests of a repository, the newest first.
pub(crate) async fn activity_of_all(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let mut all: Vec<(u64, Happening)> = Vec::new();
    for listed in state.world.pull_requests_of(repository) {
        let happenings = resources.happenings(&listed.whole(&state.world));
        all.extend(happenings.into_iter().map(|happening| (listed.id(), happening)));
    }
    all.sort_by_key(|(_, happening)| std::cmp::Reverse(happening.at));
    let draw = |(id, happening): &(u64, Happening)| {
        let pull_request = state.world.find_pull_request(&repository.uuid, *id);
        pull_request.map(|pull_request| resources.happening(&pull_request, happening)).unwrap_or_default()
    };
    ACTIVITY.answer_lazily(&request, bitbucket.url(), all, |_, _| Vec::new(), draw)
}

/// `POST …/approve`.
pub(crate) async fn approve(bitbucket: Data<Bitbucket>, caller: Caller, path: Named) -> Result<HttpResponse, ApiError> {
    review(&bitbucket, &caller, &path, Review::Approved)
}

/// `POST …/request-changes`.
pub(crate) async fn request_changes(bitbucket: Data<Bitbucket>, caller: Caller, path: Named) -> Result<HttpResponse, ApiError> {
    review(&bitbucket, &caller, &path, Review::ChangesRequested)
}

/// `DELETE …/approve` and `…/request-changes`.
pub(crate) async fn take_back(bitbucket: Data<Bitbucket>, caller: Caller, path: Named) -> Result<HttpResponse, ApiError> {
    review(&bitbucket, &caller, &path, Review::Awaited).map(|_| HttpResponse::NoContent().finish())
}

fn review(
    bitbucket: &Bitbucket,
    caller: &Caller,
    path: &(String, String, String),
    review: Review,
) -> Result<HttpResponse, ApiError> {
    let account_id = caller.person()?;
    let now = bitbucket.now();
    let mut state = bitbucket.state();
    let (uuid, id) = open(&found(&state.world, caller, path)?.1)?;
    let pull_request = state.world.pull_request_mut(&uuid, id).ok_or_else(|| ApiError::not_found("Resource not found"))?;
    pull_request.review(account_id, review, now);
    let reviewer = pull_request.reviewers.iter().find(|reviewer| reviewer.account_id == account_id).cloned();
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    Ok(HttpResponse::Ok().json(reviewer.map(|reviewer| resources.participant(&reviewer))))
}

/// `POST …/decline`.
pub(crate) async fn decline(bitbucket: Data<Bitbucket>, caller: Caller, path: Named) -> Result<HttpResponse, ApiError> {
    close(&bitbucket, &caller, &path, PullRequestState::Declined)
}

/// `POST …/merge`: with `async=true` at another address, where the result is told.
pub(crate) async fn merge(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Named,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let strategy = read(&body)?["merge_strategy"].as_str().unwrap_or("merge_commit").to_owned();
    let known = ["merge_commit", "squash", "fast_forward", "squash_fast_forward", "rebase_fast_forward", "rebase_merge"];
    if !known.contains(&strategy.as_str()) {
        return Err(ApiError::of_field("merge_strategy", "Select a valid choice."));
    }
    if bitbucket.world(|world| {
        found(world, &caller, &path).is_ok_and(|(_, it)| it.reviewers.iter().any(|it| it.review == Review::ChangesRequested))
    }) {
        return Err(ApiError::new(StatusCode::CONFLICT, "Changes were requested, so that it cannot be merged."));
    }
    let merged = close(&bitbucket, &caller, &path, PullRequestState::Merged)?;
    if !request.query_string().contains("async=true") {
        return Ok(merged);
    }
    let address = format!("{}{}/task-status/{}", bitbucket.url(), request.uri().path(), path.2);
    Ok(HttpResponse::Accepted().insert_header((header::LOCATION, address)).finish())
}

/// `GET …/merge/task-status/{task_id}`.
pub(crate) async fn merge_task(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (workspace, slug, id, task) = path.into_inner();
    let state = bitbucket.state();
    let (_, pull_request) = found(&state.world, &caller, &(workspace, slug, id.clone()))?;
    if task != id {
        return Err(ApiError::bad_request("The task does not belong to this pull request."));
    }
    let merged = Resources { world: &state.world, url: bitbucket.url() }.pull_request(&pull_request);
    Ok(page::one(&request, &json!({ "task_status": "SUCCESS", "merge_result": merged })))
}

fn close(
    bitbucket: &Bitbucket,
    caller: &Caller,
    path: &(String, String, String),
    as_state: PullRequestState,
) -> Result<HttpResponse, ApiError> {
    let account_id = caller.account_id().unwrap_or_else(|| caller.name()).to_owned();
    let now = bitbucket.now();
    let mut state = bitbucket.state();
    let (uuid, id) = open(&found(&state.world, caller, path)?.1)?;
    if let Some(pull_request) = state.world.pull_request_mut(&uuid, id) {
        pull_request.close(as_state, &account_id, now);
    }
    let (_, pull_request) = found(&state.world, caller, path)?;
    Ok(HttpResponse::Ok().json(Resources { world: &state.world, url: bitbucket.url() }.pull_request(&pull_request)))
}

/// Repository and number of a pull request that is still open.
fn open(pull_request: &PullRequest) -> Result<(String, u64), ApiError> {
    if pull_request.state != PullRequestState::Open {
        return Err(ApiError::bad_request("This pull request is already closed."));
    }
    Ok((pull_request.repository.clone(), pull_request.id))
}

/// `GET …/diffstat` of a pull request: it is somewhere else.
pub(crate) async fn diffstat(bitbucket: Data<Bitbucket>, caller: Caller, path: Named) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let (repository, pull_request) = found(&state.world, &caller, &path)?;
    let full_name = Resources { world: &state.world, url: "" }.full_name(repository);
    let short = |branch: &str| state.world.tip(repository, branch).chars().take(12).collect::<String>();
    let (source, destination) = (short(&pull_request.source_branch), short(&pull_request.destination_branch));
    let address = diffstat_address(bitbucket.url(), &full_name, &source, &destination, pull_request.id);
    Ok(HttpResponse::Found().insert_header((header::LOCATION, address)).finish())
}

/// `GET …/commits` of a pull request: nothing once its branch is gone.
pub(crate) async fn commits(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Named,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let (repository, pull_request) = found(&state.world, &caller, &path)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let base = state.world.history(repository, &pull_request.destination_branch).unwrap_or_default();
    let own = state.world.history(repository, &pull_request.source_branch).unwrap_or_default();
    let values = own.iter().filter(|commit| !base.contains(commit)).map(|commit| resources.commit(repository, commit));
    List::PLAIN.answer(&request, bitbucket.url(), values.collect())
}

/// `GET …/statuses` of a pull request: those of its newest commit.
pub(crate) async fn statuses(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Named,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let (repository, pull_request) = found(&state.world, &caller, &path)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let newest = state.world.history(repository, &pull_request.source_branch).and_then(|all| all.into_iter().next());
    let values = newest.iter().map(|commit| resources.status(repository, commit)).collect();
    List::PLAIN.answer(&request, bitbucket.url(), values)
}
