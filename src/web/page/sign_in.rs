//! The pages before there is a session: the ways in, what opening a link shows, and choosing one of several workspaces.

use askama::Template;

use super::Person;

/// `/sign-in`: the ways in.
#[derive(Template)]
#[template(path = "web/sign_in.html")]
pub struct SignInPage {
    /// Why the way just taken did not lead in.
    pub problem: Option<Problem>,
    /// Whether one way is Bitbucket.
    pub has_bitbucket: bool,
}

/// Why somebody is not signed in.
pub struct Problem {
    /// What is the matter, in one sentence.
    pub sentence: String,
    /// What to do next.
    pub next_step: String,
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

/// The way to Bitbucket: the browser goes on by itself, and a link stands there if it does not.
#[derive(Template)]
#[template(path = "web/to_bitbucket.html")]
pub struct ToBitbucketPage {
    /// Where Bitbucket asks for consent.
    pub address: String,
}

/// As whom to sign in, for somebody whom several workspaces know.
#[derive(Template)]
#[template(path = "web/choose_workspace.html")]
pub struct ChooseWorkspacePage {
    /// Whom they may sign in as.
    pub choices: Vec<WorkspaceChoice>,
    /// What the forms send as `csrf`.
    pub csrf: String,
}

/// One of several workspaces.
pub struct WorkspaceChoice {
    /// Its name.
    pub workspace: String,
    /// Who one is in it.
    pub person: Person,
    /// What the form sends as `member`.
    pub member: String,
}
