//! Retiring the Connect app where the Forge app has taken over: asked on a page of its own, done on the press of its button.

use actix_web::{HttpResponse, web};

use super::{PATH, parse};
use crate::app::App;
use crate::connections::retirement;
use crate::platform::body::Form;
use crate::web::failure::{PageResult, html, see_other};
use crate::web::owner::Owner;
use crate::web::page::Place;
use crate::web::page::settings::RetirePage;
use crate::web::sign_in::CsrfForm;

/// `GET …/installations/{id}/retire`.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `not_connect`, `already_disconnected` or `forge_not_connected` (409).
pub async fn ask(app: web::Data<App>, owner: Owner, id: web::Path<String>) -> PageResult<HttpResponse> {
    let (viewer, id) = (owner.0.viewer(), parse(&id)?);
    let installation = app.read(move |connection| retirement::may_be_retired(connection, &viewer, &id)).await?;
    html(&RetirePage {
        shell: owner.0.shell(Place::Integrations, None),
        name: installation.typed_name().to_owned(),
        action: format!("{PATH}/installations/{}/retire", installation.id),
    })
}

/// `POST …/installations/{id}/retire`.
///
/// # Errors
/// `csrf_invalid`, and as [`ask`].
pub async fn retire(app: web::Data<App>, owner: Owner, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (viewer, now, id) = (owner.0.viewer(), app.now(), parse(&id)?);
    app.write(move |connection| retirement::retire(connection, &viewer, &id, &now)).await?;
    Ok(see_other(&format!("{PATH}?done=retired")))
}
