//! The domain: workspaces, members, identities, feedback, 1:1s, requests, goals, linked pull requests. Doors, jobs and `connections` call it; it knows no HTTP.
//!
//! Functions are shaped `(connection, viewer, input, now)`: tenant and permission come in with the viewer, time as a value.

pub mod accounts;
pub mod api_tokens;
pub mod attempts;
pub mod audit;
pub mod bitbucket_sign_in;
pub mod colleagues;
pub mod detached;
pub mod feedback;
pub mod folding;
pub mod goals;
pub mod handover;
pub mod hidden_panels;
pub mod idempotency;
pub mod identities;
pub mod join_requests;
pub mod links;
pub mod members;
mod merging;
pub mod one_on_ones;
pub mod page;
pub mod participants;
pub mod pull_requests;
pub mod purge;
pub mod reference;
pub mod requests;
pub mod sessions;
pub mod shared_work;
pub mod targets;
pub mod text;
pub mod unseen;
pub mod visibility;
pub mod workspaces;

use crate::error::{Error, Result};
use crate::storage::aggregate::Fields;
use crate::storage::ids::{MemberId, WorkspaceId};
use members::Role;

/// Who asks: a member of one workspace, proven by the door the request came through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The workspace that everything this viewer reads and writes belongs to.
    pub workspace_id: WorkspaceId,
    /// The member who asks.
    pub member_id: MemberId,
    /// What they may do in it.
    pub role: Role,
}

impl Viewer {
    /// Refuses anybody but an owner.
    ///
    /// # Errors
    /// `owner_needed` (403).
    pub fn must_own(&self) -> Result<()> {
        match self.role {
            Role::Owner => Ok(()),
            Role::Member => Err(Error::forbidden("owner_needed", "Only an owner of the workspace may do this. Ask one of them.")),
        }
    }
}

/// A member by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The member.
    pub id: MemberId,
    /// Their name.
    pub name: String,
}

impl Named {
    /// From the next two fields of an entry; the inner option is empty where the statement named nobody.
    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Option<Self>> {
        let (id, name) = (fields.text()?, fields.text()?);
        Some(MemberId::parse(id).map(|id| Self { id, name: name.to_owned() }))
    }
}

/// A new secret for a link, a session or a token: 32 random bytes in URL-safe base64.
pub(crate) fn new_secret(now: &crate::config::Now) -> crate::config::Secret {
    use base64::Engine as _;
    let bytes: [u8; 32] = now.random.bytes();
    crate::config::Secret::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}
