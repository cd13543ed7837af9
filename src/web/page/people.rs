//! `/people` and below: who belongs to the workspace, who waits to join, and what owners change about a member.

use askama::Template;

use super::{Person, PersonField, Shell, Time};

/// `/people`: everybody by name, found by part of it.
#[derive(Template)]
#[template(path = "web/people.html")]
pub struct PeoplePage {
    /// What stands around it.
    pub shell: Shell,
    /// What is searched for; empty for everybody.
    pub find: String,
    /// One page of members.
    pub members: Vec<ColleagueRow>,
    /// The last member of this page, when there are more.
    pub next: Option<String>,
    /// Whether this is not the first page.
    pub is_later_page: bool,
    /// What owners see beside the members.
    pub owner: Option<OwnersPart>,
}

/// What owners see on `/people` beside the members.
pub struct OwnersPart {
    /// Those who wait to join, the newest first.
    pub waiting: Vec<WaitingRow>,
    /// How many wait.
    pub waiting_count: i64,
    /// The invitation just made.
    pub invited: Option<SignInLink>,
    /// What the form that invites is filled with.
    pub form: MemberForm,
}

/// A member in the list.
pub struct ColleagueRow {
    /// The member; the e-mail address is empty where it is not shown.
    pub person: Person,
    /// The path of the member's page, for owners.
    pub href: Option<String>,
    /// Whether they own the workspace.
    pub is_owner: bool,
    /// Whether it is who looks.
    pub is_you: bool,
    /// Who leads them, by name.
    pub manager: Option<String>,
}

/// Somebody who asked to join.
pub struct WaitingRow {
    /// The path of the page that decides.
    pub href: String,
    /// What they say they are called.
    pub name: String,
    /// What they say their address is.
    pub email: String,
    /// Their Bitbucket account.
    pub account: String,
    /// Where the pull request they asked from is.
    pub pull_request: Address,
    /// When.
    pub asked: Time,
}

/// An address at Bitbucket.
pub struct Address(pub String);

impl Address {
    fn href(&self) -> &str {
        &self.0
    }

    /// Without its scheme and host, as people read it.
    fn path(&self) -> &str {
        self.0.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or(&self.0, |(_, path)| path)
    }
}

/// A one-time link, shown this once.
pub struct SignInLink {
    /// Whom it signs in.
    pub name: String,
    /// What happened, in a sentence.
    pub happened: String,
    /// The whole address.
    pub url: String,
}

/// The fields of somebody who is to be a member.
#[derive(Default)]
pub struct MemberForm {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// Whether they are to own the workspace.
    pub is_owner: bool,
    /// What is wrong.
    pub wrong: Wrong,
}

/// Which field of a form is wrong, and what to do about it.
#[derive(Default)]
pub struct Wrong(Option<(&'static str, String)>);

impl Wrong {
    /// `sentence` about the field with this name.
    pub fn new(field: &'static str, sentence: impl Into<String>) -> Self {
        Self(Some((field, sentence.into())))
    }

    /// What is said about the field with this name.
    pub fn at(&self, field: &str) -> Option<&str> {
        self.0.as_ref().filter(|(wrong, _)| *wrong == field).map(|(_, sentence)| sentence.as_str())
    }
}

/// `/people/{id}`: a member, for owners.
#[derive(Template)]
#[template(path = "web/member.html")]
pub struct MemberPage {
    /// What stands around it.
    pub shell: Shell,
    /// The member, with the e-mail address.
    pub person: Person,
    /// The path of this page.
    pub href: String,
    /// Whether they own the workspace.
    pub is_owner: bool,
    /// Whether it is who looks.
    pub is_you: bool,
    /// Their Bitbucket account, in words.
    pub account: String,
    /// Since when they are a member.
    pub joined: Time,
    /// Who leads them.
    pub manager: PersonField,
    /// The link just made.
    pub link: Option<SignInLink>,
    /// Whether they have signed in, after which nobody makes them a link.
    pub has_signed_in: bool,
    /// What is wrong.
    pub wrong: Wrong,
}

/// `/people/{id}/remove`: what removing does, and the button.
#[derive(Template)]
#[template(path = "web/remove_member.html")]
pub struct RemoveMemberPage {
    /// What stands around it.
    pub shell: Shell,
    /// Whom.
    pub name: String,
    /// The path of the member's page.
    pub href: String,
    /// Whether it is who looks.
    pub is_you: bool,
    /// What they have open, in words; none when there is nothing.
    pub open: Option<String>,
    /// Who takes over.
    pub successor: PersonField,
    /// What is wrong.
    pub wrong: Wrong,
}

/// `/people/joining/{id}`: somebody who asked to join, to let in or not.
#[derive(Template)]
#[template(path = "web/join_request.html")]
pub struct JoinRequestPage {
    /// What stands around it.
    pub shell: Shell,
    /// What is asked.
    pub request: WaitingRow,
    /// The form that lets them in.
    pub form: MemberForm,
    /// The path of the member who has the address already.
    pub known: Option<String>,
}
