//! Who calls, and what they reach.

use super::{ApiError, needs::Needs};
use crate::{
    access_tokens::Reach,
    calls::CredentialKind,
    descriptor::{Descriptor, implies},
    world::{Permission, Repository, Workspace, WorkspacePermission, World},
};
use serde_json::json;

/// Whoever's credential was accepted.
pub(crate) struct Caller {
    pub(super) identity: Identity,
    pub(super) scopes: Vec<String>,
}

/// By what credential, and in whose name.
pub(super) enum Identity {
    /// A Connect app where it is installed.
    Connect { client_key: String, descriptor: Box<Descriptor>, workspace: String },
    /// A Forge app where it is installed.
    Forge { installation: String, workspace: String },
    /// A person who has granted something to a consumer.
    Granted { account_id: String },
    /// A consumer in its own name.
    App { client_id: String, workspace: String },
    /// An access token, which is somebody of its own.
    AccessToken { name: String, reach: Reach },
    /// A person's API token.
    ApiToken { account_id: String, workspace: Option<String> },
}

impl Caller {
    pub(crate) fn kind(&self) -> CredentialKind {
        match &self.identity {
            Identity::Connect { .. } => CredentialKind::ConnectJwt,
            Identity::Forge { .. } => CredentialKind::ForgeToken,
            Identity::Granted { .. } => CredentialKind::OAuth,
            Identity::App { .. } => CredentialKind::ClientCredentials,
            Identity::AccessToken { .. } => CredentialKind::AccessToken,
            Identity::ApiToken { .. } => CredentialKind::ApiToken,
        }
    }

    /// What stands in the record of calls.
    pub(crate) fn name(&self) -> &str {
        match &self.identity {
            Identity::Connect { client_key, .. } => client_key,
            Identity::Forge { installation, .. } => installation,
            Identity::Granted { account_id, .. } | Identity::ApiToken { account_id, .. } => account_id,
            Identity::App { client_id, .. } => client_id,
            Identity::AccessToken { name, .. } => name,
        }
    }

    /// Whose budget a call draws on: a person's, whatever they call with, or that of a token or an app.
    pub(crate) fn budget(&self) -> String {
        match &self.identity {
            Identity::Granted { account_id, .. } | Identity::ApiToken { account_id, .. } => format!("person {account_id}"),
            _ => format!("{:?} {}", self.kind(), self.name()),
        }
    }

    /// Refuses, as Bitbucket does, an operation for which this credential was not made or has not all scopes.
    pub(super) fn must_have(&self, needs: &Needs) -> Result<(), ApiError> {
        let (_, _, oauth, token, forge) = needs;
        let needed: Vec<&str> = match &self.identity {
            Identity::Forge { .. } if !forge => return Err(ApiError::unsupported()),
            Identity::Forge { .. } | Identity::ApiToken { .. } => token.split_whitespace().collect(),
            _ => oauth.split_whitespace().collect(),
        };
        if needed.iter().all(|scope| self.has(scope)) {
            return Ok(());
        }
        let refusal = ApiError::forbidden("Your credentials lack one or more required privilege scopes.");
        Err(refusal.with("detail", json!({ "granted": self.scopes, "required": needed })))
    }

    fn has(&self, scope: &str) -> bool {
        match &self.identity {
            // These imply nothing.
            Identity::Forge { .. } | Identity::ApiToken { .. } => self.scopes.iter().any(|granted| granted == scope),
            _ => self.scopes.iter().any(|granted| implies(granted, scope)),
        }
    }

    /// The clientKey and the descriptor, for what only Connect apps may call.
    pub(crate) fn connect(&self) -> Result<(&str, &Descriptor), ApiError> {
        match &self.identity {
            Identity::Connect { client_key, descriptor, .. } => Ok((client_key, descriptor)),
            _ => Err(ApiError::unsupported()),
        }
    }

    /// The person who calls, for what only a person may; others are refused.
    pub(crate) fn person(&self) -> Result<&str, ApiError> {
        self.account_id().ok_or_else(ApiError::unsupported)
    }

    /// The person who calls, if it is one.
    pub(crate) fn account_id(&self) -> Option<&str> {
        match &self.identity {
            Identity::Granted { account_id, .. } | Identity::ApiToken { account_id, .. } => Some(account_id),
            _ => None,
        }
    }

    /// What the caller is in a workspace. An app or a token counts as an owner of where it belongs, because it may what its scopes say.
    pub(crate) fn membership(&self, world: &World, workspace: &Workspace) -> WorkspacePermission {
        let is_there = match &self.identity {
            Identity::Connect { workspace: own, .. }
            | Identity::Forge { workspace: own, .. }
            | Identity::App { workspace: own, .. } => *own == workspace.uuid,
            Identity::AccessToken { reach: Reach::Workspace(own), .. } => *own == workspace.uuid || *own == workspace.slug,
            Identity::AccessToken { reach, .. } if reach.is_in(world, workspace) => return WorkspacePermission::Collaborator,
            Identity::AccessToken { .. } => false,
            Identity::Granted { account_id, .. } => return world.membership(workspace, account_id),
            Identity::ApiToken { account_id, workspace: only } => {
                let is_elsewhere = only.as_ref().is_some_and(|only| *only != workspace.uuid && *only != workspace.slug);
                return if is_elsewhere { WorkspacePermission::None } else { world.membership(workspace, account_id) };
            }
        };
        if is_there { WorkspacePermission::Owner } else { WorkspacePermission::None }
    }

    /// What the caller may do in a repository, as far as the scopes allow it.
    pub(crate) fn permission(&self, world: &World, repository: &Repository) -> Permission {
        let otherwise = if repository.private { Permission::None } else { Permission::Read };
        let workspace = world.workspace(&repository.workspace);
        let is_member = workspace.is_some_and(|workspace| self.membership(world, workspace) > WorkspacePermission::None);
        match &self.identity {
            Identity::Granted { account_id, .. } => world.permission(repository, account_id),
            Identity::ApiToken { account_id, workspace: None } => world.permission(repository, account_id),
            Identity::ApiToken { account_id, .. } if is_member => world.permission(repository, account_id),
            Identity::AccessToken { reach, .. } if reach.sees(world, repository) => Permission::Admin,
            Identity::AccessToken { .. } | Identity::ApiToken { .. } => otherwise,
            Identity::Connect { .. } | Identity::Forge { .. } | Identity::App { .. } if is_member => Permission::Admin,
            Identity::Connect { .. } | Identity::Forge { .. } | Identity::App { .. } => otherwise,
        }
    }
}
