//! A workspace, its members, and its webhooks, of which there are none: those of a descriptor do not show here.

use super::{ApiError, authorization::Caller, page};
use crate::{bitbucket::Bitbucket, resource::Resources};
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};

/// `GET /2.0/workspaces/{workspace}`, for which any accepted token of a Connect app is enough.
pub(crate) async fn one(bitbucket: Data<Bitbucket>, caller: Caller, workspace: Path<String>) -> Result<HttpResponse, ApiError> {
    caller.require_of_forge("read:workspace:bitbucket")?;
    let state = bitbucket.state();
    match state.world.workspace(&workspace) {
        Some(workspace) => {
            Ok(HttpResponse::Ok().json(Resources { world: &state.world, url: bitbucket.url() }.workspace(workspace)))
        }
        None => Err(ApiError::not_found(format!("No workspace with identifier '{workspace}'."))),
    }
}

/// `GET /2.0/workspaces/{workspace}/members`, only for the workspace where the app is installed.
pub(crate) async fn members(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    workspace: Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller.require("account")?;
    let state = bitbucket.state();
    let Some(workspace) = state.world.workspace(&workspace) else {
        return Err(ApiError::not_found(format!("No workspace with identifier '{workspace}'.")));
    };
    if workspace.uuid != caller.workspace {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "Your credentials do not give access to this workspace."));
    }
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let members = state.world.users.iter().filter(|user| !workspace.personal || user.uuid == workspace.uuid);
    page::of(&request, bitbucket.url(), 100, members.map(|user| resources.membership(user, workspace)).collect())
}

/// `GET /2.0/workspaces/{workspace}/hooks`, only for the workspace where the app is installed.
pub(crate) async fn hooks(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    workspace: Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller.require("webhook")?;
    match bitbucket.state().world.workspace(&workspace) {
        None => Err(ApiError::not_found(format!("No workspace with identifier '{workspace}'."))),
        Some(workspace) if workspace.uuid != caller.workspace => {
            Err(ApiError::new(StatusCode::FORBIDDEN, "Your credentials do not give access to this workspace."))
        }
        Some(_) => page::of(&request, bitbucket.url(), 100, Vec::new()),
    }
}
