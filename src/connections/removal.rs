//! Removing the app at Bitbucket after an owner has disconnected or refused it here: by a job where Bitbucket lets the app do so,
//! else by hand.

use std::sync::Arc;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::credentials;
use super::describe::retry;
use super::installations::{Door, State};
use crate::bitbucket::{Client, Credential, Failure};
use crate::config::{Config, Now};
use crate::error::{Error, Result};
use crate::jobs::{self, Outcome};
use crate::people::{Viewer, audit};
use crate::storage::ids::{InstallationId, WorkspaceId};
use crate::storage::schema::installations;
use crate::storage::seal::Keyring;
use crate::storage::{AnyConnection, Database};
use crate::word_column;

word_column! {
    /// How far a removal at Bitbucket is.
    Removal {
        /// A job asks Bitbucket, again and again while Bitbucket does not answer.
        Pending => "pending",
        /// Bitbucket has removed the app.
        Done => "done",
        /// Bitbucket does not take the call: somebody has to look there.
        Refused => "refused",
        /// The app cannot remove itself: an admin does it in Bitbucket.
        ByHand => "by_hand",
    }
}

/// A tombstone that Bitbucket has yet to remove.
macro_rules! pending {
    ($id:expr) => {
        installations::table
            .find($id)
            .filter(installations::state.eq(State::Uninstalled))
            .filter(installations::removal.eq(Some(Removal::Pending)))
    };
}

/// The kind of the job.
pub const REMOVE_APP: &str = "remove_app";

/// The payload of a [`REMOVE_APP`] job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RemoveApp {
    /// Which installation, a tombstone here already.
    pub installation_id: InstallationId,
}

/// Has an installation that is a tombstone here removed at Bitbucket as well.
///
/// # Errors
/// When the database refuses.
pub(super) fn begin(connection: &mut AnyConnection, id: &InstallationId, now: &Now) -> Result<()> {
    let row = installations::table.find(id).select((installations::door, installations::is_registered, installations::secret));
    let (door, is_registered, secret): (Door, bool, Option<String>) = row.first(connection)?;
    let can_remove_itself = door == Door::Connect && (is_registered || secret.is_some());
    let removal = if can_remove_itself { Removal::Pending } else { Removal::ByHand };
    diesel::update(installations::table.find(id))
        .set((installations::removal.eq(Some(removal)), installations::removal_error.eq(None::<String>)))
        .execute(connection)?;
    if can_remove_itself { enqueue(connection, id, now) } else { Ok(()) }
}

fn enqueue(connection: &mut AnyConnection, id: &InstallationId, now: &Now) -> Result<()> {
    let payload = RemoveApp { installation_id: id.clone() };
    jobs::forget_failed(connection, REMOVE_APP, &payload)?;
    jobs::enqueue(connection, REMOVE_APP, Some(&format!("{REMOVE_APP}:{id}")), &payload, now)
}

/// Has Bitbucket asked once more, now.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404) when there is nothing of the viewer's to remove.
pub fn try_again(connection: &mut AnyConnection, viewer: &Viewer, id: &InstallationId, now: &Now) -> Result<()> {
    viewer.must_own()?;
    let unremoved = installations::table
        .find(id)
        .filter(installations::workspace_id.eq(&viewer.workspace_id))
        .filter(installations::state.eq(State::Uninstalled))
        .filter(installations::removal.eq_any([Some(Removal::Pending), Some(Removal::Refused)]));
    let begun = diesel::update(unremoved).set(installations::removal.eq(Some(Removal::Pending))).execute(connection)?;
    if begun == 0 { Err(Error::not_found("installation to remove")) } else { enqueue(connection, id, now) }
}

/// Bitbucket says by itself that the app is removed there.
///
/// # Errors
/// When the database refuses.
pub(super) fn is_done(connection: &mut AnyConnection, id: &InstallationId) -> Result<()> {
    let open = installations::table.find(id).filter(installations::removal.is_not_null());
    diesel::update(open)
        .set((installations::removal.eq(Some(Removal::Done)), installations::removal_error.eq(None::<String>)))
        .execute(connection)?;
    Ok(())
}

/// Works the job off: one `DELETE /2.0/addon`, while the installation is still a tombstone.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn handle(
    database: &Database,
    bitbucket: &Client,
    keyring: &Arc<Keyring>,
    config: &Arc<Config>,
    payload: RemoveApp,
    now: &Now,
) -> Result<Outcome> {
    let id = payload.installation_id;
    let (asked, keyring, config, moment) = (id.clone(), Arc::clone(keyring), Arc::clone(config), now.clone());
    let credential = database.read(move |connection| {
        // Installed again meanwhile: nobody wants it removed any more.
        let pending = pending!(&asked).count().get_result::<i64>(connection)?;
        if pending == 0 { Ok(None) } else { credentials::of_tombstone(connection, &asked, &keyring, &config, &moment) }
    });
    let Some(credential) = credential.await?.map(Credential::in_background) else { return Ok(Outcome::Done) };
    let (removal, error, outcome) = match bitbucket.remove_app(&credential).await {
        Ok(()) | Err(Failure::NotFound | Failure::Removed { .. } | Failure::WorkspaceDeleted) => {
            (Removal::Done, None, Outcome::Done)
        }
        Err(failure) if failure.is_passing() => (Removal::Pending, Some(failure.code()), retry(&failure)),
        // A refusal ends it: asking again would be answered the same, and the owners see what to do.
        Err(failure) => (Removal::Refused, Some(failure.code()), Outcome::Done),
    };
    let moment = now.clone();
    let work = move |connection: &mut AnyConnection| settle(connection, &id, removal, error, &moment);
    database.write(work).await.map(|()| outcome)
}

fn settle(
    connection: &mut AnyConnection,
    id: &InstallationId,
    removal: Removal,
    error: Option<&'static str>,
    now: &Now,
) -> Result<()> {
    let changed = diesel::update(pending!(id))
        .set((installations::removal.eq(Some(removal)), installations::removal_error.eq(error)))
        .execute(connection)?;
    let row = installations::table.find(id).select((installations::workspace_id, installations::bitbucket_workspace_uuid));
    let (workspace_id, uuid): (Option<WorkspaceId>, String) = row.first(connection)?;
    let Some(workspace_id) = workspace_id.filter(|_| changed > 0) else { return Ok(()) };
    match removal {
        Removal::Done => audit::record(connection, &workspace_id, audit::APP, "app_removed", id.as_str(), &uuid, now),
        Removal::Refused => audit::record(connection, &workspace_id, audit::APP, "removal_refused", id.as_str(), &uuid, now),
        Removal::Pending | Removal::ByHand => Ok(()),
    }
}
