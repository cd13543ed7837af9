//! What owners and the app did, for owners to read. Written in the transaction of what it tells of.

use diesel::prelude::*;

use crate::config::Now;
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::{WorkspaceId, new_uuid};
use crate::storage::schema::audit;

/// The actor of what the app did by itself.
pub const APP: &str = "app";
/// The actor of what the operator did at the command line.
pub const OPERATOR: &str = "operator";

/// Records that `actor` (a member's id, [`APP`] or [`OPERATOR`]) did `action` to `subject`; `detail` is one plain line.
///
/// # Errors
/// When the database refuses.
pub fn record(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    actor: &str,
    action: &'static str,
    subject: &str,
    detail: &str,
    now: &Now,
) -> Result<()> {
    diesel::insert_into(audit::table)
        .values((
            audit::id.eq(new_uuid(now).to_string()),
            audit::workspace_id.eq(workspace_id),
            audit::at.eq(now.at),
            audit::actor.eq(actor),
            audit::action.eq(action),
            audit::subject.eq(subject),
            audit::detail.eq(detail),
        ))
        .execute(connection)?;
    Ok(())
}
