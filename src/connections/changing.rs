//! What owners change about a connection: its name, which purposes it serves, which repositories it may be used for, and the branch that
//! is meant when nobody names one. The settings page and REST call it.

use diesel::prelude::*;

use super::grants::{self, State};
use super::purposes::Purposes;
use super::{hooks, scopes};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::text::Name;
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::ConnectionId;
use crate::storage::schema::connections;

/// Whoever wants more repositories than this chooses them under Repositories.
const REPOSITORIES_AT_MOST: usize = 200;
const BRANCH_LONGEST: usize = 250;

/// What a connection is to be.
#[derive(Clone, Debug)]
pub struct Change {
    name: Name,
    purposes: Purposes,
    restricted_to: Option<String>,
    default_branch: Option<String>,
}

impl Change {
    /// Reads what was typed: the slugs of repositories, none for all that it reaches, and a branch, nothing for each repository's own.
    ///
    /// # Errors
    /// `name_invalid`, `repositories_invalid` or `branch_invalid` (400).
    pub fn parse(name: &str, purposes: Purposes, repositories: &[String], branch: &str) -> Result<Self> {
        let fits = |slug: &String| {
            (1..=100).contains(&slug.len()) && slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if repositories.len() > REPOSITORIES_AT_MOST || !repositories.iter().all(fits) {
            let detail = "Name at most 200 repositories, each as it stands in Bitbucket’s addresses, without the workspace.";
            return Err(Error::invalid("repositories_invalid", "repositories", detail));
        }
        let branch = branch.trim();
        if branch.len() > BRANCH_LONGEST || branch.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Error::invalid("branch_invalid", "default_branch", "A branch has a name on one line, without blanks."));
        }
        let mut slugs = repositories.to_vec();
        slugs.sort();
        slugs.dedup();
        let restricted_to = serde_json::to_string(&slugs).map_err(Error::internal)?;
        Ok(Self {
            name: Name::parse("name", name)?,
            purposes,
            restricted_to: (!slugs.is_empty()).then_some(restricted_to),
            default_branch: (!branch.is_empty()).then(|| branch.to_owned()),
        })
    }
}

/// Changes one of the viewer's workspace's connections.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `already_disconnected` (409); `scopes_insufficient` (400) for a purpose that the scopes do not
/// suffice for.
pub fn change(connection: &mut AnyConnection, viewer: &Viewer, id: &ConnectionId, change: &Change, now: &Now) -> Result<()> {
    let present = grants::find_locked(connection, viewer, id)?;
    grants::must_be_open(&present)?;
    let lacks = |purpose: &super::purposes::Purpose| !scopes::suffice(present.scopes.as_deref(), *purpose);
    if let Some(purpose) = change.purposes.iter().find(lacks) {
        let detail =
            format!("Its scopes do not suffice for {}. Connect once more for that purpose.", purpose.name().to_lowercase());
        return Err(Error::invalid("scopes_insufficient", "purposes", detail));
    }
    let changed = diesel::update(connections::table.find(id).filter(connections::state.ne(State::Disconnected)))
        .set((
            connections::name.eq(change.name.as_str()),
            connections::purposes.eq(change.purposes.words()),
            connections::restricted_to.eq(&change.restricted_to),
            connections::default_branch.eq(&change.default_branch),
        ))
        .execute(connection)?;
    grants::must_have_changed(changed)?;
    hooks::ask_anew(connection, id, now)?;
    let (actor, name) = (viewer.member_id.as_str(), change.name.as_str());
    audit::record(connection, &viewer.workspace_id, actor, "connection_changed", id.as_str(), name, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(repositories: &[&str], branch: &str) -> Result<Change> {
        let repositories: Vec<String> = repositories.iter().map(|slug| (*slug).to_owned()).collect();
        Change::parse("Ledger", Purposes::default(), &repositories, branch)
    }

    #[test]
    fn repositories_are_kept_once_and_in_order_and_none_means_all() {
        let change = parse(&["payments", "ledger", "ledger"], " release/2026 ").unwrap();
        assert_eq!(change.restricted_to.as_deref(), Some(r#"["ledger","payments"]"#));
        assert_eq!(change.default_branch.as_deref(), Some("release/2026"));
        let change = parse(&[], "").unwrap();
        assert_eq!((change.restricted_to, change.default_branch), (None, None));
    }

    #[test]
    fn a_repository_is_a_slug_and_a_branch_has_no_blanks() {
        assert_eq!(parse(&["lumenpay/ledger"], "").unwrap_err().code, "repositories_invalid");
        assert_eq!(parse(&["ledger"], "two words").unwrap_err().code, "branch_invalid");
    }
}
