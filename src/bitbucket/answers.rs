//! What we read of Bitbucket's answers: lenient to missing and null fields, because both occur, and to words that are yet to come. Used by
//! whoever calls Bitbucket.

mod builds;
mod changes;
mod hooks;
mod lenient;
mod page;
mod people;
mod repositories;
mod reviews;
mod search;

#[cfg(test)]
mod tests;

pub use builds::{Deployment, Environment, Named, Pipeline, PipelineName, PipelineTarget, Ran, Release, State, Step};
pub use changes::{Commit, CommitAuthor, CommitName, FileChange, FileName, SourceEntry};
pub use hooks::Hook;
pub use page::Page;
pub use people::{Email, Membership, RepositoryPermission, User, Workspace, WorkspaceAccess};
pub use repositories::{Branch, BranchName, BranchType, BranchingModel, ModelBranch, Project, Repository};
pub use reviews::{Activity, Comment, Endpoint, Participant, PullRequest, PullRequestName, Review, Update};
pub use search::{ContentMatch, FoundFile, IndexedCommit, Line, SearchResult, Segment};
