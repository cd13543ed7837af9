//! What a member can attach a pull request to: their own open items of every kind, those about its author first. For the panel's form.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Date, Nullable, Text};

use super::{Named, Viewer};
use crate::config::Now;
use crate::error::Result;
use crate::storage::aggregate::{self, Fields};
use crate::storage::ids::MemberId;
use crate::storage::{AnyConnection, MultiBackend};

/// In a larger workspace a colleague is named by e-mail address instead of chosen from a list.
pub const COLLEAGUES_AT_MOST: usize = 100;

/// What can be attached to. Each list is short enough for a person to look through and has what concerns the author first.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Drafts of feedback, the newest first.
    pub drafts: Vec<Draft>,
    /// 1:1s that are not over everywhere on earth, the next one first: nobody says where the viewer is.
    pub one_on_ones: Vec<Meeting>,
    /// Requests that wait for an answer, of the viewer or to them, the oldest first.
    pub requests: Vec<Asked>,
    /// The viewer's own goals, the newest first.
    pub goals: Vec<Aim>,
    /// Colleagues by name, at most one more than [`COLLEAGUES_AT_MOST`].
    pub colleagues: Vec<Named>,
}

/// A draft of feedback.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its id.
    pub id: String,
    /// Whom it is about.
    pub subject: Named,
    /// When it was begun, UTC.
    pub begun_at: NaiveDateTime,
}

/// A 1:1.
#[derive(Clone, Debug)]
pub struct Meeting {
    /// Its id.
    pub id: String,
    /// With whom.
    pub with: Named,
    /// On which day.
    pub held_on: NaiveDate,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its id.
    pub id: String,
    /// Who asks.
    pub asker: Named,
    /// Who is asked.
    pub asked: Named,
    /// About whom.
    pub about: Named,
    /// When it was asked, UTC.
    pub asked_at: NaiveDateTime,
}

/// A goal.
#[derive(Clone, Debug)]
pub struct Aim {
    /// Its id.
    pub id: String,
    /// What it is called: shown when opened, since people share their screens.
    pub title: String,
    /// When it was set, UTC.
    pub set_at: NaiveDateTime,
    /// Who leads its owner.
    pub manager: Option<Named>,
    /// Whether the whole workspace sees it.
    pub is_public: bool,
}

/// Reads them in one statement. `author` is the member whose pull request it is.
///
/// # Errors
/// When the database refuses.
pub fn read(connection: &mut AnyConnection, viewer: &Viewer, author: Option<&MemberId>, now: &Now) -> Result<Targets> {
    let statement = Statement {
        viewer: viewer.member_id.as_str().to_owned(),
        author: author.map_or_else(String::new, |author| author.as_str().to_owned()),
        // The day changes last at twelve hours behind UTC.
        today: now.plus_seconds(-12 * 3600).date(),
    };
    let row: Option<Row> = statement.get_result(connection).optional()?;
    let Some((drafts, one_on_ones, requests, goals, colleagues)) = row else { return Ok(Targets::default()) };
    Ok(Targets {
        drafts: list(drafts.as_deref(), |fields| {
            Some(Draft { id: id(fields)?, begun_at: fields.moment()?, subject: Named::read(fields)?? })
        }),
        one_on_ones: list(one_on_ones.as_deref(), |fields| {
            Some(Meeting { id: id(fields)?, held_on: fields.date()??, with: Named::read(fields)?? })
        }),
        requests: list(requests.as_deref(), |fields| {
            let (id, asked_at) = (id(fields)?, fields.moment()?);
            let (asker, asked, about) = (Named::read(fields)??, Named::read(fields)??, Named::read(fields)??);
            Some(Asked { id, asker, asked, about, asked_at })
        }),
        goals: list(goals.as_deref(), |fields| {
            let (id, set_at, is_public) = (id(fields)?, fields.moment()?, fields.text()? == "public");
            Some(Aim { id, set_at, is_public, manager: Named::read(fields)?, title: fields.text()?.to_owned() })
        }),
        colleagues: list(colleagues.as_deref(), |fields| Named::read(fields)?),
    })
}

fn list<T>(list: Option<&str>, read: impl Fn(&mut Fields<'_>) -> Option<T>) -> Vec<T> {
    aggregate::entries(list).filter_map(|mut fields| read(&mut fields)).collect()
}

fn id(fields: &mut Fields<'_>) -> Option<String> {
    fields.text().map(ToOwned::to_owned)
}

type Row = (Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

/// The statement, whose text never changes: both databases keep it prepared.
struct Statement {
    viewer: String,
    author: String,
    today: NaiveDate,
}

impl Query for Statement {
    type SqlType = (Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>);
}

impl QueryId for Statement {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<AnyConnection> for Statement {}

// More of a kind than forty nobody looks through.
const DRAFT_FIELDS: [&str; 4] = ["feedback.id", "feedback.created_at", "subject.id", "subject.name"];
const DRAFTS: [&str; 1] = ["FROM feedback INNER JOIN members AS subject ON subject.id = feedback.subject_id \
     WHERE feedback.author_id = viewer.id AND feedback.shared_at IS NULL \
     ORDER BY CASE WHEN feedback.subject_id = asked.author THEN 0 ELSE 1 END, feedback.created_at DESC LIMIT 40"];

const ONE_ON_ONE_FIELDS: [&str; 4] = ["one_on_ones.id", "one_on_ones.held_on", "partner.id", "partner.name"];
const ONE_ON_ONES: [&str; 1] = ["FROM one_on_ones INNER JOIN members AS partner ON partner.id = \
     CASE WHEN one_on_ones.creator_id = viewer.id THEN one_on_ones.other_id ELSE one_on_ones.creator_id END \
     WHERE (one_on_ones.creator_id = viewer.id OR one_on_ones.other_id = viewer.id) AND one_on_ones.held_on >= asked.today \
     ORDER BY CASE WHEN partner.id = asked.author THEN 0 ELSE 1 END, one_on_ones.held_on, one_on_ones.id LIMIT 40"];

const REQUEST_FIELDS: [&str; 8] =
    ["requests.id", "requests.created_at", "asker.id", "asker.name", "responder.id", "responder.name", "about.id", "about.name"];
const REQUESTS: [&str; 1] = ["FROM requests INNER JOIN members AS asker ON asker.id = requests.asker_id \
     INNER JOIN members AS responder ON responder.id = requests.asked_id \
     INNER JOIN members AS about ON about.id = requests.about_id \
     WHERE (requests.asker_id = viewer.id OR requests.asked_id = viewer.id) AND requests.state = 'open' \
     ORDER BY CASE WHEN asked.author IN (asker.id, responder.id, about.id) THEN 0 ELSE 1 END, requests.id LIMIT 40"];

const GOAL_FIELDS: [&str; 6] =
    ["goals.id", "goals.created_at", "CASE WHEN goals.is_public THEN 'public' END", "manager.id", "manager.name", "goals.title"];
const GOALS: [&str; 1] = ["FROM goals LEFT JOIN members AS manager ON manager.id = viewer.manager_id \
     WHERE goals.owner_id = viewer.id AND goals.closed_at IS NULL ORDER BY goals.id DESC LIMIT 40"];

// One more than `COLLEAGUES_AT_MOST`, which tells that there are more.
const COLLEAGUE_FIELDS: [&str; 2] = ["members.id", "members.name"];
const COLLEAGUES: [&str; 1] = ["FROM members WHERE members.workspace_id = viewer.workspace_id AND members.removed_at IS NULL \
     AND members.id <> viewer.id ORDER BY members.name LIMIT 101"];

impl QueryFragment<MultiBackend> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        let lists: [(&[&str], &[&str]); 5] = [
            (&DRAFT_FIELDS, &DRAFTS),
            (&ONE_ON_ONE_FIELDS, &ONE_ON_ONES),
            (&REQUEST_FIELDS, &REQUESTS),
            (&GOAL_FIELDS, &GOALS),
            (&COLLEAGUE_FIELDS, &COLLEAGUES),
        ];
        // Each value is bound once, as a row that the lists look at.
        out.push_sql("WITH asked AS (SELECT CAST(");
        out.push_bind_param::<Text, _>(&self.author)?;
        out.push_sql(" AS TEXT) AS author, ");
        out.push_bind_param::<Date, _>(&self.today)?;
        out.push_sql(" AS today) SELECT ");
        for (number, (fields, from)) in lists.into_iter().enumerate() {
            if number > 0 {
                out.push_sql(", ");
            }
            aggregate::push_list(&mut out, fields, from);
        }
        out.push_sql(" FROM members AS viewer, asked WHERE viewer.id = ");
        out.push_bind_param::<Text, _>(&self.viewer)
    }
}
