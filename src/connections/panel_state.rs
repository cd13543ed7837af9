//! Everything the panel shows, read in one statement: whose pull request page it is, who looks at it, what is attached, what could be.
//! The panel's doors call it for each request; nothing of it is cached.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Integer, Nullable, Text, Timestamp};

use super::installations::State;
use crate::error::{Error, Result};
use crate::people::links::Kind;
use crate::people::members::Role;
use crate::people::{Viewer, visibility};
use crate::storage::ids::{InstallationId, MemberId, PullRequestId, WorkspaceId};
use crate::storage::{AnyConnection, MultiBackend};

/// In a larger workspace a colleague is named by e-mail address instead of chosen from a list.
pub const COLLEAGUES_AT_MOST: usize = 100;

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
    /// The viewer's own open items, those about the author first.
    pub targets: Vec<PanelTarget>,
    /// Colleagues by name, at most one more than [`COLLEAGUES_AT_MOST`].
    pub colleagues: Vec<Named>,
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

/// A member by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The member.
    pub id: MemberId,
    /// Their name.
    pub name: String,
}

/// One place where the pull request is attached.
#[derive(Clone, Debug)]
pub struct PanelLink {
    /// The link's id.
    pub id: String,
    /// The kind of the place.
    pub kind: Kind,
    /// The place's id.
    pub target_id: String,
    /// Who attached it.
    pub made_by: Named,
    /// When, UTC.
    pub made_at: NaiveDateTime,
    /// Why.
    pub note: String,
    /// Who wrote the feedback.
    pub author: Named,
    /// Whom it is about.
    pub subject: Named,
    /// Whether its subject sees it.
    pub is_shared: bool,
}

/// Something of the viewer's that the pull request can be attached to.
#[derive(Clone, Debug)]
pub struct PanelTarget {
    /// The draft's id.
    pub id: String,
    /// Whom it is about.
    pub subject: Named,
    /// When it was begun, UTC.
    pub begun_at: NaiveDateTime,
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
    let rows: Vec<Row> = Statement { question }.load(connection)?;
    let mut rows = rows.into_iter();
    let first =
        rows.next().ok_or_else(|| Error::unauthorised("token_issuer_unknown", "The app is not installed with this key."))?;
    let mut state = door(first)?;
    for row in rows {
        match row.0 {
            LINK => state.links.extend(link(row)),
            TARGET => state.targets.extend(target(row)),
            _ => state.colleagues.extend(named(row.1, row.2)),
        }
    }
    Ok(state)
}

/// What a row is; the text columns mean something else in each part.
const DOOR: i32 = 0;
const LINK: i32 = 1;
const TARGET: i32 = 2;

type OptionalText = Option<String>;
type Row = (
    i32,
    OptionalText,
    OptionalText,
    OptionalText,
    OptionalText,
    OptionalText,
    OptionalText,
    OptionalText,
    OptionalText,
    OptionalText,
    OptionalText,
    OptionalText,
    OptionalText,
    Option<NaiveDateTime>,
    Option<bool>,
    Option<bool>,
);

fn door(row: Row) -> Result<PanelState> {
    let (
        part,
        id,
        state,
        uuid,
        slug,
        workspace_id,
        workspace_name,
        viewer_id,
        viewer_name,
        role,
        author_id,
        author_name,
        pull_request,
        _,
        on,
        seen,
    ) = row;
    let broken = || Error::internal("the panel's statement answered without its first row");
    let id = id.as_deref().and_then(InstallationId::parse).filter(|_| part == DOOR).ok_or_else(broken)?;
    let workspace = workspace_id.as_deref().and_then(WorkspaceId::parse).zip(workspace_name);
    Ok(PanelState {
        installation_id: id,
        state: state.as_deref().and_then(State::parse).ok_or_else(broken)?,
        bitbucket_workspace_uuid: uuid.ok_or_else(broken)?,
        bitbucket_workspace_slug: slug,
        workspace: workspace.map(|(id, name)| Workspace { id, name, quick_action: on.unwrap_or(false) }),
        viewer: named(viewer_id, viewer_name),
        role: role.as_deref().and_then(Role::parse).unwrap_or(Role::Member),
        author: named(author_id, author_name),
        pull_request_id: pull_request.as_deref().and_then(PullRequestId::parse),
        is_sighted: seen.unwrap_or(false),
        links: Vec::new(),
        targets: Vec::new(),
        colleagues: Vec::new(),
    })
}

fn link(row: Row) -> Option<PanelLink> {
    let (
        _,
        id,
        kind,
        target_id,
        note,
        maker_id,
        maker_name,
        author_id,
        author_name,
        subject_id,
        subject_name,
        _,
        _,
        made_at,
        shared,
        _,
    ) = row;
    Some(PanelLink {
        id: id?,
        kind: kind.as_deref().and_then(Kind::parse)?,
        target_id: target_id?,
        made_by: named(maker_id, maker_name)?,
        made_at: made_at?,
        note: note?,
        author: named(author_id, author_name)?,
        subject: named(subject_id, subject_name)?,
        is_shared: shared?,
    })
}

fn target(row: Row) -> Option<PanelTarget> {
    let (_, id, subject_id, subject_name, .., begun_at, _, _) = row;
    Some(PanelTarget { id: id?, subject: named(subject_id, subject_name)?, begun_at: begun_at? })
}

fn named(id: OptionalText, name: OptionalText) -> Option<Named> {
    Some(Named { id: MemberId::parse(&id?)?, name: name? })
}

/// The statement, whose text never changes: both databases keep it prepared.
struct Statement {
    question: Question,
}

impl Query for Statement {
    type SqlType = (
        Integer,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Timestamp>,
        Nullable<Bool>,
        Nullable<Bool>,
    );
}

impl QueryId for Statement {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<AnyConnection> for Statement {}

const NO_TEXT: &str = "CAST(NULL AS TEXT)";

impl QueryFragment<MultiBackend> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        // What cannot be found by its index is not asked for: every join below starts from one row of the door.
        out.push_sql(
            "WITH door AS (SELECT installations.id AS installation_id, installations.state AS state, \
             installations.bitbucket_workspace_uuid AS uuid, bitbucket_workspaces.slug AS slug, workspaces.id AS workspace_id, \
             workspaces.name AS workspace_name, viewing.id AS viewer_id, viewing.name AS viewer_name, viewing.role AS role, \
             authoring.id AS author_id, authoring.name AS author_name, COALESCE(known.id, addressed.id) AS pull_request_id, \
             workspaces.quick_action AS quick_action, sightings.seen_at IS NOT NULL AS seen \
             FROM installations \
             INNER JOIN bitbucket_workspaces ON bitbucket_workspaces.uuid = installations.bitbucket_workspace_uuid \
             LEFT JOIN workspaces ON workspaces.id = installations.workspace_id \
             LEFT JOIN identities AS bound ON bound.workspace_id = workspaces.id AND bound.account_id = ",
        );
        out.push_bind_param::<Text, _>(&self.question.account)?;
        out.push_sql(
            " AND bound.confirmed_at IS NOT NULL \
             LEFT JOIN members AS viewing ON viewing.id = bound.member_id AND viewing.removed_at IS NULL \
             LEFT JOIN identities AS wrote ON wrote.workspace_id = workspaces.id AND wrote.account_id = ",
        );
        out.push_bind_param::<Text, _>(&self.question.author)?;
        out.push_sql(
            " LEFT JOIN members AS authoring ON authoring.id = wrote.member_id AND authoring.removed_at IS NULL \
             LEFT JOIN pull_requests AS known ON known.workspace_id = workspaces.id AND known.repository_uuid = ",
        );
        out.push_bind_param::<Text, _>(&self.question.repository)?;
        out.push_sql(" AND known.number = ");
        out.push_bind_param::<diesel::sql_types::BigInt, _>(&self.question.number)?;
        out.push_sql(
            " LEFT JOIN pull_requests AS addressed ON addressed.workspace_id = workspaces.id AND addressed.repository_uuid IS NULL \
             AND addressed.url = ",
        );
        out.push_bind_param::<Text, _>(&self.question.url)?;
        out.push_sql(
            " LEFT JOIN sightings ON sightings.pull_request_id = COALESCE(known.id, addressed.id) AND sightings.member_id = viewing.id \
             WHERE installations.client_key = ",
        );
        out.push_bind_param::<Text, _>(&self.question.client_key)?;
        out.push_sql(
            "), viewer AS (SELECT viewer_id AS id, workspace_id, author_id, pull_request_id FROM door \
             WHERE viewer_id IS NOT NULL AND state = 'active' AND quick_action) \
             SELECT 0, installation_id, state, uuid, slug, workspace_id, workspace_name, viewer_id, viewer_name, role, author_id, \
             author_name, pull_request_id, CAST(NULL AS TIMESTAMP), quick_action, seen FROM door",
        );
        self.links(&mut out);
        self.targets(&mut out);
        self.colleagues(&mut out);
        Ok(())
    }
}

impl Statement {
    fn links(&self, out: &mut AstPass<'_, '_, MultiBackend>) {
        out.push_sql(
            " UNION ALL SELECT * FROM (SELECT 1, links.id, links.target_kind, links.target_id, links.note, maker.id, maker.name, \
             author.id, author.name, subject.id, subject.name, ",
        );
        out.push_sql(NO_TEXT);
        out.push_sql(", ");
        out.push_sql(NO_TEXT);
        out.push_sql(
            ", links.created_at, feedback.shared_at IS NOT NULL, CAST(NULL AS BOOLEAN) FROM viewer \
             INNER JOIN links ON links.pull_request_id = viewer.pull_request_id AND links.target_kind = 'feedback' \
             INNER JOIN feedback ON feedback.id = links.target_id \
             INNER JOIN members AS maker ON maker.id = links.created_by \
             INNER JOIN members AS author ON author.id = feedback.author_id \
             INNER JOIN members AS subject ON subject.id = feedback.subject_id WHERE ",
        );
        out.push_sql(visibility::FEEDBACK);
        // More links than one pull request has in practice.
        out.push_sql(" ORDER BY links.id DESC LIMIT 50) AS attached");
    }

    fn targets(&self, out: &mut AstPass<'_, '_, MultiBackend>) {
        out.push_sql(" UNION ALL SELECT * FROM (SELECT 2, feedback.id, subject.id, subject.name");
        self.no_texts(out, 9);
        out.push_sql(
            ", feedback.created_at, CAST(NULL AS BOOLEAN), CAST(NULL AS BOOLEAN) FROM viewer \
             INNER JOIN feedback ON feedback.author_id = viewer.id AND feedback.shared_at IS NULL \
             INNER JOIN members AS subject ON subject.id = feedback.subject_id \
             ORDER BY CASE WHEN feedback.subject_id = viewer.author_id THEN 0 ELSE 1 END, feedback.created_at DESC",
        );
        // More targets than a person looks through.
        out.push_sql(" LIMIT 40) AS drafts");
    }

    fn colleagues(&self, out: &mut AstPass<'_, '_, MultiBackend>) {
        out.push_sql(" UNION ALL SELECT * FROM (SELECT 3, members.id, members.name");
        self.no_texts(out, 10);
        out.push_sql(
            ", CAST(NULL AS TIMESTAMP), CAST(NULL AS BOOLEAN), CAST(NULL AS BOOLEAN) FROM viewer \
             INNER JOIN members ON members.workspace_id = viewer.workspace_id AND members.removed_at IS NULL AND members.id <> viewer.id \
             ORDER BY members.name",
        );
        // One more than `COLLEAGUES_AT_MOST`, which tells that there are more.
        out.push_sql(" LIMIT 101) AS colleagues");
    }

    fn no_texts(&self, out: &mut AstPass<'_, '_, MultiBackend>, count: usize) {
        for _ in 0..count {
            out.push_sql(", ");
            out.push_sql(NO_TEXT);
        }
    }
}
