//! Members of a workspace: who they are and what they may do.

mod adding;
mod changing;
mod directory;
mod removing;
mod sign_in_link;

use chrono::NaiveDateTime;
use diesel::prelude::*;

pub(super) use adding::must_be_new;
pub use adding::{Invited, NewMember, add, invite};
pub use changing::{change_role, set_manager};
pub use directory::{Entry, Search, directory};
pub use removing::{Removed, Successor, remove};
pub use sign_in_link::{has_signed_in, new_sign_in_link};

use super::Viewer;
use super::page::{Listed, Page};
use super::text::EmailAddress;
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
