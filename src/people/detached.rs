//! Links that their maker took away: kept for a day, so that a press of the wrong button is undone. The pages use it.

use diesel::prelude::*;

use super::links::{self, Kind, NewLink, Target};
use super::page::{Listed, Page};
use super::reference;
use super::text::Note;
use super::{Viewer, pull_requests};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{LinkId, MemberId, PullRequestId};
use crate::storage::schema::{detached_links, links as link_rows, sightings};

const KEPT_SECONDS: i64 = 24 * 3600;

/// A link that was taken away.
#[derive(Clone, Debug, Queryable)]
pub struct Detached {
    /// Its id, as long as it was a link and now.
    pub id: LinkId,
    /// Where the pull request is in Bitbucket.
    pub url: String,
}

/// The pull requests of one conversation, for its page.
#[derive(Clone, Debug)]
pub struct Attached {
    /// Which conversation.
    pub target: Target,
    /// One page of them, the newest first.
    pub links: Listed<links::Link>,
    /// Whether this is the first page.
    pub is_newest: bool,
    /// Whether the viewer may attach more.
    pub may_attach: bool,
    /// The link that the viewer has just taken away from it, if it can be brought back.
    pub detached: Option<Detached>,
}

/// What the page of a conversation shows of its pull requests; `detached` is the link that was just taken away.
///
/// # Errors
/// `not_found` (404).
pub fn of_conversation(
    connection: &mut AnyConnection,
    who: &Viewer,
    target: &Target,
    page: &Page,
    detached: Option<&LinkId>,
) -> Result<Attached> {
    let may_attach = links::may_attach(connection, who, target)?;
    let detached = match detached {
        Some(id) if may_attach => find(connection, who, target, id)?,
        _ => None,
    };
    let links = links::list(connection, who, Some(target), page)?;
    Ok(Attached { target: target.clone(), links, is_newest: page.before.is_none(), may_attach, detached })
}

/// Takes the viewer's own link away from a conversation and remembers it.
///
/// # Errors
/// `not_found` (404); `maker_needed` (403).
pub fn detach(connection: &mut AnyConnection, who: &Viewer, target: &Target, id: &LinkId, now: &Now) -> Result<()> {
    let link = links::find(connection, who, id)?;
    if link.target != *target {
        return Err(Error::not_found("link"));
    }
    let is_seen = sightings::table
        .inner_join(link_rows::table.on(link_rows::pull_request_id.eq(sightings::pull_request_id)))
        .filter(link_rows::id.eq(id))
        .filter(sightings::member_id.eq(&who.member_id))
        .count()
        .get_result::<i64>(connection)?
        > 0;
    links::remove(connection, who, id)?;
    diesel::delete(detached_links::table.filter(detached_links::detached_at.le(now.plus_seconds(-KEPT_SECONDS))))
        .execute(connection)?;
    diesel::insert_into(detached_links::table)
        .values((
            detached_links::id.eq(id),
            detached_links::workspace_id.eq(&who.workspace_id),
            detached_links::created_by.eq(&who.member_id),
            detached_links::target_kind.eq(target.kind),
            detached_links::target_id.eq(&target.id),
            detached_links::url.eq(&link.url),
            detached_links::note.eq(&link.note),
            detached_links::is_seen.eq(is_seen),
            detached_links::detached_at.eq(now.at),
        ))
        .execute(connection)?;
    Ok(())
}

macro_rules! own {
    ($who:expr, $target:expr, $id:expr) => {
        detached_links::table
            .filter(detached_links::id.eq($id))
            .filter(detached_links::workspace_id.eq(&$who.workspace_id))
            .filter(detached_links::created_by.eq::<&MemberId>(&$who.member_id))
            .filter(detached_links::target_kind.eq::<Kind>($target.kind))
            .filter(detached_links::target_id.eq(&$target.id))
            // A repository that lost its name to another cannot be named by its address any more.
            .filter(detached_links::url.not_like("%#%"))
    };
}

fn find(connection: &mut AnyConnection, who: &Viewer, target: &Target, id: &LinkId) -> Result<Option<Detached>> {
    let row = own!(who, target, id).select((detached_links::id, detached_links::url));
    Ok(row.first(connection).optional()?)
}

/// Attaches what the viewer took away, with its note.
///
/// # Errors
/// `not_found` (404); what [`links::create`] refuses with.
pub fn attach_again(
    connection: &mut AnyConnection,
    who: &Viewer,
    target: &Target,
    id: &LinkId,
    web_url: &str,
    now: &Now,
) -> Result<LinkId> {
    let row: Option<(String, String, bool)> = own!(who, target, id)
        .select((detached_links::url, detached_links::note, detached_links::is_seen))
        .first(connection)
        .optional()?;
    let (url, note, is_seen) = row.ok_or_else(|| Error::not_found("link"))?;
    let pull_request = reference::parse_url(web_url, &url)?;
    let new = NewLink {
        target: target.clone(),
        pull_request: pull_request.clone(),
        note: Note::parse(&note)?,
        is_before_the_makers_eyes: false,
    };
    let link = links::create(connection, who, &new, now)?;
    if is_seen {
        // The row of the pull request went with its last link, and with it who had seen it.
        let pull_request_id: PullRequestId = link_rows::table.find(&link).select(link_rows::pull_request_id).first(connection)?;
        pull_requests::record_sighting(connection, &who.member_id, &pull_request_id, &pull_request, now)?;
    }
    diesel::delete(detached_links::table.find(id)).execute(connection)?;
    Ok(link)
}

/// Forgets what was taken away from a conversation that is being deleted.
pub(super) fn forget(connection: &mut AnyConnection, who: &Viewer, target: &Target) -> Result<()> {
    let of_target = detached_links::table
        .filter(detached_links::workspace_id.eq(&who.workspace_id))
        .filter(detached_links::target_id.eq(&target.id));
    diesel::delete(of_target).execute(connection)?;
    Ok(())
}
