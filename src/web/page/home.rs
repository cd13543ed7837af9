//! `/`: what waits for the member.

use askama::Template;

use super::{FeedbackRow, RequestRow, Shell, Time};

/// `/`. Lists are the first few of each; the pages they lead to have the rest.
#[derive(Template)]
#[template(path = "web/home.html")]
pub struct HomePage {
    /// What stands around it.
    pub shell: Shell,
    /// The day it is.
    pub today: Time,
    /// What only owners see to.
    pub owner: Option<OwnerTasks>,
    /// Whether the member's Bitbucket account is linked; if not, the page says how.
    pub bitbucket_linked: bool,
    /// Requests that wait for the member's answer, the first due on top.
    pub to_answer: Vec<RequestRow>,
    /// How many there are.
    pub to_answer_count: i64,
    /// 1:1s of the next days, the next one on top.
    pub meetings: Vec<MeetingRow>,
    /// The member's drafts.
    pub drafts: Vec<FeedbackRow>,
    /// Whether there are more.
    pub has_more_drafts: bool,
    /// Pull requests the member attached lately.
    pub attached: Vec<AttachedRow>,
    /// Where Bitbucket is.
    pub bitbucket_href: String,
}

/// What waits for an owner.
pub struct OwnerTasks {
    /// Whether no Bitbucket workspace is connected or waits to be.
    pub is_unconnected: bool,
    /// The Bitbucket workspaces that wait for a confirmation.
    pub waiting: Vec<String>,
    /// The connections that need attention, each with what is the matter.
    pub attention: Vec<(String, String)>,
    /// Who asks to join, by the names they gave.
    pub joining: Vec<String>,
    /// Whether more of them ask.
    pub has_more_joining: bool,
    /// How many proposals about repositories wait.
    pub proposals: i64,
}

/// A 1:1 ahead.
pub struct MeetingRow {
    /// The path of its page.
    pub href: String,
    /// With whom.
    pub with: String,
    /// On which day.
    pub on: Time,
    /// "Today", "Tomorrow", "In 3 days".
    pub distance: String,
}

/// A pull request the member attached.
pub struct AttachedRow {
    /// Its title, or its address.
    pub name: String,
    /// The conversation's page.
    pub href: String,
    /// The name of the icon of the conversation's kind.
    pub icon: &'static str,
    /// Where it is attached: "to a 1:1".
    pub place: &'static str,
    /// When.
    pub at: Time,
}

impl HomePage {
    /// Whether nothing of the main lists waits.
    fn is_quiet(&self) -> bool {
        self.to_answer.is_empty() && self.meetings.is_empty() && self.drafts.is_empty()
    }

    fn has_more_to_answer(&self) -> bool {
        usize::try_from(self.to_answer_count).is_ok_and(|count| count > self.to_answer.len())
    }

    /// What is said under the heading.
    fn waiting(&self) -> String {
        match self.to_answer_count {
            0 => "Nobody waits for an answer from you.".to_owned(),
            1 => "One request waits for an answer from you.".to_owned(),
            count => format!("{count} requests wait for an answer from you."),
        }
    }
}
