//! Pull requests of a repository: one in full, and the list, which leaves reviewers and participants out unless asked.

use super::{ApiError, caller::Caller, page::List, repositories::visible};
use crate::{bitbucket::Bitbucket, resource::Resources};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};

/// Fifty at most, and without the people unless they are asked for.
const PULL_REQUESTS: List = List {
    usual: 10,
    largest: 50,
    searchable: &["id", "title", "state", "author.uuid", "author.account_id", "updated_on", "created_on"],
    hidden: &["values.reviewers", "values.participants"],
};

/// `GET /2.0/repositories/{workspace}/{repository}/pullrequests/{id}`.
pub(crate) async fn one(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (workspace, repository, id) = path.into_inner();
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &workspace, &repository)?;
    let pull_request = id.parse().ok().and_then(|id| state.world.pull_request(&repository.uuid, id));
    let pull_request = pull_request.ok_or_else(|| ApiError::not_found("Resource not found"))?;
    Ok(HttpResponse::Ok().json(Resources { world: &state.world, url: bitbucket.url() }.pull_request(pull_request)))
}

/// `GET /2.0/repositories/{workspace}/{repository}/pullrequests`, newest first; open ones unless `state` (repeated) says otherwise.
pub(crate) async fn list(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let window = PULL_REQUESTS.window(&request)?;
    let mut states: Vec<&str> = window.parameters("state").collect();
    if states.is_empty() {
        states.push("OPEN");
    }
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let mut found: Vec<_> = state.world.pull_requests.iter().filter(|it| it.repository == repository.uuid).collect();
    found.retain(|pull_request| states.contains(&pull_request.state.as_str()));
    found.sort_by_key(|pull_request| std::cmp::Reverse(pull_request.id));
    let values = found.into_iter().map(|pull_request| resources.pull_request(pull_request)).collect();
    PULL_REQUESTS.answer(&request, bitbucket.url(), values)
}
