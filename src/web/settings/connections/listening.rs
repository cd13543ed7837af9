//! New secrets for the webhooks of a connection, on the press of a button.

use actix_web::{HttpResponse, web};

use super::{parse, path};
use crate::app::App;
use crate::connections::hooks::rotation;
use crate::platform::body::Form;
use crate::web::failure::{PageResult, see_other};
use crate::web::owner::Owner;
use crate::web::sign_in::CsrfForm;

/// `POST …/connections/{id}/hooks/rotate`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `already_disconnected`, `connection_refused` or `no_webhooks` (409).
pub async fn rotate(app: web::Data<App>, owner: Owner, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (viewer, keyring, now, id) = (owner.0.viewer(), app.keyring.clone(), app.now(), parse(&id)?);
    app.write(move |connection| rotation::rotate(connection, &viewer, &id, &keyring, &now)).await?;
    Ok(see_other(&format!("{}?done=rotated", path())))
}
