//! Goals: what a member wants to reach, for themselves and their manager, or for all to see.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::{Viewer, visibility};
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{GoalId, MemberId};
use crate::storage::schema::{goals, members as member_rows};

/// The same table, joined once for each part a member plays. `viewer` is the name that the predicates of `visibility` speak of.
mod rows {
    use crate::storage::schema::members;
    diesel::alias!(members as viewer: Viewer, members as owner: Owner);
}

/// A goal the viewer may see.
#[derive(Clone, Debug, Queryable)]
pub struct Goal {
    /// Its id.
    pub id: GoalId,
    /// Whose it is.
    pub owner_id: MemberId,
    /// Their name.
    pub owner_name: String,
    /// What it is called.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// Until when.
    pub due_on: Option<NaiveDate>,
    /// How far it is, in percent.
    pub progress: i32,
    /// Whether the whole workspace sees it.
    pub is_public: bool,
    /// When it was closed, UTC.
    pub closed_at: Option<NaiveDateTime>,
    /// When it was set, UTC.
    pub created_at: NaiveDateTime,
}

macro_rules! visible_to {
    ($viewer:expr) => {
        goals::table
            .inner_join(rows::viewer.on(rows::viewer.field(member_rows::workspace_id).eq(goals::workspace_id)))
            .inner_join(rows::owner.on(rows::owner.field(member_rows::id).eq(goals::owner_id)))
            .filter(rows::viewer.field(member_rows::id).eq($viewer.member_id.clone()))
            .filter(sql::<Bool>(visibility::GOAL))
            .select((
                goals::id,
                goals::owner_id,
                rows::owner.field(member_rows::name),
                goals::title,
                goals::why,
                goals::due_on,
                goals::progress,
                goals::is_public,
                goals::closed_at,
                goals::created_at,
            ))
    };
}

/// One goal the viewer may see.
///
/// # Errors
/// `not_found` (404).
pub fn find(connection: &mut AnyConnection, who: &Viewer, id: &GoalId) -> Result<Goal> {
    let row = visible_to!(who).filter(goals::id.eq(id));
    row.first(connection).optional()?.ok_or_else(|| Error::not_found("goal"))
}

/// Refuses whoever may not attach pull requests to it: anybody but its owner, and its owner once it is closed.
///
/// # Errors
/// `not_found` (404); `goal_owner_needed` (403); `goal_closed` (409).
pub(super) fn must_take_links_of(connection: &mut AnyConnection, who: &Viewer, id: &GoalId) -> Result<()> {
    let goal = find(connection, who, id)?;
    if goal.owner_id != who.member_id {
        return Err(Error::forbidden("goal_owner_needed", "Only its owner can attach pull requests to a goal."));
    }
    if goal.closed_at.is_some() {
        return Err(Error::conflict("goal_closed", "This goal is closed. Open it again or choose another item."));
    }
    Ok(())
}
