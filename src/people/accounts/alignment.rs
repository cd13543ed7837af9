//! What an owner says of an account that has been seen: it is this member's, it is nobody's, and that undone.

use diesel::prelude::*;

use super::listing::{self, Account};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::identities::{self, AccountId, Identity};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::bitbucket_accounts as accounts;

/// Aligns a member with an account that has been seen. It opens nothing before the member confirms it.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `identity_taken` or `account_taken` (409).
pub fn bind(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    account_id: &str,
    member_id: &MemberId,
    now: &Now,
) -> Result<Identity> {
    let account = listing::find(connection, viewer, account_id)?;
    let uuid = account.bitbucket_uuid.as_deref().and_then(|uuid| uuid::Uuid::try_parse(uuid).ok());
    let bound = identities::align(connection, viewer, member_id, &AccountId::parse(&account.account_id)?, uuid, now)?;
    set(connection, viewer, account, false)?;
    Ok(bound)
}

/// Marks an account as nobody's in this workspace: a robot, a contractor, somebody who has left.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `account_bound` (409).
pub fn mark_not_a_member(connection: &mut AnyConnection, viewer: &Viewer, account_id: &str, now: &Now) -> Result<Account> {
    let account = listing::find(connection, viewer, account_id)?;
    if account.bound.is_some() {
        return Err(Error::conflict("account_bound", "This Bitbucket account is linked to a member. Unlink it first."));
    }
    if account.is_not_a_member {
        return Ok(account);
    }
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "account_not_a_member", account_id, account.name(), now)?;
    set(connection, viewer, account, true)
}

/// Takes back that an account is nobody's.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn unmark(connection: &mut AnyConnection, viewer: &Viewer, account_id: &str, now: &Now) -> Result<Account> {
    let account = listing::find(connection, viewer, account_id)?;
    if !account.is_not_a_member {
        return Ok(account);
    }
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "account_unmarked", account_id, account.name(), now)?;
    set(connection, viewer, account, false)
}

fn set(connection: &mut AnyConnection, viewer: &Viewer, mut account: Account, is_not_a_member: bool) -> Result<Account> {
    let row = accounts::table.find((&viewer.workspace_id, &account.account_id));
    diesel::update(row).set(accounts::is_not_a_member.eq(is_not_a_member)).execute(connection)?;
    account.is_not_a_member = is_not_a_member;
    Ok(account)
}
