//! Which Bitbucket workspace a connection is for: one of those that its credential reaches, chosen by an owner. The consent and the
//! settings page call it.

use diesel::prelude::*;

use super::belonging::Proof;
use super::discovery::{self, Discovered, Reached};
use super::grants::{self, Connection, State};
use super::lifecycle::lock_bitbucket_workspace;
use super::{Parts, belonging, refresh};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::{ConnectionId, WorkspaceId};
use crate::storage::schema::{bitbucket_workspaces, connections};

/// The workspaces that a connection of the viewer's workspace reaches, asked of Bitbucket now.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `connection_refused` (409); whatever Bitbucket's silence makes (503).
pub async fn offered(parts: &Parts<'_>, viewer: &Viewer, id: &ConnectionId, now: &Now) -> Result<Discovered> {
    let (owner, asked) = (viewer.clone(), id.clone());
    parts.database.read(move |connection| grants::find(connection, &owner, &asked).map(|_found| ())).await?;
    let credential = refresh::credential(parts, id, now).await?.ok_or_else(|| {
        Error::conflict("connection_refused", "Bitbucket does not take this connection any more. Connect again.")
    })?;
    Ok(discovery::workspaces(parts.bitbucket, &credential).await?)
}

/// Chooses one that Bitbucket has just named.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `already_disconnected`, `workspace_chosen` or `bitbucket_workspace_taken` (409).
pub fn choose(connection: &mut AnyConnection, viewer: &Viewer, id: &ConnectionId, reached: &Reached, now: &Now) -> Result<()> {
    must_be_unchosen(&grants::find(connection, viewer, id)?)?;
    take_in(connection, &viewer.workspace_id, reached, now)?;
    // Read anew: while the locks were waited for, somebody else may have ended it, or chosen.
    must_be_unchosen(&grants::find_locked(connection, viewer, id)?)?;
    let changed = diesel::update(connections::table.find(id).filter(connections::state.ne(State::Disconnected)))
        .set((
            connections::bitbucket_workspace_uuid.eq(Some(reached.uuid.to_string())),
            connections::is_administrator.eq(reached.is_administrator),
        ))
        .execute(connection)?;
    grants::must_have_changed(changed)?;
    let (actor, detail) = (viewer.member_id.as_str(), reached.uuid.to_string());
    audit::record(connection, &viewer.workspace_id, actor, "connection_workspace_chosen", id.as_str(), &detail, now)
}

fn must_be_unchosen(found: &Connection) -> Result<()> {
    grants::must_be_open(found)?;
    if found.bitbucket_workspace_uuid.is_none() {
        return Ok(());
    }
    let detail = "The workspace of this connection is chosen already. Make another connection for another workspace.";
    Err(Error::conflict("workspace_chosen", detail))
}

/// Takes a Bitbucket workspace in for a connection: it belongs to one ClarityLoop workspace at a time, by the strength of the proof. Its
/// slug is what Bitbucket has just said.
///
/// # Errors
/// `bitbucket_workspace_taken` (409).
pub(super) fn take_in(connection: &mut AnyConnection, workspace_id: &WorkspaceId, reached: &Reached, now: &Now) -> Result<()> {
    lock_bitbucket_workspace(connection, reached.uuid)?;
    belonging::take(connection, workspace_id, reached.uuid, Proof::of(reached.is_administrator), now)?;
    diesel::update(bitbucket_workspaces::table.find(reached.uuid.to_string()))
        .set((bitbucket_workspaces::slug.eq(Some(&reached.slug)), bitbucket_workspaces::described_at.eq(Some(now.at))))
        .execute(connection)?;
    Ok(())
}
