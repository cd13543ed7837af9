//! A way in for somebody who has not signed in yet or has lost theirs.

use diesel::prelude::*;

use super::{Member, find};
use crate::config::{Now, Secret};
use crate::error::Result;
use crate::people::{Viewer, audit, sessions};
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::sign_in_links;

/// Makes a one-time link that signs a member in, for an owner to send them. Those that were made before and are not used no longer
/// work. Whoever opens it is that member, so that it is written down who made it.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn new_sign_in_link(connection: &mut AnyConnection, viewer: &Viewer, id: &MemberId, now: &Now) -> Result<(Member, Secret)> {
    viewer.must_own()?;
    let member = find(connection, viewer, id)?;
    let unused = sign_in_links::table.filter(sign_in_links::member_id.eq(id)).filter(sign_in_links::used_at.is_null());
    diesel::delete(unused).execute(connection)?;
    let link = sessions::new_link(connection, id, now)?;
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "sign_in_link_made", id.as_str(), &member.email, now)?;
    Ok((member, link))
}
