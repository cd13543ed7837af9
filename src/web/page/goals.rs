//! `/goals` and below: what members want to reach.

use askama::Template;

use super::{PullRequests, Reader, Shell, Time, WrongField};

/// `/goals`: the member's own, those of the people they lead, and public ones.
#[derive(Template)]
#[template(path = "web/goals.html")]
pub struct GoalList {
    /// What stands around it.
    pub shell: Shell,
    /// Whether closed goals are shown, and not the open ones.
    pub are_closed: bool,
    /// The lists; left out where there are none.
    pub sections: Vec<GoalSection>,
    /// Whether this is a later page of one section, with the way back.
    pub is_later_page: bool,
}

/// Goals of one group of people.
pub struct GoalSection {
    /// Its id on the page.
    pub id: &'static str,
    /// "Yours", "Of people you lead", "Public".
    pub heading: &'static str,
    /// One page of them.
    pub rows: Vec<GoalRow>,
    /// Where the next page is.
    pub more_href: Option<String>,
}

/// A goal in a list.
pub struct GoalRow {
    /// The path of its page.
    pub href: String,
    /// What it is called.
    pub title: String,
    /// Whose it is; absent on the member's own.
    pub owner: Option<String>,
    /// How far it is, in percent.
    pub progress: i32,
    /// Until when.
    pub due_on: Option<Time>,
    /// Whether that day has passed.
    pub is_overdue: bool,
    /// Whether the whole workspace sees it.
    pub is_public: bool,
}

/// `/goals/{id}`.
#[derive(Template)]
#[template(path = "web/goal.html")]
pub struct GoalPage {
    /// What stands around it.
    pub shell: Shell,
    /// The path of this page, which its forms post below.
    pub href: String,
    /// What it is called.
    pub title: String,
    /// Whose it is: a name, or "you".
    pub owner: String,
    /// Why it matters.
    pub why: String,
    /// How far it is, in percent.
    pub progress: i32,
    /// Until when.
    pub due_on: Option<Time>,
    /// Whether that day has passed.
    pub is_overdue: bool,
    /// When it was set.
    pub set_on: Time,
    /// When it was closed.
    pub closed_on: Option<Time>,
    /// Whether the whole workspace sees it.
    pub is_public: bool,
    /// Who sees it when not everybody does.
    pub readers: Vec<Reader>,
    /// Whether it is the member's own, and so theirs to change.
    pub is_own: bool,
    /// What was typed as its progress.
    pub typed_progress: String,
    /// What is wrong with that.
    pub wrong: WrongField,
    /// What is attached to it.
    pub pull_requests: PullRequests,
}

/// `/goals/new` and `/goals/{id}/change`: the form of a goal.
#[derive(Template)]
#[template(path = "web/goal_form.html")]
pub struct GoalForm {
    /// What stands around it.
    pub shell: Shell,
    /// The goal's page; absent while it is new.
    pub href: Option<String>,
    /// The title in the field.
    pub title: String,
    /// The reason in the field.
    pub why: String,
    /// The day in the field.
    pub due_on: String,
    /// The progress in the field, while it is new.
    pub progress: String,
    /// Whether the whole workspace is to see it.
    pub is_public: bool,
    /// What is wrong.
    pub wrong: WrongField,
}

/// `/goals/{id}/remove`: what deleting does, and the button.
#[derive(Template)]
#[template(path = "web/goal_remove.html")]
pub struct GoalRemovePage {
    /// What stands around it.
    pub shell: Shell,
    /// The goal's page.
    pub href: String,
    /// What it is called.
    pub title: String,
}
