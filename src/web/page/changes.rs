//! `…/changes`: what owners allow to be changed at Bitbucket by API.

use askama::Template;

use super::Shell;

/// The page.
#[derive(Template)]
#[template(path = "web/settings/changes.html")]
pub struct ChangesPage {
    /// What stands around it.
    pub shell: Shell,
    /// The groups that have operations which change something.
    pub groups: Vec<GroupOfChanges>,
}

/// A group of operations.
pub struct GroupOfChanges {
    /// Its word.
    pub word: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Whether it can be allowed as a whole.
    pub can_be_whole: bool,
    /// Whether it is.
    pub is_whole: bool,
    /// How many of its operations are ticked one by one, and one more for the whole.
    pub count: usize,
    /// Whether the list of operations is open: something in it is ticked.
    pub is_open: bool,
    /// Its operations that change something.
    pub operations: Vec<ChangeChoice>,
}

/// An operation to tick.
pub struct ChangeChoice {
    /// Method and path.
    pub key: String,
    /// What it does.
    pub summary: &'static str,
    /// Whether it deletes, or cannot be taken back.
    pub is_destructive: bool,
    /// Whether Atlassian is about to take it away.
    pub is_deprecated: bool,
    /// Whether it is ticked.
    pub is_chosen: bool,
}
