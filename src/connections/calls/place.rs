//! Which Bitbucket workspaces and repositories a call may reach with the workspace's credential: those that are connected, and in them
//! those that owners have chosen. `access` asks.

use diesel::prelude::*;
use uuid::Uuid;

use crate::connections::grants::State;
use crate::connections::{installations, repositories};
use crate::error::Result;
use crate::people::pull_requests::parse_uuid;
use crate::storage::AnyConnection;
use crate::storage::ids::WorkspaceId;
use crate::storage::schema::{bitbucket_workspaces, connections, installations as installation_rows};

/// The UUID of a Bitbucket workspace that is connected here, by its slug or its UUID in braces.
pub fn connected(connection: &mut AnyConnection, workspace_id: &WorkspaceId, name: &str) -> Result<Option<Uuid>> {
    let uuid = match parse_uuid(name) {
        Some(uuid) => Some(uuid.to_string()),
        None => {
            let named = bitbucket_workspaces::table.filter(bitbucket_workspaces::slug.eq(Some(name)));
            named.select(bitbucket_workspaces::uuid).first::<String>(connection).optional()?
        }
    };
    let Some(uuid) = uuid else { return Ok(None) };
    let installed = installation_rows::table
        .filter(installation_rows::bitbucket_workspace_uuid.eq(&uuid))
        .filter(installation_rows::workspace_id.eq(Some(workspace_id)))
        .filter(installation_rows::state.eq(installations::State::Active))
        .count()
        .get_result::<i64>(connection)?;
    let granted = connections::table
        .filter(connections::bitbucket_workspace_uuid.eq(Some(&uuid)))
        .filter(connections::workspace_id.eq(workspace_id))
        .filter(connections::member_id.is_null())
        .filter(connections::state.eq(State::Connected))
        .count()
        .get_result::<i64>(connection)?;
    Ok(if installed + granted > 0 { parse_uuid(&uuid) } else { None })
}

/// Whether owners have chosen this repository, by its slug or its UUID in braces. What a connection reaches, or is restricted to, is no
/// choice.
pub(super) fn is_chosen(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    name: &str,
) -> Result<bool> {
    match parse_uuid(name) {
        Some(uuid) => repositories::is_chosen(connection, workspace_id, uuid),
        None => match slug(connection, bitbucket_workspace)? {
            Some(slug) => Ok(repositories::is_chosen_by_name(connection, workspace_id, &format!("{slug}/{name}"))?.is_some()),
            None => Ok(false),
        },
    }
}

/// The key of the project of a repository, by its slug or its UUID in braces, as the list of repositories has it.
pub(super) fn project_of(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    name: &str,
) -> Result<Option<String>> {
    let full_name = match parse_uuid(name) {
        Some(_) => String::new(),
        None => {
            let Some(slug) = slug(connection, bitbucket_workspace)? else { return Ok(None) };
            format!("{slug}/{name}")
        }
    };
    repositories::project_of(connection, workspace_id, parse_uuid(name), &full_name)
}

fn slug(connection: &mut AnyConnection, bitbucket_workspace: Uuid) -> Result<Option<String>> {
    let workspace = bitbucket_workspaces::table.find(bitbucket_workspace.to_string());
    let slug: Option<Option<String>> = workspace.select(bitbucket_workspaces::slug).first(connection).optional()?;
    Ok(slug.flatten())
}
