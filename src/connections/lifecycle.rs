//! What an install and an uninstall change, once the door has verified the call and proven the secret.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::belonging::Proof;
use super::install_codes::Code;
use super::installations::{Door, State};
use super::keys::sealed_for;
use super::{belonging, describe, entry, purge, removal};
use crate::config::{Now, Secret};
use crate::error::{Error, Result};
use crate::people::{audit, workspaces};
use crate::storage::AnyConnection;
use crate::storage::ids::{InstallationId, WorkspaceId};
use crate::storage::schema::{bitbucket_workspaces, installations, spent_tokens};
use crate::storage::seal::Keyring;
use crate::storage::statement::{OnConflict as _, for_update};

/// A lifecycle token that verified; it is spent with what it does.
#[derive(Clone, Debug)]
pub struct LifecycleToken {
    /// Names the token.
    pub fingerprint: String,
    /// Unix seconds; it need not be remembered longer.
    pub expires_at: i64,
    /// Whether the secret that was replaced last signed it: then Bitbucket never had our answer to the change.
    pub is_signed_with_former: bool,
}

/// What is known of a client key before an `installed` call is believed.
#[derive(Clone, Debug, Queryable)]
pub struct Known {
    /// The secret as sealed, to notice when it changes in between.
    pub secret: Option<String>,
    /// Its Bitbucket workspace.
    pub bitbucket_workspace_uuid: String,
}

/// What is known of a client key; `None` for one never seen.
///
/// # Errors
/// When the database refuses.
pub fn known(connection: &mut AnyConnection, client_key: &str) -> Result<Option<Known>> {
    let row = installations::table.filter(installations::client_key.eq(client_key)).filter(installations::door.eq(Door::Connect));
    Ok(row.select((installations::secret, installations::bitbucket_workspace_uuid)).first(connection).optional()?)
}

/// An install whose secret Bitbucket has accepted.
#[derive(Clone, Debug)]
pub struct ProvenInstall {
    /// Names the installation.
    pub client_key: String,
    /// The Bitbucket workspace.
    pub bitbucket_workspace: Uuid,
    /// The secret to keep; absent for a registered app, whose secret is in the settings.
    pub secret: Option<Secret>,
    /// Whether it is of an app registered with Bitbucket.
    pub is_registered: bool,
    /// Who pressed the button, as reported.
    pub reported_installer: Option<String>,
    /// The code of the install address, with what it names.
    pub code: Option<(String, Code)>,
    /// The token of a signed call.
    pub token: Option<LifecycleToken>,
    /// What was known when the call was verified.
    pub known: Option<Known>,
}

#[derive(Queryable)]
struct Row {
    id: InstallationId,
    state: State,
    workspace_id: Option<WorkspaceId>,
    secret: Option<String>,
    previous_secret: Option<String>,
    secret_changed_at: Option<NaiveDateTime>,
}

/// Stores an install: a new client key waits for its owner, a tombstone waits again where its code says, an active installation
/// stays what it is with its new secret.
///
/// # Errors
/// `token_spent` (401); `installation_changed`, `install_code_replaced` or `bitbucket_workspace_taken` (409).
pub fn install(connection: &mut AnyConnection, install: &ProvenInstall, keyring: &Keyring, now: &Now) -> Result<InstallationId> {
    lock_bitbucket_workspace(connection, install.bitbucket_workspace)?;
    if let Some(token) = &install.token {
        spend(connection, token, now)?;
    }
    let row: Option<Row> = installations::table
        .filter(installations::client_key.eq(&install.client_key))
        .filter(installations::door.eq(Door::Connect))
        .select((
            installations::id,
            installations::state,
            installations::workspace_id,
            installations::secret,
            installations::previous_secret,
            installations::secret_changed_at,
        ))
        .first(connection)
        .optional()?;
    if row.as_ref().map(|row| &row.secret) != install.known.as_ref().map(|known| &known.secret) {
        return Err(Error::conflict("installation_changed", "The installation changed at the same moment. Install again."));
    }
    let workspace_id = workspace_of(install, row.as_ref())?;
    if let Some(workspace_id) = &workspace_id {
        // One that is in use already displaced whoever had less to show; one that waits displaces nobody before it is confirmed.
        belonging::must_be_open_to(connection, workspace_id, install.bitbucket_workspace, Proof::Administrators)?;
    }
    let id = match &row {
        None => insert(connection, install, workspace_id.as_ref(), keyring, now)?,
        Some(row) => update(connection, install, row, workspace_id.as_ref(), keyring, now)?,
    };
    if let Some(workspace_id) = &workspace_id {
        // The UUID only: what else Bitbucket said must be gone after an uninstall, and the audit stays.
        let detail = install.bitbucket_workspace.to_string();
        audit::record(connection, workspace_id, audit::APP, "installed", id.as_str(), &detail, now)?;
        entry::enqueue(connection, workspace_id, now)?;
    }
    describe::enqueue(connection, &id, now)?;
    Ok(id)
}

/// Whose the installation is to be.
fn workspace_of(install: &ProvenInstall, row: Option<&Row>) -> Result<Option<WorkspaceId>> {
    let former = row.and_then(|row| row.workspace_id.clone());
    let named = install.code.as_ref().map(|(_, code)| code.workspace_id.clone());
    match row {
        Some(row) if row.state != State::Uninstalled => match (former, named) {
            (Some(former), Some(named)) if former != named => Err(belonging::taken()),
            (former, named) => Ok(former.or(named)),
        },
        _ => {
            let takes_it =
                install.code.as_ref().is_none_or(|(_, code)| code.is_current || former.as_ref() == Some(&code.workspace_id));
            if takes_it {
                Ok(named)
            } else {
                Err(Error::conflict(
                    "install_code_replaced",
                    "This install address was replaced. Copy the new one from ClarityLoop's settings.",
                ))
            }
        }
    }
}

fn insert(
    connection: &mut AnyConnection,
    install: &ProvenInstall,
    workspace_id: Option<&WorkspaceId>,
    keyring: &Keyring,
    now: &Now,
) -> Result<InstallationId> {
    let id = InstallationId::new(now);
    let entry_shown = entry_shown(connection, workspace_id)?;
    diesel::insert_into(installations::table)
        .values((
            installations::id.eq(&id),
            installations::door.eq(Door::Connect),
            installations::client_key.eq(&install.client_key),
            installations::bitbucket_workspace_uuid.eq(install.bitbucket_workspace.to_string()),
            installations::workspace_id.eq(workspace_id),
            installations::install_code.eq(install.code.as_ref().map(|(code, _)| code)),
            installations::state.eq(State::Waiting),
            installations::is_registered.eq(install.is_registered),
            installations::secret.eq(sealed(install, keyring)?),
            installations::reported_installer.eq(&install.reported_installer),
            installations::installed_at.eq(now.at),
            installations::entry_shown.eq(entry_shown),
        ))
        .execute(connection)?;
    Ok(id)
}

fn update(
    connection: &mut AnyConnection,
    install: &ProvenInstall,
    row: &Row,
    workspace_id: Option<&WorkspaceId>,
    keyring: &Keyring,
    now: &Now,
) -> Result<InstallationId> {
    let is_revived = row.state == State::Uninstalled;
    let replaced = match (&row.secret, &install.secret) {
        (Some(stored), Some(secret)) => keyring.open_text(stored, &sealed_for(&install.client_key))? != *secret,
        (stored, given) => stored.is_some() != given.is_some(),
    };
    let (secret, previous, changed_at) = if replaced {
        // What Bitbucket goes on with, should our answer be lost again, is what it has just signed with.
        let is_former = install.token.as_ref().is_some_and(|token| token.is_signed_with_former);
        let held = if is_former { &row.previous_secret } else { &row.secret };
        (sealed(install, keyring)?, held.clone(), Some(now.at))
    } else {
        (row.secret.clone(), row.previous_secret.clone(), row.secret_changed_at)
    };
    let entry_shown = entry_shown(connection, workspace_id)?;
    diesel::update(installations::table.find(&row.id))
        .set((
            installations::workspace_id.eq(workspace_id),
            installations::install_code.eq(install.code.as_ref().map(|(code, _)| code)),
            installations::is_registered.eq(install.is_registered),
            installations::secret.eq(secret),
            installations::previous_secret.eq(previous),
            installations::secret_changed_at.eq(changed_at),
            installations::reported_installer.eq(&install.reported_installer),
            installations::installed_at.eq(now.at),
            installations::uninstalled_at.eq(None::<NaiveDateTime>),
            // Bitbucket has just read the descriptor, which follows the switch.
            installations::entry_shown.eq(entry_shown),
            installations::entry_error.eq(None::<String>),
            // It was consented to anew, and what an owner had ended before is not ended any more.
            installations::refused_since.eq(None::<NaiveDateTime>),
            installations::missing_scopes.eq(None::<String>),
            installations::removal.eq(None::<String>),
            installations::removal_error.eq(None::<String>),
        ))
        .execute(connection)?;
    if is_revived {
        diesel::update(installations::table.find(&row.id))
            .set((
                installations::state.eq(State::Waiting),
                installations::confirmed_by.eq(None::<String>),
                installations::confirmed_at.eq(None::<NaiveDateTime>),
            ))
            .execute(connection)?;
    }
    Ok(row.id.clone())
}

fn sealed(install: &ProvenInstall, keyring: &Keyring) -> Result<Option<String>> {
    install.secret.as_ref().map(|secret| keyring.seal(secret.expose(), &sealed_for(&install.client_key))).transpose()
}

fn entry_shown(connection: &mut AnyConnection, workspace_id: Option<&WorkspaceId>) -> Result<bool> {
    workspace_id.map_or(Ok(true), |id| workspaces::find(connection, id).map(|workspace| workspace.quick_action))
}

/// Makes a tombstone of an installation. When it was the last door of its Bitbucket workspace, everything Bitbucket said is
/// purged in the same transaction. A tombstone stays one.
///
/// # Errors
/// `token_issuer_unknown` or `token_spent` (401); `workspace_mismatch` (403).
pub fn uninstall(
    connection: &mut AnyConnection,
    client_key: &str,
    bitbucket_workspace: Uuid,
    token: &LifecycleToken,
    now: &Now,
) -> Result<()> {
    lock_bitbucket_workspace(connection, bitbucket_workspace)?;
    spend(connection, token, now)?;
    let row: Option<(InstallationId, State, Option<WorkspaceId>, String)> = installations::table
        .filter(installations::client_key.eq(client_key))
        .filter(installations::door.eq(Door::Connect))
        .select((installations::id, installations::state, installations::workspace_id, installations::bitbucket_workspace_uuid))
        .first(connection)
        .optional()?;
    let unknown = || Error::unauthorised("token_issuer_unknown", "The app is not installed with this key.");
    let (id, state, workspace_id, uuid) = row.ok_or_else(unknown)?;
    if uuid != bitbucket_workspace.to_string() {
        return Err(workspace_mismatch());
    }
    if state == State::Uninstalled {
        return removal::is_done(connection, &id);
    }
    diesel::update(installations::table.find(&id))
        .set((installations::state.eq(State::Uninstalled), installations::uninstalled_at.eq(Some(now.at))))
        .execute(connection)?;
    if let Some(workspace_id) = &workspace_id {
        audit::record(connection, workspace_id, audit::APP, "uninstalled", id.as_str(), &bitbucket_workspace.to_string(), now)?;
    }
    purge::when_last_door_closed(connection, workspace_id.as_ref(), bitbucket_workspace, now)
}

/// 403: a call names another Bitbucket workspace than the one its installation is in.
pub fn workspace_mismatch() -> Error {
    Error::forbidden("workspace_mismatch", "This call names another Bitbucket workspace than the one the app is installed in.")
}

/// Installs and uninstalls of one Bitbucket workspace happen one after the other, on all servers.
pub(super) fn lock_bitbucket_workspace(connection: &mut AnyConnection, uuid: Uuid) -> Result<()> {
    diesel::insert_into(bitbucket_workspaces::table)
        .values(bitbucket_workspaces::uuid.eq(uuid.to_string()))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    let row = bitbucket_workspaces::table.find(uuid.to_string()).select(bitbucket_workspaces::uuid);
    for_update(row).get_result::<String>(connection)?;
    Ok(())
}

/// A lifecycle token is single use for as long as it lives.
fn spend(connection: &mut AnyConnection, token: &LifecycleToken, now: &Now) -> Result<()> {
    diesel::delete(spent_tokens::table.filter(spent_tokens::expires_at.lt(now.at))).execute(connection)?;
    // Beyond the expiry for as long as the verifier's leeway could still accept it.
    let remembered_until = token.expires_at + 2 * crate::connect::token::LEEWAY_SECONDS;
    let remembered_until = chrono::DateTime::from_timestamp(remembered_until, 0).map_or(now.at, |time| time.naive_utc());
    let inserted = diesel::insert_into(spent_tokens::table)
        .values((spent_tokens::fingerprint.eq(&token.fingerprint), spent_tokens::expires_at.eq(remembered_until)))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    if inserted == 0 {
        return Err(Error::unauthorised("token_spent", "This token has been used already. Each lifecycle call needs a new one."));
    }
    Ok(())
}
