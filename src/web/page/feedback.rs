//! `/feedback` and `/feedback/{id}`: feedback items, who may see them, and their pull requests.

use askama::Template;

use super::{Person, Shell};

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
    pub pull_requests: Vec<PullRequest>,
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

/// A pull request that is attached to an item.
pub struct PullRequest {
    /// Its address at Bitbucket, a checked https URL.
    pub url: String,
    /// What may be shown of it.
    pub known: Known,
    /// Who attached it: a name, or "you".
    pub attached_by: String,
    /// When, in words.
    pub attached_at: String,
    /// The note; empty when there is none.
    pub note: String,
    /// Where Detach posts to; only on the member's own links.
    pub detach_action: Option<String>,
}

/// What may be shown of a pull request.
pub enum Known {
    /// Its details.
    Details {
        /// Its title.
        title: String,
        /// Its state.
        state: PullRequestState,
        /// Short facts: "payments-api #482", "by Priya Raman", "updated 2 hours ago".
        facts: Vec<String>,
    },
    /// Only its address, because nobody who may see it has opened its panel.
    AddressOnly,
}

/// The state of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullRequestState {
    /// OPEN
    Open,
    /// MERGED
    Merged,
    /// DECLINED
    Declined,
    /// SUPERSEDED
    Superseded,
}

impl PullRequestState {
    fn word(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Merged => "Merged",
            Self::Declined => "Declined",
            Self::Superseded => "Superseded",
        }
    }

    fn tone(self) -> &'static str {
        match self {
            Self::Open => "info",
            Self::Merged => "success",
            Self::Declined => "danger",
            Self::Superseded => "quiet",
        }
    }
}

impl Known {
    fn icon(&self) -> &'static str {
        match self {
            Self::Details { state, .. } => match state {
                PullRequestState::Open => "open",
                PullRequestState::Merged => "merged",
                PullRequestState::Declined => "declined",
                PullRequestState::Superseded => "pull-request",
            },
            Self::AddressOnly => "locked",
        }
    }
}

impl PullRequest {
    /// The address without its scheme and host, as people read it.
    fn address(&self) -> &str {
        self.url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or(&self.url, |(_, path)| path)
    }

    fn name(&self) -> &str {
        match &self.known {
            Known::Details { title, .. } => title,
            Known::AddressOnly => self.address(),
        }
    }
}
