//! What was read, put into the words of the panel: kinds, people and dates, never a text. The panel's doors use it.

use chrono::{Datelike as _, NaiveDateTime};

use super::actions::Choice;
use super::page::{
    About, Attach, Banner, Claimant, Form, Kind, Link, Person, Refused, State, Target, Typed, Undo, Unknown, Waiting, Wrong,
};
use crate::connections::installations::State as Standing;
use crate::connections::panel_state::{COLLEAGUES_AT_MOST, PanelLink, PanelState};
use crate::error::{Error, Kind as ErrorKind};
use crate::people::links;
use crate::storage::ids::MemberId;
use crate::telemetry;

/// Where the panel's forms post to and its links lead.
#[derive(Clone, Debug)]
pub struct Addresses<'a> {
    /// This server's public address.
    pub public_url: &'a str,
    /// Where the attach form posts to.
    pub attach: &'a str,
    /// Where the code form posts to.
    pub code: &'a str,
    /// What precedes `/{link}/remove` in the address of an undo.
    pub links: &'a str,
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
}

/// The panel for what was read; `owners` are needed while it waits for them.
pub fn state(
    read: &PanelState,
    owners: Vec<String>,
    token: String,
    addresses: &Addresses<'_>,
    outcome: Outcome,
    now: NaiveDateTime,
) -> State {
    let bitbucket_workspace = read.bitbucket_workspace_slug.clone().unwrap_or_else(|| "this workspace".to_owned());
    match (&read.workspace, read.state) {
        (Some(workspace), Standing::Active) if !workspace.quick_action => State::Off { bitbucket_workspace },
        (Some(_), Standing::Active) => match &read.viewer {
            Some(viewer) => State::Attach(attach(read, &viewer.id, token, addresses, outcome, now)),
            None => State::Unknown(Unknown {
                action: addresses.code.to_owned(),
                token,
                profile_url: format!("{}/profile", addresses.public_url),
                problem: outcome.code_problem,
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
    viewer: &MemberId,
    token: String,
    addresses: &Addresses<'_>,
    outcome: Outcome,
    now: NaiveDateTime,
) -> Attach {
    let links = read.links.iter().map(|link| self::link(link, viewer, addresses, now)).collect();
    let form = Form::again(addresses.attach, targets(read, viewer, now), outcome.typed, outcome.wrong);
    Attach { token, banner: outcome.banner, links, form }
}

fn link(link: &PanelLink, viewer: &MemberId, addresses: &Addresses<'_>, now: NaiveDateTime) -> Link {
    let is_mine = link.made_by.id == *viewer;
    Link {
        kind: kind(link.kind),
        title: title(link, viewer),
        href: format!("{}/feedback/{}", addresses.public_url, link.target_id),
        by: if is_mine { "you".to_owned() } else { link.made_by.name.clone() },
        at: moment(link.made_at, now),
        seen_by: seen_by(link, viewer),
        note: link.note.clone(),
        undo: is_mine.then(|| Undo { action: format!("{}/{}/remove", addresses.links, link.id), link_id: link.id.clone() }),
    }
}

fn kind(kind: links::Kind) -> Kind {
    match kind {
        links::Kind::Feedback => Kind::Feedback,
        links::Kind::OneOnOne => Kind::OneOnOne,
        links::Kind::Request => Kind::Request,
        links::Kind::Goal => Kind::Goal,
    }
}

/// The place a link leads to: kind and person.
pub fn title(link: &PanelLink, viewer: &MemberId) -> String {
    match (link.author.id == *viewer, link.is_shared) {
        (true, false) => format!("Your draft about {}", link.subject.name),
        (true, true) => format!("Your feedback about {}", link.subject.name),
        (false, _) => format!("Feedback from {}", link.author.name),
    }
}

/// Who sees a link, to follow "seen by".
pub fn seen_by(link: &PanelLink, viewer: &MemberId) -> String {
    match (link.author.id == *viewer, link.is_shared) {
        (true, false) => "only you, until you share it".to_owned(),
        (true, true) => format!("you and {}", link.subject.name),
        (false, _) => format!("you and {}", link.author.name),
    }
}

/// The most likely first: own drafts about the author, a new one about them, other drafts, a new one about somebody else.
fn targets(read: &PanelState, viewer: &MemberId, now: NaiveDateTime) -> Vec<Target> {
    let author = read.author.as_ref().filter(|author| author.id != *viewer);
    let is_about_author = |subject: &MemberId| author.is_some_and(|author| author.id == *subject);
    let is_attached = |id: &str| read.links.iter().any(|link| link.target_id == id);
    let draft = |target: &crate::connections::panel_state::PanelTarget| {
        Target::own_draft(Choice::draft_value(&target.id), &target.subject.name, &day(target.begun_at, now))
    };
    let open = || read.targets.iter().filter(|target| !is_attached(&target.id));
    let mut targets: Vec<Target> = open().filter(|target| is_about_author(&target.subject.id)).map(draft).collect();
    targets.extend(author.map(|author| Target::new_draft(Choice::NEW_ABOUT_AUTHOR, &author.name)));
    targets.extend(open().filter(|target| !is_about_author(&target.subject.id)).map(draft));
    let others = read.colleagues.iter().filter(|colleague| !is_about_author(&colleague.id));
    let people: Vec<Person> =
        others.map(|colleague| Person { id: colleague.id.to_string(), name: colleague.name.clone() }).collect();
    if read.colleagues.len() > COLLEAGUES_AT_MOST {
        targets.push(Target::new_draft_about_someone(Choice::NEW_ABOUT_SOMEONE, About::Email, author.is_none()));
    } else if !people.is_empty() {
        targets.push(Target::new_draft_about_someone(Choice::NEW_ABOUT_SOMEONE, About::OneOf(people), author.is_none()));
    }
    targets
}

/// A day in words: "18 Nov", with the year when it is another.
pub fn day(at: NaiveDateTime, now: NaiveDateTime) -> String {
    let format = if at.year() == now.year() { "%-d %b" } else { "%-d %b %Y" };
    at.format(format).to_string()
}

/// A moment in words: "just now" for the last minutes, else the day.
pub fn moment(at: NaiveDateTime, now: NaiveDateTime) -> String {
    if (now - at).num_minutes() < 5 { "just now".to_owned() } else { day(at, now) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_names_its_year_only_when_it_is_another() {
        let at = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        assert_eq!(day(at("2026-11-08 10:00"), at("2026-11-20 10:00")), "8 Nov");
        assert_eq!(day(at("2025-11-08 10:00"), at("2026-11-20 10:00")), "8 Nov 2025");
        assert_eq!(moment(at("2026-11-20 09:58"), at("2026-11-20 10:00")), "just now");
    }
}
