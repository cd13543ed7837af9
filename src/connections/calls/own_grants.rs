//! A member's own grants where a call is concerned: which of them it is made with, and what to say when none will do. `access` asks.

use crate::bitbucket::operations::Operation;
use crate::connections::grants::{self, Connection, State};
use crate::connections::purposes::Purpose;
use crate::connections::scopes;
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::people::identities::Identity;
use crate::storage::AnyConnection;

/// The member's own grants that are in use, the one that reads first.
pub(super) struct Own(Vec<Connection>);

impl Own {
    /// Reads them; `identity` is the account that the member has confirmed.
    pub(super) fn read(connection: &mut AnyConnection, viewer: &Viewer, identity: Option<&Identity>) -> Result<Self> {
        let mut own = grants::own(connection, viewer)?;
        own.retain(|own| own.state == State::Connected && own.is_still_of(identity));
        Ok(Self(own))
    }

    /// The narrowest whose scopes suffice, as far as they are known. Whoever has consented to reading has not consented to a write, although
    /// Bitbucket lets the scope for reading pull requests comment on them.
    pub(super) fn for_operation(&self, operation: &Operation) -> Option<&Connection> {
        let suffices = |own: &&Connection| {
            let granted = own.scopes.as_deref();
            granted.is_none_or(|granted| operation.oauth_scopes.iter().all(|scope| scopes::covers(granted, scope)))
        };
        self.0.iter().filter(|own| operation.is_read() || own.serves(Purpose::Writes)).find(suffices)
    }

    /// Whether there is one, and none that will do.
    pub(super) fn are_too_narrow(&self, operation: &Operation) -> bool {
        !self.0.is_empty() && self.for_operation(operation).is_none()
    }

    /// What to say where only the member's own grant would do.
    pub(super) fn needed(&self, operation: &Operation) -> Error {
        let (which, purpose) =
            if operation.is_read() { ("that reads", Purpose::AgentTools) } else { ("that writes", Purpose::Writes) };
        if self.0.is_empty() {
            let detail = format!(
                "Only your own Bitbucket account may do this for you. Give your own grant {which} on your profile, and call again."
            );
            return Error::forbidden("own_grant_needed", detail);
        }
        let scopes = operation.oauth_scopes.join(" and ");
        let asked = scopes::asked_for(purpose).iter().map(|(scope, _)| *scope).collect::<Vec<_>>().join(" ");
        let detail = if operation.oauth_scopes.iter().all(|scope| scopes::covers(&asked, scope)) {
            format!("Your own grant does not suffice for this, which needs {scopes}. Give the one {which} on your profile.")
        } else {
            format!("This needs the scope {scopes}, which ClarityLoop asks no member for. Do it in Bitbucket itself.")
        };
        Error::forbidden("own_grant_too_narrow", detail)
    }
}
