//! The typed calls, by what they are about, and the names that their paths are made of. Whoever calls Bitbucket uses them.

mod app;
mod builds;
mod changes;
mod hooks;
mod people;
mod repositories;
mod reviews;
mod search;

use uuid::Uuid;

pub use changes::CommitQuery;
pub use hooks::{HookPlace, NewHook};
pub use repositories::RepositoryQuery;
pub use reviews::{PullRequestQuery, PullRequestState};

use super::Failure;
use super::path::ApiPath;

/// Which workspace is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkspaceName {
    /// By its UUID, which outlives a rename.
    Uuid(Uuid),
    /// By its slug.
    Slug(String),
}

/// Which repository is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepositoryName {
    /// By its UUID, which outlives a rename.
    Uuid(Uuid),
    /// By its `workspace/repository`.
    Full(String),
}

impl WorkspaceName {
    fn segment(&self) -> String {
        match self {
            Self::Uuid(uuid) => format!("{{{uuid}}}"),
            Self::Slug(slug) => slug.clone(),
        }
    }
}

impl RepositoryName {
    /// The two segments that name it.
    fn segments(&self) -> [String; 2] {
        match self {
            // Bitbucket takes empty braces for the workspace when the repository is named by its UUID.
            Self::Uuid(uuid) => ["{}".to_owned(), format!("{{{uuid}}}")],
            Self::Full(name) => {
                let (workspace, repository) = name.split_once('/').unwrap_or((name, ""));
                [workspace.to_owned(), repository.to_owned()]
            }
        }
    }

    /// The path of something in it.
    fn path(&self, below: &[&str]) -> Result<ApiPath, Failure> {
        let [workspace, repository] = self.segments();
        path(["repositories", &workspace, &repository].into_iter().chain(below.iter().copied()))
    }

    /// The path of a file or folder at a commit, whose own slashes stay slashes.
    fn source(&self, hash: &str, file: &str) -> Result<ApiPath, Failure> {
        let mut below = vec!["src", hash];
        below.extend(file.split('/').filter(|part| !part.is_empty()));
        self.path(&below)
    }
}

/// A path with these segments; what cannot be a segment names nothing.
pub(super) fn path<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Result<ApiPath, Failure> {
    ApiPath::of(segments).map_err(|refusal| {
        tracing::debug!(code = refusal.code(), "a name that cannot be one was asked for");
        Failure::NotFound
    })
}
