//! Who may do what: in a workspace by membership, in a repository by that or by what is said for it alone.

use super::{Repository, Workspace, World};

/// What somebody is in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkspacePermission {
    /// Not in it.
    None,
    /// In it for some repositories only.
    Collaborator,
    /// In it.
    Member,
    /// In charge of it.
    Owner,
}

/// What somebody may do in a repository; each holds those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Nothing.
    None,
    /// See it.
    Read,
    /// Push to it.
    Write,
    /// Change its settings.
    Admin,
}

/// What a person is in a workspace, where that is not what everybody is.
#[derive(Clone, Debug)]
pub struct Membership {
    /// UUID of the workspace.
    pub workspace: String,
    /// Who.
    pub account_id: String,
    /// As what.
    pub permission: WorkspacePermission,
}

/// What a person may do in a repository, where that is not what their membership says.
#[derive(Clone, Debug)]
pub struct RepositoryPermission {
    /// UUID of the repository.
    pub repository: String,
    /// Who.
    pub account_id: String,
    /// What.
    pub permission: Permission,
}

impl WorkspacePermission {
    /// As the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Collaborator => "collaborator",
            Self::Member => "member",
            Self::Owner => "owner",
        }
    }
}

impl Permission {
    /// As the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl World {
    /// What somebody (an account id) is in a workspace.
    #[must_use]
    pub fn membership(&self, workspace: &Workspace, account_id: &str) -> WorkspacePermission {
        let said = self.memberships.iter().find(|said| said.workspace == workspace.uuid && said.account_id == account_id);
        match (said, self.user(account_id)) {
            (Some(said), _) => said.permission,
            (None, None) => WorkspacePermission::None,
            (None, Some(user)) if workspace.personal && user.uuid == workspace.uuid => WorkspacePermission::Owner,
            (None, Some(_)) if workspace.personal => WorkspacePermission::None,
            (None, Some(_)) => WorkspacePermission::Member,
        }
    }

    /// What somebody (an account id) may do in a repository.
    #[must_use]
    pub fn permission(&self, repository: &Repository, account_id: &str) -> Permission {
        let said = self.permissions.iter().find(|said| said.repository == repository.uuid && said.account_id == account_id);
        if let Some(said) = said {
            return said.permission;
        }
        match self.workspace(&repository.workspace).map(|workspace| self.membership(workspace, account_id)) {
            Some(WorkspacePermission::Owner) => Permission::Admin,
            Some(WorkspacePermission::Member) => Permission::Write,
            _ if repository.private => Permission::None,
            _ => Permission::Read,
        }
    }

    /// Says what somebody (an account id) may do in a repository (UUID, slug or name in full).
    pub fn permit(&mut self, repository: &str, account_id: &str, permission: Permission) {
        let Some(repository) = self.repository(repository).map(|repository| repository.uuid.clone()) else { return };
        self.permissions.retain(|said| said.repository != repository || said.account_id != account_id);
        self.permissions.push(RepositoryPermission { repository, account_id: account_id.to_owned(), permission });
    }

    /// Says what somebody (an account id) is in a workspace (UUID or slug).
    pub fn enrol(&mut self, workspace: &str, account_id: &str, permission: WorkspacePermission) {
        let Some(workspace) = self.workspace(workspace).map(|workspace| workspace.uuid.clone()) else { return };
        self.memberships.retain(|said| said.workspace != workspace || said.account_id != account_id);
        self.memberships.push(Membership { workspace, account_id: account_id.to_owned(), permission });
    }
}
