//! The job that reads who belongs to a Bitbucket workspace, a page at a time, so that owners see whose accounts there are.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::credentials;
use super::describe::retry;
use super::installations::State;
use super::lifecycle::lock_bitbucket_workspace;
use crate::bitbucket::{Client, Membership, Page, User};
use crate::config::{Config, Now};
use crate::error::{Error, Result};
use crate::jobs::{self, Outcome};
use crate::people::Viewer;
use crate::people::accounts::{self, Named};
use crate::people::pull_requests::parse_uuid;
use crate::storage::ids::{InstallationId, WorkspaceId};
use crate::storage::schema::{bitbucket_workspaces, installations};
use crate::storage::seal::Keyring;
use crate::storage::{AnyConnection, Database};

/// The kind of the job.
pub const READ_MEMBERS: &str = "read_workspace_members";
/// How old the list may be before opening the page has it read again.
pub const FRESH_SECONDS: i64 = 3600;
/// Nobody brings more accounts than these hundreds together by hand.
const PAGES_AT_MOST: u32 = 100;

/// The payload of a [`READ_MEMBERS`] job: one page of the list. Each page enqueues the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadMembers {
    /// With whose credential, and of which workspace.
    pub installation_id: InstallationId,
    /// When the first page was asked for: whoever was not seen since has left.
    pub begun_at: Option<NaiveDateTime>,
    /// The address of the page; none for the first.
    pub next: Option<String>,
    /// How many pages were read before.
    pub pages: u32,
}

/// How far the list of a Bitbucket workspace's members is known.
#[derive(Clone, Debug, Queryable)]
pub struct Reading {
    /// The installation that reads it.
    pub installation_id: InstallationId,
    /// The workspace's slug, as fetched.
    pub slug: Option<String>,
    /// When Bitbucket answered last, UTC.
    pub read_at: Option<NaiveDateTime>,
    /// Why it could not be read, as a stable code.
    pub error: Option<String>,
}

/// How far the members of the connected Bitbucket workspaces are known.
///
/// # Errors
/// `owner_needed` (403).
pub fn readings(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<Reading>> {
    viewer.must_own()?;
    let rows = installations::table
        .inner_join(bitbucket_workspaces::table)
        .filter(installations::workspace_id.eq(Some(&viewer.workspace_id)))
        .filter(installations::state.eq(State::Active))
        // Of two doors of one Bitbucket workspace the Forge app's, unless Bitbucket refuses its key.
        .order((installations::refused_since.is_not_null(), installations::door.desc(), installations::id))
        .limit(100)
        .select((
            bitbucket_workspaces::uuid,
            (
                installations::id,
                bitbucket_workspaces::slug,
                bitbucket_workspaces::members_read_at,
                bitbucket_workspaces::members_error,
            ),
        ));
    let mut seen = HashSet::new();
    let rows: Vec<(String, Reading)> = rows.load(connection)?;
    Ok(rows.into_iter().filter(|(uuid, _)| seen.insert(uuid.clone())).map(|(_, reading)| reading).collect())
}

impl ReadMembers {
    fn from_the_beginning(installation_id: InstallationId) -> Self {
        Self { installation_id, begun_at: None, next: None, pages: 0 }
    }
}

impl Reading {
    /// Whether it is time to read it again.
    pub fn is_stale(&self, now: &Now) -> bool {
        self.read_at.is_none_or(|read_at| read_at <= now.plus_seconds(-FRESH_SECONDS))
    }
}

/// Has the members of the connected Bitbucket workspaces read anew where the list is old.
///
/// # Errors
/// `owner_needed` (403).
pub fn read_stale(connection: &mut AnyConnection, viewer: &Viewer, now: &Now) -> Result<()> {
    let readings = readings(connection, viewer)?.into_iter().filter(|reading| reading.is_stale(now));
    for reading in readings {
        enqueue(connection, ReadMembers::from_the_beginning(reading.installation_id), now)?;
    }
    Ok(())
}

/// Has the members of the connected Bitbucket workspaces read anew. While one reading waits, more say nothing new.
///
/// # Errors
/// `owner_needed` (403).
pub fn read_again(connection: &mut AnyConnection, viewer: &Viewer, now: &Now) -> Result<()> {
    for reading in readings(connection, viewer)? {
        enqueue(connection, ReadMembers::from_the_beginning(reading.installation_id), now)?;
    }
    Ok(())
}

fn enqueue(connection: &mut AnyConnection, payload: ReadMembers, now: &Now) -> Result<()> {
    let key = format!("{READ_MEMBERS}:{}", payload.installation_id);
    jobs::enqueue(connection, READ_MEMBERS, Some(&key), &payload, now)
}

/// Works the job off: asks for one page and stores it in one transaction, which enqueues the next.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn handle(
    database: &Database,
    bitbucket: &Client,
    keyring: &Arc<Keyring>,
    config: &Arc<Config>,
    payload: ReadMembers,
    now: &Now,
) -> Result<Outcome> {
    let (id, keyring, config, moment) = (payload.installation_id.clone(), Arc::clone(keyring), Arc::clone(config), now.clone());
    let asked = database.read(move |connection| {
        let Some((_, uuid)) = active(connection, &id)? else { return Ok(None) };
        Ok(credentials::of(connection, &id, &keyring, &config, &moment)?.map(|credential| (uuid, credential.in_background())))
    });
    // Disconnected meanwhile: there is nobody to ask for any more.
    let Some((uuid, credential)) = asked.await? else { return Ok(Outcome::Done) };
    let moment = now.clone();
    match bitbucket.workspace_members(&credential, uuid, payload.next.as_deref()).await {
        Ok(page) => database.write(move |connection| store(connection, payload, uuid, page, &moment)).await,
        Err(failure) => {
            let (code, id) = (failure.code(), payload.installation_id);
            database.write(move |connection| store_failure(connection, &id, uuid, code, &moment)).await?;
            // A refusal is an answer: it stands on the page, and the next look after an hour asks again.
            Ok(if failure.is_passing() { retry(&failure) } else { Outcome::Done })
        }
    }
}

/// Whose an active installation is, and where.
fn active(connection: &mut AnyConnection, id: &InstallationId) -> Result<Option<(WorkspaceId, Uuid)>> {
    let row: Option<(Option<WorkspaceId>, String)> = installations::table
        .find(id)
        .filter(installations::state.eq(State::Active))
        .select((installations::workspace_id, installations::bitbucket_workspace_uuid))
        .first(connection)
        .optional()?;
    let Some((Some(workspace_id), uuid)) = row else { return Ok(None) };
    Ok(Some((workspace_id, Uuid::try_parse(&uuid).map_err(Error::internal)?)))
}

fn store(connection: &mut AnyConnection, payload: ReadMembers, uuid: Uuid, page: Page<Membership>, now: &Now) -> Result<Outcome> {
    // The app may have been removed while Bitbucket was asked; a late answer brings nothing back.
    lock_bitbucket_workspace(connection, uuid)?;
    let Some((workspace_id, _)) = active(connection, &payload.installation_id)? else { return Ok(Outcome::Done) };
    for account in page.values.iter().filter_map(|membership| membership.user.as_ref().and_then(named)) {
        accounts::see(connection, &workspace_id, &uuid.to_string(), &account, true, now.at)?;
    }
    let (begun_at, pages) = (payload.begun_at.unwrap_or(now.at), payload.pages + 1);
    match page.next {
        Some(next) if pages < PAGES_AT_MOST => {
            let installation_id = payload.installation_id;
            let rest = ReadMembers { installation_id, begun_at: Some(begun_at), next: Some(next), pages };
            enqueue(connection, rest, now)?;
            return Ok(Outcome::Done);
        }
        Some(_) => tracing::warn!(pages, "a workspace has more members than are read"),
        None => accounts::forget_who_left(connection, &workspace_id, uuid, begun_at)?,
    }
    diesel::update(bitbucket_workspaces::table.find(uuid.to_string()))
        .set((bitbucket_workspaces::members_read_at.eq(Some(now.at)), bitbucket_workspaces::members_error.eq(None::<String>)))
        .execute(connection)?;
    Ok(Outcome::Done)
}

/// A failure counts as an answer too: what passes is tried again by the job itself, not by whoever opens the page.
fn store_failure(connection: &mut AnyConnection, id: &InstallationId, uuid: Uuid, code: &str, now: &Now) -> Result<()> {
    lock_bitbucket_workspace(connection, uuid)?;
    if active(connection, id)?.is_none() {
        return Ok(());
    }
    diesel::update(bitbucket_workspaces::table.find(uuid.to_string()))
        .set((bitbucket_workspaces::members_read_at.eq(Some(now.at)), bitbucket_workspaces::members_error.eq(Some(code))))
        .execute(connection)?;
    Ok(())
}

/// An account as Bitbucket names it; `None` when it is gone.
pub fn named(user: &User) -> Option<Named> {
    let account_id = user.account_id.clone()?;
    let bitbucket_uuid = user.uuid.as_deref().and_then(parse_uuid);
    Some(Named { account_id, bitbucket_uuid, display_name: user.display_name.clone(), nickname: user.nickname.clone() })
}
