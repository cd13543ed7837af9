//! Requests for feedback: one member asks another about somebody, often about themselves.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Date};

use super::links::{Kind, Target};
use super::page::{Listed, Page, PageByDate};
use super::text::{Body, Note};
use super::{Viewer, members, visibility};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{MemberId, RequestId};
use crate::storage::schema::{members as member_rows, requests};
use crate::word_column;

/// The same table, joined once for each part a member plays. `viewer` is the name that the predicates of `visibility` speak of.
mod rows {
    use crate::storage::schema::members;
    diesel::alias!(members as viewer: Viewer, members as asker: Asker, members as asked: Asked, members as about: About);
}

word_column! {
    /// How far a request is.
    State {
        /// Waits for an answer.
        Open => "open",
        /// Has one.
        Answered => "answered",
        /// Will have none, on the word of who was asked.
        Declined => "declined",
        /// Will have none, on the word of who asked.
        Closed => "closed",
    }
}

/// A request the viewer may see.
#[derive(Clone, Debug, Queryable)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// Who asks.
    pub asker_id: MemberId,
    /// Their name.
    pub asker_name: String,
    /// Who is asked.
    pub asked_id: MemberId,
    /// Their name.
    pub asked_name: String,
    /// About whom.
    pub about_id: MemberId,
    /// Their name.
    pub about_name: String,
    /// What is asked.
    pub question: String,
    /// Until when an answer helps.
    pub due_on: Option<NaiveDate>,
    /// How far it is.
    pub state: State,
    /// The answer, or the word it was declined with; empty until then.
    pub answer: String,
    /// When it was answered, declined or closed, UTC.
    pub decided_at: Option<NaiveDateTime>,
    /// When it was asked, UTC.
    pub created_at: NaiveDateTime,
}

impl Request {
    /// It as something to attach pull requests to.
    pub fn target(&self) -> Target {
        Target { kind: Kind::Request, id: self.id.to_string() }
    }
}

/// A request to be.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// Who is asked.
    pub asked: MemberId,
    /// About whom.
    pub about: MemberId,
    /// What is asked.
    pub question: Body,
    /// Until when an answer helps.
    pub due_on: Option<NaiveDate>,
}

/// Which requests a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Those that wait for the viewer's answer.
    ToAnswer,
    /// Those of the viewer that wait for somebody's answer.
    AskedByViewer,
    /// Those that are over, of the viewer or to them.
    Done,
    /// All of them.
    All,
}

macro_rules! visible_to {
    ($viewer:expr) => {
        requests::table
            .inner_join(rows::viewer.on(rows::viewer.field(member_rows::workspace_id).eq(requests::workspace_id)))
            .inner_join(rows::asker.on(rows::asker.field(member_rows::id).eq(requests::asker_id)))
            .inner_join(rows::asked.on(rows::asked.field(member_rows::id).eq(requests::asked_id)))
            .inner_join(rows::about.on(rows::about.field(member_rows::id).eq(requests::about_id)))
            .filter(rows::viewer.field(member_rows::id).eq($viewer.member_id.clone()))
            .filter(sql::<Bool>(visibility::REQUEST))
            .select((
                requests::id,
                requests::asker_id,
                rows::asker.field(member_rows::name),
                requests::asked_id,
                rows::asked.field(member_rows::name),
                requests::about_id,
                rows::about.field(member_rows::name),
                requests::question,
                requests::due_on,
                requests::state,
                requests::answer,
                requests::decided_at,
                requests::created_at,
            ))
    };
}

/// Asks a colleague for feedback.
///
/// # Errors
/// `asked_yourself`, `about_the_asked`, `question_missing` or `due_passed` (400); `not_found` (404) when there is no such member in the
/// viewer's workspace.
pub fn ask(connection: &mut AnyConnection, who: &Viewer, new: &NewRequest, now: &Now) -> Result<RequestId> {
    if new.asked == who.member_id {
        return Err(Error::invalid("asked_yourself", "asked", "A request goes to somebody else. Choose another person."));
    }
    if new.about == new.asked {
        let detail = "Nobody gives feedback about themselves. Choose another person.";
        return Err(Error::invalid("about_the_asked", "about", detail));
    }
    if new.question.as_str().is_empty() {
        return Err(Error::invalid("question_missing", "question", "Say what you would like to hear about."));
    }
    // It is still yesterday somewhere.
    if new.due_on.is_some_and(|due_on| due_on < now.plus_seconds(-24 * 3600).date()) {
        return Err(Error::invalid("due_passed", "due_on", "This day has passed. Choose a later one, or none."));
    }
    let asked = members::find(connection, who, &new.asked)?;
    let about = members::find(connection, who, &new.about)?;
    let id = RequestId::new(now);
    diesel::insert_into(requests::table)
        .values((
            requests::id.eq(&id),
            requests::workspace_id.eq(&who.workspace_id),
            requests::asker_id.eq(&who.member_id),
            requests::asked_id.eq(&asked.id),
            requests::about_id.eq(&about.id),
            requests::question.eq(new.question.as_str()),
            requests::due_on.eq(new.due_on),
            requests::state.eq(State::Open),
            requests::answer.eq(""),
            requests::created_at.eq(now.at),
            requests::updated_at.eq(now.at),
        ))
        .execute(connection)?;
    Ok(id)
}

/// The requests the viewer may see, or a part of them, the newest first.
///
/// # Errors
/// When the database refuses.
pub fn list(connection: &mut AnyConnection, who: &Viewer, part: Part, page: &Page) -> Result<Listed<Request>> {
    let asks = || requests::asker_id.eq(who.member_id.clone());
    let is_asked = || requests::asked_id.eq(who.member_id.clone());
    let mut rows = visible_to!(who).into_boxed();
    // What the predicate says once more with values, so that planners find the rows of either part by its index.
    rows = match part {
        Part::ToAnswer => rows.filter(is_asked()).filter(requests::state.eq(State::Open)),
        Part::AskedByViewer => rows.filter(asks()).filter(requests::state.eq(State::Open)),
        Part::Done => rows.filter(asks().or(is_asked())).filter(requests::state.ne(State::Open)),
        Part::All => rows.filter(asks().or(is_asked())),
    };
    let rows = rows.filter(requests::id.lt(page.bound())).order(requests::id.desc()).limit(page.rows());
    Ok(page.finish(rows.load(connection)?, |item: &Request| item.id.to_string()))
}

/// When an answer is due, where those without a day come last.
const DUE: &str = "COALESCE(requests.due_on, '9999-12-31')";

/// The requests that wait for the viewer's answer, the one that is due first on top.
///
/// # Errors
/// When the database refuses.
pub fn to_answer(connection: &mut AnyConnection, who: &Viewer, page: &PageByDate) -> Result<Listed<Request>> {
    let due = || sql::<Date>(DUE);
    let mut rows = visible_to!(who)
        .filter(requests::asked_id.eq(who.member_id.clone()))
        .filter(requests::state.eq(State::Open))
        .order((due().asc(), requests::id.asc()))
        .limit(page.rows())
        .into_boxed();
    if let Some((day, id)) = &page.beyond {
        rows = rows.filter(due().gt(*day).or(due().eq(*day).and(requests::id.gt(id))));
    }
    let last = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(NaiveDate::MAX);
    Ok(page.finish(rows.load(connection)?, |item: &Request| (item.due_on.unwrap_or(last), item.id.to_string())))
}

/// How many requests wait for the viewer's answer.
///
/// # Errors
/// When the database refuses.
pub fn count_to_answer(connection: &mut AnyConnection, who: &Viewer) -> Result<i64> {
    let waiting = requests::table
        .filter(requests::workspace_id.eq(&who.workspace_id))
        .filter(requests::asked_id.eq(&who.member_id))
        .filter(requests::state.eq(State::Open));
    Ok(waiting.count().get_result(connection)?)
}

/// Answers a request: whoever asked sees the answer at once.
///
/// # Errors
/// `not_found` (404); `asked_needed` (403); `answer_missing` (400); `request_over` (409).
pub fn answer(connection: &mut AnyConnection, who: &Viewer, id: &RequestId, answer: &Body, now: &Now) -> Result<Request> {
    must_be_asked(&find(connection, who, id)?, who)?;
    if answer.as_str().is_empty() {
        return Err(Error::invalid("answer_missing", "body", "Write an answer, or decline the request."));
    }
    decide(connection, who, id, State::Answered, answer.as_str(), now)
}

/// Declines a request, with a word for whoever asked.
///
/// # Errors
/// `not_found` (404); `asked_needed` (403); `request_over` (409).
pub fn decline(connection: &mut AnyConnection, who: &Viewer, id: &RequestId, word: &Note, now: &Now) -> Result<Request> {
    must_be_asked(&find(connection, who, id)?, who)?;
    decide(connection, who, id, State::Declined, word.as_str(), now)
}

/// Closes the viewer's own request, which needs no answer any more.
///
/// # Errors
/// `not_found` (404); `asker_needed` (403); `request_over` (409).
pub fn close(connection: &mut AnyConnection, who: &Viewer, id: &RequestId, now: &Now) -> Result<Request> {
    if find(connection, who, id)?.asker_id != who.member_id {
        return Err(Error::forbidden("asker_needed", "Only who asked can close a request."));
    }
    decide(connection, who, id, State::Closed, "", now)
}

fn must_be_asked(item: &Request, who: &Viewer) -> Result<()> {
    if item.asked_id == who.member_id {
        Ok(())
    } else {
        Err(Error::forbidden("asked_needed", "Only who was asked can answer or decline a request."))
    }
}

/// Of two decisions at once, the first one counts.
fn decide(
    connection: &mut AnyConnection,
    who: &Viewer,
    id: &RequestId,
    state: State,
    answer: &str,
    now: &Now,
) -> Result<Request> {
    let open = requests::table.find(id).filter(requests::state.eq(State::Open));
    let decided = diesel::update(open)
        .set((
            requests::state.eq(state),
            requests::answer.eq(answer),
            requests::decided_at.eq(Some(now.at)),
            requests::updated_at.eq(now.at),
        ))
        .execute(connection)?;
    if decided == 0 {
        return Err(Error::conflict("request_over", "This request was answered, declined or closed already."));
    }
    find(connection, who, id)
}

/// One request the viewer may see.
///
/// # Errors
/// `not_found` (404).
pub fn find(connection: &mut AnyConnection, who: &Viewer, id: &RequestId) -> Result<Request> {
    let row = visible_to!(who).filter(requests::id.eq(id));
    row.first(connection).optional()?.ok_or_else(|| Error::not_found("request"))
}

/// Refuses whoever may not attach pull requests to it: anybody but who asks and who is asked, and both once it is over.
///
/// # Errors
/// `not_found` (404); `request_over` (409).
pub(super) fn must_take_links_of(connection: &mut AnyConnection, who: &Viewer, id: &RequestId) -> Result<()> {
    match find(connection, who, id)?.state {
        State::Open | State::Answered => Ok(()),
        State::Declined | State::Closed => {
            Err(Error::conflict("request_over", "This request was declined or closed. Choose another item."))
        }
    }
}
