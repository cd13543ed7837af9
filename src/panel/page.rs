//! What the panel shows in each of its states, as plain values, and the templates that draw them; for the doors of the panel.
//!
//! The same body serves every door: forms post to the actions that the view names. They send `token`, where there is one, and, by form, `code`;
//! `target`, `about` or `about_email`, `note`; or `link`. Without the script a form answers with a whole page; with it the script
//! takes the element of class `panel-body` out of that same answer. Views are not `Debug`: some carry tokens.

mod day;
mod form;
mod join;

use askama::Template;

pub use day::{Day, Made, When, date};
pub use form::{About, Form, Person, Target, Typed, Wrong};
pub use join::{Join, TypedJoin, WrongJoin};

/// Bytes to reserve for a page: enough for most, so that drawing one allocates once.
const USUAL_PAGE_BYTES: usize = 12 * 1024;

/// The panel in one of its states.
pub enum State {
    /// The viewer's Bitbucket account belongs to no member: one screen that asks for the code.
    Unknown(Unknown),
    /// The viewer is a member: what is attached, and the form.
    Attach(Attach),
    /// The viewer has hidden the panel for themselves.
    Hidden(ShowAgain),
    /// The installation is not confirmed by a ClarityLoop workspace.
    Waiting(Waiting),
    /// PR Quick Action is switched off.
    Off {
        /// The slug of the Bitbucket workspace.
        bitbucket_workspace: String,
    },
    /// The panel token has expired.
    Expired {
        /// What was typed; empty when nothing was.
        note: String,
    },
    /// The request cannot be served.
    Refused(Refused),
    /// Bitbucket named no viewer: somebody who is not signed in there.
    NoPerson,
}

/// The screen that asks an unknown person for the code from their profile.
pub struct Unknown {
    /// Where the code form posts to.
    pub action: String,
    /// The panel token; empty where each call is proven by itself.
    pub token: String,
    /// The absolute address of the profile page.
    pub profile_url: String,
    /// What was wrong with the code just sent.
    pub problem: Option<CodeProblem>,
    /// The way of somebody who has no code to get.
    pub join: Join,
    /// Where "Hide this panel for me" posts to.
    pub hide_action: String,
}

/// The one line that a hidden panel shows.
pub struct ShowAgain {
    /// Where "Show it again" posts to.
    pub action: String,
    /// The panel token; empty where each call is proven by itself.
    pub token: String,
}

/// Why a code did not link the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeProblem {
    /// No such code, or it was used, or it is older than 10 minutes: one answer, so that codes cannot be told apart by trying.
    NotValid,
    /// Too many wrong codes were sent for this account.
    TooManyTries,
    /// The member who made the code has another Bitbucket account, and nothing replaces a binding silently.
    MemberHasAnother,
    /// The Bitbucket account belongs to another member.
    AccountTaken,
}

impl CodeProblem {
    /// What is wrong and what to do, in words.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NotValid => "This code is wrong, used or too old. Get a new one and type it here.",
            Self::TooManyTries => "Too many wrong codes. Wait 10 minutes, then get a new one.",
            Self::MemberHasAnother => {
                "The member who made this code has another Bitbucket account. Unlink it on the profile first."
            }
            Self::AccountTaken => "This Bitbucket account is linked to another member. They or an owner must unlink it first.",
        }
    }
}

/// What is attached already, and the form that attaches more.
pub struct Attach {
    /// The panel token, which every form carries; empty where each call is proven by itself.
    pub token: String,
    /// What came of the last press of a button.
    pub banner: Option<Banner>,
    /// The links on this pull request that the viewer may see.
    pub links: Vec<Link>,
    /// The form; absent while it is folded behind "Add to something else".
    pub form: Option<Form>,
    /// Where that button posts to.
    pub form_action: String,
    /// Where "Hide this panel for me" posts to.
    pub hide_action: String,
}

/// What came of the last press of a button, in a sentence.
pub struct Banner {
    /// Its colour, icon and role.
    pub tone: Tone,
    /// What happened.
    pub strong: String,
    /// What that means, or what to do next.
    pub text: String,
}

impl Banner {
    /// The link to `title` is stored.
    pub fn saved(title: &str, seen_by: &str) -> Self {
        Self { tone: Tone::Success, strong: format!("Saved to {title}."), text: format!("Seen by {seen_by}.") }
    }

    /// The link to `title` is taken away again.
    pub fn removed(title: &str) -> Self {
        Self { tone: Tone::Success, strong: format!("Removed from {title}."), text: String::new() }
    }

    /// Nothing is stored; `next_step` says what to do. What was typed stays in the form.
    pub fn not_saved(next_step: impl Into<String>) -> Self {
        Self { tone: Tone::Danger, strong: "Not saved.".to_owned(), text: next_step.into() }
    }
}

/// How a banner looks and how it is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It is done.
    Success,
    /// It did not work.
    Danger,
    /// Something needs attention.
    Warning,
    /// Good to know.
    Info,
}

impl Tone {
    /// The name of its class (`is-…`) and of its icon.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Danger => "danger",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// Whether a screen reader says it at once (`alert`) or in its turn (`status`).
    pub fn role(self) -> &'static str {
        match self {
            Self::Danger | Self::Warning => "alert",
            Self::Success | Self::Info => "status",
        }
    }
}

/// What a pull request can be attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A feedback item.
    Feedback,
    /// A conversation of two people.
    OneOnOne,
    /// A request for feedback.
    Request,
    /// A goal.
    Goal,
}

impl Kind {
    /// Its stable name, which is also the name of its icon.
    pub fn name(self) -> &'static str {
        match self {
            Self::Feedback => "feedback",
            Self::OneOnOne => "one_on_one",
            Self::Request => "request",
            Self::Goal => "goal",
        }
    }

    /// The heading of its group.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Feedback => "Feedback",
            Self::OneOnOne => "1:1s",
            Self::Request => "Requests",
            Self::Goal => "Goals",
        }
    }
}

/// One place where this pull request is attached.
pub struct Link {
    /// The kind of the place.
    pub kind: Kind,
    /// Kind, person and date, never a text of the place: people share their screens.
    pub title: String,
    /// The absolute address of the place.
    pub href: String,
    /// Who made the link: a name, or "you".
    pub by: String,
    /// When.
    pub at: Made,
    /// Who sees it, to follow "seen by".
    pub seen_by: String,
    /// The note, shown when opened; empty when there is none.
    pub note: String,
    /// How to take it away; only on the viewer's own links.
    pub undo: Option<Undo>,
}

/// How a link is taken away.
pub struct Undo {
    /// Where the button posts to.
    pub action: String,
    /// The link's id, sent as `link` for doors whose path does not name it.
    pub link_id: String,
}

/// An installation that no owner has confirmed.
pub struct Waiting {
    /// The slug of the Bitbucket workspace, or its name where it has no slug.
    pub bitbucket_workspace: String,
    /// Who can confirm it; absent when no ClarityLoop workspace has claimed it.
    pub claimed_by: Option<Claimant>,
}

/// The ClarityLoop workspace whose owners can confirm an installation.
pub struct Claimant {
    /// Its name.
    pub workspace: String,
    /// Some of its owners, by name.
    pub owners: Vec<String>,
}

/// A request that cannot be served, in a sentence.
pub struct Refused {
    /// What is the matter.
    pub sentence: String,
    /// What to do next.
    pub next_step: String,
    /// What was typed; empty when nothing was.
    pub note: String,
    /// The id under which the log has more.
    pub request_id: Option<String>,
}

/// Who shows the panel.
pub enum Host<'a> {
    /// Bitbucket, in an iframe: a whole document.
    Connect(ConnectFrame<'a>),
    /// A page that has a frame, a style sheet and the icons already: the body alone.
    BodyOnly,
}

/// What the document in Bitbucket's iframe loads.
#[derive(Clone, Copy, Debug)]
pub struct ConnectFrame<'a> {
    /// The path of `tokens.css`.
    pub tokens: &'a str,
    /// The path of `looks.css`.
    pub looks: &'a str,
    /// The path of `panel.js`.
    pub script: &'a str,
    /// Bitbucket's host script, `{web_url}/atlassian-connect/all.js`, which sizes the iframe to the element of class `ac-content`.
    pub host_script: &'a str,
}

/// Draws the panel as HTML.
///
/// # Errors
///
/// Never in practice: writing to memory does not fail.
pub fn render(state: &State, host: &Host<'_>) -> askama::Result<String> {
    let mut html = String::with_capacity(USUAL_PAGE_BYTES);
    match host {
        Host::Connect(frame) => Page { frame, state }.render_into(&mut html)?,
        Host::BodyOnly => Body { state }.render_into(&mut html)?,
    }
    Ok(html)
}

#[derive(Template)]
#[template(path = "panel/page.html")]
struct Page<'a> {
    frame: &'a ConnectFrame<'a>,
    state: &'a State,
}

#[derive(Template)]
#[template(path = "panel/body.html")]
struct Body<'a> {
    state: &'a State,
}

#[cfg(test)]
mod tests;
