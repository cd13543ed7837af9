//! Everything the panel shows, read in one statement: whose pull request page it is, who looks at it, what is attached, what could be.
//! The panel's doors call it for each request; nothing of it is cached.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

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
    let row: Option<Row> = Statement { question }.get_result(connection).optional()?;
    let unknown = || Error::unauthorised("token_issuer_unknown", "The app is not installed with this key.");
    let (installation, workspace, people, pull_request, lists) = row.ok_or_else(unknown)?;
    let (installation_id, state, bitbucket_workspace_uuid, bitbucket_workspace_slug) = installation;
    let (workspace_id, workspace_name, quick_action) = workspace;
    let (viewer_id, viewer_name, role, author_id, author_name) = people;
    let (pull_request_id, is_sighted) = pull_request;
    let (links, targets, colleagues) = lists;
    let workspace = workspace_id.zip(workspace_name).zip(quick_action);
    Ok(PanelState {
        installation_id,
        state,
        bitbucket_workspace_uuid,
        bitbucket_workspace_slug,
        workspace: workspace.map(|((id, name), quick_action)| Workspace { id, name, quick_action }),
        viewer: viewer_id.zip(viewer_name).map(|(id, name)| Named { id, name }),
        role: role.unwrap_or(Role::Member),
        author: author_id.zip(author_name).map(|(id, name)| Named { id, name }),
        pull_request_id,
        is_sighted,
        links: lines(links.as_deref()).filter_map(|mut fields| link(&mut fields)).collect(),
        targets: lines(targets.as_deref()).filter_map(|mut fields| target(&mut fields)).collect(),
        colleagues: lines(colleagues.as_deref()).filter_map(|mut fields| named(&mut fields)).collect(),
    })
}

type Row = (
    (InstallationId, State, String, Option<String>),
    (Option<WorkspaceId>, Option<String>, Option<bool>),
    (Option<MemberId>, Option<String>, Option<Role>, Option<MemberId>, Option<String>),
    (Option<PullRequestId>, bool),
    (Option<String>, Option<String>, Option<String>),
);

/// A list comes as one text, because a row for each entry would cost more than all the rest: entries are parted by the record
/// separator, their fields by the unit separator, neither of which any stored text may hold (`people::text`).
fn lines(list: Option<&str>) -> impl Iterator<Item = std::str::Split<'_, char>> {
    list.into_iter().flat_map(|list| list.split('\u{1e}')).map(|line| line.split('\u{1f}'))
}

fn link<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<PanelLink> {
    Some(PanelLink {
        id: fields.next()?.to_owned(),
        kind: Kind::parse(fields.next()?)?,
        target_id: fields.next()?.to_owned(),
        made_at: moment(fields.next()?)?,
        is_shared: fields.next()? == "shared",
        made_by: named(fields)?,
        author: named(fields)?,
        subject: named(fields)?,
        note: fields.next()?.to_owned(),
    })
}

fn target<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<PanelTarget> {
    Some(PanelTarget { id: fields.next()?.to_owned(), begun_at: moment(fields.next()?)?, subject: named(fields)? })
}

fn named<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<Named> {
    Some(Named { id: MemberId::parse(fields.next()?)?, name: fields.next()?.to_owned() })
}

fn moment(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()
}

/// The statement, whose text never changes: both databases keep it prepared.
struct Statement {
    question: Question,
}

impl Query for Statement {
    type SqlType = (
        (Text, Text, Text, Nullable<Text>),
        (Nullable<Text>, Nullable<Text>, Nullable<Bool>),
        (Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>),
        (Nullable<Text>, Bool),
        (Nullable<Text>, Nullable<Text>, Nullable<Text>),
    );
}

impl QueryId for Statement {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<AnyConnection> for Statement {}

const COLUMNS: &str = "SELECT installations.id, installations.state, installations.bitbucket_workspace_uuid, \
     bitbucket_workspaces.slug, workspaces.id, workspaces.name, workspaces.quick_action, viewer.id, viewer.name, viewer.role, \
     authoring.id, authoring.name, COALESCE(known.id, addressed.id), sightings.seen_at IS NOT NULL";

// More links than one pull request has in practice.
const LINKS: [&str; 3] = [
    ", (SELECT string_agg(line, '\u{1e}') FROM (SELECT links.id || '\u{1f}' || links.target_kind || '\u{1f}' || links.target_id \
     || '\u{1f}' || CAST(links.created_at AS TEXT) || '\u{1f}' || CASE WHEN feedback.shared_at IS NULL THEN '' ELSE 'shared' END \
     || '\u{1f}' || maker.id || '\u{1f}' || maker.name || '\u{1f}' || author.id || '\u{1f}' || author.name || '\u{1f}' || subject.id \
     || '\u{1f}' || subject.name || '\u{1f}' || links.note AS line FROM links \
     INNER JOIN feedback ON feedback.id = links.target_id AND links.target_kind = 'feedback' \
     INNER JOIN members AS maker ON maker.id = links.created_by \
     INNER JOIN members AS author ON author.id = feedback.author_id \
     INNER JOIN members AS subject ON subject.id = feedback.subject_id \
     WHERE links.pull_request_id = COALESCE(known.id, addressed.id) AND ",
    visibility::FEEDBACK,
    " ORDER BY links.id DESC LIMIT 50) AS attached)",
];

// More drafts than a person looks through.
const TARGETS: &str = ", (SELECT string_agg(line, '\u{1e}') FROM (SELECT feedback.id || '\u{1f}' || CAST(feedback.created_at AS TEXT) \
     || '\u{1f}' || subject.id || '\u{1f}' || subject.name AS line FROM feedback \
     INNER JOIN members AS subject ON subject.id = feedback.subject_id \
     WHERE feedback.author_id = viewer.id AND feedback.shared_at IS NULL \
     ORDER BY CASE WHEN feedback.subject_id = authoring.id THEN 0 ELSE 1 END, feedback.created_at DESC LIMIT 40) AS drafts)";

// One more than `COLLEAGUES_AT_MOST`, which tells that there are more.
const COLLEAGUES: &str = ", (SELECT string_agg(line, '\u{1e}') FROM (SELECT members.id || '\u{1f}' || members.name AS line FROM members \
     WHERE members.workspace_id = viewer.workspace_id AND members.removed_at IS NULL AND members.id <> viewer.id \
     ORDER BY members.name LIMIT 101) AS colleagues)";

impl QueryFragment<MultiBackend> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        // Every join finds its one row by an index, beginning with the installation.
        out.push_sql(COLUMNS);
        LINKS.iter().for_each(|part| out.push_sql(part));
        out.push_sql(TARGETS);
        out.push_sql(COLLEAGUES);
        out.push_sql(
            " FROM installations \
             INNER JOIN bitbucket_workspaces ON bitbucket_workspaces.uuid = installations.bitbucket_workspace_uuid \
             LEFT JOIN workspaces ON workspaces.id = installations.workspace_id \
             LEFT JOIN identities AS bound ON bound.workspace_id = workspaces.id AND bound.account_id = ",
        );
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
