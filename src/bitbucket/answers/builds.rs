//! Pipelines, their steps, and deployments.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{CommitName, User, lenient};

/// A pipeline. What it cost is `build_seconds_used`; how long it took is from `created_on` to `completed_on`.
#[derive(Clone, Debug, Deserialize)]
pub struct Pipeline {
    /// What names it.
    #[serde(default, deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
    /// Its number in the repository.
    #[serde(default)]
    pub build_number: Option<i64>,
    /// Which run of it this is.
    #[serde(default)]
    pub run_number: Option<i64>,
    /// Who started it.
    #[serde(default)]
    pub creator: Option<User>,
    /// What it was run on.
    #[serde(default)]
    pub target: Option<PipelineTarget>,
    /// Why it was run.
    #[serde(default)]
    pub trigger: Option<Named>,
    /// How it stands.
    #[serde(default)]
    pub state: Option<State>,
    /// When it began to wait for its turn.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub created_on: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub completed_on: Option<DateTime<Utc>>,
    /// What it cost, in seconds.
    #[serde(default)]
    pub build_seconds_used: Option<u64>,
    /// How long it ran, in seconds; not documented.
    #[serde(default)]
    pub duration_in_seconds: Option<u64>,
}

/// What a pipeline was run on.
#[derive(Clone, Debug, Deserialize)]
pub struct PipelineTarget {
    /// `pipeline_ref_target`, `pipeline_commit_target` or `pipeline_pullrequest_target`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// `branch`, `tag` or another.
    #[serde(default)]
    pub ref_type: Option<String>,
    /// The name of the branch or tag.
    #[serde(default)]
    pub ref_name: Option<String>,
    /// Which commit.
    #[serde(default)]
    pub commit: Option<CommitName>,
}

/// Something that has a name.
#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
    /// The kind.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// How a pipeline, step or deployment stands.
#[derive(Clone, Debug, Deserialize)]
pub struct State {
    /// `PENDING`, `IN_PROGRESS`, `COMPLETED`, or for a deployment `UNDEPLOYED` and others.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is at while it is in progress.
    #[serde(default)]
    pub stage: Option<Named>,
    /// `SUCCESSFUL`, `FAILED`, `ERROR`, `STOPPED` or `EXPIRED`, once it is completed.
    #[serde(default)]
    pub result: Option<Named>,
    /// The same for a deployment.
    #[serde(default)]
    pub status: Option<Named>,
}

/// A step of a pipeline.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// What names it.
    #[serde(default, deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
    /// Its name, if it was given one.
    #[serde(default)]
    pub name: Option<String>,
    /// How it stands.
    #[serde(default)]
    pub state: Option<State>,
    /// When it began.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub started_on: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub completed_on: Option<DateTime<Utc>>,
    /// What it cost, in seconds.
    #[serde(default)]
    pub build_seconds_used: Option<u64>,
    /// How long it ran, in seconds; not documented.
    #[serde(default)]
    pub duration_in_seconds: Option<u64>,
    /// Which run of it this is.
    #[serde(default)]
    pub run_number: Option<i64>,
}

/// A deployment.
#[derive(Clone, Debug, Deserialize)]
pub struct Deployment {
    /// What names it.
    #[serde(default, deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
    /// How it stands.
    #[serde(default)]
    pub state: Option<State>,
    /// Where to.
    #[serde(default)]
    pub environment: Option<Environment>,
    /// What.
    #[serde(default)]
    pub release: Option<Release>,
    /// When it changed last.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub last_update_time: Option<DateTime<Utc>>,
}

/// Where things are deployed to.
#[derive(Clone, Debug, Deserialize)]
pub struct Environment {
    /// What names it.
    #[serde(default, deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
    /// Its name; deployments may name an environment by UUID alone.
    #[serde(default)]
    pub name: Option<String>,
    /// `Test`, `Staging` or `Production`.
    #[serde(default)]
    pub environment_type: Option<Named>,
}

/// What is deployed.
#[derive(Clone, Debug, Deserialize)]
pub struct Release {
    /// Which commit.
    #[serde(default)]
    pub commit: Option<CommitName>,
    /// Which pipeline made it.
    #[serde(default)]
    pub pipeline: Option<PipelineName>,
    /// When.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub created_on: Option<DateTime<Utc>>,
}

/// A pipeline by its UUID alone.
#[derive(Clone, Debug, Deserialize)]
pub struct PipelineName {
    /// What names it.
    #[serde(default, deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
}
