//! What the pages show, as plain values, and the templates that draw them; for the handlers in `web` and for the error page.
//!
//! Every form sends a hidden field `csrf`. Names and times arrive as they are shown; everything is escaped. Views are not
//! `Debug`: some carry secrets.

mod api;
mod calls;
mod changes;
pub mod connections;
mod feedback;
mod form;
mod goals;
mod home;
mod identities;
mod one_on_ones;
mod people;
mod person_field;
mod profile;
mod pull_requests;
pub mod repositories;
mod requests;
pub mod settings;
mod shared_work;
mod sign_in;
mod time;
mod tokens;

use askama::Template;

pub use api::{ApiPage, Field, FieldTable, Operation, Path};
pub use calls::{CallAnswer, CallChoice, CallPage, CallPlan, CallProblem, ChosenCall, GroupOfCalls, TypedCall};
pub use changes::{ChangeChoice, ChangesPage, GroupOfChanges};
pub use feedback::{EditFeedback, FeedbackList, FeedbackPage, FeedbackRow, FeedbackSection, Reader, Share, WithdrawFeedback};
pub use form::WrongField;
pub use goals::{GoalForm, GoalList, GoalPage, GoalRemovePage, GoalRow, GoalSection};
pub use home::{AttachedRow, HomePage, MeetingRow, OwnerTasks};
pub use identities::{AccountPage, AccountRow, AccountState, IdentitiesPage, Listing, MemberRow, Reading, Tab};
pub use one_on_ones::{
    AgendaItemPage, AgendaRow, OneOnOneChangePage, OneOnOneList, OneOnOnePage, OneOnOneRow, OneOnOneSection, OtherDay, PlanForm,
};
pub use people::{
    Address, ColleagueRow, JoinRequestPage, MemberForm, MemberPage, OwnersPart, PeoplePage, RemoveMemberPage, SignInLink,
    WaitingRow, Wrong,
};
pub use person_field::PersonField;
pub use profile::{Account, LinkCode, OwnGrant, ProfilePage, SessionRow};
pub use pull_requests::{
    AttachForm, ConversationLinksPage, Known, PullRequest, PullRequestState, PullRequests, Said, WrongLink, address_of,
};
pub use requests::{Answer, AskForm, Decide, RequestList, RequestPage, RequestRow, RequestSection, Standing};
pub use shared_work::{SharedRow, SharedWorkCard, Unlinked};
pub use sign_in::{ChooseWorkspacePage, OneTimeLinkPage, Problem, SignInPage, ToBitbucketPage, WorkspaceChoice};
pub use time::Time;
pub use tokens::{LifetimeChoice, MadeToken, RevokeTokenPage, ScopeChoice, TokenForm, TokenRow, TokensPage};

pub use crate::panel::page::{Banner, Tone};

/// What stands around every page of a signed-in member.
pub struct Shell {
    /// The name of the ClarityLoop workspace.
    pub workspace: String,
    /// Who is signed in.
    pub member: Person,
    /// Whether they own the workspace, and so find the settings in the navigation.
    pub is_owner: bool,
    /// What forms send as `csrf`.
    pub csrf: String,
    /// Where in the navigation this page belongs.
    pub place: Place,
    /// What came of the last press of a button.
    pub banner: Option<Banner>,
    /// Whether the viewer's zone is not known, so that days are counted in UTC.
    pub days_are_utc: bool,
}

/// A page of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `/`
    Home,
    /// `/feedback` and below.
    Feedback,
    /// `/one-on-ones` and below.
    OneOnOnes,
    /// `/requests` and below.
    Requests,
    /// `/goals` and below.
    Goals,
    /// `/people` and below.
    People,
    /// `/settings/integrations/bitbucket` and below.
    Integrations,
    /// `/profile`
    Profile,
}

/// A member as shown.
pub struct Person {
    /// The whole name.
    pub name: String,
    /// One or two letters.
    pub initials: String,
    /// The colour behind the initials, 1 to 6, chosen from the member's id, so that a person keeps it.
    pub face: u8,
    /// The e-mail address; empty where it is not shown.
    pub email: String,
}

/// Any error, for a person.
#[derive(Template)]
#[template(path = "web/error.html")]
pub struct ErrorPage {
    /// What is the matter, in one sentence.
    pub sentence: String,
    /// What to do next.
    pub next_step: String,
    /// A button that does it.
    pub button: Option<Button>,
    /// The id under which the log has more.
    pub request_id: String,
}

/// A link that looks like a button.
pub struct Button {
    /// Where it leads.
    pub href: String,
    /// What it says.
    pub label: String,
}

#[cfg(test)]
mod tests;
