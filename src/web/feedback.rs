//! `/feedback` and below: what one may see, one item with its pull requests, sharing, and detaching.

use actix_web::{HttpResponse, web};
use chrono::NaiveDateTime;
use serde::Deserialize;

use super::conversation_links::{self, LinksQuery};
use super::conversations;
use super::failure::{PageResult, html, see_other};
use super::page::{FeedbackList, FeedbackPage, FeedbackRow, Place, PullRequests, Reader, Share};
use super::session::{SignedIn, person};
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::error::{Error, Result};
use crate::panel::wording::day;
use crate::people::Viewer;
use crate::people::detached;
use crate::people::feedback::{self, Feedback};
use crate::people::links::{Kind, Target};
use crate::people::page::Page;
use crate::people::text::Body;
use crate::platform::body::Form;
use crate::storage::ids::FeedbackId;

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
pub async fn show(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    query: web::Query<LinksQuery>,
) -> PageResult<HttpResponse> {
    let id = parse(&id)?;
    let (viewer, part, detached) = (me.viewer(), query.page()?, query.detached());
    let read = app.read(move |connection| {
        let item = feedback::find(connection, &viewer, &id)?;
        let target = Target { kind: Kind::Feedback, id: id.to_string() };
        Ok((item, detached::of_conversation(connection, &viewer, &target, &part, detached.as_ref())?))
    });
    let (item, attached) = read.await?;
    let pull_requests = conversation_links::card(&app, &me, &query, attached);
    html(&page(&me, item, pull_requests, app.now().at))
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

fn parse(id: &str) -> Result<FeedbackId> {
    FeedbackId::parse(id).ok_or_else(|| Error::not_found("feedback"))
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
    FeedbackRow {
        href: format!("/feedback/{}", item.id),
        title: conversations::feedback_title(item, &viewer.member_id),
        facts: vec![when, seen_by],
    }
}

fn page(me: &SignedIn, item: Feedback, pull_requests: PullRequests, now: NaiveDateTime) -> FeedbackPage {
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
        title: conversations::feedback_title(&item, &me.member.id),
        is_shared: !is_draft,
        facts,
        body: item.body,
        edit_action: (is_author && is_draft).then(|| format!("/feedback/{}/body", item.id)),
        readers,
        share,
        pull_requests,
    }
}
