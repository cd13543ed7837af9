//! `/feedback/{id}`: one item with its pull requests; writing, sharing and withdrawing it.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::conversation_links::{self, LinksQuery};
use super::conversations;
use super::failure::{PageResult, html, html_with, see_other};
use super::page::{
    Banner, EditFeedback, FeedbackPage, Place, PullRequests, Reader, Share, SharedWorkCard, Time, WithdrawFeedback,
};
use super::session::{SignedIn, person};
use super::shared_work;
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::people::detached;
use crate::people::feedback::{self, Audience, Feedback};
use crate::people::shared_work::between;
use crate::people::text::Body;
use crate::platform::body::{Form, TEXT_FORM_BYTES};
use crate::storage::ids::{FeedbackId, MemberId};

/// A changed text.
#[derive(Deserialize)]
pub struct BodyForm {
    csrf: String,
    body: String,
}

/// With whom an item is shared.
#[derive(Deserialize)]
pub struct ShareForm {
    csrf: String,
    /// The manager who sees it too; empty when only its subject does.
    #[serde(default)]
    manager: String,
}

/// Which part of the work that two people share is asked for.
#[derive(Default, Deserialize)]
pub struct WorkQuery {
    work: Option<String>,
}

/// What was sent and could not be done, for the page that comes back.
#[derive(Default)]
struct Refused {
    body: Option<String>,
    is_manager_chosen: bool,
    sentence: String,
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
    work: web::Query<WorkQuery>,
) -> PageResult<HttpResponse> {
    let (item, pull_requests, shared_work) = read(&app, &me, &parse(&id)?, &query, &work).await?;
    html(&page(&me, item, pull_requests, shared_work))
}

/// `POST /feedback/{id}/share`.
///
/// # Errors
/// `csrf_invalid` or `author_needed` (403); `not_found` (404). A manager who has changed comes back with the page.
pub async fn share(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<ShareForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, parsed) = (me.viewer(), app.now(), parse(&id)?);
    let unknown = || Error::invalid("person_unknown", "manager", "There is no such member. Reload the page and try again.");
    let audience = match form.0.manager.as_str() {
        "" => Ok(Audience::Subject),
        manager => MemberId::parse(manager).map(|id| Audience::SubjectAndManager(Some(id))).ok_or_else(unknown),
    };
    let asked = parsed.clone();
    // As below, the rule is asked first.
    let shared = app.write(move |connection| match audience {
        Ok(audience) => feedback::share(connection, &viewer, &asked, &audience, &now).map(|_item| ()),
        Err(error) => feedback::must_be_own(connection, &viewer, &asked).and(Err(error)),
    });
    match shared.await {
        Ok(()) => Ok(see_other(&format!("/feedback/{parsed}"))),
        Err(error) if error.kind == ErrorKind::Conflict => {
            let refused = Refused { is_manager_chosen: true, sentence: error.detail.to_string(), body: None };
            again(&app, &me, &parsed, refused, &error).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /feedback/{id}/body`.
///
/// # Errors
/// `csrf_invalid` or `author_needed` (403); `not_found` (404). A text that cannot be saved comes back with the page.
pub async fn write(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<BodyForm, TEXT_FORM_BYTES>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, parsed) = (me.viewer(), app.now(), parse(&id)?);
    let (asked, body) = (parsed.clone(), Body::parse(&form.0.body));
    // The rule is asked before the text is judged, so that whoever may not write it learns nothing else.
    let saved = app.write(move |connection| match body {
        Ok(body) => feedback::write(connection, &viewer, &asked, &body, &now),
        Err(error) => feedback::must_be_own(connection, &viewer, &asked).and(Err(error)),
    });
    match saved.await {
        Ok(()) => Ok(see_other(&format!("/feedback/{parsed}"))),
        Err(error) if error.field == Some("body") || error.code == "feedback_shared" => {
            let refused = Refused { body: Some(form.0.body), sentence: error.detail.to_string(), is_manager_chosen: false };
            again(&app, &me, &parsed, refused, &error).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /feedback/{id}/withdraw`: asks before a draft is deleted.
///
/// # Errors
/// `not_found` (404); `author_needed` (403); `feedback_shared` (409).
pub async fn ask_withdraw(app: web::Data<App>, me: SignedIn, id: web::Path<String>) -> PageResult<HttpResponse> {
    let (item, pull_requests, _) = read(&app, &me, &parse(&id)?, &LinksQuery::default(), &WorkQuery::default()).await?;
    feedback::must_be_draft_of(&item, &me.viewer())?;
    let links = match (pull_requests.rows.len(), pull_requests.older_href) {
        (0, _) => None,
        (1, _) => Some("one pull request".to_owned()),
        (count, None) => Some(format!("{count} pull requests")),
        (count, Some(_)) => Some(format!("more than {count} pull requests")),
    };
    html(&WithdrawFeedback {
        shell: me.shell(Place::Feedback, None),
        href: conversations::path(&item.target()),
        subject: item.subject_name,
        links,
    })
}

/// `POST /feedback/{id}/withdraw`: deletes a draft.
///
/// # Errors
/// `csrf_invalid` or `author_needed` (403); `not_found` (404); `feedback_shared` (409).
pub async fn withdraw(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, parsed) = (me.viewer(), parse(&id)?);
    app.write(move |connection| feedback::withdraw(connection, &viewer, &parsed)).await?;
    Ok(see_other("/feedback"))
}

/// The page around what was sent and could not be done.
async fn again(app: &App, me: &SignedIn, id: &FeedbackId, refused: Refused, error: &Error) -> PageResult<HttpResponse> {
    error.log();
    let (item, pull_requests, shared_work) = read(app, me, id, &LinksQuery::default(), &WorkQuery::default()).await?;
    let mut page = page(me, item, pull_requests, shared_work);
    page.shell.banner = Some(Banner::not_saved(refused.sentence.clone()));
    match (refused.body, &mut page.edit, &mut page.share) {
        (Some(body), Some(edit), _) => (page.body, edit.wrong) = (body, Some(refused.sentence)),
        (Some(body), None, _) => page.unsaved = Some(body),
        (None, _, Some(share)) => (share.is_manager_chosen, share.wrong) = (refused.is_manager_chosen, Some(refused.sentence)),
        (None, _, None) => {}
    }
    html_with(error.status(), &page)
}

/// The item, its pull requests, and for its two people the work they share.
async fn read(
    app: &App,
    me: &SignedIn,
    id: &FeedbackId,
    query: &LinksQuery,
    work: &WorkQuery,
) -> Result<(Feedback, PullRequests, Option<SharedWorkCard>)> {
    let (viewer, asked, part, detached) = (me.viewer(), id.clone(), query.page()?, query.detached());
    let work_page = shared_work::part(work.work.as_deref())?;
    let work_asked = work_page.clone();
    let read = app.read(move |connection| {
        let item = feedback::find(connection, &viewer, &asked)?;
        let attached = detached::of_conversation(connection, &viewer, &item.target(), &part, detached.as_ref())?;
        let between = |(other, _): (&MemberId, _)| between(connection, &viewer, other, &item.target(), &work_asked);
        let work = item.counterpart(&viewer).map(between).transpose()?;
        Ok((item, attached, work))
    });
    let (item, attached, work) = read.await?;
    let path = conversations::path(&item.target());
    let with = item.counterpart(&me.viewer()).map(|(_, name)| name);
    let shared_work = work.zip(with).map(|(work, with)| shared_work::card(&path, with, work, &work_page, attached.may_attach));
    Ok((item, conversation_links::card(app, me, query, attached), shared_work))
}

fn parse(id: &str) -> Result<FeedbackId> {
    FeedbackId::parse(id).ok_or_else(|| Error::not_found("feedback"))
}

fn page(me: &SignedIn, item: Feedback, pull_requests: PullRequests, shared_work: Option<SharedWorkCard>) -> FeedbackPage {
    let is_author = item.author_id == me.member.id;
    let is_draft = item.shared_at.is_none();
    let path = conversations::path(&item.target());
    let edit = || EditFeedback { action: format!("{path}/body"), wrong: None, withdraw_href: format!("{path}/withdraw") };
    FeedbackPage {
        shell: me.shell(Place::Feedback, None),
        title: conversations::feedback_title(&item, &me.member.id),
        begun_at: Time::Day(item.created_at),
        shared_at: item.shared_at.map(Time::Day),
        edit: (is_author && is_draft).then(edit),
        unsaved: None,
        readers: readers(&item, &me.member.id),
        share: share_form(&item, is_author, format!("{path}/share")),
        pull_requests,
        shared_work,
        author: item.author_name,
        body: item.body,
    }
}

fn readers(item: &Feedback, me: &MemberId) -> Vec<Reader> {
    let reader = |id: &MemberId, name: &str, of_me: &str, of_others: &str| Reader {
        person: person(id.as_str(), name, ""),
        why: if id == me { of_me.to_owned() } else { of_others.to_owned() },
    };
    let mut readers = vec![reader(&item.author_id, &item.author_name, "you wrote it", "wrote it")];
    if item.shared_at.is_some() {
        readers.push(reader(&item.subject_id, &item.subject_name, "it is about you", "it is about them"));
    }
    if let Some(manager) = item.manager() {
        let leads = format!("leads {}", item.subject_name);
        readers.push(reader(&manager.id, &manager.name, &format!("you lead {}", item.subject_name), &leads));
    }
    readers
}

fn share_form(item: &Feedback, is_author: bool, action: String) -> Option<Share> {
    let is_shared = item.shared_at.is_some();
    let manager = item.manager_to_offer();
    (is_author && (!is_shared || manager.is_some())).then(|| Share {
        action,
        subject: item.subject_name.clone(),
        is_shared,
        manager: manager.map(|manager| (manager.id.to_string(), manager.name)),
        is_manager_chosen: false,
        wrong: None,
    })
}
