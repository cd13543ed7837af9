//! Everything that the settings page shows of how Bitbucket is connected, in a bounded number of queries.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::describe::{DESCRIBE, Describe};
use super::entry::{UPDATE_ENTRY, UpdateEntry};
use super::installations::{self, Door, Installation, State};
use super::purge::{self, Purge};
use super::removal::{REMOVE_APP, RemoveApp};
use super::{describe, install_codes};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::jobs;
use crate::people::{Viewer, workspaces};
use crate::storage::AnyConnection;
use crate::storage::ids::{InstallationId, MemberId};
use crate::storage::schema::{identities, members};

/// How Bitbucket is connected to a ClarityLoop workspace.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Whether pull requests show "Add to ClarityLoop".
    pub quick_action: bool,
    /// The code that new installations come in by.
    pub install_code: Option<String>,
    /// Installations that wait or are connected, the newest first.
    pub open: Vec<Standing>,
    /// The Bitbucket workspaces that were disconnected last, each by its last installation.
    pub disconnected: Vec<Standing>,
}

/// An installation with what is known around it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The installation.
    pub installation: Installation,
    /// The name of the owner who confirmed it.
    pub confirmed_by: Option<String>,
    /// The name of the member whose account the reported installer is.
    pub installer: Option<String>,
    /// The kinds of its jobs that were given up.
    pub failed_jobs: Vec<String>,
    /// The last purge of its Bitbucket workspace.
    pub purge: Option<Purge>,
    /// Whether it is of the Connect app and can be retired, because the Forge app is connected in the same Bitbucket workspace.
    pub is_retirable: bool,
    /// The Connect installation that it took over from, while something is to be said of its removal at Bitbucket.
    pub retired: Option<Installation>,
}

/// Reads it.
///
/// # Errors
/// `owner_needed` (403).
pub fn read(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Overview> {
    let quick_action = workspaces::of(connection, viewer)?.quick_action;
    let install_code = install_codes::current(connection, viewer)?;
    let open = installations::open(connection, viewer)?;
    let mut seen: HashSet<String> = open.iter().map(|installation| installation.bitbucket_workspace_uuid.clone()).collect();
    let removed = installations::removed(connection, viewer)?;
    let (last, former): (Vec<Installation>, Vec<Installation>) =
        removed.into_iter().partition(|installation| seen.insert(installation.bitbucket_workspace_uuid.clone()));
    let around = Around::read(connection, viewer, open.iter().chain(&last))?;
    let standings = |installations: Vec<Installation>| installations.into_iter().map(|it| around.standing(it)).collect();
    let mut open: Vec<Standing> = standings(open);
    note_moves(&mut open, former);
    Ok(Overview { quick_action, install_code, open, disconnected: standings(last) })
}

/// How far each Bitbucket workspace is on its way from Connect to Forge. `former` are installations that were removed there.
fn note_moves(open: &mut [Standing], former: Vec<Installation>) {
    let by_forge: HashSet<String> = open
        .iter()
        .map(|standing| &standing.installation)
        .filter(|it| it.door == Door::Forge && it.state == State::Active)
        .map(|it| it.bitbucket_workspace_uuid.clone())
        .collect();
    for Standing { installation, is_retirable, retired, .. } in open {
        let uuid = &installation.bitbucket_workspace_uuid;
        match installation.door {
            Door::Connect => *is_retirable = by_forge.contains(uuid),
            Door::Forge => {
                let is_its_former = |it: &&Installation| {
                    it.door == Door::Connect && it.bitbucket_workspace_uuid == *uuid && it.health.removal.is_some()
                };
                *retired = former.iter().find(is_its_former).cloned();
            }
        }
    }
}

/// One installation of the viewer's workspace with what is known around it.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn one(connection: &mut AnyConnection, viewer: &Viewer, id: &InstallationId) -> Result<Standing> {
    let installation = installations::find(connection, viewer, id)?;
    Ok(Around::read(connection, viewer, std::iter::once(&installation))?.standing(installation))
}

/// Has Bitbucket asked anew whether it takes the key of an installation.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn test_again(connection: &mut AnyConnection, viewer: &Viewer, id: &InstallationId, now: &Now) -> Result<()> {
    installations::find(connection, viewer, id)?;
    describe::enqueue(connection, id, now)
}

struct Around {
    members: HashMap<MemberId, String>,
    installers: HashMap<String, String>,
    purges: HashMap<String, Purge>,
    failed: Vec<jobs::Failed>,
}

impl Around {
    fn read<'a>(
        connection: &mut AnyConnection,
        viewer: &Viewer,
        installations: impl Iterator<Item = &'a Installation> + Clone,
    ) -> Result<Self> {
        let owners: Vec<&MemberId> = installations.clone().filter_map(|it| it.confirmed_by.as_ref()).collect();
        let of_workspace = members::table.filter(members::workspace_id.eq(&viewer.workspace_id));
        let named = of_workspace.filter(members::id.eq_any(owners)).select((members::id, members::name));
        let accounts: Vec<&String> = installations.clone().filter_map(|it| it.reported_installer.as_ref()).collect();
        let bound = identities::table
            .inner_join(members::table)
            .filter(identities::workspace_id.eq(&viewer.workspace_id))
            .filter(identities::account_id.eq_any(accounts))
            .select((identities::account_id, members::name));
        let payloads = installations.map(payloads).collect::<Result<Vec<_>>>()?.concat();
        Ok(Self {
            members: named.load::<(MemberId, String)>(connection)?.into_iter().collect(),
            installers: bound.load::<(String, String)>(connection)?.into_iter().collect(),
            purges: purge::list(connection, viewer)?
                .into_iter()
                .map(|purge| (purge.bitbucket_workspace_uuid.clone(), purge))
                .collect(),
            failed: jobs::failed(connection, &[DESCRIBE, UPDATE_ENTRY, REMOVE_APP], &payloads)?,
        })
    }

    fn standing(&self, installation: Installation) -> Standing {
        let own = payloads(&installation).unwrap_or_default();
        let failed = self.failed.iter().filter(|job| own.contains(&job.payload)).map(|job| job.kind.clone());
        Standing {
            confirmed_by: installation.confirmed_by.as_ref().and_then(|id| self.members.get(id).cloned()),
            installer: installation.reported_installer.as_ref().and_then(|account| self.installers.get(account).cloned()),
            failed_jobs: failed.collect(),
            purge: self.purges.get(&installation.bitbucket_workspace_uuid).cloned(),
            is_retirable: false,
            retired: None,
            installation,
        }
    }
}

/// What the jobs about one installation are enqueued with.
fn payloads(installation: &Installation) -> Result<Vec<String>> {
    let id = &installation.id;
    let written = [
        serde_json::to_string(&Describe { installation_id: id.clone() }),
        serde_json::to_string(&UpdateEntry { installation_id: id.clone() }),
        serde_json::to_string(&RemoveApp { installation_id: id.clone() }),
    ];
    written.into_iter().map(|payload| payload.map_err(Error::internal)).collect()
}
