//! What owners end: a Bitbucket workspace that is connected, and an installation that waits. The panel stops at once, the data go
//! at once, and the app is removed at Bitbucket.

use diesel::prelude::*;
use uuid::Uuid;

use super::closing;
use super::installations::{self as rows, Installation, State};
use super::lifecycle::lock_bitbucket_workspace;
use super::purge::{self, Links};
use super::{removal, system_tokens};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::{self, Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::InstallationId;
use crate::storage::schema::installations;

impl Installation {
    /// What an owner types to disconnect it: the Bitbucket workspace's slug, or its UUID while nothing else is known.
    pub fn typed_name(&self) -> &str {
        self.bitbucket_workspace_slug.as_deref().unwrap_or(&self.bitbucket_workspace_uuid)
    }
}

/// Disconnects the Bitbucket workspace of an installation: all of the viewer's installations in it.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `already_disconnected` (409); `name_mismatch` (400) when `typed` is not the
/// workspace's name.
pub fn disconnect(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    id: &InstallationId,
    typed: &str,
    links: Links,
    now: &Now,
) -> Result<()> {
    let (installation, uuid) = locked(connection, viewer, id)?;
    if installation.state == State::Uninstalled {
        return Err(Error::conflict("already_disconnected", "This Bitbucket workspace is disconnected already."));
    }
    if !typed.trim().eq_ignore_ascii_case(installation.typed_name()) {
        let detail = format!("This is not the workspace's name. Type {} to disconnect it.", installation.typed_name());
        return Err(Error::invalid("name_mismatch", "workspace", detail));
    }
    let open: Vec<InstallationId> = installations::table
        .filter(installations::bitbucket_workspace_uuid.eq(&installation.bitbucket_workspace_uuid))
        .filter(installations::workspace_id.eq(&viewer.workspace_id))
        .filter(installations::state.ne(State::Uninstalled))
        .select(installations::id)
        .load(connection)?;
    for id in &open {
        close(connection, viewer, id, "disconnected", uuid, now)?;
    }
    // Disconnecting a Bitbucket workspace closes every way into it: what is said to be deleted must not come again.
    closing::close_all(connection, viewer, uuid, now)?;
    purge::on_request(connection, &viewer.workspace_id, uuid, links, now)
}

/// How many links a disconnect can remove.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn count_links(connection: &mut AnyConnection, viewer: &Viewer, installation: &Installation) -> Result<i64> {
    viewer.must_own()?;
    let uuid = Uuid::try_parse(&installation.bitbucket_workspace_uuid).map_err(Error::internal)?;
    people::purge::count_links(connection, &viewer.workspace_id, uuid, installation.bitbucket_workspace_slug.as_deref())
}

/// Refuses an installation that waits.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `installation_not_waiting` (409).
pub fn refuse(connection: &mut AnyConnection, viewer: &Viewer, id: &InstallationId, now: &Now) -> Result<()> {
    let (installation, uuid) = locked(connection, viewer, id)?;
    if installation.state != State::Waiting {
        let detail = "Only an installation that waits can be refused. Disconnect one that is connected.";
        return Err(Error::conflict("installation_not_waiting", detail));
    }
    close(connection, viewer, id, "installation_refused", uuid, now)?;
    purge::when_last_door_closed(connection, Some(&viewer.workspace_id), uuid, now)
}

/// The viewer's installation, with its Bitbucket workspace locked: what ends it and what begins anew happen one after the other.
pub(super) fn locked(connection: &mut AnyConnection, viewer: &Viewer, id: &InstallationId) -> Result<(Installation, Uuid)> {
    let uuid = rows::find(connection, viewer, id)?.bitbucket_workspace_uuid;
    let uuid = Uuid::try_parse(&uuid).map_err(Error::internal)?;
    lock_bitbucket_workspace(connection, uuid)?;
    Ok((rows::find(connection, viewer, id)?, uuid))
}

/// Makes a tombstone of an installation and has it removed at Bitbucket.
pub(super) fn close(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    id: &InstallationId,
    action: &'static str,
    bitbucket_workspace: Uuid,
    now: &Now,
) -> Result<()> {
    diesel::update(installations::table.find(id))
        .set((installations::state.eq(State::Uninstalled), installations::uninstalled_at.eq(Some(now.at))))
        .execute(connection)?;
    system_tokens::forget(connection, id)?;
    removal::begin(connection, id, now)?;
    let (actor, detail) = (viewer.member_id.as_str(), bitbucket_workspace.to_string());
    audit::record(connection, &viewer.workspace_id, actor, action, id.as_str(), &detail, now)
}
