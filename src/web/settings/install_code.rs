//! `/settings/integrations/bitbucket/install-code`: a new code, after the page has said what becomes of the old one.

use actix_web::{HttpResponse, web};

use super::PATH;
use crate::app::App;
use crate::connections::install_codes;
use crate::platform::body::Form;
use crate::web::failure::{PageResult, html, see_other};
use crate::web::owner::Owner;
use crate::web::page::Place;
use crate::web::page::settings::InstallCodePage;
use crate::web::sign_in::CsrfForm;

/// `GET …/install-code`.
///
/// # Errors
/// `owner_needed` (403).
pub async fn ask(owner: Owner) -> PageResult<HttpResponse> {
    html(&InstallCodePage { shell: owner.0.shell(Place::Integrations, None) })
}

/// `POST …/install-code`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403).
pub async fn replace(app: web::Data<App>, owner: Owner, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (viewer, now) = (owner.0.viewer(), app.now());
    app.write(move |connection| install_codes::replace_by_owner(connection, &viewer, &now).map(|_code| ())).await?;
    Ok(see_other(&format!("{PATH}?done=code")))
}
