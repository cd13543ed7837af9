//! ClarityLoop workspaces and their PR Quick Action switch.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::Viewer;
use super::text::Name;
use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::WorkspaceId;
use crate::storage::schema::workspaces;

/// A ClarityLoop workspace: the people of one company.
#[derive(Clone, Debug, Queryable)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// What it is called.
    pub name: String,
    /// Whether pull requests show "Add to ClarityLoop".
    pub quick_action: bool,
    /// When it was made, UTC.
    pub created_at: NaiveDateTime,
}

/// Makes a workspace.
///
/// # Errors
/// When the database refuses.
pub fn create(connection: &mut AnyConnection, name: &Name, now: &Now) -> Result<Workspace> {
    let workspace =
        Workspace { id: WorkspaceId::new(now), name: name.as_str().to_owned(), quick_action: true, created_at: now.at };
    diesel::insert_into(workspaces::table)
        .values((
            workspaces::id.eq(&workspace.id),
            workspaces::name.eq(&workspace.name),
            workspaces::quick_action.eq(workspace.quick_action),
            workspaces::created_at.eq(workspace.created_at),
        ))
        .execute(connection)?;
    Ok(workspace)
}

/// How many workspaces there are: a first start makes one.
///
/// # Errors
/// When the database refuses.
pub fn count(connection: &mut AnyConnection) -> Result<i64> {
    Ok(workspaces::table.count().get_result(connection)?)
}

/// The workspace of a server that has one, for the operator who named none.
///
/// # Errors
/// `not_found` (404); `workspace_needed` (409) when there are several.
pub fn the_only_one(connection: &mut AnyConnection) -> Result<Workspace> {
    let mut found: Vec<Workspace> = workspaces::table.limit(2).load(connection)?;
    match (found.pop(), found.pop()) {
        (Some(_), Some(_)) => {
            Err(Error::conflict("workspace_needed", "There are several workspaces: name one with --workspace."))
        }
        (Some(only), None) => Ok(only),
        _ => Err(Error::not_found("workspace")),
    }
}

/// The viewer's workspace.
///
/// # Errors
/// When the database refuses.
pub fn of(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Workspace> {
    find(connection, &viewer.workspace_id)
}

/// The workspace with this id, for callers that have proven it belongs to them in another way than by a viewer.
///
/// # Errors
/// `not_found` (404).
pub fn find(connection: &mut AnyConnection, id: &WorkspaceId) -> Result<Workspace> {
    workspaces::table.find(id).first(connection).optional()?.ok_or_else(|| Error::not_found("workspace"))
}

/// Switches PR Quick Action; `true` when that changed anything.
///
/// # Errors
/// `owner_needed` (403).
pub fn switch_quick_action(connection: &mut AnyConnection, viewer: &Viewer, enabled: bool) -> Result<bool> {
    viewer.must_own()?;
    let row = workspaces::table.find(&viewer.workspace_id).filter(workspaces::quick_action.ne(enabled));
    Ok(diesel::update(row).set(workspaces::quick_action.eq(enabled)).execute(connection)? > 0)
}
