//! `/requests`: what waits for an answer, part by part, and the form that asks for feedback.

use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use serde::Deserialize;

use super::conversations;
use super::failure::{PageResult, html, html_with, see_other};
use super::feedback_list::person_field;
use super::page::{AskForm, PersonField, Place, RequestList, RequestRow, RequestSection, Standing, Time};
use super::session::SignedIn;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::people::colleagues::{self, Colleague};
use crate::people::page::{Listed, Page, PageByDate};
use crate::people::requests::{self, NewRequest, Part, Request, State};
use crate::people::text::{self, Body};
use crate::platform::body::{Form, TEXT_FORM_BYTES};
use crate::storage::AnyConnection;

/// How many of each part the whole list shows, and how many a later page does.
const FIRST: &str = "20";
const LATER: &str = "50";
/// An answer that is due so soon is marked.
const SOON_DAYS: i64 = 7;

/// The parts by the word in the address, with their headings.
const PARTS: [(Part, &str, &str); 3] =
    [(Part::ToAnswer, "to-answer", "To answer"), (Part::AskedByViewer, "asked", "Asked by you"), (Part::Done, "done", "Done")];

/// Which page of the list is asked for.
#[derive(Default, Deserialize)]
pub struct ListQuery {
    part: Option<String>,
    beyond: Option<String>,
}

/// The form that asks.
#[derive(Clone, Default, Deserialize)]
pub struct NewForm {
    csrf: String,
    #[serde(default)]
    asked: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    question: String,
    #[serde(default)]
    due_on: String,
}

/// `GET /requests`.
///
/// # Errors
/// `cursor_invalid` (400); `not_found` (404) for a part that there is not.
pub async fn show(app: web::Data<App>, me: SignedIn, query: web::Query<ListQuery>) -> PageResult<HttpResponse> {
    html(&page(&app, &me, &query, NewForm::default(), None).await?)
}

/// `POST /requests`: asks a colleague.
///
/// # Errors
/// `csrf_invalid` (403). What is wrong with a field comes back with the page.
pub async fn ask(app: web::Data<App>, me: SignedIn, form: Form<NewForm, TEXT_FORM_BYTES>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, sent) = (me.viewer(), app.now(), form.0.clone());
    let asked = app.write(move |connection| {
        let new = read(connection, &viewer, &sent)?;
        requests::ask(connection, &viewer, &new, &now)
    });
    match asked.await {
        Ok(id) => Ok(see_other(&format!("/requests/{id}"))),
        Err(error) if error.field.is_some() => {
            error.log();
            let page = page(&app, &me, &ListQuery::default(), form.0, Some(&error)).await?;
            html_with(error.status(), &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// The request that a form asks for; nobody named means about oneself.
fn read(connection: &mut AnyConnection, viewer: &Viewer, sent: &NewForm) -> Result<NewRequest> {
    let asked = colleagues::chosen(connection, viewer, &sent.asked, "asked")?;
    let about = match sent.about.trim() {
        "" => viewer.member_id.clone(),
        about => colleagues::chosen(connection, viewer, about, "about")?,
    };
    let due_on = text::optional_date("due_on", &sent.due_on)?;
    Ok(NewRequest { asked, about, question: Body::parse_field("question", &sent.question)?, due_on })
}

async fn page(app: &App, me: &SignedIn, query: &ListQuery, sent: NewForm, error: Option<&Error>) -> Result<RequestList> {
    let parts = parts(query)?;
    let is_whole = query.part.is_none();
    let limit = Some(if is_whole { FIRST } else { LATER });
    let (viewer, beyond) = (me.viewer(), query.beyond.clone());
    let read = app.read(move |connection| {
        let mut lists = Vec::new();
        for part in parts {
            let listed = match part.0 {
                Part::ToAnswer => requests::to_answer(connection, &viewer, &PageByDate::parse(beyond.as_deref(), limit)?)?,
                other => requests::list(connection, &viewer, other, &Page::parse(beyond.as_deref(), limit)?)?,
            };
            lists.push((part, listed));
        }
        Ok((lists, colleagues::listed(connection, &viewer)?))
    });
    let (lists, people) = read.await?;
    let today = me.zone.today(&app.now());
    let shown = lists.into_iter().filter(|(_, listed)| !is_whole || !listed.entries.is_empty());
    Ok(RequestList {
        shell: me.shell(Place::Requests, None),
        sections: shown.map(|(part, listed)| section(part, listed, is_whole, &me.viewer(), today)).collect(),
        form: ask_form(people, sent, error),
    })
}

fn parts(query: &ListQuery) -> Result<Vec<(Part, &'static str, &'static str)>> {
    match (&query.part, &query.beyond) {
        (None, None) => Ok(PARTS.to_vec()),
        (Some(word), _) => {
            let part = PARTS.into_iter().find(|(_, known, _)| known == word);
            part.map(|part| vec![part]).ok_or_else(|| Error::not_found("part of the requests"))
        }
        (None, Some(_)) => Err(Error::invalid("cursor_invalid", "beyond", "Begin at the first page of the list.")),
    }
}

fn section(
    (_, id, heading): (Part, &'static str, &'static str),
    listed: Listed<Request>,
    is_whole: bool,
    viewer: &Viewer,
    today: NaiveDate,
) -> RequestSection {
    RequestSection {
        id,
        heading,
        rows: listed.entries.iter().map(|item| row(item, viewer, today)).collect(),
        more_href: listed.next.map(|cursor| format!("/requests?part={id}&beyond={cursor}")),
        whole_href: (!is_whole).then(|| "/requests".to_owned()),
    }
}

/// A request as a list shows it.
pub fn row(item: &Request, viewer: &Viewer, today: NaiveDate) -> RequestRow {
    RequestRow {
        href: conversations::path(&item.target()),
        title: conversations::request_title(item, &viewer.member_id),
        asked_at: Time::Day(item.created_at),
        standing: standing(item, today),
    }
}

/// How far a request is.
pub fn standing(item: &Request, today: NaiveDate) -> Standing {
    let decided_at = item.decided_at.map(Time::Day);
    match (item.state, item.due_on) {
        (State::Open, None) => Standing { word: "", on: None, tone: "quiet" },
        (State::Open, Some(due_on)) => {
            let (word, tone) = match (due_on - today).num_days() {
                ..0 => ("Overdue since", "danger"),
                0..=SOON_DAYS => ("Due", "warning"),
                _ => ("Due", "quiet"),
            };
            Standing { word, on: Some(Time::Date(due_on)), tone }
        }
        (State::Answered, _) => Standing { word: "Answered", on: decided_at, tone: "success" },
        (State::Declined, _) => Standing { word: "Declined", on: decided_at, tone: "quiet" },
        (State::Closed, _) => Standing { word: "Closed", on: decided_at, tone: "quiet" },
    }
}

fn ask_form(people: Option<Vec<Colleague>>, sent: NewForm, error: Option<&Error>) -> AskForm {
    let wrong = |field: &str| error.filter(|error| error.field == Some(field)).map(|error| error.detail.to_string());
    AskForm {
        asked: person_field("asked", "Whom you ask", people.clone(), sent.asked, wrong("asked")),
        about: PersonField {
            nobody: "Yourself",
            is_required: false,
            ..person_field("about", "About whom", people, sent.about, wrong("about"))
        },
        question: sent.question,
        wrong_question: wrong("question"),
        due_on: sent.due_on,
        wrong_due_on: wrong("due_on"),
    }
}
