//! Pull requests of a repository: one in full, and the list, which leaves reviewers and participants out unless asked.

use super::{ApiError, authorization::Caller, page, repositories::visible};
use crate::{bitbucket::Bitbucket, percent::query_pairs, resource::Resources};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use serde_json::Value;

/// More than this per page is refused.
const LARGEST_PAGE: usize = 50;

/// `GET /2.0/repositories/{workspace}/{repository}/pullrequests/{id}`.
pub(crate) async fn one(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    caller.require("pullrequest")?;
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
    caller.require("pullrequest")?;
    let parameters = query_pairs(request.query_string());
    if let Some((name, _)) = parameters.iter().find(|(name, _)| name == "q" || name == "sort") {
        return Err(ApiError::bad_request(format!("The sandbox does not understand {name}")));
    }
    let mut states: Vec<&str> = parameters.iter().filter(|(name, _)| name == "state").map(|(_, value)| value.as_str()).collect();
    if states.is_empty() {
        states.push("OPEN");
    }
    let fields = parameters.iter().find(|(name, _)| name == "fields").map_or("", |(_, value)| value.as_str());
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let mut found: Vec<_> = state.world.pull_requests.iter().filter(|it| it.repository == repository.uuid).collect();
    found.retain(|pull_request| states.contains(&pull_request.state.as_str()));
    found.sort_by_key(|pull_request| std::cmp::Reverse(pull_request.id));
    let values = found.into_iter().map(|pull_request| condensed(resources.pull_request(pull_request), fields)).collect();
    page::of(&request, bitbucket.url(), LARGEST_PAGE, values)
}

fn condensed(mut pull_request: Value, fields: &str) -> Value {
    for part in ["reviewers", "participants"] {
        if !fields.split(',').any(|field| field.strip_prefix("+values.") == Some(part))
            && let Some(object) = pull_request.as_object_mut()
        {
            object.remove(part);
        }
    }
    pull_request
}
