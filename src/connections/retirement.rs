//! Retiring the Connect app of a Bitbucket workspace in which the Forge app works. Owners do it on the settings pages, here and in
//! Bitbucket; links, identities and history stay, because the workspace's other door stays open.

use diesel::prelude::*;

use super::disconnect::{close, locked};
use super::installations::{Door, Installation, State, find};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::storage::AnyConnection;
use crate::storage::ids::InstallationId;
use crate::storage::schema::installations;

/// The Connect installation of the viewer's workspace that can be retired in this Bitbucket workspace (its UUID without braces), because
/// the Forge app is connected there as well.
///
/// # Errors
/// `owner_needed` (403).
pub fn retirable(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    bitbucket_workspace_uuid: &str,
) -> Result<Option<InstallationId>> {
    viewer.must_own()?;
    if !goes_on_by_forge(connection, viewer, bitbucket_workspace_uuid)? {
        return Ok(None);
    }
    let open = installations::table
        .filter(installations::bitbucket_workspace_uuid.eq(bitbucket_workspace_uuid))
        .filter(installations::workspace_id.eq(&viewer.workspace_id))
        .filter(installations::door.eq(Door::Connect))
        .filter(installations::state.ne(State::Uninstalled));
    Ok(open.order(installations::id.desc()).select(installations::id).first(connection).optional()?)
}

/// Retires it: a tombstone here at once, and a job has Bitbucket remove the app there. Nothing is purged.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `not_connect` or `already_disconnected` (409); `forge_not_connected` (409) while there is no
/// other door that stays open.
pub fn retire(connection: &mut AnyConnection, viewer: &Viewer, id: &InstallationId, now: &Now) -> Result<()> {
    let (_, uuid) = locked(connection, viewer, id)?;
    let installation = may_be_retired(connection, viewer, id)?;
    close(connection, viewer, &installation.id, "connect_retired", uuid, now)
}

/// The installation that is asked about before it is retired.
///
/// # Errors
/// As [`retire`].
pub fn may_be_retired(connection: &mut AnyConnection, viewer: &Viewer, id: &InstallationId) -> Result<Installation> {
    let installation = find(connection, viewer, id)?;
    if installation.door != Door::Connect {
        return Err(Error::conflict("not_connect", "This is the Forge app. Only the Connect app is retired."));
    }
    if installation.state == State::Uninstalled {
        return Err(Error::conflict("already_disconnected", "The Connect app is removed from this Bitbucket workspace already."));
    }
    if !goes_on_by_forge(connection, viewer, &installation.bitbucket_workspace_uuid)? {
        let detail =
            "The Forge app is not connected in this Bitbucket workspace yet. Install it there first; then nothing is lost.";
        return Err(Error::conflict("forge_not_connected", detail));
    }
    Ok(installation)
}

fn goes_on_by_forge(connection: &mut AnyConnection, viewer: &Viewer, bitbucket_workspace_uuid: &str) -> Result<bool> {
    let active = installations::table
        .filter(installations::bitbucket_workspace_uuid.eq(bitbucket_workspace_uuid))
        .filter(installations::workspace_id.eq(&viewer.workspace_id))
        .filter(installations::door.eq(Door::Forge))
        .filter(installations::state.eq(State::Active));
    Ok(active.count().get_result::<i64>(connection)? > 0)
}
