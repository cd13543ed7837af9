//! `/feedback` and `/feedback/{id}`: feedback items, who may see them, and their pull requests.

use askama::Template;

use super::{Person, PersonField, PullRequests, SharedWorkCard, Shell, Time};

/// `/feedback`: every item the member may see, or one part of it.
#[derive(Template)]
#[template(path = "web/feedback_list.html")]
pub struct FeedbackList {
    /// What stands around it.
    pub shell: Shell,
    /// The parts that are not empty.
    pub sections: Vec<FeedbackSection>,
    /// Whom a new draft can be about; the form posts to `/feedback` as `about`.
    pub about: PersonField,
}

/// A part of the list.
pub struct FeedbackSection {
    /// Names it in the page.
    pub id: &'static str,
    /// "Your drafts".
    pub heading: &'static str,
    /// Its newest items, or a later page of them.
    pub rows: Vec<FeedbackRow>,
    /// Where older ones are.
    pub older_href: Option<String>,
    /// Where the whole list is, when this is a later page.
    pub newest_href: Option<String>,
}

/// An item in a list: person and dates, never its text.
pub struct FeedbackRow {
    /// The path of its page.
    pub href: String,
    /// "Feedback for Priya Raman".
    pub title: String,
    /// When it was shared; a draft until then.
    pub shared_at: Option<Time>,
    /// When it was begun.
    pub begun_at: Time,
    /// Who sees it, to follow "seen by".
    pub seen_by: String,
}

/// `/feedback/{id}`.
#[derive(Template)]
#[template(path = "web/feedback.html")]
pub struct FeedbackPage {
    /// What stands around it.
    pub shell: Shell,
    /// "Feedback for Priya Raman".
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// When it was begun.
    pub begun_at: Time,
    /// When it was shared; a draft until then.
    pub shared_at: Option<Time>,
    /// Its text; empty in a draft that was begun in the panel.
    pub body: String,
    /// How its author changes it; absent for everybody else, and once it is shared.
    pub edit: Option<EditFeedback>,
    /// A text that could not be saved, because the item was shared meanwhile.
    pub unsaved: Option<String>,
    /// Who may see it.
    pub readers: Vec<Reader>,
    /// How to share it; absent when there is nobody left to share it with, or it is not the member's own.
    pub share: Option<Share>,
    /// What is attached to it.
    pub pull_requests: PullRequests,
    /// The work that its two people share; absent for the manager it was shared with.
    pub shared_work: Option<SharedWorkCard>,
}

/// The forms of a draft.
pub struct EditFeedback {
    /// Where a changed text is posted to as `body`.
    pub action: String,
    /// What is wrong with the text that was typed.
    pub wrong: Option<String>,
    /// The page that asks before it deletes the draft.
    pub withdraw_href: String,
}

/// Somebody who may see an item.
pub struct Reader {
    /// The member.
    pub person: Person,
    /// Why: "wrote it".
    pub why: String,
}

/// The form that shares an item; it sends `manager`, the id of the one to share it with too.
pub struct Share {
    /// Where it posts to.
    pub action: String,
    /// Whom it is about, by name.
    pub subject: String,
    /// Whether the subject sees it already.
    pub is_shared: bool,
    /// The subject's manager, by id and name.
    pub manager: Option<(String, String)>,
    /// Whether the manager was chosen.
    pub is_manager_chosen: bool,
    /// What is wrong with the choice.
    pub wrong: Option<String>,
}

/// `/feedback/{id}/withdraw`: asks before a draft is deleted. The form posts to the same address.
#[derive(Template)]
#[template(path = "web/feedback_withdraw.html")]
pub struct WithdrawFeedback {
    /// What stands around it.
    pub shell: Shell,
    /// Whom the draft is about.
    pub subject: String,
    /// The draft's page.
    pub href: String,
    /// How many pull requests go with it: "3 pull requests".
    pub links: Option<String>,
}
