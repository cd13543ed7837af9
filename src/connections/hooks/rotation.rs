//! New secrets for the webhooks of a connection, when an owner asks for them. The settings page and REST call it.

use super::{ask_anew, keeping, rows};
use crate::config::Now;
use crate::connections::grants::{self, State};
use crate::error::{Error, Result};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::ConnectionId;
use crate::storage::seal::Keyring;

/// Gives every webhook of a connection a new secret. Bitbucket is told by a job; until it is, and for an hour longer, what the former secret
/// signs is taken as well, so that nothing that is under way gets lost.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `already_disconnected`, `connection_refused` or `no_webhooks` (409).
pub fn rotate(connection: &mut AnyConnection, viewer: &Viewer, id: &ConnectionId, keyring: &Keyring, now: &Now) -> Result<()> {
    let found = grants::find_locked(connection, viewer, id)?;
    grants::must_be_open(&found)?;
    if found.state != State::Connected {
        let detail = "Bitbucket does not take this connection any more, so it cannot be told a new secret. Connect again first.";
        return Err(Error::conflict("connection_refused", detail));
    }
    let rotated = rows::rotate(connection, id, keyring, now)?;
    if rotated == 0 && rows::of(connection, id, 1)?.is_empty() {
        let detail = "This connection has no webhook whose secret could be changed.";
        return Err(Error::conflict("no_webhooks", detail));
    }
    ask_anew(connection, id, now)?;
    keeping::enqueue(connection, id, now)?;
    audit::record(
        connection,
        &viewer.workspace_id,
        viewer.member_id.as_str(),
        "hook_secrets_rotated",
        id.as_str(),
        &found.name,
        now,
    )
}
