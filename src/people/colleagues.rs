//! Whom a member can choose in a form: everybody else in the workspace while they fit a list, and whoever is typed where they do not.

use diesel::prelude::*;

use super::{Viewer, members};
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::members as rows;

/// How many colleagues a form lists.
pub const LISTED_AT_MOST: usize = 100;

/// A colleague to choose.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Colleague {
    /// The member.
    pub id: MemberId,
    /// Their name.
    pub name: String,
}

/// Everybody else in the viewer's workspace by name; `None` where they are more than a form lists.
///
/// # Errors
/// When the database refuses.
pub fn listed(connection: &mut AnyConnection, who: &Viewer) -> Result<Option<Vec<Colleague>>> {
    let colleagues: Vec<Colleague> = rows::table
        .filter(rows::workspace_id.eq(&who.workspace_id))
        .filter(rows::removed_at.is_null())
        .filter(rows::id.ne(&who.member_id))
        .order((rows::name, rows::id))
        .limit(101)
        .select((rows::id, rows::name))
        .load(connection)?;
    Ok((colleagues.len() <= LISTED_AT_MOST).then_some(colleagues))
}

/// The member that a form sent: the id of one that was listed, or the e-mail address or exact name that was typed. `field` is what
/// the error names.
///
/// # Errors
/// `person_unknown` (400).
pub fn chosen(connection: &mut AnyConnection, who: &Viewer, sent: &str, field: &'static str) -> Result<MemberId> {
    if sent.trim().is_empty() {
        return Err(Error::invalid("person_unknown", field, "Choose a person."));
    }
    let found = match MemberId::parse(sent.trim()) {
        Some(id) => members::find(connection, who, &id).map(|member| member.id),
        None => members::by_what_was_typed(connection, who, sent),
    };
    found.map_err(|error| match error.code {
        "not_found" | "person_unknown" => {
            Error::invalid("person_unknown", field, "Nobody in your workspace is found by this. Check it and try again.")
        }
        _ => error,
    })
}
