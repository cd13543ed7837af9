//! What a member who leaves has open, and handing it over to a colleague. Drafts and private notes are nobody else's and stay
//! unread. Used by removals and the page before them.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::Viewer;
use super::members::Member;
use super::requests::State;
use crate::config::Now;
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::{goals, one_on_ones, requests};

/// How much a member has open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenItems {
    /// Requests that they were asked to answer.
    pub requests: i64,
    /// 1:1s from today on.
    pub one_on_ones: i64,
    /// Goals that are not closed.
    pub goals: i64,
}

impl OpenItems {
    /// Whether there is nothing.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// In words: "2 requests, 1 goal".
    pub fn in_words(self) -> String {
        let counted = |count: i64, one: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {one}s")),
        };
        let parts: Vec<String> =
            [counted(self.requests, "request"), counted(self.one_on_ones, "1:1"), counted(self.goals, "goal")]
                .into_iter()
                .flatten()
                .collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    }
}

/// What a member of the viewer's workspace has open on the viewer's day `today`: counted only, since not even owners may read it.
///
/// # Errors
/// `owner_needed` (403).
pub fn open_items(connection: &mut AnyConnection, viewer: &Viewer, member: &MemberId, today: NaiveDate) -> Result<OpenItems> {
    viewer.must_own()?;
    let asked = requests::table
        .filter(requests::workspace_id.eq(&viewer.workspace_id))
        .filter(requests::asked_id.eq(member))
        .filter(requests::state.eq(State::Open));
    let ahead = one_on_ones::table
        .filter(one_on_ones::workspace_id.eq(&viewer.workspace_id))
        .filter(one_on_ones::held_on.ge(today))
        .filter(one_on_ones::creator_id.eq(member).or(one_on_ones::other_id.eq(member)));
    let pursued = goals::table
        .filter(goals::workspace_id.eq(&viewer.workspace_id))
        .filter(goals::owner_id.eq(member))
        .filter(goals::closed_at.is_null());
    Ok(OpenItems {
        requests: asked.count().get_result(connection)?,
        one_on_ones: ahead.count().get_result(connection)?,
        goals: pursued.count().get_result(connection)?,
    })
}

/// Gives a colleague what a member has open. What would make them talk to themselves, or about themselves, stays where it is.
pub(super) fn hand_over(
    connection: &mut AnyConnection,
    from: &Member,
    to: &Member,
    today: NaiveDate,
    now: &Now,
) -> Result<OpenItems> {
    let asked = requests::table
        .filter(requests::asked_id.eq(&from.id))
        .filter(requests::state.eq(State::Open))
        .filter(requests::asker_id.ne(&to.id))
        .filter(requests::about_id.ne(&to.id));
    let asked =
        diesel::update(asked).set((requests::asked_id.eq(&to.id), requests::updated_at.eq(now.at))).execute(connection)?;
    let planned = one_on_ones::table
        .filter(one_on_ones::held_on.ge(today))
        .filter(one_on_ones::creator_id.eq(&from.id))
        .filter(one_on_ones::other_id.ne(&to.id));
    let planned = diesel::update(planned)
        .set((one_on_ones::creator_id.eq(&to.id), one_on_ones::updated_at.eq(now.at)))
        .execute(connection)?;
    let joined = one_on_ones::table
        .filter(one_on_ones::held_on.ge(today))
        .filter(one_on_ones::other_id.eq(&from.id))
        .filter(one_on_ones::creator_id.ne(&to.id));
    let joined =
        diesel::update(joined).set((one_on_ones::other_id.eq(&to.id), one_on_ones::updated_at.eq(now.at))).execute(connection)?;
    let pursued = goals::table.filter(goals::owner_id.eq(&from.id)).filter(goals::closed_at.is_null());
    let pursued = diesel::update(pursued).set((goals::owner_id.eq(&to.id), goals::updated_at.eq(now.at))).execute(connection)?;
    let counted = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
    Ok(OpenItems { requests: counted(asked), one_on_ones: counted(planned + joined), goals: counted(pursued) })
}
