//! Removing the OAuth consumer that an owner has entered: asks on a page of its own, says what ends with it, and acts on the press of its button.

use actix_web::{HttpResponse, web};

use super::path;
use crate::app::App;
use crate::connections::consumer_removal;
use crate::platform::body::Form;
use crate::web::failure::{PageResult, html, see_other};
use crate::web::owner::Owner;
use crate::web::page::Place;
use crate::web::page::connections::RemoveConsumerPage;
use crate::web::sign_in::CsrfForm;

/// `GET …/connections/consumer/remove`.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404) when none is entered.
pub async fn ask(app: web::Data<App>, owner: Owner) -> PageResult<HttpResponse> {
    let viewer = owner.0.viewer();
    let (entered, uses) = app.read(move |connection| consumer_removal::entered_with_uses(connection, &viewer)).await?;
    html(&RemoveConsumerPage {
        shell: owner.0.shell(Place::Integrations, None),
        action: format!("{}/consumer/remove", path()),
        client_id: entered.client_id,
        connections: uses.connections,
        own_grants: uses.own_grants,
    })
}

/// `POST …/connections/consumer/remove`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `consumer_in_use` (409).
pub async fn remove(app: web::Data<App>, owner: Owner, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (viewer, now) = (owner.0.viewer(), app.now());
    app.write(move |connection| consumer_removal::remove(connection, &viewer, &now)).await?;
    Ok(see_other(&format!("{}?done=consumer-removed", path())))
}
