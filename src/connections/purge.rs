//! Taking away what Bitbucket said of a workspace when its last door closes: at once, and then a job that proves it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::calls::kept;
use super::grants;
use super::hooks::farewell;
use super::installations::State;
use super::repositories;
use crate::config::Now;
use crate::error::{Error, Result};
use crate::jobs::{self, Outcome};
use crate::people::purge::{self, Deleted};
use crate::people::{Viewer, audit, hidden_panels};
use crate::storage::ids::WorkspaceId;
use crate::storage::schema::{bitbucket_workspaces, connections, installations, purges};
use crate::storage::statement::OnConflict as _;
use crate::storage::{AnyConnection, Database};

/// The kind of the job.
pub const PROVE_PURGE: &str = "prove_purge";

/// The payload of a [`PROVE_PURGE`] job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProvePurge {
    /// The ClarityLoop workspaces that held anything of it; none when nobody had claimed it.
    pub workspace_ids: Vec<WorkspaceId>,
    /// The Bitbucket workspace.
    pub bitbucket_workspace: Uuid,
}

/// What becomes of the links that people made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// They stay with their conversations as plain addresses.
    Keep,
    /// They go as well.
    Remove,
}

/// The last purge of a Bitbucket workspace's data.
#[derive(Clone, Debug)]
pub struct Purge {
    /// Whose data it was, without braces.
    pub bitbucket_workspace_uuid: String,
    /// When it was deleted, UTC.
    pub begun_at: NaiveDateTime,
    /// What was deleted.
    pub deleted: Deleted,
    /// When it was looked for again and nothing was found, UTC.
    pub proven_at: Option<NaiveDateTime>,
}

/// Purges in the caller's transaction when the door that has just closed was the last one: of the Bitbucket workspace altogether, or of the
/// ClarityLoop workspace `workspace_id`, whose it was when somebody had claimed it. A door that is still open and that is somebody else's,
/// or nobody's, is no reason to keep what that workspace was told.
///
/// # Errors
/// When the database refuses.
pub fn when_last_door_closed(
    connection: &mut AnyConnection,
    workspace_id: Option<&WorkspaceId>,
    bitbucket_workspace: Uuid,
    now: &Now,
) -> Result<()> {
    if has_open_door(connection, bitbucket_workspace)? {
        return match workspace_id {
            Some(own) if !is_connected(connection, own, bitbucket_workspace)? => {
                part_of(connection, own, bitbucket_workspace, now)
            }
            _ => Ok(()),
        };
    }
    forget_name(connection, bitbucket_workspace)?;
    let of_workspace = installations::table.filter(installations::bitbucket_workspace_uuid.eq(bitbucket_workspace.to_string()));
    // A door that closed before, while this one was still open, may have belonged to somebody when this one did not.
    let owners: Vec<Option<WorkspaceId>> = of_workspace.select(installations::workspace_id).distinct().load(connection)?;
    let granted = connections::table.filter(connections::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace.to_string())));
    let granters: Vec<WorkspaceId> = granted.select(connections::workspace_id).distinct().load(connection)?;
    let owners: BTreeSet<WorkspaceId> = owners.into_iter().flatten().chain(granters).collect();
    let mut workspace_ids = Vec::new();
    for owner in owners {
        let deleted = details(connection, &owner, bitbucket_workspace)?;
        if workspace_id == Some(&owner) || deleted.values().any(|count| *count > 0) {
            note(connection, &owner, bitbucket_workspace, deleted, now)?;
            workspace_ids.push(owner);
        }
    }
    jobs::enqueue(connection, PROVE_PURGE, None, &ProvePurge { workspace_ids, bitbucket_workspace }, now)
}

/// Purges in the caller's transaction what a ClarityLoop workspace holds of a Bitbucket workspace whose doors it has just closed.
///
/// # Errors
/// When the database refuses.
pub fn on_request(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    links: Links,
    now: &Now,
) -> Result<()> {
    if links == Links::Remove {
        let row = bitbucket_workspaces::table.find(bitbucket_workspace.to_string());
        let slug: Option<String> = row.select(bitbucket_workspaces::slug).first(connection)?;
        let deleted = purge::links(connection, workspace_id, bitbucket_workspace, slug.as_deref())?;
        note(connection, workspace_id, bitbucket_workspace, deleted, now)?;
    }
    if !has_open_door(connection, bitbucket_workspace)? {
        return when_last_door_closed(connection, Some(workspace_id), bitbucket_workspace, now);
    }
    part_of(connection, workspace_id, bitbucket_workspace, now)
}

/// Purges what one ClarityLoop workspace holds while a door that is not its own stays open. What the Bitbucket workspace is called stays for
/// that door.
fn part_of(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid, now: &Now) -> Result<()> {
    let deleted = details(connection, workspace_id, bitbucket_workspace)?;
    note(connection, workspace_id, bitbucket_workspace, deleted, now)?;
    let workspace_ids = vec![workspace_id.clone()];
    jobs::enqueue(connection, PROVE_PURGE, None, &ProvePurge { workspace_ids, bitbucket_workspace }, now)
}

/// Takes away what Bitbucket said: of pull requests and people, and of repositories.
fn details(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<Deleted> {
    let mut deleted = purge::details(connection, workspace_id, bitbucket_workspace)?;
    let listed = repositories::purge(connection, workspace_id, bitbucket_workspace)?;
    deleted.insert("repositories".to_owned(), i64::try_from(listed).unwrap_or(i64::MAX));
    let kept = kept::purge(connection, workspace_id, bitbucket_workspace)?;
    deleted.insert("answers to API calls".to_owned(), i64::try_from(kept).unwrap_or(i64::MAX));
    let shown = if has_panels_elsewhere(connection, workspace_id, bitbucket_workspace)? {
        0
    } else {
        hidden_panels::purge(connection, workspace_id)?
    };
    deleted.insert("hidden panels".to_owned(), i64::try_from(shown).unwrap_or(i64::MAX));
    Ok(deleted)
}

/// Whether a ClarityLoop workspace has the app in another Bitbucket workspace: who has hidden the panel has hidden it in all of them.
fn has_panels_elsewhere(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<bool> {
    let elsewhere = installations::table
        .filter(installations::workspace_id.eq(Some(workspace_id)))
        .filter(installations::state.ne(State::Uninstalled))
        .filter(installations::bitbucket_workspace_uuid.ne(bitbucket_workspace.to_string()));
    Ok(elsewhere.count().get_result::<i64>(connection)? > 0)
}

fn forget_name(connection: &mut AnyConnection, bitbucket_workspace: Uuid) -> Result<()> {
    let nothing = None::<String>;
    diesel::update(bitbucket_workspaces::table.find(bitbucket_workspace.to_string()))
        .set((
            bitbucket_workspaces::slug.eq(&nothing),
            bitbucket_workspaces::name.eq(&nothing),
            bitbucket_workspaces::described_at.eq(None::<NaiveDateTime>),
            bitbucket_workspaces::members_read_at.eq(None::<NaiveDateTime>),
            bitbucket_workspaces::members_error.eq(&nothing),
        ))
        .execute(connection)?;
    let of_workspace = installations::table.filter(installations::bitbucket_workspace_uuid.eq(bitbucket_workspace.to_string()));
    diesel::update(of_workspace).set(installations::reported_installer.eq(&nothing)).execute(connection)?;
    Ok(())
}

/// Whether a Bitbucket workspace is connected in any way: the app is installed, waiting or active, or somebody has granted access.
pub(super) fn has_open_door(connection: &mut AnyConnection, bitbucket_workspace: Uuid) -> Result<bool> {
    let open = installations::table
        .filter(installations::bitbucket_workspace_uuid.eq(bitbucket_workspace.to_string()))
        .filter(installations::state.ne(State::Uninstalled));
    let granted = connections::table
        .filter(connections::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace.to_string())))
        .filter(connections::state.ne(grants::State::Disconnected));
    Ok(open.count().get_result::<i64>(connection)? > 0 || granted.count().get_result::<i64>(connection)? > 0)
}

/// Whether one of those ways belongs to this ClarityLoop workspace, and is not displaced.
pub(super) fn is_connected(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
) -> Result<bool> {
    let granted = connections::table
        .filter(connections::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace.to_string())))
        .filter(connections::workspace_id.eq(workspace_id))
        .filter(connections::state.ne_all([grants::State::Disconnected, grants::State::Displaced]));
    let is_granted = granted.count().get_result::<i64>(connection)? > 0;
    Ok(is_granted || is_installed(connection, workspace_id, bitbucket_workspace)?)
}

/// Whether the app is installed there for this ClarityLoop workspace.
pub(super) fn is_installed(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
) -> Result<bool> {
    let open = installations::table
        .filter(installations::bitbucket_workspace_uuid.eq(bitbucket_workspace.to_string()))
        .filter(installations::workspace_id.eq(Some(workspace_id)))
        .filter(installations::state.ne(State::Uninstalled));
    Ok(open.count().get_result::<i64>(connection)? > 0)
}

/// Writes down what was deleted. A purge that is not proven yet goes on, so its counts add up.
fn note(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    mut deleted: Deleted,
    now: &Now,
) -> Result<()> {
    let uuid = bitbucket_workspace.to_string();
    let row = purges::table.find((workspace_id, &uuid)).select((purges::begun_at, purges::deleted, purges::proven_at));
    let former: Option<(NaiveDateTime, String, Option<NaiveDateTime>)> = row.first(connection).optional()?;
    let mut begun_at = now.at;
    if let Some((former_begun_at, former, None)) = former {
        begun_at = former_begun_at;
        for (name, count) in parsed(&former)? {
            *deleted.entry(name).or_default() += count;
        }
    }
    diesel::insert_into(purges::table)
        .values((
            purges::workspace_id.eq(workspace_id),
            purges::bitbucket_workspace_uuid.eq(uuid),
            purges::begun_at.eq(begun_at),
            purges::deleted.eq(serde_json::to_string(&deleted).map_err(Error::internal)?),
        ))
        .on_conflict_sql(
            "ON CONFLICT (workspace_id, bitbucket_workspace_uuid) DO UPDATE SET \
             begun_at = excluded.begun_at, deleted = excluded.deleted, proven_at = NULL",
        )
        .execute(connection)?;
    Ok(())
}

fn parsed(deleted: &str) -> Result<Deleted> {
    serde_json::from_str(deleted).map_err(Error::internal)
}

/// The last purges of the viewer's workspace, the newest first, at most a hundred.
///
/// # Errors
/// `owner_needed` (403).
pub fn list(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<Purge>> {
    viewer.must_own()?;
    let rows: Vec<(String, NaiveDateTime, String, Option<NaiveDateTime>)> = purges::table
        .filter(purges::workspace_id.eq(&viewer.workspace_id))
        .order(purges::begun_at.desc())
        .limit(100)
        .select((purges::bitbucket_workspace_uuid, purges::begun_at, purges::deleted, purges::proven_at))
        .load(connection)?;
    let purge = |(bitbucket_workspace_uuid, begun_at, deleted, proven_at): (_, _, String, _)| {
        Ok(Purge { bitbucket_workspace_uuid, begun_at, deleted: parsed(&deleted)?, proven_at })
    };
    rows.into_iter().map(purge).collect()
}

/// Looks again, takes away what a late job may have brought, makes what was deleted unreadable in the database's files, and
/// then writes down that it is so.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn handle(database: &Database, payload: ProvePurge, now: &Now) -> Result<Outcome> {
    let (asked, moment) = (payload.clone(), now.clone());
    let disconnected = database
        .write(move |connection| {
            let mut disconnected = Vec::new();
            for workspace_id in asked.workspace_ids {
                if !is_connected(connection, &workspace_id, asked.bitbucket_workspace)? {
                    let late = details(connection, &workspace_id, asked.bitbucket_workspace)?;
                    note(connection, &workspace_id, asked.bitbucket_workspace, late, &moment)?;
                    disconnected.push(workspace_id);
                }
            }
            Ok(disconnected)
        })
        .await?;
    if !scrubbed(database).await? {
        return Ok(Outcome::Retry { reason: "readers_in_the_way".to_owned(), after_seconds: None });
    }
    let moment = now.clone();
    let work = move |connection: &mut AnyConnection| prove(connection, &disconnected, payload.bitbucket_workspace, &moment);
    database.write(work).await
}

fn prove(connection: &mut AnyConnection, workspace_ids: &[WorkspaceId], bitbucket_workspace: Uuid, now: &Now) -> Result<Outcome> {
    let uuid = bitbucket_workspace.to_string();
    for workspace_id in workspace_ids {
        if is_connected(connection, workspace_id, bitbucket_workspace)? {
            continue;
        }
        let listed = repositories::count(connection, workspace_id, bitbucket_workspace)?;
        // Webhooks that Bitbucket is still to remove name its repositories; they go within an hour.
        let kept = kept::count(connection, workspace_id, bitbucket_workspace)?
            + farewell::count(connection, workspace_id, bitbucket_workspace)?;
        if listed + kept + purge::count_left(connection, workspace_id, bitbucket_workspace)? > 0 {
            return Ok(Outcome::Retry { reason: "something_left".to_owned(), after_seconds: None });
        }
        let unproven = purges::table.find((workspace_id, &uuid)).filter(purges::proven_at.is_null());
        diesel::update(unproven).set(purges::proven_at.eq(Some(now.at))).execute(connection)?;
        audit::record(connection, workspace_id, audit::APP, "purge_proven", &uuid, "nothing left", now)?;
    }
    Ok(Outcome::Done)
}

/// A reader that began before the purge may still hold the log; it is gone in a moment.
async fn scrubbed(database: &Database) -> Result<bool> {
    for _ in 0..20 {
        if database.scrub(purge::TABLES).await? {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(false)
}
