//! The app's own access tokens that Forge's calls bring: kept sealed until they end. Forge's doors hand them in, credentials are made
//! of them.

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::installations::State;
use crate::config::{Now, Secret};
use crate::error::{Error, Kind, Result};
use crate::forge::system_token::AccessToken;
use crate::storage::AnyConnection;
use crate::storage::ids::InstallationId;
use crate::storage::schema::installations;
use crate::storage::seal::Keyring;

/// A token with less left is not used any more: a job may take as long.
const LEAST_LEFT_SECONDS: i64 = 120;
/// A token whose end is later by less is the same one, or as good.
const WORTH_STORING_SECONDS: i64 = 60;
/// How long a job waits that found no token.
const WAIT_SECONDS: u32 = 600;

/// Keeps a token that ends later than the one that is held.
///
/// # Errors
/// When the database refuses or sealing fails.
pub(super) fn keep(
    connection: &mut AnyConnection,
    id: &InstallationId,
    client_key: &str,
    token: &AccessToken,
    held_until: Option<NaiveDateTime>,
    keyring: &Keyring,
) -> Result<()> {
    let Some(expires_at) = DateTime::from_timestamp(token.expires_at, 0).map(|time| time.naive_utc()) else { return Ok(()) };
    if held_until.is_some_and(|held| expires_at < held + TimeDelta::seconds(WORTH_STORING_SECONDS)) {
        return Ok(());
    }
    let sealed = keyring.seal(token.token.expose(), &sealed_for(client_key))?;
    // An uninstall may have been committed on another server a moment ago: a tombstone gets no token.
    let living = installations::table.find(id).filter(installations::state.ne(State::Uninstalled));
    diesel::update(living)
        .set((installations::system_token.eq(Some(sealed)), installations::system_token_expires_at.eq(Some(expires_at))))
        .execute(connection)?;
    Ok(())
}

/// Deletes the token of an installation that has ended.
///
/// # Errors
/// When the database refuses.
pub(super) fn forget(connection: &mut AnyConnection, id: &InstallationId) -> Result<()> {
    diesel::update(installations::table.find(id))
        .set((installations::system_token.eq(None::<String>), installations::system_token_expires_at.eq(None::<NaiveDateTime>)))
        .execute(connection)?;
    Ok(())
}

/// The token of an installation.
///
/// # Errors
/// `forge_token_expired` (503) when it has ended, or none ever came; or it cannot be opened.
pub(super) fn open(
    client_key: &str,
    sealed: Option<String>,
    expires_at: Option<NaiveDateTime>,
    keyring: &Keyring,
    now: &Now,
) -> Result<Secret> {
    let is_usable = expires_at.is_some_and(|expires_at| expires_at > now.plus_seconds(LEAST_LEFT_SECONDS));
    match sealed.filter(|_| is_usable) {
        Some(sealed) => keyring.open_text(&sealed, &sealed_for(client_key)),
        None => Err(expired()),
    }
}

/// 503: Bitbucket cannot be asked before Forge has called again.
fn expired() -> Error {
    let detail =
        "Forge has not called for hours, so this server has no key for Bitbucket. It waits for Forge's next hourly call.";
    let mut error = Error::new(Kind::Upstream, EXPIRED, detail);
    error.retry_after_seconds = Some(WAIT_SECONDS);
    error
}

/// The stable code of what waits for Forge's next call.
pub const EXPIRED: &str = "forge_token_expired";

/// Seals every token under the newest key.
pub(super) fn seal_anew(connection: &mut AnyConnection, keyring: &Keyring) -> Result<usize> {
    let rows: Vec<(InstallationId, String, Option<String>)> = installations::table
        .filter(installations::system_token.is_not_null())
        .select((installations::id, installations::client_key, installations::system_token))
        .load(connection)?;
    let mut changed = 0;
    for (id, client_key, sealed) in rows {
        let anew = sealed.map(|sealed| keyring.seal_anew(&sealed, &sealed_for(&client_key))).transpose()?.flatten();
        if let Some(anew) = anew {
            let row = installations::table.find(&id);
            diesel::update(row).set(installations::system_token.eq(Some(anew))).execute(connection)?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// What a token is sealed for: neither another row's nor another column's can be put in its place.
fn sealed_for(client_key: &str) -> String {
    format!("installations:{client_key}:system_token")
}
