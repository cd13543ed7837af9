//! How connections hear of changes: by webhooks that are made, checked, rotated and removed here, or by asking regularly where they may make
//! none. The door of webhooks, the jobs, the settings page and REST use it.
//!
//! A connection that reaches a whole Bitbucket workspace has one webhook there where its account administers the workspace, and else one in
//! each chosen repository that it may administer. Each webhook has a secret of its own. Whatever Bitbucket refuses is no fault of the
//! connection: `activity::polling` asks for what no webhook tells of.

mod at_bitbucket;
pub mod farewell;
pub mod keeping;
mod plan;
pub mod rotation;
mod rows;

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::dsl::{count_star, max};
use diesel::prelude::*;
use uuid::Uuid;

use super::grants::{self, State};
use crate::bitbucket::{HookPlace, RepositoryName, WorkspaceName};
use crate::config::{Config, Now, Secret};
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::storage::AnyConnection;
use crate::storage::ids::{ConnectionId, HookId, WorkspaceId};
use crate::storage::schema::{connection_hooks, connection_listening, connections};
use crate::storage::seal::Keyring;
use crate::word_column;

pub(super) use rows::seal_anew;

/// What webhooks deliver, those of connections as those of the Connect app: what can change about a linked pull request.
pub const EVENTS: [&str; 9] = [
    "pullrequest:created",
    "pullrequest:updated",
    "pullrequest:push",
    "pullrequest:approved",
    "pullrequest:unapproved",
    "pullrequest:changes_request_created",
    "pullrequest:changes_request_removed",
    "pullrequest:fulfilled",
    "pullrequest:rejected",
];
/// The place of a webhook of a whole Bitbucket workspace, as its row has it.
pub const WHOLE_WORKSPACE: &str = "workspace";
/// How often Bitbucket is asked whether a webhook is as it should be.
const CHECKED_EVERY_SECONDS: i64 = 24 * 3600;
/// The stable code of whatever the door of webhooks does not take.
pub const UNSIGNED: &str = "hook_signature_invalid";

/// The states of a connection whose webhooks are heard. While Bitbucket refuses its token they go on delivering.
pub const HEARD: [State; 2] = [State::Connected, State::Reconnect];

word_column! {
    /// How a connection hears of changes.
    Way {
        /// Nobody has looked yet: within a minute the server does.
        Unknown => "unknown",
        /// By one webhook of the whole Bitbucket workspace.
        Workspace => "workspace",
        /// By a webhook in each chosen repository.
        Repositories => "repositories",
        /// By asking regularly.
        Polling => "polling",
    }
}

/// How a connection hears of changes, as its card and REST show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The way.
    pub way: Way,
    /// Why no webhook can be made at all, as a stable code of [`crate::bitbucket::Failure`].
    pub code: Option<String>,
    /// How many webhooks are as they should be.
    pub working: i64,
    /// Why others are not, each code with how many.
    pub failing: Vec<(String, i64)>,
    /// How many of them are yet to be told their secret: they are new, or it was rotated.
    pub untold: i64,
    /// When a delivery came last, UTC.
    pub delivered_at: Option<NaiveDateTime>,
    /// When the newest secret was made, UTC.
    pub secret_made_at: Option<NaiveDateTime>,
}

impl Listening {
    /// What is known before anybody has looked.
    pub fn unknown() -> Self {
        let (way, code, working, failing, untold) = (Way::Unknown, None, 0, Vec::new(), 0);
        Self { way, code, working, failing, untold, delivered_at: None, secret_made_at: None }
    }

    /// How many webhooks there are, working or not.
    pub fn all(&self) -> i64 {
        self.working + self.untold + self.failing.iter().map(|(_, count)| count).sum::<i64>()
    }
}

/// What a webhook watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Workspace,
    Repository(Uuid),
}

impl Place {
    fn word(self) -> String {
        match self {
            Self::Workspace => WHOLE_WORKSPACE.to_owned(),
            Self::Repository(uuid) => uuid.to_string(),
        }
    }

    fn parse(word: &str) -> Result<Self> {
        if word == WHOLE_WORKSPACE {
            return Ok(Self::Workspace);
        }
        Uuid::try_parse(word).map(Self::Repository).map_err(Error::internal)
    }

    fn at_bitbucket(self, bitbucket_workspace: Uuid) -> HookPlace {
        match self {
            Self::Workspace => HookPlace::Workspace(WorkspaceName::Uuid(bitbucket_workspace)),
            Self::Repository(uuid) => HookPlace::Repository(RepositoryName::Uuid(uuid)),
        }
    }
}

/// Where Bitbucket delivers what a connection is to hear.
pub fn address(config: &Config, id: &ConnectionId) -> String {
    format!("{}/hooks/bitbucket/{id}", config.public_url.text)
}

/// How each of the workspace's connections that are not ended hears of changes, in two questions however many webhooks they have.
///
/// # Errors
/// `owner_needed` (403).
pub fn listening(connection: &mut AnyConnection, viewer: &Viewer) -> Result<HashMap<ConnectionId, Listening>> {
    viewer.must_own()?;
    let ways: Vec<(ConnectionId, Way, Option<String>)> = connection_listening::table
        .inner_join(connections::table)
        .filter(connections::workspace_id.eq(&viewer.workspace_id))
        .filter(connections::state.ne(State::Disconnected))
        .select((connection_listening::connection_id, connection_listening::way, connection_listening::code))
        .load(connection)?;
    let found = ways.into_iter().map(|(id, way, code)| (id, Listening { way, code, ..Listening::unknown() }));
    let mut found: HashMap<ConnectionId, Listening> = found.collect();
    type Group = (ConnectionId, bool, Option<String>, i64, Option<NaiveDateTime>, Option<NaiveDateTime>);
    let groups: Vec<Group> = connection_hooks::table
        .inner_join(connections::table)
        .filter(connections::workspace_id.eq(&viewer.workspace_id))
        .filter(connections::state.ne(State::Disconnected))
        .group_by((connection_hooks::connection_id, connection_hooks::is_told, connection_hooks::failing_code))
        .select((
            connection_hooks::connection_id,
            connection_hooks::is_told,
            connection_hooks::failing_code,
            count_star(),
            max(connection_hooks::delivered_at),
            max(connection_hooks::secret_made_at),
        ))
        .load(connection)?;
    for (id, is_told, failing_code, count, delivered_at, secret_made_at) in groups {
        let one = found.entry(id).or_insert_with(Listening::unknown);
        match (failing_code, is_told) {
            (Some(code), _) => match one.failing.iter_mut().find(|(known, _)| *known == code) {
                Some((_, counted)) => *counted += count,
                None => one.failing.push((code, count)),
            },
            (None, true) => one.working += count,
            (None, false) => one.untold += count,
        }
        one.delivered_at = one.delivered_at.max(delivered_at);
        one.secret_made_at = one.secret_made_at.max(secret_made_at);
    }
    Ok(found)
}

/// How many webhooks of an ended connection Bitbucket is yet to remove, for each that has any.
///
/// # Errors
/// `owner_needed` (403).
pub fn leaving(connection: &mut AnyConnection, viewer: &Viewer) -> Result<HashMap<ConnectionId, i64>> {
    viewer.must_own()?;
    let rows: Vec<(ConnectionId, i64)> = connection_hooks::table
        .inner_join(connections::table)
        .filter(connections::workspace_id.eq(&viewer.workspace_id))
        .filter(connections::state.eq(State::Disconnected))
        .group_by(connection_hooks::connection_id)
        .select((connection_hooks::connection_id, count_star()))
        .load(connection)?;
    Ok(rows.into_iter().collect())
}

/// The secrets that may have signed a delivery to a connection, each with its webhook: those of the webhook that names itself, and of one that
/// Bitbucket is just making, whose name is not known yet. None for a connection that does not exist, is ended or displaced.
///
/// # Errors
/// When the database cannot be read or a secret cannot be opened.
pub fn signing_secrets(
    connection: &mut AnyConnection,
    id: &ConnectionId,
    hook: Option<Uuid>,
    keyring: &Keyring,
    now: &Now,
) -> Result<Vec<(HookId, Secret)>> {
    let named = hook.map(|uuid| uuid.to_string()).unwrap_or_default();
    let is_it = connection_hooks::hook_uuid.is_null().or(connection_hooks::hook_uuid.eq(Some(named)));
    type Row = (HookId, String, Option<String>, Option<NaiveDateTime>);
    let rows: Vec<Row> = connection_hooks::table
        .inner_join(connections::table)
        .filter(connections::id.eq(id))
        .filter(connections::state.eq_any(HEARD))
        .filter(is_it)
        .order((connection_hooks::hook_uuid.is_null(), connection_hooks::due_at))
        .limit(3)
        .select((
            connection_hooks::id,
            connection_hooks::secret,
            connection_hooks::previous_secret,
            connection_hooks::previous_until,
        ))
        .load(connection)?;
    let mut secrets = Vec::new();
    for (id, secret, previous, until) in rows {
        let previous = previous.filter(|_| until.is_none_or(|until| until > now.at));
        secrets.push((id.clone(), keyring.open_text(&secret, &rows::sealed_for(&id, rows::SECRET))?));
        if let Some(previous) = previous {
            let opened = keyring.open_text(&previous, &rows::sealed_for(&id, rows::PREVIOUS_SECRET))?;
            secrets.push((id, opened));
        }
    }
    Ok(secrets)
}

/// The one answer to a delivery whose connection is unknown or ended, and to one that is not signed with its secret: who asks learns nothing
/// of which it was.
pub fn unsigned() -> Error {
    let detail = "This is no delivery of a webhook that was made here, or it is not signed with its secret.";
    Error::unauthorised(UNSIGNED, detail)
}

/// Has the webhooks of a Bitbucket workspace's connections looked at within a minute: what is to be heard of has changed.
///
/// # Errors
/// When the database refuses.
pub(super) fn look_soon(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    now: &Now,
) -> Result<()> {
    let there = connections::table
        .filter(connections::workspace_id.eq(workspace_id))
        .filter(connections::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace.to_string())))
        .select(connections::id);
    let ids: Vec<ConnectionId> = there.limit(500).load(connection)?;
    let rows = connection_listening::table.filter(connection_listening::connection_id.eq_any(ids));
    diesel::update(rows).set(connection_listening::due_at.eq(now.at)).execute(connection)?;
    Ok(())
}

/// Has every webhook of a connection asked about anew, within a minute: its credential or what it serves is another.
///
/// # Errors
/// When the database refuses.
pub(super) fn ask_anew(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<()> {
    let nothing = None::<NaiveDateTime>;
    diesel::update(connection_listening::table.find(id))
        .set((connection_listening::due_at.eq(now.at), connection_listening::workspace_refused_at.eq(nothing)))
        .execute(connection)?;
    let rows = connection_hooks::table.filter(connection_hooks::connection_id.eq(id));
    diesel::update(rows).set(connection_hooks::due_at.eq(now.at)).execute(connection)?;
    Ok(())
}

/// Has the webhooks of one of the viewer's workspace's connections asked about at once, for an owner who presses the button. Whether any can be
/// made where there is none is looked at within a minute.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `already_disconnected` (409).
pub fn check(connection: &mut AnyConnection, viewer: &Viewer, id: &ConnectionId, now: &Now) -> Result<()> {
    let found = grants::find_locked(connection, viewer, id)?;
    grants::must_be_open(&found)?;
    ask_anew(connection, id, now)?;
    if rows::of(connection, id, 1)?.is_empty() { Ok(()) } else { keeping::enqueue(connection, id, now) }
}
