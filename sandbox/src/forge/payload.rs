//! The bodies of events, field by field as documented; tests take one as the start of a forged one.
//!
//! Source: <https://developer.atlassian.com/platform/forge/events-reference/bitbucket/>.

use super::{
    installation::Record,
    invocation::{bare, environment_id},
};
use crate::{
    bitbucket::Bitbucket,
    installation::Missing,
    resource::timestamp,
    world::{PullRequest, Review, User},
};
use serde_json::{Value, json};

impl Bitbucket {
    /// The body of an event about a pull request, as somebody's doing (an account id). Events of builds, comments and pushes name
    /// what they are about beside it.
    ///
    /// # Errors
    /// No such pull request.
    pub fn forge_event(&self, event_type: &str, repository: &str, pull_request_id: u64, actor: &str) -> Result<Value, Missing> {
        let now = timestamp(self.now());
        let state = self.state();
        let missing = || Missing(format!("pull request {repository}#{pull_request_id}"));
        let pull_request = state.world.pull_request(repository, pull_request_id).ok_or_else(missing)?;
        let repository = state.world.repository(&pull_request.repository).ok_or_else(missing)?;
        let actor = state.world.user(actor);
        let mut body = json!({
            "eventType": event_type,
            "timestamp": now,
            "selfGenerated": false,
            "actor": actor.map(account),
            "workspace": { "uuid": repository.workspace },
            "project": { "uuid": "{3a5d97a4-eb3d-47e1-96f4-940405c3281a}" },
            "repository": { "uuid": repository.uuid, "slug": repository.slug },
        });
        match event_type {
            "avi:bitbucket:push:repository" => {
                body["push"] = json!({ "ref": pull_request.source_branch, "created": false, "closed": false, "commits": [] });
            }
            "avi:bitbucket:created:build-status" | "avi:bitbucket:updated:build-status" => {
                body["buildStatus"] = json!({ "state": "SUCCESSFUL", "key": "build" });
            }
            _ => body["pullrequest"] = details(pull_request, state.world.user(&pull_request.author)),
        }
        if event_type.ends_with("pullrequest-comment") {
            body["comment"] = json!({ "id": 700 + pull_request.comment_count });
        }
        if event_type == "avi:bitbucket:updated:pullrequest-reviewer-status" {
            let statuses = pull_request.reviewers.iter().map(|reviewer| {
                let user = state.world.user(&reviewer.account_id).map(account);
                let status = match reviewer.review {
                    Review::Awaited => "PENDING",
                    Review::Approved => "APPROVED",
                    Review::ChangesRequested => "CHANGES_REQUESTED",
                };
                json!({ "user": user, "status": status, "timestamp": reviewer.participated_on.map(timestamp) })
            });
            body["reviewers"] = json!({ "truncated": false, "value": statuses.collect::<Vec<_>>() });
        }
        Ok(body)
    }
}

/// The body of `installed` and `upgraded`.
pub(super) fn lifecycle(record: &Record, event_type: &str) -> Value {
    let mut body = json!({
        "id": format!("ari:cloud:ecosystem::installation/{}", record.id),
        "eventType": event_type,
        "context": format!("ari:cloud:bitbucket::workspace/{}", bare(&record.workspace)),
        "installerAccountId": record.install.installer,
        "app": { "id": record.install.app_id, "version": format!("{}.0.0", record.version) },
        "environment": { "id": environment_id(record) },
    });
    if event_type == "avi:forge:upgraded:app" {
        body["upgraderAccountId"] = json!(record.install.installer);
        body["permissions"] = json!({ "scopes": record.install.scopes });
    }
    body
}

fn account(user: &User) -> Value {
    json!({ "type": "user", "accountId": user.account_id, "uuid": user.uuid })
}

fn details(pull_request: &PullRequest, author: Option<&User>) -> Value {
    json!({
        "id": pull_request.id,
        "state": pull_request.state.as_str(),
        "title": { "truncated": false, "value": pull_request.title },
        "author": author.map(|author| {
            json!({ "type": "user", "accountId": author.account_id, "uuid": author.uuid, "displayName": author.display_name })
        }),
        "source": { "branch": pull_request.source_branch },
        "destination": { "branch": pull_request.destination_branch },
        "createdOn": timestamp(pull_request.created_on),
        "updatedOn": timestamp(pull_request.updated_on),
        "commentCount": pull_request.comment_count,
        "taskCount": 0,
    })
}
