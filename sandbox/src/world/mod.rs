//! The world that the sandbox shows: workspaces, people, repositories and pull requests, and what can happen to them.
//!
//! UUIDs are written as Bitbucket writes them, lower-case and in braces. A thing is found by its UUID or by its slug.

mod content;
mod crowd;
mod history;
mod people;
mod permission;
mod pull_request;
mod repository;

pub use content::{Comment, File, Pipeline};
pub use crowd::Crowd;
pub(crate) use crowd::Listed;
pub(crate) use history::hash_of;
pub use history::{Branch, Commit};
pub use people::{Email, User, Workspace};
pub use permission::{Membership, Permission, RepositoryPermission, WorkspacePermission};
pub use pull_request::{PullRequest, PullRequestState, Review, Reviewer};
pub use repository::{Project, Repository};

/// Everything that there is. The lists are open to change; what one thing says of another must be there.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// All workspaces.
    pub workspaces: Vec<Workspace>,
    /// All people; each is a member of every workspace that is not personal, unless `memberships` says otherwise.
    pub users: Vec<User>,
    /// Who owns a workspace, or is not in it.
    pub memberships: Vec<Membership>,
    /// All e-mail addresses.
    pub emails: Vec<Email>,
    /// All projects.
    pub projects: Vec<Project>,
    /// All repositories.
    pub repositories: Vec<Repository>,
    /// Where somebody may do more or less in a repository than their membership says.
    pub permissions: Vec<RepositoryPermission>,
    /// All pull requests but those of crowds.
    pub pull_requests: Vec<PullRequest>,
    /// Pull requests that follow a pattern.
    pub crowds: Vec<Crowd>,
    /// Branches that were made or pushed to.
    pub branches: Vec<Branch>,
    /// Files, where a repository has others than all have.
    pub files: Vec<File>,
    /// Comments that somebody has written.
    pub comments: Vec<Comment>,
    /// All runs of Pipelines.
    pub pipelines: Vec<Pipeline>,
    /// UUIDs of the repositories where Pipelines is on.
    pub with_pipelines: Vec<String>,
    /// UUIDs of the workspaces where code search is on.
    pub with_code_search: Vec<String>,
    /// UUID of a repository and the account id of somebody who reviews everything there.
    pub default_reviewers: Vec<(String, String)>,
}

impl World {
    /// The workspace with this UUID or slug.
    #[must_use]
    pub fn workspace(&self, uuid_or_slug: &str) -> Option<&Workspace> {
        self.workspaces.iter().find(|workspace| workspace.uuid == uuid_or_slug || workspace.slug == uuid_or_slug)
    }

    /// The person with this account id.
    #[must_use]
    pub fn user(&self, account_id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.account_id == account_id)
    }

    /// The repository with this UUID, slug or name in full (`workspace/repository`).
    #[must_use]
    pub fn repository(&self, uuid_or_name: &str) -> Option<&Repository> {
        match uuid_or_name.split_once('/') {
            Some((workspace, repository)) => self.repository_in(workspace, repository),
            None => self.repositories.iter().find(|repository| repository.is(uuid_or_name)),
        }
    }

    /// The repository with this UUID or slug in the workspace with this UUID or slug; `{}` as the workspace stands for any.
    #[must_use]
    pub fn repository_in(&self, workspace: &str, uuid_or_slug: &str) -> Option<&Repository> {
        let mut candidates = self.repositories.iter().filter(|repository| repository.is(uuid_or_slug));
        if workspace == "{}" {
            return candidates.find(|repository| repository.uuid == uuid_or_slug);
        }
        let workspace = self.workspace(workspace)?;
        candidates.find(|repository| repository.workspace == workspace.uuid)
    }

    /// The pull request with this number in this repository (UUID, slug or name in full).
    #[must_use]
    pub fn pull_request(&self, repository: &str, id: u64) -> Option<&PullRequest> {
        let repository = self.repository(repository)?;
        self.pull_requests.iter().find(|pull_request| pull_request.id == id && pull_request.repository == repository.uuid)
    }

    /// The same, to change it; one of a crowd is kept from then on.
    pub fn pull_request_mut(&mut self, repository: &str, id: u64) -> Option<&mut PullRequest> {
        if self.pull_request(repository, id).is_none() {
            let found = self.find_pull_request(repository, id)?.into_owned();
            self.pull_requests.push(found);
        }
        let repository = self.repository(repository)?.uuid.clone();
        self.pull_requests.iter_mut().find(|pull_request| pull_request.id == id && pull_request.repository == repository)
    }
}
