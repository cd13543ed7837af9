//! The list as people look through it: searched, narrowed to a project or to what is chosen, a page at a time.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::prelude::*;
use uuid::Uuid;

use super::{Repository, held, repository_columns};
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::people::accounts::listing::words;
use crate::people::members::Role;
use crate::people::page::Listed;
use crate::storage::AnyConnection;
use crate::storage::schema::{pull_requests, repositories, sightings};
use crate::word_column;

word_column! {
    /// Which repositories are asked for.
    Show {
        /// All that Bitbucket lists.
        All => "all",
        /// The chosen ones.
        Chosen => "chosen",
        /// Those that are not chosen.
        NotChosen => "not-chosen",
        /// Those that Bitbucket does not list any more.
        Gone => "gone",
    }
}

/// Which part of which repositories is asked for.
#[derive(Clone, Debug)]
pub struct Search {
    show: Show,
    project: Option<String>,
    words: Vec<String>,
    after: Option<String>,
    limit: usize,
}

impl Search {
    /// Reads what was asked for; `typed` is searched for in names and projects.
    ///
    /// # Errors
    /// `cursor_invalid` (400).
    pub fn parse(show: Show, project: Option<&str>, typed: &str, cursor: Option<&str>, limit: usize) -> Result<Self> {
        let invalid = || Error::invalid("cursor_invalid", "cursor", "Use the cursor that the page before answered with.");
        let read = |cursor: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
        };
        let after = cursor.map(|cursor| read(cursor).ok_or_else(invalid)).transpose()?;
        // No key has a control character, and PostgreSQL does not even look for a text with a NUL.
        let is_plain = |key: &&str| !key.is_empty() && !key.contains(char::is_control);
        let project = project.filter(is_plain).map(str::to_owned);
        Ok(Self { show, project, words: words(typed), after, limit })
    }
}

/// A page of a Bitbucket workspace's repositories, by name. An owner sees them all. A member sees the public ones, and the private ones in
/// which they have opened a pull request's panel: Bitbucket has shown them those.
///
/// # Errors
/// When the database refuses.
pub fn list(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    bitbucket_workspace: Uuid,
    search: &Search,
) -> Result<Listed<Repository>> {
    let mut query = held!(repositories, &viewer.workspace_id, bitbucket_workspace).into_boxed();
    if viewer.role != Role::Owner {
        let shown = shown_at_bitbucket(connection, viewer)?;
        query = query.filter(repositories::is_private.eq(false).or(repositories::uuid.eq_any(shown)));
    }
    query = match search.show {
        Show::All => query.filter(repositories::gone_at.is_null()),
        Show::Chosen => query.filter(repositories::gone_at.is_null().and(repositories::is_chosen.eq(true))),
        Show::NotChosen => query.filter(repositories::gone_at.is_null().and(repositories::is_chosen.eq(false))),
        Show::Gone => query.filter(repositories::gone_at.is_not_null()),
    };
    if let Some(project) = &search.project {
        query = query.filter(repositories::project_key.eq(project.clone()));
    }
    for word in &search.words {
        query = query.filter(repositories::folded.like(containing(word)));
    }
    if let Some(after) = &search.after {
        query = query.filter(repositories::folded.gt(after.clone()));
    }
    let rows = i64::try_from(search.limit).unwrap_or(100) + 1;
    let mut entries: Vec<Repository> =
        query.order(repositories::folded).limit(rows).select(repository_columns!()).load(connection)?;
    let has_more = entries.len() > search.limit;
    entries.truncate(search.limit);
    let next = entries.last().filter(|_| has_more).map(|last| URL_SAFE_NO_PAD.encode(&last.folded));
    Ok(Listed { entries, next })
}

/// The repositories in which a member has opened the panel of a linked pull request; of so many that nobody reads on.
fn shown_at_bitbucket(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<String>> {
    let seen: Vec<Option<String>> = sightings::table
        .inner_join(pull_requests::table)
        .filter(sightings::member_id.eq(&viewer.member_id))
        .filter(pull_requests::workspace_id.eq(&viewer.workspace_id))
        .filter(pull_requests::repository_uuid.is_not_null())
        .select(pull_requests::repository_uuid)
        .distinct()
        .limit(500)
        .load(connection)?;
    Ok(seen.into_iter().flatten().collect())
}

/// A pattern for LIKE. Its own wildcards are taken as one letter of any kind, which finds at least what was meant.
fn containing(word: &str) -> String {
    format!("%{}%", word.replace(['%', '_', '\\'], "_"))
}
