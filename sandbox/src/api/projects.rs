//! The projects of a workspace.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-projects/>.

use super::{
    ApiError,
    caller::Caller,
    page::{self, List},
    workspaces::{entered, owned},
};
use crate::{bitbucket::Bitbucket, resource::Resources, world::Project};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json, Path},
};
use serde_json::Value;
use uuid::Uuid;

/// `GET /2.0/workspaces/{workspace}/projects`.
pub(crate) async fn list(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    workspace: Path<String>,
) -> Result<HttpResponse, ApiError> {
    const PROJECTS: List = List { searchable: &["name", "key"], ..List::PLAIN };
    let state = bitbucket.state();
    let workspace = entered(&state.world, &caller, &workspace)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let projects = state.world.projects.iter().filter(|project| project.workspace == workspace.uuid);
    PROJECTS.answer(&request, bitbucket.url(), projects.map(|project| resources.project(project)).collect())
}

/// `GET /2.0/workspaces/{workspace}/projects/{project_key}`.
pub(crate) async fn one(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let workspace = entered(&state.world, &caller, &path.0)?;
    let mut projects = state.world.projects.iter().filter(|project| project.workspace == workspace.uuid);
    let project = projects.find(|project| project.key == path.1).ok_or_else(|| ApiError::not_found("Resource not found"))?;
    Ok(page::one(&request, &Resources { world: &state.world, url: bitbucket.url() }.project(project)))
}

/// `POST /2.0/workspaces/{workspace}/projects`.
pub(crate) async fn create(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    workspace: Path<String>,
    body: Json<Value>,
) -> Result<HttpResponse, ApiError> {
    let mut state = bitbucket.state();
    let workspace = owned(&state.world, &caller, &workspace)?.uuid.clone();
    let field = |name: &str| body[name].as_str().map(str::to_owned).filter(|text| !text.is_empty());
    let key = field("key").ok_or_else(|| ApiError::of_field("key", "This field is required."))?;
    let name = field("name").ok_or_else(|| ApiError::of_field("name", "This field is required."))?;
    if state.world.projects.iter().any(|project| project.workspace == workspace && project.key == key) {
        return Err(ApiError::of_field("key", "Project with this Owner and Key already exists."));
    }
    let project = Project { uuid: format!("{{{}}}", Uuid::new_v4()), key, name, workspace };
    state.world.projects.push(project.clone());
    Ok(HttpResponse::Created().json(Resources { world: &state.world, url: bitbucket.url() }.project(&project)))
}
