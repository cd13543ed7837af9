//! Repositories, their branches and branching model.

use super::{RepositoryName, WorkspaceName, path};
use crate::bitbucket::answers::{Branch, BranchingModel, Project, Repository};
use crate::bitbucket::operation::Operation;
use crate::bitbucket::{Call, Client, Credential, Failure, Pages};

/// Which repositories of a workspace, and in what order.
#[derive(Clone, Debug, Default)]
pub struct RepositoryQuery {
    /// In Bitbucket's query language, such as `project.key="LED"`
    /// (<https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering>).
    pub q: Option<String>,
    /// A field, with a minus sign for descending, such as `-updated_on`.
    pub sort: Option<String>,
    /// What the credential's account is there: `member`, `contributor`, `admin` or `owner`.
    pub role: Option<String>,
}

impl Client {
    /// The repositories of a workspace that the credential may see, a hundred a page.
    ///
    /// # Errors
    /// `NotFound` for a workspace that cannot be one; each page has its own.
    pub fn repositories(
        &self,
        credential: &Credential,
        workspace: &WorkspaceName,
        query: &RepositoryQuery,
    ) -> Result<Pages<Repository>, Failure> {
        let call = path(["repositories", &workspace.segment()]).map(|path| {
            let call = Call::get(path).with_some("role", query.role.as_deref());
            call.with_some("q", query.q.as_deref()).with_some("sort", query.sort.as_deref())
        });
        Pages::new(self, Operation::named("repositories"), credential, call)
    }

    /// One repository.
    ///
    /// # Errors
    /// A [`Failure`]; `NotFound` also for a private one that the credential may not see.
    pub async fn repository(&self, credential: &Credential, repository: &RepositoryName) -> Result<Repository, Failure> {
        let call = Call::get(repository.path(&[])?);
        self.get(Operation::named("repository"), credential, &call).await
    }

    /// The projects of a workspace (scope `project`).
    ///
    /// # Errors
    /// `NotFound` for a workspace that cannot be one; each page has its own.
    pub fn projects(&self, credential: &Credential, workspace: &WorkspaceName) -> Result<Pages<Project>, Failure> {
        let call = path(["workspaces", &workspace.segment(), "projects"]).map(Call::get);
        Pages::new(self, Operation::named("projects"), credential, call)
    }

    /// The branches of a repository; `q` narrows them, such as `name ~ "feature"`, and `sort` orders them, such as `-target.date`.
    ///
    /// # Errors
    /// `NotFound` for a repository that cannot be one; each page has its own.
    pub fn branches(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        q: Option<&str>,
        sort: Option<&str>,
    ) -> Result<Pages<Branch>, Failure> {
        let path = repository.path(&["refs", "branches"]);
        let call = path.map(|path| Call::get(path).with_some("q", q).with_some("sort", sort));
        Pages::new(self, Operation::named("branches"), credential, call)
    }

    /// One branch, whatever slashes its name has. Files and commits are read at its `target.hash`, because their paths take no branch
    /// with a slash.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn branch(&self, credential: &Credential, repository: &RepositoryName, name: &str) -> Result<Branch, Failure> {
        let call = Call::get(repository.path(&["refs", "branches", name])?);
        self.get(Operation::named("branch"), credential, &call).await
    }

    /// Which branches are for what, the project's model included.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn branching_model(&self, credential: &Credential, repository: &RepositoryName) -> Result<BranchingModel, Failure> {
        let call = Call::get(repository.path(&["effective-branching-model"])?);
        self.get(Operation::named("branching_model"), credential, &call).await
    }
}
