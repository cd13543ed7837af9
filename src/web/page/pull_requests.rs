//! The pull requests of a conversation: the card on its page, and the page of all of them.

use askama::Template;

use super::{Shell, Time};

/// `/…/{id}/links`: the pull requests of one conversation.
#[derive(Template)]
#[template(path = "web/conversation_links.html")]
pub struct ConversationLinksPage {
    /// What stands around it.
    pub shell: Shell,
    /// "Feedback".
    pub list: String,
    /// Where that list is.
    pub list_href: String,
    /// "Feedback for Priya Raman".
    pub title: String,
    /// The conversation's page.
    pub href: String,
    /// What is attached to it.
    pub pull_requests: PullRequests,
}

/// The card "Pull requests". A page has it as its field `pull_requests` and includes `web/pull_requests.html`.
pub struct PullRequests {
    /// One page of them, the newest first.
    pub rows: Vec<PullRequest>,
    /// Where the newest are, on a later page.
    pub newest_href: Option<String>,
    /// Where older ones are.
    pub older_href: Option<String>,
    /// What came of the last press of a button.
    pub said: Option<Said>,
    /// How to attach one; absent when the member may not.
    pub attach: Option<AttachForm>,
}

/// What came of the last press of a button.
pub enum Said {
    /// A pull request was attached.
    Attached,
    /// One was taken away.
    Detached {
        /// Its address at Bitbucket.
        url: String,
        /// Where Attach again posts to.
        action: String,
    },
}

/// The form that attaches a pull request by its address; it sends `url` and `note`.
pub struct AttachForm {
    /// Where it posts to.
    pub action: String,
    /// What an address looks like.
    pub example: String,
    /// What was typed.
    pub url: String,
    /// What was typed.
    pub note: String,
    /// Which field is wrong.
    pub wrong: Option<WrongLink>,
}

/// A field of [`AttachForm`], with what is wrong with it and what to do.
pub enum WrongLink {
    /// The address.
    Url(String),
    /// The note.
    Note(String),
}

impl AttachForm {
    /// What is wrong with the address.
    pub fn wrong_url(&self) -> Option<&str> {
        match &self.wrong {
            Some(WrongLink::Url(sentence)) => Some(sentence),
            _ => None,
        }
    }

    /// What is wrong with the note.
    pub fn wrong_note(&self) -> Option<&str> {
        match &self.wrong {
            Some(WrongLink::Note(sentence)) => Some(sentence),
            _ => None,
        }
    }
}

/// A pull request that is attached to an item.
pub struct PullRequest {
    /// Its address at Bitbucket, a checked https URL.
    pub url: String,
    /// What may be shown of it.
    pub known: Known,
    /// Why no more is shown, or why it may be out of date.
    pub remark: Option<&'static str>,
    /// Who attached it: a name, or "you".
    pub attached_by: String,
    /// When.
    pub attached_at: Time,
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
        /// Short facts: "payments-api #482", "by Priya Raman", "2 of 3 reviewers approved".
        facts: Vec<String>,
    },
    /// Only its address.
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
    /// Not known yet.
    Unknown,
}

impl PullRequestState {
    /// The state in a word; empty when it is not known.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Merged => "Merged",
            Self::Declined => "Declined",
            Self::Superseded => "Superseded",
            Self::Unknown => "",
        }
    }

    /// The name of its icon.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Declined => "declined",
            Self::Superseded | Self::Unknown => "pull-request",
        }
    }

    /// The class of its lozenge, after `is-`.
    pub fn tone(self) -> &'static str {
        match self {
            Self::Open => "info",
            Self::Merged => "success",
            Self::Declined => "danger",
            Self::Superseded | Self::Unknown => "quiet",
        }
    }
}

impl Known {
    /// The name of its icon.
    pub fn icon(&self) -> &'static str {
        match self {
            Self::Details { state, .. } => state.icon(),
            Self::AddressOnly => "locked",
        }
    }
}

/// An address without its scheme and host, as people read it.
pub fn address_of(url: &str) -> &str {
    url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or(url, |(_, path)| path)
}

impl PullRequest {
    /// Its address, as people read it.
    pub fn address(&self) -> &str {
        address_of(&self.url)
    }

    /// What it is called, as far as may be shown.
    pub fn name(&self) -> &str {
        match &self.known {
            Known::Details { title, .. } => title,
            Known::AddressOnly => self.address(),
        }
    }
}
