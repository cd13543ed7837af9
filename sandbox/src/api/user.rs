//! The person who calls: who they are, their e-mail addresses, their workspaces and what they may there.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/>.

use super::{
    ApiError,
    caller::Caller,
    page::{self, List},
    workspaces,
};
use crate::{
    bitbucket::Bitbucket,
    resource::Resources,
    world::{Permission, Repository, WorkspacePermission},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use serde_json::{Value, json};

const REPOSITORY_PERMISSIONS: List =
    List { searchable: &["repository.uuid", "repository.full_name", "repository.name", "permission"], ..List::PLAIN };

/// `GET /2.0/user`. Who is no person is an app user without an account id.
pub(crate) async fn one(request: HttpRequest, bitbucket: Data<Bitbucket>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    match caller.account_id().map(|account_id| resources.account(account_id)) {
        Some(Value::Null) => Err(ApiError::unsupported()),
        Some(person) => Ok(page::one(&request, &person)),
        None => Ok(page::one(&request, &resources.app_user(caller.name()))),
    }
}

/// `GET /2.0/users/{selected_user}`: anybody, by UUID or account id.
pub(crate) async fn another(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    _caller: Caller,
    selected: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let found = state.world.users.iter().find(|user| user.uuid == *selected || user.account_id == *selected);
    let found = found.ok_or_else(|| ApiError::not_found(format!("{selected} does not exist.")))?;
    Ok(page::one(&request, &Resources { world: &state.world, url: bitbucket.url() }.user(found)))
}

/// `GET /2.0/user/emails`: all of them, confirmed or not.
pub(crate) async fn emails(request: HttpRequest, bitbucket: Data<Bitbucket>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let account_id = caller.person()?;
    let emails = bitbucket.world(|world| {
        let own = world.emails.iter().filter(|email| email.account_id == account_id);
        own.map(|email| {
            json!({
                "type": "email",
                "email": email.address,
                "is_primary": email.is_primary,
                "is_confirmed": email.is_confirmed,
                "links": { "self": { "href": format!("{}/2.0/user/emails/{}", bitbucket.url(), email.address) } },
            })
        })
        .collect()
    });
    List::PLAIN.answer(&request, bitbucket.url(), emails)
}

/// `GET /2.0/user/workspaces`: those that the caller is in, in short.
pub(crate) async fn workspaces(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    const WORKSPACES: List = List { searchable: &["workspace.slug", "administrator"], ..List::PLAIN };
    let window = WORKSPACES.window(&request)?;
    let state = bitbucket.state();
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let reached = state.world.workspaces.iter().filter_map(|workspace| {
        let permission = caller.membership(&state.world, workspace);
        let is_owner = permission == WorkspacePermission::Owner;
        let is_wanted = window.parameter("administrator").is_none_or(|wanted| wanted == is_owner.to_string());
        (permission > WorkspacePermission::None && is_wanted).then(|| {
            json!({
                "type": "workspace_access",
                "administrator": is_owner,
                "workspace": resources.condensed_workspace(workspace),
            })
        })
    });
    WORKSPACES.answer(&request, bitbucket.url(), reached.collect())
}

/// `GET /2.0/user/workspaces/{workspace}/permission`.
pub(crate) async fn permission(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    workspace: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let account_id = caller.person()?;
    let state = bitbucket.state();
    let workspace = workspaces::entered(&state.world, &caller, &workspace)?;
    let user = state.world.user(account_id).ok_or_else(ApiError::unsupported)?;
    let mut membership = Resources { world: &state.world, url: bitbucket.url() }.membership(user, workspace);
    membership["permission"] = json!(state.world.membership(workspace, account_id).as_str());
    Ok(page::one(&request, &membership))
}

/// `GET /2.0/user/workspaces/{workspace}/permissions/repositories`: what the caller may where they may anything.
pub(crate) async fn repository_permissions(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    workspace: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let account_id = caller.person()?;
    let state = bitbucket.state();
    let workspace = workspaces::entered(&state.world, &caller, &workspace)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let world = &state.world;
    let own = world.repositories.iter().filter(|repository| repository.workspace == workspace.uuid);
    let permitted = own.map(|repository| (repository, world.permission(repository, account_id)));
    let permitted: Vec<(&Repository, Permission)> = permitted.filter(|(_, permission)| *permission > Permission::None).collect();
    let field = |(repository, permission): &(&Repository, Permission), path: &str| {
        vec![match path {
            "permission" => json!(permission.as_str()),
            "repository.uuid" => json!(repository.uuid),
            "repository.name" => json!(repository.name),
            _ => json!(resources.full_name(repository)),
        }]
    };
    REPOSITORY_PERMISSIONS.answer_lazily(&request, bitbucket.url(), permitted, field, |(repository, permission)| {
        resources.repository_permission(repository, account_id, *permission)
    })
}
