//! Claiming an installation that came without a code: a one-time link from its page inside Bitbucket, opened by an owner here.

use diesel::prelude::*;

use super::belonging::Proof;
use super::installations::State;
use super::lifecycle::lock_bitbucket_workspace;
use super::{belonging, entry, forge_installations};
use crate::config::{Now, Secret};
use crate::error::{Error, Kind, Result};
use crate::people::{Viewer, audit, new_secret};
use crate::storage::AnyConnection;
use crate::storage::ids::InstallationId;
use crate::storage::schema::{bitbucket_workspaces, claim_links, installations};
use crate::storage::seal::hash_hex;

const LINK_SECONDS: i64 = 24 * 3600;

/// What a claim link is about, for the page that names both workspaces and asks.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The installation.
    pub installation_id: InstallationId,
    /// The Bitbucket workspace's UUID, without braces.
    pub bitbucket_workspace_uuid: String,
    /// Its name or slug, when fetched.
    pub bitbucket_workspace_name: Option<String>,
}

/// Makes a link, valid 24 hours, for an installation that nobody has claimed; the answer is its secret, which is not stored.
///
/// # Errors
/// When the database refuses.
pub fn new_link(connection: &mut AnyConnection, installation_id: &InstallationId, now: &Now) -> Result<Secret> {
    diesel::delete(claim_links::table.filter(claim_links::expires_at.le(now.at))).execute(connection)?;
    let secret = new_secret(now);
    diesel::insert_into(claim_links::table)
        .values((
            claim_links::token_hash.eq(hash_hex(secret.expose().as_bytes())),
            claim_links::installation_id.eq(installation_id),
            claim_links::expires_at.eq(now.plus_seconds(LINK_SECONDS)),
        ))
        .execute(connection)?;
    Ok(secret)
}

/// Reads a link without using it up.
///
/// # Errors
/// `owner_needed` (403); `claim_link_unknown` (404) when it is used, too old or the installation has been claimed.
pub fn read(connection: &mut AnyConnection, viewer: &Viewer, secret: &str, now: &Now) -> Result<Claim> {
    viewer.must_own()?;
    let row: Option<(InstallationId, String, Option<String>, Option<String>)> = claim_links::table
        .inner_join(installations::table.inner_join(bitbucket_workspaces::table))
        .filter(claim_links::token_hash.eq(hash_hex(secret.as_bytes())))
        .filter(claim_links::expires_at.gt(now.at))
        .filter(installations::workspace_id.is_null())
        .filter(installations::state.eq(State::Waiting))
        .select((installations::id, bitbucket_workspaces::uuid, bitbucket_workspaces::name, bitbucket_workspaces::slug))
        .first(connection)
        .optional()?;
    let (installation_id, uuid, name, slug) = row.ok_or_else(|| {
        let detail = "This link was used, is too old, or the app has been connected already. Make a new one on the app's page in Bitbucket.";
        Error::new(Kind::NotFound, "claim_link_unknown", detail)
    })?;
    Ok(Claim { installation_id, bitbucket_workspace_uuid: uuid, bitbucket_workspace_name: name.or(slug) })
}

/// Uses a link up: the installation belongs to the viewer's workspace from now on, and is active.
///
/// # Errors
/// As [`read`]; `bitbucket_workspace_taken` (409).
pub fn accept(connection: &mut AnyConnection, viewer: &Viewer, secret: &str, now: &Now) -> Result<Claim> {
    let claim = read(connection, viewer, secret, now)?;
    let uuid = uuid::Uuid::try_parse(&claim.bitbucket_workspace_uuid).map_err(Error::internal)?;
    lock_bitbucket_workspace(connection, uuid)?;
    belonging::take(connection, &viewer.workspace_id, uuid, Proof::Administrators, now)?;
    let unclaimed = installations::table
        .filter(installations::id.eq(&claim.installation_id))
        .filter(installations::workspace_id.is_null())
        .filter(installations::state.eq(State::Waiting));
    let claimed = diesel::update(unclaimed)
        .set((
            installations::workspace_id.eq(Some(&viewer.workspace_id)),
            installations::state.eq(State::Active),
            installations::confirmed_by.eq(Some(&viewer.member_id)),
            installations::confirmed_at.eq(Some(now.at)),
        ))
        .execute(connection)?;
    if claimed == 0 {
        return Err(Error::conflict("installation_changed", "The installation changed at the same moment. Open the link again."));
    }
    diesel::delete(claim_links::table.filter(claim_links::installation_id.eq(&claim.installation_id))).execute(connection)?;
    let (actor, subject) = (viewer.member_id.as_str(), claim.installation_id.as_str());
    audit::record(
        connection,
        &viewer.workspace_id,
        actor,
        "installation_claimed",
        subject,
        &claim.bitbucket_workspace_uuid,
        now,
    )?;
    entry::enqueue(connection, &viewer.workspace_id, now)?;
    forge_installations::join_waiting(connection, &viewer.workspace_id, &claim.bitbucket_workspace_uuid, now)?;
    Ok(claim)
}
