//! `/claim/{link}`: an owner connects an installation that came without a code. The page names both workspaces and asks.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::failure::{PageResult, html, see_other};
use super::owner::Owner;
use super::page::{Place, Shell};
use super::settings;
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::connections::claims;
use crate::platform::body::Form;

#[derive(Template)]
#[template(path = "web/claim.html")]
struct ClaimPage {
    shell: Shell,
    bitbucket_workspace: String,
    action: String,
}

/// `GET /claim/{link}`.
///
/// # Errors
/// `owner_needed` (403); `claim_link_unknown` (404).
pub async fn ask(app: web::Data<App>, owner: Owner, link: web::Path<String>) -> PageResult<HttpResponse> {
    let me = owner.0;
    let (viewer, now, secret) = (me.viewer(), app.now(), link.clone());
    let claim = app.read(move |connection| claims::read(connection, &viewer, &secret, &now)).await?;
    let page = ClaimPage {
        shell: me.shell(Place::Integrations, None),
        bitbucket_workspace: claim.bitbucket_workspace_name.unwrap_or(claim.bitbucket_workspace_uuid),
        action: format!("/claim/{link}"),
    };
    html(&page)
}

/// `POST /claim/{link}`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `claim_link_unknown` (404); `bitbucket_workspace_taken` (409).
pub async fn accept(
    app: web::Data<App>,
    owner: Owner,
    link: web::Path<String>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    let me = owner.0;
    me.check(&form.0.csrf)?;
    let (viewer, now, secret) = (me.viewer(), app.now(), link.into_inner());
    app.write(move |connection| claims::accept(connection, &viewer, &secret, &now).map(|_claim| ())).await?;
    Ok(see_other(&format!("{}?done=confirmed", settings::PATH)))
}
