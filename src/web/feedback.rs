//! `/feedback` and below: what one may see, one item with its pull requests, sharing, and detaching.

use actix_web::{HttpResponse, web};
use chrono::NaiveDateTime;
use serde::Deserialize;

use super::failure::{PageResult, html, see_other};
use super::page::{FeedbackList, FeedbackPage, FeedbackRow, Known, Place, PullRequest, PullRequestState, Reader, Share};
use super::session::{SignedIn, person};
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::error::{Error, Result};
use crate::panel::view::moment;
use crate::panel::wording::day;
use crate::people::Viewer;
use crate::people::feedback::{self, Feedback};
use crate::people::links::{self, Kind, Link, Shown, Target};
use crate::people::page::Page;
use crate::people::text::Body;
use crate::platform::body::Form;
use crate::storage::ids::{FeedbackId, LinkId};

/// A changed text.
#[derive(Deserialize)]
pub struct BodyForm {
    csrf: String,
    body: String,
}

/// `GET /feedback`.
///
/// # Errors
/// When the database refuses.
pub async fn list(app: web::Data<App>, me: SignedIn) -> PageResult<HttpResponse> {
    let (viewer, now) = (me.viewer(), app.now().at);
    let page = Page { before: None, limit: 100 };
    let items = app.read(move |connection| feedback::list(connection, &viewer, &page)).await?.entries;
    let (mine, about_you): (Vec<Feedback>, Vec<Feedback>) = items.into_iter().partition(|item| item.author_id == me.member.id);
    let (shared, drafts): (Vec<Feedback>, Vec<Feedback>) = mine.into_iter().partition(|item| item.shared_at.is_some());
    let rows = |items: Vec<Feedback>| items.iter().map(|item| row(item, &me.viewer(), now)).collect();
    let page = FeedbackList {
        shell: me.shell(Place::Feedback, None),
        drafts: rows(drafts),
        about_you: rows(about_you),
        shared: rows(shared),
    };
    html(&page)
}

/// `GET /feedback/{id}`.
///
/// # Errors
/// `not_found` (404).
pub async fn show(app: web::Data<App>, me: SignedIn, id: web::Path<String>) -> PageResult<HttpResponse> {
    let id = parse(&id)?;
    let viewer = me.viewer();
    let read = app.read(move |connection| {
        let item = feedback::find(connection, &viewer, &id)?;
        let target = Target { kind: Kind::Feedback, id: id.to_string() };
        let links = links::list(connection, &viewer, Some(&target), &Page { before: None, limit: 100 })?;
        Ok((item, links.entries))
    });
    let (item, links) = read.await?;
    html(&page(&me, item, &links, app.now().at))
}

/// `POST /feedback/{id}/share`.
///
/// # Errors
/// `csrf_invalid` or `author_needed` (403); `not_found` (404).
pub async fn share(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, parsed) = (me.viewer(), app.now(), parse(&id)?);
    app.write(move |connection| feedback::share(connection, &viewer, &parsed, &now).map(|_item| ())).await?;
    Ok(see_other(&format!("/feedback/{id}")))
}

/// `POST /feedback/{id}/body`.
///
/// # Errors
/// `csrf_invalid` or `author_needed` (403); `not_found` (404); `text_too_long` (400).
pub async fn write(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<BodyForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, parsed, body) = (me.viewer(), app.now(), parse(&id)?, Body::parse(&form.0.body)?);
    app.write(move |connection| feedback::write(connection, &viewer, &parsed, &body, &now)).await?;
    Ok(see_other(&format!("/feedback/{id}")))
}

/// `POST /feedback/{id}/links/{link}/remove`.
///
/// # Errors
/// `csrf_invalid` or `maker_needed` (403); `not_found` (404).
pub async fn detach(
    app: web::Data<App>,
    me: SignedIn,
    path: web::Path<(String, String)>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (id, link) = path.into_inner();
    let link = LinkId::parse(&link).ok_or_else(|| Error::not_found("link"))?;
    let viewer = me.viewer();
    app.write(move |connection| links::remove(connection, &viewer, &link)).await?;
    Ok(see_other(&format!("/feedback/{}", parse(&id)?)))
}

fn parse(id: &str) -> Result<FeedbackId> {
    FeedbackId::parse(id).ok_or_else(|| Error::not_found("feedback"))
}

fn title(item: &Feedback, viewer: &Viewer) -> String {
    if item.author_id == viewer.member_id {
        format!("Feedback for {}", item.subject_name)
    } else {
        format!("Feedback from {}", item.author_name)
    }
}

fn row(item: &Feedback, viewer: &Viewer, now: NaiveDateTime) -> FeedbackRow {
    let when = match item.shared_at {
        Some(shared_at) => format!("shared {}", day(shared_at, now)),
        None => format!("started {}", day(item.created_at, now)),
    };
    let seen_by = match (item.shared_at, item.author_id == viewer.member_id) {
        (None, _) => "seen by only you".to_owned(),
        (Some(_), true) => format!("seen by you and {}", item.subject_name),
        (Some(_), false) => format!("seen by you and {}", item.author_name),
    };
    FeedbackRow { href: format!("/feedback/{}", item.id), title: title(item, viewer), facts: vec![when, seen_by] }
}

fn page(me: &SignedIn, item: Feedback, links: &[Link], now: NaiveDateTime) -> FeedbackPage {
    let is_author = item.author_id == me.member.id;
    let is_draft = item.shared_at.is_none();
    let mut facts = vec![format!("by {}", item.author_name), format!("started {}", day(item.created_at, now))];
    facts.extend(item.shared_at.map(|shared_at| format!("shared {}", day(shared_at, now))));
    let mut readers = vec![Reader { person: person(item.author_id.as_str(), &item.author_name, ""), why: "wrote it".to_owned() }];
    if !is_draft {
        let subject = person(item.subject_id.as_str(), &item.subject_name, "");
        readers.push(Reader { person: subject, why: "it is about them".to_owned() });
    }
    let share = (is_author && is_draft).then(|| Share {
        action: format!("/feedback/{}/share", item.id),
        with: item.subject_name.clone(),
        consequence: format!("{} will see the text, the pull requests and your notes.", item.subject_name),
    });
    FeedbackPage {
        shell: me.shell(Place::Feedback, None),
        title: title(&item, &me.viewer()),
        is_shared: !is_draft,
        facts,
        body: item.body,
        edit_action: (is_author && is_draft).then(|| format!("/feedback/{}/body", item.id)),
        readers,
        share,
        pull_requests: links.iter().map(|link| pull_request(link, me, &item.id, now)).collect(),
    }
}

fn pull_request(link: &Link, me: &SignedIn, feedback_id: &FeedbackId, now: NaiveDateTime) -> PullRequest {
    let is_mine = link.created_by == me.member.id;
    PullRequest {
        url: link.url.clone(),
        known: link.details.as_ref().map_or(Known::AddressOnly, known),
        attached_by: if is_mine { "you".to_owned() } else { link.created_by_name.clone() },
        attached_at: moment(link.created_at, now),
        note: link.note.clone(),
        detach_action: is_mine.then(|| format!("/feedback/{feedback_id}/links/{}/remove", link.id)),
    }
}

fn known(shown: &Shown) -> Known {
    let Some(title) = shown.title.clone() else { return Known::AddressOnly };
    let state = match shown.state.as_deref() {
        Some("MERGED") => PullRequestState::Merged,
        Some("DECLINED") => PullRequestState::Declined,
        Some("SUPERSEDED") => PullRequestState::Superseded,
        _ => PullRequestState::Open,
    };
    let place = shown.repository_name.as_deref().map(|name| match shown.number {
        Some(number) => format!("{name} #{number}"),
        None => name.to_owned(),
    });
    let author = shown.author_name.as_deref().map(|name| format!("by {name}"));
    let approvals = shown.reviewers.iter().filter(|reviewer| reviewer.state.as_deref() == Some("approved")).count();
    let reviewed = (!shown.reviewers.is_empty()).then(|| format!("{approvals} of {} reviewers approved", shown.reviewers.len()));
    Known::Details { title, state, facts: place.into_iter().chain(author).chain(reviewed).collect() }
}
