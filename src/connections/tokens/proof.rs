//! Proving where the access token of a workspace belongs while there is no repository that would show it. Only `check` calls it.

use serde::Deserialize;
use uuid::Uuid;

use super::Pasted;
use super::check::{Told, ask};
use crate::bitbucket::{Client, Credential, Failure, Page};
use crate::connections::discovery;
use crate::error::Result;

#[derive(Deserialize)]
struct Project {
    #[serde(default)]
    is_private: Option<bool>,
}

/// Whether Bitbucket shows the token something that only those of the workspace are shown. Each question needs another scope, and one that
/// the token has suffices: that it reaches the workspace (`account`), the workspace's webhooks, which administrators see (`webhook`), a
/// private project (`project`).
pub(super) async fn is_proven(
    bitbucket: &Client,
    credential: &Credential,
    pasted: &Pasted,
    workspace: Uuid,
    told: &mut Told,
) -> Result<bool> {
    let reaches = discovery::workspaces(bitbucket, credential).await.map(|found| found.find(Some(workspace)).is_some());
    if answered(reaches, told)? {
        return Ok(true);
    }
    let place = |last| ["workspaces", pasted.workspace.as_str(), last];
    let hooks = ask(bitbucket, credential, &place("hooks"), &[("pagelen", "10".to_owned())]).await.map(|_hooks| true);
    if answered(hooks, told)? {
        return Ok(true);
    }
    let projects = ask(bitbucket, credential, &place("projects"), &[("pagelen", "100".to_owned())]).await;
    let projects = projects.and_then(|answer| answer.json::<Page<Project>>());
    let sees_private = projects.map(|page| page.values.iter().any(|project| project.is_private == Some(true)));
    answered(sees_private, told)
}

/// What an answer proves. Only silence is no answer: asking again may prove it.
fn answered(answer: Result<bool, Failure>, told: &mut Told) -> Result<bool> {
    match answer {
        Err(failure) if failure.is_passing() => Err(failure.into()),
        Err(failure) => {
            told.note_failure(&failure);
            Ok(false)
        }
        Ok(is_shown) => Ok(is_shown),
    }
}
