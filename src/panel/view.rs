//! What was read, put into the panel's states. The panel's doors use it.

use chrono::NaiveDateTime;

use super::page::{
    Attach, Banner, Claimant, Day, Form, Join, Link, Made, Refused, ShowAgain, State, Typed, TypedJoin, Undo, Unknown, Waiting,
    Wrong,
};
use super::wording;
use crate::connections::installations::State as Standing;
use crate::connections::panel_state::{PanelLink, PanelState};
use crate::error::{Error, Kind as ErrorKind};
use crate::people::join_requests::Standing as Asked;
use crate::people::targets::Targets;
use crate::storage::ids::MemberId;
use crate::telemetry;

/// Where the panel's forms post to and its links lead.
#[derive(Clone, Copy, Debug)]
pub struct Addresses<'a> {
    /// This server's public address.
    pub public_url: &'a str,
    /// What the addresses of all its forms begin with.
    pub panel: &'a str,
    /// How an undo says which link it means.
    pub undoing: Undoing,
}

/// How an undo says which link it means. Its button sends the id in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undoing {
    /// In its address.
    ByPath,
    /// By what its button sends.
    ByButton,
}

impl Addresses<'_> {
    /// Where the form `name` posts to.
    fn of(&self, name: &str) -> String {
        format!("{}/{name}", self.panel)
    }

    fn undo(&self, link: &str) -> String {
        match self.undoing {
            Undoing::ByPath => format!("{}/links/{link}/remove", self.panel),
            Undoing::ByButton => format!("{}/links/remove", self.panel),
        }
    }
}

/// What happened to a form that was sent, for the page that answers it.
#[derive(Default)]
pub struct Outcome {
    /// A sentence on top.
    pub banner: Option<Banner>,
    /// What was typed and is given back.
    pub typed: Typed,
    /// Which field is wrong.
    pub wrong: Option<Wrong>,
    /// What was wrong with a code.
    pub code_problem: Option<super::page::CodeProblem>,
    /// What a question whether one may join was sent with, when it was not taken.
    pub join: TypedJoin,
}

/// The panel for what was read; `targets` are needed to show the form, `owners` while somebody waits for them.
pub fn state(
    read: &PanelState,
    targets: Option<&Targets>,
    owners: Vec<String>,
    token: String,
    addresses: &Addresses<'_>,
    outcome: Outcome,
    now: NaiveDateTime,
) -> State {
    let bitbucket_workspace = read.bitbucket_workspace_slug.clone().unwrap_or_else(|| "this workspace".to_owned());
    match (&read.workspace, read.state) {
        (Some(workspace), Standing::Active) if !workspace.quick_action => State::Off { bitbucket_workspace },
        (Some(_), Standing::Active) if read.is_hidden => State::Hidden(ShowAgain { action: addresses.of("show"), token }),
        (Some(_), Standing::Active) => match &read.viewer {
            Some(viewer) => State::Attach(attach(read, targets, &viewer.id, token, addresses, outcome, now)),
            None => State::Unknown(Unknown {
                action: addresses.of("code"),
                token,
                profile_url: format!("{}/profile", addresses.public_url),
                problem: outcome.code_problem,
                join: join(read, owners, addresses, outcome.join, now),
                hide_action: addresses.of("hide"),
            }),
        },
        (workspace, _) => {
            let claimed_by = workspace.as_ref().map(|workspace| Claimant { workspace: workspace.name.clone(), owners });
            State::Waiting(Waiting { bitbucket_workspace, claimed_by })
        }
    }
}

fn attach(
    read: &PanelState,
    targets: Option<&Targets>,
    viewer: &MemberId,
    token: String,
    addresses: &Addresses<'_>,
    outcome: Outcome,
    now: NaiveDateTime,
) -> Attach {
    let links = read.links.iter().map(|link| self::link(link, viewer, addresses, now)).collect();
    let form = targets.map(|targets| {
        Form::again(addresses.of("links"), wording::targets(read, targets, viewer, now), outcome.typed, outcome.wrong)
    });
    let (form_action, hide_action) = (addresses.of("form"), addresses.of("hide"));
    Attach { token, banner: outcome.banner, links, form, form_action, hide_action }
}

/// The second way of somebody whom the panel does not know: to ask, or what has come of asking.
fn join(read: &PanelState, owners: Vec<String>, addresses: &Addresses<'_>, typed: TypedJoin, now: NaiveDateTime) -> Join {
    let day = |at| Day { at, now };
    match read.asked {
        Some(Asked::Waiting { asked_at }) => Join::Asked { on: day(asked_at), owners },
        Some(Asked::Refused { refused_at, again_at }) if again_at > now => {
            Join::Refused { on: day(refused_at), again_on: day(again_at) }
        }
        _ => Join::Form { action: addresses.of("join"), typed },
    }
}

fn link(link: &PanelLink, viewer: &MemberId, addresses: &Addresses<'_>, now: NaiveDateTime) -> Link {
    let is_mine = link.made_by.id == *viewer;
    Link {
        kind: wording::kind(link.place.kind()),
        title: wording::title(&link.place, viewer, now),
        href: format!("{}/{}/{}", addresses.public_url, wording::path(link.place.kind()), link.target_id),
        by: if is_mine { "you".to_owned() } else { link.made_by.name.clone() },
        at: Made(Day { at: link.made_at, now }),
        seen_by: wording::seen_by(&link.place, viewer),
        note: link.note.clone(),
        undo: is_mine.then(|| Undo { action: addresses.undo(&link.id), link_id: link.id.clone() }),
    }
}

/// The panel for a request that cannot be served; what was typed is kept.
pub fn refusal(error: &Error, note: String) -> State {
    if error.code == "panel_token_expired" {
        return State::Expired { note };
    }
    let (sentence, next_step) = error.detail.split_once(". ").unwrap_or((&error.detail, "Reload the pull request."));
    let is_ours = matches!(error.kind, ErrorKind::Internal | ErrorKind::Busy | ErrorKind::Upstream);
    State::Refused(Refused {
        sentence: format!("{}.", sentence.trim_end_matches('.')),
        next_step: next_step.to_owned(),
        note,
        request_id: is_ours.then(telemetry::request_id),
    })
}
