//! New members, and former ones who come back.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::{Member, Role};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::folding::fold;
use crate::people::text::{EmailAddress, Name};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::{MemberId, WorkspaceId};
use crate::storage::schema::members;

/// A member to be.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// What they are called.
    pub name: Name,
    /// Their e-mail address.
    pub email: EmailAddress,
    /// What they may do.
    pub role: Role,
}

/// Somebody who may sign in from now on.
#[derive(Clone, Debug)]
pub struct Invited {
    /// The member.
    pub member: Member,
    /// Whether they were a member before; what they wrote then is theirs again.
    pub has_returned: bool,
}

/// Adds a member on an owner's word.
///
/// # Errors
/// `owner_needed` (403); `email_taken` (409).
pub fn invite(connection: &mut AnyConnection, viewer: &Viewer, new: &NewMember, now: &Now) -> Result<Invited> {
    viewer.must_own()?;
    let invited = store(connection, &viewer.workspace_id, new, now)?;
    let action = if invited.has_returned { "member_returned" } else { "member_added" };
    let (actor, member) = (viewer.member_id.as_str(), &invited.member);
    audit::record(connection, &viewer.workspace_id, actor, action, member.id.as_str(), &member.email, now)?;
    Ok(invited)
}

/// Adds a member on the operator's word. Whoever was removed comes back as themselves: their row is the same, their role the new
/// one, and nobody leads them.
///
/// # Errors
/// `email_taken` (409).
pub fn add(connection: &mut AnyConnection, workspace_id: &WorkspaceId, new: &NewMember, now: &Now) -> Result<Member> {
    store(connection, workspace_id, new, now).map(|invited| invited.member)
}

fn store(connection: &mut AnyConnection, workspace_id: &WorkspaceId, new: &NewMember, now: &Now) -> Result<Invited> {
    let known = with_email(connection, workspace_id, &new.email)?;
    let member = Member {
        id: known.clone().map_or_else(|| MemberId::new(now), |known| known.id),
        workspace_id: workspace_id.clone(),
        name: new.name.as_str().to_owned(),
        email: new.email.as_str().to_owned(),
        role: new.role,
        manager_id: None,
        created_at: now.at,
    };
    let has_returned = known.is_some();
    match known {
        None => insert(connection, &member, &new.email)?,
        Some(known) if known.is_removed => bring_back(connection, &member)?,
        Some(_) => return Err(email_taken()),
    }
    Ok(Invited { member, has_returned })
}

/// Whoever has an address in a workspace, removed or not.
#[derive(Clone, Queryable)]
struct Known {
    id: MemberId,
    is_removed: bool,
}

fn with_email(connection: &mut AnyConnection, workspace_id: &WorkspaceId, email: &EmailAddress) -> Result<Option<Known>> {
    let row = members::table.filter(members::workspace_id.eq(workspace_id)).filter(members::email_folded.eq(email.folded()));
    Ok(row.select((members::id, members::removed_at.is_not_null())).first(connection).optional()?)
}

fn email_taken() -> Error {
    Error::conflict("email_taken", "A member with this e-mail address is in the workspace already.").at("email")
}

/// Refuses an address that is or was a member's: what somebody merely says opens nothing that another person wrote.
///
/// # Errors
/// `email_taken` or `email_of_former_member` (409).
pub(in crate::people) fn must_be_new(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    email: &EmailAddress,
) -> Result<()> {
    match with_email(connection, workspace_id, email)? {
        None => Ok(()),
        Some(known) if known.is_removed => {
            let detail =
                "A former member has this e-mail address. Invite them again, so that they come back with their own link.";
            Err(Error::conflict("email_of_former_member", detail).at("email"))
        }
        Some(_) => Err(email_taken()),
    }
}

fn bring_back(connection: &mut AnyConnection, member: &Member) -> Result<()> {
    diesel::update(members::table.find(&member.id))
        .set((
            members::name.eq(&member.name),
            members::name_folded.eq(fold(&member.name)),
            members::email.eq(&member.email),
            members::role.eq(member.role),
            members::manager_id.eq(None::<MemberId>),
            members::created_at.eq(member.created_at),
            members::removed_at.eq(None::<NaiveDateTime>),
        ))
        .execute(connection)?;
    Ok(())
}

fn insert(connection: &mut AnyConnection, member: &Member, email: &EmailAddress) -> Result<()> {
    diesel::insert_into(members::table)
        .values((
            members::id.eq(&member.id),
            members::workspace_id.eq(&member.workspace_id),
            members::name.eq(&member.name),
            members::name_folded.eq(fold(&member.name)),
            members::email.eq(&member.email),
            members::email_folded.eq(email.folded()),
            members::role.eq(member.role),
            members::created_at.eq(member.created_at),
        ))
        .execute(connection)?;
    Ok(())
}
