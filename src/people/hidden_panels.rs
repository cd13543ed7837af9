//! Who has hidden the panel for themselves: a Bitbucket account, whether or not it belongs to a member. Used by the panel.

use diesel::prelude::*;

use super::identities::AccountId;
use crate::config::Now;
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::WorkspaceId;
use crate::storage::schema::hidden_panels;
use crate::storage::statement::OnConflict as _;

/// Hides the panel for this account. Hiding it again changes nothing.
///
/// # Errors
/// When the database refuses.
pub fn hide(connection: &mut AnyConnection, workspace_id: &WorkspaceId, account: &AccountId, now: &Now) -> Result<()> {
    diesel::insert_into(hidden_panels::table)
        .values((
            hidden_panels::workspace_id.eq(workspace_id),
            hidden_panels::account_id.eq(account.as_str()),
            hidden_panels::hidden_at.eq(now.at),
        ))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    Ok(())
}

/// Shows the panel to this account again.
///
/// # Errors
/// When the database refuses.
pub fn show(connection: &mut AnyConnection, workspace_id: &WorkspaceId, account: &AccountId) -> Result<()> {
    diesel::delete(hidden_panels::table.find((workspace_id, account.as_str()))).execute(connection)?;
    Ok(())
}

/// Forgets who has hidden the panel in a workspace that has it in no Bitbucket workspace any more.
///
/// # Errors
/// When the database refuses.
pub fn purge(connection: &mut AnyConnection, workspace_id: &WorkspaceId) -> Result<usize> {
    Ok(diesel::delete(hidden_panels::table.filter(hidden_panels::workspace_id.eq(workspace_id))).execute(connection)?)
}
