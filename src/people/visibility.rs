//! Who may see what, in one place: a predicate for each kind of conversation, in SQL, so that lists, pages and the panel ask the same.
//! Nouns and the panel's query put it into their statements.
//!
//! Each predicate speaks of a row of its kind's table and of `viewer`, a row of `members` in the same statement (an alias or a
//! common table expression); the workspace is part of it, so that it cannot be forgotten.

macro_rules! feedback {
    () => {
        "(feedback.workspace_id = viewer.workspace_id AND (feedback.author_id = viewer.id \
         OR (feedback.subject_id = viewer.id AND feedback.shared_at IS NOT NULL) \
         OR (feedback.manager_id = viewer.id AND feedback.shared_at IS NOT NULL \
         AND EXISTS (SELECT 1 FROM members AS led WHERE led.id = feedback.subject_id AND led.manager_id = viewer.id))))"
    };
}

macro_rules! one_on_one {
    () => {
        "(one_on_ones.workspace_id = viewer.workspace_id AND (one_on_ones.creator_id = viewer.id OR one_on_ones.other_id = viewer.id))"
    };
}

macro_rules! request {
    () => {
        "(requests.workspace_id = viewer.workspace_id AND (requests.asker_id = viewer.id OR requests.asked_id = viewer.id))"
    };
}

macro_rules! goal {
    () => {
        "(goals.workspace_id = viewer.workspace_id AND (goals.is_public OR goals.owner_id = viewer.id \
         OR EXISTS (SELECT 1 FROM members AS led WHERE led.id = goals.owner_id AND led.manager_id = viewer.id)))"
    };
}

macro_rules! link {
    () => {
        concat!(
            "CASE links.target_kind WHEN 'feedback' THEN EXISTS (SELECT 1 FROM feedback WHERE feedback.id = links.target_id AND ",
            feedback!(),
            ") WHEN 'one_on_one' THEN EXISTS (SELECT 1 FROM one_on_ones WHERE one_on_ones.id = links.target_id AND ",
            one_on_one!(),
            ") WHEN 'request' THEN EXISTS (SELECT 1 FROM requests WHERE requests.id = links.target_id AND ",
            request!(),
            ") WHEN 'goal' THEN EXISTS (SELECT 1 FROM goals WHERE goals.id = links.target_id AND ",
            goal!(),
            ") ELSE FALSE END"
        )
    };
}

macro_rules! link_shows_details {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM sightings INNER JOIN members AS viewer ON viewer.id = sightings.member_id \
             WHERE sightings.pull_request_id = links.pull_request_id AND ",
            link!(),
            ")"
        )
    };
}

/// Feedback is seen by its author, by its subject once it is shared, and by their manager if it was shared with them too, for as
/// long as they are the subject's manager.
pub const FEEDBACK: &str = feedback!();

/// A 1:1 is seen by its two people.
pub const ONE_ON_ONE: &str = one_on_one!();

/// A request is seen by who asks and who is asked.
pub const REQUEST: &str = request!();

/// A goal is seen by its owner and their manager, or by the whole workspace when it is public.
pub const GOAL: &str = goal!();

/// Any of them, for a statement that has joined all four tables, three of which found nothing.
pub const CONVERSATION: &str = concat!("(", feedback!(), " OR ", one_on_one!(), " OR ", request!(), " OR ", goal!(), ")");

/// A link is seen by whoever may see its target.
pub const LINK: &str = link!();

/// A link shows more than its address once somebody who may see the link has opened that pull request's panel, and so has been
/// shown the pull request by Bitbucket. Within the inner statement `viewer` is that somebody.
pub const LINK_SHOWS_DETAILS: &str = link_shows_details!();

/// A pull request is shown beside a conversation it is not attached to when the viewer may see a link to it that shows more than
/// its address.
pub const PULL_REQUEST_SHOWS_DETAILS: &str = concat!(
    "EXISTS (SELECT 1 FROM links WHERE links.pull_request_id = pull_requests.id AND ",
    link!(),
    " AND ",
    link_shows_details!(),
    ")"
);
