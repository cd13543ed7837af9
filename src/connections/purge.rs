//! Taking away what Bitbucket said of a workspace when its last door closes: at once, and then a job that proves it.

use std::time::Duration;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::installations::State;
use crate::config::Now;
use crate::error::Result;
use crate::jobs::{self, Outcome};
use crate::people::{audit, join_requests, pull_requests};
use crate::storage::ids::WorkspaceId;
use crate::storage::schema::{bitbucket_workspaces, installations};
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

/// Purges in the caller's transaction, unless another door of the same Bitbucket workspace is still open. `workspace_id` is
/// whose the closing door was, when somebody had claimed it.
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
        return Ok(());
    }
    let nothing = None::<String>;
    diesel::update(bitbucket_workspaces::table.find(bitbucket_workspace.to_string()))
        .set((
            bitbucket_workspaces::slug.eq(&nothing),
            bitbucket_workspaces::name.eq(&nothing),
            bitbucket_workspaces::described_at.eq(None::<chrono::NaiveDateTime>),
            bitbucket_workspaces::members_read_at.eq(None::<chrono::NaiveDateTime>),
            bitbucket_workspaces::members_error.eq(&nothing),
        ))
        .execute(connection)?;
    let of_workspace = installations::table.filter(installations::bitbucket_workspace_uuid.eq(bitbucket_workspace.to_string()));
    diesel::update(of_workspace.clone()).set(installations::reported_installer.eq(&nothing)).execute(connection)?;
    join_requests::purge(connection, bitbucket_workspace)?;
    // A door that closed before, while this one was still open, may have belonged to somebody when this one did not.
    let owners: Vec<Option<WorkspaceId>> = of_workspace.select(installations::workspace_id).distinct().load(connection)?;
    let mut workspace_ids = Vec::new();
    for owner in owners.into_iter().flatten() {
        let is_held = pull_requests::purge(connection, &owner, bitbucket_workspace)? > 0;
        if is_held || workspace_id == Some(&owner) {
            workspace_ids.push(owner);
        }
    }
    jobs::enqueue(connection, PROVE_PURGE, None, &ProvePurge { workspace_ids, bitbucket_workspace }, now)
}

/// Whether the app is installed in a Bitbucket workspace, waiting or active.
pub(super) fn has_open_door(connection: &mut AnyConnection, bitbucket_workspace: Uuid) -> Result<bool> {
    let open = installations::table
        .filter(installations::bitbucket_workspace_uuid.eq(bitbucket_workspace.to_string()))
        .filter(installations::state.ne(State::Uninstalled));
    Ok(open.count().get_result::<i64>(connection)? > 0)
}

/// Looks again, takes away what a late job may have brought, makes what was deleted unreadable in the database's files, and
/// then writes down that it is so.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn handle(database: &Database, payload: ProvePurge, now: &Now) -> Result<Outcome> {
    let asked = payload.clone();
    let is_connected_again = database
        .write(move |connection| {
            if has_open_door(connection, asked.bitbucket_workspace)? {
                return Ok(true);
            }
            for workspace_id in &asked.workspace_ids {
                pull_requests::purge(connection, workspace_id, asked.bitbucket_workspace)?;
            }
            Ok(false)
        })
        .await?;
    if is_connected_again {
        return Ok(Outcome::Done);
    }
    if !scrubbed(database).await? {
        return Ok(Outcome::Retry { reason: "readers_in_the_way".to_owned(), after_seconds: None });
    }
    let moment = now.clone();
    database
        .write(move |connection| {
            let subject = payload.bitbucket_workspace.to_string();
            for workspace_id in &payload.workspace_ids {
                let left = pull_requests::count_unpurged(connection, workspace_id, payload.bitbucket_workspace)?;
                let detail = format!("{left} pull requests and people left");
                audit::record(connection, workspace_id, audit::APP, "purge_proven", &subject, &detail, &moment)?;
            }
            Ok(Outcome::Done)
        })
        .await
}

/// A reader that began before the purge may still hold the log; it is gone in a moment.
async fn scrubbed(database: &Database) -> Result<bool> {
    for _ in 0..20 {
        if database.scrub(pull_requests::PURGED_TABLES).await? {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(false)
}
