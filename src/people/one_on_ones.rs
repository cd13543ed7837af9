//! 1:1s: two members who talk on a day.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::{Viewer, visibility};
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{MemberId, OneOnOneId};
use crate::storage::schema::{members as member_rows, one_on_ones};

/// The same table, joined once for each part a member plays. `viewer` is the name that the predicates of `visibility` speak of.
mod rows {
    use crate::storage::schema::members;
    diesel::alias!(members as viewer: Viewer, members as creator: Creator, members as other: Other);
}

/// A 1:1 the viewer may see.
#[derive(Clone, Debug, Queryable)]
pub struct OneOnOne {
    /// Its id.
    pub id: OneOnOneId,
    /// Who planned it.
    pub creator_id: MemberId,
    /// Their name.
    pub creator_name: String,
    /// With whom.
    pub other_id: MemberId,
    /// Their name.
    pub other_name: String,
    /// On which day.
    pub held_on: NaiveDate,
    /// When it was planned, UTC.
    pub created_at: NaiveDateTime,
}

macro_rules! visible_to {
    ($viewer:expr) => {
        one_on_ones::table
            .inner_join(rows::viewer.on(rows::viewer.field(member_rows::workspace_id).eq(one_on_ones::workspace_id)))
            .inner_join(rows::creator.on(rows::creator.field(member_rows::id).eq(one_on_ones::creator_id)))
            .inner_join(rows::other.on(rows::other.field(member_rows::id).eq(one_on_ones::other_id)))
            .filter(rows::viewer.field(member_rows::id).eq($viewer.member_id.clone()))
            .filter(sql::<Bool>(visibility::ONE_ON_ONE))
            .select((
                one_on_ones::id,
                one_on_ones::creator_id,
                rows::creator.field(member_rows::name),
                one_on_ones::other_id,
                rows::other.field(member_rows::name),
                one_on_ones::held_on,
                one_on_ones::created_at,
            ))
    };
}

/// One 1:1 the viewer may see.
///
/// # Errors
/// `not_found` (404).
pub fn find(connection: &mut AnyConnection, who: &Viewer, id: &OneOnOneId) -> Result<OneOnOne> {
    let row = visible_to!(who).filter(one_on_ones::id.eq(id));
    row.first(connection).optional()?.ok_or_else(|| Error::not_found("one_on_one"))
}

/// Refuses whoever may not attach pull requests to it: anybody but its two people.
///
/// # Errors
/// `not_found` (404).
pub(super) fn must_take_links_of(connection: &mut AnyConnection, who: &Viewer, id: &OneOnOneId) -> Result<()> {
    find(connection, who, id).map(|_one_on_one| ())
}
