//! How a pull request stands, in one answer: its state, who approved, its builds, and a merge that is under way.

use serde_json::Value;

use super::pull_requests::{self, PullRequest};
use super::reviewers::Reviewer;
use super::{Acting, Place, text};
use crate::error::Result;

/// How a pull request stands.
#[derive(Clone, Debug)]
pub struct Status {
    /// The pull request.
    pub pull_request: PullRequest,
    /// Whether it is a draft; `None` where Bitbucket does not say.
    pub draft: Option<bool>,
    /// Who has approved it.
    pub approved_by: Vec<Reviewer>,
    /// Who wants changes.
    pub changes_requested_by: Vec<Reviewer>,
    /// Its builds, at most a hundred.
    pub builds: Vec<Build>,
    /// How many comments it has.
    pub comments: Option<i64>,
    /// How many tasks it has.
    pub tasks: Option<i64>,
    /// How the merge stands that was asked about: `PENDING` or `SUCCESS`.
    pub merge_task: Option<String>,
}

/// A build of the newest commit.
#[derive(Clone, Debug)]
pub struct Build {
    /// What identifies it.
    pub key: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// `SUCCESSFUL`, `FAILED`, `INPROGRESS` or `STOPPED`.
    pub state: Option<String>,
    /// Where it is shown.
    pub url: Option<String>,
}

/// Asks how a pull request stands, and how the merge with `task` does, which a merge that takes long names.
///
/// # Errors
/// `bitbucket_not_found` (404); what `calls::make` refuses.
pub async fn of(acting: &Acting<'_>, place: &Place, number: i64, task: Option<&str>) -> Result<Status> {
    let (pull_request, value) = pull_requests::read(acting, place, number).await?;
    let path = place.path(&format!("/pullrequests/{number}/statuses"));
    let statuses = acting.read(&path, &[("pagelen", "100")]).await?;
    let merge_task = match task {
        None => None,
        Some(task) => {
            let path = place.path(&format!("/pullrequests/{number}/merge/task-status/{task}"));
            text(&acting.read(&path, &[]).await?, "/task_status")
        }
    };
    let with_state = |wanted: &str| {
        let participants = value["participants"].as_array().into_iter().flatten();
        participants.filter(|one| has_state(one, wanted)).map(|one| Reviewer::of(&one["user"])).collect()
    };
    Ok(Status {
        draft: value["draft"].as_bool(),
        approved_by: with_state("approved"),
        changes_requested_by: with_state("changes_requested"),
        builds: statuses["values"].as_array().into_iter().flatten().map(Build::of).collect(),
        comments: value["comment_count"].as_i64(),
        tasks: value["task_count"].as_i64(),
        merge_task,
        pull_request,
    })
}

/// Older answers have no `state` but `approved`.
fn has_state(participant: &Value, wanted: &str) -> bool {
    match participant["state"].as_str() {
        Some(state) => state == wanted,
        None => wanted == "approved" && participant["approved"] == true,
    }
}

impl Build {
    fn of(value: &Value) -> Self {
        Self { key: text(value, "/key"), name: text(value, "/name"), state: text(value, "/state"), url: text(value, "/url") }
    }
}
