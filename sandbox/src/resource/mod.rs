//! The JSON faces of the world as REST 2.0 shows them; the API, the webhooks and the context parameters all take them from here.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/> and its OpenAPI file. Where real answers hold more, so do these.

mod activity;
mod code;
mod pipelines;

pub(crate) use activity::Happening;

use crate::{
    percent::percent_encode,
    world::{Permission, Project, PullRequest, PullRequestState, Repository, Review, Reviewer, User, Workspace, World, hash_of},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Draws the world's things as JSON whose links start with the sandbox's own address.
pub(crate) struct Resources<'a> {
    pub(crate) world: &'a World,
    pub(crate) url: &'a str,
}

impl Resources<'_> {
    pub(crate) fn user(&self, user: &User) -> Value {
        let uuid = percent_encode(&user.uuid);
        json!({
            "type": "user",
            "uuid": user.uuid,
            "account_id": user.account_id,
            "display_name": user.display_name,
            "nickname": user.display_name,
            "links": {
                "self": self.api(&format!("users/{uuid}")),
                "html": self.page(&format!("{uuid}/")),
                "avatar": self.page(&format!("account/{uuid}/avatar/")),
            },
        })
    }

    /// The person with this account id, or what Bitbucket shows of somebody who is gone.
    pub(crate) fn account(&self, account_id: &str) -> Value {
        self.world.user(account_id).map_or(Value::Null, |user| self.user(user))
    }

    pub(crate) fn workspace(&self, workspace: &Workspace) -> Value {
        let slug = &workspace.slug;
        json!({
            "type": "workspace",
            "uuid": workspace.uuid,
            "name": workspace.name,
            "slug": slug,
            "is_private": false,
            "is_privacy_enforced": false,
            "forking_mode": "allow_forks",
            "created_on": "2021-03-23T22:31:12.668759+00:00",
            "links": {
                "self": self.api(&format!("workspaces/{slug}")),
                "html": self.page(&format!("{slug}/")),
                "avatar": self.page(&format!("workspaces/{slug}/avatar/")),
                "members": self.api(&format!("workspaces/{slug}/members")),
                "projects": self.api(&format!("workspaces/{slug}/projects")),
                "repositories": self.api(&format!("repositories/{slug}")),
            },
        })
    }

    /// The short form that stands where the caller's workspaces are listed.
    pub(crate) fn condensed_workspace(&self, workspace: &Workspace) -> Value {
        let slug = &workspace.slug;
        json!({
            "type": "workspace_base",
            "uuid": workspace.uuid,
            "slug": slug,
            "links": { "self": self.api(&format!("workspaces/{slug}")) },
        })
    }

    /// An app or a token as the somebody of its own that it acts as.
    pub(crate) fn app_user(&self, name: &str) -> Value {
        let uuid = format!("{{{}}}", Uuid::from_slice(&Sha256::digest(name)[..16]).unwrap_or_default());
        json!({
            "type": "app_user",
            "uuid": uuid,
            "display_name": name,
            "links": { "self": self.api(&format!("users/{}", percent_encode(&uuid))) },
        })
    }

    /// What somebody may do in a repository.
    pub(crate) fn repository_permission(&self, repository: &Repository, account_id: &str, permission: Permission) -> Value {
        json!({
            "type": "repository_permission",
            "permission": permission.as_str(),
            "user": self.account(account_id),
            "repository": self.condensed_repository(repository),
        })
    }

    /// That a person belongs to a workspace.
    pub(crate) fn membership(&self, user: &User, workspace: &Workspace) -> Value {
        let path = format!("workspaces/{}/members/{}", workspace.slug, percent_encode(&user.uuid));
        json!({
            "type": "workspace_membership",
            "user": self.user(user),
            "workspace": self.workspace(workspace),
            "links": { "self": self.api(&path) },
        })
    }

    /// A workspace as an account: who owns a repository, and where an app is installed.
    pub(crate) fn principal(&self, workspace: &Workspace) -> Value {
        let uuid = percent_encode(&workspace.uuid);
        let kind = if workspace.personal { "users" } else { "teams" };
        let mut principal = json!({
            "display_name": workspace.name,
            "uuid": workspace.uuid,
            "links": {
                "self": self.api(&format!("{kind}/{uuid}")),
                "html": self.page(&format!("{uuid}/")),
                "avatar": self.page(&format!("account/{uuid}/avatar/")),
            },
            "created_on": "2021-03-23T22:31:12.668759+00:00",
        });
        // A personal workspace shows no `username`, for privacy; its person's account id stands there instead.
        if workspace.personal {
            principal["type"] = json!("user");
            principal["nickname"] = json!(workspace.name);
            let owner = self.world.users.iter().find(|user| user.uuid == workspace.uuid);
            principal["account_id"] = json!(owner.map(|user| &user.account_id));
        } else {
            principal["type"] = json!("team");
            principal["username"] = json!(workspace.slug);
        }
        principal
    }

    /// The short form that stands inside other things.
    pub(crate) fn condensed_repository(&self, repository: &Repository) -> Value {
        let full_name = self.full_name(repository);
        json!({
            "type": "repository",
            "uuid": repository.uuid,
            "name": repository.name,
            "full_name": full_name,
            "links": {
                "self": self.api(&format!("repositories/{full_name}")),
                "html": self.page(&full_name),
                "avatar": self.page(&format!("{full_name}/avatar/32/")),
            },
        })
    }

    pub(crate) fn repository(&self, repository: &Repository) -> Value {
        let mut full = self.condensed_repository(repository);
        let full_name = self.full_name(repository);
        for part in ["pullrequests", "commits", "forks", "watchers", "downloads", "hooks"] {
            full["links"][part] = self.api(&format!("repositories/{full_name}/{part}"));
        }
        full["links"]["clone"] = json!([{ "name": "https", "href": format!("{}/{full_name}.git", self.url) }]);
        full["slug"] = json!(repository.slug);
        full["is_private"] = json!(repository.private);
        full["scm"] = json!("git");
        full["description"] = json!(repository.description);
        full["language"] = json!(repository.language);
        full["size"] = json!(1_048_576);
        full["fork_policy"] = json!(repository.fork_policy);
        full["has_issues"] = json!(false);
        full["has_wiki"] = json!(false);
        full["created_on"] = json!(timestamp(repository.created_on));
        full["updated_on"] = json!(timestamp(repository.updated_on));
        full["mainbranch"] = json!(repository.main_branch.as_ref().map(|name| json!({ "type": "branch", "name": name })));
        full["project"] = self.project_of(repository);
        if let Some(workspace) = self.world.workspace(&repository.workspace) {
            full["workspace"] = self.workspace(workspace);
            full["owner"] = self.principal(workspace);
        }
        full
    }

    pub(crate) fn project(&self, project: &Project) -> Value {
        let workspace = self.world.workspace(&project.workspace);
        let slug = workspace.map_or("", |workspace| &workspace.slug);
        let path = format!("workspaces/{slug}/projects/{}", project.key);
        json!({
            "type": "project",
            "uuid": project.uuid,
            "key": project.key,
            "name": project.name,
            "description": "",
            "is_private": true,
            "has_publicly_visible_repos": false,
            "created_on": "2021-03-23T22:31:12.668759+00:00",
            "updated_on": "2021-03-23T22:31:12.668759+00:00",
            "owner": workspace.map(|workspace| self.principal(workspace)),
            "workspace": workspace.map(|workspace| self.workspace(workspace)),
            "links": {
                "self": self.api(&path),
                "html": self.page(&path),
                "avatar": self.page(&format!("{path}/avatar/32")),
                "repositories": self.api(&format!("repositories/{slug}?q=project.key=%22{}%22", project.key)),
            },
        })
    }

    fn project_of(&self, repository: &Repository) -> Value {
        let projects = &self.world.projects;
        let project =
            projects.iter().find(|project| project.workspace == repository.workspace && project.key == repository.project);
        project.map_or(
            Value::Null,
            |project| json!({ "type": "project", "key": project.key, "name": project.name, "uuid": project.uuid }),
        )
    }

    /// The full form, with reviewers and participants.
    pub(crate) fn pull_request(&self, pull_request: &PullRequest) -> Value {
        let path = self.pull_request_path(pull_request, "pullrequests");
        let link = |part: &str| self.api(&format!("repositories/{path}{part}"));
        let (title, description) = (&pull_request.title, &pull_request.description);
        let merge_commit = (pull_request.state == PullRequestState::Merged).then(|| {
            let hash = hash_of(&[&pull_request.repository, "merge", &pull_request.id.to_string()]);
            json!({ "type": "commit", "hash": abbreviated(&hash), "date": timestamp(pull_request.updated_on) })
        });
        json!({
            "type": "pullrequest",
            "id": pull_request.id,
            "title": title,
            "description": description,
            "summary": markup(description),
            "rendered": { "title": markup(title), "description": markup(description) },
            "state": pull_request.state.as_str(),
            "draft": false,
            "queued": false,
            "author": self.account(&pull_request.author),
            "source": self.endpoint(pull_request, &pull_request.source_branch),
            "destination": self.endpoint(pull_request, &pull_request.destination_branch),
            "merge_commit": merge_commit,
            "close_source_branch": true,
            "closed_by": pull_request.closed_by.as_deref().map(|account_id| self.account(account_id)),
            "reason": "",
            "comment_count": pull_request.comment_count,
            "task_count": 0,
            "created_on": timestamp(pull_request.created_on),
            "updated_on": timestamp(pull_request.updated_on),
            "reviewers": pull_request.reviewers.iter().map(|reviewer| self.account(&reviewer.account_id)).collect::<Vec<_>>(),
            "participants": pull_request.reviewers.iter().map(|reviewer| self.participant(reviewer)).collect::<Vec<_>>(),
            "links": {
                "self": link(""),
                "html": self.page(&self.pull_request_path(pull_request, "pull-requests")),
                "commits": link("/commits"),
                "approve": link("/approve"),
                "diff": link("/diff"),
                "diffstat": link("/diffstat"),
                "comments": link("/comments"),
                "activity": link("/activity"),
                "merge": link("/merge"),
                "decline": link("/decline"),
            },
        })
    }

    /// `workspace/repository`, in slugs.
    pub(crate) fn full_name(&self, repository: &Repository) -> String {
        let workspace = self.world.workspace(&repository.workspace).map_or("", |workspace| &workspace.slug);
        format!("{workspace}/{}", repository.slug)
    }

    /// `workspace/repository/collection/id`, in slugs.
    pub(crate) fn pull_request_path(&self, pull_request: &PullRequest, collection: &str) -> String {
        let repository = self.world.repository(&pull_request.repository).map(|repository| self.full_name(repository));
        format!("{}/{collection}/{}", repository.unwrap_or_default(), pull_request.id)
    }

    pub(crate) fn endpoint(&self, pull_request: &PullRequest, branch: &str) -> Value {
        let repository = self.world.repository(&pull_request.repository);
        json!({
            "branch": { "name": branch },
            "commit": repository.map(|repository| {
                json!({ "type": "commit", "hash": abbreviated(&self.world.tip(repository, branch)) })
            }),
            "repository": repository.map(|repository| self.condensed_repository(repository)),
        })
    }

    pub(crate) fn participant(&self, reviewer: &Reviewer) -> Value {
        let state = match reviewer.review {
            Review::Awaited => None,
            Review::Approved => Some("approved"),
            Review::ChangesRequested => Some("changes_requested"),
        };
        json!({
            "type": "participant",
            "user": self.account(&reviewer.account_id),
            "role": "REVIEWER",
            "approved": reviewer.review == Review::Approved,
            "state": state,
            "participated_on": reviewer.participated_on.map(timestamp),
        })
    }

    fn api(&self, path: &str) -> Value {
        json!({ "href": format!("{}/2.0/{path}", self.url) })
    }

    fn page(&self, path: &str) -> Value {
        json!({ "href": format!("{}/{path}", self.url) })
    }
}

/// ISO 8601 with microseconds and `+00:00`, as the core API writes times.
pub(crate) fn timestamp(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

fn markup(raw: &str) -> Value {
    let html = crate::html::escape(raw);
    json!({ "type": "rendered", "raw": raw, "markup": "markdown", "html": format!("<p>{html}</p>") })
}

/// Twelve digits, as pull requests show hashes.
fn abbreviated(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
