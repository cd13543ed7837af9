//! The rows of a refresh: who may ask Bitbucket, with what, and what becomes of the answer. Only `refresh` calls it.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::bitbucket::Failure;
use crate::bitbucket::grants::Granted;
use crate::bitbucket::oauth::Consumer;
use crate::config::{Config, Now, Secret};
use crate::connections::faring::REFRESH as CALL;
use crate::connections::grants::{Kind, State, lock};
use crate::connections::secrets::{Sealed, forget, sealed_for};
use crate::connections::{budgets, consumers};
use crate::error::Result;
use crate::people::audit;
use crate::people::text::one_line;
use crate::storage::AnyConnection;
use crate::storage::ids::{ConnectionId, ConsumerId, WorkspaceId, new_uuid};
use crate::storage::schema::{connection_secrets, connections};
use crate::storage::seal::Keyring;
use crate::storage::statement::for_update;

/// A token with less time left is refreshed.
pub(super) const BEFORE_SECONDS: i64 = 600;
/// A token with less time left is not used any more: a call takes a while.
const USABLE_SECONDS: i64 = 60;
/// Longer than a call to Bitbucket may take.
const LEASE_SECONDS: i64 = 30;
/// After a failure Bitbucket is left alone for so long.
const PAUSE_SECONDS: i64 = 30;
/// Bitbucket has some thirty scopes, none of them long.
const SCOPES_LONGEST: usize = 1000;
/// For how long Bitbucket takes a refresh token after its first use.
const GRACE_SECONDS: i64 = 600;

/// What to do next about a connection's credential.
pub(super) enum Step {
    /// Use this.
    Use(Usable),
    /// Nothing: it is ended, or has to be granted anew.
    Ended,
    /// Nothing now: it failed a moment ago, for this reason.
    Failed(String),
    /// Another server refreshes: look again.
    Wait,
    /// Ask Bitbucket.
    Refresh(Box<Lease>),
}

/// What calls can be made with.
pub(super) struct Usable {
    /// The access token, or the pasted one.
    pub(super) secret: Secret,
    /// The e-mail address that goes with an API token.
    pub(super) email: Option<Secret>,
    /// Whose rate limit the calls count against.
    pub(super) budget: String,
}

/// The right to ask Bitbucket for the next pair.
pub(super) struct Lease {
    name: String,
    refreshes: i32,
    pub(super) consumer: Option<Consumer>,
    pub(super) means: Means,
}

/// What the next pair is asked for with.
pub(super) enum Means {
    /// The refresh token, and then the one before while its grace lasts.
    RefreshTokens(Vec<Secret>),
    /// The consumer's own key and secret.
    ConsumerItself,
}

#[derive(Queryable)]
struct Row {
    workspace_id: WorkspaceId,
    kind: Kind,
    consumer_id: Option<ConsumerId>,
    account_id: Option<String>,
    expires_at: Option<NaiveDateTime>,
    failing_call: Option<String>,
    failing_code: Option<String>,
    failed_at: Option<NaiveDateTime>,
}

#[derive(Queryable)]
struct Secrets {
    access_token: String,
    email: Option<String>,
    refresh_token: Option<String>,
    previous_refresh_token: Option<String>,
    previous_refresh_until: Option<NaiveDateTime>,
    refreshes: i32,
    leased_until: Option<NaiveDateTime>,
}

/// The secrets of a connection as one row; a macro, because the row is locked in one place and only read in another.
macro_rules! secrets {
    ($id:expr) => {
        connection_secrets::table.find($id).select((
            connection_secrets::access_token,
            connection_secrets::email,
            connection_secrets::refresh_token,
            connection_secrets::previous_refresh_token,
            connection_secrets::previous_refresh_until,
            connection_secrets::refreshes,
            connection_secrets::leased_until,
        ))
    };
}

fn row(connection: &mut AnyConnection, id: &ConnectionId, state: State) -> Result<Option<Row>> {
    let row = connections::table.find(id).filter(connections::state.eq(state)).select((
        connections::workspace_id,
        connections::kind,
        connections::consumer_id,
        connections::account_id,
        connections::expires_at,
        connections::failing_call,
        connections::failing_code,
        connections::failed_at,
    ));
    Ok(row.first(connection).optional()?)
}

/// What to do when no write is needed to know it.
pub(super) fn look(
    connection: &mut AnyConnection,
    id: &ConnectionId,
    state: State,
    keyring: &Keyring,
    now: &Now,
) -> Result<Option<Step>> {
    let secrets: Option<Secrets> = secrets!(id).first(connection).optional()?;
    match (row(connection, id, state)?, secrets) {
        (Some(row), Some(secrets)) => row.without_asking(&secrets, id, keyring, now),
        _ => Ok(Some(Step::Ended)),
    }
}

/// What to do; takes the lease when it is to ask Bitbucket.
pub(super) fn take(
    connection: &mut AnyConnection,
    id: &ConnectionId,
    state: State,
    keyring: &Keyring,
    config: &Config,
    now: &Now,
) -> Result<Step> {
    let secrets: Option<Secrets> = for_update(secrets!(id)).get_result(connection).optional()?;
    // Read after the lock, so that it is what another server has just stored.
    let (Some(row), Some(secrets)) = (row(connection, id, state)?, secrets) else { return Ok(Step::Ended) };
    if let Some(step) = row.without_asking(&secrets, id, keyring, now)? {
        return Ok(step);
    }
    let name = new_uuid(now).to_string();
    diesel::update(connection_secrets::table.find(id))
        .set((
            connection_secrets::lease.eq(Some(&name)),
            connection_secrets::leased_until.eq(Some(now.plus_seconds(LEASE_SECONDS))),
        ))
        .execute(connection)?;
    let consumer = consumers::open(connection, &row.workspace_id, row.consumer_id.as_ref(), keyring, config)?;
    let means = secrets.means(row.kind, id, keyring, now)?;
    Ok(Step::Refresh(Box::new(Lease { name, refreshes: secrets.refreshes, consumer, means })))
}

impl Row {
    /// What to do without asking Bitbucket; `None` when it must be asked.
    fn without_asking(&self, secrets: &Secrets, id: &ConnectionId, keyring: &Keyring, now: &Now) -> Result<Option<Step>> {
        let has_left = |seconds: i64| self.expires_at.is_some_and(|end| end > now.plus_seconds(seconds));
        let is_fresh = self.kind.is_pasted() || has_left(BEFORE_SECONDS);
        let is_usable = is_fresh || has_left(USABLE_SECONDS);
        let has_just_failed = self.failing_call.as_deref() == Some(CALL)
            && self.failed_at.is_some_and(|failed_at| failed_at > now.plus_seconds(-PAUSE_SECONDS));
        let is_leased = secrets.leased_until.is_some_and(|until| until > now.at);
        if is_usable && (is_fresh || is_leased || has_just_failed) {
            let secret = keyring.open_text(&secrets.access_token, &sealed_for(id, Sealed::AccessToken))?;
            let open_email = |sealed: &String| keyring.open_text(sealed, &sealed_for(id, Sealed::Email));
            let (account, consumer) = (self.account_id.as_deref(), self.consumer_id.as_ref());
            let budget = budgets::of(self.kind, account, consumer, &secret, id.as_str());
            return Ok(Some(Step::Use(Usable { secret, email: secrets.email.as_ref().map(open_email).transpose()?, budget })));
        }
        if is_leased {
            return Ok(Some(Step::Wait));
        }
        Ok(has_just_failed.then(|| Step::Failed(self.failing_code.clone().unwrap_or_default())))
    }
}

impl Secrets {
    fn means(&self, kind: Kind, id: &ConnectionId, keyring: &Keyring, now: &Now) -> Result<Means> {
        if kind == Kind::ClientCredentials {
            return Ok(Means::ConsumerItself);
        }
        let mut tokens = Vec::new();
        if let Some(sealed) = &self.refresh_token {
            tokens.push(keyring.open_text(sealed, &sealed_for(id, Sealed::RefreshToken))?);
        }
        if let Some(sealed) = &self.previous_refresh_token
            && self.previous_refresh_until.is_some_and(|until| until > now.at)
        {
            tokens.push(keyring.open_text(sealed, &sealed_for(id, Sealed::PreviousRefreshToken))?);
        }
        Ok(Means::RefreshTokens(tokens))
    }
}

/// The secrets as they were leased, while nobody has stored a pair since.
macro_rules! leased {
    ($id:expr, $lease:expr) => {
        connection_secrets::table.find($id).filter(connection_secrets::refreshes.eq($lease.refreshes))
    };
}

/// Stores the new pair. Whoever comes after another has stored one stores nothing: the other's is used.
pub(super) fn store(
    connection: &mut AnyConnection,
    id: &ConnectionId,
    lease: &Lease,
    granted: &Granted,
    keyring: &Keyring,
    now: &Now,
) -> Result<()> {
    lock(connection, id)?;
    let former = for_update(leased!(id, lease).select(connection_secrets::refresh_token));
    let former: Option<Option<String>> = former.get_result(connection).optional()?;
    let Some(former) = former else { return Ok(()) };
    diesel::update(connection_secrets::table.find(id))
        .set((
            connection_secrets::access_token
                .eq(keyring.seal(granted.access_token.expose(), &sealed_for(id, Sealed::AccessToken))?),
            connection_secrets::refreshes.eq(lease.refreshes.saturating_add(1)),
            connection_secrets::lease.eq(None::<String>),
            connection_secrets::leased_until.eq(None::<NaiveDateTime>),
        ))
        .execute(connection)?;
    diesel::update(connections::table.find(id))
        .set((connections::expires_at.eq(Some(now.plus_seconds(granted.expires_in))), connections::refreshed_at.eq(Some(now.at))))
        .execute(connection)?;
    // What else fails, such as a read for want of a scope, does not work because there is a new token.
    diesel::update(connections::table.find(id).filter(connections::failing_call.eq(Some(CALL))))
        .set((
            connections::failing_call.eq(None::<String>),
            connections::failing_code.eq(None::<String>),
            connections::failed_at.eq(None::<NaiveDateTime>),
        ))
        .execute(connection)?;
    if let Some(scopes) = &granted.scopes {
        let scopes = one_line(scopes, SCOPES_LONGEST);
        diesel::update(connections::table.find(id)).set(connections::scopes.eq(Some(scopes))).execute(connection)?;
    }
    let Some(next) = &granted.refresh_token else { return Ok(()) };
    // Every refresh leaves the one before as a way back.
    let former = former.map(|sealed| keyring.open_text(&sealed, &sealed_for(id, Sealed::RefreshToken))).transpose()?;
    let previous = former.map(|former| keyring.seal(former.expose(), &sealed_for(id, Sealed::PreviousRefreshToken)));
    diesel::update(connection_secrets::table.find(id))
        .set((
            connection_secrets::refresh_token.eq(Some(keyring.seal(next.expose(), &sealed_for(id, Sealed::RefreshToken))?)),
            connection_secrets::previous_refresh_token.eq(previous.transpose()?),
            connection_secrets::previous_refresh_until.eq(Some(now.plus_seconds(GRACE_SECONDS))),
        ))
        .execute(connection)?;
    Ok(())
}

/// Notes why there is no token. What is refused for good turns the connection to be granted anew; all else is tried again.
pub(super) fn note_failure(
    connection: &mut AnyConnection,
    id: &ConnectionId,
    lease: &Lease,
    failure: &Failure,
    now: &Now,
) -> Result<()> {
    lock(connection, id)?;
    let given_back = diesel::update(leased!(id, lease).filter(connection_secrets::lease.eq(Some(&lease.name))))
        .set((connection_secrets::lease.eq(None::<String>), connection_secrets::leased_until.eq(None::<NaiveDateTime>)))
        .execute(connection)?;
    if given_back == 0 {
        return Ok(());
    }
    let is_final = *failure == Failure::GrantEnded;
    let state = if is_final { State::Reconnect } else { State::Connected };
    let row = connections::table.find(id).filter(connections::state.eq(State::Connected));
    let changed = diesel::update(row)
        .set((
            connections::state.eq(state),
            connections::failing_call.eq(Some(CALL)),
            connections::failing_code.eq(Some(failure.code())),
            connections::failed_at.eq(Some(now.at)),
        ))
        .execute(connection)?;
    if !is_final {
        return Ok(());
    }
    forget(connection, id)?;
    if changed == 0 {
        return Ok(());
    }
    let row = connections::table.find(id).select((connections::workspace_id, connections::name));
    let (workspace_id, name): (WorkspaceId, String) = row.first(connection)?;
    audit::record(connection, &workspace_id, audit::APP, "connection_refused", id.as_str(), &name, now)
}
