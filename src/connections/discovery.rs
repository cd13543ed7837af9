//! Which Bitbucket workspaces a credential reaches, asked of Bitbucket. The consent and the choice of a workspace use it.

use serde::Deserialize;
use uuid::Uuid;

use crate::bitbucket::{ApiPath, Call, Client, Credential, Failure, Page};
use crate::people::pull_requests::parse_uuid;
use crate::people::text::one_line;

/// A Bitbucket workspace that a credential reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Its UUID.
    pub uuid: Uuid,
    /// Its slug.
    pub slug: String,
    /// Whether whoever granted it administers the workspace.
    pub is_administrator: bool,
}

#[derive(Deserialize)]
struct Access {
    #[serde(default)]
    administrator: Option<bool>,
    #[serde(default)]
    workspace: Option<Base>,
}

#[derive(Deserialize)]
struct Base {
    #[serde(default)]
    uuid: Option<String>,
    #[serde(default)]
    slug: Option<String>,
}

/// The workspaces that a credential reaches, at most a hundred: `GET /user/workspaces`, scope `account`.
///
/// # Errors
/// A [`Failure`].
pub async fn workspaces(bitbucket: &Client, credential: &Credential) -> Result<Vec<Reached>, Failure> {
    let path = ApiPath::of(["user", "workspaces"]).map_err(|_refused| Failure::NotFound)?;
    let call = Call::get(path).with("pagelen", "100");
    let page: Page<Access> = bitbucket.call(credential, &call).await?.json()?;
    let reached = |access: Access| {
        let workspace = access.workspace?;
        let (uuid, slug) = (workspace.uuid.as_deref().and_then(parse_uuid)?, workspace.slug?);
        Some(Reached { uuid, slug: one_line(&slug, 100), is_administrator: access.administrator.unwrap_or(false) })
    };
    Ok(page.values.into_iter().filter_map(reached).collect())
}
