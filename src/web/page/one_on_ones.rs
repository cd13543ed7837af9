//! `/one-on-ones` and below: 1:1s, their agenda and the member's own notes.

use askama::Template;

use super::{Person, PersonField, PullRequests, SharedWorkCard, Shell, Time, WrongField};

/// `/one-on-ones`: what is coming, what is past, and planning the next.
#[derive(Template)]
#[template(path = "web/one_on_ones.html")]
pub struct OneOnOneList {
    /// What stands around it.
    pub shell: Shell,
    /// Those ahead, and those behind; left out where there are none.
    pub sections: Vec<OneOnOneSection>,
    /// Whether this is a later page of one section, with the way back.
    pub is_later_page: bool,
    /// The form that plans one.
    pub plan: PlanForm,
}

/// Coming or past 1:1s.
pub struct OneOnOneSection {
    /// Its id on the page.
    pub id: &'static str,
    /// "Coming", "Past".
    pub heading: &'static str,
    /// One page of them.
    pub rows: Vec<OneOnOneRow>,
    /// Where the next page is.
    pub more_href: Option<String>,
}

/// A 1:1 in a list.
pub struct OneOnOneRow {
    /// The path of its page.
    pub href: String,
    /// With whom.
    pub person: Person,
    /// On which day.
    pub held_on: Time,
    /// "In 3 days".
    pub when: String,
}

/// The form that plans a 1:1; it sends `with` and `held_on`.
pub struct PlanForm {
    /// With whom.
    pub person: PersonField,
    /// The date that was typed.
    pub held_on: String,
    /// What is wrong.
    pub wrong: WrongField,
}

/// `/one-on-ones/{id}`.
#[derive(Template)]
#[template(path = "web/one_on_one.html")]
pub struct OneOnOnePage {
    /// What stands around it.
    pub shell: Shell,
    /// The path of this page, which its forms post below.
    pub href: String,
    /// With whom, by name.
    pub with: String,
    /// On which day.
    pub held_on: Time,
    /// "In 3 days".
    pub when: String,
    /// Whether it is still ahead.
    pub is_ahead: bool,
    /// The 1:1 of the same two before it.
    pub previous: Option<OtherDay>,
    /// The 1:1 of the same two after it.
    pub next: Option<OtherDay>,
    /// What is to be talked about.
    pub agenda: Vec<AgendaRow>,
    /// How many items are still open here.
    pub open: usize,
    /// Whether what is open can be carried to the next.
    pub can_carry: bool,
    /// What was typed into the field that adds an item.
    pub added: String,
    /// The member's own notes.
    pub notes: String,
    /// What is wrong with the item or the notes.
    pub wrong: WrongField,
    /// What is attached to it.
    pub pull_requests: PullRequests,
    /// What the two work on together.
    pub shared_work: SharedWorkCard,
}

/// Another 1:1 of the same two people.
pub struct OtherDay {
    /// The path of its page.
    pub href: String,
    /// "9 Nov".
    pub day: String,
}

/// An item of an agenda.
pub struct AgendaRow {
    /// Its id.
    pub id: String,
    /// What it says.
    pub body: String,
    /// Who added it: a name, or "you".
    pub added_by: String,
    /// Whether it is ticked.
    pub is_done: bool,
    /// Whether it can be ticked here, and not only where it was carried to.
    pub can_tick: bool,
    /// The day it was carried over from.
    pub carried_from: Option<String>,
    /// Where it was carried over to.
    pub carried_to: Option<OtherDay>,
    /// Whether the member added it and so may change it.
    pub is_own: bool,
}

/// `/one-on-ones/{id}/change`: another day, or none.
#[derive(Template)]
#[template(path = "web/one_on_one_change.html")]
pub struct OneOnOneChangePage {
    /// What stands around it.
    pub shell: Shell,
    /// The path of the 1:1.
    pub href: String,
    /// With whom, by name.
    pub with: String,
    /// The date in the field.
    pub held_on: String,
    /// What is wrong.
    pub wrong: WrongField,
}

/// `/one-on-ones/{id}/agenda/{item}`: changing or removing one's own item.
#[derive(Template)]
#[template(path = "web/agenda_item.html")]
pub struct AgendaItemPage {
    /// What stands around it.
    pub shell: Shell,
    /// The path of the 1:1.
    pub href: String,
    /// With whom, by name.
    pub with: String,
    /// The item's id.
    pub id: String,
    /// The text in the field.
    pub body: String,
    /// What is wrong.
    pub wrong: WrongField,
}
