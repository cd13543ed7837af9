//! What is to be done about the webhooks of a connection now: which are wanted, which are due, which are to go. One server at a time.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::rows::{self, Row};
use super::{CHECKED_EVERY_SECONDS, Place, Way};
use crate::config::Now;
use crate::connections::grants::{self, Connection, Reach};
use crate::connections::purposes::Purpose;
use crate::connections::{repositories, scopes};
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::ConnectionId;
use crate::storage::schema::connection_listening;
use crate::storage::statement::OnConflict as _;

/// How often it is looked whether anything is due.
pub(super) const LOOKED_EVERY_SECONDS: i64 = 3600;
/// Longer than a job may take.
const LEASE_SECONDS: i64 = 120;
/// Where an account administers single repositories only, so many are listened to; the others are asked for.
const PLACES_AT_MOST: i64 = 1_000;
/// How many places one job looks at: its calls must fit into its time.
const PLACES_AT_ONCE: usize = 15;
/// The code of a credential that Bitbucket would refuse for want of the scope `webhook`.
pub(super) const LACKS_SCOPE: &str = "bitbucket_missing_scopes";

/// What is to be done.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) bitbucket_workspace: Uuid,
    /// The places whose webhook is to be made, checked or told its secret.
    pub(super) due: Vec<Place>,
    /// The webhooks that nobody wants any more.
    pub(super) leaving: Vec<Row>,
    /// Whether there is more than fits into one job.
    pub(super) has_more: bool,
}

/// What came of asking for a plan.
#[derive(Debug)]
pub(super) enum Taken {
    /// There is nothing to do.
    Nothing,
    /// Another server is at it.
    Busy,
    /// This, by whoever has asked: [`give_back`] ends it.
    Plan(Plan),
}

/// Takes the lease and answers what is to be done.
pub(super) fn take(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<Taken> {
    let Some(found) = grants::in_use_one(connection, id)? else { return Ok(Taken::Nothing) };
    let Some(uuid) = &found.bitbucket_workspace_uuid else { return Ok(Taken::Nothing) };
    let bitbucket_workspace = Uuid::try_parse(uuid).map_err(Error::internal)?;
    note_look(connection, id, now)?;
    let is_free = connection_listening::leased_until.is_null().or(connection_listening::leased_until.le(now.at));
    let leased = diesel::update(connection_listening::table.find(id).filter(is_free))
        .set(connection_listening::leased_until.eq(Some(now.plus_seconds(LEASE_SECONDS))))
        .execute(connection)?;
    if leased == 0 {
        return Ok(Taken::Busy);
    }
    let wanted = wanted(connection, &found, bitbucket_workspace, now)?;
    let rows = rows::of(connection, id, PLACES_AT_MOST * 2)?;
    let Some(wanted) = wanted else {
        give_back(connection, id)?;
        return Ok(Taken::Nothing);
    };
    let plan = arrange(bitbucket_workspace, &wanted, rows, now);
    if plan.due.is_empty() && plan.leaving.is_empty() {
        give_back(connection, id)?;
        return Ok(Taken::Nothing);
    }
    Ok(Taken::Plan(plan))
}

/// Lets another server take the lease.
pub(super) fn give_back(connection: &mut AnyConnection, id: &ConnectionId) -> Result<()> {
    let nothing = None::<NaiveDateTime>;
    diesel::update(connection_listening::table.find(id))
        .set(connection_listening::leased_until.eq(nothing))
        .execute(connection)?;
    Ok(())
}

/// Whether a server keeps the webhooks of a connection at this moment.
pub(super) fn is_leased(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<bool> {
    let leased = connection_listening::table.find(id).filter(connection_listening::leased_until.gt(now.at));
    Ok(leased.count().get_result::<i64>(connection)? > 0)
}

/// Notes that somebody looks now, so that nobody else need for a while.
pub(super) fn note_look(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<()> {
    diesel::insert_into(connection_listening::table)
        .values((
            connection_listening::connection_id.eq(id),
            connection_listening::way.eq(Way::Unknown),
            connection_listening::due_at.eq(now.plus_seconds(LOOKED_EVERY_SECONDS)),
        ))
        .on_conflict_sql("ON CONFLICT (connection_id) DO UPDATE SET due_at = excluded.due_at")
        .execute(connection)?;
    Ok(())
}

/// Notes how a connection hears of changes, and why not otherwise.
pub(super) fn note_way(connection: &mut AnyConnection, id: &ConnectionId, way: Way, code: Option<&str>) -> Result<()> {
    diesel::update(connection_listening::table.find(id))
        .set((connection_listening::way.eq(way), connection_listening::code.eq(code)))
        .execute(connection)?;
    Ok(())
}

/// Notes that Bitbucket refuses a webhook of the whole workspace: each chosen repository is tried instead.
pub(super) fn note_workspace_refused(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<()> {
    diesel::update(connection_listening::table.find(id))
        .set(connection_listening::workspace_refused_at.eq(Some(now.at)))
        .execute(connection)?;
    note_way(connection, id, Way::Repositories, None)
}

/// The places to listen at; `None` when nothing is to be touched, because the credential may make, check and remove none.
fn wanted(
    connection: &mut AnyConnection,
    found: &Connection,
    bitbucket_workspace: Uuid,
    now: &Now,
) -> Result<Option<Vec<Place>>> {
    let row = connection_listening::table.find(&found.id).select(connection_listening::workspace_refused_at);
    let refused_at: Option<NaiveDateTime> = row.first(connection)?;
    if !scopes::may_hook(found.scopes.as_deref()) {
        note_way(connection, &found.id, Way::Polling, Some(LACKS_SCOPE))?;
        return Ok(None);
    }
    if !found.serves(Purpose::ReadingActivity) {
        note_way(connection, &found.id, Way::Polling, None)?;
        return Ok(Some(Vec::new()));
    }
    let is_refused = refused_at.is_some_and(|at| at > now.plus_seconds(-CHECKED_EVERY_SECONDS));
    if found.reach == Reach::Workspace && found.restricted_to.is_none() && !is_refused {
        return Ok(Some(vec![Place::Workspace]));
    }
    note_way(connection, &found.id, Way::Repositories, None)?;
    let chosen = repositories::chosen(connection, &found.workspace_id, bitbucket_workspace, PLACES_AT_MOST)?;
    let is_reached = |one: &&repositories::Chosen| {
        found.reaches(Some(grants::Place { repository: one.slug(), project: Some(&one.project_key) }))
    };
    let reached = chosen.iter().filter(is_reached).filter_map(|one| Uuid::try_parse(&one.uuid).ok());
    Ok(Some(reached.map(Place::Repository).collect()))
}

/// What is due of what is wanted, and what is there and not wanted.
fn arrange(bitbucket_workspace: Uuid, wanted: &[Place], rows: Vec<Row>, now: &Now) -> Plan {
    let waits: HashMap<Place, bool> = rows.iter().map(|row| (row.place, !row.is_due(now))).collect();
    let mut due: Vec<Place> = wanted.iter().copied().filter(|place| !waits.get(place).copied().unwrap_or(false)).collect();
    let wanted: HashSet<Place> = wanted.iter().copied().collect();
    let mut leaving: Vec<Row> = rows.into_iter().filter(|row| !wanted.contains(&row.place) && row.may_leave(now)).collect();
    let has_more = due.len() > PLACES_AT_ONCE || leaving.len() > PLACES_AT_ONCE;
    due.truncate(PLACES_AT_ONCE);
    leaving.truncate(PLACES_AT_ONCE);
    Plan { bitbucket_workspace, due, leaving, has_more }
}
