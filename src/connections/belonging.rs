//! To which ClarityLoop workspace a Bitbucket workspace belongs: to one at a time. Every way of connecting one asks here first, with the
//! Bitbucket workspace locked.
//!
//! Each way in is a proof, and its strength decides. *An administrator's*: an installation of the app, which only administrators of the
//! Bitbucket workspace can install, and a connection of which Bitbucket says that its account administers the workspace, or that its token
//! is the workspace's own. *A member's*: every other connection. It reads what its account may read, and holds the place of nobody who is
//! in charge.
//!
//! | whoever comes \\ another ClarityLoop workspace has | nothing | only members' connections | an administrator's proof |
//! |---|---|---|---|
//! | a member's connection | is taken in | is refused | is refused |
//! | an administrator's proof | is taken in | wins | is refused |
//!
//! Of equals the first stays until it disconnects: moving a workspace takes somebody who acts on both sides. Whoever wins is shown nothing
//! of what the others have read, because everything is stored for one ClarityLoop workspace. The others' connections are *displaced*:
//! nothing is asked with them from that moment on, their cards say why, and what they have read stays with whoever read it, as their
//! own account had let them, until they disconnect. An installation displaces nobody while it waits: an owner confirms it first.

use diesel::prelude::*;
use uuid::Uuid;

use super::grants;
use super::installations::State;
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::audit;
use crate::storage::AnyConnection;
use crate::storage::ids::{ConnectionId, WorkspaceId};
use crate::storage::schema::{connections, installations};

/// How strongly a way in shows that its ClarityLoop workspace may have a Bitbucket workspace, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    /// Somebody belongs to it, or holds a token of a part of it.
    Members,
    /// Somebody administers it.
    Administrators,
}

impl Proof {
    /// The proof of a connection whose account administers the workspace, or does not.
    pub(super) fn of(is_administrator: bool) -> Self {
        if is_administrator { Self::Administrators } else { Self::Members }
    }
}

/// What the rule says to whoever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Free,
    Wins,
    Taken,
}

/// The rule: `others` is the strongest proof that any other ClarityLoop workspace has.
fn verdict(newcomer: Proof, others: Option<Proof>) -> Verdict {
    match others {
        None => Verdict::Free,
        Some(others) if newcomer > others => Verdict::Wins,
        Some(_) => Verdict::Taken,
    }
}

/// Other ClarityLoop workspaces' connections that are neither ended nor displaced.
macro_rules! living_of_others {
    ($workspace_id:expr, $bitbucket_workspace:expr) => {
        connections::table
            .filter(connections::bitbucket_workspace_uuid.eq(Some($bitbucket_workspace.to_string())))
            .filter(connections::state.ne_all([grants::State::Disconnected, grants::State::Displaced]))
            .filter(connections::workspace_id.ne($workspace_id))
    };
}
/// Refuses whoever may not have a Bitbucket workspace, and displaces nobody. The caller holds its lock.
///
/// # Errors
/// `bitbucket_workspace_taken` (409).
pub(super) fn must_be_open_to(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    proof: Proof,
) -> Result<()> {
    let others = strongest_of_others(connection, workspace_id, bitbucket_workspace)?;
    if verdict(proof, others) == Verdict::Taken { Err(taken()) } else { Ok(()) }
}

/// Takes a Bitbucket workspace in for a ClarityLoop workspace that is about to use it, and displaces whoever's proof is weaker. The caller
/// holds its lock.
///
/// # Errors
/// `bitbucket_workspace_taken` (409).
pub(super) fn take(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    proof: Proof,
    now: &Now,
) -> Result<()> {
    must_be_open_to(connection, workspace_id, bitbucket_workspace, proof)?;
    let others: Vec<ConnectionId> =
        living_of_others!(workspace_id, bitbucket_workspace).select(connections::id).load(connection)?;
    others.iter().try_for_each(|id| displace(connection, id, now))
}

/// The strongest proof that another ClarityLoop workspace has: by the app, waiting or active, or by a connection. An installation that
/// nobody has claimed is no other workspace's.
fn strongest_of_others(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
) -> Result<Option<Proof>> {
    let installed = installations::table
        .filter(installations::bitbucket_workspace_uuid.eq(bitbucket_workspace.to_string()))
        .filter(installations::state.ne(State::Uninstalled))
        .filter(installations::workspace_id.is_not_null())
        .filter(installations::workspace_id.ne(workspace_id));
    if installed.count().get_result::<i64>(connection)? > 0 {
        return Ok(Some(Proof::Administrators));
    }
    let granted = living_of_others!(workspace_id, bitbucket_workspace).select(connections::is_administrator).distinct();
    let granted: Vec<bool> = granted.load(connection)?;
    Ok(granted.into_iter().map(Proof::of).max())
}

/// Stops a connection. Its secrets stay, so that its webhooks can be removed at Bitbucket when it is disconnected.
fn displace(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<()> {
    grants::lock(connection, id)?;
    let living = connections::table.find(id).filter(connections::state.ne(grants::State::Disconnected));
    let displaced = diesel::update(living)
        .set(connections::state.eq(grants::State::Displaced))
        .returning((connections::workspace_id, connections::name))
        .get_result::<(WorkspaceId, String)>(connection)
        .optional()?;
    let Some((workspace_id, name)) = displaced else { return Ok(()) };
    audit::record(connection, &workspace_id, audit::APP, "connection_displaced", id.as_str(), &name, now)
}

/// 409: the Bitbucket workspace is somebody else's.
pub(super) fn taken() -> Error {
    Error::conflict(
        "bitbucket_workspace_taken",
        "This Bitbucket workspace belongs to another ClarityLoop workspace. Disconnect it there first; where only a member of it has \
         connected it there, an administrator of it can connect it here at once.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stronger_proof_wins_and_of_equals_the_first() {
        let (members, administrators) = (Proof::Members, Proof::Administrators);
        for (newcomer, others, expected) in [
            (members, None, Verdict::Free),
            (members, Some(members), Verdict::Taken),
            (members, Some(administrators), Verdict::Taken),
            (administrators, None, Verdict::Free),
            (administrators, Some(members), Verdict::Wins),
            (administrators, Some(administrators), Verdict::Taken),
        ] {
            assert_eq!(verdict(newcomer, others), expected, "{newcomer:?} where there is {others:?}");
        }
    }
}
