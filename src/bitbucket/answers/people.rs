//! Accounts, workspaces and who may what.

use serde::Deserialize;
use uuid::Uuid;

use super::lenient;

/// A workspace, whole or as far as another object names it.
#[derive(Clone, Debug, Deserialize)]
pub struct Workspace {
    /// Its slug, which changes when it is renamed.
    pub slug: String,
    /// Its name; condensed objects may lack it.
    #[serde(default)]
    pub name: Option<String>,
    /// What outlives a rename.
    #[serde(default, deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
}

/// A person or app; absent fields mean that the account is gone.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// The Atlassian account id.
    #[serde(default)]
    pub account_id: Option<String>,
    /// The Bitbucket UUID, in braces.
    #[serde(default)]
    pub uuid: Option<String>,
    /// The name that others see.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The short name for mentions.
    #[serde(default)]
    pub nickname: Option<String>,
    /// `user`, `app_user` (an app or an access token) or `team`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// An e-mail address of the account that asks.
#[derive(Clone, Debug, Deserialize)]
pub struct Email {
    /// The address.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether Bitbucket has confirmed it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub is_confirmed: bool,
    /// Whether it is the main one.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub is_primary: bool,
}

/// A workspace that the credential reaches.
#[derive(Clone, Debug, Deserialize)]
pub struct WorkspaceAccess {
    /// Which.
    #[serde(default)]
    pub workspace: Option<Workspace>,
    /// Whether its account administers it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub administrator: bool,
}

/// That somebody belongs to a workspace.
#[derive(Clone, Debug, Deserialize)]
pub struct Membership {
    /// Who.
    #[serde(default)]
    pub user: Option<User>,
    /// `owner`, `collaborator` or `member`, where permissions were asked for.
    #[serde(default)]
    pub permission: Option<String>,
}

/// What somebody may do in a repository.
#[derive(Clone, Debug, Deserialize)]
pub struct RepositoryPermission {
    /// `read`, `write` or `admin`.
    #[serde(default)]
    pub permission: Option<String>,
    /// Who.
    #[serde(default)]
    pub user: Option<User>,
    /// Where.
    #[serde(default)]
    pub repository: Option<super::Repository>,
}
