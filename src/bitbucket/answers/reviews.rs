//! Pull requests, who takes part, and what happened to them.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{BranchName, Commit, Repository, User, lenient};

/// Somebody who reviews or takes part.
#[derive(Clone, Debug, Deserialize)]
pub struct Participant {
    /// Who.
    #[serde(default)]
    pub user: Option<User>,
    /// `REVIEWER` or `PARTICIPANT`.
    #[serde(default)]
    pub role: Option<String>,
    /// `approved`, `changes_requested` or null.
    #[serde(default)]
    pub state: Option<String>,
    /// Whether they approved, in answers without `state`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub approved: bool,
    /// When they did something last.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub participated_on: Option<DateTime<Utc>>,
}

/// One side of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Endpoint {
    /// Where it is; null for a deleted fork.
    #[serde(default)]
    pub repository: Option<Repository>,
    /// Which branch, which may be gone.
    #[serde(default)]
    pub branch: Option<BranchName>,
    /// Its commit; null when the branch is gone.
    #[serde(default)]
    pub commit: Option<Commit>,
}

/// A pull request. Lists lack `reviewers` and `participants` unless they are asked for, as our list does. There is no moment of
/// merging in it: it is `merge_commit.date`, or in the activity.
#[derive(Clone, Debug, Deserialize)]
pub struct PullRequest {
    /// Its number in the repository.
    #[serde(default)]
    pub id: Option<i64>,
    /// Its title.
    #[serde(default)]
    pub title: Option<String>,
    /// `OPEN`, `MERGED`, `DECLINED` or `SUPERSEDED`.
    #[serde(default)]
    pub state: Option<String>,
    /// Whether it is a draft; older answers do not say.
    #[serde(default)]
    pub draft: Option<bool>,
    /// Who opened it; null when the account is gone.
    #[serde(default)]
    pub author: Option<User>,
    /// Who closed it.
    #[serde(default)]
    pub closed_by: Option<User>,
    /// Who was asked to review.
    #[serde(default)]
    pub reviewers: Option<Vec<User>>,
    /// Who reviews or takes part, with how they stand.
    #[serde(default)]
    pub participants: Option<Vec<Participant>>,
    /// Where it comes from.
    #[serde(default)]
    pub source: Option<Endpoint>,
    /// Where it goes.
    #[serde(default)]
    pub destination: Option<Endpoint>,
    /// What merged it.
    #[serde(default)]
    pub merge_commit: Option<Commit>,
    /// How many comments it has.
    #[serde(default)]
    pub comment_count: Option<u64>,
    /// How many tasks it has.
    #[serde(default)]
    pub task_count: Option<u64>,
    /// When it was opened.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub created_on: Option<DateTime<Utc>>,
    /// When it was touched last.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub updated_on: Option<DateTime<Utc>>,
}

/// One thing that happened to a pull request. One of the kinds is there; a kind that is yet to come leaves all of them empty.
#[derive(Clone, Debug, Deserialize)]
pub struct Activity {
    /// To which one.
    #[serde(default)]
    pub pull_request: Option<PullRequestName>,
    /// It was opened, changed, merged or declined.
    #[serde(default)]
    pub update: Option<Update>,
    /// Somebody approved.
    #[serde(default)]
    pub approval: Option<Review>,
    /// Somebody asked for changes.
    #[serde(default, alias = "changes_request")]
    pub changes_requested: Option<Review>,
    /// Somebody commented. What they wrote is not read.
    #[serde(default)]
    pub comment: Option<Comment>,
}

/// A pull request by its number alone.
#[derive(Clone, Debug, Deserialize)]
pub struct PullRequestName {
    /// Its number in the repository.
    #[serde(default)]
    pub id: Option<i64>,
}

/// That a pull request was opened or changed, and how it stood then.
#[derive(Clone, Debug, Deserialize)]
pub struct Update {
    /// When.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub date: Option<DateTime<Utc>>,
    /// By whom.
    #[serde(default)]
    pub author: Option<User>,
    /// `OPEN`, `MERGED`, `DECLINED` or `SUPERSEDED`.
    #[serde(default)]
    pub state: Option<String>,
    /// Whether it was a draft.
    #[serde(default)]
    pub draft: Option<bool>,
    /// Where it came from: another commit means a push.
    #[serde(default)]
    pub source: Option<Endpoint>,
    /// Where it was to go.
    #[serde(default)]
    pub destination: Option<Endpoint>,
    /// What changed, by field; which fields there are is documented nowhere.
    #[serde(default)]
    pub changes: Option<serde_json::Value>,
}

/// That somebody approved or asked for changes.
#[derive(Clone, Debug, Deserialize)]
pub struct Review {
    /// When.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub date: Option<DateTime<Utc>>,
    /// Who.
    #[serde(default)]
    pub user: Option<User>,
}

/// That somebody commented, without what they wrote.
#[derive(Clone, Debug, Deserialize)]
pub struct Comment {
    /// Its number.
    #[serde(default)]
    pub id: Option<i64>,
    /// When.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub created_on: Option<DateTime<Utc>>,
    /// Who.
    #[serde(default)]
    pub user: Option<User>,
    /// Whether it is gone.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub deleted: bool,
}
