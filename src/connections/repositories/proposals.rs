//! What members propose to choose or to leave out, and what owners say to it.

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use uuid::Uuid;

use super::choices::{self, Choice};
use super::{held, places};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::members::Role;
use crate::people::page::{Listed, Page};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::{MemberId, ProposalId};
use crate::storage::schema::{members, repositories, repository_proposals as proposals};
use crate::storage::statement::{OnConflict as _, for_update};
use crate::word_column;

/// How many questions of one member wait at a time.
const OPEN_AT_MOST: i64 = 20;
/// Longer than any real name of a workspace and a repository together.
const LONGEST_NAME: usize = 200;

word_column! {
    /// What an owner decided.
    Decision {
        /// It was done.
        Approved => "approved",
        /// No.
        Refused => "refused",
    }
}

/// What a member proposes about a repository.
#[derive(Clone, Debug, Queryable)]
pub struct Proposal {
    /// Its id.
    pub id: ProposalId,
    /// The Bitbucket workspace, without braces.
    pub bitbucket_workspace_uuid: String,
    /// `workspace/repository`, as typed. Whether there is one is for owners to see.
    pub full_name: String,
    /// Whether it should be chosen; else, left out.
    pub is_to_be_chosen: bool,
    /// Who proposes it.
    pub proposed_by: MemberId,
    /// What they are called.
    pub name: String,
    /// When, UTC.
    pub proposed_at: NaiveDateTime,
    /// What an owner has said; none while nobody has.
    pub decision: Option<Decision>,
    /// When, UTC.
    pub decided_at: Option<NaiveDateTime>,
}

macro_rules! proposal_rows {
    ($viewer:expr) => {
        proposals::table.inner_join(members::table).filter(proposals::workspace_id.eq(&$viewer.workspace_id)).select((
            proposals::id,
            proposals::bitbucket_workspace_uuid,
            proposals::full_name,
            proposals::is_to_be_chosen,
            proposals::proposed_by,
            members::name,
            proposals::proposed_at,
            proposals::decision,
            proposals::decided_at,
        ))
    };
}

/// Reads `workspace/repository` as somebody types it.
///
/// # Errors
/// `repository_invalid` (400).
pub fn parse_name(typed: &str) -> Result<(String, String)> {
    let name = typed.trim().trim_matches('/').to_lowercase();
    let is_slug = |part: &str| {
        !part.is_empty()
            && !part.chars().all(|letter| letter == '.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let parts = name.split_once('/').filter(|(workspace, repository)| is_slug(workspace) && is_slug(repository));
    let parts = parts.filter(|_| name.len() <= LONGEST_NAME).map(|(workspace, _)| workspace.to_owned());
    let invalid = || {
        let detail = "Name the repository as in its address in Bitbucket: workspace/repository.";
        Error::invalid("repository_invalid", "repository", detail)
    };
    parts.map(|workspace| (workspace, name)).ok_or_else(invalid)
}

/// Proposes to choose a repository, or to leave it out. The answer is the same whether there is such a repository or not.
///
/// # Errors
/// `repository_invalid` or `repository_elsewhere` (400); `proposal_open` or `proposals_too_many` (409).
pub fn propose(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    typed: &str,
    is_to_be_chosen: bool,
    now: &Now,
) -> Result<Proposal> {
    let (workspace, full_name) = parse_name(typed)?;
    let places = places::connected(connection, viewer)?;
    let place = places.into_iter().find(|place| place.slug.as_deref() == Some(&*workspace));
    let place = place.ok_or_else(|| {
        let detail = "No connected Bitbucket workspace has this name. Ask an owner to connect it first.";
        Error::invalid("repository_elsewhere", "repository", detail)
    })?;
    let own = proposals::table
        .filter(proposals::workspace_id.eq(&viewer.workspace_id))
        .filter(proposals::proposed_by.eq(&viewer.member_id))
        .filter(proposals::decision.is_null());
    if own.count().get_result::<i64>(connection)? >= OPEN_AT_MOST {
        let detail = format!("{OPEN_AT_MOST} proposals of yours wait already. Wait until an owner has decided about some.");
        return Err(Error::conflict("proposals_too_many", detail));
    }
    let id = ProposalId::new(now);
    let inserted = diesel::insert_into(proposals::table)
        .values((
            proposals::id.eq(&id),
            proposals::workspace_id.eq(&viewer.workspace_id),
            proposals::bitbucket_workspace_uuid.eq(&place.uuid),
            proposals::full_name.eq(&full_name),
            proposals::is_to_be_chosen.eq(is_to_be_chosen),
            proposals::proposed_by.eq(&viewer.member_id),
            proposals::proposed_at.eq(now.at),
        ))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    if inserted == 0 {
        return Err(Error::conflict("proposal_open", "Somebody has proposed this already; an owner has not decided yet."));
    }
    find(connection, viewer, &id)
}

/// The questions that wait, the newest first: an owner sees all, a member their own.
///
/// # Errors
/// When the database refuses.
pub fn open(connection: &mut AnyConnection, viewer: &Viewer, page: &Page) -> Result<Listed<Proposal>> {
    let mut query = proposal_rows!(viewer)
        .filter(proposals::decision.is_null())
        .filter(proposals::id.lt(page.bound().to_owned()))
        .order(proposals::id.desc())
        .limit(page.rows())
        .into_boxed();
    if viewer.role != Role::Owner {
        query = query.filter(proposals::proposed_by.eq(viewer.member_id.clone()));
    }
    Ok(page.finish(query.load(connection)?, |proposal: &Proposal| proposal.id.to_string()))
}

/// How many questions wait for an owner.
///
/// # Errors
/// `owner_needed` (403).
pub fn count_open(connection: &mut AnyConnection, viewer: &Viewer) -> Result<i64> {
    viewer.must_own()?;
    let open = proposals::table.filter(proposals::workspace_id.eq(&viewer.workspace_id)).filter(proposals::decision.is_null());
    Ok(open.count().get_result(connection)?)
}

/// One proposal: any for an owner, their own for a member.
///
/// # Errors
/// `not_found` (404).
pub fn show(connection: &mut AnyConnection, viewer: &Viewer, id: &ProposalId) -> Result<Proposal> {
    let proposal = find(connection, viewer, id)?;
    let is_theirs = viewer.role == Role::Owner || proposal.proposed_by == viewer.member_id;
    if is_theirs { Ok(proposal) } else { Err(Error::not_found("proposal")) }
}

fn find(connection: &mut AnyConnection, viewer: &Viewer, id: &ProposalId) -> Result<Proposal> {
    let row = proposal_rows!(viewer).filter(proposals::id.eq(id)).first(connection).optional()?;
    row.ok_or_else(|| Error::not_found("proposal"))
}

/// Does what was proposed.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `proposal_decided` or `repository_unknown` (409).
pub fn approve(connection: &mut AnyConnection, viewer: &Viewer, id: &ProposalId, now: &Now) -> Result<Proposal> {
    let proposal = undecided(connection, viewer, id)?;
    let bitbucket_workspace = Uuid::try_parse(&proposal.bitbucket_workspace_uuid).map_err(Error::internal)?;
    let named: Option<String> = held!(repositories, &viewer.workspace_id, bitbucket_workspace)
        .filter(repositories::full_name.eq(&proposal.full_name))
        .filter(repositories::gone_at.is_null())
        .select(repositories::uuid)
        .first(connection)
        .optional()?;
    let uuid = named.and_then(|uuid| Uuid::try_parse(&uuid).ok()).ok_or_else(|| {
        let detail = "Bitbucket lists no such repository to the connection. Have the list read again, or refuse the proposal.";
        Error::conflict("repository_unknown", detail)
    })?;
    let (is, none) = (vec![uuid], Vec::new());
    let choice = match proposal.is_to_be_chosen {
        true => Choice { chosen: is, left_out: none },
        false => Choice { chosen: none, left_out: is },
    };
    choices::choose(connection, viewer, bitbucket_workspace, &choice, now)?;
    decide(connection, viewer, &proposal, Decision::Approved, now)
}

/// Says no to what was proposed.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `proposal_decided` (409).
pub fn refuse(connection: &mut AnyConnection, viewer: &Viewer, id: &ProposalId, now: &Now) -> Result<Proposal> {
    let proposal = undecided(connection, viewer, id)?;
    decide(connection, viewer, &proposal, Decision::Refused, now)
}

fn undecided(connection: &mut AnyConnection, viewer: &Viewer, id: &ProposalId) -> Result<Proposal> {
    viewer.must_own()?;
    let row = proposals::table.find(id).filter(proposals::workspace_id.eq(&viewer.workspace_id)).select(proposals::id);
    for_update(row).get_result::<ProposalId>(connection).optional()?;
    let proposal = find(connection, viewer, id)?;
    if proposal.decision.is_some() {
        return Err(Error::conflict("proposal_decided", "An owner has decided about this already. Reload the page."));
    }
    Ok(proposal)
}

fn decide(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    proposal: &Proposal,
    decision: Decision,
    now: &Now,
) -> Result<Proposal> {
    diesel::update(proposals::table.find(&proposal.id))
        .set((
            proposals::decision.eq(Some(decision)),
            proposals::decided_by.eq(Some(&viewer.member_id)),
            proposals::decided_at.eq(Some(now.at)),
        ))
        .execute(connection)?;
    let action = match decision {
        Decision::Approved => "proposal_approved",
        Decision::Refused => "proposal_refused",
    };
    let (actor, subject) = (viewer.member_id.as_str(), proposal.proposed_by.as_str());
    audit::record(connection, &viewer.workspace_id, actor, action, subject, proposal.id.as_str(), now)?;
    find(connection, viewer, &proposal.id)
}

/// Whether what was proposed stands like this.
const IS_SO: &str = "EXISTS (SELECT 1 FROM repositories WHERE repositories.workspace_id = repository_proposals.workspace_id \
     AND repositories.full_name = repository_proposals.full_name AND repositories.gone_at IS NULL \
     AND repositories.is_chosen = repository_proposals.is_to_be_chosen)";

/// What owners have decided by themselves as it was proposed waits no longer.
pub(super) fn settle(connection: &mut AnyConnection, viewer: &Viewer, bitbucket_workspace: Uuid, now: &Now) -> Result<()> {
    let settled = held!(proposals, &viewer.workspace_id, bitbucket_workspace)
        .filter(proposals::decision.is_null())
        .filter(sql::<Bool>(IS_SO));
    diesel::update(settled)
        .set((
            proposals::decision.eq(Some(Decision::Approved)),
            proposals::decided_by.eq(Some(&viewer.member_id)),
            proposals::decided_at.eq(Some(now.at)),
        ))
        .execute(connection)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_named_as_in_its_address_and_nothing_else_is_taken() {
        for typed in ["lumenpay/ledger", " /LumenPay/Ledger/ "] {
            assert_eq!(parse_name(typed).unwrap(), ("lumenpay".to_owned(), "lumenpay/ledger".to_owned()), "{typed}");
        }
        let long = format!("w/{}", "x".repeat(200));
        for typed in ["", "ledger", "a/b/c", "a/..", "a/b c", "a/b\0", "a/é", "/", "a//", "https://x/y", &long] {
            assert_eq!(parse_name(typed).unwrap_err().code, "repository_invalid", "{typed}");
        }
    }
}
