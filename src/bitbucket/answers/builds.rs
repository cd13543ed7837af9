//! Pipelines, their steps, and deployments.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{CommitName, User, lenient};

/// A pipeline. What it cost is `ran.build_seconds_used`; how long it took is from `created_on` to
/// `ran.completed_on`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pipeline {
    /// What names it.
    #[serde(deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
    /// Its number in the repository.
    pub build_number: Option<i64>,
    /// Who started it.
    pub creator: Option<User>,
    /// What it was run on.
    pub target: Option<PipelineTarget>,
    /// Why it was run.
    pub trigger: Option<Named>,
    /// How it stands.
    pub state: Option<State>,
    /// When it began to wait for its turn.
    #[serde(deserialize_with = "lenient::moment")]
    pub created_on: Option<DateTime<Utc>>,
    /// How it ran.
    #[serde(flatten)]
    pub ran: Ran,
}

/// How a pipeline or one of its steps ran.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ran {
    /// Which run of it this is.
    pub run_number: Option<i64>,
    /// When it ended.
    #[serde(deserialize_with = "lenient::moment")]
    pub completed_on: Option<DateTime<Utc>>,
    /// What it cost, in seconds.
    pub build_seconds_used: Option<u64>,
    /// How long it ran, in seconds; not documented.
    pub duration_in_seconds: Option<u64>,
}

/// What a pipeline was run on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PipelineTarget {
    /// `pipeline_ref_target`, `pipeline_commit_target` or `pipeline_pullrequest_target`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `branch`, `tag` or another.
    pub ref_type: Option<String>,
    /// The name of the branch or tag.
    pub ref_name: Option<String>,
    /// Which commit.
    pub commit: Option<CommitName>,
}

/// Something that has a name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    /// The name.
    pub name: Option<String>,
    /// The kind.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// How a pipeline, step or deployment stands.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct State {
    /// `PENDING`, `IN_PROGRESS`, `COMPLETED`, or for a deployment `UNDEPLOYED` and others.
    pub name: Option<String>,
    /// What it is at while it is in progress.
    pub stage: Option<Named>,
    /// `SUCCESSFUL`, `FAILED`, `ERROR`, `STOPPED` or `EXPIRED`, once it is completed.
    pub result: Option<Named>,
    /// The same for a deployment.
    pub status: Option<Named>,
}

/// A step of a pipeline.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Step {
    /// What names it.
    #[serde(deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// How it stands.
    pub state: Option<State>,
    /// When it began.
    #[serde(deserialize_with = "lenient::moment")]
    pub started_on: Option<DateTime<Utc>>,
    /// How it ran.
    #[serde(flatten)]
    pub ran: Ran,
}

/// A deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Deployment {
    /// What names it.
    #[serde(deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
    /// How it stands.
    pub state: Option<State>,
    /// Where to.
    pub environment: Option<Environment>,
    /// What.
    pub release: Option<Release>,
    /// When it changed last.
    #[serde(deserialize_with = "lenient::moment")]
    pub last_update_time: Option<DateTime<Utc>>,
}

/// Where things are deployed to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// What names it.
    #[serde(deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
    /// Its name; deployments may name an environment by UUID alone.
    pub name: Option<String>,
    /// `Test`, `Staging` or `Production`.
    pub environment_type: Option<Named>,
}

/// What is deployed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Release {
    /// Which commit.
    pub commit: Option<CommitName>,
    /// Which pipeline made it.
    pub pipeline: Option<PipelineName>,
    /// When.
    #[serde(deserialize_with = "lenient::moment")]
    pub created_on: Option<DateTime<Utc>>,
}

/// A pipeline by its UUID alone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PipelineName {
    /// What names it.
    #[serde(deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
}
