//! Removing a member: their ways in end at once, what they shared stays readable under their name.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::changing::{hold_still, must_not_be_last_owner};
use super::{Member, Role, find};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::handover::{self, OpenItems};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::{api_tokens, binding_codes, identities, members, sessions, sign_in_links};
use crate::storage::statement::for_update;

/// Whom the open items of a removed member go to.
#[derive(Clone, Debug)]
pub struct Successor {
    /// Who.
    pub id: MemberId,
    /// The day it is for whoever removes: 1:1s before it are no open items.
    pub today: NaiveDate,
}

/// What a removal did.
#[derive(Clone, Debug)]
pub struct Removed {
    /// Who is no member any more.
    pub member: Member,
    /// What went to a colleague; none when nobody was chosen.
    pub handed_over: Option<OpenItems>,
}

/// Removes a member, and hands their open items over to `successor` when there is one. Their Bitbucket account is free for whoever
/// it belongs to next.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `successor_unknown` (400); `last_owner` (409).
pub fn remove(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    id: &MemberId,
    successor: Option<&Successor>,
    now: &Now,
) -> Result<Removed> {
    hold_still(connection, viewer)?;
    let member = find(connection, viewer, id)?;
    if member.role == Role::Owner {
        must_not_be_last_owner(connection, &member)?;
    }
    end_ways_in(connection, id)?;
    hold_people(connection, id, successor)?;
    let handed_over = match successor {
        Some(successor) => Some(hand_over(connection, viewer, &member, successor, now)?),
        None => None,
    };
    diesel::update(members::table.filter(members::manager_id.eq(id)))
        .set(members::manager_id.eq(None::<MemberId>))
        .execute(connection)?;
    diesel::update(members::table.find(id)).set(members::removed_at.eq(Some(now.at))).execute(connection)?;
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "member_removed", id.as_str(), &member.email, now)?;
    Ok(Removed { member, handed_over })
}

/// Locks whoever is changed or handed something, in the order in which whoever plans or moves a 1:1 locks its two people, and before
/// their items as they do: else each could wait for the other.
fn hold_people(connection: &mut AnyConnection, id: &MemberId, successor: Option<&Successor>) -> Result<()> {
    let mut people = vec![id];
    people.extend(successor.map(|successor| &successor.id));
    let held = members::table.filter(members::id.eq_any(people).or(members::manager_id.eq(id))).order(members::id);
    let _locked: Vec<MemberId> = for_update(held.select(members::id)).load(connection)?;
    Ok(())
}

fn hand_over(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    member: &Member,
    successor: &Successor,
    now: &Now,
) -> Result<OpenItems> {
    let unknown = || Error::invalid("successor_unknown", "hand_over_to", "Choose a colleague who stays.");
    if successor.id == member.id {
        return Err(unknown());
    }
    let today = successor.today;
    let to =
        find(connection, viewer, &successor.id).map_err(|error| if error.code == "not_found" { unknown() } else { error })?;
    let items = handover::hand_over(connection, member, &to, today, now)?;
    let (actor, detail) = (viewer.member_id.as_str(), format!("{} to {}", items.in_words(), to.name));
    audit::record(connection, &viewer.workspace_id, actor, "items_handed_over", member.id.as_str(), &detail, now)?;
    Ok(items)
}

fn end_ways_in(connection: &mut AnyConnection, id: &MemberId) -> Result<()> {
    // A link before the session that it opens, as signing in takes them.
    diesel::delete(sign_in_links::table.filter(sign_in_links::member_id.eq(id))).execute(connection)?;
    diesel::delete(sessions::table.filter(sessions::member_id.eq(id))).execute(connection)?;
    diesel::delete(api_tokens::table.filter(api_tokens::member_id.eq(id))).execute(connection)?;
    diesel::delete(binding_codes::table.filter(binding_codes::member_id.eq(id))).execute(connection)?;
    diesel::delete(identities::table.filter(identities::member_id.eq(id))).execute(connection)?;
    Ok(())
}
