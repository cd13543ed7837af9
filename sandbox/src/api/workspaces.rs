//! A workspace, its members, its projects and what its members may.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/>.

use super::{
    ApiError,
    bbql::Condition,
    caller::Caller,
    page::{self, List},
};
use crate::{
    bitbucket::Bitbucket,
    resource::Resources,
    world::{Permission, Repository, User, Workspace, WorkspacePermission, World},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use serde_json::json;

/// More addresses than this are not looked for at once.
const ADDRESSES_AT_MOST: usize = 90;

/// `GET /2.0/workspaces/{workspace}`, for which any accepted token of a Connect app is enough.
pub(crate) async fn one(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    _caller: Caller,
    workspace: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let workspace = named(&state.world, &workspace)?;
    Ok(page::one(&request, &Resources { world: &state.world, url: bitbucket.url() }.workspace(workspace)))
}

/// `GET /2.0/workspaces/{workspace}/members`, only for those who are in it. `q` finds by e-mail address, for owners and apps; the
/// addresses that were asked for, and no others, come back when `fields` names them.
pub(crate) async fn members(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    workspace: Path<String>,
) -> Result<HttpResponse, ApiError> {
    const MEMBERS: List = List { searchable: &["user.email"], hidden: &["values.user.email"], ..List::PLAIN };
    let state = bitbucket.state();
    let workspace = entered(&state.world, &caller, &workspace)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let condition = MEMBERS.condition(&MEMBERS.window(&request)?)?;
    if condition.is_some() && caller.membership(&state.world, workspace) != WorkspacePermission::Owner {
        return Err(ApiError::forbidden("Only workspace administrators can filter by email."));
    }
    if let Some(Condition::Compare { values, .. }) = &condition
        && values.len() > ADDRESSES_AT_MOST
    {
        return Err(ApiError::bad_request("At most 90 emails can be queried at a time."));
    }
    let members = people_in(&state.world, workspace).map(|user| {
        let mut membership = resources.membership(user, workspace);
        let primary = state.world.emails.iter().find(|email| email.account_id == user.account_id && email.is_primary);
        if let (Some(_), Some(email)) = (&condition, primary) {
            membership["user"]["email"] = json!(email.address);
        }
        membership
    });
    MEMBERS.answer(&request, bitbucket.url(), members.collect())
}

/// `GET /2.0/workspaces/{workspace}/members/{member}`, by UUID or account id.
pub(crate) async fn member(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let workspace = entered(&state.world, &caller, &path.0)?;
    let user = people_in(&state.world, workspace).find(|user| user.uuid == path.1 || user.account_id == path.1);
    let user = user.ok_or_else(|| ApiError::not_found("Resource not found"))?;
    Ok(page::one(&request, &Resources { world: &state.world, url: bitbucket.url() }.membership(user, workspace)))
}

/// `GET /2.0/workspaces/{workspace}/permissions`, for its owners.
pub(crate) async fn permissions(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    workspace: Path<String>,
) -> Result<HttpResponse, ApiError> {
    const PERMISSIONS: List = List { searchable: &["permission", "user.uuid"], ..List::PLAIN };
    let state = bitbucket.state();
    let workspace = owned(&state.world, &caller, &workspace)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let values = people_in(&state.world, workspace).map(|user| {
        let mut membership = resources.membership(user, workspace);
        membership["permission"] = json!(state.world.membership(workspace, &user.account_id).as_str());
        membership
    });
    PERMISSIONS.answer(&request, bitbucket.url(), values.collect())
}

/// `GET /2.0/workspaces/{workspace}/permissions/repositories`, for its owners, and the same of one repository, for its admins.
pub(crate) async fn repository_permissions(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    const PERMISSIONS: List =
        List { searchable: &["permission", "user.uuid", "user.account_id", "repository.uuid", "repository.name"], ..List::PLAIN };
    let state = bitbucket.state();
    let path = request.match_info();
    let decoded = |name: &str| crate::percent::percent_decode(path.get(name).unwrap_or_default());
    let workspace = match path.get("repo_slug") {
        None => owned(&state.world, &caller, &decoded("workspace"))?,
        Some(_) => entered(&state.world, &caller, &decoded("workspace"))?,
    };
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let wanted = path.get("repo_slug").map(|_| decoded("repo_slug"));
    let repositories = state.world.repositories.iter().filter(|repository| {
        repository.workspace == workspace.uuid && wanted.as_ref().is_none_or(|wanted| repository.is(wanted))
    });
    let mut permitted: Vec<(&Repository, &User, Permission)> = Vec::new();
    for repository in repositories {
        if wanted.is_some() && caller.permission(&state.world, repository) < Permission::Admin {
            return Err(ApiError::forbidden("You must be an admin of this repository."));
        }
        for user in people_in(&state.world, workspace) {
            let permission = state.world.permission(repository, &user.account_id);
            if permission > Permission::None {
                permitted.push((repository, user, permission));
            }
        }
    }
    let field = |(repository, user, permission): &(&Repository, &User, Permission), path: &str| {
        vec![json!(match path {
            "permission" => permission.as_str(),
            "user.uuid" => &user.uuid,
            "user.account_id" => &user.account_id,
            "repository.uuid" => &repository.uuid,
            _ => &repository.name,
        })]
    };
    PERMISSIONS.answer_lazily(&request, bitbucket.url(), permitted, field, |(repository, user, permission)| {
        resources.repository_permission(repository, &user.account_id, *permission)
    })
}

/// Everybody who is in a workspace.
pub(super) fn people_in<'a>(world: &'a World, workspace: &'a Workspace) -> impl Iterator<Item = &'a User> {
    world.users.iter().filter(|user| world.membership(workspace, &user.account_id) > WorkspacePermission::None)
}

/// The workspace with this UUID or slug.
pub(super) fn named<'a>(world: &'a World, workspace: &str) -> Result<&'a Workspace, ApiError> {
    let sentence = || ApiError::not_found(format!("No workspace with identifier '{workspace}'."));
    world.workspace(workspace).ok_or_else(sentence)
}

/// The same for those who are in it.
pub(super) fn entered<'a>(world: &'a World, caller: &Caller, workspace: &str) -> Result<&'a Workspace, ApiError> {
    let found = named(world, workspace)?;
    if caller.membership(world, found) == WorkspacePermission::None {
        return Err(ApiError::forbidden("Your credentials do not give access to this workspace."));
    }
    Ok(found)
}

/// The same for those who are in charge of it.
pub(super) fn owned<'a>(world: &'a World, caller: &Caller, workspace: &str) -> Result<&'a Workspace, ApiError> {
    let found = entered(world, caller, workspace)?;
    if caller.membership(world, found) != WorkspacePermission::Owner {
        return Err(ApiError::forbidden("Your credentials do not give administrative access to this workspace."));
    }
    Ok(found)
}
