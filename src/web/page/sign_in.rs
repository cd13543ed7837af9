//! The pages before there is a session: how to get a sign-in link, and what opening one shows.

use askama::Template;

use super::Person;

/// `/sign-in`: how to get a link.
#[derive(Template)]
#[template(path = "web/sign_in.html")]
pub struct SignInPage {
    /// Why the link just opened did not work.
    pub problem: Option<LinkProblem>,
}

/// Why a sign-in link does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkProblem {
    /// It was used before.
    Used,
    /// It is older than 24 hours.
    Expired,
    /// There is no such link.
    Unknown,
}

impl LinkProblem {
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Used => "This link has been used already.",
            Self::Expired => "This link is too old.",
            Self::Unknown => "This link is not complete or not ours.",
        }
    }
}

/// What a sign-in link leads to: it names the workspace and the person, and signs in only when the button is pressed, because
/// mail programs open links too.
#[derive(Template)]
#[template(path = "web/one_time_link.html")]
pub struct OneTimeLinkPage {
    /// The name of the ClarityLoop workspace.
    pub workspace: String,
    /// Whom the link signs in, with the e-mail address.
    pub person: Person,
    /// Where the button posts to.
    pub action: String,
    /// What the form sends as `csrf`.
    pub csrf: String,
}
