//! The credential for a call to Bitbucket on behalf of an installation. Jobs and the install proof use it.

use std::sync::Arc;

use diesel::prelude::*;

use super::installations::{Door, State};
use super::keys::sealed_for;
use super::system_tokens;
use crate::bitbucket::Credential;
use crate::config::{Config, Now, Secret};
use crate::connect::outbound::sign_outbound;
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::InstallationId;
use crate::storage::schema::installations;
use crate::storage::seal::Keyring;

/// A credential that signs each call with a Connect secret, at the moment `now` plus the time that has passed since.
pub fn signed(config: &Config, client_key: &str, secret: &Secret, now: &Now) -> Credential {
    let (app_key, client_key, secret) = (config.connect.app_key.clone(), client_key.to_owned(), secret.clone());
    let budget = format!("installation:{client_key}");
    let (now_seconds, made) = (now.unix_seconds(), std::time::Instant::now());
    Credential::signed(
        budget,
        Arc::new(move |method, path, pairs| {
            let at = now_seconds + i64::try_from(made.elapsed().as_secs()).unwrap_or(0);
            Secret::new(format!("JWT {}", sign_outbound(&app_key, &client_key, secret.expose(), method, path, pairs, at)))
        }),
    )
}

/// The credential of an installation that is installed; `None` when it was removed or its secret is not known. A job that gets
/// an error passes it on: it is tried again later.
///
/// # Errors
/// When the database cannot be read or the secret cannot be opened; `forge_token_expired` (503) until Forge calls again.
pub fn of(
    connection: &mut AnyConnection,
    id: &InstallationId,
    keyring: &Keyring,
    config: &Config,
    now: &Now,
) -> Result<Option<Credential>> {
    type Row = (Door, String, Option<String>, Option<chrono::NaiveDateTime>);
    let row: Option<Row> = installations::table
        .find(id)
        .filter(installations::state.ne(State::Uninstalled))
        .select((
            installations::door,
            installations::client_key,
            installations::system_token,
            installations::system_token_expires_at,
        ))
        .first(connection)
        .optional()?;
    match row {
        None => Ok(None),
        Some((Door::Connect, ..)) => of_tombstone(connection, id, keyring, config, now),
        Some((Door::Forge, client_key, token, expires_at)) => system_tokens::open(&client_key, token, expires_at, keyring, now)
            .map(|token| Some(Credential::bearer(format!("installation:{client_key}"), token))),
    }
}

/// The same for an installation that is a tombstone here, which Bitbucket may still hold: only its removal may use it.
pub(super) fn of_tombstone(
    connection: &mut AnyConnection,
    id: &InstallationId,
    keyring: &Keyring,
    config: &Config,
    now: &Now,
) -> Result<Option<Credential>> {
    let row: Option<(String, bool, Option<String>)> = installations::table
        .find(id)
        .select((installations::client_key, installations::is_registered, installations::secret))
        .first(connection)
        .optional()?;
    let Some((client_key, is_registered, sealed)) = row else { return Ok(None) };
    let secret = match (is_registered, &config.connect.app_secret, sealed) {
        (true, Some(secret), _) => Some(secret.clone()),
        (_, _, Some(sealed)) => Some(keyring.open_text(&sealed, &sealed_for(&client_key))?),
        _ => None,
    };
    Ok(secret.map(|secret| signed(config, &client_key, &secret, now)))
}
