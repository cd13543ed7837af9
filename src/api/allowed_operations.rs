//! `/api/v1/bitbucket/operations` and `/api/v1/bitbucket/allowed-operations`: what can be called at Bitbucket, and what owners allow.

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::sent::Sent;
use crate::app::App;
use crate::bitbucket::operations::{self, Group, Operation};
use crate::connections::calls::allowed::{self, Allowed};
use crate::error::Result;
use crate::people::api_tokens::Scope;

/// The operations of the Bitbucket API that can be called.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Operations {
    /// Each by method and path.
    operations: Vec<CallableOperation>,
}

/// An operation of the Bitbucket API.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallableOperation {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    method: &'static str,
    /// Its path, with names in braces for what you fill in.
    path: &'static str,
    /// What it does.
    summary: &'static str,
    /// What it is about: a word that owners may allow all writing operations by.
    group: &'static str,
    /// `read`, `write` or `destructive`: what deletes or cannot be taken back needs a confirmation.
    effect: &'static str,
    /// Whether you may call it: reading always, writing as far as an owner allowed it.
    allowed: bool,
    /// The scopes that an OAuth grant or an access token needs.
    oauth_scopes: Vec<&'static str>,
    /// The scopes that an API token of Bitbucket needs.
    api_token_scopes: Vec<&'static str>,
    /// The parameters of its query; lists also take `page`, `pagelen` and `fields`.
    query: Vec<&'static str>,
    /// What to know of an operation that Atlassian is about to take away.
    notice: Option<&'static str>,
}

/// What owners allow to be changed at Bitbucket.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowedOperations {
    /// Groups whose writing operations are all allowed, but for what deletes or cannot be taken back, such as `pull_requests`.
    groups: Vec<String>,
    /// Operations that are allowed one by one, as method and path: `DELETE /repositories/{workspace}/{repo_slug}`.
    operations: Vec<String>,
}

impl From<Allowed> for AllowedOperations {
    fn from(allowed: Allowed) -> Self {
        let groups = allowed.groups.iter().map(|group| group.as_str().to_owned()).collect();
        Self { groups, operations: allowed.operations.into_iter().collect() }
    }
}

fn shown(operation: &Operation, allowed: &Allowed) -> CallableOperation {
    CallableOperation {
        method: operation.method,
        path: operation.template,
        summary: operation.summary,
        group: operation.group.as_str(),
        effect: operation.effect.as_str(),
        allowed: allowed.covers(operation),
        oauth_scopes: operation.oauth_scopes.clone(),
        api_token_scopes: operation.token_scopes.clone(),
        query: operation.query.clone(),
        notice: operation.notice(),
    }
}

/// Every operation of the Bitbucket API that can be called here.
#[utoipa::path(
    get,
    path = "/api/v1/bitbucket/operations",
    operation_id = "list_bitbucket_operations",
    tag = "Bitbucket",
    security(("api_token" = ["bitbucket"])),
    responses((status = 200, body = Operations))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller) -> Result<web::Json<Operations>> {
    caller.needs(Scope::Bitbucket)?;
    let allowed = app.read(move |connection| allowed::read(connection, &caller.viewer.workspace_id)).await?;
    let callable = operations::operations().iter().filter(|operation| operation.group != Group::App);
    Ok(web::Json(Operations { operations: callable.map(|operation| shown(operation, &allowed)).collect() }))
}

/// What owners allow to be changed at Bitbucket by API.
#[utoipa::path(
    get,
    path = "/api/v1/bitbucket/allowed-operations",
    operation_id = "show_allowed_bitbucket_operations",
    tag = "Bitbucket",
    security(("api_token" = ["bitbucket"])),
    responses((status = 200, body = AllowedOperations))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller) -> Result<web::Json<AllowedOperations>> {
    caller.needs(Scope::Bitbucket)?;
    let allowed = app.read(move |connection| allowed::read(connection, &caller.viewer.workspace_id)).await?;
    Ok(web::Json(allowed.into()))
}

/// Allows exactly these changes at Bitbucket from now on, and no others.
#[utoipa::path(
    put,
    path = "/api/v1/bitbucket/allowed-operations",
    operation_id = "set_allowed_bitbucket_operations",
    tag = "Bitbucket",
    security(("api_token" = ["owner", "bitbucket"])),
    request_body = AllowedOperations,
    responses(
        (status = 200, body = AllowedOperations),
        (status = 400, description = "`group_invalid` or `operation_unknown`")
    )
)]
pub(super) async fn set(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<web::Json<AllowedOperations>> {
    caller.needs(Scope::Owner)?;
    caller.needs(Scope::Bitbucket)?;
    let wanted: AllowedOperations = sent.json()?;
    let (groups, operations) = (wanted.groups.iter().map(String::as_str), wanted.operations.iter().map(String::as_str));
    let wanted = Allowed::parse(groups, operations)?;
    let now = app.now();
    let set = app.write(move |connection| {
        allowed::set(connection, &caller.viewer, &wanted, &now)?;
        allowed::read(connection, &caller.viewer.workspace_id)
    });
    Ok(web::Json(set.await?.into()))
}
