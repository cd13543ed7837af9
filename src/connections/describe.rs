//! The job that asks Bitbucket for a workspace's slug and name with the proven secret, so that owners see what they confirm.

use std::sync::Arc;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::health::{self, About};
use super::installations::Door;
use super::lifecycle::lock_bitbucket_workspace;
use super::{credentials, purge};
use crate::bitbucket::{Client, Failure};
use crate::config::{Config, Now};
use crate::error::{Error, Result};
use crate::jobs::{self, Outcome};
use crate::people::text::one_line;
use crate::storage::ids::InstallationId;
use crate::storage::schema::{bitbucket_workspaces, installations};
use crate::storage::seal::Keyring;
use crate::storage::{AnyConnection, Database};

/// The kind of the job.
pub const DESCRIBE: &str = "describe_bitbucket_workspace";

/// For so long after an install through Forge Bitbucket may refuse the app's token:
/// <https://developer.atlassian.com/platform/forge/events-reference/life-cycle/>.
const LEARNS_WITHIN_SECONDS: i64 = 10 * 60;

/// The payload of a [`DESCRIBE`] job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Describe {
    /// With whose credential, and of which workspace.
    pub installation_id: InstallationId,
}

/// Has the workspace of an installation described anew.
///
/// # Errors
/// When the database refuses.
pub fn enqueue(connection: &mut AnyConnection, id: &InstallationId, now: &Now) -> Result<()> {
    let payload = Describe { installation_id: id.clone() };
    jobs::forget_failed(connection, DESCRIBE, &payload)?;
    jobs::enqueue(connection, DESCRIBE, Some(&format!("{DESCRIBE}:{id}")), &payload, now)
}

/// Works the job off.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn handle(
    database: &Database,
    bitbucket: &Client,
    keyring: &Arc<Keyring>,
    config: &Arc<Config>,
    payload: Describe,
    now: &Now,
) -> Result<Outcome> {
    let noted_id = payload.installation_id.clone();
    let (id, keyring, config, moment) = (payload.installation_id, Arc::clone(keyring), Arc::clone(config), now.clone());
    let asked = database.read(move |connection| {
        let row = installations::table.find(&id).select((
            installations::bitbucket_workspace_uuid,
            installations::door,
            installations::installed_at,
        ));
        let row: Option<(String, Door, NaiveDateTime)> = row.first(connection).optional()?;
        Ok(row.zip(credentials::of(connection, &id, &keyring, &config, &moment)?))
    });
    let Some(((text, door, installed_at), credential)) = asked.await? else { return Ok(Outcome::Done) };
    let uuid = Uuid::try_parse(&text).map_err(Error::internal)?;
    let workspace = match bitbucket.workspace(&credential.in_background(), uuid).await {
        Ok(workspace) => workspace,
        // Bitbucket learns of a Forge installation after its first event has been sent.
        Err(Failure::NotAuthorised | Failure::Forbidden { .. } | Failure::NotFound)
            if door == Door::Forge && now.at < installed_at + TimeDelta::seconds(LEARNS_WITHIN_SECONDS) =>
        {
            return Ok(Outcome::Retry { reason: "installation_too_young".to_owned(), after_seconds: None });
        }
        Err(failure) => {
            tracing::warn!(code = failure.code(), "a workspace could not be described");
            // After a refusal the workspace goes by its UUID until the next install or an owner asks again.
            let outcome = if failure.is_passing() { retry(&failure) } else { Outcome::Done };
            let moment = now.clone();
            let note = move |connection: &mut AnyConnection| {
                health::note_failure(connection, &noted_id, &failure, About::Workspace, &moment)
            };
            return database.write(note).await.map(|()| outcome);
        }
    };
    let at = now.at;
    database
        .write(move |connection| {
            // The app may have been removed while Bitbucket was asked; a late answer brings nothing back.
            lock_bitbucket_workspace(connection, uuid)?;
            if !purge::has_open_door(connection, uuid)? {
                return Ok(Outcome::Done);
            }
            health::note_success(connection, &noted_id, About::Workspace)?;
            let name = workspace.name.as_deref().unwrap_or(&workspace.slug);
            diesel::update(bitbucket_workspaces::table.find(text))
                .set((
                    bitbucket_workspaces::slug.eq(Some(one_line(&workspace.slug, 100))),
                    bitbucket_workspaces::name.eq(Some(one_line(name, 255))),
                    bitbucket_workspaces::described_at.eq(Some(at)),
                ))
                .execute(connection)?;
            Ok(Outcome::Done)
        })
        .await
}

/// What a job does about a failure that may pass.
pub(crate) fn retry(failure: &Failure) -> Outcome {
    let after_seconds = match failure {
        Failure::RateLimited { after_seconds } => after_seconds.map(i64::from),
        _ => None,
    };
    Outcome::Retry { reason: failure.code().to_owned(), after_seconds }
}
