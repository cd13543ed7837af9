//! Installations of the Forge app: made from what a verified call says, joined to a workspace that is connected, ended by Forge. The
//! doors that Forge calls use it.
//!
//! Forge signs for the installation and its Bitbucket workspace in every call, so that a call alone is enough to know one: an
//! `installed` event may come late or never.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use uuid::Uuid;

use super::belonging::Proof;
use super::health;
use super::installations::{self, Caller, Door, State};
use super::lifecycle::{lock_bitbucket_workspace, workspace_mismatch};
use super::{belonging, describe, entry, purge, removal, system_tokens};
use crate::config::Now;
use crate::error::{Kind, Result};
use crate::forge::invocation_token::Invocation;
use crate::forge::system_token::AccessToken;
use crate::people::audit;
use crate::storage::AnyConnection;
use crate::storage::ids::{InstallationId, WorkspaceId};
use crate::storage::schema::{bitbucket_workspaces, claim_links, installations as rows};
use crate::storage::seal::Keyring;

/// A burst of calls is written down once within so many seconds.
const NOTED_EVERY_SECONDS: i64 = 60;
/// An installation that is silent for longer, while another one of the same environment calls, was uninstalled without a word.
const SILENT_SECONDS: i64 = 6 * 3600;

/// The key under which an installation of Forge is stored.
pub fn client_key(invocation: &Invocation) -> String {
    invocation.installation.to_string()
}

#[derive(Queryable)]
struct Row {
    caller: Caller,
    called_at: Option<NaiveDateTime>,
    token_expires_at: Option<NaiveDateTime>,
    clock_skew_seconds: Option<i32>,
}

fn row(connection: &mut AnyConnection, invocation: &Invocation) -> Result<Option<Row>> {
    let row: Option<Row> = rows::table
        .filter(rows::client_key.eq(client_key(invocation)))
        .filter(rows::door.eq(Door::Forge))
        .select((
            (rows::id, rows::bitbucket_workspace_uuid, rows::workspace_id, rows::state),
            rows::called_at,
            rows::system_token_expires_at,
            rows::clock_skew_seconds,
        ))
        .first(connection)
        .optional()?;
    match row {
        Some(row) if row.caller.bitbucket_workspace_uuid != invocation.workspace.to_string() => Err(workspace_mismatch()),
        row => Ok(row),
    }
}

/// The installation that a page of the app stands in: read anew, and made when nothing was heard of it before. It may be a tombstone:
/// what each state allows is the door's to say.
///
/// # Errors
/// `workspace_mismatch` (403).
pub fn of_page(connection: &mut AnyConnection, invocation: &Invocation, now: &Now) -> Result<Caller> {
    match row(connection, invocation)? {
        Some(row) => Ok(row.caller),
        None => first_met(connection, invocation, now).map(|row| row.caller),
    }
}

/// Takes a call of Forge itself: the installation is made when it is new, and keeps the token that came along.
///
/// # Errors
/// `workspace_mismatch` or `installation_uninstalled` (403): a late call revives nothing.
pub fn called(
    connection: &mut AnyConnection,
    invocation: &Invocation,
    token: Option<&AccessToken>,
    keyring: &Keyring,
    now: &Now,
) -> Result<Caller> {
    let row = match row(connection, invocation)? {
        Some(row) => row,
        None => first_met(connection, invocation, now)?,
    };
    installations::must_be_installed(row.caller.state)?;
    if row.called_at.is_none_or(|at| at < now.plus_seconds(-NOTED_EVERY_SECONDS)) {
        diesel::update(rows::table.find(&row.caller.id)).set(rows::called_at.eq(Some(now.at))).execute(connection)?;
    }
    let moved = health::moved_skew(row.clock_skew_seconds, invocation.issued_at, now.unix_seconds(), true);
    if let Some(seconds) = moved {
        health::note_skew(connection, &client_key(invocation), seconds)?;
    }
    if let Some(token) = token {
        let (id, key) = (&row.caller.id, client_key(invocation));
        system_tokens::keep(connection, id, &key, token, row.token_expires_at, keyring)?;
    }
    Ok(row.caller)
}

/// Takes an `installed` or `upgraded` call: who installed is noted, as reported, and what was refused before is asked anew.
///
/// # Errors
/// As [`called`].
pub fn installed(
    connection: &mut AnyConnection,
    invocation: &Invocation,
    installer: Option<&str>,
    token: Option<&AccessToken>,
    keyring: &Keyring,
    now: &Now,
) -> Result<()> {
    let caller = called(connection, invocation, token, keyring, now)?;
    // An uninstall may have been committed on another server a moment ago: what a purge took away stays away.
    let living = rows::table.find(&caller.id).filter(rows::state.ne(State::Uninstalled));
    if let Some(installer) = installer {
        diesel::update(living).set(rows::reported_installer.eq(Some(installer))).execute(connection)?;
    }
    // It was consented to anew.
    diesel::update(living)
        .set((rows::refused_since.eq(None::<NaiveDateTime>), rows::missing_scopes.eq(None::<String>)))
        .execute(connection)?;
    describe::enqueue(connection, &caller.id, now)
}

/// Takes the hourly call: what Bitbucket has not told yet is asked again, and whatever fell silent without a word is ended.
///
/// # Errors
/// As [`called`].
pub fn refreshed(
    connection: &mut AnyConnection,
    invocation: &Invocation,
    token: Option<&AccessToken>,
    keyring: &Keyring,
    now: &Now,
) -> Result<()> {
    let caller = called(connection, invocation, token, keyring, now)?;
    let wants_an_answer = rows::table
        .inner_join(bitbucket_workspaces::table)
        .filter(rows::id.eq(&caller.id))
        .filter(bitbucket_workspaces::slug.is_null().or(rows::refused_since.is_not_null()));
    if wants_an_answer.count().get_result::<i64>(connection)? > 0 {
        describe::enqueue(connection, &caller.id, now)?;
    }
    end_silent_ones(connection, &caller, invocation, now)
}

/// Makes a tombstone of an installation; with the last door of its Bitbucket workspace, everything Bitbucket said is purged in the same
/// transaction. A tombstone stays one, and an installation never heard of becomes one, so that late calls find it.
///
/// # Errors
/// `workspace_mismatch` (403).
pub fn uninstall(connection: &mut AnyConnection, invocation: &Invocation, now: &Now) -> Result<()> {
    lock_bitbucket_workspace(connection, invocation.workspace)?;
    let caller = match row(connection, invocation)? {
        Some(row) => row.caller,
        None => insert(connection, invocation, now)?.caller,
    };
    if caller.state == State::Uninstalled {
        return removal::is_done(connection, &caller.id);
    }
    end(connection, &caller.id, caller.workspace_id.as_ref(), invocation.workspace, now)?;
    purge::when_last_door_closed(connection, caller.workspace_id.as_ref(), invocation.workspace, now)
}

/// Joins what waits unclaimed in a Bitbucket workspace that has just been connected to a ClarityLoop workspace. That it is nobody else's, the
/// caller has asked.
///
/// # Errors
/// When the database refuses.
pub(super) fn join_waiting(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace_uuid: &str,
    now: &Now,
) -> Result<()> {
    let waiting: Vec<InstallationId> = rows::table
        .filter(rows::bitbucket_workspace_uuid.eq(bitbucket_workspace_uuid))
        .filter(rows::door.eq(Door::Forge))
        .filter(rows::state.eq(State::Waiting))
        .filter(rows::workspace_id.is_null())
        .select(rows::id)
        .load(connection)?;
    waiting.iter().try_for_each(|id| join(connection, id, workspace_id, bitbucket_workspace_uuid, now))
}

/// The first call of an installation: it waits for its owner, or joins the workspace that its Bitbucket workspace is connected to.
fn first_met(connection: &mut AnyConnection, invocation: &Invocation, now: &Now) -> Result<Row> {
    lock_bitbucket_workspace(connection, invocation.workspace)?;
    // Two first calls may have come at the same moment.
    if let Some(row) = row(connection, invocation)? {
        return Ok(row);
    }
    let uuid = invocation.workspace.to_string();
    let connected: Option<Option<WorkspaceId>> = rows::table
        .filter(rows::bitbucket_workspace_uuid.eq(&uuid))
        .filter(rows::state.eq(State::Active))
        .select(rows::workspace_id)
        .first(connection)
        .optional()?;
    let mut row = insert(connection, invocation, now)?;
    if let Some(workspace_id) = connected.flatten() {
        // Where another administrator has a connection, it waits for whoever claims it: nobody can before that one has ended.
        match belonging::take(connection, &workspace_id, invocation.workspace, Proof::Administrators, now) {
            Ok(()) => {
                join(connection, &row.caller.id, &workspace_id, &uuid, now)?;
                row.caller.state = State::Active;
                row.caller.workspace_id = Some(workspace_id);
            }
            Err(error) if error.kind == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    describe::enqueue(connection, &row.caller.id, now)?;
    Ok(row)
}

fn insert(connection: &mut AnyConnection, invocation: &Invocation, now: &Now) -> Result<Row> {
    let id = InstallationId::new(now);
    let uuid = invocation.workspace.to_string();
    diesel::insert_into(rows::table)
        .values((
            rows::id.eq(&id),
            rows::door.eq(Door::Forge),
            rows::client_key.eq(client_key(invocation)),
            rows::bitbucket_workspace_uuid.eq(&uuid),
            rows::state.eq(State::Waiting),
            rows::is_registered.eq(false),
            rows::environment.eq(Some(&invocation.environment)),
            rows::installed_at.eq(now.at),
            // Forge shows what the manifest says, whatever the switch says.
            rows::entry_shown.eq(true),
        ))
        .execute(connection)?;
    let caller = Caller { id, bitbucket_workspace_uuid: uuid, workspace_id: None, state: State::Waiting };
    Ok(Row { caller, called_at: None, token_expires_at: None, clock_skew_seconds: None })
}

fn join(
    connection: &mut AnyConnection,
    id: &InstallationId,
    workspace_id: &WorkspaceId,
    bitbucket_workspace_uuid: &str,
    now: &Now,
) -> Result<()> {
    diesel::update(rows::table.find(id))
        .set((rows::workspace_id.eq(Some(workspace_id)), rows::state.eq(State::Active), rows::confirmed_at.eq(Some(now.at))))
        .execute(connection)?;
    diesel::delete(claim_links::table.filter(claim_links::installation_id.eq(id))).execute(connection)?;
    audit::record(connection, workspace_id, audit::APP, "installation_joined", id.as_str(), bitbucket_workspace_uuid, now)?;
    entry::enqueue(connection, workspace_id, now)
}

/// Ends what Forge has uninstalled without our having heard of it: a workspace holds the app once in each environment, so that of two
/// the one that does not call any more is gone. As long as the one that calls is the same ClarityLoop workspace's, nothing is purged.
fn end_silent_ones(connection: &mut AnyConnection, caller: &Caller, invocation: &Invocation, now: &Now) -> Result<()> {
    let silent_since = now.at - TimeDelta::seconds(SILENT_SECONDS);
    let silent = rows::table
        .filter(rows::bitbucket_workspace_uuid.eq(&caller.bitbucket_workspace_uuid))
        .filter(rows::door.eq(Door::Forge))
        .filter(rows::environment.eq(Some(&invocation.environment)))
        .filter(rows::state.ne(State::Uninstalled))
        .filter(rows::id.ne(&caller.id))
        .filter(rows::installed_at.lt(silent_since))
        .filter(rows::called_at.is_null().or(rows::called_at.lt(Some(silent_since))))
        .select((rows::id, rows::workspace_id));
    let silent: Vec<(InstallationId, Option<WorkspaceId>)> = silent.load(connection)?;
    if silent.is_empty() {
        return Ok(());
    }
    lock_bitbucket_workspace(connection, invocation.workspace)?;
    for (id, workspace_id) in silent {
        end(connection, &id, workspace_id.as_ref(), invocation.workspace, now)?;
        purge::when_last_door_closed(connection, workspace_id.as_ref(), invocation.workspace, now)?;
    }
    Ok(())
}

fn end(
    connection: &mut AnyConnection,
    id: &InstallationId,
    workspace_id: Option<&WorkspaceId>,
    bitbucket_workspace: Uuid,
    now: &Now,
) -> Result<()> {
    diesel::update(rows::table.find(id))
        .set((rows::state.eq(State::Uninstalled), rows::uninstalled_at.eq(Some(now.at))))
        .execute(connection)?;
    system_tokens::forget(connection, id)?;
    match workspace_id {
        Some(workspace_id) => {
            let detail = bitbucket_workspace.to_string();
            audit::record(connection, workspace_id, audit::APP, "uninstalled", id.as_str(), &detail, now)
        }
        None => Ok(()),
    }
}
