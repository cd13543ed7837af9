//! `/api/v1/quick-action`: whether pull requests show "Add to ClarityLoop", and whether Bitbucket follows.

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::installations::Entry;
use super::sent::Sent;
use crate::app::App;
use crate::connections::entry;
use crate::connections::installations::{self, Door, State};
use crate::error::Result;
use crate::people::api_tokens::Scope;
use crate::people::page::Page;
use crate::people::{Viewer, workspaces};
use crate::storage::AnyConnection;
use crate::storage::ids::InstallationId;

/// The switch to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    /// Whether pull requests show "Add to ClarityLoop".
    enabled: bool,
}

/// PR Quick Action, as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuickAction {
    /// Whether pull requests show "Add to ClarityLoop". Panels obey at once, whatever Bitbucket still shows.
    enabled: bool,
    /// How far Bitbucket follows, for each installation that is not removed; null for a token without the scope `owner`.
    installations: Option<Vec<Following>>,
}

/// How far one installation's entry at Bitbucket follows the switch.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Following {
    /// The installation.
    installation: InstallationId,
    /// Whether its entry follows.
    state: FollowingState,
    /// The entry as Bitbucket was told last.
    entry: Entry,
}

/// Whether an entry at Bitbucket follows the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FollowingState {
    /// It shows what the switch says.
    Follows,
    /// Bitbucket is about to be told.
    Pending,
    /// Telling Bitbucket failed, for the reason in `entry.error`; what may pass is tried again.
    Failed,
    /// It is not ours to change, and stays.
    Stays,
}

/// Whether pull requests show "Add to ClarityLoop".
#[utoipa::path(
    get,
    path = "/api/v1/quick-action",
    operation_id = "show_quick_action",
    tag = "Bitbucket",
    security(("api_token" = ["read"])),
    responses((status = 200, body = QuickAction))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller) -> Result<web::Json<QuickAction>> {
    caller.needs(Scope::Read)?;
    let with_installations = caller.may(Scope::Owner);
    app.read(move |connection| quick_action(connection, &caller.viewer, with_installations)).await.map(web::Json)
}

/// Switches "Add to ClarityLoop" on pull requests on or off.
#[utoipa::path(
    put,
    path = "/api/v1/quick-action",
    operation_id = "switch_quick_action",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    request_body = Switch,
    responses((status = 200, body = QuickAction))
)]
pub(super) async fn switch(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<web::Json<QuickAction>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let Switch { enabled } = sent.json()?;
    let now = app.now();
    let switched = app.write(move |connection| {
        entry::switch(connection, &caller.viewer, enabled, &now)?;
        quick_action(connection, &caller.viewer, true)
    });
    switched.await.map(web::Json)
}

fn quick_action(connection: &mut AnyConnection, viewer: &Viewer, with_installations: bool) -> Result<QuickAction> {
    let enabled = workspaces::of(connection, viewer)?.quick_action;
    let installations = with_installations.then(|| every_installation(connection, viewer)).transpose()?;
    let installations = installations.map(|all| {
        let installed = all.into_iter().filter(|installation| installation.state != State::Uninstalled);
        installed.map(|installation| following(installation, enabled)).collect()
    });
    Ok(QuickAction { enabled, installations })
}

fn every_installation(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<installations::Installation>> {
    let mut page = Page { before: None, limit: 100 };
    let mut all = Vec::new();
    loop {
        let listed = installations::list(connection, viewer, &page)?;
        all.extend(listed.entries);
        match listed.next {
            Some(next) => page.before = Some(next),
            None => return Ok(all),
        }
    }
}

fn following(installation: installations::Installation, enabled: bool) -> Following {
    let state = match &installation {
        it if it.is_registered || it.door == Door::Forge => FollowingState::Stays,
        it if it.entry_shown == enabled => FollowingState::Follows,
        it if it.entry_error.is_some() => FollowingState::Failed,
        _ => FollowingState::Pending,
    };
    Following { entry: Entry::of(&installation), installation: installation.id, state }
}
