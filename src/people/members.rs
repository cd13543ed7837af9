//! Members of a workspace: who they are and what they may do.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::folding::fold;
use super::page::{Listed, Page};
use super::text::{EmailAddress, Name};
use super::{Viewer, audit};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{MemberId, WorkspaceId};
use crate::storage::schema::members;
use crate::word_column;

word_column! {
    /// What a member may do.
    Role {
        /// Connects Bitbucket, decides what is shown, sees to members.
        Owner => "owner",
        /// Everything else.
        Member => "member",
    }
}

/// A member of a workspace.
#[derive(Clone, Debug, Queryable)]
pub struct Member {
    /// Its id.
    pub id: MemberId,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// What they are called.
    pub name: String,
    /// Their e-mail address, as typed.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Who leads them.
    pub manager_id: Option<MemberId>,
    /// When they joined, UTC.
    pub created_at: NaiveDateTime,
}

type Columns =
    (members::id, members::workspace_id, members::name, members::email, members::role, members::manager_id, members::created_at);

/// The columns of a [`Member`].
pub(super) const COLUMNS: Columns =
    (members::id, members::workspace_id, members::name, members::email, members::role, members::manager_id, members::created_at);

impl Member {
    /// The member as one who asks.
    pub fn viewer(&self) -> Viewer {
        Viewer { workspace_id: self.workspace_id.clone(), member_id: self.id.clone(), role: self.role }
    }
}

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

/// Adds a member on an owner's word.
///
/// # Errors
/// `owner_needed` (403); `email_taken` (409).
pub fn invite(connection: &mut AnyConnection, viewer: &Viewer, new: &NewMember, now: &Now) -> Result<Member> {
    viewer.must_own()?;
    let member = add(connection, &viewer.workspace_id, new, now)?;
    audit::record(
        connection,
        &viewer.workspace_id,
        viewer.member_id.as_str(),
        "member_added",
        member.id.as_str(),
        &member.email,
        now,
    )?;
    Ok(member)
}

/// Adds a member on the operator's word. Whoever was removed comes back as themselves: their row is the same, their role the new
/// one, and nobody leads them.
///
/// # Errors
/// `email_taken` (409).
pub fn add(connection: &mut AnyConnection, workspace_id: &WorkspaceId, new: &NewMember, now: &Now) -> Result<Member> {
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
    match known {
        None => insert(connection, &member, &new.email)?,
        Some(known) if known.is_removed => bring_back(connection, &member)?,
        Some(_) => return Err(email_taken()),
    }
    Ok(member)
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
pub(super) fn must_be_new(connection: &mut AnyConnection, workspace_id: &WorkspaceId, email: &EmailAddress) -> Result<()> {
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

/// The members of the viewer's workspace.
///
/// # Errors
/// When the database refuses.
pub fn list(connection: &mut AnyConnection, viewer: &Viewer, page: &Page) -> Result<Listed<Member>> {
    let rows = members::table
        .filter(members::workspace_id.eq(&viewer.workspace_id))
        .filter(members::removed_at.is_null())
        .filter(members::id.lt(page.bound()))
        .order(members::id.desc())
        .limit(page.rows())
        .select(COLUMNS)
        .load(connection)?;
    Ok(page.finish(rows, |member: &Member| member.id.to_string()))
}

/// A member of the viewer's workspace.
///
/// # Errors
/// `not_found` (404).
pub fn find(connection: &mut AnyConnection, viewer: &Viewer, id: &MemberId) -> Result<Member> {
    let row =
        members::table.find(id).filter(members::workspace_id.eq(&viewer.workspace_id)).filter(members::removed_at.is_null());
    row.select(COLUMNS).first(connection).optional()?.ok_or_else(|| Error::not_found("member"))
}

/// The owners of a workspace, by name, at most ten: whom to ask.
///
/// # Errors
/// When the database refuses.
pub fn owner_names(connection: &mut AnyConnection, workspace_id: &WorkspaceId) -> Result<Vec<String>> {
    let owners = members::table.filter(members::workspace_id.eq(workspace_id)).filter(members::removed_at.is_null());
    let owners = owners.filter(members::role.eq(Role::Owner)).order(members::name).limit(10);
    Ok(owners.select(members::name).load(connection)?)
}

/// The member with this address, for the operator; the workspace is needed when the address is known in several.
///
/// # Errors
/// `not_found` (404); `workspace_needed` (409).
pub fn by_email(connection: &mut AnyConnection, email: &EmailAddress, workspace_id: Option<&WorkspaceId>) -> Result<Member> {
    let mut query = members::table
        .filter(members::email_folded.eq(email.folded()))
        .filter(members::removed_at.is_null())
        .select(COLUMNS)
        .limit(2)
        .into_boxed();
    if let Some(id) = workspace_id {
        query = query.filter(members::workspace_id.eq(id));
    }
    let mut found: Vec<Member> = query.load(connection)?;
    match (found.pop(), found.pop()) {
        (Some(_), Some(_)) => Err(Error::conflict(
            "workspace_needed",
            "This e-mail address is known in several workspaces: name one with --workspace.",
        )),
        (Some(member), None) => Ok(member),
        _ => Err(Error::not_found("member")),
    }
}

/// The viewer's colleague with this address or exact name, for a form in a workspace too large for a list.
///
/// # Errors
/// `person_unknown` (400).
pub fn by_what_was_typed(connection: &mut AnyConnection, viewer: &Viewer, typed: &str) -> Result<MemberId> {
    let unknown = || {
        let detail = "Nobody in your workspace has this e-mail address. Check it and save again.";
        Error::invalid("person_unknown", "about", detail)
    };
    let typed = typed.trim();
    // Nobody's name has one, and PostgreSQL does not even look for a text with a NUL.
    if typed.chars().any(char::is_control) {
        return Err(unknown());
    }
    let found = members::table
        .filter(members::workspace_id.eq(&viewer.workspace_id))
        .filter(members::removed_at.is_null())
        .filter(members::email_folded.eq(typed.to_lowercase()).or(members::name.eq(typed)))
        .select(members::id)
        .limit(2)
        .load::<MemberId>(connection)?;
    match found.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(unknown()),
    }
}
