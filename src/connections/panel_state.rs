//! What the panel shows, read in one statement: whose pull request page it is, who looks at it, what is attached. What could be
//! attached is asked for when its form is shown (`people::targets`). The panel's doors call it for each request; nothing is cached.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamp};

use super::installations::State;
use crate::error::{Error, Result};
use crate::people::join_requests::{Decision, Standing};
use crate::people::links::Kind;
use crate::people::members::Role;
use crate::people::{Named, Viewer, visibility};
use crate::storage::aggregate::{self, Fields};
use crate::storage::ids::{InstallationId, MemberId, PullRequestId, WorkspaceId};
use crate::storage::{AnyConnection, MultiBackend};

/// Which panel is meant.
#[derive(Clone, Debug)]
pub struct Question {
    /// The installation's client key.
    pub client_key: String,
    /// The viewer's account id, empty when nobody is signed in.
    pub account: String,
    /// The author's account id, empty when the account is gone.
    pub author: String,
    /// The repository's UUID, without braces.
    pub repository: String,
    /// The pull request's number.
    pub number: i64,
    /// Its address, under which it may have been linked before anybody opened its panel.
    pub url: String,
}

/// Whose panel it is.
#[derive(Clone, Debug)]
pub struct PanelState {
    /// The installation.
    pub installation_id: InstallationId,
    /// How far it is.
    pub state: State,
    /// The Bitbucket workspace, without braces.
    pub bitbucket_workspace_uuid: String,
    /// Its slug, when fetched.
    pub bitbucket_workspace_slug: Option<String>,
    /// The ClarityLoop workspace, once there is one.
    pub workspace: Option<Workspace>,
    /// How far the account's question whether it may join is, when it asked.
    pub asked: Option<Standing>,
    /// Whether the account has hidden the panel.
    pub is_hidden: bool,
    /// The member whose confirmed identity looks at the panel.
    pub viewer: Option<Named>,
    /// What that member may do.
    pub role: Role,
    /// The member who opened the pull request, by any identity.
    pub author: Option<Named>,
    /// The pull request, when it has been linked.
    pub pull_request_id: Option<PullRequestId>,
    /// Whether the viewer has been recorded as one who may see it.
    pub is_sighted: bool,
    /// Where it is attached, as far as the viewer may see.
    pub links: Vec<PanelLink>,
}

/// The ClarityLoop workspace of an installation.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Whether PR Quick Action is on.
    pub quick_action: bool,
}

/// One place where the pull request is attached.
#[derive(Clone, Debug)]
pub struct PanelLink {
    /// The link's id.
    pub id: String,
    /// The place's id.
    pub target_id: String,
    /// What the place is, and whose.
    pub place: Place,
    /// Who attached it.
    pub made_by: Named,
    /// When, UTC.
    pub made_at: NaiveDateTime,
    /// Why.
    pub note: String,
}

/// A conversation by its people and date, never by a text.
#[derive(Clone, Debug)]
pub enum Place {
    /// Feedback.
    Feedback {
        /// Who wrote it.
        author: Named,
        /// Whom it is about.
        subject: Named,
        /// The manager it was shared with too.
        manager: Option<Named>,
        /// Whether it is shared.
        is_shared: bool,
    },
    /// A 1:1.
    OneOnOne {
        /// Who planned it.
        creator: Named,
        /// With whom.
        other: Named,
        /// On which day.
        held_on: NaiveDate,
    },
    /// A request for feedback.
    Request {
        /// Who asks.
        asker: Named,
        /// Who is asked.
        asked: Named,
        /// About whom.
        about: Named,
    },
    /// A goal.
    Goal {
        /// Whose it is.
        owner: Named,
        /// Who leads them.
        manager: Option<Named>,
        /// Until when.
        due_on: Option<NaiveDate>,
        /// Whether the whole workspace sees it.
        is_public: bool,
    },
}

impl Place {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Feedback { .. } => Kind::Feedback,
            Self::OneOnOne { .. } => Kind::OneOnOne,
            Self::Request { .. } => Kind::Request,
            Self::Goal { .. } => Kind::Goal,
        }
    }
}

impl PanelState {
    /// The viewer as one who asks; `None` while the panel may show them nothing.
    pub fn viewer(&self) -> Option<Viewer> {
        let (workspace, viewer) = (self.workspace.as_ref()?, self.viewer.as_ref()?);
        let may_look = self.state == State::Active && workspace.quick_action;
        may_look.then(|| Viewer { workspace_id: workspace.id.clone(), member_id: viewer.id.clone(), role: self.role })
    }
}

/// Reads it.
///
/// # Errors
/// `token_issuer_unknown` (401) when there is no such installation.
pub fn read(connection: &mut AnyConnection, question: Question) -> Result<PanelState> {
    let row: Option<Row> = Statement { question }.get_result(connection).optional()?;
    let unknown = || Error::unauthorised("token_issuer_unknown", "The app is not installed with this key.");
    let (installation, workspace, account, people, pull_request, links) = row.ok_or_else(unknown)?;
    let (installation_id, state, bitbucket_workspace_uuid, bitbucket_workspace_slug) = installation;
    let (workspace_id, workspace_name, quick_action) = workspace;
    let (asked_at, decision, decided_at, is_hidden) = account;
    let (viewer_id, viewer_name, role, author_id, author_name) = people;
    let (pull_request_id, is_sighted) = pull_request;
    let workspace = workspace_id.zip(workspace_name).zip(quick_action);
    Ok(PanelState {
        installation_id,
        state,
        bitbucket_workspace_uuid,
        bitbucket_workspace_slug,
        workspace: workspace.map(|((id, name), quick_action)| Workspace { id, name, quick_action }),
        asked: Standing::of(asked_at, decision, decided_at),
        is_hidden,
        viewer: viewer_id.zip(viewer_name).map(|(id, name)| Named { id, name }),
        role: role.unwrap_or(Role::Member),
        author: author_id.zip(author_name).map(|(id, name)| Named { id, name }),
        pull_request_id,
        is_sighted,
        links: aggregate::entries(links.as_deref()).filter_map(|mut fields| link(&mut fields)).collect(),
    })
}

type Row = (
    (InstallationId, State, String, Option<String>),
    (Option<WorkspaceId>, Option<String>, Option<bool>),
    (Option<NaiveDateTime>, Option<Decision>, Option<NaiveDateTime>, bool),
    (Option<MemberId>, Option<String>, Option<Role>, Option<MemberId>, Option<String>),
    (Option<PullRequestId>, bool),
    Option<String>,
);

fn link(fields: &mut Fields<'_>) -> Option<PanelLink> {
    let (id, kind, target_id) = (fields.text()?.to_owned(), Kind::parse(fields.text()?)?, fields.text()?.to_owned());
    let (made_at, made_by, note) = (fields.moment()?, Named::read(fields)??, fields.text()?.to_owned());
    Some(PanelLink { id, target_id, place: place(kind, fields)?, made_by, made_at, note })
}

fn place(kind: Kind, fields: &mut Fields<'_>) -> Option<Place> {
    let (flag, date) = (fields.text()?, fields.date()?);
    let (first, second, third) = (Named::read(fields)??, Named::read(fields)?, Named::read(fields)?);
    Some(match kind {
        Kind::Feedback => Place::Feedback { author: first, subject: second?, manager: third, is_shared: flag == "shared" },
        Kind::OneOnOne => Place::OneOnOne { creator: first, other: second?, held_on: date? },
        Kind::Request => Place::Request { asker: first, asked: second?, about: third? },
        Kind::Goal => Place::Goal { owner: first, manager: second, due_on: date, is_public: flag == "public" },
    })
}

/// The statement, whose text never changes: both databases keep it prepared.
struct Statement {
    question: Question,
}

impl Query for Statement {
    type SqlType = (
        (Text, Text, Text, Nullable<Text>),
        (Nullable<Text>, Nullable<Text>, Nullable<Bool>),
        (Nullable<Timestamp>, Nullable<Text>, Nullable<Timestamp>, Bool),
        (Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>),
        (Nullable<Text>, Bool),
        Nullable<Text>,
    );
}

impl QueryId for Statement {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<AnyConnection> for Statement {}

const COLUMNS: &str = "SELECT installations.id, installations.state, installations.bitbucket_workspace_uuid, \
     bitbucket_workspaces.slug, workspaces.id, workspaces.name, workspaces.quick_action, \
     asked.asked_at, asked.decision, asked.decided_at, hidden.hidden_at IS NOT NULL, viewer.id, viewer.name, viewer.role, \
     authoring.id, authoring.name, COALESCE(known.id, addressed.id), sightings.seen_at IS NOT NULL, ";

/// What is read of each link, in the order in which [`link`] and [`place`] take it.
const LINK_FIELDS: [&str; 15] = [
    "links.id",
    "links.target_kind",
    "links.target_id",
    "links.created_at",
    "maker.id",
    "maker.name",
    "links.note",
    "CASE WHEN feedback.shared_at IS NOT NULL THEN 'shared' WHEN goals.is_public THEN 'public' END",
    "COALESCE(one_on_ones.held_on, goals.due_on)",
    "first.id",
    "first.name",
    "second.id",
    "second.name",
    "third.id",
    "third.name",
];

// A kind's table is looked into for links of that kind alone: a join on NULL finds nothing without looking. More links than fifty
// one pull request does not have in practice.
const LINKS: [&str; 3] = [
    "FROM links INNER JOIN members AS maker ON maker.id = links.created_by \
     LEFT JOIN feedback ON feedback.id = CASE links.target_kind WHEN 'feedback' THEN links.target_id END \
     LEFT JOIN one_on_ones ON one_on_ones.id = CASE links.target_kind WHEN 'one_on_one' THEN links.target_id END \
     LEFT JOIN requests ON requests.id = CASE links.target_kind WHEN 'request' THEN links.target_id END \
     LEFT JOIN goals ON goals.id = CASE links.target_kind WHEN 'goal' THEN links.target_id END \
     INNER JOIN members AS first \
     ON first.id = COALESCE(feedback.author_id, one_on_ones.creator_id, requests.asker_id, goals.owner_id) \
     LEFT JOIN members AS second \
     ON second.id = COALESCE(feedback.subject_id, one_on_ones.other_id, requests.asked_id, first.manager_id) \
     LEFT JOIN members AS third ON third.id = COALESCE(feedback.manager_id, requests.about_id) \
     WHERE links.pull_request_id = COALESCE(known.id, addressed.id) AND ",
    visibility::CONVERSATION,
    " ORDER BY links.id DESC LIMIT 50",
];

impl QueryFragment<MultiBackend> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        // Every join finds its one row by an index, beginning with the installation.
        out.push_sql(COLUMNS);
        aggregate::push_list(&mut out, &LINK_FIELDS, &LINKS);
        out.push_sql(
            " FROM installations \
             INNER JOIN bitbucket_workspaces ON bitbucket_workspaces.uuid = installations.bitbucket_workspace_uuid \
             LEFT JOIN workspaces ON workspaces.id = installations.workspace_id \
             LEFT JOIN join_requests AS asked ON asked.workspace_id = workspaces.id AND asked.account_id = ",
        );
        out.push_bind_param::<Text, _>(&self.question.account)?;
        out.push_sql(" LEFT JOIN hidden_panels AS hidden ON hidden.workspace_id = workspaces.id AND hidden.account_id = ");
        out.push_bind_param::<Text, _>(&self.question.account)?;
        out.push_sql(" LEFT JOIN identities AS bound ON bound.workspace_id = workspaces.id AND bound.account_id = ");
        out.push_bind_param::<Text, _>(&self.question.account)?;
        out.push_sql(
            " AND bound.confirmed_at IS NOT NULL \
             LEFT JOIN members AS viewer ON viewer.id = bound.member_id AND viewer.removed_at IS NULL \
             LEFT JOIN identities AS wrote ON wrote.workspace_id = workspaces.id AND wrote.account_id = ",
        );
        out.push_bind_param::<Text, _>(&self.question.author)?;
        out.push_sql(
            " LEFT JOIN members AS authoring ON authoring.id = wrote.member_id AND authoring.removed_at IS NULL \
             LEFT JOIN pull_requests AS known ON known.workspace_id = workspaces.id AND known.repository_uuid = ",
        );
        out.push_bind_param::<Text, _>(&self.question.repository)?;
        out.push_sql(" AND known.number = ");
        out.push_bind_param::<BigInt, _>(&self.question.number)?;
        out.push_sql(
            " LEFT JOIN pull_requests AS addressed ON known.id IS NULL AND addressed.workspace_id = workspaces.id \
             AND addressed.repository_uuid IS NULL AND addressed.url = ",
        );
        out.push_bind_param::<Text, _>(&self.question.url)?;
        out.push_sql(
            " LEFT JOIN sightings ON sightings.pull_request_id = COALESCE(known.id, addressed.id) AND sightings.member_id = viewer.id \
             WHERE installations.client_key = ",
        );
        out.push_bind_param::<Text, _>(&self.question.client_key)
    }
}
