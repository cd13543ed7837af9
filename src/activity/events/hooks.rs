//! A delivery of an ordinary webhook, which a connection made, by the same rule as every other event: what is linked is fetched anew.
//!
//! A webhook of a whole workspace tells of every repository in it. What is not linked leaves no trace, whether its repository is chosen or
//! not; what is linked is fetched wherever it is, because a person chose it.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::{Hint, Taken};
use crate::config::Now;
use crate::connections::grants::State;
use crate::connections::hooks::{HEARD, WHOLE_WORKSPACE, unsigned};
use crate::connections::installations::noted_since;
use crate::connections::lifecycle::workspace_mismatch;
use crate::error::{Error, Result};
use crate::people::pull_requests;
use crate::storage::AnyConnection;
use crate::storage::ids::{HookId, PullRequestId};
use crate::storage::schema::{connection_hooks, connections, pull_requests as rows};

/// The linked pull request that a delivery is about: by its repository's UUID, or by name where it was linked by address alone.
macro_rules! is_meant {
    ($hint:expr) => {{
        let repository = $hint.repository.map(|uuid| uuid.to_string()).unwrap_or_default();
        // A delivery without a number is about nothing we keep: no row has the number zero.
        let number = $hint.pull_request.map_or(0, |number| i64::try_from(number).unwrap_or(i64::MAX));
        let name = $hint.repository_name.clone().unwrap_or_default();
        let is_named = rows::repository_uuid.is_null().and(rows::repository_name.eq(Some(name)));
        let is_there = rows::repository_uuid.eq(Some(repository)).or(is_named);
        rows::workspace_id.eq(connections::workspace_id).and(rows::number.eq(Some(number))).and(is_there)
    }};
}

/// Takes a delivery whose signature was verified and that [`take_at_once`] has not: the first of its minute is noted, one about nothing we
/// keep is ignored.
///
/// # Errors
/// `hook_signature_invalid` (401) when the webhook is ours no more; `workspace_mismatch` or `repository_mismatch` (403) when the body names
/// another place than the webhook is in.
pub fn take_otherwise(connection: &mut AnyConnection, hook: &HookId, hint: &Hint, now: &Now) -> Result<Taken> {
    let (place, bitbucket_workspace, state, delivered_at, linked) = read(connection, hook, hint)?;
    if !HEARD.contains(&state) {
        return Err(unsigned());
    }
    if hint.workspace.is_some_and(|uuid| Some(uuid.to_string()) != bitbucket_workspace) {
        return Err(workspace_mismatch());
    }
    let is_elsewhere = hint.repository.is_some_and(|uuid| place != WHOLE_WORKSPACE && place != uuid.to_string());
    if is_elsewhere {
        let detail = "The body names another repository than the webhook is in.";
        return Err(Error::forbidden("repository_mismatch", detail));
    }
    if delivered_at.is_none_or(|at| at < noted_since(now)) {
        let row = diesel::update(connection_hooks::table.find(hook));
        row.set(connection_hooks::delivered_at.eq(Some(now.at))).execute(connection)?;
    }
    match linked.filter(|_| state == State::Connected) {
        Some(id) => pull_requests::enqueue_refresh(connection, &id, now).map(|()| Taken::Enqueued),
        None => Ok(Taken::Ignored),
    }
}

/// Takes a delivery with a single statement if it is about a linked pull request, nothing speaks against it and nothing else is to be
/// written; `None` when that is not so, for [`take_otherwise`] to find out why.
///
/// # Errors
/// When the database refuses.
pub fn take_at_once(connection: &mut AnyConnection, hook: &HookId, hint: &Hint, now: &Now) -> Result<Option<Taken>> {
    let (Some(workspace), Some(repository), Some(_)) = (hint.workspace, hint.repository, hint.pull_request) else {
        return Ok(None);
    };
    let linked = connection_hooks::table
        .inner_join(connections::table)
        .inner_join(rows::table.on(is_meant!(hint)))
        .filter(connection_hooks::id.eq(hook))
        .filter(connection_hooks::delivered_at.ge(noted_since(now)))
        .filter(connection_hooks::place.eq_any([WHOLE_WORKSPACE.to_owned(), repository.to_string()]))
        .filter(connections::state.eq(State::Connected))
        .filter(connections::bitbucket_workspace_uuid.eq(Some(workspace.to_string())))
        .select(rows::id);
    let enqueued = pull_requests::enqueue_refresh_of_found(connection, linked, now)?;
    Ok(enqueued.then_some(Taken::Enqueued))
}

type Row = (String, Option<String>, State, Option<NaiveDateTime>, Option<PullRequestId>);

/// Where the webhook is, how its connection stands, and the linked pull request that the delivery is about, in one round trip.
fn read(connection: &mut AnyConnection, hook: &HookId, hint: &Hint) -> Result<Row> {
    let row = connection_hooks::table
        .inner_join(connections::table)
        .left_join(rows::table.on(is_meant!(hint)))
        .filter(connection_hooks::id.eq(hook))
        .select((
            connection_hooks::place,
            connections::bitbucket_workspace_uuid,
            connections::state,
            connection_hooks::delivered_at,
            rows::id.nullable(),
        ))
        .first(connection)
        .optional()?;
    row.ok_or_else(unsigned)
}
