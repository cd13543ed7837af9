//! Removing the webhooks of a connection that has ended, with its last credential: for an hour at most, and then what is left is said. The
//! credential serves nothing else meanwhile, and goes with the last webhook. Ending a connection begins it.

use std::sync::Arc;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rows::{self, Row};
use super::{address, at_bitbucket, plan};
use crate::bitbucket::{Client, Credential, Failure};
use crate::config::{Config, Now};
use crate::connections::describe::retry;
use crate::connections::grants::{self, Connection, State};
use crate::connections::{Parts, closing, refresh};
use crate::error::{Error, Kind, Result};
use crate::jobs::{self, Outcome};
use crate::people::audit;
use crate::storage::ids::{ConnectionId, WorkspaceId};
use crate::storage::schema::{connection_hooks, connection_secrets, connections};
use crate::storage::seal::Keyring;
use crate::storage::{AnyConnection, Database};

/// The kind of the job.
pub const REMOVE_HOOKS: &str = "remove_hooks";
/// For how long Bitbucket is asked before what is left is left.
const SECONDS_AT_MOST: i64 = 3600;
/// How many one job removes: its calls must fit into its time.
const AT_ONCE: i64 = 20;
/// When the server that still keeps webhooks is looked after.
const BUSY_SECONDS: i64 = 15;

/// The payload of a [`REMOVE_HOOKS`] job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RemoveHooks {
    /// Which connection, ended already.
    pub connection_id: ConnectionId,
}

/// What became of the webhooks of an ended connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Farewell {
    /// How many Bitbucket has removed, or had no more.
    pub hooks_removed: i64,
    /// How many it may still have: somebody deletes them there by hand.
    pub hooks_left: i64,
    /// Why those are left, as a stable code.
    pub code: Option<String>,
}

impl Farewell {
    /// Reads what a connection's row holds of it; none when there was nothing to remove, or nothing has been yet.
    pub fn of(ending: Option<&str>) -> Option<Self> {
        serde_json::from_str(ending?).ok()
    }
}

/// Has the webhooks of a connection removed that has just ended; `false` when it has none, and so no use for its credential any more.
pub(in crate::connections) fn begin(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<bool> {
    let rows = connection_hooks::table.filter(connection_hooks::connection_id.eq(id));
    if rows.count().get_result::<i64>(connection)? == 0 && !plan::is_leased(connection, id, now)? {
        return Ok(false);
    }
    enqueue(connection, id, now)?;
    Ok(true)
}

fn enqueue(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<()> {
    let payload = RemoveHooks { connection_id: id.clone() };
    jobs::forget_failed(connection, REMOVE_HOOKS, &payload)?;
    jobs::enqueue(connection, REMOVE_HOOKS, Some(&format!("{REMOVE_HOOKS}:{id}")), &payload, now)
}

/// Ends what a job that was given up has not ended; answers whether there is any. The server calls it every minute.
///
/// # Errors
/// When the database refuses.
pub async fn enqueue_overdue(database: &Database, now: &Now) -> Result<bool> {
    let before = now.plus_seconds(-2 * SECONDS_AT_MOST);
    let overdue = database.read(move |connection| {
        let ended = connection_secrets::table.inner_join(connections::table).filter(connections::state.eq(State::Disconnected));
        let overdue = ended.filter(connections::disconnected_at.lt(Some(before))).select(connections::id).limit(500);
        Ok(overdue.load::<ConnectionId>(connection)?)
    });
    let (overdue, moment) = (overdue.await?, now.clone());
    if overdue.is_empty() {
        return Ok(false);
    }
    let work = move |connection: &mut AnyConnection| overdue.iter().try_for_each(|id| enqueue(connection, id, &moment));
    database.write(work).await.map(|()| true)
}

/// How many webhooks of ended connections are yet to be removed that a ClarityLoop workspace had in a Bitbucket workspace.
pub(in crate::connections) fn count(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
) -> Result<i64> {
    let rows = connection_hooks::table
        .inner_join(connections::table)
        .filter(connections::workspace_id.eq(workspace_id))
        .filter(connections::state.eq(State::Disconnected))
        .filter(connections::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace.to_string())));
    Ok(rows.count().get_result(connection)?)
}

/// What is known of an ended connection whose webhooks are to go.
struct Ended {
    bitbucket_workspace: Uuid,
    is_late: bool,
    rows: Vec<Row>,
}

/// Works the job off, a few webhooks at a time.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn handle(
    database: &Database,
    bitbucket: &Client,
    keyring: &Arc<Keyring>,
    config: &Arc<Config>,
    payload: RemoveHooks,
    now: &Now,
) -> Result<Outcome> {
    let parts = Parts { database, bitbucket, keyring, config };
    let (id, asked, moment) = (payload.connection_id.clone(), payload.connection_id, now.clone());
    let look = move |connection: &mut AnyConnection| look(connection, &asked, &moment);
    let Some(ended) = database.read(look).await? else {
        return Ok(Outcome::Retry { reason: "under_way".to_owned(), after_seconds: Some(BUSY_SECONDS) });
    };
    let credential = match refresh::last_credential(&parts, &id, now).await {
        Err(error) if error.kind == Kind::Upstream && !ended.is_late => return Err(error),
        Err(error) if error.kind == Kind::Upstream => None,
        credential => credential?,
    };
    let (mut farewell, mut gone, mut waits) = (Farewell::default(), Vec::new(), None);
    for row in ended.rows {
        if row.was_never_made() {
            gone.push(row);
            continue;
        }
        let removed = match (&credential, &farewell.code) {
            (None, _) => Err(Failure::NotAuthorised),
            // Whoever has waited an hour does not wait for each of many.
            (Some(_), Some(code)) if ended.is_late && code == Failure::Down.code() => Err(Failure::Down),
            (Some(credential), _) => remove(&parts, credential, &id, ended.bitbucket_workspace, &row).await,
        };
        match removed {
            Ok(()) => farewell.hooks_removed += 1,
            Err(failure) if failure.is_passing() && !ended.is_late => {
                waits = Some(retry(&failure));
                break;
            }
            Err(failure) => {
                farewell.hooks_left += 1;
                farewell.code = Some(failure.code().to_owned());
            }
        }
        gone.push(row);
    }
    let moment = now.clone();
    database.write(move |connection| settle(connection, &id, &farewell, &gone, &moment)).await?;
    Ok(waits.unwrap_or(Outcome::Done))
}

/// Removes the webhooks of a connection whose token is about to be replaced by one that may not: a few, as far as Bitbucket does it at once.
/// The others go on delivering, and are named when the connection ends.
///
/// # Errors
/// When the database cannot be read or written.
pub(in crate::connections) async fn before_replacing(parts: &Parts<'_>, present: &Connection, now: &Now) -> Result<()> {
    let id = present.id.clone();
    let rows = parts.database.read(move |connection| rows::of(connection, &id, AT_ONCE)).await?;
    let uuid = present.bitbucket_workspace_uuid.as_deref().and_then(|uuid| Uuid::try_parse(uuid).ok());
    let (Some(bitbucket_workspace), false) = (uuid, rows.is_empty()) else { return Ok(()) };
    // A token that has ended removes nothing, and is replaced all the same.
    let Ok(Some(credential)) = refresh::credential(parts, &present.id, now).await else { return Ok(()) };
    for row in rows {
        if remove(parts, &credential, &present.id, bitbucket_workspace, &row).await.is_err() {
            break;
        }
        parts.database.write(move |connection| rows::forget(connection, &row.id)).await?;
    }
    Ok(())
}

async fn remove(
    parts: &Parts<'_>,
    credential: &Credential,
    id: &ConnectionId,
    bitbucket_workspace: Uuid,
    row: &Row,
) -> std::result::Result<(), Failure> {
    let (credential, there) = (credential.clone().in_background(), row.place.at_bitbucket(bitbucket_workspace));
    at_bitbucket::remove(parts.bitbucket, &credential, &there, &address(parts.config, id), row.hook_uuid).await
}

/// What is to go; `None` while another server still keeps webhooks of this connection, and may be making one.
fn look(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<Option<Ended>> {
    if plan::is_leased(connection, id, now)? {
        return Ok(None);
    }
    let row = connections::table.find(id).filter(connections::state.eq(State::Disconnected));
    let row = row.select((connections::bitbucket_workspace_uuid, connections::disconnected_at));
    let found: Option<(Option<String>, Option<NaiveDateTime>)> = row.first(connection).optional()?;
    let nothing = Ended { bitbucket_workspace: Uuid::nil(), is_late: true, rows: Vec::new() };
    let Some((Some(uuid), ended_at)) = found else { return Ok(Some(nothing)) };
    let is_late = ended_at.is_none_or(|at| at + TimeDelta::seconds(SECONDS_AT_MOST) <= now.at);
    let bitbucket_workspace = Uuid::try_parse(&uuid).map_err(Error::internal)?;
    Ok(Some(Ended { bitbucket_workspace, is_late, rows: rows::of(connection, id, AT_ONCE)? }))
}

/// Writes down what came of it. With the last webhook the credential goes.
fn settle(connection: &mut AnyConnection, id: &ConnectionId, farewell: &Farewell, gone: &[Row], now: &Now) -> Result<()> {
    grants::lock(connection, id)?;
    let row = connections::table.find(id).filter(connections::state.eq(State::Disconnected));
    let found: Option<(WorkspaceId, Option<String>)> =
        row.select((connections::workspace_id, connections::ending)).first(connection).optional()?;
    let Some((workspace_id, ending)) = found else { return Ok(()) };
    for row in gone {
        rows::forget(connection, &row.id)?;
    }
    let mut all = Farewell::of(ending.as_deref()).unwrap_or_default();
    all.hooks_removed += farewell.hooks_removed;
    all.hooks_left += farewell.hooks_left;
    all.code = farewell.code.clone().or(all.code);
    if !gone.is_empty() {
        let ending = serde_json::to_string(&all).map_err(Error::internal)?;
        diesel::update(connections::table.find(id)).set(connections::ending.eq(Some(ending))).execute(connection)?;
    }
    if !rows::of(connection, id, 1)?.is_empty() {
        // The next few, unless this job itself is tried again.
        return if gone.is_empty() { Ok(()) } else { enqueue(connection, id, now) };
    }
    closing::forget_credential(connection, id)?;
    if all == Farewell::default() {
        return Ok(());
    }
    let detail = format!("{} removed, {} left", all.hooks_removed, all.hooks_left);
    audit::record(connection, &workspace_id, audit::APP, "hooks_removed", id.as_str(), &detail, now)
}
