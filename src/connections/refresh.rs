//! The credential of a connection, refreshed before its token ends: by one server at a time, and stored before it is used.
//!
//! Who refreshes takes a lease in the row, asks Bitbucket outside of any transaction, and stores the new pair under the condition that
//! nobody has stored one meanwhile. A crash between the answer and the write leaves the former refresh token, which Bitbucket takes for
//! some ten minutes more: the next one who needs the connection, or the job, asks with it once the lease has run out.

mod lease;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::Parts;
use super::grants::{Kind, State};
use crate::bitbucket::grants::Granted;
use crate::bitbucket::{Client, Credential, Failure};
use crate::config::{Config, Now};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::jobs::{self, Outcome};
use crate::storage::ids::ConnectionId;
use crate::storage::schema::connections;
use crate::storage::seal::Keyring;
use crate::storage::{AnyConnection, Database};
use lease::{Lease, Means, Step, Usable};

/// The kind of the job.
pub const REFRESH: &str = "refresh_connection";
/// For how long somebody waits for another server that refreshes.
const WAITS: Duration = Duration::from_secs(20);
const LOOKS_EVERY: Duration = Duration::from_millis(150);

/// The payload of a [`REFRESH`] job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// Which connection.
    pub connection_id: ConnectionId,
}

/// What calls on a connection are made with; `None` when it is ended or has to be granted anew.
///
/// # Errors
/// When the database cannot be read or written; `token_not_fetched` (503) when the token has ended and Bitbucket does not give another.
pub async fn credential(parts: &Parts<'_>, id: &ConnectionId, now: &Now) -> Result<Option<Credential>> {
    credential_while(parts, id, State::Connected, now).await
}

/// The same for a pasted token that Bitbucket has refused, which may take it again: only a check that somebody asks for may use it.
pub(super) async fn refused_credential(parts: &Parts<'_>, id: &ConnectionId, now: &Now) -> Result<Option<Credential>> {
    credential_while(parts, id, State::Reconnect, now).await
}

/// The same for a connection that has ended and whose secrets are still there: only the removal of its webhooks may use it.
pub(super) async fn last_credential(parts: &Parts<'_>, id: &ConnectionId, now: &Now) -> Result<Option<Credential>> {
    credential_while(parts, id, State::Disconnected, now).await
}

async fn credential_while(parts: &Parts<'_>, id: &ConnectionId, state: State, now: &Now) -> Result<Option<Credential>> {
    let begun = Instant::now();
    loop {
        // Time goes on while another server is waited for.
        let passed = TimeDelta::from_std(begun.elapsed()).unwrap_or_default();
        let moment = Now { at: now.at + passed, random: now.random.clone() };
        let (asked, keyring, config) = (id.clone(), Arc::clone(parts.keyring), Arc::clone(parts.config));
        let at = moment.clone();
        // Most calls find a good token, and need no write to see it.
        let (first, ring) = (asked.clone(), Arc::clone(&keyring));
        let look = parts.database.read(move |connection| lease::look(connection, &first, state, &ring, &at));
        let step = match look.await? {
            Some(step) => step,
            None => {
                let take =
                    move |connection: &mut AnyConnection| lease::take(connection, &asked, state, &keyring, &config, &moment);
                parts.database.write(take).await?
            }
        };
        match step {
            Step::Use(usable) => return Ok(Some(credential_of(usable))),
            Step::Ended => return Ok(None),
            Step::Failed(code) => return Err(not_fetched(code)),
            Step::Wait if begun.elapsed() > WAITS => return Err(not_fetched("refresh_under_way".to_owned())),
            Step::Wait => tokio::time::sleep(LOOKS_EVERY).await,
            Step::Refresh(lease) => refresh(parts, id, *lease, now).await?,
        }
    }
}

fn credential_of(Usable { secret, email, budget }: Usable) -> Credential {
    match email {
        Some(email) => Credential::basic(budget, email.expose(), secret),
        None => Credential::bearer(budget, secret),
    }
}

/// Asks Bitbucket, and stores what it answers before anybody uses it. As a task of its own: whoever needs the credential may hang up
/// meanwhile, and the pair that Bitbucket has then made must not be lost with them.
async fn refresh(parts: &Parts<'_>, id: &ConnectionId, lease: Lease, now: &Now) -> Result<()> {
    let (database, bitbucket, keyring) = (parts.database.clone(), parts.bitbucket.clone(), Arc::clone(parts.keyring));
    let (id, now) = (id.clone(), now.clone());
    let work = async move {
        let begun = Instant::now();
        let answer = ask(&bitbucket, &lease).await;
        let passed = TimeDelta::from_std(begun.elapsed()).unwrap_or_default();
        let moment = Now { at: now.at + passed, random: now.random.clone() };
        let settle = move |connection: &mut AnyConnection| match &answer {
            Ok(granted) => lease::store(connection, &id, &lease, granted, &keyring, &moment),
            Err(failure) => lease::note_failure(connection, &id, &lease, failure, &moment),
        };
        database.write(settle).await
    };
    tokio::spawn(work).await.map_err(Error::internal)?
}

async fn ask(bitbucket: &Client, lease: &Lease) -> std::result::Result<Granted, Failure> {
    // The consumer is gone from the settings.
    let Some(consumer) = &lease.consumer else { return Err(Failure::NotAuthorised) };
    match &lease.means {
        Means::ConsumerItself => bitbucket.grant_to_consumer(consumer).await,
        Means::RefreshTokens(tokens) => {
            let mut answer = Err(Failure::GrantEnded);
            for token in tokens {
                answer = bitbucket.grant_by_refresh(consumer, token).await;
                // The one before is tried only where Bitbucket does not take the one after it.
                if answer.as_ref().err() != Some(&Failure::GrantEnded) {
                    break;
                }
            }
            answer
        }
    }
}

fn not_fetched(code: String) -> Error {
    let detail =
        "The token for Bitbucket could not be fetched. It is tried again by itself; the settings page says why it failed.";
    let mut error = Error::new(ErrorKind::Upstream, "token_not_fetched", detail).because(code);
    error.retry_after_seconds = Some(30);
    error
}

/// Has every connection refreshed whose access token ends soon; answers whether there are any. The server calls it every minute.
///
/// # Errors
/// When the database refuses.
pub async fn enqueue_due(database: &Database, now: &Now) -> Result<bool> {
    // Whether anybody needs it or not: a refresh token that lies unused dies.
    let soon = now.plus_seconds(lease::BEFORE_SECONDS);
    let due: Vec<ConnectionId> = database
        .read(move |connection| {
            let live = connections::table.filter(connections::state.eq(State::Connected));
            let ending = live.filter(connections::kind.eq(Kind::OAuth)).filter(connections::expires_at.lt(Some(soon)));
            Ok(ending.order(connections::expires_at).limit(500).select(connections::id).load(connection)?)
        })
        .await?;
    if due.is_empty() {
        return Ok(false);
    }
    let moment = now.clone();
    let work = move |connection: &mut AnyConnection| {
        for connection_id in due {
            let key = format!("{REFRESH}:{connection_id}");
            jobs::enqueue(connection, REFRESH, Some(&key), &Refresh { connection_id }, &moment)?;
        }
        Ok(true)
    };
    database.write(work).await
}

/// Works the job off: refreshes when nobody has done so meanwhile.
///
/// # Errors
/// When the database cannot be read or written, or Bitbucket gives no token.
pub async fn handle(
    database: &Database,
    bitbucket: &Client,
    keyring: &Arc<Keyring>,
    config: &Arc<Config>,
    payload: Refresh,
    now: &Now,
) -> Result<Outcome> {
    let parts = Parts { database, bitbucket, keyring, config };
    credential(&parts, &payload.connection_id, now).await.map(|_credential| Outcome::Done)
}
