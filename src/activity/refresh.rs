//! The job that fetches what a linked pull request shows, with the credential of its workspace's installation.

use std::sync::Arc;

use diesel::prelude::*;

use crate::bitbucket::{self, Client, Credential, RepositoryName};
use crate::config::{Config, Now};
use crate::connections::credentials;
use crate::connections::describe::retry;
use crate::connections::health::{self, About};
use crate::connections::installations::State;
use crate::connections::system_tokens;
use crate::connections::workspace_members::named;
use crate::error::Result;
use crate::jobs::Outcome;
use crate::people::accounts::Named;
use crate::people::pull_requests::{self, Details, Known, Refresh, Reviewer, parse_uuid};
use crate::storage::ids::InstallationId;
use crate::storage::schema::{bitbucket_workspaces, installations};
use crate::storage::seal::Keyring;
use crate::storage::{AnyConnection, Database};

/// Works the job off.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn handle(
    database: &Database,
    bitbucket: &Client,
    keyring: &Arc<Keyring>,
    config: &Arc<Config>,
    payload: Refresh,
    now: &Now,
) -> Result<Outcome> {
    let id = payload.pull_request_id;
    let web_url = config.bitbucket_web_url.clone();
    let (asked, keyring, config, moment) = (id.clone(), Arc::clone(keyring), Arc::clone(config), now.clone());
    let question = database.read(move |connection| {
        let Some(known) = pull_requests::known(connection, &asked)? else { return Ok(None) };
        let Some((repository, number)) = address(&known) else { return Ok(None) };
        let credential = match credential_for(connection, &known, &keyring, &config, &moment) {
            Err(error) if error.code != system_tokens::EXPIRED => return Err(error),
            credential => credential,
        };
        Ok(Some((repository, number, credential)))
    });
    // Purged or detached meanwhile: there is nothing to fetch any more.
    let Some((repository, number, credential)) = question.await? else { return Ok(Outcome::Done) };
    let credential = match credential {
        Ok(credential) => credential,
        // The key comes with the next call of Forge: the job waits for it, and readers see why.
        Err(error) => {
            let code = error.code;
            database.write(move |connection| pull_requests::store_failure(connection, &id, code)).await?;
            return Err(error);
        }
    };
    let Some(credential) = credential else {
        let store = move |connection: &mut AnyConnection| pull_requests::store_failure(connection, &id, "not_connected");
        return database.write(store).await.map(|()| Outcome::Done);
    };
    let (installation_id, bitbucket_workspace, credential) = credential;
    let moment = now.clone();
    match bitbucket.pull_request(&credential, &repository, number).await {
        Ok(answer) => {
            let (details, asked_at) = (details(answer), now.at);
            let store = move |connection: &mut AnyConnection| {
                health::note_success(connection, &installation_id, About::OneThing)?;
                pull_requests::place(connection, &id, &bitbucket_workspace)?;
                pull_requests::store_details(connection, &id, &details, &web_url, asked_at)
            };
            database.write(store).await.map(|()| Outcome::Done)
        }
        Err(failure) => {
            // A refusal is an answer: it stands on the row, and the next event or reader asks again.
            let outcome = if failure.is_passing() { retry(&failure) } else { Outcome::Done };
            let store = move |connection: &mut AnyConnection| {
                health::note_failure(connection, &installation_id, &failure, About::OneThing, &moment)?;
                pull_requests::store_failure(connection, &id, failure.code())
            };
            database.write(store).await.map(|()| outcome)
        }
    }
}

fn address(known: &Known) -> Option<(RepositoryName, i64)> {
    let by_uuid = known.repository_uuid.as_deref().and_then(parse_uuid).map(RepositoryName::Uuid);
    let repository = by_uuid.or_else(|| known.repository_name.clone().map(RepositoryName::Full))?;
    Some((repository, known.number?))
}

/// The installation that serves the pull request's Bitbucket workspace, that workspace and the credential: by UUID where known, else
/// by the slug in its name. Of two doors it is one whose key Bitbucket takes.
fn credential_for(
    connection: &mut AnyConnection,
    known: &Known,
    keyring: &Keyring,
    config: &Config,
    now: &Now,
) -> Result<Option<(InstallationId, String, Credential)>> {
    let slug = known.repository_name.as_deref().and_then(|name| name.split_once('/')).map(|(workspace, _)| workspace.to_owned());
    let mut query = installations::table
        .inner_join(bitbucket_workspaces::table)
        .filter(installations::workspace_id.eq(Some(&known.workspace_id)))
        .filter(installations::state.eq(State::Active))
        .select((installations::id, installations::bitbucket_workspace_uuid))
        .into_boxed();
    query = match (&known.bitbucket_workspace_uuid, slug) {
        (Some(uuid), _) => query.filter(bitbucket_workspaces::uuid.eq(uuid.clone())),
        (None, Some(slug)) => query.filter(bitbucket_workspaces::slug.eq(Some(slug))),
        (None, None) => return Ok(None),
    };
    let by_usefulness = (installations::refused_since.is_not_null(), installations::door.desc(), installations::id.desc());
    let rows: Vec<(InstallationId, String)> = query.order(by_usefulness).limit(4).load(connection)?;
    let mut waiting = None;
    for (id, bitbucket_workspace) in rows {
        match credentials::of(connection, &id, keyring, config, now) {
            Ok(Some(credential)) => return Ok(Some((id, bitbucket_workspace, credential.in_background()))),
            Ok(None) => {}
            Err(error) => waiting = Some(error),
        }
    }
    waiting.map_or(Ok(None), Err)
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
