//! `/one-on-ones` and one 1:1: what is coming and past, planning, and the page of two people.

pub mod agenda;
pub mod change;

use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use serde::Deserialize;

use super::conversation_links::{self, LinksQuery};
use super::failure::{PageResult, html, see_other};
use super::feedback_list::person_field;
use super::page::{
    AgendaRow, Banner, OneOnOneList, OneOnOnePage, OneOnOneRow, OneOnOneSection, OtherDay, Place, PlanForm, Time, Tone,
    WrongField,
};
use super::session::{SignedIn, person};
use super::{forms, shared_work};
use crate::app::App;
use crate::error::{Error, Result};
use crate::panel::page::date;
use crate::people::one_on_ones::agenda::AgendaItem;
use crate::people::one_on_ones::{self, Neighbour, NewOneOnOne, OneOnOne, Span, notes};
use crate::people::page::{Listed, PageByDate};
use crate::people::{Viewer, colleagues, detached, shared_work as work, text};
use crate::platform::body::Form;
use crate::storage::ids::OneOnOneId;

/// How many rows a section of the list has.
const SECTION_ROWS: usize = 25;

/// Which part of the list is asked for, and what came of the last press of a button.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ListQuery {
    coming: Option<String>,
    past: Option<String>,
    said: Option<String>,
}

/// What the form that plans one sends.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PlanTyped {
    csrf: String,
    #[serde(default)]
    with: String,
    #[serde(default)]
    held_on: String,
}

/// What the address of a 1:1 says beside its pull requests.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ShowQuery {
    said: Option<String>,
    work: Option<String>,
}

/// What was typed on the page of a 1:1 and comes back.
#[derive(Default)]
pub(super) struct Typed {
    added: String,
    notes: Option<String>,
    wrong: WrongField,
}

/// `GET /one-on-ones`.
///
/// # Errors
/// `cursor_invalid` (400).
pub async fn list(app: web::Data<App>, me: SignedIn, query: web::Query<ListQuery>) -> PageResult<HttpResponse> {
    html(&list_page(&app, &me, &query, PlanTyped::default(), WrongField::default()).await?)
}

/// `POST /one-on-ones`: plans one.
///
/// # Errors
/// `csrf_invalid` (403). What is wrong with a field comes back with the page.
pub async fn plan(app: web::Data<App>, me: SignedIn, form: Form<PlanTyped>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, typed) = (me.viewer(), app.now(), form.0.clone());
    let planned = app.write(move |connection| {
        let with = colleagues::chosen(connection, &viewer, &typed.with, "with")?;
        let new = NewOneOnOne { with, held_on: text::date("held_on", &typed.held_on)? };
        one_on_ones::plan(connection, &viewer, &new, &now)
    });
    match planned.await {
        Ok(id) => Ok(see_other(&format!("/one-on-ones/{id}?said=planned"))),
        Err(error) => {
            let (wrong, status) = forms::wrong_field(error)?;
            forms::answer(&list_page(&app, &me, &ListQuery::default(), form.0, wrong).await?, status)
        }
    }
}

/// `GET /one-on-ones/{id}`.
///
/// # Errors
/// `not_found` (404); `cursor_invalid` (400).
pub async fn show(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    query: web::Query<ShowQuery>,
    links: web::Query<LinksQuery>,
) -> PageResult<HttpResponse> {
    html(&page(&app, &me, parse(&id)?, &query, &links, Typed::default()).await?)
}

/// The id in an address.
fn parse(id: &str) -> Result<OneOnOneId> {
    OneOnOneId::parse(id).ok_or_else(|| Error::not_found("one_on_one"))
}

/// The page of a 1:1.
fn path(id: &OneOnOneId) -> String {
    format!("/one-on-ones/{id}")
}

async fn list_page(app: &App, me: &SignedIn, query: &ListQuery, typed: PlanTyped, wrong: WrongField) -> Result<OneOnOneList> {
    let today = me.zone.today(&app.now());
    let part = |cursor: Option<&str>| -> Result<PageByDate> {
        Ok(PageByDate { limit: SECTION_ROWS, ..PageByDate::parse(cursor, None)? })
    };
    // A later page shows its own section alone.
    let coming = query.past.is_none().then(|| part(query.coming.as_deref())).transpose()?;
    let past = query.coming.is_none().then(|| part(query.past.as_deref())).transpose()?;
    let viewer = me.viewer();
    let read = app.read(move |connection| {
        let mut list = |span, page: Option<PageByDate>| {
            page.map(|page| one_on_ones::list(connection, &viewer, span, &page)).transpose().map(|listed| (span, listed))
        };
        let sections = [list(Span::From(today), coming)?, list(Span::Before(today), past)?];
        Ok((sections, colleagues::listed(connection, &viewer)?))
    });
    let (sections, colleagues) = read.await?;
    let sections = sections.into_iter().filter_map(|(span, listed)| Some(section(span, listed?, &me.viewer(), today)));
    Ok(OneOnOneList {
        shell: me.shell(Place::OneOnOnes, banner(query.said.as_deref())),
        sections: sections.filter(|section| !section.rows.is_empty()).collect(),
        is_later_page: query.coming.is_some() || query.past.is_some(),
        plan: PlanForm {
            person: person_field("with", "With", colleagues, typed.with, wrong.at("with").map(str::to_owned)),
            held_on: typed.held_on,
            wrong,
        },
    })
}

fn section(span: Span, listed: Listed<OneOnOne>, viewer: &Viewer, today: NaiveDate) -> OneOnOneSection {
    let (id, heading) = if matches!(span, Span::From(_)) { ("coming", "Coming") } else { ("past", "Past") };
    let row = |item: &OneOnOne| {
        let (with, name) = item.counterpart(viewer);
        OneOnOneRow {
            href: path(&item.id),
            person: person(with.as_str(), name, ""),
            held_on: Time::Date(item.held_on),
            when: when(item.held_on, today),
        }
    };
    OneOnOneSection {
        id,
        heading,
        rows: listed.entries.iter().map(row).collect(),
        more_href: listed.next.map(|cursor| format!("/one-on-ones?{id}={cursor}")),
    }
}

/// The page of a 1:1 around what was typed on it.
pub(super) async fn page(
    app: &App,
    me: &SignedIn,
    id: OneOnOneId,
    query: &ShowQuery,
    links: &LinksQuery,
    typed: Typed,
) -> Result<OneOnOnePage> {
    let (viewer, links_page, detached) = (me.viewer(), links.page()?, links.detached());
    let work_page = shared_work::part(query.work.as_deref())?;
    let asked = work_page.clone();
    let read = app.read(move |connection| {
        let item = one_on_ones::find(connection, &viewer, &id)?;
        let target = item.target();
        let items = one_on_ones::agenda::list(connection, &viewer, &id)?;
        let notes = notes::read(connection, &viewer, &id)?;
        let neighbours = (one_on_ones::previous(connection, &item)?, one_on_ones::next(connection, &item)?);
        let attached = detached::of_conversation(connection, &viewer, &target, &links_page, detached.as_ref())?;
        let work = work::between(connection, &viewer, item.counterpart(&viewer).0, &target, &asked)?;
        Ok((item, items, notes, neighbours, attached, work))
    });
    let (item, items, notes, (previous, next), attached, work) = read.await?;
    let today = me.zone.today(&app.now());
    let is_ahead = item.held_on >= today;
    let (href, with) = (path(&item.id), item.counterpart(&me.viewer()).1.to_owned());
    let open = items.iter().filter(|item| item.is_open()).count();
    let other_day = |neighbour: Neighbour| OtherDay { href: path(&neighbour.id), day: date(neighbour.held_on, today) };
    Ok(OneOnOnePage {
        shell: me.shell(Place::OneOnOnes, banner(query.said.as_deref())),
        shared_work: shared_work::card(&href, &with, work, &work_page, attached.may_attach),
        pull_requests: conversation_links::card(app, me, links, attached),
        held_on: Time::Date(item.held_on),
        when: when(item.held_on, today),
        is_ahead,
        can_carry: open > 0 && next.is_some() && item.held_on <= today,
        previous: previous.map(other_day),
        next: next.map(other_day),
        agenda: items.into_iter().map(|item| agenda_row(item, me, is_ahead, today)).collect(),
        open,
        added: typed.added,
        notes: typed.notes.unwrap_or(notes.body),
        wrong: typed.wrong,
        href,
        with,
    })
}

fn agenda_row(item: AgendaItem, me: &SignedIn, is_ahead: bool, today: NaiveDate) -> AgendaRow {
    let is_own = item.added_by == me.member.id;
    let carried_to = item.carried_to.zip(item.carried_to_day);
    AgendaRow {
        id: item.id.to_string(),
        body: item.body,
        added_by: if is_own { "you".to_owned() } else { item.added_by_name },
        is_done: item.done_at.is_some(),
        can_tick: is_ahead || carried_to.is_none(),
        carried_from: item.carried_from.map(|from| date(from, today)),
        carried_to: carried_to.map(|(id, to)| OtherDay { href: path(&id), day: date(to, today) }),
        is_own,
    }
}

/// "In 3 days".
pub(super) fn when(date: NaiveDate, today: NaiveDate) -> String {
    match (date - today).num_days() {
        0 => "Today".to_owned(),
        1 => "Tomorrow".to_owned(),
        -1 => "Yesterday".to_owned(),
        days if days > 0 => format!("In {days} days"),
        days => format!("{} days ago", -days),
    }
}

/// What came of the last press of a button.
fn banner(said: Option<&str>) -> Option<Banner> {
    let (strong, text) = match said? {
        "planned" => ("Planned.", "What was still open last time is on the agenda."),
        "moved" => ("Moved.", "It has another day now."),
        "cancelled" => ("Cancelled.", "The 1:1 is gone for both of you."),
        "carried" => ("Carried over.", "What was open is on the next agenda."),
        "removed" => ("Removed.", "It is off the agenda."),
        "noted" => ("Saved.", "Only you see your notes."),
        _ => return None,
    };
    Some(Banner { tone: Tone::Success, strong: strong.to_owned(), text: text.to_owned() })
}
