//! `/profile`: who is signed in, and the Bitbucket account that belongs to them.

use askama::Template;

use super::Shell;

/// `/profile`. Its forms post to `/profile/code`, `/profile/account/remove` and `/sign-out`.
#[derive(Template)]
#[template(path = "web/profile.html")]
pub struct ProfilePage {
    /// What stands around it; its member carries the e-mail address.
    pub shell: Shell,
    /// The member's role in words: "Owner", "Member".
    pub role: String,
    /// The member's Bitbucket account.
    pub account: Account,
    /// The code just made. It is shown once, on the answer to the press of the button.
    pub code: Option<LinkCode>,
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
    /// One that the member linked with a code.
    Linked {
        /// Its name in Bitbucket, or its id.
        account: String,
        /// Since when and how: "3 Nov 2026, with a code".
        since: String,
    },
}

/// A code that links the account.
pub struct LinkCode {
    /// As it is typed: `ABCD-2345`.
    pub code: String,
    /// When it ends, with the zone: "10:42 UTC, in 10 minutes".
    pub until: String,
}
