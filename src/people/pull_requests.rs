//! Pull requests that people linked: what is kept of them, and the job that keeps it fresh. Nothing is kept of any other.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};

use super::accounts::Named;
pub use super::reference::{Reference, parse_repository, parse_url, parse_uuid, signed_url};
use super::text::one_line;
use super::{Viewer, accounts, merging, participants};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::jobs;
use crate::storage::ids::{MemberId, PullRequestId, WorkspaceId};
use crate::storage::schema::{pull_requests, sightings};
use crate::storage::statement::OnConflict as _;
use crate::storage::{AnyConnection, MultiBackend};

/// The kind of the job that fetches what a linked pull request shows.
pub const REFRESH: &str = "refresh_pull_request";

/// The payload of a [`REFRESH`] job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// Which pull request.
    pub pull_request_id: PullRequestId,
}

/// How a reviewer stands to a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reviewer {
    /// The Atlassian account id.
    pub account_id: String,
    /// `approved`, `changes_requested` or absent.
    pub state: Option<String>,
}

/// What Bitbucket says of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// `workspace/repository`.
    pub repository_name: Option<String>,
    /// Its title.
    pub title: String,
    /// `OPEN`, `MERGED`, `DECLINED` or `SUPERSEDED`.
    pub state: String,
    /// Its author's account id; absent when the account is gone.
    pub author_account_id: Option<String>,
    /// Who reviews it.
    pub reviewers: Vec<Reviewer>,
    /// The author and the reviewers, as Bitbucket names them.
    pub accounts: Vec<Named>,
}

/// The row of the named pull request, made when there is none.
///
/// # Errors
/// When the database refuses.
pub fn ensure(connection: &mut AnyConnection, viewer: &Viewer, reference: &Reference, now: &Now) -> Result<PullRequestId> {
    if let Some(id) = find(connection, &viewer.workspace_id, reference)? {
        learn(connection, &id, reference)?;
        return Ok(id);
    }
    let id = PullRequestId::new(now);
    let inserted = diesel::insert_into(pull_requests::table)
        .values((
            pull_requests::id.eq(&id),
            pull_requests::workspace_id.eq(&viewer.workspace_id),
            pull_requests::url.eq(&reference.url),
            pull_requests::bitbucket_workspace_uuid.eq(reference.bitbucket_workspace.map(|uuid| uuid.to_string())),
            pull_requests::repository_uuid.eq(reference.repository.map(|uuid| uuid.to_string())),
            pull_requests::repository_name.eq(&reference.repository_name),
            pull_requests::number.eq(Some(reference.number)),
            pull_requests::title.eq(reference.title.as_deref().map(|title| one_line(title, 500))),
            pull_requests::author_account_id.eq(&reference.author_account_id),
            pull_requests::created_at.eq(now.at),
        ))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    if inserted > 0 {
        participants::set_author(connection, &id, reference.author_account_id.as_deref())?;
    }
    // Another server may have made it in between; whichever row there is now is the one.
    find(connection, &viewer.workspace_id, reference)?.ok_or_else(|| Error::conflict("pull_request_changed", "Try again."))
}

/// The row of the named pull request: by repository UUID where known, since a repository can be renamed, else by address.
fn find(connection: &mut AnyConnection, workspace_id: &WorkspaceId, reference: &Reference) -> Result<Option<PullRequestId>> {
    if let Some(repository) = reference.repository {
        let id = pull_requests::table
            .filter(pull_requests::workspace_id.eq(workspace_id))
            .filter(pull_requests::repository_uuid.eq(repository.to_string()))
            .filter(pull_requests::number.eq(reference.number))
            .select(pull_requests::id)
            .first(connection)
            .optional()?;
        if id.is_some() {
            return Ok(id);
        }
    }
    let row: Option<(PullRequestId, Option<String>)> = pull_requests::table
        .filter(pull_requests::workspace_id.eq(workspace_id))
        .filter(pull_requests::url.eq(&reference.url))
        .select((pull_requests::id, pull_requests::repository_uuid))
        .first(connection)
        .optional()?;
    match (row, reference.repository) {
        (Some((id, Some(known))), Some(repository)) if known != repository.to_string() => {
            // The name was given to another repository meanwhile: the former one goes on under its UUID.
            let url = format!("{}#repository-{known}", reference.url);
            diesel::update(pull_requests::table.find(id)).set(pull_requests::url.eq(url)).execute(connection)?;
            Ok(None)
        }
        (None, None) => by_name(connection, workspace_id, reference),
        (row, _) => Ok(row.map(|(id, _)| id)),
    }
}

/// The row that was made from a repository's UUID and has learned from Bitbucket what that is called: its own address is another one.
fn by_name(connection: &mut AnyConnection, workspace_id: &WorkspaceId, reference: &Reference) -> Result<Option<PullRequestId>> {
    let Some(name) = &reference.repository_name else { return Ok(None) };
    let named = pull_requests::table
        .filter(pull_requests::workspace_id.eq(workspace_id))
        .filter(pull_requests::repository_uuid.is_not_null())
        .filter(pull_requests::repository_name.eq(name))
        .filter(pull_requests::number.eq(reference.number));
    Ok(named.order(pull_requests::id.desc()).select(pull_requests::id).first(connection).optional()?)
}

/// Adds what Bitbucket signed to a row that was made from an address alone.
fn learn(connection: &mut AnyConnection, id: &PullRequestId, reference: &Reference) -> Result<()> {
    let Some(repository) = reference.repository else { return Ok(()) };
    let is_unknown = pull_requests::bitbucket_workspace_uuid.is_null().or(pull_requests::repository_uuid.is_null());
    let unknown = pull_requests::table.find(id).filter(is_unknown);
    let learned = diesel::update(unknown)
        .set((
            pull_requests::repository_uuid.eq(Some(repository.to_string())),
            pull_requests::bitbucket_workspace_uuid.eq(reference.bitbucket_workspace.map(|uuid| uuid.to_string())),
            pull_requests::number.eq(Some(reference.number)),
            pull_requests::title.eq(&reference.title),
            pull_requests::author_account_id.eq(&reference.author_account_id),
        ))
        .execute(connection)?;
    if learned > 0 {
        participants::set_author(connection, id, reference.author_account_id.as_deref())?;
    }
    Ok(())
}

/// Records that a member has opened the panel of a linked pull request, and fetches what it shows when nobody had before.
///
/// # Errors
/// When the database refuses.
pub fn record_sighting(
    connection: &mut AnyConnection,
    member_id: &MemberId,
    id: &PullRequestId,
    reference: &Reference,
    now: &Now,
) -> Result<()> {
    learn(connection, id, reference)?;
    let inserted = diesel::insert_into(sightings::table)
        .values((sightings::pull_request_id.eq(id), sightings::member_id.eq(member_id), sightings::seen_at.eq(now.at)))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    if inserted > 0 {
        let unfetched = pull_requests::table.find(id).filter(pull_requests::fetched_at.is_null());
        if unfetched.count().get_result::<i64>(connection)? > 0 {
            enqueue_refresh(connection, id, now)?;
        }
    }
    Ok(())
}

/// Fetches what a pull request shows when somebody has seen it and the last question went unanswered. Before anybody has, nothing of it
/// may be shown.
///
/// # Errors
/// When the database refuses.
pub fn refresh_if_seen(connection: &mut AnyConnection, id: &PullRequestId, now: &Now) -> Result<()> {
    let unanswered = pull_requests::fetched_at.is_null().or(pull_requests::fetch_error.is_not_null());
    let seen = sightings::table.inner_join(pull_requests::table).filter(sightings::pull_request_id.eq(id)).filter(unanswered);
    if seen.count().get_result::<i64>(connection)? > 0 {
        enqueue_refresh(connection, id, now)?;
    }
    Ok(())
}

/// Has a pull request fetched anew. While one refresh waits, more say nothing new.
///
/// # Errors
/// When the database refuses.
pub fn enqueue_refresh(connection: &mut AnyConnection, id: &PullRequestId, now: &Now) -> Result<()> {
    jobs::enqueue(connection, REFRESH, Some(&format!("{REFRESH}:{id}")), &Refresh { pull_request_id: id.clone() }, now)
}

/// As [`enqueue_refresh`], for the one pull request whose id `found` finds, in the same statement. `false`: it finds none, or a refresh
/// waits already.
///
/// # Errors
/// When the database refuses.
pub fn enqueue_refresh_of_found<Q>(connection: &mut AnyConnection, found: Q, now: &Now) -> Result<bool>
where
    Q: Query<SqlType = Text> + QueryFragment<MultiBackend>,
{
    jobs::enqueue_found(connection, REFRESH, "pull_request_id", found, now)
}

/// What a refresh needs to know of a row.
#[derive(Clone, Debug, Queryable)]
pub struct Known {
    /// The ClarityLoop workspace.
    pub workspace_id: WorkspaceId,
    /// The Bitbucket workspace, when known.
    pub bitbucket_workspace_uuid: Option<String>,
    /// The repository, when known.
    pub repository_uuid: Option<String>,
    /// `workspace/repository`, when known.
    pub repository_name: Option<String>,
    /// The number, absent after a purge.
    pub number: Option<i64>,
}

/// What is known of a pull request, for the job that fetches the rest; `None` when it is gone.
///
/// # Errors
/// When the database refuses.
pub fn known(connection: &mut AnyConnection, id: &PullRequestId) -> Result<Option<Known>> {
    let columns = (
        pull_requests::workspace_id,
        pull_requests::bitbucket_workspace_uuid,
        pull_requests::repository_uuid,
        pull_requests::repository_name,
        pull_requests::number,
    );
    Ok(pull_requests::table.find(id).select(columns).first(connection).optional()?)
}

/// What Bitbucket has told of a pull request, for a door that brings none of it along.
#[derive(Clone, Debug, Queryable, PartialEq, Eq)]
pub struct Told {
    /// `workspace/repository`.
    pub repository_name: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Its author's account id; absent when the account is gone.
    pub author_account_id: Option<String>,
}

/// What has been told of a pull request that a caller found in its own workspace; `None` while nothing has.
///
/// # Errors
/// When the database refuses.
pub fn told(connection: &mut AnyConnection, id: &PullRequestId) -> Result<Option<Told>> {
    let columns = (pull_requests::repository_name, pull_requests::title, pull_requests::author_account_id);
    let row = pull_requests::table.find(id).filter(pull_requests::title.is_not_null());
    Ok(row.select(columns).first(connection).optional()?)
}

/// Whose a row is, its Bitbucket workspace, its repository and its number.
type Stored = (WorkspaceId, Option<String>, Option<String>, Option<i64>);

/// Stores what Bitbucket answered to a question asked at `asked_at`, unless a later question has been answered already. With its name the
/// pull request's address on `web_url` is known: what was linked there before by address alone is the same pull request.
///
/// # Errors
/// When the database refuses.
pub fn store_details(
    connection: &mut AnyConnection,
    id: &PullRequestId,
    details: &Details,
    web_url: &str,
    asked_at: NaiveDateTime,
) -> Result<()> {
    let reviewers = serde_json::to_string(&details.reviewers).map_err(Error::internal)?;
    // A row without a number has been purged; late answers bring nothing back.
    let row = pull_requests::table
        .find(id)
        .filter(pull_requests::number.is_not_null())
        .filter(pull_requests::fetched_at.is_null().or(pull_requests::fetched_at.lt(asked_at)));
    let stored: Option<Stored> = diesel::update(row)
        .set((
            pull_requests::title.eq(Some(one_line(&details.title, 500))),
            pull_requests::state.eq(Some(one_line(&details.state, 20))),
            pull_requests::author_account_id.eq(&details.author_account_id),
            pull_requests::reviewers.eq(Some(reviewers)),
            pull_requests::repository_name.eq(details.repository_name.as_deref().map(|name| one_line(name, 250))),
            pull_requests::fetched_at.eq(Some(asked_at)),
            pull_requests::fetch_error.eq(None::<String>),
        ))
        .returning((
            pull_requests::workspace_id,
            pull_requests::bitbucket_workspace_uuid,
            pull_requests::repository_uuid,
            pull_requests::number,
        ))
        .get_result(connection)
        .optional()?;
    let Some((workspace_id, bitbucket_workspace, repository, number)) = stored else { return Ok(()) };
    participants::replace(connection, id, details)?;
    if let (Some(_), Some(name), Some(number)) = (repository, &details.repository_name, number)
        && let Ok(named) = parse_repository(web_url, name, number)
    {
        merging::take_in(connection, &workspace_id, id, &named.url)?;
    }
    // Without its Bitbucket workspace a disconnect could not tell what to forget.
    let Some(bitbucket_workspace) = bitbucket_workspace else { return Ok(()) };
    details
        .accounts
        .iter()
        .try_for_each(|named| accounts::see(connection, &workspace_id, &bitbucket_workspace, named, false, asked_at))
}

/// Stores in which Bitbucket workspace a pull request is that was named by its address: what is fetched of it goes with that
/// workspace when it is disconnected.
///
/// # Errors
/// When the database refuses.
pub fn place(connection: &mut AnyConnection, id: &PullRequestId, bitbucket_workspace: &str) -> Result<()> {
    let unplaced = pull_requests::table
        .find(id)
        .filter(pull_requests::number.is_not_null())
        .filter(pull_requests::bitbucket_workspace_uuid.is_null());
    diesel::update(unplaced).set(pull_requests::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace))).execute(connection)?;
    Ok(())
}

/// Stores why a pull request could not be fetched, as a stable code.
///
/// # Errors
/// When the database refuses.
pub fn store_failure(connection: &mut AnyConnection, id: &PullRequestId, code: &str) -> Result<()> {
    diesel::update(pull_requests::table.find(id)).set(pull_requests::fetch_error.eq(Some(code))).execute(connection)?;
    Ok(())
}
