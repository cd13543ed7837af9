//! Feedback: what one member writes about another, a draft until it is shared.

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::page::{Listed, Page};
use super::text::Body;
use super::{Viewer, members, visibility};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{FeedbackId, MemberId};
use crate::storage::schema::{feedback, members as member_rows};

/// The same table, joined once for each part a member plays. `viewer` is the name that the predicates of `visibility` speak of.
mod rows {
    use crate::storage::schema::members;
    diesel::alias!(members as viewer: Viewer, members as author: Author, members as subject: Subject);
}

/// A feedback item the viewer may see.
#[derive(Clone, Debug, Queryable)]
pub struct Feedback {
    /// Its id.
    pub id: FeedbackId,
    /// Who wrote it.
    pub author_id: MemberId,
    /// Their name.
    pub author_name: String,
    /// Whom it is about.
    pub subject_id: MemberId,
    /// Their name.
    pub subject_name: String,
    /// What it says.
    pub body: String,
    /// When it was shared with its subject; a draft until then.
    pub shared_at: Option<NaiveDateTime>,
    /// When it was begun, UTC.
    pub created_at: NaiveDateTime,
}

/// Feedback to be.
#[derive(Clone, Debug)]
pub struct NewFeedback {
    /// Whom it is about.
    pub about: MemberId,
    /// What it says.
    pub body: Body,
    /// Whether it is shared at once.
    pub shared: bool,
}

/// Writes feedback about a colleague.
///
/// # Errors
/// `about_yourself` (400); `not_found` (404) when there is no such member in the viewer's workspace.
pub fn create(connection: &mut AnyConnection, viewer: &Viewer, new: &NewFeedback, now: &Now) -> Result<FeedbackId> {
    if new.about == viewer.member_id {
        return Err(Error::invalid("about_yourself", "about", "Feedback is about somebody else. Choose another person."));
    }
    let subject = members::find(connection, viewer, &new.about)?;
    let id = FeedbackId::new(now);
    diesel::insert_into(feedback::table)
        .values((
            feedback::id.eq(&id),
            feedback::workspace_id.eq(&viewer.workspace_id),
            feedback::author_id.eq(&viewer.member_id),
            feedback::subject_id.eq(&subject.id),
            feedback::body.eq(new.body.as_str()),
            feedback::shared_at.eq(new.shared.then_some(now.at)),
            feedback::created_at.eq(now.at),
            feedback::updated_at.eq(now.at),
        ))
        .execute(connection)?;
    Ok(id)
}

macro_rules! visible_to {
    ($viewer:expr) => {
        feedback::table
            .inner_join(rows::viewer.on(rows::viewer.field(member_rows::workspace_id).eq(feedback::workspace_id)))
            .inner_join(rows::author.on(rows::author.field(member_rows::id).eq(feedback::author_id)))
            .inner_join(rows::subject.on(rows::subject.field(member_rows::id).eq(feedback::subject_id)))
            .filter(rows::viewer.field(member_rows::id).eq($viewer.member_id.clone()))
            .filter(sql::<Bool>(visibility::FEEDBACK))
            .select((
                feedback::id,
                feedback::author_id,
                rows::author.field(member_rows::name),
                feedback::subject_id,
                rows::subject.field(member_rows::name),
                feedback::body,
                feedback::shared_at,
                feedback::created_at,
            ))
    };
}

/// The feedback the viewer may see.
///
/// # Errors
/// When the database refuses.
pub fn list(connection: &mut AnyConnection, who: &Viewer, page: &Page) -> Result<Listed<Feedback>> {
    let rows = visible_to!(who).filter(feedback::id.lt(page.bound())).order(feedback::id.desc()).limit(page.rows());
    Ok(page.finish(rows.load(connection)?, |item: &Feedback| item.id.to_string()))
}

/// One item the viewer may see.
///
/// # Errors
/// `not_found` (404).
pub fn find(connection: &mut AnyConnection, who: &Viewer, id: &FeedbackId) -> Result<Feedback> {
    let row = visible_to!(who).filter(feedback::id.eq(id));
    row.first(connection).optional()?.ok_or_else(|| Error::not_found("feedback"))
}

/// Shares the viewer's own draft with its subject. Sharing again changes nothing.
///
/// # Errors
/// `not_found` (404); `author_needed` (403).
pub fn share(connection: &mut AnyConnection, who: &Viewer, id: &FeedbackId, now: &Now) -> Result<Feedback> {
    must_be_own(connection, who, id)?;
    let draft = feedback::table.find(id).filter(feedback::shared_at.is_null());
    diesel::update(draft).set((feedback::shared_at.eq(Some(now.at)), feedback::updated_at.eq(now.at))).execute(connection)?;
    find(connection, who, id)
}

/// Changes the text of the viewer's own draft.
///
/// # Errors
/// `not_found` (404); `author_needed` (403); `feedback_shared` (409).
pub fn write(connection: &mut AnyConnection, who: &Viewer, id: &FeedbackId, body: &Body, now: &Now) -> Result<()> {
    must_be_own(connection, who, id)?;
    let draft = feedback::table.find(id).filter(feedback::shared_at.is_null());
    let changed =
        diesel::update(draft).set((feedback::body.eq(body.as_str()), feedback::updated_at.eq(now.at))).execute(connection)?;
    if changed == 0 {
        return Err(Error::conflict("feedback_shared", "This feedback is shared already. Write a new one to add to it."));
    }
    Ok(())
}

/// Refuses anybody but the item's author, who alone changes it and attaches to it.
///
/// # Errors
/// `not_found` (404); `author_needed` (403).
pub(super) fn must_be_own(connection: &mut AnyConnection, who: &Viewer, id: &FeedbackId) -> Result<()> {
    let item = find(connection, who, id)?;
    if item.author_id == who.member_id {
        Ok(())
    } else {
        Err(Error::forbidden("author_needed", "Only its author can change this feedback."))
    }
}
