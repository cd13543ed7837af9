//! `/feedback`: what one may see, part by part, and the form that begins a draft.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::conversations;
use super::failure::{PageResult, html, html_with, see_other};
use super::page::{FeedbackList, FeedbackRow, FeedbackSection, PersonField, Place, Time};
use super::session::SignedIn;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::people::colleagues::{self, Colleague};
use crate::people::feedback::{self, Feedback, NewFeedback, Part};
use crate::people::page::{Listed, Page};
use crate::people::text::Body;
use crate::platform::body::Form;

/// How many of each part the whole list shows, and how many a later page does.
const FIRST: &str = "20";
const LATER: &str = "50";

/// The parts by the word in the address, with their headings.
const PARTS: [(Part, &str, &str); 4] = [
    (Part::Drafts, "drafts", "Your drafts"),
    (Part::AboutViewer, "about-you", "About you"),
    (Part::AboutLed, "led", "About people you lead"),
    (Part::SharedByViewer, "shared", "Shared by you"),
];

/// Which page of the list is asked for.
#[derive(Default, Deserialize)]
pub struct ListQuery {
    part: Option<String>,
    before: Option<String>,
}

/// The form that begins a draft.
#[derive(Deserialize)]
pub struct NewForm {
    csrf: String,
    #[serde(default)]
    about: String,
}

/// `GET /feedback`.
///
/// # Errors
/// `cursor_invalid` (400); `not_found` (404) for a part that there is not.
pub async fn show(app: web::Data<App>, me: SignedIn, query: web::Query<ListQuery>) -> PageResult<HttpResponse> {
    html(&page(&app, &me, &query, String::new(), None).await?)
}

/// `POST /feedback`: begins a draft about a colleague.
///
/// # Errors
/// `csrf_invalid` (403). A person who is not found comes back with the page.
pub async fn begin(app: web::Data<App>, me: SignedIn, form: Form<NewForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, about) = (me.viewer(), app.now(), form.0.about.clone());
    let begun = app.write(move |connection| {
        let about = colleagues::chosen(connection, &viewer, &about, "about")?;
        feedback::create(connection, &viewer, &NewFeedback { about, body: Body::default(), shared: false }, &now)
    });
    match begun.await {
        Ok(id) => Ok(see_other(&format!("/feedback/{id}"))),
        Err(error) if error.field == Some("about") => {
            error.log();
            let status = error.status();
            let page = page(&app, &me, &ListQuery::default(), form.0.about, Some(error.detail.to_string())).await?;
            html_with(status, &page)
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(app: &App, me: &SignedIn, query: &ListQuery, sent: String, wrong: Option<String>) -> Result<FeedbackList> {
    let parts = parts(query)?;
    let is_whole = query.part.is_none();
    let page = Page::parse(query.before.as_deref(), Some(if is_whole { FIRST } else { LATER }))?;
    let viewer = me.viewer();
    let read = app.read(move |connection| {
        let mut lists = Vec::new();
        for part in parts {
            lists.push((part, feedback::list(connection, &viewer, part.0, &page)?));
        }
        Ok((lists, colleagues::listed(connection, &viewer)?))
    });
    let (lists, people) = read.await?;
    let shown = lists.into_iter().filter(|(_, listed)| !is_whole || !listed.entries.is_empty());
    Ok(FeedbackList {
        shell: me.shell(Place::Feedback, None),
        sections: shown.map(|(part, listed)| section(part, listed, is_whole, &me.viewer())).collect(),
        about: person_field("about", "About whom", people, sent, wrong),
    })
}

fn parts(query: &ListQuery) -> Result<Vec<(Part, &'static str, &'static str)>> {
    match (&query.part, &query.before) {
        (None, None) => Ok(PARTS.to_vec()),
        (Some(word), _) => {
            let part = PARTS.into_iter().find(|(_, known, _)| known == word);
            part.map(|part| vec![part]).ok_or_else(|| Error::not_found("part of the feedback"))
        }
        (None, Some(_)) => Err(Error::invalid("cursor_invalid", "before", "Begin at the first page of the list.")),
    }
}

fn section(
    (_, id, heading): (Part, &'static str, &'static str),
    listed: Listed<Feedback>,
    is_whole: bool,
    viewer: &Viewer,
) -> FeedbackSection {
    FeedbackSection {
        id,
        heading,
        rows: listed.entries.iter().map(|item| row(item, viewer)).collect(),
        older_href: listed.next.map(|cursor| format!("/feedback?part={id}&before={cursor}")),
        newest_href: (!is_whole).then(|| "/feedback".to_owned()),
    }
}

/// An item as a list shows it.
pub fn row(item: &Feedback, viewer: &Viewer) -> FeedbackRow {
    FeedbackRow {
        href: conversations::path(&item.target()),
        title: conversations::feedback_title(item, &viewer.member_id),
        shared_at: item.shared_at.map(Time::Day),
        begun_at: Time::Day(item.created_at),
        seen_by: seen_by(item, viewer),
    }
}

fn seen_by(item: &Feedback, viewer: &Viewer) -> String {
    if item.shared_at.is_none() {
        return "only you".to_owned();
    }
    let manager = item.manager();
    let readers = [(&item.author_id, &item.author_name), (&item.subject_id, &item.subject_name)];
    let readers = readers.into_iter().chain(manager.as_ref().map(|manager| (&manager.id, &manager.name)));
    let mut names: Vec<&str> = readers.filter(|(id, _)| **id != viewer.member_id).map(|(_, name)| name.as_str()).collect();
    let last = names.pop().unwrap_or_default();
    if names.is_empty() { format!("you and {last}") } else { format!("you, {} and {last}", names.join(", ")) }
}

/// A field that asks for a colleague and must be filled.
pub fn person_field(
    name: &'static str,
    label: &'static str,
    people: Option<Vec<Colleague>>,
    sent: String,
    wrong: Option<String>,
) -> PersonField {
    let people = people.map(|people| people.into_iter().map(|person| (person.id.to_string(), person.name)).collect());
    PersonField { name, label, nobody: "Choose a person", is_required: true, people, sent, wrong }
}
