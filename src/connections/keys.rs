//! The keys that signed calls are verified with, cached for at most a second. Doors ask for them by client key.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::installations::Door;
use super::system_tokens;
use super::{consumers, hooks, secrets};
use crate::config::{Config, Now};
use crate::connect::token::VerificationKey;
use crate::error::Result;
use crate::storage::schema::installations;
use crate::storage::seal::Keyring;
use crate::storage::{AnyConnection, Database};

/// How long a replaced secret still verifies tokens made before the change.
pub const GRACE_SECONDS: i64 = 3600;
const CACHED_FOR: Duration = Duration::from_secs(1);
/// Only installations that exist are cached; above this many the stale ones are dropped.
const CACHED_AT_MOST: usize = 4096;

/// The keys of one installation: the present secret's first, then the former one's while its grace lasts.
#[derive(Clone, Debug)]
pub struct Keys {
    /// In the order [`crate::connect::token::verify`] numbers them.
    pub keys: Vec<VerificationKey>,
    /// How far our clock is known to be from Bitbucket's: see [`super::health`].
    pub clock_skew_seconds: Option<i32>,
}

/// What a replaced secret still verifies, within its hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Former {
    /// What it signed before the change: what was open in a browser or under way.
    BeforeTheChange,
    /// Anything: `installed`, because Bitbucket goes on with the former secret when our answer to the change was lost.
    Anything,
    /// Nothing: `uninstalled`.
    Nothing,
}

/// Keys by client key.
#[derive(Debug, Default)]
pub struct KeyCache {
    cached: RwLock<HashMap<String, (Instant, Arc<Keys>)>>,
}

impl KeyCache {
    /// The keys of an installation; `None` when there is none, which is never remembered.
    ///
    /// # Errors
    /// When the database cannot be read or a secret cannot be opened.
    pub async fn of(
        &self,
        client_key: &str,
        database: &Database,
        keyring: &Arc<Keyring>,
        config: &Arc<Config>,
        now: &Now,
    ) -> Result<Option<Arc<Keys>>> {
        let instant = Instant::now();
        if let Some((read_at, keys)) = self.cached.read().unwrap_or_else(PoisonError::into_inner).get(client_key)
            && instant.duration_since(*read_at) < CACHED_FOR
        {
            return Ok(Some(Arc::clone(keys)));
        }
        let (owned, keyring, config, now) = (client_key.to_owned(), Arc::clone(keyring), Arc::clone(config), now.clone());
        let work = move |connection: &mut _| read(connection, &owned, Former::BeforeTheChange, &keyring, &config, &now);
        let read = database.read(work).await?;
        let Some(keys) = read.map(Arc::new) else { return Ok(None) };
        let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= CACHED_AT_MOST {
            cached.retain(|_, (read_at, _)| instant.duration_since(*read_at) < CACHED_FOR);
        }
        cached.insert(client_key.to_owned(), (instant, Arc::clone(&keys)));
        Ok(Some(keys))
    }
}

type Secrets = (bool, Option<String>, Option<String>, Option<NaiveDateTime>, Option<i32>);

/// Reads an installation's keys past the cache, for decisions that must not be a second old.
///
/// # Errors
/// When the database cannot be read or a secret cannot be opened.
pub fn read(
    connection: &mut AnyConnection,
    client_key: &str,
    former: Former,
    keyring: &Keyring,
    config: &Config,
    now: &Now,
) -> Result<Option<Keys>> {
    let row: Option<Secrets> = installations::table
        .filter(installations::client_key.eq(client_key))
        .filter(installations::door.eq(Door::Connect))
        .select((
            installations::is_registered,
            installations::secret,
            installations::previous_secret,
            installations::secret_changed_at,
            installations::clock_skew_seconds,
        ))
        .first(connection)
        .optional()?;
    let Some((is_registered, secret, previous, changed_at, clock_skew_seconds)) = row else { return Ok(None) };
    let mut keys = Vec::new();
    if is_registered {
        keys.extend(config.connect.app_secret.as_ref().map(|secret| VerificationKey::new(secret.expose())));
    }
    if let Some(sealed) = secret {
        keys.push(VerificationKey::new(keyring.open_text(&sealed, &sealed_for(client_key))?.expose()));
    }
    if let (Some(sealed), Some(changed_at)) = (previous, changed_at)
        && former != Former::Nothing
        && now.at < changed_at + chrono::TimeDelta::seconds(GRACE_SECONDS)
    {
        let key = VerificationKey::new(keyring.open_text(&sealed, &sealed_for(client_key))?.expose());
        keys.push(match former {
            Former::Anything => key,
            _ => key.only_issued_before(changed_at.and_utc().timestamp()),
        });
    }
    Ok(Some(Keys { keys, clock_skew_seconds }))
}

/// Seals every secret under the newest key, so that a former one can be taken out of the settings after one start with both.
///
/// # Errors
/// When the database refuses or a secret cannot be opened.
pub fn seal_anew(connection: &mut AnyConnection, keyring: &Keyring) -> Result<usize> {
    let of_installations = seal_installations_anew(connection, keyring)?;
    let of_consumers = consumers::seal_anew(connection, keyring)?;
    let of_hooks = hooks::seal_anew(connection, keyring)?;
    Ok(of_installations + of_consumers + of_hooks + secrets::seal_anew(connection, keyring)?)
}

fn seal_installations_anew(connection: &mut AnyConnection, keyring: &Keyring) -> Result<usize> {
    let rows: Vec<(String, Option<String>, Option<String>)> = installations::table
        .select((installations::client_key, installations::secret, installations::previous_secret))
        .filter(installations::secret.is_not_null())
        .load(connection)?;
    let mut changed = 0;
    for (client_key, secret, previous) in rows {
        let anew = |sealed: &Option<String>| match sealed {
            Some(sealed) => keyring.seal_anew(sealed, &sealed_for(&client_key)),
            None => Ok(None),
        };
        let (new_secret, new_previous) = (anew(&secret)?, anew(&previous)?);
        if new_secret.is_some() || new_previous.is_some() {
            let row = installations::table.filter(installations::client_key.eq(&client_key));
            diesel::update(row)
                .set((
                    installations::secret.eq(new_secret.or(secret)),
                    installations::previous_secret.eq(new_previous.or(previous)),
                ))
                .execute(connection)?;
            changed += 1;
        }
    }
    Ok(changed + system_tokens::seal_anew(connection, keyring)?)
}

/// What the secrets of an installation are sealed for: another row's cannot be put in their place.
pub fn sealed_for(client_key: &str) -> String {
    format!("installations:{client_key}")
}
