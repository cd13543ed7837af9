//! Links between pull requests and conversations: a deliberate act of a member, with a note.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::page::{Listed, Page};
use super::pull_requests::{self, Reference, Reviewer};
use super::text::Note;
use super::{Viewer, detached, feedback, goals, one_on_ones, participants, requests, visibility};
use crate::config::Now;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{FeedbackId, GoalId, LinkId, MemberId, OneOnOneId, PullRequestId, RequestId};
use crate::storage::schema::{links, members as member_rows, pull_requests as pull_request_rows};
use crate::storage::statement::OnConflict as _;
use crate::word_column;

/// The same table, joined once for each part a member plays. `viewer` is the name that the predicates of `visibility` speak of.
mod rows {
    use crate::storage::schema::members;
    diesel::alias!(members as viewer: Viewer, members as maker: Maker);
}

word_column! {
    /// The kinds of conversation a pull request can be attached to.
    Kind {
        /// Feedback.
        Feedback => "feedback",
        /// A 1:1.
        OneOnOne => "one_on_one",
        /// A request for feedback.
        Request => "request",
        /// A goal.
        Goal => "goal",
    }
}

/// What a pull request is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which kind of conversation.
    pub kind: Kind,
    /// Which one.
    pub id: String,
}

impl Target {
    /// Reads the id of a conversation; every conversation has a UUID, whatever its kind.
    ///
    /// # Errors
    /// `not_found` (404).
    pub fn parse(kind: Kind, id: &str) -> Result<Self> {
        let uuid = uuid::Uuid::try_parse(id).ok().filter(|_| id.len() == 36);
        uuid.map(|uuid| Self { kind, id: uuid.to_string() }).ok_or_else(|| Error::not_found(kind.as_str()))
    }
}

/// A link to be.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// What to attach to.
    pub target: Target,
    /// Which pull request.
    pub pull_request: Reference,
    /// Why it belongs there.
    pub note: Note,
    /// Whether the maker is looking at the pull request in Bitbucket, which shows that they may see it.
    pub is_before_the_makers_eyes: bool,
}

/// A link the viewer may see.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// What it is attached to.
    pub target: Target,
    /// Why it belongs there.
    pub note: String,
    /// Who attached it.
    pub created_by: MemberId,
    /// Their name.
    pub created_by_name: String,
    /// When, UTC.
    pub created_at: NaiveDateTime,
    /// Where the pull request is in Bitbucket.
    pub url: String,
    /// What may be shown of it beyond its address.
    pub details: Option<Shown>,
}

/// What a link shows of its pull request once somebody who may see the link has seen the pull request in Bitbucket.
#[derive(Clone, Debug)]
pub struct Shown {
    /// `workspace/repository`.
    pub repository_name: Option<String>,
    /// Its number.
    pub number: Option<i64>,
    /// Its title.
    pub title: Option<String>,
    /// `OPEN`, `MERGED`, `DECLINED` or `SUPERSEDED`.
    pub state: Option<String>,
    /// The author's Atlassian account id.
    pub author_account_id: Option<String>,
    /// What the author is called: the member's name when the account is bound, else as Bitbucket names it.
    pub author_name: Option<String>,
    /// Who reviews it.
    pub reviewers: Vec<Reviewer>,
    /// What the reviewers are called, as far as their names are known.
    pub reviewer_names: Vec<String>,
    /// When Bitbucket was asked last, UTC.
    pub fetched_at: Option<NaiveDateTime>,
    /// Why the last question failed.
    pub fetch_error: Option<String>,
}

/// Attaches a pull request.
///
/// # Errors
/// `already_linked` (409); what the target's kind refuses with.
pub fn create(connection: &mut AnyConnection, who: &Viewer, new: &NewLink, now: &Now) -> Result<LinkId> {
    let target = attachable(connection, who, &new.target)?;
    let pull_request_id = pull_requests::ensure(connection, who, &new.pull_request, now)?;
    if new.is_before_the_makers_eyes {
        pull_requests::record_sighting(connection, &who.member_id, &pull_request_id, &new.pull_request, now)?;
        pull_requests::enqueue_refresh(connection, &pull_request_id, now)?;
    } else {
        pull_requests::refresh_if_seen(connection, &pull_request_id, now)?;
    }
    let id = LinkId::new(now);
    let inserted = diesel::insert_into(links::table)
        .values((
            links::id.eq(&id),
            links::workspace_id.eq(&who.workspace_id),
            links::pull_request_id.eq(&pull_request_id),
            links::target_kind.eq(target.kind),
            links::target_id.eq(&target.id),
            links::note.eq(new.note.as_str()),
            links::created_by.eq(&who.member_id),
            links::created_at.eq(now.at),
        ))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    if inserted == 0 {
        return Err(Error::conflict("already_linked", "This pull request is attached there already. Choose another item."));
    }
    Ok(id)
}

/// Whether the viewer may attach pull requests to a conversation that they may see.
///
/// # Errors
/// `not_found` (404).
pub fn may_attach(connection: &mut AnyConnection, who: &Viewer, target: &Target) -> Result<bool> {
    match attachable(connection, who, target) {
        Ok(_target) => Ok(true),
        Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The target as it is stored, when the viewer may attach to it.
fn attachable(connection: &mut AnyConnection, who: &Viewer, target: &Target) -> Result<Target> {
    let no_id = || Error::not_found(target.kind.as_str());
    let id = match target.kind {
        Kind::Feedback => {
            let id = FeedbackId::parse(&target.id).ok_or_else(no_id)?;
            feedback::must_be_own(connection, who, &id)?;
            id.to_string()
        }
        Kind::OneOnOne => {
            let id = OneOnOneId::parse(&target.id).ok_or_else(no_id)?;
            one_on_ones::must_take_links_of(connection, who, &id)?;
            id.to_string()
        }
        Kind::Request => {
            let id = RequestId::parse(&target.id).ok_or_else(no_id)?;
            requests::must_take_links_of(connection, who, &id)?;
            id.to_string()
        }
        Kind::Goal => {
            let id = GoalId::parse(&target.id).ok_or_else(no_id)?;
            goals::must_take_links_of(connection, who, &id)?;
            id.to_string()
        }
    };
    Ok(Target { kind: target.kind, id })
}

/// Takes the viewer's own link away. The pull request's row goes with its last link.
///
/// # Errors
/// `not_found` (404); `maker_needed` (403).
pub fn remove(connection: &mut AnyConnection, who: &Viewer, id: &LinkId) -> Result<()> {
    let link = find(connection, who, id)?;
    if link.created_by != who.member_id {
        return Err(Error::forbidden("maker_needed", "Only the member who attached a pull request can detach it."));
    }
    let removed: Option<PullRequestId> =
        diesel::delete(links::table.filter(links::id.eq(id)).filter(links::workspace_id.eq(&who.workspace_id)))
            .returning(links::pull_request_id)
            .get_result(connection)
            .optional()?;
    if let Some(pull_request_id) = removed {
        let others = links::table.filter(links::pull_request_id.eq(&pull_request_id));
        if others.count().get_result::<i64>(connection)? == 0 {
            diesel::delete(pull_request_rows::table.find(&pull_request_id)).execute(connection)?;
        }
    }
    Ok(())
}

/// Takes every link of a conversation away, for a noun that is about to delete it. Pull requests whose last link it was go too.
///
/// # Errors
/// When the database refuses.
pub(super) fn remove_all(connection: &mut AnyConnection, who: &Viewer, target: &Target) -> Result<()> {
    let of_target = links::table
        .filter(links::workspace_id.eq(&who.workspace_id))
        .filter(links::target_kind.eq(target.kind))
        .filter(links::target_id.eq(&target.id));
    let pull_requests: Vec<PullRequestId> =
        diesel::delete(of_target).returning(links::pull_request_id).get_results(connection)?;
    for some in pull_requests.chunks(500) {
        let other = links::table.filter(links::pull_request_id.eq(pull_request_rows::id));
        let unlinked = pull_request_rows::table.filter(pull_request_rows::id.eq_any(some)).filter(not(exists(other)));
        diesel::delete(unlinked).execute(connection)?;
    }
    detached::forget(connection, who, target)
}

type Row = (
    (LinkId, Kind, String, String, MemberId, String, NaiveDateTime, String, PullRequestId, bool),
    (
        Option<String>,
        Option<i64>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<NaiveDateTime>,
        Option<String>,
    ),
);

macro_rules! visible_to {
    ($viewer:expr) => {
        links::table
            .inner_join(rows::viewer.on(rows::viewer.field(member_rows::workspace_id).eq(links::workspace_id)))
            .inner_join(rows::maker.on(rows::maker.field(member_rows::id).eq(links::created_by)))
            .inner_join(pull_request_rows::table)
            .filter(rows::viewer.field(member_rows::id).eq($viewer.member_id.clone()))
            .filter(sql::<Bool>(visibility::LINK))
            .select((
                (
                    links::id,
                    links::target_kind,
                    links::target_id,
                    links::note,
                    links::created_by,
                    rows::maker.field(member_rows::name),
                    links::created_at,
                    pull_request_rows::url,
                    pull_request_rows::id,
                    sql::<Bool>(visibility::LINK_SHOWS_DETAILS),
                ),
                (
                    pull_request_rows::repository_name,
                    pull_request_rows::number,
                    pull_request_rows::title,
                    pull_request_rows::state,
                    pull_request_rows::author_account_id,
                    pull_request_rows::reviewers,
                    pull_request_rows::fetched_at,
                    pull_request_rows::fetch_error,
                ),
            ))
    };
}

/// Whether a link is of a conversation that the viewer takes part in, leads somebody of, or that is public: what the predicate of
/// `visibility` says once more, from the viewer's side and with values, so that planners begin at the viewer's conversations and not
/// at the links of the whole workspace.
macro_rules! of_conversations_of {
    ($who:expr) => {
        sql::<Bool>("links.target_id IN (SELECT id FROM feedback WHERE author_id = ")
            .bind::<Text, _>($who.member_id.clone())
            .sql(" UNION ALL SELECT id FROM feedback WHERE subject_id = ")
            .bind::<Text, _>($who.member_id.clone())
            .sql(" UNION ALL SELECT id FROM feedback WHERE manager_id = ")
            .bind::<Text, _>($who.member_id.clone())
            .sql(" UNION ALL SELECT id FROM one_on_ones WHERE creator_id = ")
            .bind::<Text, _>($who.member_id.clone())
            .sql(" UNION ALL SELECT id FROM one_on_ones WHERE other_id = ")
            .bind::<Text, _>($who.member_id.clone())
            .sql(" UNION ALL SELECT id FROM requests WHERE asker_id = ")
            .bind::<Text, _>($who.member_id.clone())
            .sql(" UNION ALL SELECT id FROM requests WHERE asked_id = ")
            .bind::<Text, _>($who.member_id.clone())
            .sql(" UNION ALL SELECT id FROM goals WHERE owner_id = ")
            .bind::<Text, _>($who.member_id.clone())
            .sql(" UNION ALL SELECT id FROM goals WHERE is_public AND workspace_id = ")
            .bind::<Text, _>($who.workspace_id.clone())
            .sql(
                " UNION ALL SELECT goals.id FROM goals INNER JOIN members AS led ON led.id = goals.owner_id WHERE led.manager_id = ",
            )
            .bind::<Text, _>($who.member_id.clone())
            .sql(")")
    };
}

/// The rows as links, with the names of whoever takes part in the pull requests that may be shown: one query for all of them.
fn named(connection: &mut AnyConnection, rows: Vec<Row>) -> Result<Vec<Link>> {
    let shown: Vec<PullRequestId> = rows.iter().filter(|(own, _)| own.9).map(|(own, _)| own.8.clone()).collect();
    let names = participants::names(connection, &shown)?;
    Ok(rows.into_iter().map(|row| link(row, &names)).collect())
}

fn link((own, shown): Row, names: &HashMap<String, String>) -> Link {
    let (id, kind, target_id, note, created_by, created_by_name, created_at, url, _, shows_details) = own;
    let (repository_name, number, title, state, author_account_id, reviewers, fetched_at, fetch_error) = shown;
    let details = shows_details.then(|| {
        let reviewers: Vec<Reviewer> = reviewers.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        Shown {
            repository_name,
            number,
            title,
            state,
            author_name: author_account_id.as_ref().and_then(|account_id| names.get(account_id).cloned()),
            author_account_id,
            reviewer_names: reviewers.iter().filter_map(|reviewer| names.get(&reviewer.account_id).cloned()).collect(),
            reviewers,
            fetched_at,
            fetch_error,
        }
    });
    Link { id, target: Target { kind, id: target_id }, note, created_by, created_by_name, created_at, url, details }
}

/// The links the viewer may see, of one target or of all.
///
/// # Errors
/// When the database refuses.
pub fn list(connection: &mut AnyConnection, who: &Viewer, target: Option<&Target>, page: &Page) -> Result<Listed<Link>> {
    let rows: Vec<Row> = match target {
        Some(target) => visible_to!(who)
            .filter(links::target_kind.eq(target.kind))
            .filter(links::target_id.eq(&target.id))
            .filter(links::id.lt(page.bound()))
            .order(links::id.desc())
            .limit(page.rows())
            .load(connection)?,
        None => visible_to!(who)
            .filter(of_conversations_of!(who))
            .filter(links::id.lt(page.bound()))
            .order(links::id.desc())
            .limit(page.rows())
            .load(connection)?,
    };
    Ok(page.finish(named(connection, rows)?, |link: &Link| link.id.to_string()))
}

/// The links that the viewer made since a moment and may see, the newest first.
///
/// # Errors
/// When the database refuses.
pub fn made_since(connection: &mut AnyConnection, who: &Viewer, since: NaiveDateTime, page: &Page) -> Result<Listed<Link>> {
    let rows: Vec<Row> = visible_to!(who)
        .filter(links::created_by.eq(who.member_id.clone()))
        .filter(links::created_at.ge(since))
        .filter(links::id.lt(page.bound()))
        .order(links::id.desc())
        .limit(page.rows())
        .load(connection)?;
    Ok(page.finish(named(connection, rows)?, |link: &Link| link.id.to_string()))
}

/// One link the viewer may see.
///
/// # Errors
/// `not_found` (404).
pub fn find(connection: &mut AnyConnection, who: &Viewer, id: &LinkId) -> Result<Link> {
    let row: Option<Row> = visible_to!(who).filter(links::id.eq(id)).first(connection).optional()?;
    named(connection, row.into_iter().collect())?.pop().ok_or_else(|| Error::not_found("link"))
}
