//! Feedback: what one member writes about another, a draft until it is shared.

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::links::{self, Kind, Target};
use super::page::{Listed, Page};
use super::text::Body;
use super::{Named, Viewer, members, visibility};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{FeedbackId, MemberId};
use crate::storage::schema::{feedback, members as member_rows};

/// The same table, joined once for each part a member plays. `viewer` is the name that the predicates of `visibility` speak of.
mod rows {
    use crate::storage::schema::members;
    diesel::alias!(members as viewer: Viewer, members as author: Author, members as subject: Subject, members as lead: Lead);
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
    shared_with: Option<MemberId>,
    lead_id: Option<MemberId>,
    lead_name: Option<String>,
}

impl Feedback {
    /// It as something to attach pull requests to.
    pub fn target(&self) -> Target {
        Target { kind: Kind::Feedback, id: self.id.to_string() }
    }

    /// The other of its two people, with their name; none for the manager it was shared with.
    pub fn counterpart(&self, who: &Viewer) -> Option<(&MemberId, &str)> {
        if self.author_id == who.member_id {
            Some((&self.subject_id, &self.subject_name))
        } else if self.subject_id == who.member_id {
            Some((&self.author_id, &self.author_name))
        } else {
            None
        }
    }

    /// The manager who sees it too: the one it was shared with, as long as they lead its subject.
    pub fn manager(&self) -> Option<Named> {
        self.lead().filter(|lead| self.shared_with.as_ref() == Some(&lead.id))
    }

    /// The manager it can still be shared with. An author who leads its subject sees it as it is.
    pub fn manager_to_offer(&self) -> Option<Named> {
        self.lead().filter(|lead| self.shared_with.as_ref() != Some(&lead.id) && lead.id != self.author_id)
    }

    fn lead(&self) -> Option<Named> {
        self.lead_id.clone().zip(self.lead_name.clone()).map(|(id, name)| Named { id, name })
    }
}

/// With whom feedback is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// With whom it is about.
    Subject,
    /// With their manager too, who is the one that the author was told of when there is one.
    SubjectAndManager(Option<MemberId>),
}

/// Which feedback a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The viewer's own drafts.
    Drafts,
    /// What others shared about the viewer.
    AboutViewer,
    /// What the viewer wrote and shared.
    SharedByViewer,
    /// What was shared with the viewer about people they lead.
    AboutLed,
    /// All of it.
    All,
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
            .left_join(
                rows::lead.on(rows::lead
                    .field(member_rows::id)
                    .nullable()
                    .eq(rows::subject.field(member_rows::manager_id))
                    .and(rows::lead.field(member_rows::removed_at).is_null())),
            )
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
                feedback::manager_id,
                rows::lead.field(member_rows::id).nullable(),
                rows::lead.field(member_rows::name).nullable(),
            ))
    };
}

/// The feedback the viewer may see, or a part of it.
///
/// # Errors
/// When the database refuses.
pub fn list(connection: &mut AnyConnection, who: &Viewer, part: Part, page: &Page) -> Result<Listed<Feedback>> {
    let is_mine = || feedback::author_id.eq(who.member_id.clone());
    let is_about_me = || feedback::subject_id.eq(who.member_id.clone());
    let is_for_manager = || feedback::manager_id.eq(Some(who.member_id.clone()));
    let mut rows = visible_to!(who).into_boxed();
    // What the predicate says once more with values, so that planners find the rows of each part by its index.
    rows = match part {
        Part::Drafts => rows.filter(is_mine()).filter(feedback::shared_at.is_null()),
        Part::AboutViewer => rows.filter(is_about_me()),
        Part::SharedByViewer => rows.filter(is_mine()).filter(feedback::shared_at.is_not_null()),
        Part::AboutLed => rows.filter(is_for_manager()).filter(feedback::author_id.ne(who.member_id.clone())),
        Part::All => rows.filter(is_mine().or(is_about_me()).or(is_for_manager().assume_not_null())),
    };
    let rows = rows.filter(feedback::id.lt(page.bound())).order(feedback::id.desc()).limit(page.rows());
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

/// Shares the viewer's own feedback. Sharing again changes nothing, but may add the manager.
///
/// # Errors
/// `not_found` (404); `author_needed` (403); `no_manager` or `manager_changed` (409).
pub fn share(connection: &mut AnyConnection, who: &Viewer, id: &FeedbackId, audience: &Audience, now: &Now) -> Result<Feedback> {
    let item = own(connection, who, id)?;
    let manager_id = match audience {
        Audience::Subject => None,
        Audience::SubjectAndManager(expected) => manager(&item, expected.as_ref())?,
    };
    let draft = feedback::table.find(id).filter(feedback::shared_at.is_null());
    diesel::update(draft).set((feedback::shared_at.eq(Some(now.at)), feedback::updated_at.eq(now.at))).execute(connection)?;
    if let Some(manager_id) = manager_id {
        diesel::update(feedback::table.find(id))
            .set((feedback::manager_id.eq(Some(manager_id)), feedback::updated_at.eq(now.at)))
            .execute(connection)?;
    }
    find(connection, who, id)
}

/// The manager to add: none when the author is the one.
fn manager(item: &Feedback, expected: Option<&MemberId>) -> Result<Option<MemberId>> {
    let lead = item.lead().ok_or_else(|| {
        Error::conflict("no_manager", format!("{} has no manager at the moment. Share it with them alone.", item.subject_name))
    })?;
    if expected.is_some_and(|expected| *expected != lead.id) {
        let detail = format!("{} is led by {} now. Look again at who will see it.", item.subject_name, lead.name);
        return Err(Error::conflict("manager_changed", detail));
    }
    Ok(Some(lead.id).filter(|id| *id != item.author_id))
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

/// Refuses whatever only drafts can go through, by anybody but their author.
///
/// # Errors
/// `author_needed` (403); `feedback_shared` (409).
pub fn must_be_draft_of(item: &Feedback, who: &Viewer) -> Result<()> {
    if item.author_id != who.member_id {
        return Err(author_needed());
    }
    match item.shared_at {
        None => Ok(()),
        Some(_) => Err(cannot_be_withdrawn()),
    }
}

/// Deletes the viewer's own draft, and its links with it.
///
/// # Errors
/// `not_found` (404); `author_needed` (403); `feedback_shared` (409).
pub fn withdraw(connection: &mut AnyConnection, who: &Viewer, id: &FeedbackId) -> Result<()> {
    let item = find(connection, who, id)?;
    must_be_draft_of(&item, who)?;
    // Shared in between by another tab: then it stays.
    let draft = feedback::table.find(id).filter(feedback::shared_at.is_null());
    if diesel::delete(draft).execute(connection)? == 0 {
        return Err(cannot_be_withdrawn());
    }
    links::remove_all(connection, who, &item.target())
}

/// Refuses anybody but the item's author, who alone changes it and attaches to it.
///
/// # Errors
/// `not_found` (404); `author_needed` (403).
pub fn must_be_own(connection: &mut AnyConnection, who: &Viewer, id: &FeedbackId) -> Result<()> {
    own(connection, who, id).map(|_item| ())
}

fn own(connection: &mut AnyConnection, who: &Viewer, id: &FeedbackId) -> Result<Feedback> {
    let item = find(connection, who, id)?;
    if item.author_id == who.member_id { Ok(item) } else { Err(author_needed()) }
}

fn cannot_be_withdrawn() -> Error {
    Error::conflict("feedback_shared", "This feedback is shared already. What was read cannot be withdrawn.")
}

fn author_needed() -> Error {
    Error::forbidden("author_needed", "Only its author can change this feedback.")
}
