//! The job that reads which repositories a Bitbucket workspace has, a page at a time: begun by the server once a day and soon after a
//! connection is made, and by a button. Each page is stored in one transaction that enqueues the next, so that a restart goes on where it was.

use std::sync::Arc;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::page::{self, Part};
use super::{places, store};
use crate::bitbucket::{Client, Credential};
use crate::config::{Config, Now};
use crate::connections::describe::retry;
use crate::connections::grants::{self, Connection};
use crate::connections::lifecycle::lock_bitbucket_workspace;
use crate::connections::purposes::{self, Purpose};
use crate::connections::{Parts, purge, refresh};
use crate::error::Result;
use crate::jobs::{self, Outcome};
use crate::people::Viewer;
use crate::storage::ids::{ConnectionId, WorkspaceId};
use crate::storage::schema::repository_listings as listings;
use crate::storage::seal::Keyring;
use crate::storage::statement::OnConflict as _;
use crate::storage::{AnyConnection, Database};

/// The kind of the job.
pub const READ_REPOSITORIES: &str = "read_repositories";
/// How old a list may be before it is read anew.
const FRESH_SECONDS: i64 = 24 * 3600;
/// When a reading that failed is begun once more.
const AGAIN_SECONDS: i64 = 3600;
/// When a reading that has not ended counts as lost: longer than its jobs are tried, and than a spent budget needs to refill.
const LOST_SECONDS: i64 = 6 * 3600;
/// Four times what the largest workspaces have, a hundred repositories a page.
const PAGES_AT_MOST: u32 = 200;
/// The code of a list that nobody may read.
pub const NO_CREDENTIAL: &str = "no_credential";

/// The payload of a [`READ_REPOSITORIES`] job: one page of the list. Each page enqueues the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadRepositories {
    /// Whose list.
    pub workspace_id: WorkspaceId,
    /// The Bitbucket workspace.
    pub bitbucket_workspace: Uuid,
    /// When the first page was asked for: it names the reading.
    pub begun_at: NaiveDateTime,
    /// The connection whose reach is read, where none reaches the whole workspace.
    pub via: Option<ConnectionId>,
    /// Those whose reach is read after it.
    pub then: Vec<ConnectionId>,
    /// The address of the page; none for the first.
    pub next: Option<String>,
    /// How many pages were read before.
    pub pages: u32,
}

/// Begins a reading, unless one is under way or the Bitbucket workspace is not connected any more; answers whether it did.
///
/// # Errors
/// When the database refuses.
pub fn begin(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid, now: &Now) -> Result<bool> {
    // Several servers look at the same minute, and the second must see what the first has begun.
    lock_bitbucket_workspace(connection, bitbucket_workspace)?;
    // It may have been disconnected since somebody saw that it was due, and its list with it.
    if !purge::is_connected(connection, workspace_id, bitbucket_workspace)? {
        return Ok(false);
    }
    let uuid = bitbucket_workspace.to_string();
    let row = listings::table.find((workspace_id, &uuid)).select((listings::begun_at, listings::is_under_way));
    let former: Option<(NaiveDateTime, bool)> = row.first(connection).optional()?;
    if former.is_some_and(|(begun_at, is_under_way)| is_under_way && begun_at > now.plus_seconds(-LOST_SECONDS)) {
        return Ok(false);
    }
    diesel::insert_into(listings::table)
        .values((
            listings::workspace_id.eq(workspace_id),
            listings::bitbucket_workspace_uuid.eq(&uuid),
            listings::begun_at.eq(now.at),
            listings::is_under_way.eq(true),
            listings::found.eq(0),
        ))
        .on_conflict_sql(
            "ON CONFLICT (workspace_id, bitbucket_workspace_uuid) DO UPDATE SET begun_at = excluded.begun_at, \
             is_under_way = excluded.is_under_way, found = 0, error = NULL",
        )
        .execute(connection)?;
    let (workspace_id, begun_at) = (workspace_id.clone(), now.at);
    let first =
        ReadRepositories { workspace_id, bitbucket_workspace, begun_at, via: None, then: Vec::new(), next: None, pages: 0 };
    enqueue(connection, &first, now)?;
    Ok(true)
}

fn enqueue(connection: &mut AnyConnection, payload: &ReadRepositories, now: &Now) -> Result<()> {
    let key = format!("{READ_REPOSITORIES}:{}:{}", payload.workspace_id, payload.bitbucket_workspace);
    jobs::enqueue(connection, READ_REPOSITORIES, Some(&key), payload, now)
}

/// Has the list of a connected Bitbucket workspace read anew, for an owner who presses the button.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn read_again(connection: &mut AnyConnection, viewer: &Viewer, bitbucket_workspace: Uuid, now: &Now) -> Result<bool> {
    viewer.must_own()?;
    places::must_be_connected(connection, viewer, bitbucket_workspace)?;
    begin(connection, &viewer.workspace_id, bitbucket_workspace, now)
}

/// Begins every reading that is due; answers whether there was any. The server calls it every minute, so that a new connection's list is
/// there soon.
///
/// # Errors
/// When the database refuses.
pub async fn enqueue_due(database: &Database, now: &Now) -> Result<bool> {
    let moment = now.clone();
    let due = database.read(move |connection| places::due(connection, &moment)).await?;
    if due.is_empty() {
        return Ok(false);
    }
    let moment = now.clone();
    let work = move |connection: &mut AnyConnection| {
        due.iter().try_for_each(|(workspace_id, uuid)| begin(connection, workspace_id, *uuid, &moment).map(|_begun| ()))
    };
    database.write(work).await.map(|()| true)
}

/// Whether a reading that stands like this is to be begun anew.
pub(super) fn is_due(begun_at: NaiveDateTime, is_under_way: bool, has_failed: bool, now: &Now) -> bool {
    let after = match (is_under_way, has_failed) {
        (true, _) => LOST_SECONDS,
        (false, true) => AGAIN_SECONDS,
        (false, false) => FRESH_SECONDS,
    };
    begun_at <= now.plus_seconds(-after)
}

/// Works the job off: asks for one page and stores it in one transaction, which enqueues the next.
///
/// # Errors
/// When the database cannot be read or written, or no token can be had at the moment.
pub async fn handle(
    database: &Database,
    bitbucket: &Client,
    keyring: &Arc<Keyring>,
    config: &Arc<Config>,
    payload: ReadRepositories,
    now: &Now,
) -> Result<Outcome> {
    let parts = Parts { database, bitbucket, keyring, config };
    let asked = payload.clone();
    if !database.read(move |connection| is_wanted(connection, &asked)).await? {
        return Ok(Outcome::Done);
    }
    let moment = now.clone();
    let (credential, of) = match means(&parts, &payload, now).await? {
        Means::Credential(credential, of) => (credential.in_background(), of),
        Means::OfEach(connections) => {
            let by_each = move |connection: &mut AnyConnection| next_connection(connection, payload, connections, &moment);
            return database.write(by_each).await;
        }
    };
    match page::ask(bitbucket, &credential, payload.bitbucket_workspace, payload.next.as_deref()).await {
        Ok(part) => database.write(move |connection| store_part(connection, payload, part, of.as_deref(), &moment)).await,
        // What passes is tried again by the job itself.
        Err(failure) if failure.is_passing() => Ok(retry(&failure)),
        Err(failure) => {
            let code = failure.code();
            database.write(move |connection| note_failure(connection, &payload, code)).await.map(|()| Outcome::Done)
        }
    }
}

/// What a page is asked for with.
enum Means {
    /// A credential, and the connection whose narrower reach is all that counts.
    Credential(Credential, Option<Box<Connection>>),
    /// None reaches the whole workspace: each of these is asked for its part.
    OfEach(Vec<ConnectionId>),
}

async fn means(parts: &Parts<'_>, payload: &ReadRepositories, now: &Now) -> Result<Means> {
    let (workspace_id, bitbucket_workspace) = (payload.workspace_id.clone(), payload.bitbucket_workspace);
    if let Some(id) = &payload.via {
        let uuid = bitbucket_workspace.to_string();
        let narrow = parts.database.read(move |connection| grants::in_use(connection, &workspace_id, &uuid)).await?;
        let of = narrow.into_iter().find(|connection| &connection.id == id);
        let credential = if of.is_some() { refresh::credential(parts, id, now).await? } else { None };
        return Ok(match (credential, of) {
            (Some(credential), Some(of)) => Means::Credential(credential, Some(Box::new(of))),
            _ => Means::OfEach(payload.then.clone()),
        });
    }
    let reading = Purpose::ReadingActivity;
    let whole = purposes::credential_for(parts, &workspace_id, bitbucket_workspace, reading, None, now).await?;
    if let Some(chosen) = whole {
        return Ok(Means::Credential(chosen.credential, None));
    }
    let uuid = bitbucket_workspace.to_string();
    let narrow = parts.database.read(move |connection| grants::in_use(connection, &workspace_id, &uuid)).await?;
    // Whoever reads for agents has to know which repositories there are, and in which projects they are.
    let reads = |connection: &Connection| connection.serves(reading) || connection.serves(Purpose::AgentTools);
    Ok(Means::OfEach(narrow.into_iter().filter(reads).map(|connection| connection.id).collect()))
}

/// Whether the reading is still the one that counts, and the Bitbucket workspace still connected.
fn is_wanted(connection: &mut AnyConnection, payload: &ReadRepositories) -> Result<bool> {
    let current = reading!(payload).count().get_result::<i64>(connection)?;
    Ok(current > 0 && purge::is_connected(connection, &payload.workspace_id, payload.bitbucket_workspace)?)
}

/// The row of a reading that is under way.
macro_rules! reading {
    ($payload:expr) => {
        listings::table
            .find((&$payload.workspace_id, $payload.bitbucket_workspace.to_string()))
            .filter(listings::begun_at.eq($payload.begun_at))
            .filter(listings::is_under_way.eq(true))
    };
}
use reading;

fn store_part(
    connection: &mut AnyConnection,
    payload: ReadRepositories,
    part: Part,
    of: Option<&Connection>,
    now: &Now,
) -> Result<Outcome> {
    // The workspace may have been disconnected while Bitbucket was asked; a late answer brings nothing back.
    lock_bitbucket_workspace(connection, payload.bitbucket_workspace)?;
    if !is_wanted(connection, &payload)? {
        return Ok(Outcome::Done);
    }
    let is_reached = |listed: &store::Listed| {
        let repository = listed.full_name.split_once('/').map_or("", |(_, slug)| slug);
        let place = grants::Place { repository, project: Some(&listed.project_key) };
        of.is_none_or(|connection| connection.reaches(Some(place)))
    };
    let reached: Vec<store::Listed> = part.repositories.into_iter().filter(is_reached).collect();
    store::part(connection, &payload.workspace_id, payload.bitbucket_workspace, &reached, now)?;
    let found = i32::try_from(reached.len()).unwrap_or(i32::MAX);
    diesel::update(reading!(payload)).set(listings::found.eq(listings::found + found)).execute(connection)?;
    let pages = payload.pages + 1;
    match part.next {
        Some(next) if pages < PAGES_AT_MOST => {
            enqueue(connection, &ReadRepositories { next: Some(next), pages, ..payload }, now)?;
            Ok(Outcome::Done)
        }
        Some(_) => {
            tracing::warn!(pages, "a workspace has more repositories than are read");
            note_failure(connection, &payload, "too_many_repositories").map(|()| Outcome::Done)
        }
        None => {
            let then = payload.then.clone();
            next_connection(connection, ReadRepositories { pages, ..payload }, then, now)
        }
    }
}

/// Goes on with the next of these connections, or ends the reading.
fn next_connection(
    connection: &mut AnyConnection,
    payload: ReadRepositories,
    mut connections: Vec<ConnectionId>,
    now: &Now,
) -> Result<Outcome> {
    if payload.pages == 0 && connections.is_empty() {
        return note_failure(connection, &payload, NO_CREDENTIAL).map(|()| Outcome::Done);
    }
    if !connections.is_empty() {
        let via = Some(connections.remove(0));
        enqueue(connection, &ReadRepositories { via, then: connections, next: None, ..payload }, now)?;
        return Ok(Outcome::Done);
    }
    store::mark_gone(connection, &payload.workspace_id, payload.bitbucket_workspace, payload.begun_at, now)?;
    diesel::update(reading!(payload))
        .set((listings::is_under_way.eq(false), listings::listed_at.eq(Some(now.at)), listings::error.eq(None::<String>)))
        .execute(connection)?;
    Ok(Outcome::Done)
}

/// What was read before stays as it is.
fn note_failure(connection: &mut AnyConnection, payload: &ReadRepositories, code: &'static str) -> Result<()> {
    diesel::update(reading!(payload))
        .set((listings::is_under_way.eq(false), listings::error.eq(Some(code))))
        .execute(connection)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::config::Random;

    #[test]
    fn a_list_is_read_daily_an_hour_after_a_failure_and_when_a_reading_was_lost() {
        let now = Now::new(DateTime::from_timestamp(1_764_000_000, 0).unwrap(), Random::system());
        let ago = |seconds: i64| now.plus_seconds(-seconds);
        assert!(!is_due(ago(AGAIN_SECONDS), false, false, &now));
        assert!(is_due(ago(FRESH_SECONDS), false, false, &now));
        assert!(!is_due(ago(AGAIN_SECONDS), true, false, &now));
        assert!(is_due(ago(LOST_SECONDS), true, false, &now));
        assert!(is_due(ago(AGAIN_SECONDS), false, true, &now));
    }
}
