//! Putting a part of Bitbucket's list away: new repositories by the rule, known ones with their choice, few statements for what has not changed.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::held;
use crate::config::Now;
use crate::error::Result;
use crate::people::folding::fold;
use crate::people::text::one_line;
use crate::storage::AnyConnection;
use crate::storage::ids::{MemberId, WorkspaceId};
use crate::storage::schema::{repositories, repository_rules};

/// A repository as Bitbucket lists it, its texts bounded.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Listed {
    /// Without braces.
    pub(super) uuid: String,
    /// `workspace/repository`.
    pub(super) full_name: String,
    /// For people.
    pub(super) name: String,
    /// Empty where there is none.
    pub(super) project_key: String,
    /// For people.
    pub(super) project_name: Option<String>,
    /// Whether only some see it.
    pub(super) is_private: bool,
    /// Its main branch.
    pub(super) default_branch: Option<String>,
}

impl Listed {
    /// What searches compare and the list is ordered by.
    fn folded(&self) -> String {
        let parts = [&*self.full_name, &*self.name, &*self.project_key, self.project_name.as_deref().unwrap_or_default()];
        let words = fold(&parts.join(" "));
        format!("{words} {}", self.uuid)
    }

    /// The texts as they are kept.
    pub(super) fn bounded(self) -> Self {
        let line = |text: Option<String>| text.map(|text| one_line(&text, 255)).filter(|text| !text.is_empty());
        Self {
            uuid: self.uuid,
            full_name: one_line(&self.full_name, 255).to_lowercase(),
            name: one_line(&self.name, 255),
            project_key: one_line(&self.project_key, 128),
            project_name: line(self.project_name),
            is_private: self.is_private,
            default_branch: line(self.default_branch),
        }
    }
}

/// Stores one part of the list.
pub(super) fn part(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    part: &[Listed],
    now: &Now,
) -> Result<()> {
    let known = known(connection, workspace_id, part)?;
    let is_unchanged = |listed: &&Listed| known.get(&listed.uuid) == Some(*listed);
    let unchanged: Vec<&str> = part.iter().filter(is_unchanged).map(|listed| &*listed.uuid).collect();
    if !unchanged.is_empty() {
        let rows = held!(repositories, workspace_id, bitbucket_workspace).filter(repositories::uuid.eq_any(unchanged));
        let seen = (repositories::listed_at.eq(now.at), repositories::gone_at.eq(None::<NaiveDateTime>));
        diesel::update(rows).set(seen).execute(connection)?;
    }
    let is_new = |listed: &&Listed| !known.contains_key(&listed.uuid);
    let rules = if part.iter().any(|listed| is_new(&listed)) {
        rules(connection, workspace_id, bitbucket_workspace)?
    } else {
        HashMap::new()
    };
    for listed in part.iter().filter(|listed| !is_unchanged(listed)) {
        if is_new(&listed) {
            insert(connection, workspace_id, bitbucket_workspace, listed, is_included(&rules, &listed.project_key), now)?;
        } else {
            update(connection, workspace_id, bitbucket_workspace, listed, now)?;
        }
    }
    Ok(())
}

fn known(connection: &mut AnyConnection, workspace_id: &WorkspaceId, part: &[Listed]) -> Result<HashMap<String, Listed>> {
    let uuids: Vec<&str> = part.iter().map(|listed| &*listed.uuid).collect();
    let rows: Vec<Listed> = repositories::table
        .filter(repositories::workspace_id.eq(workspace_id))
        .filter(repositories::uuid.eq_any(uuids))
        .select((
            repositories::uuid,
            repositories::full_name,
            repositories::name,
            repositories::project_key,
            repositories::project_name,
            repositories::is_private,
            repositories::default_branch,
        ))
        .load(connection)?;
    Ok(rows.into_iter().map(|listed| (listed.uuid.clone(), listed)).collect())
}

fn rules(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<HashMap<String, bool>> {
    let rows = held!(repository_rules, workspace_id, bitbucket_workspace);
    let rules: Vec<(String, bool)> =
        rows.select((repository_rules::project_key, repository_rules::includes_new)).load(connection)?;
    Ok(rules.into_iter().collect())
}

/// Whether the rules choose a new repository of a project: the project's own goes before the workspace's; without any, no.
fn is_included(rules: &HashMap<String, bool>, project_key: &str) -> bool {
    rules.get(project_key).or_else(|| rules.get("")).copied().unwrap_or(false)
}

fn insert(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    listed: &Listed,
    is_chosen: bool,
    now: &Now,
) -> Result<()> {
    diesel::insert_into(repositories::table)
        .values((
            repositories::workspace_id.eq(workspace_id),
            repositories::uuid.eq(&listed.uuid),
            repositories::bitbucket_workspace_uuid.eq(bitbucket_workspace.to_string()),
            repositories::full_name.eq(&listed.full_name),
            repositories::name.eq(&listed.name),
            repositories::folded.eq(listed.folded()),
            repositories::project_key.eq(&listed.project_key),
            repositories::project_name.eq(&listed.project_name),
            repositories::is_private.eq(listed.is_private),
            repositories::default_branch.eq(&listed.default_branch),
            repositories::is_chosen.eq(is_chosen),
            repositories::decided_by.eq(None::<MemberId>),
            repositories::decided_at.eq(now.at),
            repositories::listed_at.eq(now.at),
        ))
        .execute(connection)?;
    Ok(())
}

/// A choice belongs to the repository, so it stays through a rename or a move to another project, and when it comes back.
fn update(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    listed: &Listed,
    now: &Now,
) -> Result<()> {
    diesel::update(repositories::table.find((workspace_id, &listed.uuid)))
        .set((
            repositories::bitbucket_workspace_uuid.eq(bitbucket_workspace.to_string()),
            repositories::full_name.eq(&listed.full_name),
            repositories::name.eq(&listed.name),
            repositories::folded.eq(listed.folded()),
            repositories::project_key.eq(&listed.project_key),
            repositories::project_name.eq(&listed.project_name),
            repositories::is_private.eq(listed.is_private),
            repositories::default_branch.eq(&listed.default_branch),
            repositories::listed_at.eq(now.at),
            repositories::gone_at.eq(None::<NaiveDateTime>),
        ))
        .execute(connection)?;
    Ok(())
}

/// Marks what a whole reading since `begun_at` has not named.
pub(super) fn mark_gone(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    begun_at: NaiveDateTime,
    now: &Now,
) -> Result<()> {
    let unnamed = held!(repositories, workspace_id, bitbucket_workspace)
        .filter(repositories::listed_at.lt(begun_at))
        .filter(repositories::gone_at.is_null());
    diesel::update(unnamed).set(repositories::gone_at.eq(Some(now.at))).execute(connection)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_own_rule_goes_before_the_workspaces_and_without_any_nothing_new_is_chosen() {
        let rules = |pairs: &[(&str, bool)]| pairs.iter().map(|(key, on)| ((*key).to_owned(), *on)).collect::<HashMap<_, _>>();
        assert!(!is_included(&rules(&[]), "LED"));
        assert!(is_included(&rules(&[("", true)]), "LED"));
        assert!(!is_included(&rules(&[("", true), ("LED", false)]), "LED"));
        assert!(is_included(&rules(&[("", false), ("LED", true)]), "LED"));
        assert!(!is_included(&rules(&[("LED", true)]), "PAY"));
        assert!(!is_included(&rules(&[("LED", true)]), ""), "a repository without a project has the workspace's rule alone");
    }

    #[test]
    fn what_is_listed_is_bounded_and_found_by_every_name_it_has() {
        let listed = Listed {
            uuid: "u".to_owned(),
            full_name: "Lumenpay/Ledger".to_owned(),
            name: format!("Lédger\n{}", "x".repeat(600)),
            project_key: "LED".to_owned(),
            project_name: Some(String::new()),
            is_private: true,
            default_branch: None,
        };
        let kept = listed.bounded();
        assert_eq!((kept.full_name.as_str(), kept.project_name.as_deref()), ("lumenpay/ledger", None));
        assert!(kept.name.chars().count() <= 256, "{}", kept.name.chars().count());
        assert!(kept.folded().starts_with("lumenpay/ledger ledger") && kept.folded().ends_with(" u"), "{}", kept.folded());
    }
}
