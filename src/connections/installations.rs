//! Installations of the app in Bitbucket workspaces: what is stored of them, and how owners see and confirm them.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::belonging::Proof;
use super::health::Health;
use super::lifecycle::lock_bitbucket_workspace;
use super::{belonging, forge_installations};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::page::{Listed, Page};
use crate::people::text::one_line;
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::{InstallationId, MemberId, WorkspaceId};
use crate::storage::schema::{bitbucket_workspaces, installations};
use crate::word_column;

word_column! {
    /// The way an installation came in.
    Door {
        /// Atlassian Connect.
        Connect => "connect",
        /// Forge Remote.
        Forge => "forge",
    }
}

word_column! {
    /// How far an installation is.
    State {
        /// Installed at Bitbucket, not yet confirmed by an owner here.
        Waiting => "waiting",
        /// In use.
        Active => "active",
        /// Removed at Bitbucket; only what a re-install is verified with is left.
        Uninstalled => "uninstalled",
    }
}

/// An installation, as an owner sees it.
#[derive(Clone, Debug, Queryable)]
pub struct Installation {
    /// Its id.
    pub id: InstallationId,
    /// The way it came in.
    pub door: Door,
    /// The Bitbucket workspace's UUID, without braces.
    pub bitbucket_workspace_uuid: String,
    /// Its slug, as fetched from Bitbucket with the proven secret.
    pub bitbucket_workspace_slug: Option<String>,
    /// Its name, as fetched.
    pub bitbucket_workspace_name: Option<String>,
    /// How far it is.
    pub state: State,
    /// Whether it is of an app registered with Bitbucket, whose descriptor we do not change.
    pub is_registered: bool,
    /// The account id of who installed it, as Bitbucket reported it.
    pub reported_installer: Option<String>,
    /// When, UTC.
    pub installed_at: NaiveDateTime,
    /// When an owner confirmed it, UTC.
    pub confirmed_at: Option<NaiveDateTime>,
    /// When it was removed, UTC.
    pub uninstalled_at: Option<NaiveDateTime>,
    /// Whether Bitbucket was told to show the panel and the menu's entry.
    pub entry_shown: bool,
    /// Why telling it failed last.
    pub entry_error: Option<String>,
    /// When a webhook came in last, UTC.
    pub last_event_at: Option<NaiveDateTime>,
    /// The owner who confirmed it.
    pub confirmed_by: Option<MemberId>,
    /// How it fares.
    pub health: Health,
}

macro_rules! installation_rows {
    () => {
        installations::table.inner_join(bitbucket_workspaces::table).select((
            installations::id,
            installations::door,
            installations::bitbucket_workspace_uuid,
            bitbucket_workspaces::slug,
            bitbucket_workspaces::name,
            installations::state,
            installations::is_registered,
            installations::reported_installer,
            installations::installed_at,
            installations::confirmed_at,
            installations::uninstalled_at,
            installations::entry_shown,
            installations::entry_error,
            installations::last_event_at,
            installations::confirmed_by,
            (
                installations::last_event,
                installations::last_error,
                installations::last_error_at,
                installations::refused_since,
                installations::missing_scopes,
                installations::clock_skew_seconds,
                installations::removal,
                installations::removal_error,
                installations::called_at,
                installations::system_token_expires_at,
            ),
        ))
    };
}

/// The installations of the viewer's workspace.
///
/// # Errors
/// `owner_needed` (403).
pub fn list(connection: &mut AnyConnection, viewer: &Viewer, page: &Page) -> Result<Listed<Installation>> {
    viewer.must_own()?;
    let rows = installation_rows!()
        .filter(installations::workspace_id.eq(&viewer.workspace_id))
        .filter(installations::id.lt(page.bound()))
        .order(installations::id.desc())
        .limit(page.rows())
        .load(connection)?;
    Ok(page.finish(rows, |installation: &Installation| installation.id.to_string()))
}

/// The installations of the viewer's workspace that are not removed, the newest first, at most a hundred.
///
/// # Errors
/// `owner_needed` (403).
pub fn open(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<Installation>> {
    viewer.must_own()?;
    let of_workspace = installation_rows!().filter(installations::workspace_id.eq(&viewer.workspace_id));
    let open = of_workspace.filter(installations::state.ne(State::Uninstalled));
    Ok(open.order(installations::id.desc()).limit(100).load(connection)?)
}

/// The installations of the viewer's workspace that were removed last, at most twenty.
///
/// # Errors
/// `owner_needed` (403).
pub fn removed(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<Installation>> {
    viewer.must_own()?;
    let of_workspace = installation_rows!().filter(installations::workspace_id.eq(&viewer.workspace_id));
    let removed = of_workspace.filter(installations::state.eq(State::Uninstalled));
    Ok(removed.order(installations::uninstalled_at.desc()).limit(20).load(connection)?)
}

/// One installation of the viewer's workspace.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn find(connection: &mut AnyConnection, viewer: &Viewer, id: &InstallationId) -> Result<Installation> {
    viewer.must_own()?;
    let row = installation_rows!().filter(installations::id.eq(id)).filter(installations::workspace_id.eq(&viewer.workspace_id));
    row.first(connection).optional()?.ok_or_else(|| Error::not_found("installation"))
}

/// Confirms a waiting installation. Confirming an active one changes nothing.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `installation_uninstalled` or `bitbucket_workspace_taken` (409).
pub fn confirm(connection: &mut AnyConnection, viewer: &Viewer, id: &InstallationId, now: &Now) -> Result<Installation> {
    let installation = find(connection, viewer, id)?;
    let uuid = Uuid::try_parse(&installation.bitbucket_workspace_uuid).map_err(Error::internal)?;
    lock_bitbucket_workspace(connection, uuid)?;
    if installation.state == State::Uninstalled {
        return Err(Error::conflict(
            "installation_uninstalled",
            "The app was removed from this Bitbucket workspace. Install it again first.",
        ));
    }
    if installation.state == State::Waiting {
        belonging::take(connection, &viewer.workspace_id, uuid, Proof::Administrators, now)?;
    }
    let waiting = installations::table
        .filter(installations::id.eq(id))
        .filter(installations::workspace_id.eq(&viewer.workspace_id))
        .filter(installations::state.eq(State::Waiting));
    let confirmed = diesel::update(waiting)
        .set((
            installations::state.eq(State::Active),
            installations::confirmed_by.eq(Some(&viewer.member_id)),
            installations::confirmed_at.eq(Some(now.at)),
        ))
        .execute(connection)?;
    if confirmed > 0 {
        let name = &installation.bitbucket_workspace_uuid;
        audit::record(
            connection,
            &viewer.workspace_id,
            viewer.member_id.as_str(),
            "installation_confirmed",
            id.as_str(),
            name,
            now,
        )?;
        super::entry::enqueue(connection, &viewer.workspace_id, now)?;
        forge_installations::join_waiting(connection, &viewer.workspace_id, name, now)?;
    }
    find(connection, viewer, id)
}

/// Where a signed call comes from, read anew for each: the state that decides what it may do.
#[derive(Clone, Debug, Queryable)]
pub struct Caller {
    /// The installation.
    pub id: InstallationId,
    /// Its Bitbucket workspace, without braces.
    pub bitbucket_workspace_uuid: String,
    /// The ClarityLoop workspace it belongs to.
    pub workspace_id: Option<WorkspaceId>,
    /// How far it is.
    pub state: State,
}

/// The installation that signed a call.
///
/// # Errors
/// `installation_unknown` (401).
pub fn caller(connection: &mut AnyConnection, client_key: &str) -> Result<Caller> {
    let row = installations::table
        .filter(installations::client_key.eq(client_key))
        .select((installations::id, installations::bitbucket_workspace_uuid, installations::workspace_id, installations::state))
        .first(connection)
        .optional()?;
    row.ok_or_else(unknown)
}

/// 401: no installation has this key.
pub fn unknown() -> Error {
    Error::unauthorised("token_issuer_unknown", "The app is not installed with this key. Install it again.")
}

/// Refuses a call of an installation that was removed.
///
/// # Errors
/// `installation_uninstalled` (403).
pub fn must_be_installed(state: State) -> Result<()> {
    match state {
        State::Uninstalled => Err(Error::forbidden(
            "installation_uninstalled",
            "ClarityLoop is disconnected from this Bitbucket workspace. Remove it under Installed apps if it is still listed, \
             and install it again to use it.",
        )),
        State::Waiting | State::Active => Ok(()),
    }
}

/// From when on an event that was noted is new enough, so that [`note_event`] writes nothing.
pub fn noted_since(now: &Now) -> NaiveDateTime {
    now.plus_seconds(-60)
}

/// Notes that an event came in, at most once a minute, so that a burst costs no writes. `last` is when one did before.
///
/// # Errors
/// When the database refuses.
pub fn note_event(
    connection: &mut AnyConnection,
    id: &InstallationId,
    event: &str,
    last: Option<NaiveDateTime>,
    now: &Now,
) -> Result<()> {
    if last.is_none_or(|last| last < noted_since(now)) {
        let noted = (installations::last_event_at.eq(Some(now.at)), installations::last_event.eq(Some(one_line(event, 100))));
        diesel::update(installations::table.find(id)).set(noted).execute(connection)?;
    }
    Ok(())
}
