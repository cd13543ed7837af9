//! Which changes at Bitbucket owners have allowed: by group, and one by one. The settings page and REST set it; every write asks it.

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::bitbucket::operations::{Effect, Group, Operation, operations};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::WorkspaceId;
use crate::storage::schema::allowed_operations;

/// What is allowed, or shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Groups all of whose writing operations are allowed; what deletes or cannot be taken back is not among them.
    pub groups: BTreeSet<Group>,
    /// Operations that are allowed one by one, by their keys.
    pub operations: BTreeSet<String>,
}

impl Allowed {
    /// Reads words of groups and keys of operations.
    ///
    /// # Errors
    /// `group_invalid` or `operation_unknown` (400).
    pub fn parse<'a>(groups: impl Iterator<Item = &'a str>, keys: impl Iterator<Item = &'a str>) -> Result<Self> {
        let group = |word| Group::parse(word).filter(|group| can_be_allowed_whole(*group));
        let no_group = || {
            let detail = "There is no such group of writing operations. Take one of those that the table of operations names.";
            Error::invalid("group_invalid", "groups", detail)
        };
        let key = |key: &str| Operation::by_key(key).filter(|operation| can_be_allowed(operation)).map(Operation::key);
        let no_operation = || {
            let detail = "There is no such writing operation. Write its method and path as the table of operations has them.";
            Error::invalid("operation_unknown", "operations", detail)
        };
        Ok(Self {
            groups: groups.map(|word| group(word).ok_or_else(no_group)).collect::<Result<_>>()?,
            operations: keys.map(|typed| key(typed).ok_or_else(no_operation)).collect::<Result<_>>()?,
        })
    }

    /// Whether an operation may be called: reading always, and writing as far as it is allowed.
    pub fn covers(&self, operation: &Operation) -> bool {
        match operation.effect {
            Effect::Read => true,
            Effect::Write => self.groups.contains(&operation.group) || self.operations.contains(&operation.key()),
            Effect::Destructive => self.operations.contains(&operation.key()),
        }
    }

    fn words(&self) -> BTreeSet<String> {
        self.groups.iter().map(|group| group.as_str().to_owned()).chain(self.operations.iter().cloned()).collect()
    }
}

/// Whether owners can allow an operation at all: one that writes, and not about an app's own installation.
pub fn can_be_allowed(operation: &Operation) -> bool {
    !operation.is_read() && operation.group != Group::App
}

/// Whether a group has operations that are allowed with it.
pub fn can_be_allowed_whole(group: Group) -> bool {
    let mut of_group = operations().iter().filter(|operation| operation.group == group);
    group != Group::App && of_group.any(|operation| operation.effect == Effect::Write)
}

/// What owners of the workspace have allowed.
///
/// # Errors
/// When the database refuses.
pub fn read(connection: &mut AnyConnection, workspace_id: &WorkspaceId) -> Result<Allowed> {
    let rows = allowed_operations::table.filter(allowed_operations::workspace_id.eq(workspace_id));
    let words: Vec<String> = rows.select(allowed_operations::what).load(connection)?;
    // An operation that a newer table no longer has allows nothing.
    let (keys, groups): (Vec<&str>, Vec<&str>) = words.iter().map(String::as_str).partition(|word| word.contains(' '));
    Ok(Allowed {
        groups: groups.into_iter().filter_map(Group::parse).collect(),
        operations: keys.into_iter().filter_map(Operation::by_key).map(Operation::key).collect(),
    })
}

/// Has exactly this allowed from now on; each change is recorded.
///
/// # Errors
/// `owner_needed` (403).
pub fn set(connection: &mut AnyConnection, viewer: &Viewer, wanted: &Allowed, now: &Now) -> Result<()> {
    viewer.must_own()?;
    let (before, after) = (read(connection, &viewer.workspace_id)?.words(), wanted.words());
    for what in after.difference(&before) {
        let row = (
            allowed_operations::workspace_id.eq(&viewer.workspace_id),
            allowed_operations::what.eq(what),
            allowed_operations::allowed_by.eq(&viewer.member_id),
            allowed_operations::allowed_at.eq(now.at),
        );
        diesel::insert_into(allowed_operations::table).values(row).execute(connection)?;
        record(connection, viewer, "writes_allowed", what, now)?;
    }
    for what in before.difference(&after) {
        diesel::delete(allowed_operations::table.find((&viewer.workspace_id, what))).execute(connection)?;
        record(connection, viewer, "writes_forbidden", what, now)?;
    }
    Ok(())
}

fn record(connection: &mut AnyConnection, viewer: &Viewer, action: &'static str, what: &str, now: &Now) -> Result<()> {
    let detail = Group::parse(what).map_or_else(|| what.to_owned(), |group| format!("everything in “{}”", group.name()));
    audit::record(connection, &viewer.workspace_id, viewer.member_id.as_str(), action, "", &detail, now)
}

/// Refuses a write that no owner has allowed.
///
/// # Errors
/// `write_not_allowed` (403).
pub fn must_be_allowed(connection: &mut AnyConnection, viewer: &Viewer, operation: &Operation) -> Result<()> {
    if operation.is_read() || read(connection, &viewer.workspace_id)?.covers(operation) {
        return Ok(());
    }
    let what = match operation.effect {
        Effect::Destructive => format!("{} by itself", operation.key()),
        Effect::Read | Effect::Write => format!("“{}” or {} by itself", operation.group.name(), operation.key()),
    };
    let detail = format!(
        "No owner has allowed this change. Ask an owner to allow {what} under Settings > Integrations > Bitbucket > Changes by API."
    );
    Err(Error::forbidden("write_not_allowed", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(key: &str) -> &'static Operation {
        Operation::by_key(key).unwrap()
    }

    #[test]
    fn a_group_allows_what_writes_in_it_and_nothing_that_deletes() {
        let allowed = Allowed::parse(["pull_requests"].into_iter(), std::iter::empty()).unwrap();
        let covers = |key| allowed.covers(operation(key));
        assert!(covers("POST /repositories/{workspace}/{repo_slug}/pullrequests"));
        assert!(covers("GET /repositories/{workspace}/{repo_slug}"));
        assert!(!covers("POST /repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}/merge"));
        assert!(!covers("PUT /repositories/{workspace}/{repo_slug}"));
        assert!(!covers("DELETE /repositories/{workspace}/{repo_slug}"));
    }

    #[test]
    fn an_operation_is_allowed_by_itself() {
        let key = "DELETE /repositories/{workspace}/{repo_slug}";
        let allowed = Allowed::parse(std::iter::empty(), [key].into_iter()).unwrap();
        assert!(allowed.covers(operation(key)));
        assert!(!allowed.covers(operation("PUT /repositories/{workspace}/{repo_slug}")));
    }

    #[test]
    fn only_what_writes_can_be_allowed() {
        for (groups, keys, code) in [
            (vec!["search"], vec![], "group_invalid"),
            (vec!["app"], vec![], "group_invalid"),
            (vec!["nothing"], vec![], "group_invalid"),
            (vec![], vec!["GET /user"], "operation_unknown"),
            (vec![], vec!["DELETE /addon"], "operation_unknown"),
            (vec![], vec!["DELETE"], "operation_unknown"),
        ] {
            assert_eq!(Allowed::parse(groups.into_iter(), keys.into_iter()).unwrap_err().code, code);
        }
    }
}
