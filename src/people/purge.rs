//! Taking away what Bitbucket said of one of its workspaces, and looking whether anything is left. Only `connections::purge` calls it.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::{accounts, join_requests, participants};
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::{PullRequestId, WorkspaceId};
use crate::storage::schema::{links, pull_requests, sightings};

/// The tables that a purge empties, for [`crate::storage::Database::scrub`].
pub const TABLES: &[&str] = &[
    "pull_requests",
    "pull_request_people",
    "bitbucket_accounts",
    "sightings",
    "links",
    "jobs",
    "bitbucket_workspaces",
    "installations",
    "connections",
    "connection_secrets",
    "connection_hooks",
    "connection_listening",
    "join_requests",
    "hidden_panels",
    "repositories",
    "repository_rules",
    "repository_listings",
    "repository_proposals",
    "idempotency_keys",
    "kept_answers",
];

/// What was deleted, by name: "titles and states of pull requests": 12.
pub type Deleted = BTreeMap<String, i64>;

/// The pull requests of a ClarityLoop workspace in a Bitbucket workspace.
macro_rules! of_bitbucket_workspace {
    ($workspace_id:expr, $bitbucket_workspace:expr) => {
        pull_requests::table
            .filter(pull_requests::workspace_id.eq($workspace_id))
            .filter(pull_requests::bitbucket_workspace_uuid.eq($bitbucket_workspace.to_string()))
    };
}

/// Takes everything Bitbucket said away. The links stay with their conversations as plain addresses.
///
/// # Errors
/// When the database refuses.
pub fn details(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<Deleted> {
    let of_workspace = || of_bitbucket_workspace!(workspace_id, bitbucket_workspace);
    let ids: Vec<PullRequestId> = of_workspace().select(pull_requests::id).load(connection)?;
    let nothing = None::<String>;
    let emptied = diesel::update(of_workspace())
        .set((
            pull_requests::repository_uuid.eq(&nothing),
            pull_requests::repository_name.eq(&nothing),
            pull_requests::number.eq(None::<i64>),
            pull_requests::title.eq(&nothing),
            pull_requests::state.eq(&nothing),
            pull_requests::author_account_id.eq(&nothing),
            pull_requests::reviewers.eq(&nothing),
            pull_requests::fetched_at.eq(None::<NaiveDateTime>),
            pull_requests::fetch_error.eq(&nothing),
            pull_requests::bitbucket_workspace_uuid.eq(&nothing),
        ))
        .execute(connection)?;
    let (mut people, mut seen) = (0, 0);
    // After the rows above are locked: a refresh that was storing its answer has committed, and what it stored goes as well.
    for some in ids.chunks(500) {
        people += participants::purge(connection, some)?;
        seen += diesel::delete(sightings::table.filter(sightings::pull_request_id.eq_any(some))).execute(connection)?;
    }
    let accounts = accounts::purge(connection, workspace_id, bitbucket_workspace)?;
    Ok(counted([
        ("details of pull requests", emptied),
        ("authors and reviewers", people),
        ("notes of who has seen a pull request", seen),
        ("Bitbucket accounts", accounts),
        ("questions to join", join_requests::purge(connection, workspace_id, bitbucket_workspace)?),
    ]))
}

fn counted<const N: usize>(counts: [(&str, usize); N]) -> Deleted {
    counts.into_iter().map(|(name, count)| (name.to_owned(), i64::try_from(count).unwrap_or(i64::MAX))).collect()
}

/// Takes the links that people made away as well, also those that were made by address in the workspace with this slug.
///
/// # Errors
/// When the database refuses.
pub fn links(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    slug: Option<&str>,
) -> Result<Deleted> {
    let ids = linked(connection, workspace_id, bitbucket_workspace, slug)?;
    let (mut removed, mut emptied) = (0, 0);
    for some in ids.chunks(500) {
        removed += diesel::delete(links::table.filter(links::pull_request_id.eq_any(some))).execute(connection)?;
        emptied += diesel::delete(pull_requests::table.filter(pull_requests::id.eq_any(some))).execute(connection)?;
    }
    Ok(counted([("links", removed), ("details of pull requests", emptied)]))
}

/// How many links [`links()`] would take away.
///
/// # Errors
/// When the database refuses.
pub fn count_links(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    slug: Option<&str>,
) -> Result<i64> {
    let is_placed = pull_requests::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace.to_string()));
    let is_named = pull_requests::bitbucket_workspace_uuid.is_null().and(pull_requests::repository_name.like(in_slug(slug)));
    let of_workspace = links::table.inner_join(pull_requests::table).filter(pull_requests::workspace_id.eq(workspace_id));
    Ok(of_workspace.filter(is_placed.or(is_named)).count().get_result(connection)?)
}

/// The pattern of repositories' names in the workspace with this slug; without one, a pattern that no name has.
fn in_slug(slug: Option<&str>) -> String {
    format!("{}/%", slug.unwrap_or_default())
}

fn linked(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    slug: Option<&str>,
) -> Result<Vec<PullRequestId>> {
    let placed = of_bitbucket_workspace!(workspace_id, bitbucket_workspace).select(pull_requests::id);
    let mut ids: Vec<PullRequestId> = placed.load(connection)?;
    let Some(slug) = slug else { return Ok(ids) };
    let by_address: Vec<(PullRequestId, Option<String>)> = pull_requests::table
        .filter(pull_requests::workspace_id.eq(workspace_id))
        .filter(pull_requests::bitbucket_workspace_uuid.is_null())
        .filter(pull_requests::repository_name.like(in_slug(Some(slug))))
        .select((pull_requests::id, pull_requests::repository_name))
        .load(connection)?;
    // LIKE takes an underscore for any character and, on SQLite, a capital for a small letter.
    let is_meant =
        |name: &Option<String>| name.as_deref().and_then(|name| name.split_once('/')).is_some_and(|(own, _)| own == slug);
    ids.extend(by_address.into_iter().filter(|(_, name)| is_meant(name)).map(|(id, _)| id));
    Ok(ids)
}

/// How many rows still hold anything that Bitbucket said: the proof of a purge.
///
/// # Errors
/// When the database refuses.
pub fn count_left(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<i64> {
    let rows: i64 = of_bitbucket_workspace!(workspace_id, bitbucket_workspace).count().get_result(connection)?;
    Ok(rows
        + participants::count_unpurged(connection, workspace_id)?
        + accounts::count(connection, workspace_id, bitbucket_workspace)?
        + join_requests::count_in(connection, workspace_id, bitbucket_workspace)?)
}
