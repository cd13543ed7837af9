//! The agenda of a 1:1 and the member's own notes: each item is a form of its own, so that two people at once lose nothing.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::super::conversation_links::LinksQuery;
use super::super::failure::{PageResult, html, see_other};
use super::super::forms;
use super::super::page::{AgendaItemPage, Place, WrongField};
use super::super::session::SignedIn;
use super::super::sign_in::CsrfForm;
use super::{ShowQuery, Typed, page, parse, path};
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::one_on_ones::{self, agenda, notes};
use crate::people::text::{Body, Line};
use crate::platform::body::{Form, TEXT_FORM_BYTES};
use crate::storage::ids::{AgendaItemId, OneOnOneId};

/// The text of an item.
#[derive(Clone, Debug, Deserialize)]
pub struct ItemForm {
    csrf: String,
    #[serde(default)]
    body: String,
}

/// A press of an item's tick: whether it is done from now on.
#[derive(Clone, Debug, Deserialize)]
pub struct TickForm {
    csrf: String,
    done: Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Done {
    Yes,
    No,
}

/// The member's own notes.
#[derive(Clone, Debug, Deserialize)]
pub struct NotesForm {
    csrf: String,
    #[serde(default)]
    notes: String,
}

fn ids(path: &(String, String)) -> Result<(OneOnOneId, AgendaItemId)> {
    let item = AgendaItemId::parse(&path.1).ok_or_else(|| Error::not_found("agenda item"))?;
    Ok((parse(&path.0)?, item))
}

/// `POST /one-on-ones/{id}/agenda`: adds an item.
///
/// # Errors
/// `csrf_invalid` (403); `not_found` (404). What is wrong with the text comes back with the page.
pub async fn add(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<ItemForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, id, typed) = (me.viewer(), app.now(), parse(&id)?, form.0.body.clone());
    let asked = id.clone();
    let added = app.write(move |connection| {
        one_on_ones::find(connection, &viewer, &asked)?;
        agenda::add(connection, &viewer, &asked, &Line::parse("body", &typed)?, &now)
    });
    match added.await {
        Ok(item) => Ok(see_other(&format!("{}#item-{item}", path(&id)))),
        Err(error) => {
            let (wrong, status) = forms::wrong_field(error)?;
            let typed = Typed { added: form.0.body, wrong, ..Typed::default() };
            let page = page(&app, &me, id, &ShowQuery::default(), &LinksQuery::default(), typed).await?;
            forms::answer(&page, status)
        }
    }
}

/// `POST /one-on-ones/{id}/agenda/{item}/tick`.
///
/// # Errors
/// `csrf_invalid` (403); `not_found` (404).
pub async fn tick(
    app: web::Data<App>,
    me: SignedIn,
    path: web::Path<(String, String)>,
    form: Form<TickForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let ((id, item), is_done) = (ids(&path)?, form.0.done == Done::Yes);
    let (viewer, now, back) = (me.viewer(), app.now(), format!("{}#item-{item}", super::path(&id)));
    app.write(move |connection| agenda::tick(connection, &viewer, &id, &item, is_done, &now)).await?;
    Ok(see_other(&back))
}

/// `GET /one-on-ones/{id}/agenda/{item}`: the form that changes one's own item.
///
/// # Errors
/// `not_found` (404).
pub async fn ask_change(app: web::Data<App>, me: SignedIn, path: web::Path<(String, String)>) -> PageResult<HttpResponse> {
    let (id, item) = ids(&path)?;
    html(&item_page(&app, &me, id, item, None, WrongField::default()).await?)
}

/// `POST /one-on-ones/{id}/agenda/{item}`: changes one's own item.
///
/// # Errors
/// `csrf_invalid` or `adder_needed` (403); `not_found` (404). What is wrong with the text comes back with the page.
pub async fn write(
    app: web::Data<App>,
    me: SignedIn,
    path: web::Path<(String, String)>,
    form: Form<ItemForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let ((id, item), viewer, typed) = (ids(&path)?, me.viewer(), form.0.body.clone());
    let asked = (id.clone(), item.clone());
    let written = app.write(move |connection| {
        let body = Line::parse("body", &typed)?;
        agenda::write(connection, &viewer, &asked.0, &asked.1, &body)
    });
    match written.await {
        Ok(()) => Ok(see_other(&format!("{}#item-{item}", super::path(&id)))),
        Err(error) => {
            let (wrong, status) = forms::wrong_field(error)?;
            forms::answer(&item_page(&app, &me, id, item, Some(form.0.body), wrong).await?, status)
        }
    }
}

/// `POST /one-on-ones/{id}/agenda/{item}/remove`: takes one's own item off the agenda.
///
/// # Errors
/// `csrf_invalid` or `adder_needed` (403); `not_found` (404).
pub async fn remove(
    app: web::Data<App>,
    me: SignedIn,
    path: web::Path<(String, String)>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let ((id, item), viewer) = (ids(&path)?, me.viewer());
    let back = format!("{}?said=removed", super::path(&id));
    app.write(move |connection| agenda::remove(connection, &viewer, &id, &item)).await?;
    Ok(see_other(&back))
}

/// `POST /one-on-ones/{id}/carry`: carries what is open to the next 1:1, where that was planned before.
///
/// # Errors
/// `csrf_invalid` (403); `not_found` (404); `no_next` (409).
pub async fn carry(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (id, viewer, now) = (parse(&id)?, me.viewer(), app.now());
    let back = format!("{}?said=carried", path(&id));
    app.write(move |connection| one_on_ones::carry(connection, &viewer, &id, &now)).await?;
    Ok(see_other(&back))
}

/// `POST /one-on-ones/{id}/notes`: writes the member's own notes.
///
/// # Errors
/// `csrf_invalid` (403); `not_found` (404). What is wrong with the text comes back with the page.
pub async fn write_notes(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<NotesForm, TEXT_FORM_BYTES>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (id, viewer, now, typed) = (parse(&id)?, me.viewer(), app.now(), form.0.notes.clone());
    let asked = id.clone();
    let written = app.write(move |connection| {
        one_on_ones::find(connection, &viewer, &asked)?;
        notes::write(connection, &viewer, &asked, &Body::parse_field("notes", &typed)?, &now)
    });
    match written.await {
        Ok(()) => Ok(see_other(&format!("{}?said=noted", path(&id)))),
        Err(error) => {
            let (wrong, status) = forms::wrong_field(error)?;
            let typed = Typed { notes: Some(form.0.notes), wrong, ..Typed::default() };
            let page = page(&app, &me, id, &ShowQuery::default(), &LinksQuery::default(), typed).await?;
            forms::answer(&page, status)
        }
    }
}

async fn item_page(
    app: &App,
    me: &SignedIn,
    id: OneOnOneId,
    item: AgendaItemId,
    typed: Option<String>,
    wrong: WrongField,
) -> Result<AgendaItemPage> {
    let viewer = me.viewer();
    let read = app.read(move |connection| {
        let found = one_on_ones::find(connection, &viewer, &id)?;
        Ok((agenda::find_own(connection, &viewer, &id, &item)?, found))
    });
    let (item, found) = read.await?;
    Ok(AgendaItemPage {
        shell: me.shell(Place::OneOnOnes, None),
        href: path(&found.id),
        with: found.counterpart(&me.viewer()).1.to_owned(),
        id: item.id.to_string(),
        body: typed.unwrap_or(item.body),
        wrong,
    })
}
