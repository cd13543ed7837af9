//! Branches, commits, changes, files and build statuses.

use super::{Resources, markup, timestamp};
use crate::{
    percent::percent_encode,
    world::{Commit, File, Repository, hash_of},
};
use serde_json::{Value, json};

impl Resources<'_> {
    pub(crate) fn branch(&self, repository: &Repository, name: &str) -> Option<Value> {
        let target = self.world.history(repository, name)?.into_iter().next()?;
        let full_name = self.full_name(repository);
        let encoded = percent_encode(name);
        Some(json!({
            "type": "branch",
            "name": name,
            "target": self.commit(repository, &target),
            "merge_strategies": ["merge_commit", "squash", "fast_forward"],
            "default_merge_strategy": "merge_commit",
            "sync_strategies": ["merge_commit", "rebase"],
            "links": {
                "self": self.api(&format!("repositories/{full_name}/refs/branches/{encoded}")),
                "commits": self.api(&format!("repositories/{full_name}/commits/{encoded}")),
                "html": self.page(&format!("{full_name}/branch/{encoded}")),
            },
        }))
    }

    /// An author whose address belongs to nobody has no `user`.
    pub(crate) fn commit(&self, repository: &Repository, commit: &Commit) -> Value {
        let path = format!("repositories/{}/commit/{}", self.full_name(repository), commit.hash);
        let user = commit.author.as_ref().and_then(|account_id| self.world.user(account_id));
        let raw = user.map_or_else(
            || "Somebody <somebody@nowhere.example>".to_owned(),
            |user| {
                let email = self.world.emails.iter().find(|email| email.account_id == user.account_id && email.is_primary);
                format!("{} <{}>", user.display_name, email.map_or("unknown@nowhere.example", |email| &email.address))
            },
        );
        let mut author = json!({ "type": "author", "raw": raw });
        if let Some(user) = user {
            author["user"] = self.user(user);
        }
        let parent = |hash: &String| json!({ "type": "commit", "hash": hash, "links": { "self": self.api(&path.replace(&commit.hash, hash)) } });
        json!({
            "type": "commit",
            "hash": commit.hash,
            "date": timestamp(commit.date),
            "message": commit.message,
            "summary": markup(&commit.message),
            "rendered": { "message": markup(&commit.message) },
            "author": author,
            "committer": { "type": "author", "raw": raw },
            "parents": commit.parent.iter().map(parent).collect::<Vec<_>>(),
            "repository": self.condensed_repository(repository),
            "links": {
                "self": self.api(&path),
                "html": self.page(&path.replacen("repositories/", "", 1)),
                "statuses": self.api(&format!("{path}/statuses")),
                "diff": self.api(&path.replace("/commit/", "/diff/")),
            },
        })
    }

    /// What a commit changed: one file of each kind, worked out from its hash.
    pub(crate) fn diffstat(&self, repository: &Repository, hash: &str) -> Vec<Value> {
        let number = |range: std::ops::Range<usize>| {
            let digits = hash.get(range).and_then(|digits| u64::from_str_radix(digits, 16).ok());
            digits.unwrap_or_default()
        };
        let side = |path: &str| {
            let link = self.api(&format!("repositories/{}/src/{hash}/{path}", self.full_name(repository)));
            json!({ "type": "commit_file", "path": path, "escaped_path": path, "links": { "self": link } })
        };
        let entry = |status: &str, old: Option<&str>, new: Option<&str>, added: u64, removed: u64| {
            json!({
                "type": "diffstat",
                "status": status,
                "lines_added": added,
                "lines_removed": removed,
                "old": old.map(side),
                "new": new.map(side),
            })
        };
        vec![
            entry("modified", Some("src/main.rs"), Some("src/main.rs"), number(0..2), number(2..4)),
            entry("added", None, Some("src/new.rs"), number(4..6), 0),
            entry("removed", Some("src/old.rs"), None, 0, number(6..8)),
            entry("renamed", Some("docs/guide.md"), Some("docs/handbook.md"), 1, 1),
        ]
    }

    /// A file as it stands in a listing and as `format=meta` describes it.
    pub(crate) fn file(&self, repository: &Repository, commit: &Commit, file: &File) -> Value {
        let link = |query: &str| {
            self.api(&format!("repositories/{}/src/{}/{}{query}", self.full_name(repository), commit.hash, file.path))
        };
        json!({
            "type": "commit_file",
            "path": file.path,
            "escaped_path": file.path,
            "size": file.bytes.len(),
            "mimetype": Value::Null,
            "attributes": file.attributes,
            "commit": self.short_commit(repository, &commit.hash),
            "links": { "self": link(""), "meta": link("?format=meta") },
        })
    }

    pub(crate) fn directory(&self, repository: &Repository, commit: &Commit, path: &str) -> Value {
        let link =
            |query: &str| self.api(&format!("repositories/{}/src/{}/{path}/{query}", self.full_name(repository), commit.hash));
        json!({
            "type": "commit_directory",
            "path": path,
            "commit": self.short_commit(repository, &commit.hash),
            "links": { "self": link(""), "meta": link("?format=meta") },
        })
    }

    /// A build status of a commit, worked out from its hash.
    pub(crate) fn status(&self, repository: &Repository, commit: &Commit) -> Value {
        let is_good = !commit.hash.starts_with(['0', '1', '2', '3']);
        let path = format!("repositories/{}/commit/{}", self.full_name(repository), commit.hash);
        json!({
            "type": "build",
            "uuid": Value::Null,
            "key": hash_of(&[&commit.hash, "build"]).get(..12),
            "name": "Build for main",
            "description": "",
            "state": if is_good { "SUCCESSFUL" } else { "FAILED" },
            "refname": repository.main_branch,
            "url": format!("{}/{}/pipelines/results/1", self.url, self.full_name(repository)),
            "created_on": timestamp(commit.date),
            "updated_on": timestamp(commit.date),
            "commit": self.short_commit(repository, &commit.hash),
            "repository": self.condensed_repository(repository),
            "links": { "self": self.api(&format!("{path}/statuses/build/1")), "commit": self.api(&path) },
        })
    }

    pub(crate) fn short_commit(&self, repository: &Repository, hash: &str) -> Value {
        let link = self.api(&format!("repositories/{}/commit/{hash}", self.full_name(repository)));
        json!({ "type": "commit", "hash": hash, "links": { "self": link } })
    }
}
