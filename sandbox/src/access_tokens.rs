//! Tokens that people make in their settings and paste elsewhere: access tokens of a workspace, a project or a repository, and API
//! tokens of a person. App passwords are not among them; they are dead.
//!
//! Source: <https://support.atlassian.com/bitbucket-cloud/docs/access-tokens/> and
//! <https://support.atlassian.com/bitbucket-cloud/docs/using-api-tokens/>.

use crate::{
    bitbucket::Bitbucket,
    world::{Repository, Workspace, World},
};
use chrono::{DateTime, Utc};

/// What an access token is made for; each is named by UUID or slug, a project by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everything in a workspace.
    Workspace(String),
    /// The repositories of a project.
    Project {
        /// Where the project is.
        workspace: String,
        /// Its key.
        key: String,
    },
    /// One repository, by its UUID or its name in full.
    Repository(String),
}

/// An access token, which is used as `Authorization: Bearer` and acts as a user of its own. It is secret, so it has no `Debug`.
#[derive(Clone)]
pub struct AccessToken {
    /// The secret.
    pub token: String,
    /// What its maker has called it.
    pub name: String,
    /// What it reaches.
    pub reach: Reach,
    /// Scopes as OAuth has them, for instance `pullrequest`.
    pub scopes: Vec<String>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An API token of a person, used as `Authorization: Basic` of the person's e-mail address and the token. It is secret, so it has
/// no `Debug`.
#[derive(Clone)]
pub struct ApiToken {
    /// The secret.
    pub token: String,
    /// The address of the Atlassian account, which is the name to sign in with.
    pub email: String,
    /// Whose.
    pub account_id: String,
    /// Scopes of their own kind, for instance `read:repository:bitbucket`; none implies another.
    pub scopes: Vec<String>,
    /// The one workspace that it is restricted to (UUID or slug).
    pub workspace: Option<String>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
}

impl AccessToken {
    /// A token without an end.
    #[must_use]
    pub fn new(token: &str, reach: Reach, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Self { token: token.to_owned(), name: "Sandbox token".to_owned(), reach, scopes, expires_at: None }
    }
}

impl ApiToken {
    /// A token without an end for every workspace of the person.
    #[must_use]
    pub fn new(token: &str, email: &str, account_id: &str, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let (token, email, account_id) = (token.to_owned(), email.to_owned(), account_id.to_owned());
        Self { token, email, account_id, scopes, workspace: None, expires_at: None }
    }
}

impl Reach {
    pub(crate) fn sees(&self, world: &World, repository: &Repository) -> bool {
        match self {
            Self::Repository(name) => world.repository(name).is_some_and(|found| found.uuid == repository.uuid),
            Self::Workspace(name) => world.workspace(name).is_some_and(|found| found.uuid == repository.workspace),
            Self::Project { workspace, key } => {
                *key == repository.project && world.workspace(workspace).is_some_and(|found| found.uuid == repository.workspace)
            }
        }
    }

    /// Whether it is made inside this workspace.
    pub(crate) fn is_in(&self, world: &World, workspace: &Workspace) -> bool {
        let found = match self {
            Self::Repository(name) => world.repository(name).map(|repository| repository.workspace.as_str()),
            Self::Workspace(name) | Self::Project { workspace: name, .. } => {
                world.workspace(name).map(|found| found.uuid.as_str())
            }
        };
        found == Some(workspace.uuid.as_str())
    }
}

impl Bitbucket {
    /// Makes an access token, or changes the one with this secret.
    pub fn add_access_token(&self, token: AccessToken) {
        let mut state = self.state();
        state.keep_secret(&token.token);
        state.access_tokens.retain(|known| known.token != token.token);
        state.access_tokens.push(token);
    }

    /// Makes an API token, or changes the one with this secret.
    pub fn add_api_token(&self, token: ApiToken) {
        let mut state = self.state();
        state.keep_secret(&token.token);
        state.api_tokens.retain(|known| known.token != token.token);
        state.api_tokens.push(token);
    }

    /// Ends an access token or an API token.
    pub fn revoke_token(&self, token: &str) {
        let mut state = self.state();
        state.access_tokens.retain(|known| known.token != token);
        state.api_tokens.retain(|known| known.token != token);
    }

    pub(crate) fn pasted_token(&self, token: &str) -> Option<AccessToken> {
        let now = self.now();
        let is_good = |known: &&AccessToken| known.token == token && known.expires_at.is_none_or(|end| end > now);
        self.state().access_tokens.iter().find(is_good).cloned()
    }

    pub(crate) fn api_token(&self, email: &str, token: &str) -> Option<ApiToken> {
        let now = self.now();
        let is_good = |known: &&ApiToken| {
            known.token == token && known.email.eq_ignore_ascii_case(email) && known.expires_at.is_none_or(|end| end > now)
        };
        self.state().api_tokens.iter().find(is_good).cloned()
    }
}
