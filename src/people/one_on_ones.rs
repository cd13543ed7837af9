//! 1:1s: two members who talk on a day. What they talk about is in `agenda`, what each keeps to themselves in `notes`.

pub mod agenda;
pub mod notes;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::links::{self, Kind, Target};
use super::page::{Listed, PageByDate};
use super::{Viewer, members, visibility};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{MemberId, OneOnOneId};
use crate::storage::schema::{members as member_rows, one_on_ones};
use crate::storage::statement::for_update;

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

impl OneOnOne {
    /// The one of its two people who is not the viewer: id and name.
    pub fn counterpart(&self, who: &Viewer) -> (&MemberId, &str) {
        if self.creator_id == who.member_id { (&self.other_id, &self.other_name) } else { (&self.creator_id, &self.creator_name) }
    }

    /// It as something to attach pull requests to.
    pub fn target(&self) -> Target {
        Target { kind: Kind::OneOnOne, id: self.id.to_string() }
    }
}

/// A 1:1 to be.
#[derive(Clone, Debug)]
pub struct NewOneOnOne {
    /// With whom.
    pub with: MemberId,
    /// On which day.
    pub held_on: NaiveDate,
}

/// Which 1:1s a list holds, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Those of a day and after it, the soonest first.
    From(NaiveDate),
    /// Those before a day, the latest first.
    Before(NaiveDate),
    /// All, the latest first.
    All,
}

/// Another 1:1 of the same two people.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Neighbour {
    /// Its id.
    pub id: OneOnOneId,
    /// On which day.
    pub held_on: NaiveDate,
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

/// The 1:1s of these two, whoever of them planned it.
macro_rules! between {
    ($one:expr, $two:expr) => {
        (one_on_ones::creator_id.eq($one).and(one_on_ones::other_id.eq($two)))
            .or(one_on_ones::creator_id.eq($two).and(one_on_ones::other_id.eq($one)))
    };
}

/// Plans a 1:1 of the viewer. What is still open on the agenda of the one before is carried over.
///
/// # Errors
/// `with_yourself` (400); `not_found` (404) when there is no such member in the viewer's workspace; `already_planned` (409).
pub fn plan(connection: &mut AnyConnection, who: &Viewer, new: &NewOneOnOne, now: &Now) -> Result<OneOnOneId> {
    if new.with == who.member_id {
        return Err(Error::invalid("with_yourself", "with", "A 1:1 is with somebody else. Choose another person."));
    }
    let other = members::find(connection, who, &new.with)?;
    must_be_free(connection, &who.member_id, &other.id, new.held_on, None)?;
    let id = OneOnOneId::new(now);
    diesel::insert_into(one_on_ones::table)
        .values((
            one_on_ones::id.eq(&id),
            one_on_ones::workspace_id.eq(&who.workspace_id),
            one_on_ones::creator_id.eq(&who.member_id),
            one_on_ones::other_id.eq(&other.id),
            one_on_ones::held_on.eq(new.held_on),
            one_on_ones::created_at.eq(now.at),
            one_on_ones::updated_at.eq(now.at),
        ))
        .execute(connection)?;
    let planned = find(connection, who, &id)?;
    if let Some(previous) = previous(connection, &planned)? {
        agenda::carry_open(connection, &previous.id, &id, now)?;
    }
    Ok(id)
}

/// Refuses a day on which the two meet already, also when both plan it at the same moment.
fn must_be_free(
    connection: &mut AnyConnection,
    one: &MemberId,
    two: &MemberId,
    held_on: NaiveDate,
    except: Option<&OneOnOneId>,
) -> Result<()> {
    let two_people = member_rows::table.filter(member_rows::id.eq_any([one, two])).order(member_rows::id);
    let _locked: Vec<MemberId> = for_update(two_people.select(member_rows::id)).load(connection)?;
    let taken: Option<OneOnOneId> = one_on_ones::table
        .filter(between!(one, two))
        .filter(one_on_ones::held_on.eq(held_on))
        .select(one_on_ones::id)
        .first(connection)
        .optional()?;
    match taken {
        Some(id) if Some(&id) != except => {
            let detail = "You two have a 1:1 on that day already. Choose another day.";
            let mut error = Error::conflict("already_planned", detail);
            error.field = Some("held_on");
            Err(error)
        }
        _ => Ok(()),
    }
}

/// The viewer's 1:1s.
///
/// # Errors
/// When the database refuses.
pub fn list(connection: &mut AnyConnection, who: &Viewer, span: Span, page: &PageByDate) -> Result<Listed<OneOnOne>> {
    // What the predicate says once more with values, so that planners find the rows of either part by its index.
    let mine = one_on_ones::creator_id.eq(who.member_id.clone()).or(one_on_ones::other_id.eq(who.member_id.clone()));
    let mut query = visible_to!(who).filter(mine).limit(page.rows()).into_boxed();
    query = match span {
        Span::From(day) => query.filter(one_on_ones::held_on.ge(day)).order((one_on_ones::held_on.asc(), one_on_ones::id.asc())),
        Span::Before(day) => {
            query.filter(one_on_ones::held_on.lt(day)).order((one_on_ones::held_on.desc(), one_on_ones::id.desc()))
        }
        Span::All => query.order((one_on_ones::held_on.desc(), one_on_ones::id.desc())),
    };
    if let Some((day, id)) = &page.beyond {
        let same_day = one_on_ones::held_on.eq(*day);
        query = match span {
            Span::From(_) => query.filter(one_on_ones::held_on.gt(*day).or(same_day.and(one_on_ones::id.gt(id)))),
            Span::Before(_) | Span::All => query.filter(one_on_ones::held_on.lt(*day).or(same_day.and(one_on_ones::id.lt(id)))),
        };
    }
    Ok(page.finish(query.load(connection)?, |item: &OneOnOne| (item.held_on, item.id.to_string())))
}

/// One 1:1 the viewer may see.
///
/// # Errors
/// `not_found` (404).
pub fn find(connection: &mut AnyConnection, who: &Viewer, id: &OneOnOneId) -> Result<OneOnOne> {
    let row = visible_to!(who).filter(one_on_ones::id.eq(id));
    row.first(connection).optional()?.ok_or_else(|| Error::not_found("one_on_one"))
}

/// The 1:1 of the same two people before this one.
///
/// # Errors
/// When the database refuses.
pub fn previous(connection: &mut AnyConnection, of: &OneOnOne) -> Result<Option<Neighbour>> {
    let row = one_on_ones::table
        .filter(between!(&of.creator_id, &of.other_id))
        .filter(one_on_ones::held_on.lt(of.held_on))
        .order(one_on_ones::held_on.desc());
    Ok(row.select((one_on_ones::id, one_on_ones::held_on)).first(connection).optional()?)
}

/// The 1:1 of the same two people after this one.
///
/// # Errors
/// When the database refuses.
pub fn next(connection: &mut AnyConnection, of: &OneOnOne) -> Result<Option<Neighbour>> {
    let row = one_on_ones::table
        .filter(between!(&of.creator_id, &of.other_id))
        .filter(one_on_ones::held_on.gt(of.held_on))
        .order(one_on_ones::held_on.asc());
    Ok(row.select((one_on_ones::id, one_on_ones::held_on)).first(connection).optional()?)
}

/// Moves a 1:1 to another day.
///
/// # Errors
/// `not_found` (404); `already_planned` (409).
pub fn move_to(connection: &mut AnyConnection, who: &Viewer, id: &OneOnOneId, held_on: NaiveDate, now: &Now) -> Result<OneOnOne> {
    let item = find(connection, who, id)?;
    must_be_free(connection, &item.creator_id, &item.other_id, held_on, Some(id))?;
    diesel::update(one_on_ones::table.find(id))
        .set((one_on_ones::held_on.eq(held_on), one_on_ones::updated_at.eq(now.at)))
        .execute(connection)?;
    Ok(OneOnOne { held_on, ..item })
}

/// Carries what is still open over to the next 1:1 of the two, where that was planned before; how many items.
///
/// # Errors
/// `not_found` (404); `no_next` (409).
pub fn carry(connection: &mut AnyConnection, who: &Viewer, id: &OneOnOneId, now: &Now) -> Result<usize> {
    let item = find(connection, who, id)?;
    let to = next(connection, &item)?.ok_or_else(|| {
        Error::conflict("no_next", "There is no later 1:1 to carry items to. Plan one and they are carried by themselves.")
    })?;
    agenda::carry_open(connection, id, &to.id, now)
}

/// Cancels a 1:1: agenda, notes and links go with it.
///
/// # Errors
/// `not_found` (404).
pub fn cancel(connection: &mut AnyConnection, who: &Viewer, id: &OneOnOneId) -> Result<()> {
    let item = find(connection, who, id)?;
    links::remove_all(connection, who, &item.target())?;
    diesel::delete(one_on_ones::table.find(id)).execute(connection)?;
    Ok(())
}

/// Refuses whoever may not attach pull requests to it: anybody but its two people.
///
/// # Errors
/// `not_found` (404).
pub(super) fn must_take_links_of(connection: &mut AnyConnection, who: &Viewer, id: &OneOnOneId) -> Result<()> {
    find(connection, who, id).map(|_one_on_one| ())
}
