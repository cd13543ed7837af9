//! The job that keeps the webhooks of a connection as they should be: makes those that are wanted, checks them once a day, mends them, tells
//! them new secrets, and removes those that nobody wants any more.

use std::sync::Arc;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::plan::{self, Plan, Taken};
use super::rows::{self, Prepared, Row};
use super::{Place, Way, address, at_bitbucket};
use crate::bitbucket::{Barrier, Client, Credential, Failure};
use crate::config::{Config, Now};
use crate::connections::describe::retry;
use crate::connections::grants::State;
use crate::connections::{Parts, faring, refresh};
use crate::error::Result;
use crate::jobs::{self, Outcome};
use crate::storage::ids::ConnectionId;
use crate::storage::schema::{connection_listening, connections};
use crate::storage::seal::Keyring;
use crate::storage::{AnyConnection, Database};

/// The kind of the job.
pub const KEEP_HOOKS: &str = "keep_hooks";
/// How a connection's card names the call.
const CALL: &str = "webhooks";
/// When another server that is at it is looked after.
const BUSY_SECONDS: i64 = 30;

/// The payload of a [`KEEP_HOOKS`] job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeepHooks {
    /// Which connection.
    pub connection_id: ConnectionId,
}

/// Has the webhooks of a connection looked at now.
pub(super) fn enqueue(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<()> {
    let payload = KeepHooks { connection_id: id.clone() };
    jobs::forget_failed(connection, KEEP_HOOKS, &payload)?;
    jobs::enqueue(connection, KEEP_HOOKS, Some(&format!("{KEEP_HOOKS}:{id}")), &payload, now)
}

/// Has those connections' webhooks looked at that nobody has looked at for an hour, or of which something has changed; answers whether there
/// are any. The server calls it every minute, so that a new connection's are there soon.
///
/// # Errors
/// When the database refuses.
pub async fn enqueue_due(database: &Database, now: &Now) -> Result<bool> {
    let at = now.at;
    let due = database.read(move |connection| {
        let live = connections::table
            .left_join(connection_listening::table)
            .filter(connections::state.eq(State::Connected))
            .filter(connections::member_id.is_null())
            .filter(connections::bitbucket_workspace_uuid.is_not_null());
        let is_due = connection_listening::due_at.nullable().is_null().or(connection_listening::due_at.nullable().le(at));
        let due = live.filter(is_due).order(connections::id).limit(500).select(connections::id);
        Ok(due.load::<ConnectionId>(connection)?)
    });
    let due = due.await?;
    if due.is_empty() {
        return Ok(false);
    }
    let moment = now.clone();
    let work = move |connection: &mut AnyConnection| {
        for id in &due {
            plan::note_look(connection, id, &moment)?;
            enqueue(connection, id, &moment)?;
        }
        Ok(true)
    };
    database.write(work).await
}

/// Works the job off, a few webhooks at a time.
///
/// # Errors
/// When the database cannot be read or written, or no token can be had at the moment.
pub async fn handle(
    database: &Database,
    bitbucket: &Client,
    keyring: &Arc<Keyring>,
    config: &Arc<Config>,
    payload: KeepHooks,
    now: &Now,
) -> Result<Outcome> {
    let parts = Parts { database, bitbucket, keyring, config };
    let (id, asked, moment) = (payload.connection_id.clone(), payload.connection_id, now.clone());
    let plan = match database.write(move |connection| plan::take(connection, &asked, &moment)).await? {
        Taken::Nothing => return Ok(Outcome::Done),
        Taken::Busy => return Ok(Outcome::Retry { reason: "under_way".to_owned(), after_seconds: Some(BUSY_SECONDS) }),
        Taken::Plan(plan) => plan,
    };
    let kept = Keeper { parts, id: &id, now }.keep(&plan).await;
    let goes_on = matches!(kept, Ok(Kept::ThereIsMore));
    let (asked, moment) = (id.clone(), now.clone());
    let give_back = move |connection: &mut AnyConnection| {
        plan::give_back(connection, &asked)?;
        if goes_on { enqueue(connection, &asked, &moment) } else { Ok(()) }
    };
    database.write(give_back).await?;
    Ok(match kept? {
        Kept::All | Kept::ThereIsMore => Outcome::Done,
        Kept::NotNow(failure) => retry(&failure),
    })
}

/// How far it came.
enum Kept {
    All,
    ThereIsMore,
    /// Bitbucket does not answer as it should; what is done is done.
    NotNow(Failure),
}

/// Whether the next place is worth a try.
enum Next {
    GoOn,
    Stop,
    LookAnew,
}

struct Keeper<'a> {
    parts: Parts<'a>,
    id: &'a ConnectionId,
    now: &'a Now,
}

impl Keeper<'_> {
    async fn keep(&self, plan: &Plan) -> Result<Kept> {
        let Some(credential) = refresh::credential(&self.parts, self.id, self.now).await? else { return Ok(Kept::All) };
        let credential = credential.in_background();
        let address = address(self.parts.config, self.id);
        for place in &plan.due {
            let Some(prepared) = self.prepare(*place).await? else { return Ok(Kept::All) };
            let there = place.at_bitbucket(plan.bitbucket_workspace);
            match at_bitbucket::keep(self.parts.bitbucket, &credential, &there, &address, &prepared).await {
                Ok(uuid) => {
                    let (id, place, now) = (self.id.clone(), *place, self.now.clone());
                    let note = move |connection: &mut AnyConnection| {
                        let way = if place == Place::Workspace { Way::Workspace } else { Way::Repositories };
                        plan::note_way(connection, &id, way, None)?;
                        rows::note_kept(connection, &prepared, uuid, &now)
                    };
                    self.parts.database.write(note).await?;
                }
                Err(failure) if failure.is_passing() => return Ok(Kept::NotNow(failure)),
                Err(failure) => match self.note_refusal(*place, prepared, failure).await? {
                    Next::GoOn => {}
                    Next::Stop => return Ok(Kept::All),
                    Next::LookAnew => return Ok(Kept::ThereIsMore),
                },
            }
        }
        // What is there already goes only now that what takes its place is there.
        for row in &plan.leaving {
            if let Some(failure) = self.remove(&credential, plan, row, &address).await? {
                return Ok(Kept::NotNow(failure));
            }
        }
        Ok(if plan.has_more { Kept::ThereIsMore } else { Kept::All })
    }

    async fn prepare(&self, place: Place) -> Result<Option<Prepared>> {
        let (id, keyring, now) = (self.id.clone(), Arc::clone(self.parts.keyring), self.now.clone());
        self.parts.database.write(move |connection| rows::prepare(connection, &id, place, &keyring, &now)).await
    }

    /// What a refusal means: of the scope, nothing can be done at all; of the whole workspace, each repository is tried; of a repository, the
    /// others may well do.
    async fn note_refusal(&self, place: Place, prepared: Prepared, failure: Failure) -> Result<Next> {
        let (id, now) = (self.id.clone(), self.now.clone());
        let work = move |connection: &mut AnyConnection| {
            let is_never_made = prepared.hook_uuid.is_none();
            match (&failure, place) {
                (Failure::NotAuthorised | Failure::GrantEnded, _) => {
                    faring::note_failure(connection, &id, CALL, &failure, &now)?;
                    return Ok(Next::Stop);
                }
                (Failure::Forbidden { because: Barrier::Unsaid } | Failure::NotFound, Place::Workspace) => {
                    plan::note_workspace_refused(connection, &id, &now)?;
                }
                (Failure::MissingScopes { .. }, _) | (_, Place::Workspace) => {
                    plan::note_way(connection, &id, Way::Polling, Some(failure.code()))?;
                }
                (_, Place::Repository(_)) => {
                    rows::note_failing(connection, &prepared.id, failure.code(), &now)?;
                    return Ok(Next::GoOn);
                }
            }
            // What was never made leaves nothing; what was may still deliver.
            if is_never_made {
                rows::forget(connection, &prepared.id)?;
            } else {
                rows::note_failing(connection, &prepared.id, failure.code(), &now)?;
            }
            let is_about_workspace = place == Place::Workspace && !matches!(failure, Failure::MissingScopes { .. });
            let may_do_each = matches!(failure, Failure::Forbidden { because: Barrier::Unsaid } | Failure::NotFound);
            Ok(if is_about_workspace && may_do_each { Next::LookAnew } else { Next::Stop })
        };
        self.parts.database.write(work).await
    }

    /// Removes a webhook that nobody wants; what has failed and may pass.
    async fn remove(&self, credential: &Credential, plan: &Plan, row: &Row, address: &str) -> Result<Option<Failure>> {
        let there = row.place.at_bitbucket(plan.bitbucket_workspace);
        let removed = match row.was_never_made() {
            true => Ok(()),
            false => at_bitbucket::remove(self.parts.bitbucket, credential, &there, address, row.hook_uuid).await,
        };
        if let Err(failure) = &removed
            && failure.is_passing()
        {
            return Ok(Some(failure.clone()));
        }
        let (id, now) = (row.id.clone(), self.now.clone());
        let settle = move |connection: &mut AnyConnection| match removed {
            Ok(()) => rows::forget(connection, &id),
            Err(failure) => rows::note_failing(connection, &id, failure.code(), &now),
        };
        self.parts.database.write(settle).await.map(|()| None)
    }
}
