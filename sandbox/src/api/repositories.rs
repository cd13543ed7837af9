//! Repositories: the list of a workspace, one of them, and making, changing and deleting it.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/>.

use super::{
    ApiError,
    caller::Caller,
    page::{self, List},
    workspaces::{entered, named},
};
use crate::{
    bitbucket::Bitbucket,
    resource::{Resources, timestamp},
    world::{Permission, Repository, WorkspacePermission, World},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Bytes, Data, Path},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

const REPOSITORIES: List = List {
    usual: 10,
    largest: 100,
    searchable: &[
        "uuid",
        "name",
        "slug",
        "full_name",
        "description",
        "language",
        "is_private",
        "project.key",
        "project.name",
        "created_on",
        "updated_on",
    ],
    hidden: &[],
};

/// `GET /2.0/repositories/{workspace}`: those that the caller sees, with `role` those where they may so much.
pub(crate) async fn list(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    workspace: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let world = &state.world;
    let workspace = named(world, &workspace)?;
    let window = REPOSITORIES.window(&request)?;
    let least = match window.parameter("role") {
        None => Permission::Read,
        Some("member") => Permission::Read,
        Some("contributor") => Permission::Write,
        Some("admin" | "owner") => Permission::Admin,
        Some(role) => return Err(ApiError::bad_request(format!("Invalid role: {role}"))),
    };
    // A member is somebody to whom more than the public is shown.
    let is_outside = window.parameter("role").is_some() && caller.membership(world, workspace) == WorkspacePermission::None;
    let seen = |repository: &&Repository| {
        repository.workspace == workspace.uuid && !is_outside && caller.permission(world, repository) >= least
    };
    let found: Vec<&Repository> = world.repositories.iter().filter(seen).collect();
    let resources = Resources { world, url: bitbucket.url() };
    let field = |repository: &&Repository, path: &str| vec![field_of(&resources, repository, path)];
    REPOSITORIES.answer_lazily(&request, bitbucket.url(), found, field, |repository| resources.repository(repository))
}

fn field_of(resources: &Resources<'_>, repository: &Repository, path: &str) -> Value {
    match path {
        "uuid" => json!(repository.uuid),
        "name" => json!(repository.name),
        "slug" => json!(repository.slug),
        "full_name" => json!(resources.full_name(repository)),
        "description" => json!(repository.description),
        "language" => json!(repository.language),
        "is_private" => json!(repository.private),
        "project.key" => json!(repository.project),
        "created_on" => json!(timestamp(repository.created_on)),
        "updated_on" => json!(timestamp(repository.updated_on)),
        _ => resources.repository(repository).pointer(&format!("/{}", path.replace('.', "/"))).cloned().unwrap_or_default(),
    }
}

/// `GET /2.0/repositories/{workspace}/{repo_slug}`.
pub(crate) async fn one(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    Ok(page::one(&request, &Resources { world: &state.world, url: bitbucket.url() }.repository(repository)))
}

/// `POST /2.0/repositories/{workspace}/{repo_slug}`: the slug is in the path.
pub(crate) async fn create(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    if bitbucket.world(|world| world.repository_in(&path.0, &path.1).is_some()) {
        return Err(ApiError::bad_request("Repository with this Slug and Owner already exists."));
    }
    make(&bitbucket, &caller, &path, &read(&body)?, StatusCode::OK)
}

/// `PUT /2.0/repositories/{workspace}/{repo_slug}`: makes it when it is not there. Another name is another slug.
pub(crate) async fn put(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let body = read(&body)?;
    if bitbucket.world(|world| world.repository_in(&path.0, &path.1).is_none()) {
        return make(&bitbucket, &caller, &path, &body, StatusCode::CREATED);
    }
    let now = bitbucket.now();
    let mut state = bitbucket.state();
    let mut changed = administered(&state.world, &caller, &path.0, &path.1)?.clone();
    fill(&state.world, &mut changed, &body, now)?;
    if let Some(name) = body["name"].as_str().filter(|name| *name != changed.name) {
        name.clone_into(&mut changed.name);
        changed.slug = slug_of(name);
    }
    if let Some(place) = state.world.repositories.iter().position(|repository| repository.uuid == changed.uuid) {
        state.world.repositories[place] = changed.clone();
    }
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let address = format!("{}/2.0/repositories/{}", bitbucket.url(), resources.full_name(&changed));
    Ok(HttpResponse::Ok().insert_header((header::LOCATION, address)).json(resources.repository(&changed)))
}

/// `DELETE /2.0/repositories/{workspace}/{repo_slug}`.
pub(crate) async fn remove(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let mut state = bitbucket.state();
    let uuid = administered(&state.world, &caller, &path.0, &path.1)?.uuid.clone();
    state.world.repositories.retain(|repository| repository.uuid != uuid);
    state.world.pull_requests.retain(|pull_request| pull_request.repository != uuid);
    state.world.crowds.retain(|crowd| crowd.repository != uuid);
    state.hooks.retain(|hook| hook.subject != uuid);
    Ok(HttpResponse::NoContent().finish())
}

fn make(
    bitbucket: &Bitbucket,
    caller: &Caller,
    path: &(String, String),
    body: &Value,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let now = bitbucket.now();
    let mut state = bitbucket.state();
    let workspace = entered(&state.world, caller, &path.0)?.uuid.clone();
    // Without a project, it goes to the oldest one.
    let oldest = state.world.projects.iter().find(|project| project.workspace == workspace).map(|project| project.key.clone());
    let uuid = format!("{{{}}}", Uuid::new_v4());
    let mut made = Repository::new(&workspace, &oldest.unwrap_or_default(), &uuid, &path.1.to_lowercase(), now);
    made.main_branch = None;
    fill(&state.world, &mut made, body, now)?;
    if let Some(name) = body["name"].as_str() {
        name.clone_into(&mut made.name);
    }
    state.world.repositories.push(made.clone());
    let made = Resources { world: &state.world, url: bitbucket.url() }.repository(&made);
    Ok(HttpResponse::build(status).json(made))
}

fn fill(world: &World, repository: &mut Repository, body: &Value, now: DateTime<Utc>) -> Result<(), ApiError> {
    if body["scm"].as_str().is_some_and(|scm| scm != "git") {
        return Err(ApiError::of_field("scm", "Only git is supported."));
    }
    if let Some(key) = body.pointer("/project/key").and_then(Value::as_str) {
        let is_there = world.projects.iter().any(|project| project.workspace == repository.workspace && project.key == key);
        if !is_there {
            return Err(ApiError::of_field("project", "Project does not exist."));
        }
        key.clone_into(&mut repository.project);
    }
    if let Some(policy) = body["fork_policy"].as_str() {
        if !["allow_forks", "no_public_forks", "no_forks"].contains(&policy) {
            return Err(ApiError::of_field("fork_policy", "Select a valid choice."));
        }
        policy.clone_into(&mut repository.fork_policy);
    }
    for (name, field) in [("description", &mut repository.description), ("language", &mut repository.language)] {
        if let Some(text) = body[name].as_str() {
            text.clone_into(field);
        }
    }
    repository.private = body["is_private"].as_bool().unwrap_or(repository.private);
    repository.updated_on = now;
    Ok(())
}

/// A body of JSON, or none.
pub(super) fn read(body: &Bytes) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let value: Value = serde_json::from_slice(body).map_err(|_unreadable| ApiError::bad_request("Bad request"))?;
    if value.is_object() { Ok(value) } else { Err(ApiError::bad_request("Bad request")) }
}

fn slug_of(name: &str) -> String {
    let slug: String = name
        .to_lowercase()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' })
        .collect();
    slug.trim_matches('-').to_owned()
}

/// The repository, if the caller may see it: to others, a private one does not exist.
pub(crate) fn visible<'a>(
    world: &'a World,
    caller: &Caller,
    workspace: &str,
    repository: &str,
) -> Result<&'a Repository, ApiError> {
    world
        .repository_in(workspace, repository)
        .filter(|found| caller.permission(world, found) > Permission::None)
        .ok_or_else(|| ApiError::not_found(format!("Repository {workspace}/{repository} not found")))
}

/// The same for those who may push to it.
pub(super) fn writable<'a>(world: &'a World, caller: &Caller, workspace: &str, slug: &str) -> Result<&'a Repository, ApiError> {
    let found = visible(world, caller, workspace, slug)?;
    if caller.permission(world, found) < Permission::Write {
        return Err(ApiError::forbidden("You do not have write access to this repository."));
    }
    Ok(found)
}

/// The same for those who may change its settings.
pub(super) fn administered<'a>(
    world: &'a World,
    caller: &Caller,
    workspace: &str,
    slug: &str,
) -> Result<&'a Repository, ApiError> {
    let found = visible(world, caller, workspace, slug)?;
    if caller.permission(world, found) < Permission::Admin {
        return Err(ApiError::forbidden("You must be an admin of this repository."));
    }
    Ok(found)
}
