//! Who the credential is, what it reaches, and who belongs to a workspace.

use uuid::Uuid;

use super::{WorkspaceName, path};
use crate::bitbucket::answers::{Email, Membership, Page, RepositoryPermission, User, Workspace, WorkspaceAccess};
use crate::bitbucket::operation::Operation;
use crate::bitbucket::{Call, Client, Credential, Failure, Pages};

impl Client {
    /// Whose credential it is. Access tokens of a repository or project have no right to ask (scope `account`).
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn user(&self, credential: &Credential) -> Result<User, Failure> {
        self.get(Operation::named("user"), credential, &Call::get(path(["user"])?)).await
    }

    /// The e-mail addresses of the credential's person (scope `email`).
    ///
    /// # Errors
    /// None yet; each page has its own.
    pub fn emails(&self, credential: &Credential) -> Result<Pages<Email>, Failure> {
        Pages::new(self, Operation::named("emails"), credential, path(["user", "emails"]).map(Call::get))
    }

    /// The workspaces that the credential reaches (scope `account`). There is no listing across workspaces beside it.
    ///
    /// # Errors
    /// None yet; each page has its own.
    pub fn workspaces(&self, credential: &Credential) -> Result<Pages<WorkspaceAccess>, Failure> {
        Pages::new(self, Operation::named("workspaces"), credential, path(["user", "workspaces"]).map(Call::get))
    }

    /// What the credential's person is in a workspace.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn workspace_permission(&self, credential: &Credential, workspace: &WorkspaceName) -> Result<Membership, Failure> {
        let call = Call::get(path(["user", "workspaces", &workspace.segment(), "permission"])?);
        self.get(Operation::named("workspace_permission"), credential, &call).await
    }

    /// What the credential's person may do in the repositories of a workspace; `q` narrows it, such as `repository.name="x"`.
    ///
    /// # Errors
    /// `NotFound` for a workspace that cannot be one; each page has its own.
    pub fn own_repository_permissions(
        &self,
        credential: &Credential,
        workspace: &WorkspaceName,
        q: Option<&str>,
    ) -> Result<Pages<RepositoryPermission>, Failure> {
        let path = path(["user", "workspaces", &workspace.segment(), "permissions", "repositories"]);
        let call = path.map(|path| Call::get(path).with_some("q", q));
        Pages::new(self, Operation::named("own_repository_permissions"), credential, call)
    }

    /// Who may do what in the repositories of a workspace, for its admins; `q` narrows it.
    ///
    /// # Errors
    /// `NotFound` for a workspace that cannot be one; each page has its own.
    pub fn repository_permissions(
        &self,
        credential: &Credential,
        workspace: &WorkspaceName,
        q: Option<&str>,
    ) -> Result<Pages<RepositoryPermission>, Failure> {
        let path = path(["workspaces", &workspace.segment(), "permissions", "repositories"]);
        let call = path.map(|path| Call::get(path).with_some("q", q));
        Pages::new(self, Operation::named("repository_permissions"), credential, call)
    }

    /// Who is what in a workspace; `q` narrows it, such as `permission="owner"`.
    ///
    /// # Errors
    /// `NotFound` for a workspace that cannot be one; each page has its own.
    pub fn permissions(
        &self,
        credential: &Credential,
        workspace: &WorkspaceName,
        q: Option<&str>,
    ) -> Result<Pages<Membership>, Failure> {
        let call = path(["workspaces", &workspace.segment(), "permissions"]).map(|path| Call::get(path).with_some("q", q));
        Pages::new(self, Operation::named("permissions"), credential, call)
    }

    /// The workspace's slug and name.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn workspace(&self, credential: &Credential, workspace: Uuid) -> Result<Workspace, Failure> {
        let call = Call::get(path(["workspaces", &WorkspaceName::Uuid(workspace).segment()])?);
        self.get(Operation::named("workspace"), credential, &call).await
    }

    /// Who belongs to a workspace.
    ///
    /// # Errors
    /// `NotFound` for a workspace that cannot be one; each page has its own.
    pub fn members(&self, credential: &Credential, workspace: &WorkspaceName) -> Result<Pages<Membership>, Failure> {
        let call = path(["workspaces", &workspace.segment(), "members"]).map(Call::get);
        Pages::new(self, Operation::named("workspace_members"), credential, call)
    }

    /// A part of the workspace's members: the first hundred, or what the `next` of the part before names.
    ///
    /// # Errors
    /// A [`Failure`]; `Malformed` when `next` leads anywhere but to the API that was asked.
    pub async fn workspace_members(
        &self,
        credential: &Credential,
        workspace: Uuid,
        next: Option<&str>,
    ) -> Result<Page<Membership>, Failure> {
        let members = self.members(credential, &WorkspaceName::Uuid(workspace))?;
        let mut members = if let Some(next) = next { members.from_page(next)? } else { members };
        members.next_page().await?.ok_or(Failure::Malformed)
    }
}
