//! The world that the sandbox shows: workspaces, people, repositories and pull requests, and what can happen to them.
//!
//! UUIDs are written as Bitbucket writes them, lower-case and in braces. A thing is found by its UUID or by its slug.

use chrono::{DateTime, Utc};

/// Where repositories live and apps are installed.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// In braces.
    pub uuid: String,
    /// The first segment of every address inside.
    pub slug: String,
    /// For people to read.
    pub name: String,
    /// A person's own workspace: it has the UUID of that person, and its lifecycle payload has no `username`.
    pub personal: bool,
}

/// A person with an Atlassian account.
#[derive(Clone, Debug)]
pub struct User {
    /// Atlassian's id of the account.
    pub account_id: String,
    /// Bitbucket's id of the account, in braces.
    pub uuid: String,
    /// For people to read.
    pub display_name: String,
}

/// An e-mail address of a person.
#[derive(Clone, Debug)]
pub struct Email {
    /// Whose.
    pub account_id: String,
    /// The address.
    pub address: String,
    /// Whether its owner has proven that it is theirs.
    pub is_confirmed: bool,
    /// Whether mail goes to it.
    pub is_primary: bool,
}

/// A repository.
#[derive(Clone, Debug)]
pub struct Repository {
    /// In braces.
    pub uuid: String,
    /// The second segment of every address inside.
    pub slug: String,
    /// For people to read.
    pub name: String,
    /// UUID of its workspace.
    pub workspace: String,
    /// Whether only members of the workspace see it.
    pub private: bool,
}

/// Where a pull request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullRequestState {
    /// Waiting for review or merge.
    Open,
    /// Merged into its destination.
    Merged,
    /// Closed without a merge.
    Declined,
    /// Closed because another one took its place.
    Superseded,
}

impl PullRequestState {
    /// As the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Merged => "MERGED",
            Self::Declined => "DECLINED",
            Self::Superseded => "SUPERSEDED",
        }
    }
}

/// What a reviewer has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    /// Nothing yet.
    Awaited,
    /// Yes.
    Approved,
    /// Not like this.
    ChangesRequested,
}

/// A person who is asked to review, and their answer.
#[derive(Clone, Debug)]
pub struct Reviewer {
    /// Whose review.
    pub account_id: String,
    /// The answer.
    pub review: Review,
    /// When they last acted.
    pub participated_on: Option<DateTime<Utc>>,
}

/// A pull request.
#[derive(Clone, Debug)]
pub struct PullRequest {
    /// UUID of its repository.
    pub repository: String,
    /// Its number, unique within the repository.
    pub id: u64,
    /// One line.
    pub title: String,
    /// Markdown.
    pub description: String,
    /// Where it stands.
    pub state: PullRequestState,
    /// Account id of its author.
    pub author: String,
    /// The people asked to review.
    pub reviewers: Vec<Reviewer>,
    /// The branch with the changes.
    pub source_branch: String,
    /// The branch that they are for.
    pub destination_branch: String,
    /// Account id of who merged or declined it.
    pub closed_by: Option<String>,
    /// How many comments it has.
    pub comment_count: u32,
    /// When it was opened.
    pub created_on: DateTime<Utc>,
    /// When it last changed.
    pub updated_on: DateTime<Utc>,
}

impl PullRequest {
    /// Records a reviewer's answer; somebody who was not asked becomes a reviewer by answering.
    pub fn review(&mut self, account_id: &str, review: Review, now: DateTime<Utc>) {
        self.updated_on = now;
        let answer = Reviewer { account_id: account_id.to_owned(), review, participated_on: Some(now) };
        match self.reviewers.iter_mut().find(|reviewer| reviewer.account_id == account_id) {
            Some(reviewer) => *reviewer = answer,
            None => self.reviewers.push(answer),
        }
    }

    /// Merges, declines or supersedes it.
    pub fn close(&mut self, state: PullRequestState, account_id: &str, now: DateTime<Utc>) {
        self.state = state;
        self.closed_by = Some(account_id.to_owned());
        self.updated_on = now;
    }

    /// Gives it another title.
    pub fn retitle(&mut self, title: &str, now: DateTime<Utc>) {
        title.clone_into(&mut self.title);
        self.updated_on = now;
    }
}

/// Everything that there is. The lists are open to change; what one thing says of another must be there.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// All workspaces.
    pub workspaces: Vec<Workspace>,
    /// All people; each is a member of every workspace that is not personal.
    pub users: Vec<User>,
    /// All e-mail addresses.
    pub emails: Vec<Email>,
    /// All repositories.
    pub repositories: Vec<Repository>,
    /// All pull requests.
    pub pull_requests: Vec<PullRequest>,
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

    /// The same, to change it.
    pub fn pull_request_mut(&mut self, repository: &str, id: u64) -> Option<&mut PullRequest> {
        let repository = self.repository(repository)?.uuid.clone();
        self.pull_requests.iter_mut().find(|pull_request| pull_request.id == id && pull_request.repository == repository)
    }
}

impl Repository {
    fn is(&self, uuid_or_slug: &str) -> bool {
        self.uuid == uuid_or_slug || self.slug == uuid_or_slug
    }
}
