//! People in Bitbucket who ask to become members: they ask in the panel, an owner approves or refuses.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use uuid::Uuid;

use super::identities::{self, AccountId};
use super::members::{self, Member, NewMember};
use super::page::{Listed, Page};
use super::text::{EmailAddress, Name};
use super::{Viewer, audit};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{JoinRequestId, MemberId, WorkspaceId};
use crate::storage::schema::{identities as identity_rows, join_requests};
use crate::storage::statement::{OnConflict as _, for_update};
use crate::word_column;

/// How long a refused person waits before they may ask again.
const REFUSED_DAYS: i64 = 30;

word_column! {
    /// What an owner decided.
    Decision {
        /// The person became a member.
        Approved => "approved",
        /// Not now.
        Refused => "refused",
    }
}

/// How far an account's question is, for the account itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An owner has not decided yet.
    Waiting {
        /// When it was asked, UTC.
        asked_at: NaiveDateTime,
    },
    /// An owner said no.
    Refused {
        /// When, UTC.
        refused_at: NaiveDateTime,
        /// From when on the account may ask again, UTC.
        again_at: NaiveDateTime,
    },
    /// An owner said yes. Whoever is nobody's account all the same has been removed since, and may ask again.
    Approved,
}

impl Standing {
    /// From the columns of a row; none when there is no row.
    pub fn of(asked_at: Option<NaiveDateTime>, decision: Option<Decision>, decided_at: Option<NaiveDateTime>) -> Option<Self> {
        let asked_at = asked_at?;
        Some(match decision {
            None => Self::Waiting { asked_at },
            Some(Decision::Approved) => Self::Approved,
            Some(Decision::Refused) => {
                let refused_at = decided_at.unwrap_or(asked_at);
                Self::Refused { refused_at, again_at: refused_at + TimeDelta::days(REFUSED_DAYS) }
            }
        })
    }

    /// Whether the account may ask once more.
    pub fn may_ask_again(self, now: NaiveDateTime) -> bool {
        match self {
            Self::Waiting { .. } => false,
            Self::Refused { again_at, .. } => again_at <= now,
            Self::Approved => true,
        }
    }
}

/// What somebody asks with. Name and address are their own words; the account is Bitbucket's.
#[derive(Clone, Debug)]
pub struct Question {
    /// What they say they are called.
    pub name: Name,
    /// What they say their address is.
    pub email: EmailAddress,
    /// Their account, as Bitbucket signed it.
    pub account: AccountId,
    /// The Bitbucket workspace they ask from.
    pub bitbucket_workspace: Uuid,
    /// The pull request they ask from.
    pub pull_request_url: String,
}

/// A question that waits, as owners see it.
#[derive(Clone, Debug, Queryable)]
pub struct JoinRequest {
    /// Its id.
    pub id: JoinRequestId,
    /// The account that asks, as Bitbucket signed it.
    pub account_id: String,
    /// What the person says they are called.
    pub name: String,
    /// What they say their address is. Nobody has proven it.
    pub email: String,
    /// The pull request they asked from.
    pub pull_request_url: String,
    /// When, UTC.
    pub asked_at: NaiveDateTime,
}

const COLUMNS: (
    join_requests::id,
    join_requests::account_id,
    join_requests::name,
    join_requests::email,
    join_requests::pull_request_url,
    join_requests::asked_at,
) = (
    join_requests::id,
    join_requests::account_id,
    join_requests::name,
    join_requests::email,
    join_requests::pull_request_url,
    join_requests::asked_at,
);

/// Asks the owners of a workspace. It is not said whether the address is known to it: whoever asks has proven nothing yet.
///
/// # Errors
/// `join_asked` (409) while an earlier question waits or was refused lately.
pub fn ask(connection: &mut AnyConnection, workspace_id: &WorkspaceId, question: &Question, now: &Now) -> Result<()> {
    let own = join_requests::table
        .filter(join_requests::workspace_id.eq(workspace_id))
        .filter(join_requests::account_id.eq(question.account.as_str()));
    let earlier: Option<(JoinRequestId, NaiveDateTime, Option<Decision>, Option<NaiveDateTime>)> = own
        .select((join_requests::id, join_requests::asked_at, join_requests::decision, join_requests::decided_at))
        .first(connection)
        .optional()?;
    if let Some((id, asked_at, decision, decided_at)) = earlier {
        if !Standing::of(Some(asked_at), decision, decided_at).is_some_and(|standing| standing.may_ask_again(now.at)) {
            return Err(asked_already());
        }
        diesel::delete(join_requests::table.find(id)).execute(connection)?;
    }
    let inserted = diesel::insert_into(join_requests::table)
        .values((
            join_requests::id.eq(JoinRequestId::new(now)),
            join_requests::workspace_id.eq(workspace_id),
            join_requests::bitbucket_workspace_uuid.eq(question.bitbucket_workspace.to_string()),
            join_requests::account_id.eq(question.account.as_str()),
            join_requests::name.eq(question.name.as_str()),
            join_requests::email.eq(question.email.as_str()),
            join_requests::pull_request_url.eq(&question.pull_request_url),
            join_requests::asked_at.eq(now.at),
        ))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    if inserted == 0 { Err(asked_already()) } else { Ok(()) }
}

fn asked_already() -> Error {
    Error::conflict("join_asked", "You have asked already. An owner of the workspace decides.")
}

fn decided_already() -> Error {
    Error::conflict("join_decided", "This is decided already. Load the list of people again.")
}

macro_rules! waiting {
    ($viewer:expr) => {{
        // Whoever has linked their account with a code meanwhile asks for nothing any more.
        let linked = identity_rows::table
            .filter(identity_rows::workspace_id.eq(join_requests::workspace_id))
            .filter(identity_rows::account_id.eq(join_requests::account_id))
            .filter(identity_rows::confirmed_at.is_not_null());
        join_requests::table
            .filter(join_requests::workspace_id.eq($viewer.workspace_id.clone()))
            .filter(join_requests::decision.is_null())
            .filter(not(exists(linked)))
    }};
}

/// The questions that wait, the newest first.
///
/// # Errors
/// `owner_needed` (403).
pub fn list(connection: &mut AnyConnection, viewer: &Viewer, page: &Page) -> Result<Listed<JoinRequest>> {
    viewer.must_own()?;
    let rows = waiting!(viewer)
        .filter(join_requests::id.lt(page.bound()))
        .order(join_requests::id.desc())
        .limit(page.rows())
        .select(COLUMNS)
        .load(connection)?;
    Ok(page.finish(rows, |request: &JoinRequest| request.id.to_string()))
}

/// How many questions wait.
///
/// # Errors
/// `owner_needed` (403).
pub fn count(connection: &mut AnyConnection, viewer: &Viewer) -> Result<i64> {
    viewer.must_own()?;
    Ok(waiting!(viewer).count().get_result(connection)?)
}

/// One question that waits.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `join_decided` (409), also when the account was linked meanwhile.
pub fn find(connection: &mut AnyConnection, viewer: &Viewer, id: &JoinRequestId) -> Result<JoinRequest> {
    viewer.must_own()?;
    let row = waiting!(viewer).filter(join_requests::id.eq(id)).select(COLUMNS);
    if let Some(request) = row.first(connection).optional()? {
        return Ok(request);
    }
    let any = join_requests::table.filter(join_requests::id.eq(id));
    let known = any.filter(join_requests::workspace_id.eq(&viewer.workspace_id)).count().get_result::<i64>(connection)? > 0;
    Err(if known { decided_already() } else { Error::not_found("join request") })
}

/// Makes whoever asks a member, with the name, address and role that the owner chose, bound to the account that asked.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `join_decided`, `email_taken`, `email_of_former_member` or `account_taken` (409).
pub fn approve(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    id: &JoinRequestId,
    new: &NewMember,
    now: &Now,
) -> Result<Member> {
    let account = decide(connection, viewer, id, Decision::Approved, now)?;
    members::must_be_new(connection, &viewer.workspace_id, &new.email)?;
    let member = members::add(connection, &viewer.workspace_id, new, now)?;
    identities::bind_joined(connection, &member, &account, now)?;
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "join_approved", member.id.as_str(), account.as_str(), now)?;
    Ok(member)
}

/// Says no. The person sees it in the panel and may ask again after 30 days.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `join_decided` (409).
pub fn refuse(connection: &mut AnyConnection, viewer: &Viewer, id: &JoinRequestId, now: &Now) -> Result<()> {
    let account = decide(connection, viewer, id, Decision::Refused, now)?;
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "join_refused", id.as_str(), account.as_str(), now)
}

/// Writes a decision down, once; the answer is the account that asked.
fn decide(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    id: &JoinRequestId,
    decision: Decision,
    now: &Now,
) -> Result<AccountId> {
    viewer.must_own()?;
    let row = join_requests::table.filter(join_requests::id.eq(id)).filter(join_requests::workspace_id.eq(&viewer.workspace_id));
    let found: Option<(String, Option<Decision>)> =
        for_update(row.select((join_requests::account_id, join_requests::decision))).get_result(connection).optional()?;
    let (account, decided) = found.ok_or_else(|| Error::not_found("join request"))?;
    if decided.is_some() {
        return Err(decided_already());
    }
    let by: Option<&MemberId> = Some(&viewer.member_id);
    diesel::update(join_requests::table.find(id))
        .set((
            join_requests::decision.eq(Some(decision)),
            join_requests::decided_by.eq(by),
            join_requests::decided_at.eq(Some(now.at)),
        ))
        .execute(connection)?;
    AccountId::parse(&account)
}

/// The questions to a ClarityLoop workspace that were asked in a Bitbucket workspace.
macro_rules! asked_in {
    ($workspace_id:expr, $bitbucket_workspace:expr) => {
        join_requests::table
            .filter(join_requests::workspace_id.eq($workspace_id))
            .filter(join_requests::bitbucket_workspace_uuid.eq($bitbucket_workspace.to_string()))
    };
}

/// Takes away every question to a ClarityLoop workspace that came from a Bitbucket workspace.
///
/// # Errors
/// When the database refuses.
pub fn purge(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<usize> {
    Ok(diesel::delete(asked_in!(workspace_id, bitbucket_workspace)).execute(connection)?)
}

/// How many questions to a ClarityLoop workspace are kept that were asked in a Bitbucket workspace.
///
/// # Errors
/// When the database refuses.
pub fn count_in(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<i64> {
    Ok(asked_in!(workspace_id, bitbucket_workspace).count().get_result(connection)?)
}
