//! Runs of Pipelines, their steps and what they deploy. The service behind them writes times with a `Z`.

use super::Resources;
use crate::world::{Pipeline, Repository, hash_of};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

impl Resources<'_> {
    pub(crate) fn pipeline(&self, repository: &Repository, pipeline: &Pipeline) -> Value {
        let path = format!("repositories/{}/pipelines/{}", self.full_name(repository), pipeline.uuid);
        let is_over = pipeline.result.is_some();
        json!({
            "type": "pipeline",
            "uuid": pipeline.uuid,
            "build_number": pipeline.build_number,
            "run_number": 1,
            "creator": self.account(&pipeline.creator),
            "repository": self.condensed_repository(repository),
            "target": {
                "type": "pipeline_ref_target",
                "ref_type": "branch",
                "ref_name": pipeline.branch,
                "selector": { "type": "branches", "pattern": pipeline.branch },
                "commit": self.short_commit(repository, &self.world.tip(repository, &pipeline.branch)),
            },
            "trigger": { "type": "pipeline_trigger_push", "name": "PUSH" },
            "state": state(pipeline),
            "created_on": moment(pipeline.created_on),
            "completed_on": is_over.then(|| moment(pipeline.created_on + Duration::seconds(pipeline.seconds))),
            "build_seconds_used": pipeline.seconds / 2,
            "duration_in_seconds": pipeline.seconds,
            "links": {
                "type": "pipeline_links",
                "self": { "type": "link", "href": format!("{}/2.0/{path}", self.url) },
                "steps": { "type": "link", "href": format!("{}/2.0/{path}/steps/", self.url) },
            },
        })
    }

    /// Two steps, of which the first takes a third of the time.
    pub(crate) fn steps(&self, pipeline: &Pipeline) -> Vec<Value> {
        let (first, end) = (pipeline.seconds / 3, pipeline.seconds);
        let step = |name: &str, from: i64, until: i64| {
            json!({
                "type": "pipeline_step",
                "uuid": uuid_of(&[&pipeline.uuid, name]),
                "name": name,
                "started_on": moment(pipeline.created_on + Duration::seconds(from)),
                "completed_on": pipeline.result.as_ref().map(|_| moment(pipeline.created_on + Duration::seconds(until))),
                "state": step_state(pipeline),
                "duration_in_seconds": until - from,
                "build_seconds_used": until - from,
                "run_number": 1,
                "trigger": { "type": "pipeline_step_trigger_automatic" },
                "pipeline": { "type": "pipeline", "uuid": pipeline.uuid },
            })
        };
        vec![step("Build", 0, first), step("Test", first, end)]
    }

    /// Every third run that went well is deployed.
    pub(crate) fn deployments(&self, repository: &Repository) -> Vec<Value> {
        let runs = self.world.pipelines.iter().filter(|run| run.repository == repository.uuid);
        let deployed = runs.filter(|run| run.build_number.is_multiple_of(3) && run.result.as_deref() == Some("SUCCESSFUL"));
        deployed.map(|run| self.deployment(repository, run)).collect()
    }

    fn deployment(&self, repository: &Repository, run: &Pipeline) -> Value {
        let end = moment(run.created_on + Duration::seconds(run.seconds));
        let name = if run.build_number.is_multiple_of(2) { "Production" } else { "Staging" };
        json!({
            "type": "deployment",
            "uuid": uuid_of(&[&run.uuid, "deployment"]),
            "number": run.build_number,
            "state": {
                "type": "deployment_state_completed",
                "name": "COMPLETED",
                "status": { "type": "deployment_state_completed_status_successful", "name": "SUCCESSFUL" },
                "completion_date": end,
            },
            "environment": self.environment(repository, name),
            "release": {
                "type": "deployment_release",
                "name": format!("#{}", run.build_number),
                "created_on": moment(run.created_on),
                "commit": self.short_commit(repository, &self.world.tip(repository, &run.branch)),
                "pipeline": { "type": "pipeline", "uuid": run.uuid },
            },
            "step": { "type": "pipeline_step", "uuid": uuid_of(&[&run.uuid, "Test"]) },
            "last_update_time": end,
        })
    }

    pub(crate) fn environment(&self, repository: &Repository, name: &str) -> Value {
        json!({
            "type": "deployment_environment",
            "uuid": uuid_of(&[&repository.uuid, name]),
            "name": name,
            "environment_type": { "type": "deployment_environment_type", "name": name },
            "slug": name.to_lowercase(),
        })
    }
}

fn state(pipeline: &Pipeline) -> Value {
    match &pipeline.result {
        Some(result) => json!({
            "type": "pipeline_state_completed",
            "name": "COMPLETED",
            "result": { "type": format!("pipeline_state_completed_{}", result.to_lowercase()), "name": result },
        }),
        None => json!({
            "type": "pipeline_state_in_progress",
            "name": "IN_PROGRESS",
            "stage": { "type": "pipeline_state_in_progress_running", "name": "RUNNING" },
        }),
    }
}

fn step_state(pipeline: &Pipeline) -> Value {
    let mut state = state(pipeline);
    state["type"] = json!(state["type"].as_str().unwrap_or_default().replace("pipeline_state", "pipeline_step_state"));
    state
}

fn moment(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn uuid_of(parts: &[&str]) -> String {
    let hash = hash_of(parts);
    format!("{{{}}}", [&hash[0..8], &hash[8..12], &hash[12..16], &hash[16..20], &hash[20..32]].join("-"))
}
