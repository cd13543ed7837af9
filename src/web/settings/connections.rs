//! Connections by OAuth and by tokens: the page with all of them, what owners change about one, and trying one out.

pub mod consent;
pub mod consumer;
pub mod ending;
pub mod listening;
pub mod token;

mod cards;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::PATH;
use crate::app::App;
use crate::connections::changing::{self, Change};
use crate::connections::grants::{self, Connection};
use crate::connections::purposes::{Purpose, Purposes};
use crate::connections::{checking, consumers, hooks, installations, purge};
use crate::error::{Error, Kind, Result};
use crate::platform::body::Form;
use crate::storage::ids::ConnectionId;
use crate::web::failure::{PageResult, html, html_with, see_other};
use crate::web::owner::Owner;
use crate::web::page::connections::{Choice, ConnectionPage, ConnectionsPage};
use crate::web::page::{Banner, Place, Tone, WrongField};
use crate::web::sign_in::CsrfForm;

/// The address of the page.
pub fn path() -> String {
    format!("{PATH}/connections")
}

/// What owners change about a connection.
#[derive(Deserialize)]
pub struct ChangeForm {
    csrf: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    repositories: String,
    #[serde(default)]
    default_branch: String,
    #[serde(flatten)]
    ticked: Ticked,
}

/// The purposes of a form.
#[derive(Clone, Default, Deserialize)]
pub struct Ticked {
    reading: Option<String>,
    agents: Option<String>,
    writes: Option<String>,
}

impl Ticked {
    fn purposes(&self) -> Purposes {
        let ticked = |purpose: &Purpose| match purpose {
            Purpose::ReadingActivity => self.reading.is_some(),
            Purpose::AgentTools => self.agents.is_some(),
            Purpose::Writes => self.writes.is_some(),
        };
        Purposes::of(&Purpose::ALL.into_iter().filter(ticked).collect::<Vec<_>>())
    }
}

/// `GET …/connections`.
///
/// # Errors
/// `owner_needed` (403).
pub async fn show(app: web::Data<App>, owner: Owner, request: HttpRequest) -> PageResult<HttpResponse> {
    html(&page(&app, &owner, done(&request), None).await?)
}

/// The page; `consumer` is what was typed for the consumer and what is wrong with it.
async fn page(
    app: &App,
    owner: &Owner,
    banner: Option<Banner>,
    consumer: Option<(String, WrongField)>,
) -> PageResult<ConnectionsPage> {
    let (viewer, now) = (owner.0.viewer(), app.now());
    let read = app.read(move |connection| {
        Ok(cards::Read {
            open: grants::open(connection, &viewer)?,
            ended: grants::ended(connection, &viewer)?,
            installations: installations::open(connection, &viewer)?,
            purges: purge::list(connection, &viewer)?,
            entered: consumers::entered(connection, &viewer)?,
            listening: hooks::listening(connection, &viewer)?,
            leaving: hooks::leaving(connection, &viewer)?,
        })
    });
    let read = read.await?;
    Ok(ConnectionsPage {
        shell: owner.0.shell(Place::Integrations, banner),
        serving: cards::serving(&read),
        has_consumer: read.entered.is_some() || consumers::of_operator(&app.config).is_some(),
        consumer: cards::consumer(&app.config, read.entered.as_ref(), consumer),
        consents: cards::consents(),
        cards: cards::all(&read, &app.config, &now),
    })
}

/// `GET …/connections/{id}`: the form of what can be changed.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub async fn ask_change(app: web::Data<App>, owner: Owner, id: web::Path<String>) -> PageResult<HttpResponse> {
    let found = find(&app, &owner, &id).await?;
    let purposes = found.purposes.clone();
    let repositories = found.restriction().unwrap_or_default().join("\n");
    let branch = found.default_branch.clone().unwrap_or_default();
    html(&change_page(&owner, &found.id, found.name, &purposes, repositories, branch, WrongField::default()))
}

/// `POST …/connections/{id}`. A form with a mistake comes back.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `already_disconnected` (409).
pub async fn change(
    app: web::Data<App>,
    owner: Owner,
    id: web::Path<String>,
    form: Form<ChangeForm>,
) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (id, sent) = (find(&app, &owner, &id).await?.id, form.0);
    let purposes = sent.ticked.purposes();
    let slugs: Vec<String> = sent.repositories.split_whitespace().map(str::to_owned).collect();
    let (viewer, now, asked) = (owner.0.viewer(), app.now(), id.clone());
    let changed = match Change::parse(&sent.name, purposes.clone(), &slugs, &sent.default_branch) {
        Ok(change) => app.write(move |connection| changing::change(connection, &viewer, &asked, &change, &now)).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(()) => Ok(see_other(&format!("{}?done=changed", path()))),
        Err(error) if error.kind == Kind::Invalid => {
            let wrong = WrongField::new(error.field.unwrap_or("name"), error.detail.to_string());
            let page = change_page(&owner, &id, sent.name, &purposes, sent.repositories, sent.default_branch, wrong);
            html_with(StatusCode::BAD_REQUEST, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST …/connections/{id}/check`: asks Bitbucket whether it works, and has its webhooks looked at.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `workspace_not_chosen` or `nothing_to_check` (409); `token_not_fetched` (503).
pub async fn check(app: web::Data<App>, owner: Owner, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (viewer, id, now) = (owner.0.viewer(), parse(&id)?, app.now());
    checking::check(&app.parts(), &viewer, &id, &now).await?;
    app.write(move |connection| hooks::check(connection, &viewer, &id, &now)).await?;
    Ok(see_other(&format!("{}?done=checked", path())))
}

async fn find(app: &App, owner: &Owner, id: &str) -> Result<Connection> {
    let (viewer, id) = (owner.0.viewer(), parse(id)?);
    app.read(move |connection| grants::find(connection, &viewer, &id)).await
}

fn parse(id: &str) -> Result<ConnectionId> {
    ConnectionId::parse(id).ok_or_else(|| Error::not_found("connection"))
}

fn change_page(
    owner: &Owner,
    id: &ConnectionId,
    name: String,
    chosen: &Purposes,
    repositories: String,
    default_branch: String,
    wrong: WrongField,
) -> ConnectionPage {
    let shell = owner.0.shell(Place::Integrations, None);
    let action = format!("{}/{id}", path());
    ConnectionPage { shell, action, name, purposes: choices(chosen), repositories, default_branch, wrong }
}

/// The purposes, to tick.
fn choices(chosen: &Purposes) -> Vec<Choice> {
    let choice = |purpose: Purpose| Choice { word: purpose.as_str(), name: purpose.name(), is_chosen: chosen.has(purpose) };
    Purpose::ALL.into_iter().map(choice).collect()
}

/// What came of the press of a button, told once on the page that follows.
fn done(request: &HttpRequest) -> Option<Banner> {
    let word = request.query_string().strip_prefix("done=")?;
    let (strong, text) = match word {
        "connected" => ("Connected.", "What it serves stands below."),
        "replaced" => ("Replaced.", "Bitbucket takes the new token; the former one is deleted here."),
        "changed" => ("Changed.", "It holds from the next call on."),
        "checked" => ("Bitbucket was asked.", "What it answered stands on the card."),
        "consumer" => ("The consumer is entered.", "Its secret is sealed and never shown again."),
        "consumer-removed" => {
            ("The consumer is removed.", "Its secret is deleted here. Delete the consumer in Bitbucket as well.")
        }
        "rotated" => {
            ("The webhooks have new secrets.", "Bitbucket is told now; what the former ones sign is taken for an hour more.")
        }
        "disconnected" => {
            ("Disconnected.", "What becomes of its secrets and webhooks, and what is left to do, stands on its card.")
        }
        "denied" => {
            let text = "Consent was not given at Bitbucket. Press Connect again to give it.";
            return Some(Banner { tone: Tone::Warning, strong: "Nothing is connected.".to_owned(), text: text.to_owned() });
        }
        _ => return None,
    };
    Some(Banner { tone: Tone::Success, strong: strong.to_owned(), text: text.to_owned() })
}
