//! `POST /forge/settings`: the app's page in the settings of a Bitbucket workspace. It says how the installation stands to whoever may see
//! it; its switches are an owner's whose account is linked.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{ForgeResult, SettingsCaller, shown};
use crate::app::App;
use crate::config::Now;
use crate::connections::installations::{self, Caller, State};
use crate::connections::standing::{self, Standing};
use crate::connections::{entry, forge_installations, retirement};
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::platform::body::Json;
use crate::platform::configure::{claim_url, words};
use crate::storage::AnyConnection;
use crate::storage::ids::InstallationId;

/// What the switch sends.
#[derive(Deserialize)]
pub struct Switched {
    /// `true` or `false`, as text like all that a form sends.
    enabled: String,
}

/// What came of the press of a button, in bold and beside it.
type Done = (&'static str, &'static str);

/// What is read for the page.
struct Read {
    standing: Standing,
    /// Whether the viewer is an owner whose account is linked.
    is_owner: bool,
    /// Whether they can retire the Connect app of the same Bitbucket workspace.
    is_retirable: bool,
}

#[derive(Template)]
#[template(path = "platform/forge/settings.html")]
struct Page {
    done: Option<Done>,
    heading: &'static str,
    sentence: String,
    claim_url: Option<String>,
    /// Whether PR Quick Action is on, once there is a workspace that it is on or off in.
    quick_action: Option<bool>,
    workspace: String,
    is_owner: bool,
    is_retirable: bool,
}

#[derive(Template)]
#[template(path = "platform/forge/retire.html")]
struct RetirePage {
    workspace: String,
}

/// `POST /forge/settings`.
///
/// # Errors
/// JSON with a sentence: 401 for a token that is not Forge's, 403 for a call of anything but the settings page and for an installation
/// that was removed.
pub async fn show(app: web::Data<App>, caller: SettingsCaller) -> ForgeResult<HttpResponse> {
    let read = with_installation(&app, caller, |_connection, _caller, _account, _now| Ok(())).await?.1;
    page(&app, read, None)
}

/// `POST /forge/settings/quick-action`.
///
/// # Errors
/// As [`show`]; `bound_owner_needed` (403); 400 for a body that is no form.
pub async fn switch(app: web::Data<App>, caller: SettingsCaller, sent: Result<Json<Switched>>) -> ForgeResult<HttpResponse> {
    let enabled = match sent?.0.enabled.as_str() {
        "true" => true,
        "false" => false,
        _ => return Err(Error::invalid("switch_invalid", "enabled", "A switch is on or off. Reload this page.").into()),
    };
    let work = move |connection: &mut AnyConnection, caller: &Caller, account: &str, now: &Now| {
        let owner = standing::must_be_bound_owner(connection, caller, account)?;
        entry::switch(connection, &owner, enabled, now)
    };
    let ((), read) = with_installation(&app, caller, work).await?;
    let done = match enabled {
        true => ("PR Quick Action is on.", "Pull requests show “Add to ClarityLoop”."),
        false => ("PR Quick Action is off.", "Panels obey at once; links that exist stay."),
    };
    page(&app, read, Some(done))
}

/// `POST /forge/settings/retire/ask`: what retiring the Connect app means, and the button that does it.
///
/// # Errors
/// As [`retire`].
pub async fn ask_to_retire(app: web::Data<App>, caller: SettingsCaller) -> ForgeResult<HttpResponse> {
    let work = |connection: &mut AnyConnection, caller: &Caller, account: &str, _now: &Now| {
        let (owner, id) = retirable(connection, caller, account)?;
        retirement::may_be_retired(connection, &owner, &id).map(|installation| installation.typed_name().to_owned())
    };
    let (workspace, _read) = with_installation(&app, caller, work).await?;
    let html = RetirePage { workspace }.render().map_err(Error::internal)?;
    Ok(shown(StatusCode::OK, &html, false))
}

/// `POST /forge/settings/retire`.
///
/// # Errors
/// As [`show`]; `bound_owner_needed` (403); `nothing_to_retire` (409).
pub async fn retire(app: web::Data<App>, caller: SettingsCaller) -> ForgeResult<HttpResponse> {
    let work = |connection: &mut AnyConnection, caller: &Caller, account: &str, now: &Now| {
        let (owner, id) = retirable(connection, caller, account)?;
        retirement::retire(connection, &owner, &id, now)
    };
    let ((), read) = with_installation(&app, caller, work).await?;
    page(
        &app,
        read,
        Some(("The Connect app is retired.", "It is being removed at Bitbucket. Links, identities and history stay.")),
    )
}

fn retirable(connection: &mut AnyConnection, caller: &Caller, account: &str) -> Result<(Viewer, InstallationId)> {
    let owner = standing::must_be_bound_owner(connection, caller, account)?;
    let id = standing::retirable(connection, &owner, caller)?.ok_or_else(|| {
        Error::conflict("nothing_to_retire", "The Connect app is not installed here any more. Reload this page.")
    })?;
    Ok((owner, id))
}

/// Does something for the caller's installation and reads how it stands then, in one transaction.
async fn with_installation<T: Send + 'static>(
    app: &App,
    caller: SettingsCaller,
    work: impl FnOnce(&mut AnyConnection, &Caller, &str, &Now) -> Result<T> + Send + 'static,
) -> Result<(T, Read)> {
    let now = app.now();
    app.write(move |connection| {
        let SettingsCaller { invocation, account, .. } = caller;
        let caller = forge_installations::of_page(connection, &invocation, &now)?;
        installations::must_be_installed(caller.state)?;
        let done = work(connection, &caller, &account, &now)?;
        let standing = standing::read(connection, &caller, &now)?;
        let owner = standing::bound_owner(connection, &caller, &account)?;
        let retirable = owner.as_ref().map(|owner| standing::retirable(connection, owner, &caller)).transpose()?.flatten();
        Ok((done, Read { standing, is_owner: owner.is_some(), is_retirable: retirable.is_some() }))
    })
    .await
}

fn page(app: &App, read: Read, done: Option<Done>) -> ForgeResult<HttpResponse> {
    let Read { standing, is_owner, is_retirable } = read;
    let (heading, sentence) = words(&standing);
    let claim_url = claim_url(app, &standing);
    let is_active = standing.state == State::Active;
    let workspace = standing.workspace.filter(|_| is_active);
    let page = Page {
        done,
        heading,
        sentence,
        claim_url,
        quick_action: workspace.as_ref().map(|workspace| workspace.quick_action),
        workspace: workspace.map(|workspace| workspace.name).unwrap_or_default(),
        is_owner,
        is_retirable,
    };
    Ok(shown(StatusCode::OK, &page.render().map_err(Error::internal)?, false))
}
