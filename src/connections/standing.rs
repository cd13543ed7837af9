//! How an installation stands, for the app's own page inside Bitbucket: whose it is, what is on, and the link that claims one which came
//! without a code. Whoever sees that page may administer the Bitbucket workspace; of ClarityLoop it shows names, and lets nobody do anything.

use super::claims;
use super::installations::{self, Caller, State};
use super::retirement;
use crate::config::{Now, Secret};
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::people::identities::{self, AccountId};
use crate::people::members::{self, Role};
use crate::people::workspaces::{self, Workspace};
use crate::storage::AnyConnection;
use crate::storage::ids::InstallationId;

/// What the page is drawn from.
#[derive(Debug)]
pub struct Standing {
    /// How far the installation is.
    pub state: State,
    /// The ClarityLoop workspace that it belongs to.
    pub workspace: Option<Workspace>,
    /// That workspace's owners, by name.
    pub owners: Vec<String>,
    /// The secret of a new link that claims it, while it is nobody's.
    pub claim: Option<Secret>,
}

/// How an installation stands. Each call makes a new claim link for one that is nobody's.
///
/// # Errors
/// `installation_uninstalled` (403).
pub fn read(connection: &mut AnyConnection, caller: &Caller, now: &Now) -> Result<Standing> {
    installations::must_be_installed(caller.state)?;
    let workspace = caller.workspace_id.as_ref().map(|id| workspaces::find(connection, id)).transpose()?;
    let owners = caller.workspace_id.as_ref().map(|id| members::owner_names(connection, id)).transpose()?;
    let is_unclaimed = workspace.is_none() && caller.state == State::Waiting;
    let claim = is_unclaimed.then(|| claims::new_link(connection, &caller.id, now)).transpose()?;
    Ok(Standing { state: caller.state, workspace, owners: owners.unwrap_or_default(), claim })
}

/// The owner whose confirmed account looks at the page of an installation that is in use; `None` for everybody else.
///
/// # Errors
/// When the database refuses.
pub fn bound_owner(connection: &mut AnyConnection, caller: &Caller, account: &str) -> Result<Option<Viewer>> {
    let Some(workspace_id) = caller.workspace_id.as_ref().filter(|_| caller.state == State::Active) else { return Ok(None) };
    let viewer = identities::member_with(connection, workspace_id, &AccountId::parse(account)?)?;
    Ok(viewer.filter(|viewer| viewer.role == Role::Owner))
}

/// The same, for what only they may do.
///
/// # Errors
/// `bound_owner_needed` (403).
pub fn must_be_bound_owner(connection: &mut AnyConnection, caller: &Caller, account: &str) -> Result<Viewer> {
    bound_owner(connection, caller, account)?.ok_or_else(|| {
        let detail =
            "Only an owner whose Bitbucket account is linked may do this here. Link yours in the panel of a pull request.";
        Error::forbidden("bound_owner_needed", detail)
    })
}

/// The Connect installation that this owner can retire in the caller's Bitbucket workspace.
///
/// # Errors
/// `owner_needed` (403).
pub fn retirable(connection: &mut AnyConnection, owner: &Viewer, caller: &Caller) -> Result<Option<InstallationId>> {
    retirement::retirable(connection, owner, &caller.bitbucket_workspace_uuid)
}
