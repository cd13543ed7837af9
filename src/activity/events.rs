//! A webhook or an event of Forge about a linked pull request has it fetched anew; every other leaves no trace.

pub mod hooks;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use crate::config::Now;
use crate::connect::webhook::Delivery;
use crate::connections::installations::{self, State};
use crate::connections::lifecycle::workspace_mismatch;
use crate::error::Result;
use crate::forge::events::RepositoryEvent;
use crate::people::pull_requests;
use crate::storage::AnyConnection;
use crate::storage::ids::{InstallationId, PullRequestId};
use crate::storage::schema::{installations as installation_rows, pull_requests as rows};

/// What a delivery says of where something changed, whichever door it came in by.
#[derive(Clone, Debug)]
pub struct Hint {
    event: String,
    workspace: Option<Uuid>,
    repository: Option<Uuid>,
    repository_name: Option<String>,
    pull_request: Option<u64>,
}

impl From<Delivery> for Hint {
    fn from(Delivery { event, workspace, repository, repository_name, pull_request }: Delivery) -> Self {
        Self { event, workspace, repository, repository_name, pull_request }
    }
}

impl From<RepositoryEvent> for Hint {
    fn from(RepositoryEvent { event, workspace, repository, pull_request }: RepositoryEvent) -> Self {
        Self { event, workspace, repository, repository_name: None, pull_request }
    }
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A linked pull request will be fetched anew.
    Enqueued,
    /// It is about nothing we keep.
    Ignored,
}

/// Takes a verified delivery in the transaction of its caller: [`take_at_once`] or else [`take_otherwise`].
///
/// # Errors
/// As [`take_otherwise`].
pub fn take(connection: &mut AnyConnection, client_key: &str, hint: &Hint, now: &Now) -> Result<Taken> {
    match take_at_once(connection, client_key, hint, now)? {
        Some(taken) => Ok(taken),
        None => take_otherwise(connection, client_key, hint, now),
    }
}

/// Takes a verified delivery with a single statement if it is about a linked pull request, nothing speaks against it and nothing else
/// is to be written; `None` when that is not so, for [`take_otherwise`] to find out why. What the body says is only a hint that
/// something changed: the job asks Bitbucket, so deliveries that repeat or come out of order change nothing.
///
/// # Errors
/// When the database refuses.
pub fn take_at_once(connection: &mut AnyConnection, client_key: &str, hint: &Hint, now: &Now) -> Result<Option<Taken>> {
    let named = hint.workspace.zip(hint.repository).zip(hint.pull_request);
    let Some(((workspace, repository), number)) = named else { return Ok(None) };
    let is_meant = rows::workspace_id.nullable().eq(installation_rows::workspace_id);
    let linked = installation_rows::table
        .inner_join(rows::table.on(is_meant))
        .filter(installation_rows::client_key.eq(client_key))
        .filter(installation_rows::state.eq(State::Active))
        .filter(installation_rows::bitbucket_workspace_uuid.eq(workspace.to_string()))
        .filter(installation_rows::last_event_at.ge(installations::noted_since(now)))
        .filter(rows::repository_uuid.eq(repository.to_string()))
        .filter(rows::number.eq(i64::try_from(number).unwrap_or(i64::MAX)))
        .select(rows::id);
    let enqueued = pull_requests::enqueue_refresh_of_found(connection, linked, now)?;
    Ok(enqueued.then_some(Taken::Enqueued))
}

/// Takes a verified delivery that [`take_at_once`] has not: the first of its minute is noted, one about nothing we keep is ignored.
///
/// # Errors
/// `workspace_mismatch` or `installation_uninstalled` (403); `token_issuer_unknown` (401).
pub fn take_otherwise(connection: &mut AnyConnection, client_key: &str, hint: &Hint, now: &Now) -> Result<Taken> {
    let (id, bitbucket_workspace_uuid, state, last_event_at, linked) = read(connection, client_key, hint)?;
    installations::must_be_installed(state)?;
    if hint.workspace.is_some_and(|uuid| uuid.to_string() != bitbucket_workspace_uuid) {
        return Err(workspace_mismatch());
    }
    installations::note_event(connection, &id, &hint.event, last_event_at, now)?;
    match linked.filter(|_| state == State::Active) {
        Some(id) => pull_requests::enqueue_refresh(connection, &id, now).map(|()| Taken::Enqueued),
        None => Ok(Taken::Ignored),
    }
}

type Row = (InstallationId, String, State, Option<NaiveDateTime>, Option<PullRequestId>);

/// The installation that signed the delivery, and the linked pull request it is about, in one round trip.
fn read(connection: &mut AnyConnection, client_key: &str, hint: &Hint) -> Result<Row> {
    // A delivery without either is about nothing we keep: no row has an empty UUID or the number zero.
    let repository = hint.repository.map(|uuid| uuid.to_string()).unwrap_or_default();
    let number = hint.pull_request.map_or(0, |number| i64::try_from(number).unwrap_or(i64::MAX));
    let is_meant = rows::workspace_id
        .nullable()
        .eq(installation_rows::workspace_id)
        .and(rows::repository_uuid.eq(repository))
        .and(rows::number.eq(number));
    let row = installation_rows::table
        .left_join(rows::table.on(is_meant))
        .filter(installation_rows::client_key.eq(client_key))
        .select((
            installation_rows::id,
            installation_rows::bitbucket_workspace_uuid,
            installation_rows::state,
            installation_rows::last_event_at,
            rows::id.nullable(),
        ))
        .first(connection)
        .optional()?;
    row.ok_or_else(installations::unknown)
}
