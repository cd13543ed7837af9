//! The job that fetches what a linked pull request shows, with whichever credential of its workspace reads activity there.

use std::sync::Arc;

use diesel::prelude::*;
use uuid::Uuid;

use crate::bitbucket::{self, Barrier, Client, Failure, RepositoryName};
use crate::config::{Config, Now};
use crate::connections::describe::retry;
use crate::connections::grants::Place;
use crate::connections::health::{self, About};
use crate::connections::purposes::{self, Chosen, Purpose, Way};
use crate::connections::workspace_members::named;
use crate::connections::{Parts, faring, repositories};
use crate::error::{Kind, Result};
use crate::jobs::Outcome;
use crate::people::accounts::Named;
use crate::people::pull_requests::{self, Details, Known, Refresh, Reviewer, parse_uuid};
use crate::storage::ids::{PullRequestId, WorkspaceId};
use crate::storage::schema::bitbucket_workspaces;
use crate::storage::seal::Keyring;
use crate::storage::{AnyConnection, Database};

/// How a connection's card names the call.
const CALL: &str = "pull_request";

/// Works the job off.
///
/// # Errors
/// When the database cannot be read or written, or every credential waits for its next token.
pub async fn handle(
    database: &Database,
    bitbucket: &Client,
    keyring: &Arc<Keyring>,
    config: &Arc<Config>,
    payload: Refresh,
    now: &Now,
) -> Result<Outcome> {
    let id = payload.pull_request_id;
    let asked = id.clone();
    let question = database.read(move |connection| Question::of(connection, &asked));
    // Purged or detached meanwhile: there is nothing to fetch any more.
    let Some(question) = question.await? else { return Ok(Outcome::Done) };
    let chosen = match credential_for(&Parts { database, bitbucket, keyring, config }, &question, now).await {
        Ok(chosen) => chosen,
        // The token comes by itself: the job waits for it, and readers see why.
        Err(error) if error.kind == Kind::Upstream => {
            let code = error.code;
            database.write(move |connection| pull_requests::store_failure(connection, &id, code)).await?;
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    let Some((bitbucket_workspace, Chosen { credential, way, .. })) = chosen else {
        let store = move |connection: &mut AnyConnection| pull_requests::store_failure(connection, &id, "not_connected");
        return database.write(store).await.map(|()| Outcome::Done);
    };
    let moment = now.clone();
    match bitbucket.pull_request(&credential.in_background(), &question.repository, question.number).await {
        Ok(answer) => {
            let (details, asked_at, web_url) = (details(answer), now.at, config.bitbucket_web_url.clone());
            let store = move |connection: &mut AnyConnection| {
                note_success(connection, &way)?;
                pull_requests::place(connection, &id, &bitbucket_workspace.to_string())?;
                pull_requests::store_details(connection, &id, &details, &web_url, asked_at)
            };
            database.write(store).await.map(|()| Outcome::Done)
        }
        Err(failure) => {
            // A refusal is an answer: it stands on the row, and the next event or reader asks again.
            let outcome = if failure.is_passing() { retry(&failure) } else { Outcome::Done };
            let store = move |connection: &mut AnyConnection| {
                note_failure(connection, &way, &failure, &moment)?;
                pull_requests::store_failure(connection, &id, failure.code())
            };
            database.write(store).await.map(|()| outcome)
        }
    }
}

fn note_success(connection: &mut AnyConnection, way: &Way) -> Result<()> {
    match way {
        Way::Installation(id) => health::note_success(connection, id, About::OneThing),
        Way::Connection(id) => faring::note_success(connection, id),
    }
}

/// What is wrong with one pull request is not wrong with the connection.
fn note_failure(connection: &mut AnyConnection, way: &Way, failure: &Failure, now: &Now) -> Result<()> {
    let is_about_it = matches!(failure, Failure::Forbidden { because } if *because != Barrier::Unsaid);
    match way {
        Way::Installation(id) => health::note_failure(connection, id, failure, About::OneThing, now),
        Way::Connection(id) if failure.is_about_the_credential() || is_about_it => {
            faring::note_failure(connection, id, CALL, failure, now)
        }
        Way::Connection(_) => Ok(()),
    }
}

/// What is asked, and where.
struct Question {
    workspace_id: WorkspaceId,
    repository: RepositoryName,
    number: i64,
    /// The Bitbucket workspaces that it may be in: the one that is known, or those with the slug in its name.
    bitbucket_workspaces: Vec<Uuid>,
    slug: Option<String>,
    project: Option<String>,
}

impl Question {
    fn of(connection: &mut AnyConnection, id: &PullRequestId) -> Result<Option<Self>> {
        let Some(known) = pull_requests::known(connection, id)? else { return Ok(None) };
        let Some((repository, number)) = address(&known) else { return Ok(None) };
        let name = known.repository_name.as_deref().and_then(|name| name.split_once('/'));
        let uuids: Vec<String> = match (&known.bitbucket_workspace_uuid, name) {
            (Some(uuid), _) => vec![uuid.clone()],
            (None, Some((workspace, _))) => {
                let named = bitbucket_workspaces::table.filter(bitbucket_workspaces::slug.eq(Some(workspace)));
                named.order(bitbucket_workspaces::uuid).limit(4).select(bitbucket_workspaces::uuid).load(connection)?
            }
            (None, None) => Vec::new(),
        };
        let slug = name.map(|(_, slug)| slug.to_owned());
        let uuid = known.repository_uuid.as_deref().and_then(parse_uuid);
        let full_name = known.repository_name.as_deref().unwrap_or_default();
        let project = repositories::project_of(connection, &known.workspace_id, uuid, full_name)?;
        let bitbucket_workspaces = uuids.iter().filter_map(|uuid| parse_uuid(uuid)).collect();
        Ok(Some(Self { workspace_id: known.workspace_id, repository, number, bitbucket_workspaces, slug, project }))
    }
}

/// The credential that reads activity there, and the Bitbucket workspace that it is for.
async fn credential_for(parts: &Parts<'_>, question: &Question, now: &Now) -> Result<Option<(Uuid, Chosen)>> {
    let Question { workspace_id, bitbucket_workspaces, slug, project, .. } = question;
    let place = slug.as_deref().map(|repository| Place { repository, project: project.as_deref() });
    for uuid in bitbucket_workspaces {
        let reading = Purpose::ReadingActivity;
        if let Some(chosen) = purposes::credential_for(parts, workspace_id, *uuid, reading, place, now).await? {
            return Ok(Some((*uuid, chosen)));
        }
    }
    Ok(None)
}

pub(super) fn address(known: &Known) -> Option<(RepositoryName, i64)> {
    let by_uuid = known.repository_uuid.as_deref().and_then(parse_uuid).map(RepositoryName::Uuid);
    let repository = by_uuid.or_else(|| known.repository_name.clone().map(RepositoryName::Full))?;
    Some((repository, known.number?))
}

fn details(answer: bitbucket::PullRequest) -> Details {
    let repository = answer.destination.and_then(|destination| destination.repository);
    let mut accounts: Vec<Named> = answer.author.iter().filter_map(named).collect();
    let mut reviewers = Vec::new();
    for user in answer.reviewers.unwrap_or_default() {
        accounts.extend(named(&user));
        reviewers.extend(user.account_id.map(unasked));
    }
    for participant in answer.participants.unwrap_or_default() {
        let account = participant.user.as_ref().and_then(named);
        let Some(account_id) = account.as_ref().map(|account| account.account_id.clone()) else { continue };
        let state = participant.state.or_else(|| participant.approved.then(|| "approved".to_owned()));
        match reviewers.iter_mut().find(|reviewer| reviewer.account_id == account_id) {
            Some(reviewer) => reviewer.state = state,
            None if participant.role.as_deref() == Some("REVIEWER") || state.is_some() => {
                reviewers.push(Reviewer { account_id, state });
                accounts.extend(account);
            }
            None => {}
        }
    }
    Details {
        repository_name: repository.and_then(|repository| repository.full_name),
        title: answer.title.unwrap_or_default(),
        state: answer.state.unwrap_or_default(),
        author_account_id: answer.author.and_then(|user| user.account_id),
        reviewers,
        accounts,
    }
}

fn unasked(account_id: String) -> Reviewer {
    Reviewer { account_id, state: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviewers_are_who_was_asked_and_who_answered_with_how_they_stand() {
        let answer = serde_json::json!({
            "title": "t", "state": "OPEN", "author": null,
            "reviewers": [{"account_id": "a"}, {"account_id": "b"}, {"uuid": "{x}"}],
            "participants": [
                {"user": {"account_id": "a"}, "role": "REVIEWER", "approved": true, "state": "approved"},
                {"user": {"account_id": "c"}, "role": "PARTICIPANT", "approved": false, "state": null},
                {"user": {"account_id": "d"}, "role": "PARTICIPANT", "approved": true},
                {"user": null}
            ]
        });
        let details = details(serde_json::from_value(answer).unwrap());
        let states: Vec<_> = details.reviewers.iter().map(|r| (r.account_id.as_str(), r.state.as_deref())).collect();
        let accounts: Vec<_> = details.accounts.iter().map(|account| account.account_id.as_str()).collect();
        assert_eq!(accounts, ["a", "b", "d"], "whoever only looks on is not kept");
        assert_eq!(states, [("a", Some("approved")), ("b", None), ("d", Some("approved"))]);
    }
}
