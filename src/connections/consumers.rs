//! OAuth consumers: the operator's, from the settings, and the one that an owner enters for their workspace. The consent pages and the
//! refreshing of tokens use them.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::consumer_removal;
use crate::bitbucket::oauth::Consumer;
use crate::config::{Config, Now, Secret};
use crate::error::{Error, Result};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::{ConsumerId, WorkspaceId};
use crate::storage::schema::oauth_consumers;
use crate::storage::seal::Keyring;
use crate::storage::statement::for_update;

/// Where Bitbucket sends people back to. It extends the address of signing in, so that one consumer does for both.
pub const CALLBACK: &str = "/sign-in/bitbucket/callback/consent";
/// Keys and secrets of Bitbucket's are far shorter.
const LONGEST: usize = 200;

/// The consumer that an owner has entered; its secret is never shown again.
#[derive(Clone, Debug, Queryable)]
pub struct Entered {
    /// Its id.
    pub id: ConsumerId,
    /// Its key at Bitbucket.
    pub client_id: String,
    /// Whether it is private and may act as itself.
    pub may_act_alone: bool,
    /// When it was entered, UTC.
    pub entered_at: NaiveDateTime,
}

/// What an owner types to enter a consumer.
#[derive(Clone, Debug)]
pub struct NewConsumer {
    client_id: String,
    client_secret: Secret,
    may_act_alone: bool,
}

impl NewConsumer {
    /// Reads what was typed.
    ///
    /// # Errors
    /// `consumer_key_invalid` or `consumer_secret_invalid` (400).
    pub fn parse(client_id: &str, client_secret: &str, may_act_alone: bool) -> Result<Self> {
        let fits = |text: &str| !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        let (client_id, client_secret) = (client_id.trim(), client_secret.trim());
        if !fits(client_id) {
            let detail = "This is no consumer’s key. Copy it from Workspace settings > OAuth consumers in Bitbucket.";
            return Err(Error::invalid("consumer_key_invalid", "client_id", detail));
        }
        if !fits(client_secret) {
            let detail = "This is no consumer’s secret. Copy it from Workspace settings > OAuth consumers in Bitbucket.";
            return Err(Error::invalid("consumer_secret_invalid", "client_secret", detail));
        }
        Ok(Self { client_id: client_id.to_owned(), client_secret: Secret::new(client_secret), may_act_alone })
    }
}

macro_rules! current {
    ($workspace_id:expr) => {
        oauth_consumers::table
            .filter(oauth_consumers::workspace_id.eq($workspace_id))
            .filter(oauth_consumers::replaced_at.is_null())
    };
}

/// The consumer that the viewer's workspace has entered.
///
/// # Errors
/// `owner_needed` (403).
pub fn entered(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Option<Entered>> {
    viewer.must_own()?;
    current_of(connection, &viewer.workspace_id)
}

/// The consumer that a workspace has entered, for whoever of it gives consent.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn current_of(connection: &mut AnyConnection, workspace_id: &WorkspaceId) -> Result<Option<Entered>> {
    let row = current!(workspace_id).select((
        oauth_consumers::id,
        oauth_consumers::client_id,
        oauth_consumers::may_act_alone,
        oauth_consumers::entered_at,
    ));
    Ok(row.first(connection).optional()?)
}

/// Enters a consumer for the viewer's workspace. With the key that was entered before, only the secret is new, and connections go on
/// with it; another consumer takes the former's place for what is connected from now on.
///
/// # Errors
/// `owner_needed` (403).
pub fn enter(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    new: &NewConsumer,
    keyring: &Keyring,
    now: &Now,
) -> Result<ConsumerId> {
    let former = entered(connection, viewer)?;
    let same = former.filter(|former| former.client_id == new.client_id);
    let id = same.as_ref().map_or_else(|| ConsumerId::new(now), |former| former.id.clone());
    let sealed = keyring.seal(new.client_secret.expose(), &sealed_for(&id))?;
    if same.is_some() {
        diesel::update(oauth_consumers::table.find(&id))
            .set((oauth_consumers::client_secret.eq(sealed), oauth_consumers::may_act_alone.eq(new.may_act_alone)))
            .execute(connection)?;
    } else {
        diesel::update(current!(&viewer.workspace_id)).set(oauth_consumers::replaced_at.eq(Some(now.at))).execute(connection)?;
        diesel::insert_into(oauth_consumers::table)
            .values((
                oauth_consumers::id.eq(&id),
                oauth_consumers::workspace_id.eq(&viewer.workspace_id),
                oauth_consumers::client_id.eq(&new.client_id),
                oauth_consumers::client_secret.eq(sealed),
                oauth_consumers::may_act_alone.eq(new.may_act_alone),
                oauth_consumers::entered_by.eq(&viewer.member_id),
                oauth_consumers::entered_at.eq(now.at),
            ))
            .execute(connection)?;
        consumer_removal::forget_unneeded(connection, Some(&viewer.workspace_id), now)?;
    }
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "consumer_entered", id.as_str(), &new.client_id, now)?;
    Ok(id)
}

/// A consumer as calls need it: the entered one with this id, also when another has taken its place since, or the operator's; `None`
/// when there is none.
///
/// # Errors
/// When the database cannot be read or the secret cannot be opened.
pub fn open(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    id: Option<&ConsumerId>,
    keyring: &Keyring,
    config: &Config,
) -> Result<Option<Consumer>> {
    let Some(id) = id else { return Ok(of_operator(config)) };
    let row = oauth_consumers::table.find(id).filter(oauth_consumers::workspace_id.eq(workspace_id));
    let found: Option<(String, String)> =
        row.select((oauth_consumers::client_id, oauth_consumers::client_secret)).first(connection).optional()?;
    let Some((client_id, sealed)) = found else { return Ok(None) };
    Ok(Some(consumer(config, client_id, keyring.open_text(&sealed, &sealed_for(id))?)))
}

/// Holds an entered consumer until the transaction ends, so that what is granted through it is not kept without it; `false` when it was
/// removed meanwhile.
///
/// # Errors
/// When the database refuses.
pub(super) fn hold(connection: &mut AnyConnection, id: &ConsumerId) -> Result<bool> {
    let row = oauth_consumers::table.find(id).select(oauth_consumers::id);
    Ok(for_update(row).get_result::<ConsumerId>(connection).optional()?.is_some())
}

/// The consumer of the server's settings.
pub fn of_operator(config: &Config) -> Option<Consumer> {
    let (client_id, client_secret) = (config.oauth.client_id.clone()?, config.oauth.client_secret.clone()?);
    Some(consumer(config, client_id, client_secret))
}

/// The address that an owner enters at Bitbucket as the consumer's callback.
pub fn callback(config: &Config) -> String {
    format!("{}{CALLBACK}", config.public_url.text)
}

fn consumer(config: &Config, client_id: String, client_secret: Secret) -> Consumer {
    Consumer { web_url: config.bitbucket_web_url.clone(), client_id, client_secret, callback: callback(config) }
}

/// What a consumer's secret is sealed for.
pub(super) fn sealed_for(id: &ConsumerId) -> String {
    format!("oauth_consumers:{id}")
}

/// Seals every consumer's secret under the newest key.
///
/// # Errors
/// When the database refuses or a secret cannot be opened.
pub(super) fn seal_anew(connection: &mut AnyConnection, keyring: &Keyring) -> Result<usize> {
    let rows: Vec<(ConsumerId, String)> =
        oauth_consumers::table.select((oauth_consumers::id, oauth_consumers::client_secret)).load(connection)?;
    let mut changed = 0;
    for (id, secret) in rows {
        if let Some(sealed) = keyring.seal_anew(&secret, &sealed_for(&id))? {
            let row = oauth_consumers::table.find(&id);
            diesel::update(row).set(oauth_consumers::client_secret.eq(sealed)).execute(connection)?;
            changed += 1;
        }
    }
    Ok(changed)
}
