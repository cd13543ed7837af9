//! What owners decide: which repositories are chosen, one by one or by project, and whether new ones are.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::store::{self, Listed};
use super::{held, places, proposals};
use crate::config::Now;
use crate::connections::hooks;
use crate::error::{Error, Result};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::{repositories, repository_rules as rules};
use crate::storage::statement::OnConflict as _;

/// How many repositories can be named at once.
pub const NAMED_AT_MOST: usize = 500;

/// Repositories that are named one by one.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Those to choose.
    pub chosen: Vec<Uuid>,
    /// Those to leave out.
    pub left_out: Vec<Uuid>,
}

/// How many repositories a decision has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Are chosen now and were not before.
    pub chosen: usize,
    /// Are not chosen any more.
    pub left_out: usize,
}

/// Decides about repositories one by one. Those that stand like this already, or are not in the list, stay as they are.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `repositories_too_many` or `repository_contradictory` (400).
pub fn choose(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    bitbucket_workspace: Uuid,
    choice: &Choice,
    now: &Now,
) -> Result<Changed> {
    viewer.must_own()?;
    places::must_be_connected(connection, viewer, bitbucket_workspace)?;
    if choice.chosen.len() + choice.left_out.len() > NAMED_AT_MOST {
        let detail = format!("Name at most {NAMED_AT_MOST} repositories at once, or decide by project.");
        return Err(Error::invalid("repositories_too_many", "chosen", detail));
    }
    if choice.chosen.iter().any(|uuid| choice.left_out.contains(uuid)) {
        let detail = "A repository is either chosen or left out, not both.";
        return Err(Error::invalid("repository_contradictory", "left_out", detail));
    }
    let mut set = |uuids: &[Uuid], is_chosen: bool| -> Result<usize> {
        if uuids.is_empty() {
            return Ok(0);
        }
        let named: Vec<String> = uuids.iter().map(Uuid::to_string).collect();
        let other = held!(repositories, &viewer.workspace_id, bitbucket_workspace)
            .filter(repositories::uuid.eq_any(named))
            .filter(repositories::is_chosen.ne(is_chosen));
        Ok(diesel::update(other).set(decided(viewer, is_chosen, now)).execute(connection)?)
    };
    let changed = Changed { chosen: set(&choice.chosen, true)?, left_out: set(&choice.left_out, false)? };
    note(connection, viewer, bitbucket_workspace, changed, now)?;
    Ok(changed)
}

/// Decides about everything of a project, or of the whole Bitbucket workspace, that is listed now.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn choose_all(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    bitbucket_workspace: Uuid,
    project: Option<&str>,
    is_chosen: bool,
    now: &Now,
) -> Result<Changed> {
    viewer.must_own()?;
    places::must_be_connected(connection, viewer, bitbucket_workspace)?;
    let other = held!(repositories, &viewer.workspace_id, bitbucket_workspace)
        .filter(repositories::gone_at.is_null())
        .filter(repositories::is_chosen.ne(is_chosen));
    let count = match project {
        Some(key) => {
            let other = other.filter(repositories::project_key.eq(key.to_owned()));
            diesel::update(other).set(decided(viewer, is_chosen, now)).execute(connection)?
        }
        None => diesel::update(other).set(decided(viewer, is_chosen, now)).execute(connection)?,
    };
    let changed = if is_chosen { Changed { chosen: count, left_out: 0 } } else { Changed { chosen: 0, left_out: count } };
    note(connection, viewer, bitbucket_workspace, changed, now)?;
    Ok(changed)
}

/// Chooses the repository whose own token an owner enters, with the same entry in the audit: whoever hands that over wants it read. Leaving it
/// out later is an owner's to decide, and the token is then not used.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub(in crate::connections) fn choose_with_token(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    bitbucket_workspace: Uuid,
    repository: &Listed,
    now: &Now,
) -> Result<()> {
    viewer.must_own()?;
    store::part(connection, &viewer.workspace_id, bitbucket_workspace, std::slice::from_ref(repository), now)?;
    let uuid = Uuid::try_parse(&repository.uuid).map_err(Error::internal)?;
    choose(connection, viewer, bitbucket_workspace, &Choice { chosen: vec![uuid], left_out: Vec::new() }, now)?;
    Ok(())
}

type Decided = (
    diesel::dsl::Eq<repositories::is_chosen, bool>,
    diesel::dsl::Eq<repositories::decided_by, Option<MemberId>>,
    diesel::dsl::Eq<repositories::decided_at, NaiveDateTime>,
);

fn decided(viewer: &Viewer, is_chosen: bool, now: &Now) -> Decided {
    (
        repositories::is_chosen.eq(is_chosen),
        repositories::decided_by.eq(Some(viewer.member_id.clone())),
        repositories::decided_at.eq(now.at),
    )
}

/// The audit names numbers, because names of repositories go with the list when it is purged; the rows say who decided when.
fn note(connection: &mut AnyConnection, viewer: &Viewer, bitbucket_workspace: Uuid, changed: Changed, now: &Now) -> Result<()> {
    let subject = bitbucket_workspace.to_string();
    for (count, is_chosen) in [(changed.chosen, true), (changed.left_out, false)] {
        if count > 0 {
            let action = if is_chosen { "repositories_chosen" } else { "repositories_left_out" };
            let actor = viewer.member_id.as_str();
            let detail = if count == 1 { "1 repository".to_owned() } else { format!("{count} repositories") };
            audit::record(connection, &viewer.workspace_id, actor, action, &subject, &detail, now)?;
        }
    }
    if changed != Changed::default() {
        hooks::look_soon(connection, &viewer.workspace_id, bitbucket_workspace, now)?;
        proposals::settle(connection, viewer, bitbucket_workspace, now)?;
    }
    Ok(())
}

/// Sets whether repositories that are listed for the first time are chosen: in the whole Bitbucket workspace, or in one project, where
/// nothing said means as in the whole workspace. What is listed already stays as it is.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn set_rule(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    bitbucket_workspace: Uuid,
    project: Option<&str>,
    includes_new: Option<bool>,
    now: &Now,
) -> Result<()> {
    viewer.must_own()?;
    places::must_be_connected(connection, viewer, bitbucket_workspace)?;
    let key = project.unwrap_or_default();
    if !key.is_empty() {
        let of_project =
            held!(repositories, &viewer.workspace_id, bitbucket_workspace).filter(repositories::project_key.eq(key.to_owned()));
        if of_project.count().get_result::<i64>(connection)? == 0 {
            return Err(Error::not_found("project"));
        }
    }
    let uuid = bitbucket_workspace.to_string();
    match includes_new {
        None => {
            diesel::delete(rules::table.find((&viewer.workspace_id, &uuid, key))).execute(connection)?;
        }
        Some(includes_new) => {
            diesel::insert_into(rules::table)
                .values((
                    rules::workspace_id.eq(&viewer.workspace_id),
                    rules::bitbucket_workspace_uuid.eq(&uuid),
                    rules::project_key.eq(key),
                    rules::includes_new.eq(includes_new),
                    rules::set_by.eq(&viewer.member_id),
                    rules::set_at.eq(now.at),
                ))
                .on_conflict_sql(
                    "ON CONFLICT (workspace_id, bitbucket_workspace_uuid, project_key) DO UPDATE SET \
                     includes_new = excluded.includes_new, set_by = excluded.set_by, set_at = excluded.set_at",
                )
                .execute(connection)?;
        }
    }
    let place = if key.is_empty() { "the whole workspace" } else { "one project" };
    let rule = match includes_new {
        Some(true) => "chosen",
        Some(false) => "not chosen",
        None => "as in the whole workspace",
    };
    let detail = format!("{place}: {rule}");
    audit::record(connection, &viewer.workspace_id, viewer.member_id.as_str(), "repository_rule_set", &uuid, &detail, now)
}
