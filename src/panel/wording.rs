//! Conversations in the words of the panel: kinds, people and dates, never a text, because people share their screens. For `view`.

use chrono::NaiveDateTime;

use super::actions::Choice;
use super::page::{About, Day, Kind, Person, Target, When, date};
use crate::connections::panel_state::{PanelState, Place};
use crate::people::links;
use crate::people::targets::{Aim, Asked, COLLEAGUES_AT_MOST, Draft, Meeting, Targets};
use crate::people::{Named, links::Kind as LinkKind};
use crate::storage::ids::MemberId;

/// The kind as the page draws it.
pub fn kind(kind: links::Kind) -> Kind {
    match kind {
        LinkKind::Feedback => Kind::Feedback,
        LinkKind::OneOnOne => Kind::OneOnOne,
        LinkKind::Request => Kind::Request,
        LinkKind::Goal => Kind::Goal,
    }
}

/// The first part of the path of a kind's pages.
pub fn path(kind: links::Kind) -> &'static str {
    match kind {
        LinkKind::Feedback => "feedback",
        LinkKind::OneOnOne => "one-on-ones",
        LinkKind::Request => "requests",
        LinkKind::Goal => "goals",
    }
}

/// The place a link leads to: kind and person.
pub fn title(place: &Place, viewer: &MemberId, now: NaiveDateTime) -> String {
    match place {
        Place::Feedback { author, subject, is_shared, .. } => match (author.id == *viewer, is_shared) {
            (true, false) => format!("Your draft about {}", subject.name),
            (true, true) => format!("Your feedback about {}", subject.name),
            (false, _) if subject.id == *viewer => format!("Feedback from {}", author.name),
            (false, _) => format!("Feedback from {} about {}", author.name, subject.name),
        },
        Place::OneOnOne { creator, other, held_on } => {
            format!("1:1 with {}, {}", partner(creator, other, viewer).name, date(*held_on, now.date()))
        }
        Place::Request { asker, asked, about } => request(asker, asked, about, viewer),
        Place::Goal { owner, due_on, .. } => {
            let whose = if owner.id == *viewer { "Your goal".to_owned() } else { format!("Goal of {}", owner.name) };
            due_on.map_or(whose.clone(), |due_on| format!("{whose}, due {}", date(due_on, now.date())))
        }
    }
}

/// Who sees a link, to follow "seen by".
pub fn seen_by(place: &Place, viewer: &MemberId) -> String {
    match place {
        Place::Feedback { is_shared: false, .. } => "only you, until you share it".to_owned(),
        Place::Feedback { author, subject, manager, .. } => {
            let readers = [Some(author), Some(subject), manager.as_ref()];
            you_and(readers.into_iter().flatten(), viewer)
        }
        Place::OneOnOne { creator, other, .. } => you_and([creator, other].into_iter(), viewer),
        Place::Request { asker, asked, .. } => you_and([asker, asked].into_iter(), viewer),
        Place::Goal { is_public: true, .. } => EVERYBODY.to_owned(),
        Place::Goal { owner, manager, .. } => you_and([owner].into_iter().chain(manager), viewer),
    }
}

const EVERYBODY: &str = "everybody in your workspace";

/// "you and Priya Raman", with whoever else; "only you" when there is nobody else.
fn you_and<'a>(readers: impl Iterator<Item = &'a Named>, viewer: &MemberId) -> String {
    let mut names: Vec<&str> = readers.filter(|reader| reader.id != *viewer).map(|reader| reader.name.as_str()).collect();
    let Some(last) = names.pop() else { return "only you".to_owned() };
    if names.is_empty() { format!("you and {last}") } else { format!("you, {} and {last}", names.join(", ")) }
}

fn partner<'a>(creator: &'a Named, other: &'a Named, viewer: &MemberId) -> &'a Named {
    if creator.id == *viewer { other } else { creator }
}

fn request(asker: &Named, asked: &Named, about: &Named, viewer: &MemberId) -> String {
    let about = match about.id == *viewer {
        true => "you".to_owned(),
        false if about.id == asker.id => "themselves".to_owned(),
        false => about.name.clone(),
    };
    if asker.id == *viewer {
        format!("Your request to {} about {}", asked.name, if about == "you" { "yourself" } else { &about })
    } else {
        format!("Request from {} about {about}", asker.name)
    }
}

/// The most likely first: what is between the viewer and the author, a new draft about the author, everything else, a new draft
/// about somebody else.
pub fn targets(read: &PanelState, targets: &Targets, viewer: &MemberId, now: NaiveDateTime) -> Vec<Target> {
    let author = read.author.as_ref().filter(|author| author.id != *viewer);
    let is_author = |member: &Named| author.is_some_and(|author| author.id == member.id);
    let is_open = |id: &str| !read.links.iter().any(|link| link.target_id == id);
    let mut likely = Vec::new();
    let mut others = Vec::new();
    for meeting in targets.one_on_ones.iter().filter(|meeting| is_open(&meeting.id)) {
        if is_author(&meeting.with) { &mut likely } else { &mut others }.push(meeting_target(meeting, now));
    }
    for draft in targets.drafts.iter().filter(|draft| is_open(&draft.id)) {
        if is_author(&draft.subject) { &mut likely } else { &mut others }.push(draft_target(draft, now));
    }
    for asked in targets.requests.iter().filter(|asked| is_open(&asked.id)) {
        let concerns_author = [&asked.asker, &asked.asked, &asked.about].into_iter().any(is_author);
        if concerns_author { &mut likely } else { &mut others }.push(request_target(asked, viewer, now));
    }
    others.extend(targets.goals.iter().filter(|goal| is_open(&goal.id)).map(|goal| goal_target(goal, now)));
    // Nobody's own work is feedback: on their own pull request a goal is the likeliest.
    if read.author.as_ref().is_some_and(|author| author.id == *viewer) {
        others.sort_by_key(|target| target.kind != Kind::Goal);
    }
    likely.extend(author.map(|author| Target::new_draft(Choice::NEW_ABOUT_AUTHOR, &author.name)));
    likely.extend(others);
    likely.extend(new_draft_about_someone(targets, author));
    likely
}

fn new_draft_about_someone(targets: &Targets, author: Option<&Named>) -> Option<Target> {
    let others = targets.colleagues.iter().filter(|colleague| author.is_none_or(|author| author.id != colleague.id));
    let people: Vec<Person> =
        others.map(|colleague| Person { id: colleague.id.to_string(), name: colleague.name.clone() }).collect();
    let about = match targets.colleagues.len() > COLLEAGUES_AT_MOST {
        true => About::Email,
        false if people.is_empty() => return None,
        false => About::OneOf(people),
    };
    Some(Target::new_draft_about_someone(Choice::NEW_ABOUT_SOMEONE, about, author.is_none()))
}

fn draft_target(draft: &Draft, now: NaiveDateTime) -> Target {
    Target::own_draft(Choice::value(LinkKind::Feedback, &draft.id), &draft.subject.name, Day { at: draft.begun_at, now })
}

fn meeting_target(meeting: &Meeting, now: NaiveDateTime) -> Target {
    Target {
        kind: Kind::OneOnOne,
        value: Choice::value(LinkKind::OneOnOne, &meeting.id),
        title: format!("1:1 with {}", meeting.with.name),
        when: When::On(date(meeting.held_on, now.date())),
        seen_by: format!("you and {}", meeting.with.name),
        text: None,
        about: None,
    }
}

fn request_target(asked: &Asked, viewer: &MemberId, now: NaiveDateTime) -> Target {
    Target {
        kind: Kind::Request,
        value: Choice::value(LinkKind::Request, &asked.id),
        title: request(&asked.asker, &asked.asked, &asked.about, viewer),
        when: When::From(Day { at: asked.asked_at, now }),
        seen_by: you_and([&asked.asker, &asked.asked].into_iter(), viewer),
        text: None,
        about: None,
    }
}

fn goal_target(goal: &Aim, now: NaiveDateTime) -> Target {
    let with_manager = || goal.manager.as_ref().map_or_else(|| "only you".to_owned(), |led| format!("you and {}", led.name));
    Target {
        kind: Kind::Goal,
        value: Choice::value(LinkKind::Goal, &goal.id),
        title: if goal.is_public { "Your public goal" } else { "Your goal" }.to_owned(),
        when: When::From(Day { at: goal.set_at, now }),
        seen_by: if goal.is_public { EVERYBODY.to_owned() } else { with_manager() },
        text: Some(goal.title.clone()),
        about: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_named_without_oneself() {
        let named = |text: &str, name: &str| Named { id: MemberId::parse(text).unwrap(), name: name.to_owned() };
        let (me, priya) =
            (named("018f0000-0000-7000-8000-000000000001", "Me"), named("018f0000-0000-7000-8000-000000000002", "P"));
        let ada = named("018f0000-0000-7000-8000-000000000003", "Ada");
        assert_eq!(you_and([&me].into_iter(), &me.id), "only you");
        assert_eq!(you_and([&priya, &me].into_iter(), &me.id), "you and P");
        assert_eq!(you_and([&priya, &me, &ada].into_iter(), &me.id), "you, P and Ada");
        assert_eq!(request(&priya, &me, &priya, &me.id), "Request from P about themselves");
        assert_eq!(request(&me, &priya, &me, &me.id), "Your request to P about yourself");
    }
}
