//! The panel in the Forge app's page: Forge signs each call for its viewer and pull request, and the answer is JSON around the panel.

mod pull_request;

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::flow::{Answer, Asking, Attaching, Code, Panel};
use super::page::{self, Host};
use super::view::{Addresses, Undoing};
use crate::app::App;
use crate::error::{Error, Result};
use crate::platform::body::Json;
use crate::platform::forge::{ForgeResult, PanelCaller, shown};
use pull_request::Need;

/// Forge drops the path of the public address, so that the page's own paths never have it.
const PANEL: &str = "/forge/panel";

/// What an undo button sends: its link, and the form beside it.
#[derive(Deserialize)]
pub struct Undone {
    #[serde(default)]
    link: String,
    #[serde(flatten)]
    form: Attaching,
}

/// `POST /forge/panel`.
///
/// # Errors
/// JSON with a sentence: 401 for a token that is not Forge's, 403 for a call of anything but a page on a pull request and for an
/// installation that was removed.
pub async fn show(app: web::Data<App>, caller: PanelCaller) -> ForgeResult<HttpResponse> {
    answered(panel(&app, &caller, Need::WhenShown).await?.open().await?)
}

/// `POST /forge/panel/form`: the same panel with its form opened.
///
/// # Errors
/// As [`show`].
pub async fn open_form(app: web::Data<App>, caller: PanelCaller) -> ForgeResult<HttpResponse> {
    answered(panel(&app, &caller, Need::WhenShown).await?.unfold().await?)
}

/// `POST /forge/panel/links`.
///
/// # Errors
/// As [`show`], and 400 for a body that is no form.
pub async fn attach(app: web::Data<App>, caller: PanelCaller, sent: Result<Json<Attaching>>) -> ForgeResult<HttpResponse> {
    let Json(form) = sent?;
    answered(panel(&app, &caller, Need::WhenShown).await?.attach(form).await?)
}

/// `POST /forge/panel/links/remove`.
///
/// # Errors
/// As [`attach`].
pub async fn remove(app: web::Data<App>, caller: PanelCaller, sent: Result<Json<Undone>>) -> ForgeResult<HttpResponse> {
    let Json(Undone { link, form }) = sent?;
    answered(panel(&app, &caller, Need::WhenShown).await?.undo(&link, form).await?)
}

/// `POST /forge/panel/code`.
///
/// # Errors
/// As [`attach`].
pub async fn link_account(app: web::Data<App>, caller: PanelCaller, sent: Result<Json<Code>>) -> ForgeResult<HttpResponse> {
    let Json(code) = sent?;
    let panel = panel(&app, &caller, Need::Always).await?;
    // All calls come from Forge's own networks: whoever tries codes is found among the people of one installation.
    answered(panel.redeem(format!("forge:{}", panel.context.client_key), code).await?)
}

/// `POST /forge/panel/join`.
///
/// # Errors
/// As [`attach`].
pub async fn join(app: web::Data<App>, caller: PanelCaller, sent: Result<Json<Asking>>) -> ForgeResult<HttpResponse> {
    let Json(asking) = sent?;
    answered(panel(&app, &caller, Need::Always).await?.ask_to_join(asking).await?)
}

/// `POST /forge/panel/hide`.
///
/// # Errors
/// As [`show`].
pub async fn hide(app: web::Data<App>, caller: PanelCaller) -> ForgeResult<HttpResponse> {
    answered(panel(&app, &caller, Need::Never).await?.set_hidden(true).await?)
}

/// `POST /forge/panel/show`.
///
/// # Errors
/// As [`show`].
pub async fn show_again(app: web::Data<App>, caller: PanelCaller) -> ForgeResult<HttpResponse> {
    answered(panel(&app, &caller, Need::Always).await?.set_hidden(false).await?)
}

async fn panel<'a>(app: &'a App, caller: &PanelCaller, need: Need) -> Result<Panel<'a>> {
    let context = pull_request::context(app, caller, need).await?;
    let addresses = Addresses { public_url: &app.config.public_url.text, panel: PANEL, undoing: Undoing::ByButton };
    // A token of ours would prove nothing that Forge has not signed.
    Ok(Panel { app, context, token: String::new(), addresses })
}

fn answered(answer: Answer) -> ForgeResult<HttpResponse> {
    let html = page::render(&answer.state, &Host::BodyOnly).map_err(Error::internal)?;
    Ok(shown(answer.status, &html, answer.saved))
}
