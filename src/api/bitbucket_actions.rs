//! `/api/v1/bitbucket/repositories`: creating, changing and deleting repositories at Bitbucket.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::sent::Sent;
use crate::app::App;
use crate::config::Now;
use crate::connections::actions::repositories::{self, NewRepository, Repository};
use crate::connections::actions::{Acting, Place};
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;

/// A repository to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateRepository {
    /// The Bitbucket workspace: its slug, or its UUID in braces.
    workspace: String,
    /// The slug of the repository to be.
    repository: String,
    /// The key of its project; without one Bitbucket takes the oldest of the workspace.
    project: Option<String>,
    /// Whether it is private; it is unless you say otherwise.
    private: Option<bool>,
    /// What it is for.
    description: Option<String>,
}

/// What is to be different; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeRepository {
    /// Its name. Another name makes another slug, and another address.
    name: Option<String>,
    /// The key of its project.
    project: Option<String>,
    /// Whether it is private.
    private: Option<bool>,
    /// What it is for.
    description: Option<String>,
}

/// A repository as Bitbucket has it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BitbucketRepository {
    /// Its UUID in braces, which stays.
    uuid: Option<String>,
    /// `workspace/slug`, which changes with its name.
    full_name: Option<String>,
    /// Its name.
    name: Option<String>,
    /// The key of its project.
    project: Option<String>,
    /// Whether it is private.
    private: Option<bool>,
    /// Its page in Bitbucket.
    url: Option<String>,
}

impl From<Repository> for BitbucketRepository {
    fn from(of: Repository) -> Self {
        let Repository { uuid, full_name, name, project, is_private, url } = of;
        Self { uuid, full_name, name, project, private: is_private, url }
    }
}

/// What deletes a repository.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Confirmation {
    /// `workspace/repository`, once more.
    confirm: Option<String>,
}

pub(super) fn acting<'a>(app: &'a App, caller: &'a Caller, now: &'a Now) -> Acting<'a> {
    Acting { parts: app.parts(), permissions: &app.permissions, viewer: &caller.viewer, now }
}

/// Creates a repository at Bitbucket.
#[utoipa::path(
    post,
    path = "/api/v1/bitbucket/repositories",
    operation_id = "create_bitbucket_repository",
    tag = "Bitbucket",
    security(("api_token" = ["bitbucket"])),
    request_body = CreateRepository,
    responses((status = 201, body = BitbucketRepository))
)]
pub(super) async fn create_repository(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<HttpResponse> {
    caller.needs(Scope::Bitbucket)?;
    let (wanted, key) = sent.with_key::<CreateRepository>()?;
    let address = format!("/api/v1/bitbucket/repositories/{}/{}", wanted.workspace, wanted.repository);
    let new = NewRepository {
        place: Place { workspace: wanted.workspace, repository: wanted.repository },
        project: wanted.project,
        is_private: wanted.private.unwrap_or(true),
        description: wanted.description,
    };
    let now = app.now();
    let made = repositories::create(&acting(&app, &caller, &now), &new, key).await?;
    created(&address, &BitbucketRepository::from(made))
}

pub(super) fn created(address: &str, entry: &impl Serialize) -> Result<HttpResponse> {
    // What stands in a path of Bitbucket may be no header of ours: it is encoded once more.
    let location: String = address.bytes().map(|byte| if byte.is_ascii_graphic() { char::from(byte) } else { '-' }).collect();
    Ok(HttpResponse::build(StatusCode::CREATED).insert_header((header::LOCATION, location)).json(entry))
}

/// Changes a repository at Bitbucket; it is never created by this.
#[utoipa::path(
    patch,
    path = "/api/v1/bitbucket/repositories/{workspace}/{repository}",
    operation_id = "change_bitbucket_repository",
    tag = "Bitbucket",
    security(("api_token" = ["bitbucket"])),
    params(("workspace" = String, Path, description = "Slug or UUID in braces."), ("repository" = String, Path, description = "Its slug.")),
    request_body = ChangeRepository,
    responses((status = 200, body = BitbucketRepository), (status = 404, description = "`bitbucket_not_found`"))
)]
pub(super) async fn change_repository(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    sent: Sent,
) -> Result<web::Json<BitbucketRepository>> {
    caller.needs(Scope::Bitbucket)?;
    let (ChangeRepository { name, project, private, description }, key) = sent.with_key()?;
    let changes = repositories::Changes { name, project, is_private: private, description };
    let now = app.now();
    let changed = repositories::change(&acting(&app, &caller, &now), &place(path.into_inner()), &changes, key).await?;
    Ok(web::Json(changed.into()))
}

pub(super) fn place((workspace, repository): (String, String)) -> Place {
    Place { workspace, repository }
}

/// Deletes a repository at Bitbucket for good.
#[utoipa::path(
    delete,
    path = "/api/v1/bitbucket/repositories/{workspace}/{repository}",
    operation_id = "delete_bitbucket_repository",
    tag = "Bitbucket",
    security(("api_token" = ["bitbucket"])),
    params(
        ("workspace" = String, Path, description = "Slug or UUID in braces."),
        ("repository" = String, Path, description = "Its slug."),
        Confirmation
    ),
    responses((status = 204, description = "It is gone."), (status = 409, description = "`confirmation_needed`"))
)]
pub(super) async fn delete_repository(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    query: web::Query<Confirmation>,
    sent: Sent,
) -> Result<HttpResponse> {
    caller.needs(Scope::Bitbucket)?;
    let place = place(path.into_inner());
    let name = format!("{}/{}", place.workspace, place.repository);
    let Some(confirm) = query.into_inner().confirm.filter(|confirm| *confirm == name) else {
        let detail = format!("This cannot be taken back. Send it again with confirm={name}.");
        return Err(Error::conflict("confirmation_needed", detail).at("confirm"));
    };
    let now = app.now();
    repositories::delete(&acting(&app, &caller, &now), &place, &confirm, sent.key()?).await?;
    Ok(HttpResponse::NoContent().finish())
}
