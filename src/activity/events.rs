//! A webhook about a linked pull request has it fetched anew; every other leaves no trace.

use diesel::prelude::*;

use crate::config::Now;
use crate::connect::webhook::Delivery;
use crate::connections::installations::{self, Caller, State};
use crate::connections::lifecycle::workspace_mismatch;
use crate::error::Result;
use crate::people::pull_requests;
use crate::storage::AnyConnection;
use crate::storage::ids::PullRequestId;
use crate::storage::schema::pull_requests as rows;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A linked pull request will be fetched anew.
    Enqueued,
    /// It is about nothing we keep.
    Ignored,
}

/// Takes a verified delivery: one write, after which it is acknowledged. What the body says is only a hint that something
/// changed: the job asks Bitbucket, so deliveries that repeat or come out of order change nothing.
///
/// # Errors
/// `workspace_mismatch` or `installation_uninstalled` (403); `token_issuer_unknown` (401).
pub fn take(connection: &mut AnyConnection, client_key: &str, delivery: &Delivery, now: &Now) -> Result<Taken> {
    let caller = installations::caller(connection, client_key)?;
    installations::must_be_installed(caller.state)?;
    if delivery.workspace.is_some_and(|uuid| uuid.to_string() != caller.bitbucket_workspace_uuid) {
        return Err(workspace_mismatch());
    }
    installations::note_event(connection, &caller, now)?;
    match linked(connection, &caller, delivery)? {
        Some(id) => pull_requests::enqueue_refresh(connection, &id, now).map(|()| Taken::Enqueued),
        None => Ok(Taken::Ignored),
    }
}

fn linked(connection: &mut AnyConnection, caller: &Caller, delivery: &Delivery) -> Result<Option<PullRequestId>> {
    let (Some(workspace_id), Some(repository), Some(number)) = (&caller.workspace_id, delivery.repository, delivery.pull_request)
    else {
        return Ok(None);
    };
    if caller.state != State::Active {
        return Ok(None);
    }
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let row = rows::table
        .filter(rows::workspace_id.eq(workspace_id))
        .filter(rows::repository_uuid.eq(repository.to_string()))
        .filter(rows::number.eq(number));
    Ok(row.select(rows::id).first(connection).optional()?)
}
