//! Workspaces and the people in them.

/// Where repositories live and apps are installed.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// In braces.
    pub uuid: String,
    /// The first segment of every address inside.
    pub slug: String,
    /// For people to read.
    pub name: String,
    /// A person's own workspace: it has the UUID of that person, and its lifecycle payload has no `username`.
    pub personal: bool,
}

/// A person with an Atlassian account.
#[derive(Clone, Debug)]
pub struct User {
    /// Atlassian's id of the account.
    pub account_id: String,
    /// Bitbucket's id of the account, in braces.
    pub uuid: String,
    /// For people to read.
    pub display_name: String,
}

/// An e-mail address of a person.
#[derive(Clone, Debug)]
pub struct Email {
    /// Whose.
    pub account_id: String,
    /// The address.
    pub address: String,
    /// Whether its owner has proven that it is theirs.
    pub is_confirmed: bool,
    /// Whether mail goes to it.
    pub is_primary: bool,
}
