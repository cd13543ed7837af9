//! What two people want to talk about: items that either adds and ticks, and that are carried over while they are open.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{Date, Nullable, Text};

use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::people::text::Line;
use crate::storage::AnyConnection;
use crate::storage::ids::{AgendaItemId, MemberId, OneOnOneId};
use crate::storage::schema::{agenda_items, members};

/// How many items an agenda takes.
pub const ITEMS_AT_MOST: i64 = 100;

mod rows {
    use crate::storage::schema::agenda_items;
    diesel::alias!(agenda_items as copies: Copies);
}

/// An item on the agenda of a 1:1.
#[derive(Clone, Debug, Queryable)]
pub struct AgendaItem {
    /// Its id.
    pub id: AgendaItemId,
    /// What it says.
    pub body: String,
    /// Who added it.
    pub added_by: MemberId,
    /// Their name.
    pub added_by_name: String,
    /// When it was ticked, UTC.
    pub done_at: Option<NaiveDateTime>,
    /// The day of the 1:1 it was carried over from.
    pub carried_from: Option<NaiveDate>,
    /// The 1:1 that it was carried over to.
    pub carried_to: Option<OneOnOneId>,
    /// The day of that one.
    pub carried_to_day: Option<NaiveDate>,
    /// When it was added first, UTC.
    pub created_at: NaiveDateTime,
}

impl AgendaItem {
    /// Whether it still waits to be talked about here, and not on a later agenda.
    pub fn is_open(&self) -> bool {
        self.done_at.is_none() && self.carried_to.is_none()
    }
}

const CARRIED_FROM: &str = "(SELECT one_on_ones.held_on FROM agenda_items AS source INNER JOIN one_on_ones \
     ON one_on_ones.id = source.one_on_one_id WHERE source.id = agenda_items.carried_from)";
const CARRIED_TO: &str =
    "(SELECT copy.one_on_one_id FROM agenda_items AS copy WHERE copy.carried_from = agenda_items.id ORDER BY copy.id LIMIT 1)";
const CARRIED_TO_DAY: &str = "(SELECT one_on_ones.held_on FROM agenda_items AS copy INNER JOIN one_on_ones \
     ON one_on_ones.id = copy.one_on_one_id WHERE copy.carried_from = agenda_items.id ORDER BY copy.id LIMIT 1)";

/// The agenda of a 1:1 the viewer may see, in the order in which items were first added.
///
/// # Errors
/// `not_found` (404).
pub fn list(connection: &mut AnyConnection, who: &Viewer, one_on_one: &OneOnOneId) -> Result<Vec<AgendaItem>> {
    super::find(connection, who, one_on_one)?;
    let items = agenda_items::table
        .inner_join(members::table.on(members::id.eq(agenda_items::added_by)))
        .filter(agenda_items::one_on_one_id.eq(one_on_one))
        .order((agenda_items::created_at, agenda_items::id))
        .limit(ITEMS_AT_MOST)
        .select((
            agenda_items::id,
            agenda_items::body,
            agenda_items::added_by,
            members::name,
            agenda_items::done_at,
            sql::<Nullable<Date>>(CARRIED_FROM),
            sql::<Nullable<Text>>(CARRIED_TO),
            sql::<Nullable<Date>>(CARRIED_TO_DAY),
            agenda_items::created_at,
        ));
    Ok(items.load(connection)?)
}

/// One item of a 1:1 the viewer may see.
///
/// # Errors
/// `not_found` (404).
pub fn find(connection: &mut AnyConnection, who: &Viewer, one_on_one: &OneOnOneId, id: &AgendaItemId) -> Result<AgendaItem> {
    let mut items = list(connection, who, one_on_one)?.into_iter();
    items.find(|item| item.id == *id).ok_or_else(|| Error::not_found("agenda item"))
}

/// Adds an item.
///
/// # Errors
/// `not_found` (404); `agenda_full` (409).
pub fn add(
    connection: &mut AnyConnection,
    who: &Viewer,
    one_on_one: &OneOnOneId,
    body: &Line,
    now: &Now,
) -> Result<AgendaItemId> {
    super::find(connection, who, one_on_one)?;
    let here = agenda_items::table.filter(agenda_items::one_on_one_id.eq(one_on_one));
    if here.count().get_result::<i64>(connection)? >= ITEMS_AT_MOST {
        let detail = "An agenda takes 100 items. Remove one, or plan another 1:1.";
        let mut error = Error::conflict("agenda_full", detail);
        error.field = Some("body");
        return Err(error);
    }
    let id = AgendaItemId::new(now);
    diesel::insert_into(agenda_items::table)
        .values((
            agenda_items::id.eq(&id),
            agenda_items::one_on_one_id.eq(one_on_one),
            agenda_items::body.eq(body.as_str()),
            agenda_items::added_by.eq(&who.member_id),
            agenda_items::created_at.eq(now.at),
        ))
        .execute(connection)?;
    Ok(id)
}

/// Ticks an item, or takes the tick away, on every agenda that it was carried from or to: it is one item, and done once.
///
/// # Errors
/// `not_found` (404).
pub fn tick(
    connection: &mut AnyConnection,
    who: &Viewer,
    one_on_one: &OneOnOneId,
    id: &AgendaItemId,
    is_done: bool,
    now: &Now,
) -> Result<()> {
    find(connection, who, one_on_one, id)?;
    let mut ids = vec![first_of(connection, id)?];
    while !ids.is_empty() {
        diesel::update(agenda_items::table.filter(agenda_items::id.eq_any(&ids)))
            .set(agenda_items::done_at.eq(is_done.then_some(now.at)))
            .execute(connection)?;
        let copies = agenda_items::table.filter(agenda_items::carried_from.eq_any(&ids));
        ids = copies.select(agenda_items::id).load(connection)?;
    }
    Ok(())
}

/// The item as it was first added, which its copies on later agendas lead back to.
fn first_of(connection: &mut AnyConnection, id: &AgendaItemId) -> Result<AgendaItemId> {
    let mut first = id.clone();
    loop {
        let source = agenda_items::table.find(&first).select(agenda_items::carried_from);
        match source.first::<Option<AgendaItemId>>(connection)? {
            Some(earlier) => first = earlier,
            None => return Ok(first),
        }
    }
}

/// Changes the text of the viewer's own item.
///
/// # Errors
/// `not_found` (404); `adder_needed` (403).
pub fn write(
    connection: &mut AnyConnection,
    who: &Viewer,
    one_on_one: &OneOnOneId,
    id: &AgendaItemId,
    body: &Line,
) -> Result<()> {
    find_own(connection, who, one_on_one, id)?;
    diesel::update(agenda_items::table.find(id)).set(agenda_items::body.eq(body.as_str())).execute(connection)?;
    Ok(())
}

/// Takes the viewer's own item off the agenda.
///
/// # Errors
/// `not_found` (404); `adder_needed` (403).
pub fn remove(connection: &mut AnyConnection, who: &Viewer, one_on_one: &OneOnOneId, id: &AgendaItemId) -> Result<()> {
    find_own(connection, who, one_on_one, id)?;
    diesel::delete(agenda_items::table.find(id)).execute(connection)?;
    Ok(())
}

/// An item that the viewer added and so may change.
///
/// # Errors
/// `not_found` (404); `adder_needed` (403).
pub fn find_own(connection: &mut AnyConnection, who: &Viewer, one_on_one: &OneOnOneId, id: &AgendaItemId) -> Result<AgendaItem> {
    let item = find(connection, who, one_on_one, id)?;
    if item.added_by == who.member_id {
        Ok(item)
    } else {
        Err(Error::forbidden("adder_needed", "Only who added an agenda item can change or remove it. Either of you can tick it."))
    }
}

/// Copies what is open on one agenda, and not carried over already, to another; how many items.
pub(super) fn carry_open(connection: &mut AnyConnection, from: &OneOnOneId, to: &OneOnOneId, now: &Now) -> Result<usize> {
    let copy_of_it = rows::copies.filter(rows::copies.field(agenda_items::carried_from).eq(agenda_items::id.nullable()));
    let open: Vec<(AgendaItemId, String, MemberId, NaiveDateTime)> = agenda_items::table
        .filter(agenda_items::one_on_one_id.eq(from))
        .filter(agenda_items::done_at.is_null())
        .filter(not(exists(copy_of_it)))
        .order((agenda_items::created_at, agenda_items::id))
        .select((agenda_items::id, agenda_items::body, agenda_items::added_by, agenda_items::created_at))
        .load(connection)?;
    for (id, body, added_by, created_at) in &open {
        // The moment of the first adding stays, which keeps the order.
        diesel::insert_into(agenda_items::table)
            .values((
                agenda_items::id.eq(AgendaItemId::new(now)),
                agenda_items::one_on_one_id.eq(to),
                agenda_items::body.eq(body),
                agenda_items::added_by.eq(added_by),
                agenda_items::carried_from.eq(Some(id)),
                agenda_items::created_at.eq(created_at),
            ))
            .execute(connection)?;
    }
    Ok(open.len())
}
