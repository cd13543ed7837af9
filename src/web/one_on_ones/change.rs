//! Moving a 1:1 to another day, and cancelling it.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::super::failure::{PageResult, html, see_other};
use super::super::forms;
use super::super::page::{OneOnOneChangePage, Place, WrongField};
use super::super::session::SignedIn;
use super::super::sign_in::CsrfForm;
use super::{parse, path};
use crate::app::App;
use crate::error::Result;
use crate::people::{one_on_ones, text};
use crate::platform::body::Form;
use crate::storage::ids::OneOnOneId;

/// Another day.
#[derive(Clone, Debug, Deserialize)]
pub struct DateForm {
    csrf: String,
    #[serde(default)]
    held_on: String,
}

/// `GET /one-on-ones/{id}/change`.
///
/// # Errors
/// `not_found` (404).
pub async fn ask(app: web::Data<App>, me: SignedIn, id: web::Path<String>) -> PageResult<HttpResponse> {
    html(&page(&app, &me, parse(&id)?, None, WrongField::default()).await?)
}

/// `POST /one-on-ones/{id}/change`: moves it.
///
/// # Errors
/// `csrf_invalid` (403); `not_found` (404). What is wrong with the date comes back with the page.
pub async fn change(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<DateForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (id, viewer, now, typed) = (parse(&id)?, me.viewer(), app.now(), form.0.held_on.clone());
    let asked = id.clone();
    let moved = app.write(move |connection| {
        let held_on = text::date("held_on", &typed)?;
        one_on_ones::move_to(connection, &viewer, &asked, held_on, &now)
    });
    match moved.await {
        Ok(_moved) => Ok(see_other(&format!("{}?said=moved", path(&id)))),
        Err(error) => {
            let (wrong, status) = forms::wrong_field(error)?;
            forms::answer(&page(&app, &me, id, Some(form.0.held_on), wrong).await?, status)
        }
    }
}

/// `POST /one-on-ones/{id}/cancel`.
///
/// # Errors
/// `csrf_invalid` (403); `not_found` (404).
pub async fn cancel(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (id, viewer) = (parse(&id)?, me.viewer());
    app.write(move |connection| one_on_ones::cancel(connection, &viewer, &id)).await?;
    Ok(see_other("/one-on-ones?said=cancelled"))
}

async fn page(app: &App, me: &SignedIn, id: OneOnOneId, typed: Option<String>, wrong: WrongField) -> Result<OneOnOneChangePage> {
    let viewer = me.viewer();
    let item = app.read(move |connection| one_on_ones::find(connection, &viewer, &id)).await?;
    Ok(OneOnOneChangePage {
        shell: me.shell(Place::OneOnOnes, None),
        href: path(&item.id),
        with: item.counterpart(&me.viewer()).1.to_owned(),
        held_on: typed.unwrap_or_else(|| item.held_on.to_string()),
        wrong,
    })
}
