//! Bitbucket accounts that have been seen: on linked pull requests, and as members of the Bitbucket workspace. Owners bring them
//! together with members.

pub mod alignment;
pub mod listing;
pub mod suggestions;

use chrono::NaiveDateTime;
use diesel::dsl::{not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use uuid::Uuid;

use super::folding::fold;
use super::text::one_line;
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::WorkspaceId;
use crate::storage::schema::bitbucket_accounts as accounts;
use crate::storage::statement::OnConflict as _;

/// An account as Bitbucket names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The Atlassian account id.
    pub account_id: String,
    /// The Bitbucket UUID.
    pub bitbucket_uuid: Option<Uuid>,
    /// The name that others see.
    pub display_name: Option<String>,
    /// The short name for mentions.
    pub nickname: Option<String>,
}

/// Stores that an account was seen; `is_workspace_member` once the workspace's own list has named it.
///
/// # Errors
/// When the database refuses.
pub fn see(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: &str,
    named: &Named,
    is_workspace_member: bool,
    seen_at: NaiveDateTime,
) -> Result<()> {
    let line = |text: &Option<String>| text.as_deref().map(|text| one_line(text, 255)).filter(|text| !text.is_empty());
    let (display_name, nickname) = (line(&named.display_name), line(&named.nickname));
    let names = [display_name.as_deref(), nickname.as_deref()].into_iter().flatten().map(fold);
    let folded = names.chain([named.account_id.clone()]).collect::<Vec<_>>().join(" ");
    diesel::insert_into(accounts::table)
        .values((
            accounts::workspace_id.eq(workspace_id),
            accounts::account_id.eq(&named.account_id),
            accounts::bitbucket_workspace_uuid.eq(bitbucket_workspace),
            accounts::bitbucket_uuid.eq(named.bitbucket_uuid.map(|uuid| uuid.to_string())),
            accounts::display_name.eq(display_name),
            accounts::nickname.eq(nickname),
            accounts::folded.eq(folded),
            accounts::is_workspace_member.eq(is_workspace_member),
            accounts::is_not_a_member.eq(false),
            accounts::seen_at.eq(seen_at),
        ))
        .on_conflict_sql(
            "ON CONFLICT (workspace_id, account_id) DO UPDATE SET \
             bitbucket_workspace_uuid = excluded.bitbucket_workspace_uuid, bitbucket_uuid = excluded.bitbucket_uuid, \
             display_name = excluded.display_name, nickname = excluded.nickname, folded = excluded.folded, \
             is_workspace_member = bitbucket_accounts.is_workspace_member OR excluded.is_workspace_member, seen_at = excluded.seen_at",
        )
        .execute(connection)?;
    Ok(())
}

macro_rules! last_seen_in {
    ($workspace_id:expr, $bitbucket_workspace:expr) => {
        accounts::table
            .filter(accounts::workspace_id.eq($workspace_id))
            .filter(accounts::bitbucket_workspace_uuid.eq($bitbucket_workspace.to_string()))
    };
}

/// Whether an account has a part in what is kept: a linked pull request, or a member's identity.
const IS_NEEDED: &str = "(EXISTS (SELECT 1 FROM pull_request_people \
     INNER JOIN pull_requests ON pull_requests.id = pull_request_people.pull_request_id \
     WHERE pull_request_people.account_id = bitbucket_accounts.account_id \
     AND pull_requests.workspace_id = bitbucket_accounts.workspace_id) \
     OR EXISTS (SELECT 1 FROM identities WHERE identities.account_id = bitbucket_accounts.account_id \
     AND identities.workspace_id = bitbucket_accounts.workspace_id))";

/// Whoever a whole reading of the workspace's members since `begun_at` has not named has left it. Their account is kept only while
/// it has a part in something.
///
/// # Errors
/// When the database refuses.
pub fn forget_who_left(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    begun_at: NaiveDateTime,
) -> Result<()> {
    let left = last_seen_in!(workspace_id, bitbucket_workspace)
        .filter(accounts::is_workspace_member.eq(true))
        .filter(accounts::seen_at.lt(begun_at));
    diesel::update(left).set(accounts::is_workspace_member.eq(false)).execute(connection)?;
    let idle = last_seen_in!(workspace_id, bitbucket_workspace)
        .filter(accounts::is_workspace_member.eq(false))
        .filter(accounts::is_not_a_member.eq(false))
        .filter(not(sql::<Bool>(IS_NEEDED)));
    diesel::delete(idle).execute(connection)?;
    Ok(())
}

/// Forgets the accounts that were last seen in a Bitbucket workspace.
pub(super) fn purge(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<usize> {
    Ok(diesel::delete(last_seen_in!(workspace_id, bitbucket_workspace)).execute(connection)?)
}

/// How many accounts were last seen in a Bitbucket workspace.
pub(super) fn count(connection: &mut AnyConnection, workspace_id: &WorkspaceId, bitbucket_workspace: Uuid) -> Result<i64> {
    Ok(last_seen_in!(workspace_id, bitbucket_workspace).count().get_result(connection)?)
}
