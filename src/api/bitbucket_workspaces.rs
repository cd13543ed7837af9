//! `/api/v1/bitbucket-workspaces` and below: the connected Bitbucket workspaces, their repositories, and which of those are chosen.

use actix_web::{HttpRequest, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::caller::Caller;
use super::listing::{self, List};
use super::sent::Sent;
use crate::app::App;
use crate::connections::repositories::choices::{self, Choice};
use crate::connections::repositories::listing as reading;
use crate::connections::repositories::places::{self, Decided, Place};
use crate::connections::repositories::search::{self, Search, Show};
use crate::connections::repositories::{self, choices::Changed};
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::people::page::{Listed, Page};
use crate::people::pull_requests::parse_uuid;

/// A connected Bitbucket workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectedWorkspace {
    /// Its UUID, without braces.
    uuid: String,
    /// Its slug, once Bitbucket has told it.
    slug: Option<String>,
    /// How far its repositories are listed; null before the first reading.
    reading: Option<Reading>,
}

/// How far the repositories are listed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reading {
    /// When the reading that is under way or was the last began.
    begun_at: DateTime<Utc>,
    /// Whether it is under way.
    is_under_way: bool,
    /// How many repositories it has named so far.
    found: i32,
    /// When the list was read to its end.
    listed_at: Option<DateTime<Utc>>,
    /// Why the last reading ended without that, as a stable code.
    error: Option<String>,
}

/// How much of a Bitbucket workspace is chosen, and what becomes of new repositories.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RepositoryChoice {
    /// How many repositories there are.
    repositories: i64,
    /// How many of them are chosen.
    chosen: i64,
    /// Whether new repositories are chosen, where the project has no rule of its own.
    includes_new: bool,
    /// The projects, by key.
    projects: Vec<ProjectChoice>,
}

/// How much of a project is chosen, and what becomes of its new repositories.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectChoice {
    /// Its key.
    key: String,
    /// Its name.
    name: Option<String>,
    /// How many repositories it has.
    repositories: i64,
    /// How many of them are chosen.
    chosen: i64,
    /// Whether its new repositories are chosen; null: as in the whole Bitbucket workspace.
    includes_new: Option<bool>,
}

/// A repository of a connected Bitbucket workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Repository {
    /// Its UUID, without braces, which outlives a rename.
    uuid: String,
    /// `workspace/repository`.
    full_name: String,
    /// Its name for people.
    name: String,
    /// The key of its project; null where it has none.
    project: Option<String>,
    /// The name of its project.
    project_name: Option<String>,
    /// Whether only people who were let in see it at Bitbucket.
    is_private: bool,
    /// Its main branch; null while it is empty.
    default_branch: Option<String>,
    /// Whether it is chosen. What is not chosen is never read.
    is_chosen: bool,
    /// When that was decided, by an owner or by the rule for new repositories.
    decided_at: DateTime<Utc>,
    /// Since when Bitbucket does not list it any more.
    gone_at: Option<DateTime<Utc>>,
}

/// Which repositories are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RepositoriesQuery {
    /// Only those; all that Bitbucket lists when absent.
    #[param(inline)]
    show: Option<Show>,
    /// Only those of the project with this key.
    project: Option<String>,
    /// Only those in whose names or project each of these words stands.
    search: Option<String>,
    /// Where to go on: the `next` of the page before.
    cursor: Option<String>,
    /// How many entries, 1 to 100; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

/// Which repositories to choose and which to leave out: by UUID, or all of a project or of the Bitbucket workspace at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewChoice {
    /// Whether to choose (true) or to leave out (false) everything that is listed; absent, the repositories named below.
    all: Option<bool>,
    /// With `all`: only the project with this key.
    project: Option<String>,
    /// The UUIDs of repositories to choose.
    #[serde(default)]
    chosen: Vec<String>,
    /// The UUIDs of repositories to leave out.
    #[serde(default)]
    left_out: Vec<String>,
}

/// What becomes of new repositories.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRule {
    /// The key of a project; absent, the whole Bitbucket workspace.
    project: Option<String>,
    /// Whether repositories that are listed for the first time are chosen; null takes the rule away: a project follows the workspace,
    /// and in a workspace without a rule nothing new is chosen.
    includes_new: Option<bool>,
}

/// What a decision has changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangedChoice {
    /// How many repositories are chosen that were not before.
    chosen: usize,
    /// How many are not chosen any more.
    left_out: usize,
}

/// What came of asking for a new reading.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Begun {
    /// Whether one was begun; false when one is under way already.
    begun: bool,
}

impl From<Place> for ConnectedWorkspace {
    fn from(place: Place) -> Self {
        let reading = |reading: places::Reading| Reading {
            begun_at: reading.begun_at.and_utc(),
            is_under_way: reading.is_under_way,
            found: reading.found,
            listed_at: reading.listed_at.map(|at| at.and_utc()),
            error: reading.error,
        };
        Self { uuid: place.uuid, slug: place.slug, reading: place.reading.map(reading) }
    }
}

impl From<Decided> for RepositoryChoice {
    fn from(decided: Decided) -> Self {
        let project = |project: places::Project| ProjectChoice {
            key: project.key,
            name: project.name,
            repositories: project.counts.all,
            chosen: project.counts.chosen,
            includes_new: project.includes_new,
        };
        Self {
            repositories: decided.counts.all,
            chosen: decided.counts.chosen,
            includes_new: decided.includes_new,
            projects: decided.projects.into_iter().map(project).collect(),
        }
    }
}

impl From<repositories::Repository> for Repository {
    fn from(repository: repositories::Repository) -> Self {
        Self {
            uuid: repository.uuid,
            full_name: repository.full_name,
            name: repository.name,
            project: Some(repository.project_key).filter(|key| !key.is_empty()),
            project_name: repository.project_name,
            is_private: repository.is_private,
            default_branch: repository.default_branch,
            is_chosen: repository.is_chosen,
            decided_at: repository.decided_at.and_utc(),
            gone_at: repository.gone_at.map(|at| at.and_utc()),
        }
    }
}

impl From<Changed> for ChangedChoice {
    fn from(changed: Changed) -> Self {
        Self { chosen: changed.chosen, left_out: changed.left_out }
    }
}

/// The Bitbucket workspaces that are connected, by name, and how far their repositories are listed.
#[utoipa::path(
    get,
    path = "/api/v1/bitbucket-workspaces",
    operation_id = "list_bitbucket_workspaces",
    tag = "Bitbucket",
    security(("api_token" = ["read"])),
    responses((status = 200, body = List<ConnectedWorkspace>))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller) -> Result<web::Json<List<ConnectedWorkspace>>> {
    caller.needs(Scope::Read)?;
    let places = app.read(move |connection| places::connected(connection, &caller.viewer)).await?;
    Ok(web::Json(List::new(Listed { entries: places, next: None }, ConnectedWorkspace::from)))
}

/// How much of a Bitbucket workspace is chosen, by project, and what becomes of new repositories.
#[utoipa::path(
    get,
    path = "/api/v1/bitbucket-workspaces/{id}/choice",
    operation_id = "show_repository_choice",
    tag = "Bitbucket",
    security(("api_token" = ["read", "owner"])),
    params(("id" = String, Path, description = "The UUID of the Bitbucket workspace.")),
    responses((status = 200, body = RepositoryChoice), (status = 404))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<RepositoryChoice>> {
    caller.needs(Scope::Read)?;
    caller.needs(Scope::Owner)?;
    let workspace = parse(&id)?;
    let decided = app.read(move |connection| {
        caller.viewer.must_own()?;
        places::must_be_connected(connection, &caller.viewer, workspace)?;
        places::decided(connection, &caller.viewer, workspace)
    });
    Ok(web::Json(decided.await?.into()))
}

/// Chooses repositories or leaves them out: those that are named, or all of a project or of the Bitbucket workspace. What stands like this
/// already, or is not listed, stays as it is.
#[utoipa::path(
    put,
    path = "/api/v1/bitbucket-workspaces/{id}/choice",
    operation_id = "choose_repositories",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = String, Path, description = "The UUID of the Bitbucket workspace.")),
    request_body = NewChoice,
    responses((status = 200, body = ChangedChoice), (status = 404))
)]
pub(super) async fn choose(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    sent: Sent,
) -> Result<web::Json<ChangedChoice>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let (workspace, now) = (parse(&id)?, app.now());
    let NewChoice { all, project, chosen, left_out } = sent.json()?;
    let choice = Choice { chosen: uuids("chosen", &chosen)?, left_out: uuids("left_out", &left_out)? };
    if all.is_some() != (choice.chosen.is_empty() && choice.left_out.is_empty()) || (project.is_some() && all.is_none()) {
        let detail = "Name repositories in chosen and left_out, or say all, with a project or without.";
        return Err(Error::invalid("choice_unclear", "all", detail));
    }
    let changed = app.write(move |connection| match all {
        Some(all) => choices::choose_all(connection, &caller.viewer, workspace, project.as_deref(), all, &now),
        None => choices::choose(connection, &caller.viewer, workspace, &choice, &now),
    });
    Ok(web::Json(changed.await?.into()))
}

/// Sets what becomes of repositories that are listed for the first time. What is listed already stays as it is.
#[utoipa::path(
    put,
    path = "/api/v1/bitbucket-workspaces/{id}/rule",
    operation_id = "set_repository_rule",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = String, Path, description = "The UUID of the Bitbucket workspace.")),
    request_body = NewRule,
    responses((status = 200, body = RepositoryChoice), (status = 404))
)]
pub(super) async fn set_rule(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    sent: Sent,
) -> Result<web::Json<RepositoryChoice>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let (workspace, now) = (parse(&id)?, app.now());
    let NewRule { project, includes_new } = sent.json()?;
    let decided = app.write(move |connection| {
        choices::set_rule(connection, &caller.viewer, workspace, project.as_deref(), includes_new, &now)?;
        places::decided(connection, &caller.viewer, workspace)
    });
    Ok(web::Json(decided.await?.into()))
}

/// Has the repositories of a Bitbucket workspace listed anew, in the background.
#[utoipa::path(
    post,
    path = "/api/v1/bitbucket-workspaces/{id}/read",
    operation_id = "read_repositories",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = String, Path, description = "The UUID of the Bitbucket workspace.")),
    responses((status = 200, body = Begun), (status = 404))
)]
pub(super) async fn read(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<Begun>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let (workspace, now) = (parse(&id)?, app.now());
    let begun = app.write(move |connection| reading::read_again(connection, &caller.viewer, workspace, &now)).await?;
    Ok(web::Json(Begun { begun }))
}

/// The repositories of a Bitbucket workspace, by name. An owner sees them all; a member sees the public ones and the private ones in which
/// they have opened a pull request's panel.
#[utoipa::path(
    get,
    path = "/api/v1/bitbucket-workspaces/{id}/repositories",
    operation_id = "list_repositories",
    tag = "Bitbucket",
    security(("api_token" = ["read"])),
    params(("id" = String, Path, description = "The UUID of the Bitbucket workspace."), RepositoriesQuery),
    responses((status = 200, body = List<Repository>), (status = 404))
)]
pub(super) async fn list_repositories(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    request: HttpRequest,
) -> Result<web::Json<List<Repository>>> {
    caller.needs(Scope::Read)?;
    let workspace = parse(&id)?;
    let RepositoriesQuery { show, project, search, cursor, limit } = listing::query(&request)?;
    let limit = Page::parse(None, limit.as_deref())?.limit;
    let (show, typed) = (show.unwrap_or(Show::All), search.unwrap_or_default());
    let search = Search::parse(show, project.as_deref(), &typed, cursor.as_deref(), limit)?;
    let listed = app.read(move |connection| {
        places::must_be_connected(connection, &caller.viewer, workspace)?;
        search::list(connection, &caller.viewer, workspace, &search)
    });
    Ok(web::Json(List::new(listed.await?, Repository::from)))
}

fn parse(id: &str) -> Result<Uuid> {
    parse_uuid(id).ok_or_else(|| Error::not_found("Bitbucket workspace"))
}

fn uuids(field: &'static str, texts: &[String]) -> Result<Vec<Uuid>> {
    let parsed: Option<Vec<Uuid>> = texts.iter().map(|text| parse_uuid(text)).collect();
    parsed.ok_or_else(|| Error::invalid("repository_invalid", field, "Name each repository by its UUID."))
}
