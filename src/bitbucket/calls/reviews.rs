//! Pull requests, what happened to them, and how much was said.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

use super::RepositoryName;
use crate::bitbucket::answers::{Activity, PullRequest};
use crate::bitbucket::operation::Operation;
use crate::bitbucket::{Call, Client, Credential, Failure, Pages};

/// Bitbucket takes no more pull requests or activities a page (<https://jira.atlassian.com/browse/BCLOUD-13229>).
const PAGE_SIZE: u32 = 50;
/// Lists leave these out unless they are asked for; the merge commit's date is the only moment of merging there is.
const LIST_FIELDS: &str = "+values.participants,+values.reviewers,+values.merge_commit.date";

/// How a pull request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullRequestState {
    /// Open.
    Open,
    /// Merged.
    Merged,
    /// Declined.
    Declined,
    /// Replaced by another.
    Superseded,
}

impl PullRequestState {
    /// Bitbucket's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Merged => "MERGED",
            Self::Declined => "DECLINED",
            Self::Superseded => "SUPERSEDED",
        }
    }
}

/// Which pull requests. In large repositories Bitbucket fails over several states in an order: one state a pass is safe.
#[derive(Clone, Debug, Default)]
pub struct PullRequestQuery {
    /// How they stand; open ones when nothing is said.
    pub states: Vec<PullRequestState>,
    /// Touched since; they then come with the one that was touched longest ago first.
    pub updated_since: Option<DateTime<Utc>>,
}

impl PullRequestQuery {
    fn asked_of(&self, call: Call) -> Call {
        let Some(since) = self.updated_since else {
            return self.states.iter().fold(call, |call, state| call.with("state", state.as_str()));
        };
        let states: Vec<String> = self.states.iter().map(|state| format!("state = \"{}\"", state.as_str())).collect();
        let states = if states.is_empty() { "state = \"OPEN\"".to_owned() } else { states.join(" OR ") };
        let since = since.to_rfc3339_opts(SecondsFormat::Micros, false);
        call.with("q", format!("updated_on >= {since} AND ({states})")).with("sort", "updated_on")
    }
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    comment_count: Option<u64>,
}

impl Client {
    /// The pull requests of a repository with their participants and reviewers, fifty a page.
    ///
    /// # Errors
    /// `NotFound` for a repository that cannot be one; each page has its own.
    pub fn pull_requests(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        query: &PullRequestQuery,
    ) -> Result<Pages<PullRequest>, Failure> {
        let path = repository.path(&["pullrequests"]);
        let call = path.map(|path| query.asked_of(Call::get(path)).with("fields", LIST_FIELDS));
        Pages::new(self, Operation::large("pull_requests").paged_by(PAGE_SIZE), credential, call)
    }

    /// A pull request with its participants.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn pull_request(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        number: i64,
    ) -> Result<PullRequest, Failure> {
        let call = Call::get(repository.path(&["pullrequests", &number.to_string()])?);
        self.get(Operation::named("pull_request"), credential, &call).await
    }

    /// What happened to one pull request, fifty a page. The order is not promised: sort by the dates.
    ///
    /// # Errors
    /// `NotFound` for a repository that cannot be one; each page has its own.
    pub fn pull_request_activity(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        number: i64,
    ) -> Result<Pages<Activity>, Failure> {
        let call = repository.path(&["pullrequests", &number.to_string(), "activity"]).map(Call::get);
        Pages::new(self, Operation::named("pull_request_activity").paged_by(PAGE_SIZE), credential, call)
    }

    /// What happened to all pull requests of a repository, fifty a page. The order is not promised: sort by the dates.
    ///
    /// # Errors
    /// `NotFound` for a repository that cannot be one; each page has its own.
    pub fn repository_activity(&self, credential: &Credential, repository: &RepositoryName) -> Result<Pages<Activity>, Failure> {
        let call = repository.path(&["pullrequests", "activity"]).map(Call::get);
        Pages::new(self, Operation::named("repository_activity").paged_by(PAGE_SIZE), credential, call)
    }

    /// How many comments a pull request has, without reading any. `None` when Bitbucket does not say.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn comment_count(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        number: i64,
    ) -> Result<Option<u64>, Failure> {
        let call = Call::get(repository.path(&["pullrequests", &number.to_string()])?).with("fields", "comment_count");
        let counts: Counts = self.get(Operation::named("comment_count"), credential, &call).await?;
        Ok(counts.comment_count)
    }
}
