//! Connections by OAuth and by pasted tokens: what is stored of them without their secrets, and how owners and members see theirs.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::purposes::{Purpose, Purposes};
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::people::identities::Identity;
use crate::storage::AnyConnection;
use crate::storage::ids::{ConnectionId, ConsumerId, MemberId, WorkspaceId};
use crate::storage::schema::{bitbucket_workspaces, connections};
use crate::storage::statement::for_update;
use crate::word_column;

word_column! {
    /// What a connection is made with.
    Kind {
        /// A person's consent (OAuth 2.0, authorization code); the access token is refreshed.
        OAuth => "oauth",
        /// An OAuth consumer acting as itself; a new access token is asked for when one ends.
        ClientCredentials => "client_credentials",
        /// An access token of a whole Bitbucket workspace.
        WorkspaceToken => "workspace_token",
        /// An access token of a project.
        ProjectToken => "project_token",
        /// An access token of a repository.
        RepositoryToken => "repository_token",
        /// A person's API token, used with their e-mail address.
        ApiToken => "api_token",
    }
}

impl Kind {
    /// Whether somebody pasted it, so that only they can replace it.
    pub fn is_pasted(self) -> bool {
        !matches!(self, Self::OAuth | Self::ClientCredentials)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::OAuth => "OAuth, on a person’s behalf",
            Self::ClientCredentials => "OAuth, the consumer as itself",
            Self::WorkspaceToken => "Workspace access token",
            Self::ProjectToken => "Project access token",
            Self::RepositoryToken => "Repository access token",
            Self::ApiToken => "API token of a person",
        }
    }
}

word_column! {
    /// How a connection stands.
    State {
        /// In use.
        Connected => "connected",
        /// Bitbucket refuses the credential: somebody has to grant or paste it anew, or to see whether a pasted one is taken again.
        Reconnect => "reconnect",
        /// An administrator has connected its Bitbucket workspace elsewhere: nothing is asked with it any more. See `belonging`.
        Displaced => "displaced",
        /// Ended; its secrets are gone.
        Disconnected => "disconnected",
    }
}

word_column! {
    /// How far a credential works at all.
    Reach {
        /// A whole Bitbucket workspace.
        Workspace => "workspace",
        /// One project, named by its key.
        Project => "project",
        /// One repository, named by its slug.
        Repository => "repository",
    }
}

/// A connection without its secrets.
#[derive(Clone, Debug, Queryable)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The ClarityLoop workspace that it belongs to.
    pub workspace_id: WorkspaceId,
    /// The Bitbucket workspace's UUID, without braces; none until it is chosen, and for a member's own grant.
    pub bitbucket_workspace_uuid: Option<String>,
    /// The Bitbucket workspace's slug, as fetched.
    pub bitbucket_workspace_slug: Option<String>,
    /// What it is made with.
    pub kind: Kind,
    /// Whose own grant it is; none for what the workspace uses.
    pub member_id: Option<MemberId>,
    /// The consumer that an owner has entered; none for the operator's, and for pasted tokens.
    pub consumer_id: Option<ConsumerId>,
    /// What its owner calls it.
    pub name: String,
    /// The Atlassian account id of who granted it, where Bitbucket tells.
    pub account_id: Option<String>,
    /// What Bitbucket says it may, separated by blanks; none where Bitbucket does not tell.
    pub scopes: Option<String>,
    /// When the access token ends, or the pasted token as its owner said, UTC.
    pub expires_at: Option<NaiveDateTime>,
    /// What it serves.
    pub purposes: Purposes,
    /// How far it works.
    pub reach: Reach,
    /// The project's key or the repository's slug.
    pub reach_name: Option<String>,
    /// The repositories' slugs that we may use it for, as a JSON list; none: all that it reaches.
    pub restricted_to: Option<String>,
    /// The branch that is meant when nobody names one; none: the repository's own.
    pub default_branch: Option<String>,
    /// How it stands.
    pub state: State,
    /// What failed last.
    pub failing: Failing,
    /// Who made it.
    pub created_by: MemberId,
    /// When, UTC.
    pub created_at: NaiveDateTime,
    /// When its token was stored last, UTC.
    pub refreshed_at: Option<NaiveDateTime>,
    /// When it ended, UTC.
    pub disconnected_at: Option<NaiveDateTime>,
    /// What came of ending it.
    pub ending: Option<String>,
}

/// What failed last on a connection, and has not worked since.
#[derive(Clone, Debug, Default, Queryable)]
pub struct Failing {
    /// The call, such as `refresh`.
    pub call: Option<String>,
    /// Why, as a stable code.
    pub code: Option<String>,
    /// When, UTC.
    pub at: Option<NaiveDateTime>,
    /// The scopes that Bitbucket says are lacking, separated by blanks.
    pub missing_scopes: Option<String>,
}

/// Every connection, each with the Bitbucket workspace it is in.
macro_rules! connection_rows {
    () => {
        connections::table.left_join(bitbucket_workspaces::table).select((
            connections::id,
            connections::workspace_id,
            connections::bitbucket_workspace_uuid,
            bitbucket_workspaces::slug.nullable(),
            connections::kind,
            connections::member_id,
            connections::consumer_id,
            connections::name,
            connections::account_id,
            connections::scopes,
            connections::expires_at,
            connections::purposes,
            connections::reach,
            connections::reach_name,
            connections::restricted_to,
            connections::default_branch,
            connections::state,
            (connections::failing_call, connections::failing_code, connections::failed_at, connections::missing_scopes),
            connections::created_by,
            connections::created_at,
            connections::refreshed_at,
            connections::disconnected_at,
            connections::ending,
        ))
    };
}

impl Connection {
    /// Whether a member's own grant is still theirs: not once they have confirmed another account than the one that gave it.
    pub fn is_still_of(&self, identity: Option<&Identity>) -> bool {
        match (&self.account_id, identity) {
            (Some(account_id), Some(identity)) => *account_id == identity.account_id,
            _ => true,
        }
    }

    /// Whether this may be used for a repository, by its slug and the key of its project where that is known. Where no
    /// repository is named, only what reaches the whole workspace will do.
    pub fn reaches(&self, repository: Option<Place<'_>>) -> bool {
        let Some(place) = repository else { return self.reach == Reach::Workspace && self.restricted_to.is_none() };
        let is_in_reach = match self.reach {
            Reach::Workspace => true,
            Reach::Project => place.project.is_some() && place.project == self.reach_name.as_deref(),
            Reach::Repository => Some(place.repository) == self.reach_name.as_deref(),
        };
        is_in_reach && self.restriction().is_none_or(|allowed| allowed.iter().any(|slug| slug == place.repository))
    }

    /// The slugs of the repositories that it is restricted to.
    pub fn restriction(&self) -> Option<Vec<String>> {
        // A list that cannot be read allows nothing.
        self.restricted_to.as_ref().map(|list| serde_json::from_str(list).unwrap_or_default())
    }

    /// Whether it serves a purpose at all.
    pub fn serves(&self, purpose: Purpose) -> bool {
        self.purposes.has(purpose)
    }
}

/// A repository that a credential is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The repository's slug.
    pub repository: &'a str,
    /// The key of its project, where that is known.
    pub project: Option<&'a str>,
}

/// The workspace's connections that are not ended, the newest first, at most a hundred. Members' own grants are not among them.
///
/// # Errors
/// `owner_needed` (403).
pub fn open(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<Connection>> {
    viewer.must_own()?;
    let of_workspace = connection_rows!().filter(connections::workspace_id.eq(&viewer.workspace_id));
    let open = of_workspace.filter(connections::member_id.is_null()).filter(connections::state.ne(State::Disconnected));
    Ok(open.order(connections::id.desc()).limit(100).load(connection)?)
}

/// The viewer's workspace's connections in a Bitbucket workspace that are not ended, at most a hundred at a time.
pub(super) fn open_in(connection: &mut AnyConnection, viewer: &Viewer, bitbucket_workspace: Uuid) -> Result<Vec<Connection>> {
    viewer.must_own()?;
    let there = connection_rows!()
        .filter(connections::workspace_id.eq(&viewer.workspace_id))
        .filter(connections::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace.to_string())));
    let open = there.filter(connections::member_id.is_null()).filter(connections::state.ne(State::Disconnected));
    Ok(open.order(connections::id).limit(100).load(connection)?)
}

/// The workspace's connections that ended last, at most twenty.
///
/// # Errors
/// `owner_needed` (403).
pub fn ended(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<Connection>> {
    viewer.must_own()?;
    let of_workspace = connection_rows!().filter(connections::workspace_id.eq(&viewer.workspace_id));
    let ended = of_workspace.filter(connections::member_id.is_null()).filter(connections::state.eq(State::Disconnected));
    Ok(ended.order(connections::disconnected_at.desc()).limit(20).load(connection)?)
}

/// One of the workspace's connections.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn find(connection: &mut AnyConnection, viewer: &Viewer, id: &ConnectionId) -> Result<Connection> {
    viewer.must_own()?;
    let row = connection_rows!().filter(connections::id.eq(id)).filter(connections::workspace_id.eq(&viewer.workspace_id));
    let found = row.filter(connections::member_id.is_null()).first(connection).optional()?;
    found.ok_or_else(|| Error::not_found("connection"))
}

/// The same with its row locked until the transaction ends, for whoever is about to change it. Three locks are taken in this order
/// wherever more than one is: the Bitbucket workspace's, this one, that of the secrets.
///
/// # Errors
/// As [`find`].
pub(super) fn find_locked(connection: &mut AnyConnection, viewer: &Viewer, id: &ConnectionId) -> Result<Connection> {
    // Whose it is comes first: nobody locks another workspace's row.
    find(connection, viewer, id)?;
    lock(connection, id)?;
    find(connection, viewer, id)
}

/// Locks the row of a connection until the transaction ends.
pub(super) fn lock(connection: &mut AnyConnection, id: &ConnectionId) -> Result<()> {
    let row = connections::table.find(id).select(connections::id);
    for_update(row).get_result::<ConnectionId>(connection).optional()?;
    Ok(())
}

/// Refuses a connection that is ended.
///
/// # Errors
/// `already_disconnected` (409).
pub(super) fn must_be_open(found: &Connection) -> Result<()> {
    must_have_changed(usize::from(found.state != State::Disconnected))
}

/// Refuses when a change of a connection that is not ended has met no row.
///
/// # Errors
/// `already_disconnected` (409).
pub(super) fn must_have_changed(rows: usize) -> Result<()> {
    if rows > 0 {
        return Ok(());
    }
    Err(Error::conflict("already_disconnected", "This connection is disconnected already. Make another."))
}

/// One of the two grants that a member may give for themselves, each by a consent of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnGrant {
    /// Reads in their name.
    Reading,
    /// Writes in their name.
    Writing,
}

impl OwnGrant {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Reading, Self::Writing];

    /// The purpose that it serves, whose scopes it asks for.
    pub fn purpose(self) -> Purpose {
        match self {
            Self::Reading => Purpose::AgentTools,
            Self::Writing => Purpose::Writes,
        }
    }
}

/// The viewer's own grants that are not ended: the one that reads, then the one that writes.
///
/// # Errors
/// When the database cannot be read.
pub fn own(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<Connection>> {
    let row = connection_rows!()
        .filter(connections::workspace_id.eq(&viewer.workspace_id))
        .filter(connections::member_id.eq(Some(&viewer.member_id)))
        .filter(connections::state.ne(State::Disconnected));
    Ok(row.order(connections::purposes).load(connection)?)
}

/// The grants in use that members of a ClarityLoop workspace have given for reading in their own names.
///
/// # Errors
/// When the database cannot be read.
pub fn own_that_read(connection: &mut AnyConnection, workspace_id: &WorkspaceId, at_most: i64) -> Result<Vec<Connection>> {
    let reads = connections::purposes.eq(OwnGrant::Reading.purpose().as_str());
    let of_workspace = connection_rows!().filter(connections::workspace_id.eq(workspace_id));
    let own = of_workspace.filter(connections::member_id.is_not_null()).filter(reads);
    let in_use = own.filter(connections::state.eq(State::Connected));
    Ok(in_use.order(connections::id).limit(at_most).load(connection)?)
}

/// The connections in use that a ClarityLoop workspace has in a Bitbucket workspace.
pub(super) fn in_use(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: &str,
) -> Result<Vec<Connection>> {
    let of_workspace = connection_rows!().filter(connections::workspace_id.eq(workspace_id));
    let there = of_workspace.filter(connections::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace)));
    let in_use = there.filter(connections::member_id.is_null()).filter(connections::state.eq(State::Connected));
    Ok(in_use.order(connections::id).limit(100).load(connection)?)
}

/// One connection that is in use by its ClarityLoop workspace, for a job that was made for it.
pub(super) fn in_use_one(connection: &mut AnyConnection, id: &ConnectionId) -> Result<Option<Connection>> {
    let row = connection_rows!().filter(connections::id.eq(id)).filter(connections::member_id.is_null());
    Ok(row.filter(connections::state.eq(State::Connected)).first(connection).optional()?)
}
