//! The branches of a repository.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-refs/>.

use super::{
    ApiError,
    caller::Caller,
    page::{self, List},
    repositories::{read, visible, writable},
};
use crate::{bitbucket::Bitbucket, resource::Resources};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data, Path},
};

/// `GET …/refs/branches`.
pub(crate) async fn list(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    const BRANCHES: List = List { searchable: &["name", "target.date", "target.hash"], ..List::PLAIN };
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let names = state.world.branch_names(repository);
    BRANCHES.answer(&request, bitbucket.url(), names.iter().filter_map(|name| resources.branch(repository, name)).collect())
}

/// `GET …/refs/branches/{name}`; slashes in the name may be encoded or not.
pub(crate) async fn one(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let branch = Resources { world: &state.world, url: bitbucket.url() }.branch(repository, &path.2);
    Ok(page::one(&request, &branch.ok_or_else(|| ApiError::not_found(format!("Branch \"{}\" not found", path.2)))?))
}

/// `POST …/refs/branches`: where a commit or another branch stands.
pub(crate) async fn create(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let body = read(&body)?;
    let mut state = bitbucket.state();
    let repository = writable(&state.world, &caller, &path.0, &path.1)?.clone();
    let name = body["name"].as_str().filter(|name| !name.is_empty() && !name.contains([' ', '~', '^', ':']));
    let name = name.ok_or_else(|| ApiError::bad_request("Branch name is not valid."))?;
    let target = body.pointer("/target/hash").and_then(serde_json::Value::as_str).unwrap_or_default();
    if state.world.commit(&repository, target).is_none() {
        return Err(ApiError::bad_request("Target hash is not valid."));
    }
    if state.world.branch_names(&repository).iter().any(|known| known == name) {
        return Err(ApiError::bad_request(format!("Branch \"{name}\" already exists."))
            .with("data", serde_json::json!({ "key": "BRANCH_ALREADY_EXISTS" })));
    }
    state.world.branch_off(&repository.uuid, name);
    let made = Resources { world: &state.world, url: bitbucket.url() }.branch(&repository, name);
    Ok(HttpResponse::Created().json(made))
}

/// `DELETE …/refs/branches/{name}`.
pub(crate) async fn remove(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let mut state = bitbucket.state();
    let repository = writable(&state.world, &caller, &path.0, &path.1)?.clone();
    if repository.main_branch.as_ref() == Some(&path.2) {
        return Err(ApiError::forbidden("The main branch cannot be deleted."));
    }
    let place = state.world.branches.iter().position(|branch| branch.repository == repository.uuid && branch.name == path.2);
    let place = place.ok_or_else(|| ApiError::not_found(format!("Branch \"{}\" not found", path.2)))?;
    state.world.branches.remove(place);
    Ok(HttpResponse::NoContent().finish())
}
