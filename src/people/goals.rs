//! Goals: what a member wants to reach, for themselves and their manager, or for all to see.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::colleagues::Colleague;
use super::links::{self, Kind, Target};
use super::page::{Listed, Page};
use super::text::{Body, Line};
use super::{Viewer, visibility};
use crate::config::Now;
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

impl Goal {
    /// It as something to attach pull requests to.
    pub fn target(&self) -> Target {
        Target { kind: Kind::Goal, id: self.id.to_string() }
    }
}

/// How far a goal is: 0 to 100 percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress(i32);

impl Progress {
    /// Takes a number of percent.
    ///
    /// # Errors
    /// `progress_invalid` (400).
    pub fn new(percent: i64) -> Result<Self> {
        let percent = i32::try_from(percent).ok().filter(|percent| (0..=100).contains(percent));
        percent.map(Self).ok_or_else(|| Error::invalid("progress_invalid", "progress", "Progress is a number from 0 to 100."))
    }

    /// Reads what was typed; nothing is no progress.
    ///
    /// # Errors
    /// `progress_invalid` (400).
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim().trim_end_matches('%').trim_end();
        if text.is_empty() { Ok(Self(0)) } else { Self::new(text.parse().unwrap_or(-1)) }
    }
}

/// A goal to be.
#[derive(Clone, Debug)]
pub struct NewGoal {
    /// What it is called.
    pub title: Line,
    /// Why it matters.
    pub why: Body,
    /// Until when.
    pub due_on: Option<NaiveDate>,
    /// How far it is already.
    pub progress: Progress,
    /// Whether the whole workspace sees it.
    pub is_public: bool,
}

/// What to change of a goal; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// What it is called.
    pub title: Option<Line>,
    /// Why it matters.
    pub why: Option<Body>,
    /// Until when, possibly no longer any day.
    pub due_on: Option<Option<NaiveDate>>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Whether the whole workspace sees it.
    pub is_public: Option<bool>,
    /// Whether it is closed.
    pub is_closed: Option<bool>,
}

/// Whose goals a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The viewer's own.
    Yours,
    /// Those of the people the viewer leads.
    Led,
    /// Public ones of everybody else.
    Public,
}

/// The columns that a change writes; what is absent stays as it is.
#[derive(AsChangeset)]
#[diesel(table_name = goals)]
struct Changed<'a> {
    title: Option<&'a str>,
    why: Option<&'a str>,
    due_on: Option<Option<NaiveDate>>,
    progress: Option<i32>,
    is_public: Option<bool>,
    closed_at: Option<Option<NaiveDateTime>>,
    updated_at: NaiveDateTime,
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

/// Sets a goal of the viewer's own.
///
/// # Errors
/// When the database refuses.
pub fn create(connection: &mut AnyConnection, who: &Viewer, new: &NewGoal, now: &Now) -> Result<GoalId> {
    let id = GoalId::new(now);
    diesel::insert_into(goals::table)
        .values((
            goals::id.eq(&id),
            goals::workspace_id.eq(&who.workspace_id),
            goals::owner_id.eq(&who.member_id),
            goals::title.eq(new.title.as_str()),
            goals::why.eq(new.why.as_str()),
            goals::due_on.eq(new.due_on),
            goals::progress.eq(new.progress.0),
            goals::is_public.eq(new.is_public),
            goals::created_at.eq(now.at),
            goals::updated_at.eq(now.at),
        ))
        .execute(connection)?;
    Ok(id)
}

/// Every goal the viewer may see, the newest first.
///
/// # Errors
/// When the database refuses.
pub fn list(connection: &mut AnyConnection, who: &Viewer, page: &Page) -> Result<Listed<Goal>> {
    let rows = visible_to!(who).filter(goals::id.lt(page.bound())).order(goals::id.desc()).limit(page.rows());
    Ok(page.finish(rows.load(connection)?, |goal: &Goal| goal.id.to_string()))
}

/// The open or the closed goals of one section, the newest first.
///
/// # Errors
/// When the database refuses.
pub fn list_section(
    connection: &mut AnyConnection,
    who: &Viewer,
    section: Section,
    are_closed: bool,
    page: &Page,
) -> Result<Listed<Goal>> {
    let leader = rows::owner.field(member_rows::manager_id);
    let mut query = visible_to!(who).filter(goals::id.lt(page.bound())).order(goals::id.desc()).limit(page.rows()).into_boxed();
    query = if are_closed { query.filter(goals::closed_at.is_not_null()) } else { query.filter(goals::closed_at.is_null()) };
    query = match section {
        Section::Yours => query.filter(goals::owner_id.eq(&who.member_id)),
        Section::Led => query.filter(leader.eq(Some(&who.member_id))).filter(goals::owner_id.ne(&who.member_id)),
        Section::Public => query
            .filter(goals::workspace_id.eq(&who.workspace_id))
            .filter(goals::is_public)
            .filter(goals::owner_id.ne(&who.member_id))
            .filter(leader.is_null().or(leader.ne(Some(&who.member_id)))),
    };
    Ok(page.finish(query.load(connection)?, |goal: &Goal| goal.id.to_string()))
}

/// One goal the viewer may see.
///
/// # Errors
/// `not_found` (404).
pub fn find(connection: &mut AnyConnection, who: &Viewer, id: &GoalId) -> Result<Goal> {
    let row = visible_to!(who).filter(goals::id.eq(id));
    row.first(connection).optional()?.ok_or_else(|| Error::not_found("goal"))
}

/// Changes the viewer's own goal. A closed one is only opened again.
///
/// # Errors
/// `not_found` (404); `goal_owner_needed` (403); `goal_closed` (409).
pub fn change(connection: &mut AnyConnection, who: &Viewer, id: &GoalId, change: &Change, now: &Now) -> Result<Goal> {
    let goal = find_own(connection, who, id)?;
    let stays_closed = goal.closed_at.is_some() && change.is_closed != Some(false);
    let changes_more = change.title.is_some()
        || change.why.is_some()
        || change.due_on.is_some()
        || change.progress.is_some()
        || change.is_public.is_some();
    if stays_closed && changes_more {
        return Err(Error::conflict("goal_closed", "This goal is closed. Open it again to change it."));
    }
    let closed_at = change.is_closed.map(|is_closed| is_closed.then_some(goal.closed_at.unwrap_or(now.at)));
    let changed = Changed {
        title: change.title.as_ref().map(Line::as_str),
        why: change.why.as_ref().map(Body::as_str),
        due_on: change.due_on,
        progress: change.progress.map(|progress| progress.0),
        is_public: change.is_public,
        closed_at,
        updated_at: now.at,
    };
    diesel::update(goals::table.find(id)).set(changed).execute(connection)?;
    find(connection, who, id)
}

/// Deletes the viewer's own goal; its links go with it.
///
/// # Errors
/// `not_found` (404); `goal_owner_needed` (403).
pub fn remove(connection: &mut AnyConnection, who: &Viewer, id: &GoalId) -> Result<()> {
    let goal = find_own(connection, who, id)?;
    links::remove_all(connection, who, &goal.target())?;
    diesel::delete(goals::table.find(id)).execute(connection)?;
    Ok(())
}

/// One goal of the viewer's own.
///
/// # Errors
/// `not_found` (404); `goal_owner_needed` (403).
pub fn find_own(connection: &mut AnyConnection, who: &Viewer, id: &GoalId) -> Result<Goal> {
    let goal = find(connection, who, id)?;
    if goal.owner_id == who.member_id {
        Ok(goal)
    } else {
        Err(Error::forbidden("goal_owner_needed", "Only its owner can change a goal or attach pull requests to it."))
    }
}

/// Who leads the owner of a goal, and so sees it.
///
/// # Errors
/// When the database refuses.
pub fn manager(connection: &mut AnyConnection, goal: &Goal) -> Result<Option<Colleague>> {
    let leader = rows::viewer;
    let row = rows::owner
        .inner_join(leader.on(leader.field(member_rows::id).nullable().eq(rows::owner.field(member_rows::manager_id))))
        .filter(rows::owner.field(member_rows::id).eq(&goal.owner_id))
        .filter(leader.field(member_rows::removed_at).is_null())
        .select((leader.field(member_rows::id), leader.field(member_rows::name)));
    Ok(row.first(connection).optional()?)
}

/// Refuses whoever may not attach pull requests to it: anybody but its owner, and its owner once it is closed.
///
/// # Errors
/// `not_found` (404); `goal_owner_needed` (403); `goal_closed` (409).
pub(super) fn must_take_links_of(connection: &mut AnyConnection, who: &Viewer, id: &GoalId) -> Result<()> {
    let goal = find_own(connection, who, id)?;
    if goal.closed_at.is_some() {
        return Err(Error::conflict("goal_closed", "This goal is closed. Open it again or choose another item."));
    }
    Ok(())
}
