//! What we read of Bitbucket's answers: lenient to missing and null fields, because both occur. Used by whoever calls Bitbucket.

use serde::Deserialize;

/// A workspace.
#[derive(Clone, Debug, Deserialize)]
pub struct Workspace {
    /// Its slug.
    pub slug: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
}

/// A person or app; absent fields mean that the account is gone.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// The Atlassian account id.
    #[serde(default)]
    pub account_id: Option<String>,
    /// The Bitbucket UUID, in braces.
    #[serde(default)]
    pub uuid: Option<String>,
    /// The name that others see.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The short name for mentions.
    #[serde(default)]
    pub nickname: Option<String>,
}

/// A part of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// The entries.
    #[serde(default = "Vec::new")]
    pub values: Vec<T>,
    /// The address of the next part; absent on the last.
    #[serde(default)]
    pub next: Option<String>,
}

/// That somebody belongs to a workspace.
#[derive(Clone, Debug, Deserialize)]
pub struct Membership {
    /// Who.
    #[serde(default)]
    pub user: Option<User>,
}

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
    #[serde(default)]
    pub approved: bool,
}

/// The repository a pull request goes to.
#[derive(Clone, Debug, Deserialize)]
pub struct Repository {
    /// `workspace/repository`.
    #[serde(default)]
    pub full_name: Option<String>,
}

/// One side of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Endpoint {
    /// Where it is; null for a deleted fork.
    #[serde(default)]
    pub repository: Option<Repository>,
}

/// A pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct PullRequest {
    /// Its title.
    #[serde(default)]
    pub title: Option<String>,
    /// `OPEN`, `MERGED`, `DECLINED` or `SUPERSEDED`.
    #[serde(default)]
    pub state: Option<String>,
    /// Who opened it; null when the account is gone.
    #[serde(default)]
    pub author: Option<User>,
    /// Who was asked to review.
    #[serde(default)]
    pub reviewers: Option<Vec<User>>,
    /// Who reviews or takes part, with how they stand.
    #[serde(default)]
    pub participants: Option<Vec<Participant>>,
    /// Where it goes.
    #[serde(default)]
    pub destination: Option<Endpoint>,
}
