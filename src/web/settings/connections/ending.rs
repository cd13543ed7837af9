//! Disconnecting a connection: asks on a page of its own, says what becomes of the data, and acts on the press of its button.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{parse, path};
use crate::app::App;
use crate::connections::purge::Links;
use crate::connections::{closing, grants, hooks};
use crate::platform::body::Form;
use crate::web::failure::{PageResult, html, see_other};
use crate::web::owner::Owner;
use crate::web::page::Place;
use crate::web::page::connections::EndConnectionPage;

/// That it is to end, and whether links go as well.
#[derive(Deserialize)]
pub struct EndForm {
    csrf: String,
    links: Option<String>,
}

/// `GET …/connections/{id}/disconnect`.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub async fn ask(app: web::Data<App>, owner: Owner, id: web::Path<String>) -> PageResult<HttpResponse> {
    let (viewer, id) = (owner.0.viewer(), parse(&id)?);
    let read = app.read(move |connection| {
        let found = grants::find(connection, &viewer, &id)?;
        let is_last = closing::is_last_way(connection, &viewer, &found)?;
        let listening = hooks::listening(connection, &viewer)?.remove(&found.id);
        Ok((found, is_last, listening.map_or(0, |listening| listening.all())))
    });
    let (found, is_last, hooks) = read.await?;
    html(&EndConnectionPage {
        shell: owner.0.shell(Place::Integrations, None),
        action: format!("{}/{}/disconnect", path(), found.id),
        by_hand: closing::by_hand(found.kind),
        name: found.name,
        hooks,
        is_last,
    })
}

/// `POST …/connections/{id}/disconnect`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `already_disconnected` (409).
pub async fn end(app: web::Data<App>, owner: Owner, id: web::Path<String>, form: Form<EndForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (viewer, now, id) = (owner.0.viewer(), app.now(), parse(&id)?);
    let links = if form.0.links.is_some() { Links::Remove } else { Links::Keep };
    app.write(move |connection| closing::disconnect(connection, &viewer, &id, links, &now)).await?;
    Ok(see_other(&format!("{}?done=disconnected", path())))
}
