//! Looking at a linked pull request with the own grants of those who may see the link: what Bitbucket shows one of them may be shown beside
//! it, as it may once one of them has opened its panel. Doors begin it; what is shown then comes as always, by a refresh.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bitbucket::{Client, RepositoryName};
use crate::config::{Config, Now};
use crate::connections::describe::retry;
use crate::connections::grants::{self, Connection};
use crate::connections::{Parts, calls, faring, purposes};
use crate::error::Result;
use crate::jobs::{self, Outcome};
use crate::people::members::Role;
use crate::people::pull_requests::{self, Reference, parse_repository};
use crate::people::{Viewer, identities, unseen};
use crate::storage::ids::{LinkId, MemberId, PullRequestId, WorkspaceId};
use crate::storage::seal::Keyring;
use crate::storage::{AnyConnection, Database};

/// The kind of the job.
pub const LOOK: &str = "look_at_pull_request";
/// How a grant's card names the call.
const CALL: &str = "pull_request";
/// How many grants are looked with before it stays an address.
const GRANTS_AT_MOST: usize = 5;
/// How many of a workspace's grants are considered.
const CONSIDERED_AT_MOST: i64 = 50;
/// How many links a member's new grant is tried on, the newest first.
const LINKS_AT_MOST: i64 = 100;

/// The payload of a [`LOOK`] job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Look {
    /// In which ClarityLoop workspace.
    pub workspace_id: WorkspaceId,
    /// At what.
    pub pull_request_id: PullRequestId,
}

/// Has the pull request of a link that was just made looked at, when only its address is shown and somebody here has a grant that reads.
///
/// # Errors
/// When the database refuses.
pub fn after_linking(connection: &mut AnyConnection, viewer: &Viewer, link: &LinkId, now: &Now) -> Result<()> {
    if grants::own_that_read(connection, &viewer.workspace_id, 1)?.is_empty() {
        return Ok(());
    }
    match unseen::of_link(connection, viewer, link)? {
        Some(id) => enqueue(connection, &viewer.workspace_id, id, now),
        None => Ok(()),
    }
}

/// Has the newest links looked at that show a member only an address, once they have given a grant that reads.
///
/// # Errors
/// When the database refuses.
pub fn after_granting(connection: &mut AnyConnection, viewer: &Viewer, now: &Now) -> Result<()> {
    let found = unseen::of(connection, viewer, LINKS_AT_MOST)?;
    found.into_iter().try_for_each(|id| enqueue(connection, &viewer.workspace_id, id, now))
}

fn enqueue(connection: &mut AnyConnection, workspace_id: &WorkspaceId, id: PullRequestId, now: &Now) -> Result<()> {
    let key = format!("{LOOK}:{id}");
    jobs::enqueue(connection, LOOK, Some(&key), &Look { workspace_id: workspace_id.clone(), pull_request_id: id }, now)
}

/// Works the job off: the first grant that is shown the pull request ends it.
///
/// # Errors
/// When the database cannot be read or written, or a grant waits for its next token.
pub async fn handle(
    database: &Database,
    bitbucket: &Client,
    keyring: &Arc<Keyring>,
    config: &Arc<Config>,
    payload: Look,
    now: &Now,
) -> Result<Outcome> {
    let parts = Parts { database, bitbucket, keyring, config };
    let (asked, web_url) = (payload.clone(), config.bitbucket_web_url.clone());
    let question = database.read(move |connection| Question::of(connection, &asked, &web_url));
    // Purged, detached or seen meanwhile: there is nothing to find out any more.
    let Some(Question { repository, reference, readers }) = question.await? else { return Ok(Outcome::Done) };
    for (member_id, grant) in readers {
        let Some(chosen) = purposes::own_grant(&parts, &grant, now).await? else { continue };
        let credential = chosen.credential.in_background();
        match bitbucket.pull_request(&credential, &repository, reference.number).await {
            Ok(shown) => {
                let name = shown.destination.and_then(|there| there.repository).and_then(|there| there.full_name);
                let moment = now.clone();
                let note = move |connection: &mut AnyConnection| {
                    note_shown(connection, &payload, &member_id, reference, name.as_deref(), &moment)
                };
                return database.write(note).await.map(|()| Outcome::Done);
            }
            Err(failure) if failure.is_passing() => return Ok(retry(&failure)),
            Err(failure) if failure.is_about_the_credential() => {
                let (id, moment) = (grant.id, now.clone());
                let note = move |connection: &mut AnyConnection| faring::note_failure(connection, &id, CALL, &failure, &moment);
                database.write(note).await?;
            }
            // Bitbucket does not show it to this member: perhaps to another.
            Err(_refused) => {}
        }
    }
    Ok(Outcome::Done)
}

/// Records that the member is shown it, where its Bitbucket workspace is connected here: of any other nothing is kept but the address.
fn note_shown(
    connection: &mut AnyConnection,
    look: &Look,
    member_id: &MemberId,
    reference: Reference,
    name: Option<&str>,
    now: &Now,
) -> Result<()> {
    let Some((slug, _)) = name.and_then(|name| name.split_once('/')) else { return Ok(()) };
    let Some(bitbucket_workspace) = calls::connected(connection, &look.workspace_id, slug)? else { return Ok(()) };
    let reference = Reference { bitbucket_workspace: Some(bitbucket_workspace), ..reference };
    pull_requests::record_sighting(connection, member_id, &look.pull_request_id, &reference, now)
}

/// What is asked, and with whose grants.
struct Question {
    repository: RepositoryName,
    reference: Reference,
    readers: Vec<(MemberId, Connection)>,
}

impl Question {
    fn of(connection: &mut AnyConnection, look: &Look, web_url: &str) -> Result<Option<Self>> {
        let Some(known) = pull_requests::known(connection, &look.pull_request_id)? else { return Ok(None) };
        if known.workspace_id != look.workspace_id {
            return Ok(None);
        }
        let Some((repository, number)) = super::refresh::address(&known) else { return Ok(None) };
        let named = known.repository_uuid.or(known.repository_name).unwrap_or_default();
        let reference = parse_repository(web_url, &named, number)?;
        let mut readers = Vec::new();
        for grant in grants::own_that_read(connection, &look.workspace_id, CONSIDERED_AT_MOST)? {
            let Some(member_id) = grant.member_id.clone() else { continue };
            let viewer = Viewer { workspace_id: look.workspace_id.clone(), member_id: member_id.clone(), role: Role::Member };
            let identity = identities::of(connection, &viewer, &member_id)?;
            let identity = identity.filter(|identity| identity.confirmed_at.is_some());
            if readers.len() < GRANTS_AT_MOST
                && grant.is_still_of(identity.as_ref())
                && unseen::may_be_seen_by(connection, &viewer, &look.pull_request_id)?
            {
                readers.push((member_id, grant));
            }
        }
        Ok(Some(Self { repository, reference, readers }))
    }
}
