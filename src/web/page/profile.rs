//! `/profile`: who is signed in, and the Bitbucket account that belongs to them.

use askama::Template;

use super::{Shell, Time};

/// `/profile`. Its forms post to `/profile/code`, `/profile/account/remove`, `/profile/sessions/…` and `/sign-out`.
#[derive(Template)]
#[template(path = "web/profile.html")]
pub struct ProfilePage {
    /// What stands around it; its member carries the e-mail address.
    pub shell: Shell,
    /// The member's role in words: "Owner", "Member".
    pub role: String,
    /// The member's Bitbucket account.
    pub account: Account,
    /// Whether signing in with Bitbucket confirms an account, too.
    pub has_bitbucket: bool,
    /// The code just made. It is shown once, on the answer to the press of the button.
    pub code: Option<LinkCode>,
    /// Where the member is signed in, the newest first.
    pub sessions: Vec<SessionRow>,
    /// How many API tokens the member has.
    pub tokens: usize,
    /// The member's own grants at Bitbucket, given or not: the one that reads, and the one that writes.
    pub grants: Vec<OwnGrant>,
}

/// A member's own grant at Bitbucket, given or not.
pub struct OwnGrant {
    /// The word of its purpose, which its forms send.
    pub word: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// What it is for.
    pub what: &'static str,
    /// The scopes that it asks for, separated by blanks.
    pub asked: String,
    /// Whether it is given.
    pub is_given: bool,
    /// Whether Bitbucket takes it.
    pub is_well: bool,
    /// Since when there is one.
    pub since: Option<Time>,
    /// The scopes that Bitbucket gave, separated by blanks.
    pub scopes: String,
}

impl ProfilePage {
    pub(super) fn has_other_sessions(&self) -> bool {
        self.sessions.iter().any(|session| !session.is_this)
    }
}

/// A browser in which the member is signed in.
pub struct SessionRow {
    /// The session's id.
    pub id: String,
    /// The browser: "Firefox on Linux".
    pub browser: String,
    /// Since when.
    pub since: Time,
    /// Whether it is the one that looks.
    pub is_this: bool,
}

/// Which Bitbucket account belongs to the member.
pub enum Account {
    /// None.
    None,
    /// One that an owner aligned; the member has not confirmed it.
    Aligned {
        /// Its name in Bitbucket, or its id.
        account: String,
        /// The owner's name.
        by: String,
    },
    /// One that the member linked.
    Linked {
        /// Its name in Bitbucket, or its id.
        account: String,
        /// Since when.
        since: Time,
        /// How: "with a code".
        how: &'static str,
    },
}

/// A code that links the account.
pub struct LinkCode {
    /// As it is typed: `ABCD-2345`.
    pub code: String,
    /// When it ends.
    pub until: Time,
}
