//! `/settings/integrations/bitbucket`: how Bitbucket is connected, and what owners do about it with one press.

pub mod audit;
pub mod cards;
pub mod changes;
pub mod connections;
pub mod ending;
pub mod export;
pub mod install_code;
pub mod retiring;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::failure::{PageResult, html, see_other};
use super::owner::Owner;
use super::page::settings::{Install, QuickAction, SettingsPage};
use super::page::{Banner, Place, Time, Tone};
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::config::Config;
use crate::connections::installations::{self, Door, Installation};
use crate::connections::overview::{self, Overview, Standing};
use crate::connections::{entry, self_test};
use crate::error::{Error, Result};
use crate::people::page::Page;
use crate::platform::body::Form;
use crate::storage::ids::InstallationId;

/// The path of the page.
pub const PATH: &str = "/settings/integrations/bitbucket";

/// A press of the switch.
#[derive(Deserialize)]
pub struct SwitchForm {
    csrf: String,
    enabled: bool,
}

/// `GET /settings/integrations/bitbucket`.
///
/// # Errors
/// `owner_needed` (403).
pub async fn show(app: web::Data<App>, owner: Owner, request: HttpRequest) -> PageResult<HttpResponse> {
    let (viewer, now) = (owner.0.viewer(), app.now());
    let (overview, happened) = app
        .read(move |connection| {
            let overview = overview::read(connection, &viewer)?;
            let latest = Page { before: None, limit: 3 };
            let happened = crate::people::audit::list(connection, &viewer, &Default::default(), &latest)?;
            Ok((overview, happened.entries))
        })
        .await?;
    let me = &owner.0;
    let names = audit::names_of(overview.open.iter().map(|standing| &standing.installation));
    let page = SettingsPage {
        shell: me.shell(Place::Integrations, done(&request)),
        setup: Some(self_test::of_settings(&app.config)).filter(self_test::Finding::is_bad),
        move_to_forge: to_move(&app.config, &overview.open),
        cards: cards::all(&app.config, &overview, &now),
        quick_action: quick_action(&overview),
        install: install(&app.config, &overview, &me.workspace, &me.member.name),
        today: Time::Date(me.zone.today(&now)),
        happened: happened.into_iter().map(|entry| audit::row(entry, &names)).collect(),
    };
    html(&page)
}

/// `POST …/quick-action`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403).
pub async fn switch(app: web::Data<App>, owner: Owner, form: Form<SwitchForm>) -> PageResult<HttpResponse> {
    let (me, SwitchForm { csrf, enabled }) = (owner.0, form.0);
    me.check(&csrf)?;
    let (viewer, now) = (me.viewer(), app.now());
    app.write(move |connection| entry::switch(connection, &viewer, enabled, &now)).await?;
    Ok(see_other(&format!("{PATH}?done={}", if enabled { "on" } else { "off" })))
}

/// `POST …/installations/{id}/confirm`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `installation_uninstalled` or `bitbucket_workspace_taken` (409).
pub async fn confirm(app: web::Data<App>, owner: Owner, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (viewer, now, id) = (owner.0.viewer(), app.now(), parse(&id)?);
    app.write(move |connection| installations::confirm(connection, &viewer, &id, &now).map(|_installation| ())).await?;
    Ok(see_other(&format!("{PATH}?done=confirmed")))
}

/// `POST …/installations/{id}/test`: has Bitbucket asked whether it takes our key.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404).
pub async fn test(app: web::Data<App>, owner: Owner, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (viewer, now, id) = (owner.0.viewer(), app.now(), parse(&id)?);
    app.write(move |connection| overview::test_again(connection, &viewer, &id, &now)).await?;
    Ok(see_other(&format!("{PATH}?done=asked")))
}

/// The id in a path.
pub(super) fn parse(id: &str) -> Result<InstallationId> {
    InstallationId::parse(id).ok_or_else(|| Error::not_found("installation"))
}

/// What came of the press of a button, told once on the page that follows.
fn done(request: &HttpRequest) -> Option<Banner> {
    let word = request.query_string().strip_prefix("done=")?;
    let (strong, text) = match word {
        "on" => ("PR Quick Action is on.", "Pull requests show “Add to ClarityLoop”."),
        "off" => ("PR Quick Action is off.", "Panels obey at once; links that exist stay."),
        "confirmed" => ("Confirmed.", "People can add pull requests from now on."),
        "asked" => ("Bitbucket is being asked.", "Reload this page in a moment to see what it answers."),
        "refused" => ("Refused.", "The app shows nothing any more and is being removed at Bitbucket."),
        "disconnected" => ("Disconnected.", "The panel has stopped, and the data are deleted. The proof follows below."),
        "retired" => ("The Connect app is retired.", "The Forge app goes on, and everything that was linked stays."),
        "code" => ("There is a new install code.", "The former address takes no new installation any more."),
        "removing" => ("Bitbucket is being asked again.", "Reload this page in a moment."),
        _ => return None,
    };
    Some(Banner { tone: Tone::Success, strong: strong.to_owned(), text: text.to_owned() })
}

/// The link by which the Forge app is installed. Without the app's id its doors are not there, and the link would lead nowhere.
fn forge_link(config: &Config) -> Option<&str> {
    config.forge.install_link.as_deref().filter(|_| config.forge.app_id.is_some())
}

/// The Bitbucket workspaces that use Connect alone while a Forge app stands ready.
fn to_move(config: &Config, open: &[Standing]) -> Vec<String> {
    if forge_link(config).is_none() {
        return Vec::new();
    }
    let on_connect = open.iter().filter(|standing| standing.installation.door == Door::Connect && !standing.is_retirable);
    on_connect.map(|standing| standing.installation.typed_name().to_owned()).collect()
}

fn quick_action(overview: &Overview) -> QuickAction {
    let of = |follows: bool| {
        let all = overview.open.iter().map(|standing| &standing.installation);
        all.filter(|it| follows_switch(it) == follows).map(|it| it.typed_name().to_owned()).collect::<Vec<_>>()
    };
    let mut effects = Vec::new();
    let (following, staying) = (of(true), of(false));
    if !following.is_empty() {
        let names = following.join(", ");
        effects.push(format!(
            "Off takes the entry out of Bitbucket within a minute, for everybody in {names}. Links that exist stay."
        ));
    }
    if !staying.is_empty() {
        let names = staying.join(", ");
        effects.push(format!("In {names} the entry stays, because Bitbucket keeps what a registered or a Forge app shows; off, it says in one quiet line that it is off."));
    }
    if effects.is_empty() {
        effects.push("It takes effect once a Bitbucket workspace is connected.".to_owned());
    }
    let failed = |standing: &&Standing| {
        standing.installation.entry_error.is_some() && standing.installation.entry_shown != overview.quick_action
    };
    let pending = |standing: &&Standing| {
        follows_switch(&standing.installation) && standing.installation.entry_shown != overview.quick_action
    };
    let state = if overview.open.iter().any(|standing| failed(&standing)) {
        Some("Bitbucket could not be told yet. What may pass is tried again; else press the switch once more.".to_owned())
    } else {
        overview.open.iter().any(|standing| pending(&standing)).then(|| "Bitbucket is being told.".to_owned())
    };
    QuickAction { is_on: overview.quick_action, effects, state }
}

/// Whether the entry at Bitbucket is ours to change.
fn follows_switch(installation: &Installation) -> bool {
    installation.door == Door::Connect && !installation.is_registered
}

fn install(config: &Config, overview: &Overview, workspace: &str, owner: &str) -> Install {
    let authorize = |name: &str, value: &str| {
        let query = serde_urlencoded::to_string([(name, value)]).unwrap_or_default();
        format!("{}/site/addons/authorize?{query}", config.bitbucket_web_url)
    };
    let is_registered = config.connect.app_secret.is_some();
    let connect_url = if is_registered {
        Some(authorize("addon_key", &config.connect.app_key))
    } else {
        overview.install_code.as_ref().map(|code| format!("{}/connect/{code}/descriptor.json", config.public_url.text))
    };
    let grant_url = if is_registered { None } else { connect_url.as_ref().map(|url| authorize("descriptor_uri", url)) };
    let forge_link = forge_link(config).map(str::to_owned);
    let message = message(forge_link.as_deref(), connect_url.as_deref(), is_registered, workspace, owner);
    let heading = if overview.open.is_empty() {
        "Install in a Bitbucket workspace"
    } else {
        "Install in another workspace, or move to Forge"
    };
    Install { heading, forge_link, connect_url, grant_url, is_registered, message }
}

/// What an owner sends to whoever may install apps in Bitbucket.
fn message(forge_link: Option<&str>, connect_url: Option<&str>, is_registered: bool, workspace: &str, owner: &str) -> String {
    let mut text = format!(
        "Would you install ClarityLoop in our Bitbucket workspace? It brings pull requests into our feedback, 1:1s, requests and \
         goals in {workspace}. It takes an admin of the Bitbucket workspace and two minutes.\n"
    );
    if let Some(link) = forge_link {
        text += &format!(
            "\nThe Forge app, which is how Bitbucket installs apps today:\n1. Open {link}\n2. Choose our workspace and press \
             Install.\n3. Open Workspace settings > ClarityLoop and send me the link there, if it shows one.\n"
        );
    }
    match connect_url {
        Some(url) if is_registered => {
            text += &format!(
                "\nThe Connect app, which works because it was registered before 2 February 2026:\n1. Open {url}\n2. Choose our \
                 workspace and press Grant access.\n3. Open Installed apps > Configure ClarityLoop and send me the link there.\n"
            );
        }
        Some(url) => {
            text += &format!(
                "\nThe Connect app, only where Bitbucket still takes it (for apps registered before 2 February 2026):\n1. In Bitbucket \
                 open Workspace settings > Installed apps > Install app from URL.\n2. Paste {url}\n3. Press Grant access.\n"
            );
        }
        None => {}
    }
    text += &format!("\nThen tell me, and I confirm it in ClarityLoop.\n{owner}\n");
    text
}
