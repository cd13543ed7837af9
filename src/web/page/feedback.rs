//! `/feedback` and `/feedback/{id}`: feedback items, who may see them, and their pull requests.

use askama::Template;

use super::{Person, PullRequests, Shell};

/// `/feedback`: every item the member may see. Empty lists are left out.
#[derive(Template)]
#[template(path = "web/feedback_list.html")]
pub struct FeedbackList {
    /// What stands around it.
    pub shell: Shell,
    /// The member's own drafts.
    pub drafts: Vec<FeedbackRow>,
    /// What others shared about the member.
    pub about_you: Vec<FeedbackRow>,
    /// What the member wrote and shared.
    pub shared: Vec<FeedbackRow>,
}

/// An item in a list: person and dates, never its text.
pub struct FeedbackRow {
    /// The path of its page.
    pub href: String,
    /// "Feedback for Priya Raman".
    pub title: String,
    /// Short facts: "started 6 Nov", "seen by only you", "2 pull requests".
    pub facts: Vec<String>,
}

struct Section<'a> {
    id: &'static str,
    heading: &'static str,
    rows: &'a [FeedbackRow],
}

impl FeedbackList {
    fn sections(&self) -> impl Iterator<Item = Section<'_>> {
        let all = [
            ("drafts", "Your drafts", &self.drafts),
            ("about-you", "About you", &self.about_you),
            ("shared", "Shared by you", &self.shared),
        ];
        all.into_iter().filter(|(.., rows)| !rows.is_empty()).map(|(id, heading, rows)| Section { id, heading, rows })
    }
}

/// `/feedback/{id}`.
#[derive(Template)]
#[template(path = "web/feedback.html")]
pub struct FeedbackPage {
    /// What stands around it.
    pub shell: Shell,
    /// "Feedback for Priya Raman".
    pub title: String,
    /// Whether the person it is about may see it.
    pub is_shared: bool,
    /// Short facts: "by Amara Okafor", "started 12 Nov 2026".
    pub facts: Vec<String>,
    /// Its text; empty in a draft that was begun in the panel.
    pub body: String,
    /// Where a changed text is posted to as `body`; absent when the member may not change it.
    pub edit_action: Option<String>,
    /// Who may see it.
    pub readers: Vec<Reader>,
    /// How to share it; absent when it is shared or not the member's own.
    pub share: Option<Share>,
    /// What is attached to it.
    pub pull_requests: PullRequests,
}

/// Somebody who may see an item.
pub struct Reader {
    /// The member.
    pub person: Person,
    /// Why: "you wrote it".
    pub why: String,
}

/// The button that shares an item.
pub struct Share {
    /// Where it posts to.
    pub action: String,
    /// With whom, by name.
    pub with: String,
    /// What it does: "Priya Raman will see the text, the pull requests and your notes."
    pub consequence: String,
}
