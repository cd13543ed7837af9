//! Pull requests and what reviewers say.

use chrono::{DateTime, Utc};

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
