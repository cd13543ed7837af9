//! What a member may do and who leads them, changed by owners.

use diesel::prelude::*;

use super::{Member, Role, find};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::{members, workspaces};
use crate::storage::statement::for_update;

/// More levels than any company has, so that no mistake in the data makes a walk endless.
const LEVELS_AT_MOST: usize = 100;

/// Promotes a member to owner, or makes an owner a member again.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `last_owner` (409).
pub fn change_role(connection: &mut AnyConnection, viewer: &Viewer, id: &MemberId, role: Role, now: &Now) -> Result<Member> {
    hold_still(connection, viewer)?;
    let member = find(connection, viewer, id)?;
    if member.role == role {
        return Ok(member);
    }
    if member.role == Role::Owner {
        must_not_be_last_owner(connection, &member)?;
    }
    diesel::update(members::table.find(id)).set(members::role.eq(role)).execute(connection)?;
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "role_changed", id.as_str(), role.as_str(), now)?;
    Ok(Member { role, ..member })
}

/// Says who leads a member, or that nobody does.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `manager_is_self` or `manager_unknown` (400); `manager_cycle` (409).
pub fn set_manager(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    id: &MemberId,
    manager_id: Option<&MemberId>,
    now: &Now,
) -> Result<Member> {
    hold_still(connection, viewer)?;
    let member = find(connection, viewer, id)?;
    if member.manager_id.as_ref() == manager_id {
        return Ok(member);
    }
    let manager_name = match manager_id {
        Some(manager_id) => must_be_able_to_lead(connection, viewer, manager_id, &member)?.name,
        None => "nobody".to_owned(),
    };
    diesel::update(members::table.find(id)).set(members::manager_id.eq(manager_id)).execute(connection)?;
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "manager_set", id.as_str(), &manager_name, now)?;
    Ok(Member { manager_id: manager_id.cloned(), ..member })
}

/// Keeps the workspace's members as they are until the transaction ends, and asks once more whether the viewer owns it: of two
/// owners who remove or demote each other at once only one may succeed.
pub(super) fn hold_still(connection: &mut AnyConnection, viewer: &Viewer) -> Result<()> {
    viewer.must_own()?;
    let workspace = workspaces::table.find(&viewer.workspace_id).select(workspaces::id);
    for_update(workspace).get_result::<String>(connection)?;
    let present = members::table.find(&viewer.member_id).filter(members::removed_at.is_null()).select(members::role);
    let role = present.first(connection).optional()?.unwrap_or(Role::Member);
    Viewer { role, ..viewer.clone() }.must_own()
}

/// Refuses to leave a workspace without an owner.
pub(super) fn must_not_be_last_owner(connection: &mut AnyConnection, member: &Member) -> Result<()> {
    let others = members::table
        .filter(members::workspace_id.eq(&member.workspace_id))
        .filter(members::removed_at.is_null())
        .filter(members::role.eq(Role::Owner))
        .filter(members::id.ne(&member.id));
    if others.count().get_result::<i64>(connection)? > 0 {
        return Ok(());
    }
    let detail = format!("{} is the last owner. Make somebody else an owner first.", member.name);
    Err(Error::conflict("last_owner", detail).at("role"))
}

/// The manager to be, unless the member leads them, however many levels below.
fn must_be_able_to_lead(connection: &mut AnyConnection, viewer: &Viewer, id: &MemberId, member: &Member) -> Result<Member> {
    if *id == member.id {
        return Err(Error::invalid("manager_is_self", "manager", "Nobody is their own manager. Choose another person."));
    }
    let unknown = |error: Error| match error.code {
        "not_found" => Error::invalid("manager_unknown", "manager", "There is no such member. Choose another person."),
        _ => error,
    };
    let manager = find(connection, viewer, id).map_err(unknown)?;
    let mut above = manager.manager_id.clone();
    for _ in 0..LEVELS_AT_MOST {
        let Some(id) = above else { return Ok(manager) };
        if id == member.id {
            break;
        }
        above = members::table.find(&id).select(members::manager_id).first(connection).optional()?.flatten();
    }
    let detail = format!("{} leads {} already. Change that first.", member.name, manager.name);
    Err(Error::conflict("manager_cycle", detail).at("manager"))
}
