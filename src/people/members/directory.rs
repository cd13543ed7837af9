//! The members by name, as everybody in the workspace sees them.

use diesel::prelude::*;

use super::Role;
use crate::error::Result;
use crate::people::Viewer;
use crate::people::folding::fold;
use crate::people::page::Listed;
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::members;

/// The same table once more, for who leads.
mod rows {
    use crate::storage::schema::members;
    diesel::alias!(members as manager: Manager);
}

/// How many members one page lists.
const PER_PAGE: usize = 50;

/// Which part of the directory is asked for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Part of a name; empty for everybody. Capitals and accents do not matter.
    pub name: String,
    /// The last member of the page before.
    pub after: Option<MemberId>,
}

/// A member in the directory.
#[derive(Clone, Debug, Queryable)]
pub struct Entry {
    /// The member.
    pub id: MemberId,
    /// What they are called.
    pub name: String,
    /// Their e-mail address; none for whoever does not own the workspace.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Who leads them, by name.
    pub manager_name: Option<String>,
}

/// The members whose names hold what is searched for, by name.
///
/// # Errors
/// When the database refuses.
pub fn directory(connection: &mut AnyConnection, viewer: &Viewer, search: &Search) -> Result<Listed<Entry>> {
    let manager = rows::manager;
    let mut query = members::table
        .left_join(manager.on(manager.field(members::id).nullable().eq(members::manager_id)))
        .filter(members::workspace_id.eq(&viewer.workspace_id))
        .filter(members::removed_at.is_null())
        .order((members::name_folded, members::id))
        .limit(i64::try_from(PER_PAGE).unwrap_or(50) + 1)
        .select((members::id, members::name, members::email.nullable(), members::role, manager.field(members::name).nullable()))
        .into_boxed();
    // Nobody's name has a control character, and PostgreSQL does not even look for a text with a NUL.
    let wanted = fold(&search.name.replace(char::is_control, " "));
    if !wanted.is_empty() {
        query = query.filter(members::name_folded.like(format!("%{}%", without_wildcards(&wanted))).escape('!'));
    }
    if let Some((name, id)) = last_of_page_before(connection, viewer, search)? {
        query = query.filter(members::name_folded.gt(name.clone()).or(members::name_folded.eq(name).and(members::id.gt(id))));
    }
    let mut entries: Vec<Entry> = query.load(connection)?;
    let has_more = entries.len() > PER_PAGE;
    entries.truncate(PER_PAGE);
    if viewer.role != Role::Owner {
        entries.iter_mut().for_each(|entry| entry.email = None);
    }
    let next = entries.last().filter(|_| has_more).map(|entry| entry.id.to_string());
    Ok(Listed { entries, next })
}

/// Where the page begins. A member who was removed meanwhile still has a place.
fn last_of_page_before(connection: &mut AnyConnection, viewer: &Viewer, search: &Search) -> Result<Option<(String, MemberId)>> {
    let Some(id) = &search.after else { return Ok(None) };
    let row = members::table.find(id).filter(members::workspace_id.eq(&viewer.workspace_id));
    Ok(row.select((members::name_folded, members::id)).first(connection).optional()?)
}

/// A name in which LIKE takes every letter for itself, with `!` before those it would not.
fn without_wildcards(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for letter in name.chars() {
        if matches!(letter, '%' | '_' | '!') {
            plain.push('!');
        }
        plain.push(letter);
    }
    plain
}
