//! Who may see what, in one place: a predicate for each kind of conversation, in SQL, so that lists, pages and the panel ask the same.
//! Nouns and the panel's query put it into their statements.
//!
//! Each predicate speaks of a row of its kind's table and of `viewer`, a row of `members` in the same statement (an alias or a
//! common table expression); the workspace is part of it, so that it cannot be forgotten.

macro_rules! feedback {
    () => {
        "(feedback.workspace_id = viewer.workspace_id AND (feedback.author_id = viewer.id \
         OR (feedback.subject_id = viewer.id AND feedback.shared_at IS NOT NULL)))"
    };
}

macro_rules! link {
    () => {
        concat!(
            "(links.target_kind = 'feedback' AND EXISTS (SELECT 1 FROM feedback WHERE feedback.id = links.target_id AND ",
            feedback!(),
            "))"
        )
    };
}

/// Feedback is seen by its author, and by its subject once it is shared.
pub const FEEDBACK: &str = feedback!();

/// A link is seen by whoever may see its target.
pub const LINK: &str = link!();

/// A link shows more than its address once somebody who may see the link has opened that pull request's panel, and so has been
/// shown the pull request by Bitbucket. Within the inner statement `viewer` is that somebody.
pub const LINK_SHOWS_DETAILS: &str = concat!(
    "EXISTS (SELECT 1 FROM sightings INNER JOIN members AS viewer ON viewer.id = sightings.member_id \
     WHERE sightings.pull_request_id = links.pull_request_id AND ",
    link!(),
    ")"
);
