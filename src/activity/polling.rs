//! Asking regularly for linked pull requests that nothing tells of: those in Bitbucket workspaces that are connected without the app and
//! without a webhook there, and now and then the others as well, because Bitbucket drops deliveries. The server calls it every minute.
//!
//! Only open pull requests are asked for, so that the work does not grow with what was closed; so many a minute in each Bitbucket workspace
//! that the budget of its credential is not used up, those that were asked for longest ago first.

use chrono::NaiveDateTime;
use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::config::Now;
use crate::connections::grants::State;
use crate::connections::hooks::WHOLE_WORKSPACE;
use crate::connections::installations::State as InstallationState;
use crate::error::Result;
use crate::people::pull_requests;
use crate::storage::ids::{PullRequestId, WorkspaceId};
use crate::storage::schema::{connection_hooks, connections, installations, pull_requests as rows};
use crate::storage::{AnyConnection, Database};

/// How old may be what is known of a pull request that no webhook tells of.
const UNTOLD_SECONDS: i64 = 15 * 60;
/// The same where a webhook does: <https://support.atlassian.com/bitbucket-cloud/docs/troubleshoot-webhooks/> says what gets lost.
const TOLD_SECONDS: i64 = 6 * 3600;
/// Six hundred an hour, of a thousand that Bitbucket allows.
const AT_ONCE: i64 = 10;
const PLACES_AT_ONCE: i64 = 500;

/// Has those fetched anew that are due; answers whether there are any.
///
/// # Errors
/// When the database refuses.
pub async fn enqueue_due(database: &Database, now: &Now) -> Result<bool> {
    let moment = now.clone();
    let due = database.read(move |connection| due(connection, &moment)).await?;
    if due.is_empty() {
        return Ok(false);
    }
    let moment = now.clone();
    let work = move |connection: &mut AnyConnection| {
        // Whatever the answer will be, it is not asked for again at the next look.
        let asked = rows::table.filter(rows::id.eq_any(&due));
        diesel::update(asked).set(rows::polled_at.eq(Some(moment.at))).execute(connection)?;
        due.iter().try_for_each(|id| pull_requests::enqueue_refresh(connection, id, &moment))
    };
    database.write(work).await.map(|()| true)
}

fn due(connection: &mut AnyConnection, now: &Now) -> Result<Vec<PullRequestId>> {
    let app = installations::table
        .filter(installations::workspace_id.eq(connections::workspace_id.nullable()))
        .filter(installations::bitbucket_workspace_uuid.nullable().eq(connections::bitbucket_workspace_uuid))
        .filter(installations::state.eq(InstallationState::Active));
    let places: Vec<(WorkspaceId, Option<String>)> = connections::table
        .filter(connections::state.eq(State::Connected))
        .filter(connections::member_id.is_null())
        .filter(connections::bitbucket_workspace_uuid.is_not_null())
        .filter(connections::purposes.like("%reading%"))
        .filter(not(exists(app)))
        .select((connections::workspace_id, connections::bitbucket_workspace_uuid))
        .distinct()
        .limit(PLACES_AT_ONCE)
        .load(connection)?;
    let mut due = Vec::new();
    for (workspace_id, bitbucket_workspace) in places {
        due.extend(due_in(connection, &workspace_id, &bitbucket_workspace.unwrap_or_default(), now)?);
    }
    Ok(due)
}

/// Those of one Bitbucket workspace. Nothing is asked for that has never been fetched: that waits for somebody who has seen it.
fn due_in(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: &str,
    now: &Now,
) -> Result<Vec<PullRequestId>> {
    let is_here = connection_hooks::place.nullable().eq(rows::repository_uuid);
    let tells = connection_hooks::table
        .inner_join(connections::table)
        .filter(connections::workspace_id.eq(rows::workspace_id))
        .filter(connections::bitbucket_workspace_uuid.eq(rows::bitbucket_workspace_uuid))
        .filter(connections::state.eq(State::Connected))
        .filter(connection_hooks::is_told.eq(true))
        .filter(connection_hooks::failing_code.is_null())
        .filter(connection_hooks::place.eq(WHOLE_WORKSPACE).or(is_here));
    let long_ago = |seconds: i64| -> NaiveDateTime { now.plus_seconds(-seconds) };
    let old = rows::fetched_at.le(Some(long_ago(TOLD_SECONDS)));
    let is_due = old.or(not(exists(tells)));
    let unasked = rows::polled_at.is_null().or(rows::polled_at.le(Some(long_ago(UNTOLD_SECONDS))));
    Ok(rows::table
        .filter(rows::workspace_id.eq(workspace_id))
        .filter(rows::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace)))
        .filter(rows::state.eq(Some("OPEN")))
        .filter(rows::fetched_at.le(Some(long_ago(UNTOLD_SECONDS))))
        .filter(is_due)
        .filter(unasked)
        .order(rows::fetched_at)
        .limit(AT_ONCE)
        .select(rows::id)
        .load(connection)?)
}
