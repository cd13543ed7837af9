//! The form that attaches a pull request: its targets in groups, the likely ones first, and what was typed; for the panel's page.

use super::{Day, Kind, When};

/// How many targets are shown before the others hide behind "Show n more", when there are more than [`MOST_SHOWN`].
const FIRST_SHOWN: usize = 4;
/// Up to this many targets are all shown.
const MOST_SHOWN: usize = 6;
/// With more targets than this the form offers a search field.
const MOST_WITHOUT_SEARCH: usize = 20;

/// Somewhere the viewer can attach the pull request to.
pub struct Target {
    /// Its kind.
    pub kind: Kind,
    /// What the form sends as `target`.
    pub value: String,
    /// Kind and person, never a text.
    pub title: String,
    /// Its day.
    pub when: When,
    /// Who will see the link, to follow "Seen by:".
    pub seen_by: String,
    /// What it is called, shown when opened: people share their screens.
    pub text: Option<String>,
    /// Whom a new draft is about, when that is still to be said.
    pub about: Option<About>,
}

impl Target {
    /// The viewer's own draft about `about`, begun on the day `started`.
    pub fn own_draft(value: impl Into<String>, about: &str, started: Day) -> Self {
        Self::draft(value.into(), format!("Your draft about {about}"), When::From(started), None)
    }

    /// A draft that saving begins, about `about`.
    pub fn new_draft(value: impl Into<String>, about: &str) -> Self {
        Self::draft(value.into(), format!("New draft about {about}"), When::StartsToday, None)
    }

    /// A draft that saving begins, about somebody the viewer chooses; `alone` when no other new draft is offered.
    pub fn new_draft_about_someone(value: impl Into<String>, people: About, alone: bool) -> Self {
        let title = if alone { "New draft about someone" } else { "New draft about someone else" };
        Self::draft(value.into(), title.to_owned(), When::StartsToday, Some(people))
    }

    fn draft(value: String, title: String, when: When, about: Option<About>) -> Self {
        Self { kind: Kind::Feedback, value, title, when, seen_by: "only you, until you share it".to_owned(), text: None, about }
    }
}

/// How the form asks whom a new draft is about.
pub enum About {
    /// One of these members, sent as `about`.
    OneOf(Vec<Person>),
    /// A member's e-mail address, sent as `about_email`, for workspaces too big for a list.
    Email,
}

/// A member to choose.
pub struct Person {
    /// The member's id.
    pub id: String,
    /// The member's name.
    pub name: String,
}

/// The form that attaches the pull request.
pub struct Form {
    pub(super) action: String,
    pub(super) groups: Vec<Group>,
    pub(super) rest: usize,
    pub(super) about: String,
    pub(super) note: String,
    pub(super) wrong: Option<Wrong>,
}

/// What a form that was not accepted had in it, given back as it was.
#[derive(Default)]
pub struct Typed {
    /// The value of the chosen target.
    pub target: String,
    /// The chosen member's id or the typed e-mail address.
    pub about: String,
    /// The note.
    pub note: String,
}

/// Which field is wrong, and what to do about it.
pub enum Wrong {
    /// The chosen target.
    Target(String),
    /// Whom the new draft is about.
    About(String),
    /// The note.
    Note(String),
}

impl Form {
    /// An untouched form that posts to `action`. The first target is the most likely one and is chosen.
    pub fn new(action: impl Into<String>, targets: Vec<Target>) -> Self {
        Self::again(action, targets, Typed::default(), None)
    }

    /// A form that was sent and not accepted: everything is as it was typed, and `wrong` says what to mend.
    /// A target that is gone leaves the first one chosen.
    pub fn again(action: impl Into<String>, targets: Vec<Target>, typed: Typed, wrong: Option<Wrong>) -> Self {
        let chosen = targets.iter().position(|target| target.value == typed.target).unwrap_or(0);
        let shown = if targets.len() > MOST_SHOWN { FIRST_SHOWN } else { MOST_SHOWN };
        let mut groups: Vec<Group> = Vec::new();
        let mut rest = 0;
        for (number, target) in targets.into_iter().enumerate() {
            let is_chosen = number == chosen;
            let is_rest = number >= shown && !is_chosen;
            rest += usize::from(is_rest);
            let group = match groups.iter().position(|group| group.kind == target.kind) {
                Some(at) => &mut groups[at],
                None => groups.push_mut(Group { kind: target.kind, is_rest: true, choices: Vec::new() }),
            };
            group.is_rest &= is_rest;
            group.choices.push(Choice { target, number, is_chosen, is_rest });
        }
        Self { action: action.into(), groups, rest, about: typed.about, note: typed.note, wrong }
    }

    pub(super) fn has_search(&self) -> bool {
        self.groups.iter().map(|group| group.choices.len()).sum::<usize>() > MOST_WITHOUT_SEARCH
    }

    pub(super) fn wrong_about(&self) -> Option<&str> {
        match &self.wrong {
            Some(Wrong::About(sentence)) => Some(sentence),
            _ => None,
        }
    }

    pub(super) fn wrong_note(&self) -> Option<&str> {
        match &self.wrong {
            Some(Wrong::Note(sentence)) => Some(sentence),
            _ => None,
        }
    }
}

/// The targets of one kind.
pub(super) struct Group {
    pub(super) kind: Kind,
    pub(super) is_rest: bool,
    pub(super) choices: Vec<Choice>,
}

/// A target in its place in the form.
pub(super) struct Choice {
    pub(super) target: Target,
    pub(super) number: usize,
    pub(super) is_chosen: bool,
    pub(super) is_rest: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(count: usize) -> Vec<Target> {
        let started = Day { at: chrono::NaiveDateTime::default(), now: chrono::NaiveDateTime::default() };
        (0..count).map(|number| Target::own_draft(number.to_string(), "Priya Raman", started)).collect()
    }

    fn chosen(form: &Form) -> Vec<&str> {
        let choices = form.groups.iter().flat_map(|group| &group.choices);
        choices.filter(|choice| choice.is_chosen).map(|choice| choice.target.value.as_str()).collect()
    }

    #[test]
    fn the_first_target_is_chosen() {
        assert_eq!(chosen(&Form::new("/links", targets(3))), ["0"]);
    }

    #[test]
    fn six_targets_are_all_shown_and_of_seven_three_are_hidden() {
        assert_eq!(Form::new("/links", targets(6)).rest, 0);
        assert_eq!(Form::new("/links", targets(7)).rest, 3);
    }

    #[test]
    fn the_chosen_target_is_never_hidden() {
        let typed = Typed { target: "6".to_owned(), ..Typed::default() };
        let form = Form::again("/links", targets(7), typed, None);
        assert_eq!((form.rest, chosen(&form)), (2, vec!["6"]));
    }

    #[test]
    fn a_chosen_target_that_is_gone_leaves_the_first_one_chosen() {
        let typed = Typed { target: "gone".to_owned(), ..Typed::default() };
        assert_eq!(chosen(&Form::again("/links", targets(2), typed, None)), ["0"]);
    }

    #[test]
    fn targets_of_a_kind_stand_together_in_the_order_of_the_likeliest() {
        let goal = Target { kind: Kind::Goal, ..Target::new_draft("goal", "x") };
        let mut mixed = vec![goal];
        mixed.extend(targets(2));
        mixed.push(Target { kind: Kind::Goal, ..Target::new_draft("another", "x") });
        let form = Form::new("/links", mixed);
        let groups: Vec<_> = form.groups.iter().map(|group| (group.kind, group.choices.len())).collect();
        assert_eq!(groups, [(Kind::Goal, 2), (Kind::Feedback, 2)]);
    }

    #[test]
    fn more_than_twenty_targets_bring_a_search_field() {
        assert!(!Form::new("/links", targets(20)).has_search());
        assert!(Form::new("/links", targets(21)).has_search());
    }
}
