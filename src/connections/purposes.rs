//! Which credential serves which purpose: the narrowest that suffices, and why. Jobs, the Call API and agents' tools ask here; the
//! settings page shows the same rule's answer.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::Text;
use uuid::Uuid;

use super::grants::{self, Connection, Kind, Place, Reach};
use super::installations::State;
use super::{Parts, credentials, refresh, scopes};
use crate::bitbucket::Credential;
use crate::config::Now;
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::{ConnectionId, InstallationId, WorkspaceId};
use crate::storage::schema::installations;
use crate::word_column;

word_column! {
    /// What a credential is used for.
    Purpose {
        /// Reading what happened in repositories.
        ReadingActivity => "reading",
        /// Reading what an agent asks for.
        AgentTools => "agents",
        /// Writing, where an owner has allowed it.
        Writes => "writes",
    }
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::ReadingActivity, Self::AgentTools, Self::Writes];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadingActivity => "Reading activity",
            Self::AgentTools => "Agent tools",
            Self::Writes => "Writes",
        }
    }
}

/// A set of purposes, in the order of [`Purpose::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Purposes(Vec<Purpose>);

impl Purposes {
    /// The set of these.
    pub fn of(purposes: &[Purpose]) -> Self {
        Self(Purpose::ALL.into_iter().filter(|purpose| purposes.contains(purpose)).collect())
    }

    /// Reads words separated by blanks; `None` when one is no purpose.
    pub fn parse(words: &str) -> Option<Self> {
        let purposes: Option<Vec<Purpose>> = words.split_whitespace().map(Purpose::parse).collect();
        purposes.map(|purposes| Self::of(&purposes))
    }

    /// Whether `purpose` is in it.
    pub fn has(&self, purpose: Purpose) -> bool {
        self.0.contains(&purpose)
    }

    /// Those in it.
    pub fn iter(&self) -> impl Iterator<Item = Purpose> + '_ {
        self.0.iter().copied()
    }

    /// The words, separated by blanks.
    pub fn words(&self) -> String {
        self.0.iter().map(|purpose| purpose.as_str()).collect::<Vec<_>>().join(" ")
    }
}

impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<Text, DB> for Purposes
where
    String: diesel::deserialize::FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        let words = String::from_sql(bytes)?;
        Self::parse(&words).ok_or_else(|| format!("{words:?} are no purposes").into())
    }
}

/// What a credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The app's installation.
    Installation(InstallationId),
    /// A connection by OAuth or by a token.
    Connection(ConnectionId),
}

/// A credential that was chosen.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// What calls are made with.
    pub credential: Credential,
    /// What it comes from.
    pub way: Way,
    /// Why this one, in one sentence.
    pub why: String,
    /// The branch that is meant when nobody names one; none: the repository's own.
    pub default_branch: Option<String>,
    /// The repositories' slugs that it may be used for; none: all that it reaches.
    pub restricted_to: Option<Vec<String>>,
}

/// One that could serve, before its secret is opened.
#[derive(Clone, Debug)]
pub enum Candidate {
    /// The app's installation.
    Installation(InstallationId),
    /// A connection.
    Connection(Box<Connection>),
}

impl Candidate {
    /// How much more it may do than is needed: the least goes first.
    fn breadth(&self) -> u8 {
        match self {
            Self::Installation(_) => 2,
            Self::Connection(connection) => match (connection.kind, connection.reach) {
                (Kind::RepositoryToken, _) | (_, Reach::Repository) => 0,
                (Kind::ProjectToken, _) | (_, Reach::Project) => 1,
                (Kind::WorkspaceToken, _) => 3,
                (Kind::ClientCredentials, _) => 4,
                (Kind::OAuth, _) => 5,
                (Kind::ApiToken, _) => 6,
            },
        }
    }

    /// Why it is chosen, in one sentence.
    pub fn why(&self, purpose: Purpose) -> String {
        let what = purpose.name().to_lowercase();
        match self {
            Self::Installation(_) => format!("The app itself, whose scopes suffice for {what}."),
            Self::Connection(connection) => {
                let kind = connection.kind.name();
                format!("“{}” ({kind}): the narrowest credential that serves {what} here.", connection.name)
            }
        }
    }
}

/// Those that serve a purpose, the narrowest first. The app's installation counts for reading activity, which is what its scopes were
/// consented to for; agents and writes need a connection that an owner has made for them.
pub fn in_order(
    active: &[InstallationId],
    connections: impl IntoIterator<Item = Connection>,
    purpose: Purpose,
    reaches: impl Fn(&Connection) -> bool,
) -> Vec<Candidate> {
    let suffices = |connection: &Connection| {
        connection.serves(purpose) && reaches(connection) && scopes::suffice(connection.scopes.as_deref(), purpose)
    };
    let active = active.iter().filter(|_| purpose == Purpose::ReadingActivity).cloned().map(Candidate::Installation);
    let connections = connections.into_iter().filter(suffices).map(|connection| Candidate::Connection(Box::new(connection)));
    let mut found: Vec<Candidate> = active.chain(connections).collect();
    found.sort_by_key(Candidate::breadth);
    found
}

fn candidates(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    purpose: Purpose,
    repository: Option<Place<'_>>,
) -> Result<Vec<Candidate>> {
    let uuid = bitbucket_workspace.to_string();
    let active: Vec<InstallationId> = installations::table
        .filter(installations::bitbucket_workspace_uuid.eq(&uuid))
        .filter(installations::workspace_id.eq(Some(workspace_id)))
        .filter(installations::state.eq(State::Active))
        // Of two doors of one Bitbucket workspace the Forge app's, unless Bitbucket refuses its key.
        .order((installations::refused_since.is_not_null(), installations::door.desc(), installations::id))
        .limit(10)
        .select(installations::id)
        .load(connection)?;
    let connections = grants::in_use(connection, workspace_id, &uuid)?;
    Ok(in_order(&active, connections, purpose, |connection| connection.reaches(repository)))
}

/// The credential for a purpose in a Bitbucket workspace, for one repository or for the whole of it; `None` when nothing that is
/// connected suffices. A token that is about to end is refreshed first.
///
/// # Errors
/// When the database cannot be read, or Bitbucket does not answer while every credential has to be refreshed.
pub async fn credential_for(
    parts: &Parts<'_>,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
    purpose: Purpose,
    repository: Option<Place<'_>>,
    now: &Now,
) -> Result<Option<Chosen>> {
    let asked = workspace_id.clone();
    let named = repository.map(|place| (place.repository.to_owned(), place.project.map(str::to_owned)));
    let read = parts.database.read(move |connection| {
        let place =
            named.as_ref().map(|(repository, project)| Place { repository: repository.as_str(), project: project.as_deref() });
        candidates(connection, &asked, bitbucket_workspace, purpose, place)
    });
    let mut refused = None;
    for candidate in read.await? {
        match open(parts, &candidate, purpose, now).await {
            Ok(Some(chosen)) => return Ok(Some(chosen)),
            Ok(None) => {}
            // The next in line may do; only when none does is this the answer.
            Err(error) => refused = Some(error),
        }
    }
    refused.map_or(Ok(None), Err)
}

async fn open(parts: &Parts<'_>, candidate: &Candidate, purpose: Purpose, now: &Now) -> Result<Option<Chosen>> {
    let why = candidate.why(purpose);
    match candidate {
        Candidate::Installation(id) => {
            let (asked, keyring, config, moment) = (id.clone(), parts.keyring.clone(), parts.config.clone(), now.clone());
            let read = move |connection: &mut AnyConnection| credentials::of(connection, &asked, &keyring, &config, &moment);
            let way = Way::Installation(id.clone());
            let chosen = |credential| Chosen { credential, way, why, default_branch: None, restricted_to: None };
            Ok(parts.database.read(read).await?.map(chosen))
        }
        Candidate::Connection(connection) => opened(parts, connection, why, now).await,
    }
}

async fn opened(parts: &Parts<'_>, connection: &Connection, why: String, now: &Now) -> Result<Option<Chosen>> {
    let Some(credential) = refresh::credential(parts, &connection.id, now).await? else { return Ok(None) };
    Ok(Some(Chosen {
        credential,
        way: Way::Connection(connection.id.clone()),
        why,
        default_branch: connection.default_branch.clone(),
        restricted_to: connection.restriction(),
    }))
}

/// The credential of one of a member's own grants that are in use; `None` when Bitbucket takes it no more.
///
/// # Errors
/// When the database cannot be read, or Bitbucket does not answer while the grant has to be refreshed.
pub async fn own_grant(parts: &Parts<'_>, own: &Connection, now: &Now) -> Result<Option<Chosen>> {
    let can = if own.serves(Purpose::Writes) { "may do" } else { "may see" };
    opened(parts, own, format!("The member’s own grant: what they {can} at Bitbucket, and no more."), now).await
}
