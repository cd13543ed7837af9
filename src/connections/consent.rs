//! Consent by OAuth 2.0: sending somebody to Bitbucket, taking them back once and in the same session, and keeping what was granted.
//! The settings and profile pages call it.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::discovery::{self, Discovered};
use super::grants::{Connection, Kind, OwnGrant, Reach, State};
use super::purposes::{Purpose, Purposes};
use super::{Parts, budgets, choosing, consumers, grants, scopes, secrets};
use crate::bitbucket::grants::Granted;
use crate::bitbucket::oauth::Consumer;
use crate::bitbucket::{Credential, Doing, Failure};
use crate::config::{Config, Now, Secret};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::people::identities::{self, AccountId};
use crate::people::text::one_line;
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::{ConnectionId, ConsumerId, MemberId};
use crate::storage::schema::{connections, consent_states};
use crate::storage::seal::{Keyring, hash_hex};

/// How long somebody may take at Bitbucket.
pub const SECONDS: i64 = 600;

/// What somebody is asked to consent to.
#[derive(Clone, Debug)]
pub enum Wish {
    /// A connection of the workspace, for these purposes.
    New(Purposes),
    /// A connection that Bitbucket refuses, granted once more for what it serves.
    Anew(ConnectionId),
    /// A member's own grant, for reading or for writing.
    Own(OwnGrant),
}

/// What came of a consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consented {
    /// The member's own grant is in use.
    Own,
    /// The connection is in use.
    Connected(ConnectionId),
    /// One of the workspaces that it reaches is to be chosen.
    ToChoose(ConnectionId),
}

/// What was sent along, taken back.
#[derive(Clone, Debug, Queryable)]
pub struct Sent {
    consumer_id: Option<ConsumerId>,
    connection_id: Option<ConnectionId>,
    is_own: bool,
    purposes: Purposes,
}

impl Sent {
    /// Whether it is a member's own grant.
    pub fn is_own(&self) -> bool {
        self.is_own
    }
}

/// Begins: the answer is the address at Bitbucket where consent is asked for.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `consumer_missing`, `already_disconnected` or `not_by_consent` (409).
pub fn begin(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    session: &Secret,
    wish: &Wish,
    keyring: &Keyring,
    config: &Config,
    now: &Now,
) -> Result<String> {
    let (purposes, connection_id, is_own) = match wish {
        // What is read or written on somebody's word, and nothing that listens.
        Wish::Own(which) => (Purposes::of(&[which.purpose()]), None, true),
        Wish::New(purposes) => (purposes.clone(), None, false),
        Wish::Anew(id) => {
            let former = grants::find(connection, viewer, id)?;
            must_be_grantable(&former)?;
            (former.purposes, Some(id), false)
        }
    };
    if !is_own {
        viewer.must_own()?;
    }
    let (consumer_id, consumer) = consumer(connection, viewer, keyring, config)?;
    diesel::delete(consent_states::table.filter(consent_states::expires_at.le(now.at))).execute(connection)?;
    let state = crate::people::new_secret(now);
    diesel::insert_into(consent_states::table)
        .values((
            consent_states::state_hash.eq(hash_hex(state.expose().as_bytes())),
            consent_states::session_hash.eq(hash_hex(session.expose().as_bytes())),
            consent_states::member_id.eq(&viewer.member_id),
            consent_states::consumer_id.eq(consumer_id),
            consent_states::connection_id.eq(connection_id),
            consent_states::is_own.eq(is_own),
            consent_states::purposes.eq(purposes.words()),
            consent_states::expires_at.eq(now.plus_seconds(SECONDS)),
        ))
        .execute(connection)?;
    let address = consumer.consent_url(state.expose(), &asked(&purposes));
    address.ok_or_else(|| Error::internal("bitbucket.web_url is no URL"))
}

/// Refuses what nobody's consent brings back: what is ended, and what was made without one.
fn must_be_grantable(former: &Connection) -> Result<()> {
    grants::must_be_open(former)?;
    if former.kind == Kind::OAuth {
        return Ok(());
    }
    let detail = "This connection is not by somebody’s consent. Replace its token, or let the consumer connect once more.";
    Err(Error::conflict("not_by_consent", detail))
}

/// The consumer of whoever begins: the workspace's own where an owner has entered one, else the operator's.
fn consumer(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    keyring: &Keyring,
    config: &Config,
) -> Result<(Option<ConsumerId>, Consumer)> {
    let entered = consumers::current_of(connection, &viewer.workspace_id)?.map(|entered| entered.id);
    let consumer = consumers::open(connection, &viewer.workspace_id, entered.as_ref(), keyring, config)?;
    Ok((entered, consumer.ok_or_else(missing)?))
}

fn missing() -> Error {
    let detail = "No OAuth consumer is set up. An owner enters one under Settings > Integrations > Bitbucket > Connections, or the \
                  operator sets oauth.client_id and oauth.client_secret.";
    Error::conflict("consumer_missing", detail)
}

/// The scopes that these purposes ask for, each once.
pub fn asked(purposes: &Purposes) -> Vec<&'static str> {
    let mut asked = Vec::new();
    for (scope, _) in purposes.iter().flat_map(|purpose| scopes::asked_for(purpose).iter()) {
        if !asked.contains(scope) {
            asked.push(scope);
        }
    }
    asked
}

/// Takes back what was sent along: by the same member, in the same session, no later than ten minutes, once.
///
/// # Errors
/// `consent_state_wrong` (400).
pub fn take(connection: &mut AnyConnection, viewer: &Viewer, session: &Secret, state: &str, now: &Now) -> Result<Sent> {
    let row = consent_states::table
        .find(hash_hex(state.as_bytes()))
        .filter(consent_states::session_hash.eq(hash_hex(session.expose().as_bytes())))
        .filter(consent_states::member_id.eq(&viewer.member_id))
        .filter(consent_states::expires_at.gt(now.at));
    let returned = (consent_states::consumer_id, consent_states::connection_id, consent_states::is_own, consent_states::purposes);
    // Deleting is also what makes it single use when it comes twice at once.
    diesel::delete(row).returning(returned).get_result(connection).optional()?.ok_or_else(|| {
        let detail = "This consent was not begun in this session, or more than ten minutes ago. Begin again.";
        Error::invalid("consent_state_wrong", "state", detail)
    })
}

/// Exchanges the code that somebody came back with, and keeps what was granted.
///
/// # Errors
/// `owner_needed` (403); `consent_code_refused` (400); `consumer_refused` (503); `workspace_not_reached`, `already_disconnected`,
/// `not_by_consent`, `workspace_chosen`, `bitbucket_workspace_taken`, `identity_taken` or `account_taken` (409); whatever Bitbucket's
/// silence makes (503).
pub async fn complete(parts: &Parts<'_>, viewer: &Viewer, sent: Sent, code: &str, now: &Now) -> Result<Consented> {
    let (owner, id, keyring, config) = (viewer.clone(), sent.consumer_id.clone(), parts.keyring.clone(), parts.config.clone());
    let open =
        move |connection: &mut AnyConnection| consumers::open(connection, &owner.workspace_id, id.as_ref(), &keyring, &config);
    let consumer = parts.database.read(open).await?.ok_or_else(missing)?;
    let granted = parts.bitbucket.grant_by_code(&consumer, code).await.map_err(not_fetched)?;
    let credential = |budget| Credential::bearer(budget, granted.access_token.clone());
    let account = parts.bitbucket.account(&credential(budgets::of_token(&granted.access_token))).await?;
    let account = account.account_id.as_deref().map(|id| Account { id: one_line(id, 128), uuid: account.uuid() });
    let reached = if sent.is_own {
        Discovered::default()
    } else {
        let known = account.as_ref().map(|account| budgets::of_account(&account.id));
        let budget = known.unwrap_or_else(|| budgets::of_token(&granted.access_token));
        discovery::workspaces(parts.bitbucket, &credential(budget)).await?
    };
    let kept = Kept { kind: Kind::OAuth, account, granted, reached };
    let (viewer, keyring, now) = (viewer.clone(), parts.keyring.clone(), now.clone());
    parts.database.write(move |connection| keep(connection, &viewer, &sent, &kept, &keyring, &now)).await
}

/// Connects by the consumer acting as itself, where an owner has said that theirs may. The operator's never does: what it reaches
/// belongs to the operator and not to every workspace here.
///
/// # Errors
/// `owner_needed` (403); `consumer_may_not` (409); `consumer_refused` (503).
pub async fn connect_consumer(parts: &Parts<'_>, viewer: &Viewer, purposes: Purposes, now: &Now) -> Result<Consented> {
    let (owner, keyring, config) = (viewer.clone(), parts.keyring.clone(), parts.config.clone());
    let open = move |connection: &mut AnyConnection| {
        let entered = consumers::entered(connection, &owner)?.filter(|entered| entered.may_act_alone);
        let Some(entered) = entered else { return Ok(None) };
        let opened = consumers::open(connection, &owner.workspace_id, Some(&entered.id), &keyring, &config)?;
        Ok(opened.map(|consumer| (entered.id, consumer)))
    };
    let (id, consumer) = parts.database.read(open).await?.ok_or_else(|| {
        let detail = "Enter a private consumer first, and say that it may act as itself.";
        Error::conflict("consumer_may_not", detail)
    })?;
    let granted = parts.bitbucket.grant_to_consumer(&consumer).await.map_err(not_fetched)?;
    let credential = Credential::bearer(budgets::of_consumer(&id), granted.access_token.clone());
    let reached = discovery::workspaces(parts.bitbucket, &credential).await?;
    let sent = Sent { consumer_id: Some(id), connection_id: None, is_own: false, purposes };
    let kept = Kept { kind: Kind::ClientCredentials, account: None, granted, reached };
    let (viewer, keyring, now) = (viewer.clone(), parts.keyring.clone(), now.clone());
    parts.database.write(move |connection| keep(connection, &viewer, &sent, &kept, &keyring, &now)).await
}

struct Kept {
    kind: Kind,
    account: Option<Account>,
    granted: Granted,
    reached: Discovered,
}

/// Whose consent it is.
struct Account {
    id: String,
    uuid: Option<Uuid>,
}

fn keep(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    sent: &Sent,
    kept: &Kept,
    keyring: &Keyring,
    now: &Now,
) -> Result<Consented> {
    if !sent.is_own {
        // Since they left for Bitbucket, an owner may have become a member.
        viewer.must_own()?;
    } else {
        let account = kept.account.as_ref().ok_or_else(nobodys)?;
        identities::confirm_by_grant(connection, viewer, &AccountId::parse(&account.id)?, account.uuid, now)?;
    }
    if let Some(consumer) = &sent.consumer_id
        && !consumers::hold(connection, consumer)?
    {
        return Err(missing());
    }
    let former = match (&sent.connection_id, sent.is_own) {
        (Some(id), _) => Some(former(connection, viewer, id, kept, now)?),
        (None, true) => own(connection, viewer, &sent.purposes)?,
        (None, false) => None,
    };
    let id = match &former {
        Some(former) => former.id.clone(),
        None => insert(connection, viewer, sent, kept.kind, now)?,
    };
    let granted = &kept.granted;
    secrets::put(connection, &id, &granted.access_token, granted.refresh_token.as_ref(), None, keyring)?;
    let changed = diesel::update(connections::table.find(&id).filter(connections::state.ne(State::Disconnected)))
        .set((
            connections::state.eq(State::Connected),
            connections::consumer_id.eq(&sent.consumer_id),
            connections::account_id.eq(kept.account.as_ref().map(|account| &account.id)),
            connections::scopes.eq(granted.scopes.as_deref().map(|scopes| one_line(scopes, 1000))),
            connections::expires_at.eq(Some(now.plus_seconds(granted.expires_in))),
            connections::refreshed_at.eq(Some(now.at)),
        ))
        .execute(connection)?;
    grants::must_have_changed(changed)?;
    super::faring::clear(connection, &id)?;
    super::hooks::ask_anew(connection, &id, now)?;
    let action = match (sent.is_own, &former) {
        (true, _) if sent.purposes.has(Purpose::Writes) => "own_grant_made_to_write",
        (true, _) => "own_grant_made",
        (false, Some(_)) => "connection_granted_anew",
        (false, None) => "connection_made",
    };
    let name = former.as_ref().map_or_else(|| name_of(kept.kind, &sent.purposes), |former| former.name.clone());
    audit::record(connection, &viewer.workspace_id, viewer.member_id.as_str(), action, id.as_str(), &name, now)?;
    match (sent.is_own, former, kept.reached.reached.as_slice()) {
        (true, ..) => Ok(Consented::Own),
        (false, Some(former), _) if former.bitbucket_workspace_uuid.is_some() => Ok(Consented::Connected(id)),
        (false, _, [one]) => {
            choosing::choose(connection, viewer, &id, one, now)?;
            Ok(Consented::Connected(id))
        }
        _ => Ok(Consented::ToChoose(id)),
    }
}

/// The connection that is granted anew, locked; its Bitbucket workspace is taken in for it once more.
fn former(connection: &mut AnyConnection, viewer: &Viewer, id: &ConnectionId, kept: &Kept, now: &Now) -> Result<Connection> {
    let known = grants::find(connection, viewer, id)?;
    must_be_grantable(&known)?;
    let mut is_administrator = false;
    if let Some(uuid) = &known.bitbucket_workspace_uuid {
        let reached = kept.reached.find(Uuid::try_parse(uuid).ok()).ok_or_else(|| {
            let detail =
                "Whoever gave consent now does not reach the Bitbucket workspace of this connection. Let somebody of it do so.";
            let detail = format!("{detail}{}", kept.reached.remark());
            Error::conflict("workspace_not_reached", detail)
        })?;
        choosing::take_in(connection, &viewer.workspace_id, reached, now)?;
        is_administrator = reached.is_administrator;
    }
    // Read anew: while the locks were waited for, somebody else may have ended it, or chosen its workspace.
    let found = grants::find_locked(connection, viewer, id)?;
    must_be_grantable(&found)?;
    if found.bitbucket_workspace_uuid == known.bitbucket_workspace_uuid {
        let row = connections::table.find(id);
        diesel::update(row).set(connections::is_administrator.eq(is_administrator)).execute(connection)?;
        return Ok(found);
    }
    let detail = "Somebody has just chosen the Bitbucket workspace of this connection. Connect again.";
    Err(Error::conflict("workspace_chosen", detail))
}

/// The viewer's own grant for this, locked, while it is not ended.
fn own(connection: &mut AnyConnection, viewer: &Viewer, purposes: &Purposes) -> Result<Option<Connection>> {
    let find = |connection: &mut AnyConnection| -> Result<Option<Connection>> {
        Ok(grants::own(connection, viewer)?.into_iter().find(|own| own.purposes == *purposes))
    };
    let Some(known) = find(connection)? else { return Ok(None) };
    grants::lock(connection, &known.id)?;
    find(connection)
}

/// 409: an own grant is somebody's, and Bitbucket does not say whose this is.
fn nobodys() -> Error {
    let detail = "Bitbucket does not say whose account gave this consent. Sign in to Bitbucket as yourself, and give it again.";
    Error::conflict("grant_of_nobody", detail)
}

fn name_of(kind: Kind, purposes: &Purposes) -> String {
    let names: Vec<String> = purposes.iter().map(|purpose| purpose.name().to_lowercase()).collect();
    let by = if kind == Kind::OAuth { "OAuth" } else { "Consumer" };
    if names.is_empty() { by.to_owned() } else { format!("{by} for {}", names.join(" and ")) }
}

fn insert(connection: &mut AnyConnection, viewer: &Viewer, sent: &Sent, kind: Kind, now: &Now) -> Result<ConnectionId> {
    let id = ConnectionId::new(now);
    let own: Option<&MemberId> = sent.is_own.then_some(&viewer.member_id);
    diesel::insert_into(connections::table)
        .values((
            connections::id.eq(&id),
            connections::workspace_id.eq(&viewer.workspace_id),
            connections::kind.eq(kind),
            connections::member_id.eq(own),
            connections::name.eq(name_of(kind, &sent.purposes)),
            connections::purposes.eq(sent.purposes.words()),
            connections::reach.eq(Reach::Workspace),
            connections::state.eq(State::Connected),
            connections::created_by.eq(&viewer.member_id),
            connections::created_at.eq(now.at),
            connections::disconnected_at.eq(None::<NaiveDateTime>),
        ))
        .execute(connection)?;
    Ok(id)
}

/// What only whoever runs the server can mend is in the log as well.
fn not_fetched(failure: Failure) -> Error {
    let detail = failure.remedy_when(Doing::FetchingToken);
    match failure {
        Failure::GrantEnded | Failure::Refused { .. } => {
            Error::new(ErrorKind::Invalid, "consent_code_refused", detail).because(failure)
        }
        Failure::NotAuthorised | Failure::MissingScopes { .. } | Failure::Forbidden { .. } => {
            tracing::warn!(%failure, "an OAuth consumer is not accepted by Bitbucket");
            Error::new(ErrorKind::Upstream, "consumer_refused", detail).because(failure)
        }
        other => other.into(),
    }
}
