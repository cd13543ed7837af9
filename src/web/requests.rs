//! `/requests/{id}`: one request with its pull requests; answering, declining and closing it.

use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use serde::Deserialize;

use super::conversation_links::{self, LinksQuery};
use super::conversations;
use super::failure::{PageResult, html, html_with, see_other};
use super::page::{Answer, Banner, Decide, Place, PullRequests, Reader, RequestPage, Time};
use super::request_list::standing;
use super::session::{SignedIn, person};
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::detached;
use crate::people::requests::{self, Request, State};
use crate::people::text::{Body, Note};
use crate::platform::body::{Form, TEXT_FORM_BYTES};
use crate::storage::ids::{MemberId, RequestId};

/// An answer.
#[derive(Deserialize)]
pub struct AnswerForm {
    csrf: String,
    #[serde(default)]
    body: String,
}

/// The word that a request is declined with.
#[derive(Deserialize)]
pub struct DeclineForm {
    csrf: String,
    #[serde(default)]
    word: String,
}

/// What was typed and could not be saved.
enum Typed {
    Body(String),
    Word(String),
}

/// `GET /requests/{id}`.
///
/// # Errors
/// `not_found` (404).
pub async fn show(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    query: web::Query<LinksQuery>,
) -> PageResult<HttpResponse> {
    html(&page(&app, &me, &parse(&id)?, &query).await?)
}

/// `POST /requests/{id}/answer`.
///
/// # Errors
/// `csrf_invalid` or `asked_needed` (403); `not_found` (404). An answer that cannot be saved comes back with the page.
pub async fn answer(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<AnswerForm, TEXT_FORM_BYTES>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, parsed) = (me.viewer(), app.now(), parse(&id)?);
    let (asked, body) = (parsed.clone(), Body::parse(&form.0.body));
    // Who may see the request is asked before the text is judged: whoever may not learns nothing else.
    let saved = app.write(move |connection| match body {
        Ok(body) => requests::answer(connection, &viewer, &asked, &body, &now).map(|_answered| ()),
        Err(error) => requests::find(connection, &viewer, &asked).and(Err(error)),
    });
    match saved.await {
        Ok(()) => Ok(see_other(&format!("/requests/{parsed}"))),
        Err(error) => again(&app, &me, &parsed, Typed::Body(form.0.body), error).await,
    }
}

/// `POST /requests/{id}/decline`.
///
/// # Errors
/// `csrf_invalid` or `asked_needed` (403); `not_found` (404). A word that cannot be saved comes back with the page.
pub async fn decline(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<DeclineForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, parsed) = (me.viewer(), app.now(), parse(&id)?);
    let (asked, word) = (parsed.clone(), Note::parse(&form.0.word));
    let saved = app.write(move |connection| match word {
        Ok(word) => requests::decline(connection, &viewer, &asked, &word, &now).map(|_declined| ()),
        Err(error) => requests::find(connection, &viewer, &asked).and(Err(error)),
    });
    match saved.await {
        Ok(()) => Ok(see_other(&format!("/requests/{parsed}"))),
        Err(error) => again(&app, &me, &parsed, Typed::Word(form.0.word), error).await,
    }
}

/// `POST /requests/{id}/close`.
///
/// # Errors
/// `csrf_invalid` or `asker_needed` (403); `not_found` (404); `request_over` (409).
pub async fn close(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, parsed) = (me.viewer(), app.now(), parse(&id)?);
    let asked = parsed.clone();
    app.write(move |connection| requests::close(connection, &viewer, &asked, &now).map(|_closed| ())).await?;
    Ok(see_other(&format!("/requests/{parsed}")))
}

/// The page around what was typed and is wrong, or came too late.
async fn again(app: &App, me: &SignedIn, id: &RequestId, typed: Typed, error: Error) -> PageResult<HttpResponse> {
    if error.field.is_none() && error.code != "request_over" {
        return Err(error.into());
    }
    error.log();
    let mut page = page(app, me, id, &LinksQuery::default()).await?;
    let sentence = error.detail.to_string();
    page.shell.banner = Some(Banner::not_saved(sentence.clone()));
    match (typed, &mut page.decide) {
        (Typed::Body(text), Some(decide)) => (decide.body, decide.wrong_body) = (text, Some(sentence)),
        (Typed::Word(text), Some(decide)) => (decide.word, decide.wrong_word) = (text, Some(sentence)),
        (Typed::Body(text) | Typed::Word(text), None) => page.unsaved = Some(text).filter(|text| !text.is_empty()),
    }
    html_with(error.status(), &page)
}

async fn page(app: &App, me: &SignedIn, id: &RequestId, query: &LinksQuery) -> Result<RequestPage> {
    let (viewer, asked, part, detached) = (me.viewer(), id.clone(), query.page()?, query.detached());
    let read = app.read(move |connection| {
        let item = requests::find(connection, &viewer, &asked)?;
        let attached = detached::of_conversation(connection, &viewer, &item.target(), &part, detached.as_ref())?;
        Ok((item, attached))
    });
    let (item, attached) = read.await?;
    Ok(view(me, item, conversation_links::card(app, me, query, attached), me.zone.today(&app.now())))
}

fn parse(id: &str) -> Result<RequestId> {
    RequestId::parse(id).ok_or_else(|| Error::not_found("request"))
}

fn view(me: &SignedIn, item: Request, pull_requests: PullRequests, today: NaiveDate) -> RequestPage {
    let (is_asker, is_open) = (item.asker_id == me.member.id, item.state == State::Open);
    let path = conversations::path(&item.target());
    let decide = || Decide {
        answer_action: format!("{path}/answer"),
        body: String::new(),
        wrong_body: None,
        decline_action: format!("{path}/decline"),
        word: String::new(),
        wrong_word: None,
    };
    RequestPage {
        shell: me.shell(Place::Requests, None),
        title: conversations::request_title(&item, &me.member.id),
        asked_at: Time::Day(item.created_at),
        standing: standing(&item, today),
        answer: said(&item, &me.member.id),
        decide: (is_open && !is_asker).then(decide),
        close_action: (is_open && is_asker).then(|| format!("{path}/close")),
        unsaved: None,
        readers: vec![
            reader(&me.member.id, (&item.asker_id, &item.asker_name), "you ask", "asks"),
            reader(&me.member.id, (&item.asked_id, &item.asked_name), "you are asked", "is asked"),
        ],
        pull_requests,
        asker: if is_asker { "you".to_owned() } else { item.asker_name },
        question: item.question,
    }
}

fn said(item: &Request, me: &MemberId) -> Option<Answer> {
    let verb = match item.state {
        State::Open | State::Closed => return None,
        State::Answered => "answered",
        State::Declined => "declined",
    };
    let who = if item.asked_id == *me { "You" } else { &item.asked_name };
    Some(Answer { heading: format!("{who} {verb}"), text: item.answer.clone() })
}

fn reader(me: &MemberId, (id, name): (&MemberId, &str), of_me: &str, of_others: &str) -> Reader {
    Reader { person: person(id.as_str(), name, ""), why: if id == me { of_me } else { of_others }.to_owned() }
}
