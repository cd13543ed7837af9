//! Requests for feedback: one member asks another about somebody, often about themselves.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::{Viewer, visibility};
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
