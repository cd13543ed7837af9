//! Where conversations stand and what they are called, whatever their kind; for every page that leads to one.

use super::page::Place;
use crate::error::{Error, Result};
use crate::people::feedback::Feedback;
use crate::people::links::{Kind, Target};
use crate::people::one_on_ones::OneOnOne;
use crate::people::requests::Request;
use crate::people::{Viewer, feedback, goals, one_on_ones, requests};
use crate::storage::AnyConnection;
use crate::storage::ids::{FeedbackId, GoalId, MemberId, OneOnOneId, RequestId};

/// The first segment of every conversation's path, for the route table.
pub const PLACES: &str = "{place:feedback|one-on-ones|requests|goals}";

/// Where the list of a kind stands.
pub fn list_path(kind: Kind) -> &'static str {
    match kind {
        Kind::Feedback => "/feedback",
        Kind::OneOnOne => "/one-on-ones",
        Kind::Request => "/requests",
        Kind::Goal => "/goals",
    }
}

/// The page of a conversation.
pub fn path(target: &Target) -> String {
    format!("{}/{}", list_path(target.kind), target.id)
}

/// The kind that the first segment of a path names.
pub fn kind_of_place(place: &str) -> Option<Kind> {
    [Kind::Feedback, Kind::OneOnOne, Kind::Request, Kind::Goal].into_iter().find(|kind| list_path(*kind)[1..] == *place)
}

/// What the list of a kind is called, and where in the navigation it is.
pub fn list_of(kind: Kind) -> (&'static str, Place) {
    match kind {
        Kind::Feedback => ("Feedback", Place::Feedback),
        Kind::OneOnOne => ("1:1s", Place::OneOnOnes),
        Kind::Request => ("Requests", Place::Requests),
        Kind::Goal => ("Goals", Place::Goals),
    }
}

/// What a conversation that the viewer may see is called, in one read.
///
/// # Errors
/// `not_found` (404).
pub fn title(connection: &mut AnyConnection, viewer: &Viewer, target: &Target) -> Result<String> {
    let unknown = || Error::not_found(target.kind.as_str());
    match target.kind {
        Kind::Feedback => {
            let id = FeedbackId::parse(&target.id).ok_or_else(unknown)?;
            feedback::find(connection, viewer, &id).map(|item| feedback_title(&item, &viewer.member_id))
        }
        Kind::OneOnOne => {
            let id = OneOnOneId::parse(&target.id).ok_or_else(unknown)?;
            one_on_ones::find(connection, viewer, &id).map(|item| one_on_one_title(&item, &viewer.member_id))
        }
        Kind::Request => {
            let id = RequestId::parse(&target.id).ok_or_else(unknown)?;
            requests::find(connection, viewer, &id).map(|item| request_title(&item, &viewer.member_id))
        }
        Kind::Goal => {
            let id = GoalId::parse(&target.id).ok_or_else(unknown)?;
            goals::find(connection, viewer, &id).map(|item| item.title)
        }
    }
}

/// "Feedback for Priya Raman": whom it is about, or who wrote it, or for their manager both.
pub fn feedback_title(item: &Feedback, viewer: &MemberId) -> String {
    if item.author_id == *viewer {
        format!("Feedback for {}", item.subject_name)
    } else if item.subject_id == *viewer {
        format!("Feedback from {}", item.author_name)
    } else {
        format!("Feedback from {} for {}", item.author_name, item.subject_name)
    }
}

/// "1:1 with Priya Raman".
pub fn one_on_one_title(item: &OneOnOne, viewer: &MemberId) -> String {
    let with = if item.creator_id == *viewer { &item.other_name } else { &item.creator_name };
    format!("1:1 with {with}")
}

/// "Tomasz Zieliński asks about Priya Raman", "You ask Mei Tanaka about yourself".
pub fn request_title(item: &Request, viewer: &MemberId) -> String {
    let is_about_asker = item.about_id == item.asker_id;
    match (item.asker_id == *viewer, is_about_asker) {
        (true, true) => format!("You ask {} about yourself", item.asked_name),
        (true, false) => format!("You ask {} about {}", item.asked_name, item.about_name),
        (false, true) => format!("{} asks about themselves", item.asker_name),
        (false, false) => format!("{} asks about {}", item.asker_name, item.about_name),
    }
}
