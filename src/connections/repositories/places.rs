//! The Bitbucket workspaces that are connected, how far each one's list is known, and how much of it is chosen, by project.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDateTime;
use diesel::dsl::{count_star, max};
use diesel::prelude::*;
use uuid::Uuid;

use super::{held, listing};
use crate::config::Now;
use crate::connections::{grants, installations as apps, purge};
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::storage::AnyConnection;
use crate::storage::ids::WorkspaceId;
use crate::storage::schema::{
    bitbucket_workspaces, connections, installations, repositories, repository_listings as listings, repository_rules as rules,
};

/// A connected Bitbucket workspace and its list.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its UUID, without braces.
    pub uuid: String,
    /// Its slug, once fetched.
    pub slug: Option<String>,
    /// How far its list is read; none before the first reading.
    pub reading: Option<Reading>,
}

impl Place {
    /// What it is called: its slug, or its UUID while nothing else is known.
    pub fn name(&self) -> &str {
        self.slug.as_deref().unwrap_or(&self.uuid)
    }
}

/// How far a list is read.
#[derive(Clone, Debug, Queryable)]
pub struct Reading {
    /// When the reading that is under way or was the last began, UTC.
    pub begun_at: NaiveDateTime,
    /// Whether it is under way.
    pub is_under_way: bool,
    /// How many repositories it has named so far.
    pub found: i32,
    /// When the list was read to its end, UTC.
    pub listed_at: Option<NaiveDateTime>,
    /// Why the last reading ended without that, as a stable code.
    pub error: Option<String>,
}

/// How much of a project, or of a whole workspace, is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many repositories there are.
    pub all: i64,
    /// How many of them are chosen.
    pub chosen: i64,
}

/// A project of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: Option<String>,
    /// How much of it is chosen.
    pub counts: Counts,
    /// Whether new repositories of it are chosen; none: as in the whole workspace.
    pub includes_new: Option<bool>,
}

/// What is decided about a Bitbucket workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// How much of it is chosen.
    pub counts: Counts,
    /// Whether new repositories are chosen where the project has no rule of its own.
    pub includes_new: bool,
    /// The projects, by key.
    pub projects: Vec<Project>,
}

/// The connected Bitbucket workspaces, by name.
///
/// # Errors
/// When the database refuses.
pub fn connected(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<Place>> {
    let apps: Vec<(String, Option<String>)> = installations::table
        .inner_join(bitbucket_workspaces::table)
        .filter(installations::workspace_id.eq(Some(&viewer.workspace_id)))
        .filter(installations::state.eq(apps::State::Active))
        .select((bitbucket_workspaces::uuid, bitbucket_workspaces::slug))
        .limit(100)
        .load(connection)?;
    let granted: Vec<(String, Option<String>)> = connections::table
        .inner_join(bitbucket_workspaces::table)
        .filter(connections::workspace_id.eq(&viewer.workspace_id))
        .filter(connections::member_id.is_null())
        .filter(connections::state.ne_all([grants::State::Disconnected, grants::State::Displaced]))
        .select((bitbucket_workspaces::uuid, bitbucket_workspaces::slug))
        .limit(100)
        .load(connection)?;
    let rows = listings::table.filter(listings::workspace_id.eq(&viewer.workspace_id)).select((
        listings::bitbucket_workspace_uuid,
        (listings::begun_at, listings::is_under_way, listings::found, listings::listed_at, listings::error),
    ));
    let readings: Vec<(String, Reading)> = rows.load(connection)?;
    let mut readings: HashMap<String, Reading> = readings.into_iter().collect();
    let by_uuid: BTreeMap<String, Option<String>> = apps.into_iter().chain(granted).collect();
    let mut places: Vec<Place> =
        by_uuid.into_iter().map(|(uuid, slug)| Place { reading: readings.remove(&uuid), uuid, slug }).collect();
    places.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(places)
}

/// Refuses a Bitbucket workspace that is not connected to the viewer's.
///
/// # Errors
/// `not_found` (404).
pub fn must_be_connected(connection: &mut AnyConnection, viewer: &Viewer, bitbucket_workspace: Uuid) -> Result<()> {
    if purge::is_connected(connection, &viewer.workspace_id, bitbucket_workspace)? {
        return Ok(());
    }
    Err(Error::not_found("Bitbucket workspace"))
}

/// Whose lists of which Bitbucket workspaces are to be read now, at most five hundred at a time.
pub(super) fn due(connection: &mut AnyConnection, now: &Now) -> Result<Vec<(WorkspaceId, Uuid)>> {
    let apps: Vec<(Option<WorkspaceId>, String)> = installations::table
        .filter(installations::state.eq(apps::State::Active))
        .filter(installations::workspace_id.is_not_null())
        .select((installations::workspace_id, installations::bitbucket_workspace_uuid))
        .distinct()
        .load(connection)?;
    let granted: Vec<(WorkspaceId, Option<String>)> = connections::table
        .filter(connections::state.eq(grants::State::Connected))
        .filter(connections::member_id.is_null())
        .filter(connections::bitbucket_workspace_uuid.is_not_null())
        .select((connections::workspace_id, connections::bitbucket_workspace_uuid))
        .distinct()
        .load(connection)?;
    let rows = listings::table.select((
        listings::workspace_id,
        listings::bitbucket_workspace_uuid,
        listings::begun_at,
        listings::is_under_way,
        listings::error.is_not_null(),
    ));
    let readings: Vec<(WorkspaceId, String, NaiveDateTime, bool, bool)> = rows.load(connection)?;
    let is_fresh = |(workspace_id, uuid, begun_at, is_under_way, has_failed): (_, _, _, _, _)| {
        (!listing::is_due(begun_at, is_under_way, has_failed, now)).then_some((workspace_id, uuid))
    };
    let fresh: std::collections::BTreeSet<(WorkspaceId, String)> = readings.into_iter().filter_map(is_fresh).collect();
    let granted = granted.into_iter().filter_map(|(workspace_id, uuid)| Some((workspace_id, uuid?)));
    let connected = apps.into_iter().filter_map(|(workspace_id, uuid)| Some((workspace_id?, uuid))).chain(granted);
    let due: std::collections::BTreeSet<(WorkspaceId, String)> = connected.filter(|pair| !fresh.contains(pair)).collect();
    let pair = |(workspace_id, uuid): (WorkspaceId, String)| Some((workspace_id, Uuid::try_parse(&uuid).ok()?));
    Ok(due.into_iter().filter_map(pair).take(500).collect())
}

/// How much of a Bitbucket workspace is chosen, and the rules for what is new, in two questions.
///
/// # Errors
/// `owner_needed` (403): the projects and counts are of repositories that a member may not see.
pub fn decided(connection: &mut AnyConnection, viewer: &Viewer, bitbucket_workspace: Uuid) -> Result<Decided> {
    viewer.must_own()?;
    let grouped: Vec<(String, bool, i64, Option<String>)> = held!(repositories, &viewer.workspace_id, bitbucket_workspace)
        .filter(repositories::gone_at.is_null())
        .group_by((repositories::project_key, repositories::is_chosen))
        .select((repositories::project_key, repositories::is_chosen, count_star(), max(repositories::project_name)))
        .load(connection)?;
    let rows = held!(rules, &viewer.workspace_id, bitbucket_workspace).select((rules::project_key, rules::includes_new));
    let of_projects: Vec<(String, bool)> = rows.load(connection)?;
    let of_projects: HashMap<String, bool> = of_projects.into_iter().collect();
    let mut decided = Decided { includes_new: of_projects.get("").copied().unwrap_or(false), ..Decided::default() };
    let mut projects: BTreeMap<String, Project> = BTreeMap::new();
    for (key, is_chosen, count, name) in grouped {
        let chosen = if is_chosen { count } else { 0 };
        decided.counts.all += count;
        decided.counts.chosen += chosen;
        if key.is_empty() {
            continue;
        }
        let includes_new = of_projects.get(&key).copied();
        let project = projects.entry(key.clone());
        let project = project.or_insert_with(|| Project { key, name: None, counts: Counts::default(), includes_new });
        project.counts.all += count;
        project.counts.chosen += chosen;
        project.name = name.or(project.name.take());
    }
    decided.projects = projects.into_values().collect();
    Ok(decided)
}
