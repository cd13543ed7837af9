//! To which ClarityLoop workspace a Bitbucket workspace belongs: to one at a time. Every way of connecting one asks here first, with the
//! Bitbucket workspace locked.
//!
//! An installation and a connection count alike, whichever comes first. Letting an installation win over somebody else's token would take
//! data from a workspace without its owners having done anything, and what each of two workspaces is told and purged would overlap until
//! then. So whoever comes second is refused until the first has disconnected.

use diesel::prelude::*;
use uuid::Uuid;

use super::grants;
use super::installations::State;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::WorkspaceId;
use crate::storage::schema::{connections, installations};

/// Refuses a Bitbucket workspace that another ClarityLoop workspace is connected to. The caller holds its lock.
///
/// # Errors
/// `bitbucket_workspace_taken` (409).
pub(super) fn must_be_free(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<()> {
    if is_free(connection, workspace_id, bitbucket_workspace)? { Ok(()) } else { Err(taken()) }
}

/// Whether no other ClarityLoop workspace has the app in a Bitbucket workspace, waiting or active, or a connection to it that has not
/// ended. An installation that nobody has claimed is no other workspace's.
pub(super) fn is_free(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<bool> {
    let uuid = bitbucket_workspace.to_string();
    let installed = installations::table
        .filter(installations::bitbucket_workspace_uuid.eq(&uuid))
        .filter(installations::state.ne(State::Uninstalled))
        .filter(installations::workspace_id.is_not_null())
        .filter(installations::workspace_id.ne(workspace_id));
    let granted = connections::table
        .filter(connections::bitbucket_workspace_uuid.eq(Some(&uuid)))
        .filter(connections::state.ne(grants::State::Disconnected))
        .filter(connections::workspace_id.ne(workspace_id));
    let others = installed.count().get_result::<i64>(connection)? + granted.count().get_result::<i64>(connection)?;
    Ok(others == 0)
}

/// 409: the Bitbucket workspace is somebody else's.
pub(super) fn taken() -> Error {
    Error::conflict(
        "bitbucket_workspace_taken",
        "This Bitbucket workspace belongs to another ClarityLoop workspace. Disconnect it there first.",
    )
}
