//! `/api/v1/installations`: the Bitbucket workspaces that are connected, and confirming one.

use actix_web::{HttpRequest, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::listing::{self, List, PageQuery};
use super::sent::Sent;
use crate::app::App;
use crate::connections::installations::{self, Door, State};
use crate::connections::purge::Links;
use crate::connections::removal::Removal;
use crate::connections::{disconnect, health, retirement};
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::storage::ids::InstallationId;

/// An installation of the app in a Bitbucket workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Installation {
    /// Its id.
    id: InstallationId,
    /// How far it is: `waiting` for an owner's confirmation, `active`, or `uninstalled` at Bitbucket.
    state: State,
    /// The way it came in: `connect`, or `forge`.
    door: Door,
    /// Where it is installed.
    bitbucket_workspace: BitbucketWorkspace,
    /// The Atlassian account id of who installed it, as Bitbucket reported it.
    reported_installer: Option<String>,
    /// When it was installed.
    installed_at: DateTime<Utc>,
    /// When an owner confirmed it.
    confirmed_at: Option<DateTime<Utc>>,
    /// When it was removed at Bitbucket.
    uninstalled_at: Option<DateTime<Utc>>,
    /// When Bitbucket sent a webhook last.
    last_event_at: Option<DateTime<Utc>>,
    /// What pull requests show of it.
    entry: Entry,
    /// How it fares.
    health: Health,
}

/// How an installation fares.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// Since when Bitbucket refuses our key; null while it takes it.
    refused_since: Option<DateTime<Utc>>,
    /// The scopes that Bitbucket says the app lacks.
    missing_scopes: Vec<String>,
    /// Why a call to Bitbucket failed last, as a stable code.
    last_error: Option<String>,
    /// When.
    last_error_at: Option<DateTime<Utc>>,
    /// By how many seconds this server's clock is ahead of Bitbucket's, as far as calls have shown it.
    clock_skew_seconds: Option<i32>,
    /// After a disconnect, how far the removal at Bitbucket is.
    removal: Option<Removal>,
    /// Why the removal failed last, as a stable code.
    removal_error: Option<String>,
    /// When Forge called last by itself, which it does every hour; null for Connect.
    called_at: Option<DateTime<Utc>>,
    /// When the key for Bitbucket ends that Forge's calls bring; null for Connect.
    key_expires_at: Option<DateTime<Utc>>,
}

/// What is to be disconnected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Disconnect {
    /// The Bitbucket workspace's slug, to be sure.
    workspace: String,
    /// Whether the links that people made go as well.
    #[serde(default)]
    remove_links: bool,
}

/// A workspace at Bitbucket.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BitbucketWorkspace {
    /// Its UUID, without braces.
    uuid: String,
    /// Its slug; null until Bitbucket has told it.
    slug: Option<String>,
    /// Its name; null until Bitbucket has told it.
    name: Option<String>,
}

/// The entry "Add to ClarityLoop" on the workspace's pull requests.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entry {
    /// Whether Bitbucket was told to show it.
    shown: bool,
    /// Why telling Bitbucket otherwise failed last, as a stable code.
    error: Option<String>,
    /// What else there is to know, for people.
    note: Option<&'static str>,
}

impl From<installations::Installation> for Installation {
    fn from(installation: installations::Installation) -> Self {
        let entry = Entry::of(&installation);
        Self {
            id: installation.id,
            state: installation.state,
            door: installation.door,
            bitbucket_workspace: BitbucketWorkspace {
                uuid: installation.bitbucket_workspace_uuid,
                slug: installation.bitbucket_workspace_slug,
                name: installation.bitbucket_workspace_name,
            },
            reported_installer: installation.reported_installer,
            installed_at: installation.installed_at.and_utc(),
            confirmed_at: installation.confirmed_at.map(|at| at.and_utc()),
            uninstalled_at: installation.uninstalled_at.map(|at| at.and_utc()),
            last_event_at: installation.last_event_at.map(|at| at.and_utc()),
            entry,
            health: installation.health.into(),
        }
    }
}

impl From<health::Health> for Health {
    fn from(health: health::Health) -> Self {
        let missing = health.missing_scopes.unwrap_or_default();
        Self {
            refused_since: health.refused_since.map(|at| at.and_utc()),
            missing_scopes: missing.split_whitespace().map(str::to_owned).collect(),
            last_error: health.last_error,
            last_error_at: health.last_error_at.map(|at| at.and_utc()),
            clock_skew_seconds: health.clock_skew_seconds,
            removal: health.removal,
            removal_error: health.removal_error,
            called_at: health.called_at.map(|at| at.and_utc()),
            key_expires_at: health.key_expires_at.map(|at| at.and_utc()),
        }
    }
}

impl Entry {
    /// The entry of an installation.
    pub(super) fn of(installation: &installations::Installation) -> Self {
        let note = "This app is registered with Bitbucket, so its entry stays on pull requests; while PR Quick Action is off, it \
                    leads to one quiet line.";
        let forge_note = "Bitbucket keeps what a Forge app shows on pull requests; while PR Quick Action is off, it says so in one quiet \
                          line.";
        Self {
            shown: installation.entry_shown,
            error: installation.entry_error.clone(),
            note: match installation.door {
                Door::Forge => Some(forge_note),
                Door::Connect => installation.is_registered.then_some(note),
            },
        }
    }
}

/// The installations of your workspace, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/installations",
    operation_id = "list_installations",
    tag = "Bitbucket",
    security(("api_token" = ["read", "owner"])),
    params(PageQuery),
    responses((status = 200, body = List<Installation>))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller, request: HttpRequest) -> Result<web::Json<List<Installation>>> {
    caller.needs(Scope::Read)?;
    caller.needs(Scope::Owner)?;
    let page = listing::page(&request)?;
    let listed = app.read(move |connection| installations::list(connection, &caller.viewer, &page)).await?;
    Ok(web::Json(List::new(listed, Installation::from)))
}

/// Confirms a waiting installation, so that it may be used. Confirming an active one changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/installations/{id}/confirm",
    operation_id = "confirm_installation",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = InstallationId, Path, description = "The installation.")),
    responses((status = 200, body = Installation), (status = 404), (status = 409, description = "`installation_uninstalled` or `bitbucket_workspace_taken`"))
)]
pub(super) async fn confirm(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<Installation>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = InstallationId::parse(&id).ok_or_else(|| Error::not_found("installation"))?;
    let now = app.now();
    let confirmed = app.write(move |connection| installations::confirm(connection, &caller.viewer, &id, &now)).await?;
    Ok(web::Json(confirmed.into()))
}

/// Refuses a waiting installation: it ends, and the app is removed at Bitbucket.
#[utoipa::path(
    post,
    path = "/api/v1/installations/{id}/refuse",
    operation_id = "refuse_installation",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = InstallationId, Path, description = "The installation.")),
    responses((status = 200, body = Installation), (status = 404), (status = 409, description = "`installation_not_waiting`"))
)]
pub(super) async fn refuse(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<Installation>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = InstallationId::parse(&id).ok_or_else(|| Error::not_found("installation"))?;
    let now = app.now();
    let refused = app.write(move |connection| {
        disconnect::refuse(connection, &caller.viewer, &id, &now)?;
        installations::find(connection, &caller.viewer, &id)
    });
    Ok(web::Json(refused.await?.into()))
}

/// Retires the Connect app of a Bitbucket workspace where the Forge app is connected as well: it is removed at Bitbucket, and nothing that
/// people linked is lost.
#[utoipa::path(
    post,
    path = "/api/v1/installations/{id}/retire",
    operation_id = "retire_installation",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = InstallationId, Path, description = "The installation of the Connect app.")),
    responses(
        (status = 200, body = Installation),
        (status = 404),
        (status = 409, description = "`not_connect`, `forge_not_connected` or `already_disconnected`")
    )
)]
pub(super) async fn retire(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<Installation>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = InstallationId::parse(&id).ok_or_else(|| Error::not_found("installation"))?;
    let now = app.now();
    let retired = app.write(move |connection| {
        retirement::retire(connection, &caller.viewer, &id, &now)?;
        installations::find(connection, &caller.viewer, &id)
    });
    Ok(web::Json(retired.await?.into()))
}

/// Disconnects a Bitbucket workspace: its panel stops, what Bitbucket said is deleted, and the app is removed at Bitbucket.
#[utoipa::path(
    post,
    path = "/api/v1/installations/{id}/disconnect",
    operation_id = "disconnect_installation",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = InstallationId, Path, description = "The installation.")),
    request_body = Disconnect,
    responses(
        (status = 200, body = Installation),
        (status = 400, description = "`name_mismatch`"),
        (status = 404),
        (status = 409, description = "`already_disconnected`")
    )
)]
pub(super) async fn disconnect(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    sent: Sent,
) -> Result<web::Json<Installation>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = InstallationId::parse(&id).ok_or_else(|| Error::not_found("installation"))?;
    let Disconnect { workspace, remove_links } = sent.json()?;
    let links = if remove_links { Links::Remove } else { Links::Keep };
    let now = app.now();
    let disconnected = app.write(move |connection| {
        disconnect::disconnect(connection, &caller.viewer, &id, &workspace, links, &now)?;
        installations::find(connection, &caller.viewer, &id)
    });
    Ok(web::Json(disconnected.await?.into()))
}
