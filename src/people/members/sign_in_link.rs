//! The way in that an owner makes for somebody who has not signed in yet.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::{Member, find};
use crate::config::{Now, Secret};
use crate::error::{Error, Result};
use crate::people::{Viewer, audit, sessions};
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::{members, sign_in_links};

/// Makes a one-time link that signs a member in, for an owner to send them. Those that were made before and are not used no longer
/// work. Whoever opens it is that member, so it is made only for somebody who has written nothing yet: who has signed in before
/// comes back with Bitbucket, or with a link of the operator's.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `signed_in_before` (409).
pub fn new_sign_in_link(connection: &mut AnyConnection, viewer: &Viewer, id: &MemberId, now: &Now) -> Result<(Member, Secret)> {
    viewer.must_own()?;
    let member = find(connection, viewer, id)?;
    if has_signed_in(connection, viewer, id)? {
        let detail = format!(
            "{} has signed in before. They sign in with Bitbucket, or whoever runs the server makes them a link.",
            member.name
        );
        return Err(Error::conflict("signed_in_before", detail));
    }
    let unused = sign_in_links::table.filter(sign_in_links::member_id.eq(id)).filter(sign_in_links::used_at.is_null());
    diesel::delete(unused).execute(connection)?;
    let link = sessions::new_link(connection, id, now)?;
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "sign_in_link_made", id.as_str(), &member.email, now)?;
    Ok((member, link))
}

/// Whether a member of the viewer's workspace has ever signed in.
///
/// # Errors
/// When the database refuses.
pub fn has_signed_in(connection: &mut AnyConnection, viewer: &Viewer, id: &MemberId) -> Result<bool> {
    let row = members::table.find(id).filter(members::workspace_id.eq(&viewer.workspace_id));
    let at: Option<Option<NaiveDateTime>> = row.select(members::signed_in_at).first(connection).optional()?;
    Ok(at.flatten().is_some())
}
