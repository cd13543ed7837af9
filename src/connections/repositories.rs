//! Repositories of connected Bitbucket workspaces and which of them are chosen: what is not chosen is never read. Doors and jobs call it.
//!
//! Owners choose in the list, by project or by a rule for new ones, or by entering a repository's own token. That a connection reaches a
//! repository, or is restricted to it, chooses nothing.
//!
//! [`is_chosen`] and [`is_chosen_by_name`] answer for one repository. Whoever reads in a repository with the workspace's own credential
//! (the Call API and agents' tools without a member's own grant, whatever follows activity) asks here first. Two things do not ask: a
//! pull request that a person has linked is kept fresh wherever it is, because that person chose it; and a member's own grant reads what
//! Bitbucket shows that member. The list itself holds names, projects and main branches, never anything from inside a repository.

pub mod choices;
pub mod listing;
mod page;
pub mod places;
pub mod proposals;
pub mod search;
mod store;

pub(super) use page::listed;
pub use store::Listed;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::WorkspaceId;
use crate::storage::schema::{repositories, repository_listings, repository_proposals, repository_rules};

/// A repository as the list holds it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Repository {
    /// Its UUID, without braces: it outlives a rename.
    pub uuid: String,
    /// `workspace/repository`.
    pub full_name: String,
    /// Its name for people.
    pub name: String,
    /// The key of its project; empty where Bitbucket names none.
    pub project_key: String,
    /// The name of its project.
    pub project_name: Option<String>,
    /// Whether only people who were let in see it at Bitbucket.
    pub is_private: bool,
    /// Its main branch; none while it is empty.
    pub default_branch: Option<String>,
    /// Whether it is chosen.
    pub is_chosen: bool,
    /// When that was decided, UTC: by somebody, or by the rule for new repositories.
    pub decided_at: NaiveDateTime,
    /// Since when Bitbucket does not list it any more, UTC.
    pub gone_at: Option<NaiveDateTime>,
    /// What the list is ordered by.
    folded: String,
}

/// What `Repository` is read from.
macro_rules! repository_columns {
    () => {
        (
            repositories::uuid,
            repositories::full_name,
            repositories::name,
            repositories::project_key,
            repositories::project_name,
            repositories::is_private,
            repositories::default_branch,
            repositories::is_chosen,
            repositories::decided_at,
            repositories::gone_at,
            repositories::folded,
        )
    };
}
use repository_columns;

/// Whether a repository is chosen and still there.
///
/// # Errors
/// When the database refuses.
pub fn is_chosen(connection: &mut AnyConnection, workspace_id: &WorkspaceId, repository: Uuid) -> Result<bool> {
    let chosen = repositories::table
        .find((workspace_id, repository.to_string()))
        .filter(repositories::is_chosen.eq(true))
        .filter(repositories::gone_at.is_null());
    Ok(chosen.count().get_result::<i64>(connection)? > 0)
}

/// The same by its `workspace/repository`; its UUID when it is chosen. Names are compared as Bitbucket does, without capitals.
///
/// # Errors
/// When the database refuses.
pub fn is_chosen_by_name(connection: &mut AnyConnection, workspace_id: &WorkspaceId, full_name: &str) -> Result<Option<Uuid>> {
    let chosen: Option<String> = repositories::table
        .filter(repositories::workspace_id.eq(workspace_id))
        .filter(repositories::full_name.eq(full_name.to_lowercase()))
        .filter(repositories::is_chosen.eq(true))
        .filter(repositories::gone_at.is_null())
        .select(repositories::uuid)
        .first(connection)
        .optional()?;
    Ok(chosen.and_then(|uuid| Uuid::try_parse(&uuid).ok()))
}

/// The key of a listed repository's project, by the repository's UUID or its `workspace/repository`; `None` where the list does not know it,
/// or it is in none.
///
/// # Errors
/// When the database refuses.
pub fn project_of(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    uuid: Option<Uuid>,
    full_name: &str,
) -> Result<Option<String>> {
    let listed = repositories::table
        .filter(repositories::workspace_id.eq(workspace_id))
        .filter(repositories::gone_at.is_null())
        .select(repositories::project_key);
    let key: Option<String> = match uuid {
        Some(uuid) => listed.filter(repositories::uuid.eq(uuid.to_string())).first(connection).optional()?,
        None => listed.filter(repositories::full_name.eq(full_name.to_lowercase())).first(connection).optional()?,
    };
    Ok(key.filter(|key| !key.is_empty()))
}

/// The rows of a table that a ClarityLoop workspace holds of a Bitbucket workspace.
macro_rules! held {
    ($table:ident, $workspace_id:expr, $bitbucket_workspace:expr) => {
        $table::table
            .filter($table::workspace_id.eq($workspace_id))
            .filter($table::bitbucket_workspace_uuid.eq($bitbucket_workspace.to_string()))
    };
}
use held;

/// A chosen repository, as far as whoever works in each of them needs it.
#[derive(Clone, Debug, Queryable)]
pub(super) struct Chosen {
    /// Its UUID, without braces.
    pub(super) uuid: String,
    /// `workspace/repository`.
    full_name: String,
    /// The key of its project; empty where Bitbucket names none.
    pub(super) project_key: String,
}

impl Chosen {
    /// Its slug.
    pub(super) fn slug(&self) -> &str {
        self.full_name.split_once('/').map_or("", |(_, slug)| slug)
    }
}

/// The chosen repositories of a Bitbucket workspace, in an order that stays, at most so many.
pub(super) fn chosen(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    at_most: i64,
) -> Result<Vec<Chosen>> {
    let chosen = held!(repositories, workspace_id, bitbucket_workspace)
        .filter(repositories::is_chosen.eq(true))
        .filter(repositories::gone_at.is_null());
    let columns = (repositories::uuid, repositories::full_name, repositories::project_key);
    Ok(chosen.order(repositories::uuid).limit(at_most).select(columns).load(connection)?)
}

/// Forgets the list of a Bitbucket workspace with everything that was decided about it; how many rows that were.
pub(super) fn purge(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<usize> {
    diesel::delete(held!(repository_proposals, workspace_id, bitbucket_workspace)).execute(connection)?;
    diesel::delete(held!(repository_rules, workspace_id, bitbucket_workspace)).execute(connection)?;
    diesel::delete(held!(repository_listings, workspace_id, bitbucket_workspace)).execute(connection)?;
    Ok(diesel::delete(held!(repositories, workspace_id, bitbucket_workspace)).execute(connection)?)
}

/// How many rows there are of a Bitbucket workspace's list and of what was decided about it.
pub(super) fn count(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<i64> {
    let listed: i64 = held!(repositories, workspace_id, bitbucket_workspace).count().get_result(connection)?;
    let rules: i64 = held!(repository_rules, workspace_id, bitbucket_workspace).count().get_result(connection)?;
    let readings: i64 = held!(repository_listings, workspace_id, bitbucket_workspace).count().get_result(connection)?;
    let proposals: i64 = held!(repository_proposals, workspace_id, bitbucket_workspace).count().get_result(connection)?;
    Ok(listed + rules + readings + proposals)
}
