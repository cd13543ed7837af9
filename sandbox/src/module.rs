//! The rules for one module of a descriptor: its key, its label, its address, where it may stand; the descriptor asks for each.
//!
//! Source: the modules pages, for instance <https://developer.atlassian.com/cloud/bitbucket/modules/web-panel/>.

use crate::descriptor::{DescriptorRefused, refuse, required_text, text};
use serde_json::Value;

const EVENTS: [&str; 29] = [
    "*",
    "issue:comment_created",
    "issue:created",
    "issue:updated",
    "project:updated",
    "pullrequest:approved",
    "pullrequest:changes_request_created",
    "pullrequest:changes_request_removed",
    "pullrequest:comment_created",
    "pullrequest:comment_deleted",
    "pullrequest:comment_reopened",
    "pullrequest:comment_resolved",
    "pullrequest:comment_updated",
    "pullrequest:created",
    "pullrequest:fulfilled",
    "pullrequest:push",
    "pullrequest:rejected",
    "pullrequest:unapproved",
    "pullrequest:updated",
    "repo:commit_comment_created",
    "repo:commit_status_created",
    "repo:commit_status_updated",
    "repo:created",
    "repo:deleted",
    "repo:fork",
    "repo:imported",
    "repo:push",
    "repo:transfer",
    "repo:updated",
];

/// Refuses a module that Bitbucket would refuse; `kind` is its key under `modules`.
pub(crate) fn check_module(kind: &str, module: &Value) -> Result<(), DescriptorRefused> {
    match kind {
        "webhooks" => {
            let event = required_text(module, "event")?;
            if !EVENTS.contains(&event.as_str()) {
                return refuse(&format!("no such event: {event}"));
            }
            check_url(module)
        }
        "webPanels" | "webItems" | "repoPages" | "adminPages" => {
            let location = required_text(module, "location")?;
            if !is_location(kind, &location) {
                return refuse(&format!("{kind} has no location {location}"));
            }
            check_shown(module)
        }
        "configurePage" | "profileTabs" | "fileViews" => check_shown(module),
        "linkers" | "proxy" | "oauthConsumer" => Ok(()),
        _ => refuse(&format!("no such module: {kind}")),
    }
}

fn check_shown(module: &Value) -> Result<(), DescriptorRefused> {
    let key = required_text(module, "key")?;
    if key.len() > 128 || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return refuse(&format!("a module key holds only letters, digits and hyphens, 128 at most: {key}"));
    }
    if module.get("name").and_then(|name| text(name, "value")).is_none() {
        return refuse(&format!("module {key} has no name.value"));
    }
    check_url(module)
}

fn check_url(module: &Value) -> Result<(), DescriptorRefused> {
    let url = required_text(module, "url")?;
    let balanced = url.matches('{').count() == url.matches('}').count();
    if url.len() > 2048 || !balanced { refuse(&format!("not a URI template of 2048 characters at most: {url}")) } else { Ok(()) }
}

fn is_location(kind: &str, location: &str) -> bool {
    let Some(place) = location.strip_prefix("org.bitbucket.") else {
        return false;
    };
    match kind {
        "webPanels" => matches!(
            place,
            "account.admin.mirror.config" | "pullrequest.overview.informationPanel" | "repository.overview.informationPanel"
        ),
        "webItems" => matches!(
            place,
            "account.admin.mirror.config.actions"
                | "addon.management"
                | "branch.list.actions"
                | "branch.summary.actions"
                | "branch.summary.info"
                | "commit.summary.actions"
                | "commit.summary.info"
                | "pullrequest.summary.actions"
                | "pullrequest.summary.info"
                | "repository.actions"
                | "repository.navigation"
        ),
        "repoPages" => matches!(place, "repository.navigation" | "repository.actions"),
        _ => place == "repository.admin",
    }
}
