//! One pull request that was linked twice, by its ids and by its address, becomes one row. Only `people::pull_requests` calls it.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::links::Kind;
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::{LinkId, MemberId, PullRequestId, WorkspaceId};
use crate::storage::schema::{links, pull_requests, sightings};
use crate::storage::statement::for_update_skip_locked;

/// Takes the row that a workspace has at this address into the row `id`, whose repository is known and of which Bitbucket says that it is
/// there. Nothing happens unless the row at the address was named by that address alone.
pub(super) fn take_in(connection: &mut AnyConnection, workspace_id: &WorkspaceId, id: &PullRequestId, url: &str) -> Result<()> {
    let at_address = pull_requests::table
        .filter(pull_requests::workspace_id.eq(workspace_id))
        .filter(pull_requests::url.eq(url))
        .filter(pull_requests::repository_uuid.is_null())
        .filter(pull_requests::id.ne(id));
    // Passed over while somebody attaches to it at this moment: the next answer of Bitbucket merges it, and no new link goes with the row.
    let free = for_update_skip_locked(at_address.select(pull_requests::id));
    let other: Option<PullRequestId> = free.get_result(connection).optional()?;
    let Some(other) = other else { return Ok(()) };
    move_links(connection, &other, id)?;
    move_sightings(connection, &other, id)?;
    diesel::delete(pull_requests::table.find(&other)).execute(connection)?;
    // People find it by the address that they have typed.
    diesel::update(pull_requests::table.find(id)).set(pull_requests::url.eq(url)).execute(connection)?;
    Ok(())
}

type Held = (LinkId, Kind, String, NaiveDateTime);

/// A conversation has a pull request once: of two links to the same one, that which was made first stays.
fn move_links(connection: &mut AnyConnection, from: &PullRequestId, to: &PullRequestId) -> Result<()> {
    let columns = (links::id, links::target_kind, links::target_id, links::created_at);
    let there: Vec<Held> = links::table.filter(links::pull_request_id.eq(to)).select(columns).load(connection)?;
    let coming: Vec<Held> = links::table.filter(links::pull_request_id.eq(from)).select(columns).load(connection)?;
    for (id, kind, target, created_at) in coming {
        let same = there.iter().find(|(_, its_kind, its_target, _)| *its_kind == kind && *its_target == target);
        if let Some((its_id, _, _, its_created_at)) = same {
            let later = if *its_created_at <= created_at { &id } else { its_id };
            diesel::delete(links::table.find(later)).execute(connection)?;
        }
    }
    let left = links::table.filter(links::pull_request_id.eq(from));
    diesel::update(left).set(links::pull_request_id.eq(to)).execute(connection)?;
    Ok(())
}

fn move_sightings(connection: &mut AnyConnection, from: &PullRequestId, to: &PullRequestId) -> Result<()> {
    let there = sightings::table.filter(sightings::pull_request_id.eq(to));
    let have_seen: Vec<MemberId> = there.select(sightings::member_id).load(connection)?;
    let coming = sightings::table.filter(sightings::pull_request_id.eq(from));
    for some in have_seen.chunks(500) {
        diesel::delete(coming.filter(sightings::member_id.eq_any(some))).execute(connection)?;
    }
    diesel::update(coming).set(sightings::pull_request_id.eq(to)).execute(connection)?;
    Ok(())
}
