//! Removing the OAuth consumer that an owner has entered, and forgetting the secrets of those that were replaced or removed as soon as
//! nothing needs them. The settings page, REST and the server's regular look call it.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::closing;
use super::consumers::{self, Entered};
use super::grants::State;
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::{ConnectionId, ConsumerId, WorkspaceId};
use crate::storage::schema::{connection_secrets, connections, consent_states, oauth_consumers};

/// How many grants live by a consumer: without its secret none of them could be refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uses {
    /// Connections of the workspace. They are disconnected, or granted through another consumer, before it is removed.
    pub connections: i64,
    /// Members' own grants. They end with it, and can be given anew.
    pub own_grants: i64,
}

/// The connections that are not ended and hold secrets which are refreshed through a consumer.
macro_rules! living_by {
    ($id:expr) => {
        connections::table
            .inner_join(connection_secrets::table)
            .filter(connections::consumer_id.eq(Some($id)))
            .filter(connections::state.ne(State::Disconnected))
    };
}

/// The consumer that the viewer's workspace has entered, and what lives by it.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404) when none is entered.
pub fn entered_with_uses(connection: &mut AnyConnection, viewer: &Viewer) -> Result<(Entered, Uses)> {
    let entered = consumers::entered(connection, viewer)?.ok_or_else(|| Error::not_found("OAuth consumer"))?;
    let uses = Uses {
        connections: living_by!(&entered.id).filter(connections::member_id.is_null()).count().get_result(connection)?,
        own_grants: living_by!(&entered.id).filter(connections::member_id.is_not_null()).count().get_result(connection)?,
    };
    Ok((entered, uses))
}

/// Removes the consumer of the viewer's workspace, with its secret and the own grants that members gave through it.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404) when none is entered; `consumer_in_use` (409) while a connection of the workspace lives by it.
pub fn remove(connection: &mut AnyConnection, viewer: &Viewer, now: &Now) -> Result<()> {
    let (entered, uses) = entered_with_uses(connection, viewer)?;
    if uses.connections > 0 {
        return Err(in_use(uses.connections));
    }
    loop {
        let own = living_by!(&entered.id).filter(connections::member_id.is_not_null()).select(connections::id).limit(100);
        let own: Vec<ConnectionId> = own.load(connection)?;
        if own.is_empty() {
            break;
        }
        own.iter().try_for_each(|id| closing::end_with_consumer(connection, viewer, id, now))?;
    }
    // A consent that is under way comes back to nothing: it could never be refreshed.
    diesel::delete(consent_states::table.filter(consent_states::consumer_id.eq(Some(&entered.id)))).execute(connection)?;
    diesel::update(oauth_consumers::table.find(&entered.id))
        .set(oauth_consumers::replaced_at.eq(Some(now.at)))
        .execute(connection)?;
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "consumer_removed", entered.id.as_str(), &entered.client_id, now)?;
    forget_unneeded(connection, Some(&viewer.workspace_id), now).map(|_forgotten| ())
}

fn in_use(connections: i64) -> Error {
    let what = if connections == 1 { "One connection lives".to_owned() } else { format!("{connections} connections live") };
    let detail = format!("{what} by this consumer. Disconnect first, or enter another consumer and connect again with that.");
    Error::conflict("consumer_in_use", detail)
}

/// Forgets consumers that were replaced or removed, of one workspace or of all, once nothing is refreshed through them and nobody is under way
/// to give consent with them; answers how many.
///
/// # Errors
/// When the database refuses.
pub fn forget_unneeded(connection: &mut AnyConnection, workspace_id: Option<&WorkspaceId>, now: &Now) -> Result<usize> {
    let refreshed = connections::table
        .inner_join(connection_secrets::table)
        .filter(connections::consumer_id.eq(oauth_consumers::id.nullable()));
    let under_way = consent_states::table
        .filter(consent_states::consumer_id.eq(oauth_consumers::id.nullable()))
        .filter(consent_states::expires_at.gt(now.at));
    let mut former = oauth_consumers::table
        .filter(oauth_consumers::replaced_at.is_not_null())
        .filter(not(exists(refreshed)))
        .filter(not(exists(under_way)))
        .select(oauth_consumers::id)
        .limit(100)
        .into_boxed();
    if let Some(workspace_id) = workspace_id {
        former = former.filter(oauth_consumers::workspace_id.eq(workspace_id));
    }
    let former: Vec<ConsumerId> = former.load(connection)?;
    for id in &former {
        // What has ended, or is to be granted anew, needs no consumer of old.
        let no_more = connections::table.filter(connections::consumer_id.eq(Some(id)));
        diesel::update(no_more).set(connections::consumer_id.eq(None::<ConsumerId>)).execute(connection)?;
        diesel::delete(oauth_consumers::table.find(id)).execute(connection)?;
    }
    Ok(former.len())
}
