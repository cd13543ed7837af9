//! What can be done in the panel: link one's account, attach, detach. Each is one transaction of the rules in `people`.

pub mod joining;

use crate::config::Now;
use crate::connections::panel_state::{self, PanelState};
use crate::error::{Error, Result};
use crate::people::identities::{self, AccountId};
use crate::people::links::{self, Kind, NewLink, Target};
use crate::people::targets::{self, Targets};
use crate::people::text::{Body, Note};
use crate::people::{Viewer, attempts, feedback, members, pull_requests};
use crate::storage::AnyConnection;
use crate::storage::ids::{LinkId, MemberId};

use super::context::Context;

/// Wrong codes in ten minutes before an account must wait.
const CODES_AT_MOST: i32 = 10;
/// Several people behind one address link their accounts on the same morning.
const CODES_OF_A_NETWORK_AT_MOST: i32 = 60;

/// What the attach form was sent with.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Where to attach to.
    pub choice: Choice,
    /// Why.
    pub note: Note,
}

/// Where a pull request is to be attached.
#[derive(Clone, Debug)]
pub enum Choice {
    /// To something of the viewer's that is there already.
    Existing(Target),
    /// To a new draft about the pull request's author.
    NewAboutAuthor,
    /// To a new draft about the member with this id.
    NewAbout(MemberId),
    /// To a new draft about the colleague with this e-mail address.
    NewAboutTyped(String),
}

/// Whether somebody wants to see the form, which is folded away while something is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedFor {
    /// What is attached; the form only when nothing is.
    Links,
    /// The form too.
    Form,
}

/// What a panel shows.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What was read of it.
    pub state: PanelState,
    /// What its form offers; `None` while there is no form or it is folded.
    pub targets: Option<Targets>,
}

impl Choice {
    /// The value of the choice "new draft about the author".
    pub const NEW_ABOUT_AUTHOR: &'static str = "new:author";
    /// The value of the choice "new draft about someone".
    pub const NEW_ABOUT_SOMEONE: &'static str = "new:someone";

    /// The value of something that is there already.
    pub fn value(kind: Kind, id: &str) -> String {
        format!("{}:{id}", kind.as_str())
    }

    /// Reads what the form sent.
    ///
    /// # Errors
    /// `target_missing` or `person_missing` (400).
    pub fn parse(target: &str, about: &str, about_email: &str) -> Result<Self> {
        let missing = || Error::invalid("target_missing", "target", "Choose where to attach the pull request.");
        let person = || Error::invalid("person_missing", "about", "Choose whom the draft is about.");
        match target {
            Self::NEW_ABOUT_AUTHOR => Ok(Self::NewAboutAuthor),
            Self::NEW_ABOUT_SOMEONE if !about.is_empty() => MemberId::parse(about).map(Self::NewAbout).ok_or_else(person),
            Self::NEW_ABOUT_SOMEONE if !about_email.trim().is_empty() => Ok(Self::NewAboutTyped(about_email.to_owned())),
            Self::NEW_ABOUT_SOMEONE => Err(person()),
            existing => {
                let (kind, id) = existing.split_once(':').ok_or_else(missing)?;
                let kind = Kind::parse(kind).filter(|_| uuid::Uuid::try_parse(id).is_ok()).ok_or_else(missing)?;
                Ok(Self::Existing(Target { kind, id: id.to_owned() }))
            }
        }
    }
}

/// Reads the panel and checks that the request names the installation's own Bitbucket workspace.
///
/// # Errors
/// `token_issuer_unknown` (401); `installation_uninstalled` or `workspace_mismatch` (403).
pub fn read(connection: &mut AnyConnection, context: &Context, web_url: &str) -> Result<PanelState> {
    let state = panel_state::read(connection, context.question(web_url))?;
    crate::connections::installations::must_be_installed(state.state)?;
    if state.bitbucket_workspace_uuid != context.bitbucket_workspace.to_string() {
        return Err(crate::connections::lifecycle::workspace_mismatch());
    }
    Ok(state)
}

/// Reads the panel with what its form offers, if it has one: always while nothing is attached, else when `form` is asked for.
///
/// # Errors
/// As [`read`].
pub fn look(connection: &mut AnyConnection, context: &Context, form: AskedFor, web_url: &str, now: &Now) -> Result<Seen> {
    let state = read(connection, context, web_url)?;
    let author = state.author.as_ref().map(|author| &author.id);
    let viewer = state.viewer().filter(|_| !state.is_hidden && (form == AskedFor::Form || state.links.is_empty()));
    let targets = viewer.map(|viewer| targets::read(connection, &viewer, author, now)).transpose()?;
    Ok(Seen { state, targets })
}

/// Records that the viewer has been shown this linked pull request by Bitbucket.
///
/// # Errors
/// When the database refuses.
pub fn record_sighting(
    connection: &mut AnyConnection,
    state: &PanelState,
    context: &Context,
    web_url: &str,
    now: &Now,
) -> Result<()> {
    match (state.viewer(), &state.pull_request_id) {
        (Some(viewer), Some(id)) => {
            pull_requests::record_sighting(connection, &viewer.member_id, id, &context.reference(web_url), now)
        }
        _ => Ok(()),
    }
}

fn viewer(state: &PanelState) -> Result<Viewer> {
    state.viewer().ok_or_else(|| {
        Error::forbidden("panel_not_available", "The panel cannot be used here at the moment. Reload the pull request.")
    })
}

/// Attaches the pull request; the answer is the link.
///
/// # Errors
/// What the panel or the target refuses with.
pub fn attach(
    connection: &mut AnyConnection,
    context: &Context,
    attachment: &Attachment,
    web_url: &str,
    now: &Now,
) -> Result<LinkId> {
    let state = read(connection, context, web_url)?;
    let viewer = viewer(&state)?;
    let about = match &attachment.choice {
        Choice::Existing(_) => None,
        Choice::NewAboutAuthor => {
            let gone = || {
                let detail = if context.author.is_none() {
                    "Bitbucket does not say at the moment who opened this pull request. Choose the person, or try again."
                } else {
                    "Nobody in ClarityLoop is linked to this author. Choose another person."
                };
                Error::invalid("person_missing", "about", detail)
            };
            Some(state.author.clone().ok_or_else(gone)?.id)
        }
        Choice::NewAbout(id) => Some(id.clone()),
        Choice::NewAboutTyped(typed) => Some(members::by_what_was_typed(connection, &viewer, typed)?),
    };
    let target = match (&attachment.choice, about) {
        (Choice::Existing(target), _) => target.clone(),
        (_, Some(about)) => {
            let draft = feedback::NewFeedback { about, body: Body::default(), shared: false };
            Target { kind: Kind::Feedback, id: feedback::create(connection, &viewer, &draft, now)?.to_string() }
        }
        (_, None) => return Err(Error::invalid("person_missing", "about", "Choose whom the draft is about.")),
    };
    let new = NewLink {
        target,
        pull_request: context.reference(web_url),
        note: attachment.note.clone(),
        is_before_the_makers_eyes: true,
    };
    links::create(connection, &viewer, &new, now)
}

/// Takes the viewer's own link away.
///
/// # Errors
/// `not_found` (404); `maker_needed` (403).
pub fn detach(connection: &mut AnyConnection, context: &Context, link: &LinkId, web_url: &str) -> Result<()> {
    let viewer = viewer(&read(connection, context, web_url)?)?;
    links::remove(connection, &viewer, link)
}

/// Counts one try of a code by the account and, unless that must wait already, from the network, in a transaction of its own: the count
/// must outlive a refusal.
///
/// # Errors
/// What [`read`] refuses with; the inner error is `too_many_tries` (429).
pub fn count_code(
    connection: &mut AnyConnection,
    context: &Context,
    network: &str,
    web_url: &str,
    now: &Now,
) -> Result<Result<()>> {
    let state = read(connection, context, web_url)?;
    let subject = format!("code:{}:{}", state.installation_id, context.account);
    let of_account = attempts::count(connection, &subject, CODES_AT_MOST, now)?;
    // Who must wait already is not counted for the network too: one account alone could keep everybody else from linking theirs.
    if of_account.is_err() {
        return Ok(of_account);
    }
    attempts::count(connection, &format!("code:{network}"), CODES_OF_A_NETWORK_AT_MOST, now)
}

/// Binds the signed account to the member whose code was typed.
///
/// # Errors
/// `code_wrong` (400); `identity_taken` or `account_taken` (409).
pub fn redeem_code(connection: &mut AnyConnection, context: &Context, typed: &str, web_url: &str, now: &Now) -> Result<()> {
    let state = read(connection, context, web_url)?;
    let not_now =
        || Error::forbidden("panel_not_available", "The panel cannot be used here at the moment. Reload the pull request.");
    let workspace =
        state.workspace.filter(|_| state.state == crate::connections::installations::State::Active).ok_or_else(not_now)?;
    let account = AccountId::parse(&context.account)?;
    identities::redeem(connection, &workspace.id, &account, typed, now).map(|_member| ())
}
