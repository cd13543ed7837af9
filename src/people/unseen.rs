//! Links of which only the address is shown, because nobody who may see them is known to have been shown the pull request by Bitbucket.
//! `activity::looking` asks, and looks with the own grants of those who may see them.

use diesel::dsl::{not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::{Viewer, visibility};
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::{LinkId, PullRequestId};
use crate::storage::schema::{links, members};

/// `viewer` is the name that the predicates of `visibility` speak of.
mod rows {
    use crate::storage::schema::members;
    diesel::alias!(members as viewer: Viewer);
}

macro_rules! of_viewer {
    ($who:expr) => {
        links::table
            .inner_join(rows::viewer.on(rows::viewer.field(members::workspace_id).eq(links::workspace_id)))
            .filter(rows::viewer.field(members::id).eq(&$who.member_id))
            .filter(sql::<Bool>(visibility::LINK))
            .filter(not(sql::<Bool>(visibility::LINK_SHOWS_DETAILS)))
    };
}

/// The pull request of a link that the viewer may see, when only its address is shown.
///
/// # Errors
/// When the database cannot be read.
pub fn of_link(connection: &mut AnyConnection, viewer: &Viewer, id: &LinkId) -> Result<Option<PullRequestId>> {
    let link = of_viewer!(viewer).filter(links::id.eq(id)).select(links::pull_request_id);
    Ok(link.first(connection).optional()?)
}

/// The pull requests of such links that the viewer may see, those that were linked last first.
///
/// # Errors
/// When the database cannot be read.
pub fn of(connection: &mut AnyConnection, viewer: &Viewer, at_most: i64) -> Result<Vec<PullRequestId>> {
    let linked = of_viewer!(viewer).order((links::created_at.desc(), links::id.desc()));
    let mut found: Vec<PullRequestId> = linked.limit(at_most).select(links::pull_request_id).load(connection)?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Whether the viewer may see a link to a pull request of which only the address is shown.
///
/// # Errors
/// When the database cannot be read.
pub fn may_be_seen_by(connection: &mut AnyConnection, viewer: &Viewer, id: &PullRequestId) -> Result<bool> {
    let links = of_viewer!(viewer).filter(links::pull_request_id.eq(id));
    Ok(links.count().get_result::<i64>(connection)? > 0)
}
