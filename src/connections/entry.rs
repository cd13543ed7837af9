//! Whether pull requests show our entry: the descriptor of an app installed by URL follows the PR Quick Action switch, by a job.

use std::sync::Arc;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::credentials;
use super::describe::retry;
use super::health::{self, About};
use super::installations::{Door, State};
use crate::bitbucket::Client;
use crate::config::{Config, Now};
use crate::connect::descriptor::Descriptor;
use crate::error::Result;
use crate::jobs::{self, Outcome};
use crate::people::{Viewer, audit, workspaces};
use crate::storage::ids::{InstallationId, WorkspaceId};
use crate::storage::schema::{installations, workspaces as workspace_rows};
use crate::storage::seal::Keyring;
use crate::storage::statement::for_update;
use crate::storage::{AnyConnection, Database};

/// The kind of the job.
pub const UPDATE_ENTRY: &str = "update_entry";

/// The payload of an [`UPDATE_ENTRY`] job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpdateEntry {
    /// Whose descriptor.
    pub installation_id: InstallationId,
}

/// Switches PR Quick Action and has every descriptor follow. Panels obey at once, whatever Bitbucket still shows.
///
/// # Errors
/// `owner_needed` (403).
pub fn switch(connection: &mut AnyConnection, viewer: &Viewer, enabled: bool, now: &Now) -> Result<()> {
    if workspaces::switch_quick_action(connection, viewer, enabled)? {
        let action = if enabled { "quick_action_on" } else { "quick_action_off" };
        audit::record(connection, &viewer.workspace_id, viewer.member_id.as_str(), action, "", "", now)?;
    }
    enqueue(connection, &viewer.workspace_id, now)
}

/// Has the descriptors of a workspace's installations brought in line with its switch, those that differ.
///
/// # Errors
/// When the database refuses.
pub fn enqueue(connection: &mut AnyConnection, workspace_id: &WorkspaceId, now: &Now) -> Result<()> {
    let ids: Vec<InstallationId> = installations::table
        .inner_join(workspace_rows::table)
        .filter(installations::workspace_id.eq(workspace_id))
        .filter(installations::door.eq(Door::Connect))
        .filter(installations::is_registered.eq(false))
        .filter(installations::state.ne(State::Uninstalled))
        .filter(installations::entry_shown.ne(workspace_rows::quick_action))
        .select(installations::id)
        .load(connection)?;
    ids.into_iter().try_for_each(|id| {
        let key = format!("{UPDATE_ENTRY}:{id}");
        let payload = UpdateEntry { installation_id: id };
        jobs::forget_failed(connection, UPDATE_ENTRY, &payload)?;
        jobs::enqueue(connection, UPDATE_ENTRY, Some(&key), &payload, now)
    })
}

/// Works the job off: one `PUT /2.0/addon` when Bitbucket shows something else than the switch says. A refusal ends it and is
/// shown to the owners; silence is tried again.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn handle(
    database: &Database,
    bitbucket: &Client,
    keyring: &Arc<Keyring>,
    config: &Arc<Config>,
    payload: UpdateEntry,
    now: &Now,
) -> Result<Outcome> {
    let id = payload.installation_id;
    let (asked_id, ring, settings, moment) = (id.clone(), Arc::clone(keyring), Arc::clone(config), now.clone());
    let asked = database.read(move |connection| {
        let row: Option<(bool, bool, Option<String>)> = installations::table
            .inner_join(workspace_rows::table)
            .filter(installations::id.eq(&asked_id))
            .select((workspace_rows::quick_action, installations::entry_shown, installations::install_code))
            .first(connection)
            .optional()?;
        Ok(row.zip(credentials::of(connection, &asked_id, &ring, &settings, &moment)?))
    });
    let Some(((wanted, shown, install_code), credential)) = asked.await? else { return Ok(Outcome::Done) };
    if wanted == shown {
        return Ok(Outcome::Done);
    }
    let descriptor = descriptor(config, install_code.as_deref(), wanted).render();
    let answer = bitbucket.put_descriptor(&credential.in_background(), &descriptor).await;
    let failure = answer.as_ref().err().cloned();
    let (shown, error, outcome) = match answer {
        Ok(()) => (wanted, None, Outcome::Done),
        Err(failure) if failure.is_passing() => (shown, Some(failure.code()), retry(&failure)),
        // A refusal ends it: asking again would be answered the same, and the owners see why.
        Err(failure) => (shown, Some(failure.code()), Outcome::Done),
    };
    let (is_told, moment) = (error.is_none(), now.clone());
    database
        .write(move |connection| {
            let workspace_id = locked_workspace_of(connection, &id)?;
            diesel::update(installations::table.find(&id))
                .set((installations::entry_shown.eq(shown), installations::entry_error.eq(error)))
                .execute(connection)?;
            match &failure {
                Some(failure) => health::note_failure(connection, &id, failure, About::OneThing, &moment)?,
                None => health::note_success(connection, &id, About::Workspace)?,
            }
            // The switch may have been pressed again while Bitbucket was told.
            if let Some(workspace_id) = workspace_id.filter(|_| is_told) {
                enqueue(connection, &workspace_id, &moment)?;
            }
            Ok(outcome)
        })
        .await
}

/// The workspace of an installation, locked: the switch and what follows it happen one after the other.
fn locked_workspace_of(connection: &mut AnyConnection, id: &InstallationId) -> Result<Option<WorkspaceId>> {
    let row: Option<Option<WorkspaceId>> =
        installations::table.find(id).select(installations::workspace_id).first(connection).optional()?;
    let Some(workspace_id) = row.flatten() else { return Ok(None) };
    let workspace = workspace_rows::table.find(&workspace_id).select(workspace_rows::id);
    Ok(Some(for_update(workspace).get_result(connection)?))
}

/// The descriptor of this app, for an install address with or without a code.
pub fn descriptor<'a>(config: &'a Config, install_code: Option<&'a str>, quick_action: bool) -> Descriptor<'a> {
    Descriptor {
        app_key: &config.connect.app_key,
        public_url: &config.public_url.text,
        install_code,
        quick_action,
        forge_app_link: config.forge.install_link.as_deref(),
        forge_app_id: config.forge.app_id.as_deref(),
    }
}
