//! Ending connections: their webhooks are removed and their secrets go, at once where there are none, and with the last way into a Bitbucket
//! workspace everything Bitbucket said of it. Bitbucket documents no call that revokes a grant or a token, so the page says where that is
//! done by hand.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::grants::{self, Connection, Kind, OwnGrant, State};
use super::hooks::farewell;
use super::lifecycle::lock_bitbucket_workspace;
use super::purge::{self, Links};
use super::secrets;
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::{ConnectionId, WorkspaceId};
use crate::storage::schema::{connections, members};

/// Disconnects one of the viewer's workspace's connections.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `already_disconnected` (409).
pub fn disconnect(connection: &mut AnyConnection, viewer: &Viewer, id: &ConnectionId, links: Links, now: &Now) -> Result<()> {
    let known = bitbucket_workspace(&grants::find(connection, viewer, id)?)?;
    if let Some(uuid) = known {
        lock_bitbucket_workspace(connection, uuid)?;
    }
    // Read anew: while the locks were waited for, somebody else may have ended it, or chosen its workspace.
    let found = grants::find_locked(connection, viewer, id)?;
    grants::must_be_open(&found)?;
    let chosen = bitbucket_workspace(&found)?;
    if let Some(uuid) = chosen.filter(|_| chosen != known) {
        lock_bitbucket_workspace(connection, uuid)?;
    }
    close(connection, viewer, &found, now)?;
    match chosen {
        Some(uuid) if !purge::is_connected(connection, &viewer.workspace_id, uuid)? => {
            purge::on_request(connection, &viewer.workspace_id, uuid, links, now)
        }
        _ => Ok(()),
    }
}

fn bitbucket_workspace(found: &Connection) -> Result<Option<Uuid>> {
    found.bitbucket_workspace_uuid.as_deref().map(Uuid::try_parse).transpose().map_err(Error::internal)
}

/// Whether ending this connection closes the last way into its Bitbucket workspace, and so takes the data away.
///
/// # Errors
/// `owner_needed` (403).
pub fn is_last_way(connection: &mut AnyConnection, viewer: &Viewer, found: &Connection) -> Result<bool> {
    let Some(uuid) = &found.bitbucket_workspace_uuid else { return Ok(false) };
    let bitbucket_workspace = Uuid::try_parse(uuid).map_err(Error::internal)?;
    let there = grants::open_in(connection, viewer, bitbucket_workspace)?;
    let has_other = there.iter().any(|other| other.id != found.id && other.state != State::Displaced);
    Ok(!has_other && !purge::is_installed(connection, &viewer.workspace_id, bitbucket_workspace)?)
}

/// Ends every connection that the viewer's workspace has in a Bitbucket workspace, whose lock the caller holds.
pub(super) fn close_all(connection: &mut AnyConnection, viewer: &Viewer, bitbucket_workspace: Uuid, now: &Now) -> Result<()> {
    loop {
        let there = grants::open_in(connection, viewer, bitbucket_workspace)?;
        if there.is_empty() {
            return Ok(());
        }
        for found in there {
            // One that somebody else has just ended is what is wanted.
            if end(connection, &found.id, now)? {
                record_end(connection, viewer, &found, now)?;
            }
        }
    }
}

fn close(connection: &mut AnyConnection, viewer: &Viewer, found: &Connection, now: &Now) -> Result<()> {
    grants::must_have_changed(usize::from(end(connection, &found.id, now)?))?;
    record_end(connection, viewer, found, now)
}

fn record_end(connection: &mut AnyConnection, viewer: &Viewer, found: &Connection, now: &Now) -> Result<()> {
    let (actor, id) = (viewer.member_id.as_str(), found.id.as_str());
    audit::record(connection, &viewer.workspace_id, actor, "connection_ended", id, &found.name, now)
}

/// What is left of an ended connection is that it was, and who made it: its secrets and what Bitbucket said go, the secrets with the last
/// of its webhooks. Answers whether this is what ended it.
fn end(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<bool> {
    grants::lock(connection, id)?;
    let nothing = None::<String>;
    let ended = diesel::update(connections::table.find(id).filter(connections::state.ne(State::Disconnected)))
        .set((
            connections::state.eq(State::Disconnected),
            connections::disconnected_at.eq(Some(now.at)),
            connections::account_id.eq(&nothing),
            connections::reach_name.eq(&nothing),
            connections::restricted_to.eq(&nothing),
            connections::default_branch.eq(&nothing),
            connections::failing_call.eq(&nothing),
            connections::failing_code.eq(&nothing),
            connections::failed_at.eq(None::<NaiveDateTime>),
            connections::missing_scopes.eq(&nothing),
        ))
        .execute(connection)?;
    if ended > 0 && !farewell::begin(connection, id, now)? {
        forget_credential(connection, id)?;
    }
    Ok(ended > 0)
}

/// Forgets the secrets of an ended connection that nothing needs any more, and what is known of its token.
pub(super) fn forget_credential(connection: &mut AnyConnection, id: &ConnectionId) -> Result<()> {
    secrets::forget(connection, id)?;
    diesel::update(connections::table.find(id))
        .set((connections::scopes.eq(None::<String>), connections::expires_at.eq(None::<NaiveDateTime>)))
        .execute(connection)?;
    Ok(())
}

/// Takes one of the viewer's own grants back.
///
/// # Errors
/// `not_found` (404) when there is none; `already_disconnected` (409) when it has just ended.
pub fn end_own(connection: &mut AnyConnection, viewer: &Viewer, which: OwnGrant, now: &Now) -> Result<()> {
    let own = grants::own(connection, viewer)?.into_iter().find(|own| own.serves(which.purpose()));
    let own = own.ok_or_else(|| Error::not_found("grant of yours"))?;
    grants::must_have_changed(usize::from(end(connection, &own.id, now)?))?;
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "own_grant_ended", own.id.as_str(), "", now)
}

/// Ends a member's own grant with the consumer that it lives by, which an owner has removed.
pub(super) fn end_with_consumer(connection: &mut AnyConnection, owner: &Viewer, id: &ConnectionId, now: &Now) -> Result<()> {
    if end(connection, id, now)? {
        let actor = owner.member_id.as_str();
        audit::record(connection, &owner.workspace_id, actor, "own_grant_ended", id.as_str(), "", now)?;
    }
    Ok(())
}

/// Ends the own grants of members who were removed; answers how many. The server looks every minute.
///
/// # Errors
/// When the database refuses.
pub fn end_grants_of_removed(connection: &mut AnyConnection, now: &Now) -> Result<usize> {
    let removed = members::table.filter(members::removed_at.is_not_null()).select(members::id.nullable());
    let theirs: Vec<(ConnectionId, WorkspaceId)> = connections::table
        .filter(connections::member_id.eq_any(removed))
        .filter(connections::state.ne(State::Disconnected))
        .select((connections::id, connections::workspace_id))
        .limit(500)
        .load(connection)?;
    for (id, workspace_id) in &theirs {
        if end(connection, id, now)? {
            audit::record(connection, workspace_id, audit::APP, "own_grant_ended", id.as_str(), "", now)?;
        }
    }
    Ok(theirs.len())
}

/// Where at Bitbucket what was granted is taken back, because Bitbucket has no call for it.
pub fn by_hand(kind: Kind) -> &'static str {
    match kind {
        Kind::OAuth => {
            "Bitbucket has no call that revokes a consent: whoever gave it removes ClarityLoop under Personal settings > App authorizations."
        }
        Kind::ClientCredentials => {
            "The consumer still stands in Bitbucket: delete it under Workspace settings > OAuth consumers if nothing else uses it."
        }
        Kind::WorkspaceToken => "Revoke the token in Bitbucket under Workspace settings > Access tokens.",
        Kind::ProjectToken => "Revoke the token in Bitbucket under Project settings > Access tokens.",
        Kind::RepositoryToken => "Revoke the token in Bitbucket under Repository settings > Access tokens.",
        Kind::ApiToken => "Whoever made the token revokes it at id.atlassian.com under Security > API tokens.",
    }
}
