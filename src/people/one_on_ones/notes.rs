//! What each of the two keeps to themselves about a 1:1. Nobody else reads it, not even the other.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::config::Now;
use crate::error::Result;
use crate::people::Viewer;
use crate::people::text::Body;
use crate::storage::AnyConnection;
use crate::storage::ids::OneOnOneId;
use crate::storage::schema::one_on_one_notes as notes;
use crate::storage::statement::OnConflict as _;

/// The viewer's own notes.
#[derive(Clone, Debug, Default, Queryable)]
pub struct OwnNotes {
    /// What they say.
    pub body: String,
    /// When they were written last, UTC.
    pub updated_at: Option<NaiveDateTime>,
}

/// The viewer's own notes on a 1:1; empty until they write some.
///
/// # Errors
/// `not_found` (404).
pub fn read(connection: &mut AnyConnection, who: &Viewer, one_on_one: &OneOnOneId) -> Result<OwnNotes> {
    super::find(connection, who, one_on_one)?;
    let row = notes::table.find((one_on_one, &who.member_id)).select((notes::body, notes::updated_at.nullable()));
    Ok(row.first(connection).optional()?.unwrap_or_default())
}

/// Writes the viewer's own notes on a 1:1.
///
/// # Errors
/// `not_found` (404).
pub fn write(connection: &mut AnyConnection, who: &Viewer, one_on_one: &OneOnOneId, body: &Body, now: &Now) -> Result<()> {
    super::find(connection, who, one_on_one)?;
    diesel::insert_into(notes::table)
        .values((
            notes::one_on_one_id.eq(one_on_one),
            notes::member_id.eq(&who.member_id),
            notes::body.eq(body.as_str()),
            notes::updated_at.eq(now.at),
        ))
        .on_conflict_sql(
            "ON CONFLICT (one_on_one_id, member_id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
        )
        .execute(connection)?;
    Ok(())
}
