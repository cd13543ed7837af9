//! Who may what in one repository, as its settings show and change it.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/>.

use super::{
    ApiError,
    caller::Caller,
    page::{self, List},
    repositories::{administered, read},
    workspaces::people_in,
};
use crate::{
    bitbucket::Bitbucket,
    resource::Resources,
    world::{Permission, Repository, User},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data, Path},
};
use serde_json::{Value, json};

/// `GET …/permissions-config/users`.
pub(crate) async fn list(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = administered(&state.world, &caller, &path.0, &path.1)?;
    let workspace = state.world.workspace(&repository.workspace).ok_or_else(|| ApiError::not_found("Resource not found"))?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let values = people_in(&state.world, workspace).map(|user| shown(&resources, repository, user)).collect();
    List::PLAIN.answer(&request, bitbucket.url(), values)
}

/// `GET`, `PUT` and `DELETE …/permissions-config/users/{selected_user_id}`, by UUID or account id.
pub(crate) async fn one(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let body = read(&body)?;
    let mut state = bitbucket.state();
    let repository = administered(&state.world, &caller, &path.0, &path.1)?.clone();
    let user = state.world.users.iter().find(|user| user.uuid == path.2 || user.account_id == path.2).cloned();
    let user = user.ok_or_else(|| ApiError::not_found(format!("{} does not exist.", path.2)))?;
    match request.method().as_str() {
        "PUT" => {
            let wanted = body["permission"].as_str().unwrap_or_default();
            let wanted =
                [Permission::Read, Permission::Write, Permission::Admin].into_iter().find(|known| known.as_str() == wanted);
            let wanted = wanted.ok_or_else(|| ApiError::of_field("permission", "Select a valid choice."))?;
            state.world.permit(&repository.uuid, &user.account_id, wanted);
        }
        "DELETE" => {
            state.world.permit(&repository.uuid, &user.account_id, Permission::None);
            return Ok(HttpResponse::NoContent().finish());
        }
        _ => {}
    }
    Ok(page::one(&request, &shown(&Resources { world: &state.world, url: bitbucket.url() }, &repository, &user)))
}

fn shown(resources: &Resources<'_>, repository: &Repository, user: &User) -> Value {
    json!({
        "type": "repository_user_permission",
        "permission": resources.world.permission(repository, &user.account_id).as_str(),
        "user": resources.user(user),
        "repository": resources.condensed_repository(repository),
    })
}
