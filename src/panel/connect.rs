//! The panel in Bitbucket's frame: opened with a signed address, gone on with by its own token. No cookies.

mod joining;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::NaiveDateTime;
use serde::Deserialize;

pub use joining::{hide, join, show_again};

use super::actions::{self, AskedFor, Attachment, Choice, Seen};
use super::context::Context;
use super::page::{self, Banner, CodeProblem, ConnectFrame, Host, State, Typed, Wrong};
use super::token;
use super::view::{self, Addresses, Outcome};
use super::wording;
use crate::app::App;
use crate::connect::panel::PanelParameters;
use crate::connections::installations::State as Standing;
use crate::connections::panel_state::PanelState;
use crate::error::{Error, Kind, Result};
use crate::people::members;
use crate::people::text::Note;
use crate::platform::body::Form;
use crate::platform::client_address::ClientAddress;
use crate::platform::frame::Frame;
use crate::platform::signed::Signed;
use crate::storage::AnyConnection;
use crate::storage::ids::LinkId;

/// What the attach form sends, and an undo button: a note that is being typed comes along and is kept.
#[derive(Deserialize)]
pub struct AttachForm {
    token: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    about_email: String,
    #[serde(default)]
    note: String,
    /// Present when the form stands open beside what is attached.
    open: Option<String>,
}

/// A form with nothing but its token.
#[derive(Deserialize)]
pub struct TokenForm {
    token: String,
}

/// What the code form sends.
#[derive(Deserialize)]
pub struct CodeForm {
    token: String,
    #[serde(default)]
    code: String,
}

/// A page and its status.
struct Answer {
    status: StatusCode,
    state: State,
}

/// `GET /connect/panel`.
pub async fn show(app: web::Data<App>, frame: web::Data<Frame>, signed: Result<Signed>) -> HttpResponse {
    let answer = match signed {
        Ok(signed) => open(&app, &frame, signed).await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, String::new())
}

/// `POST /connect/panel/links`.
pub async fn attach(app: web::Data<App>, frame: web::Data<Frame>, form: Result<Form<AttachForm>>) -> HttpResponse {
    let form = match form {
        Ok(Form(form)) => form,
        Err(error) => return respond(&frame, Err(error), String::new()),
    };
    let note = form.note.clone();
    respond(&frame, save(&app, &frame, form).await, note)
}

/// `POST /connect/panel/links/{id}/remove`.
pub async fn remove(
    app: web::Data<App>,
    frame: web::Data<Frame>,
    id: web::Path<String>,
    form: Result<Form<AttachForm>>,
) -> HttpResponse {
    let form = match form {
        Ok(Form(form)) => form,
        Err(error) => return respond(&frame, Err(error), String::new()),
    };
    let note = form.note.clone();
    respond(&frame, undo(&app, &frame, &id, form).await, note)
}

/// `POST /connect/panel/form`: the same panel with its form opened.
pub async fn open_form(app: web::Data<App>, frame: web::Data<Frame>, form: Result<Form<TokenForm>>) -> HttpResponse {
    let answer = match form {
        Ok(Form(form)) => unfold(&app, &frame, form).await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, String::new())
}

/// `POST /connect/panel/code`.
pub async fn link_account(
    app: web::Data<App>,
    frame: web::Data<Frame>,
    client: ClientAddress,
    form: Result<Form<CodeForm>>,
) -> HttpResponse {
    let answer = match form {
        Ok(Form(form)) => redeem(&app, &frame, client, form).await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, String::new())
}

async fn open(app: &App, frame: &Frame, signed: Signed) -> Result<Answer> {
    let parameters = PanelParameters::parse(&signed.query).map_err(|invalid| {
        let detail = "Bitbucket opened this page without what it needs. Reload the pull request.";
        Error::invalid(invalid.code(), invalid.name, detail)
    })?;
    let Some(context) = Context::of_signed(signed.client_key, parameters) else {
        return Ok(Answer { status: StatusCode::OK, state: State::NoPerson });
    };
    let now = app.now();
    let (asked, web_url, at) = (context.clone(), app.config.bitbucket_web_url.clone(), now.clone());
    let seen = app.read(move |connection| actions::look(connection, &asked, AskedFor::Links, &web_url, &at)).await?;
    let read = &seen.state;
    if read.pull_request_id.is_some() && !read.is_sighted && read.viewer().is_some() {
        let (context, web_url, read, now) = (context.clone(), app.config.bitbucket_web_url.clone(), read.clone(), now.clone());
        app.write(move |connection| actions::record_sighting(connection, &read, &context, &web_url, &now)).await?;
    }
    let token = token::mint(&app.panel_keys, &context, &now)?;
    page_of(app, frame, seen, token, Outcome::default(), StatusCode::OK).await
}

async fn unfold(app: &App, frame: &Frame, form: TokenForm) -> Result<Answer> {
    let now = app.now();
    let (context, expires_at) = token::verify(&app.panel_keys, &form.token, &now).inspect_err(|error| count(app, error))?;
    let token = token::renew(&app.panel_keys, &context, expires_at)?;
    let web_url = app.config.bitbucket_web_url.clone();
    let seen = app.read(move |connection| actions::look(connection, &context, AskedFor::Form, &web_url, &now)).await?;
    page_of(app, frame, seen, token, Outcome::default(), StatusCode::OK).await
}

async fn save(app: &App, frame: &Frame, form: AttachForm) -> Result<Answer> {
    let (context, expires_at) = token::verify(&app.panel_keys, &form.token, &app.now()).inspect_err(|error| count(app, error))?;
    let typed =
        Typed { target: form.target.clone(), about: first_filled(&form.about, &form.about_email), note: form.note.clone() };
    let parsed = Choice::parse(&form.target, &form.about, &form.about_email)
        .and_then(|choice| Ok(Attachment { choice, note: Note::parse(&form.note)? }));
    let saved = match parsed {
        Ok(attachment) => {
            let (context, web_url, now) = (context.clone(), app.config.bitbucket_web_url.clone(), app.now());
            let work = move |connection: &mut AnyConnection| {
                let link = actions::attach(connection, &context, &attachment, &web_url, &now)?;
                Ok((link, actions::look(connection, &context, AskedFor::Links, &web_url, &now)?))
            };
            app.write(work).await
        }
        Err(error) => Err(error),
    };
    match saved {
        Ok((link, read)) => {
            let banner = saved_banner(&read.state, &link, app.now().at);
            let outcome = Outcome { banner, ..Outcome::default() };
            let token = token::renew(&app.panel_keys, &context, expires_at)?;
            page_of(app, frame, read, token, outcome, StatusCode::OK).await
        }
        Err(error) => {
            let outcome =
                Outcome { banner: Some(Banner::not_saved(next_step(&error))), wrong: wrong(&error), typed, ..Outcome::default() };
            again(app, frame, &context, expires_at, error, outcome).await
        }
    }
}

async fn undo(app: &App, frame: &Frame, id: &str, form: AttachForm) -> Result<Answer> {
    let (context, expires_at) = token::verify(&app.panel_keys, &form.token, &app.now()).inspect_err(|error| count(app, error))?;
    let asked_for = if form.open.is_some() { AskedFor::Form } else { AskedFor::Links };
    let typed = Typed { target: form.target, about: first_filled(&form.about, &form.about_email), note: form.note };
    let removed = match LinkId::parse(id) {
        Some(link) => {
            let (context, web_url, now) = (context.clone(), app.config.bitbucket_web_url.clone(), app.now());
            let work = move |connection: &mut AnyConnection| {
                let before = actions::read(connection, &context, &web_url)?;
                actions::detach(connection, &context, &link, &web_url)?;
                Ok((title_of(&before, &link, now.at), actions::look(connection, &context, asked_for, &web_url, &now)?))
            };
            app.write(work).await
        }
        None => Err(Error::not_found("link")),
    };
    match removed {
        Ok((title, read)) => {
            let outcome = Outcome { banner: Some(Banner::removed(&title)), typed, ..Outcome::default() };
            let token = token::renew(&app.panel_keys, &context, expires_at)?;
            page_of(app, frame, read, token, outcome, StatusCode::OK).await
        }
        Err(error) => {
            let outcome = Outcome { banner: Some(Banner::not_saved(error.detail.to_string())), typed, ..Outcome::default() };
            again(app, frame, &context, expires_at, error, outcome).await
        }
    }
}

async fn redeem(app: &App, frame: &Frame, client: ClientAddress, form: CodeForm) -> Result<Answer> {
    let (context, expires_at) = token::verify(&app.panel_keys, &form.token, &app.now()).inspect_err(|error| count(app, error))?;
    let (counted, web_url, now) = (context.clone(), app.config.bitbucket_web_url.clone(), app.now());
    let tries = app.write(move |connection| actions::count_code(connection, &counted, &client.network(), &web_url, &now)).await?;
    let redeemed = match tries {
        Ok(()) => {
            let (context, web_url, now) = (context.clone(), app.config.bitbucket_web_url.clone(), app.now());
            app.write(move |connection| {
                actions::redeem_code(connection, &context, &form.code, &web_url, &now)?;
                let seen = actions::look(connection, &context, AskedFor::Links, &web_url, &now)?;
                actions::record_sighting(connection, &seen.state, &context, &web_url, &now)?;
                Ok(seen)
            })
            .await
        }
        Err(error) => Err(error),
    };
    match redeemed {
        Ok(read) => {
            let token = token::renew(&app.panel_keys, &context, expires_at)?;
            page_of(app, frame, read, token, Outcome::default(), StatusCode::OK).await
        }
        Err(error) => {
            let problem = match error.code {
                "code_wrong" => CodeProblem::NotValid,
                "too_many_tries" => CodeProblem::TooManyTries,
                "identity_taken" => CodeProblem::MemberHasAnother,
                "account_taken" => CodeProblem::AccountTaken,
                _ => return Err(error),
            };
            let outcome = Outcome { code_problem: Some(problem), ..Outcome::default() };
            again(app, frame, &context, expires_at, error, outcome).await
        }
    }
}

/// The panel as it is now, around what was typed and what was wrong with it.
async fn again(app: &App, frame: &Frame, context: &Context, expires_at: i64, error: Error, outcome: Outcome) -> Result<Answer> {
    if matches!(error.kind, Kind::Internal | Kind::Busy | Kind::Upstream | Kind::Unauthorised) {
        return Err(error);
    }
    error.log();
    let (asked, web_url, now) = (context.clone(), app.config.bitbucket_web_url.clone(), app.now());
    let read = app.read(move |connection| actions::look(connection, &asked, AskedFor::Form, &web_url, &now)).await?;
    let token = token::renew(&app.panel_keys, context, expires_at)?;
    page_of(app, frame, read, token, outcome, error.status()).await
}

async fn page_of(app: &App, frame: &Frame, seen: Seen, token: String, outcome: Outcome, status: StatusCode) -> Result<Answer> {
    let Seen { state: read, targets } = seen;
    let mut owners = Vec::new();
    let waits_for_owners = read.state == Standing::Waiting || (read.viewer.is_none() && read.asked.is_some());
    if let (true, Some(workspace)) = (waits_for_owners, &read.workspace) {
        let id = workspace.id.clone();
        owners = app.read(move |connection| members::owner_names(connection, &id)).await?;
    }
    let addresses = Addresses {
        public_url: &app.config.public_url.text,
        attach: &frame.attach,
        form: &frame.form,
        code: &frame.code,
        panel: &frame.panel,
        links: &frame.attach,
    };
    Ok(Answer { status, state: view::state(&read, targets.as_ref(), owners, token, &addresses, outcome, app.now().at) })
}

fn respond(frame: &Frame, answer: Result<Answer>, note: String) -> HttpResponse {
    let answer = answer.unwrap_or_else(|error| {
        error.log();
        Answer { status: error.status(), state: view::refusal(&error, note) }
    });
    let host = Host::Connect(ConnectFrame {
        tokens: &frame.tokens,
        looks: &frame.looks,
        script: &frame.script,
        host_script: &frame.host_script,
    });
    match page::render(&answer.state, &host) {
        Ok(html) => frame.response(answer.status).body(html),
        Err(error) => HttpResponse::from_error(Error::internal(error)),
    }
}

fn count(app: &App, error: &Error) {
    app.metrics.token_refusals.with_label_values(&[error.code]).inc();
}

fn first_filled(first: &str, second: &str) -> String {
    if first.is_empty() { second.to_owned() } else { first.to_owned() }
}

fn saved_banner(read: &PanelState, link: &LinkId, now: NaiveDateTime) -> Option<Banner> {
    let viewer = read.viewer.as_ref()?;
    let link = read.links.iter().find(|candidate| candidate.id == link.as_str())?;
    let title = lower_first(&wording::title(&link.place, &viewer.id, now));
    Some(Banner::saved(&title, &wording::seen_by(&link.place, &viewer.id)))
}

fn title_of(read: &PanelState, link: &LinkId, now: NaiveDateTime) -> String {
    let found = read.links.iter().find(|candidate| candidate.id == link.as_str()).zip(read.viewer.as_ref());
    found.map_or_else(String::new, |(link, viewer)| lower_first(&wording::title(&link.place, &viewer.id, now)))
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

fn next_step(error: &Error) -> String {
    match error.field {
        Some("note") => "Mend the note and press Save again.".to_owned(),
        Some("about") => "Choose a person and press Save again. Your note is still here.".to_owned(),
        _ => "Choose another item and press Save again. Your note is still here.".to_owned(),
    }
}

fn wrong(error: &Error) -> Option<Wrong> {
    let sentence = error.detail.to_string();
    match error.field {
        Some("note") => Some(Wrong::Note(sentence)),
        Some("about") => Some(Wrong::About(sentence)),
        _ => Some(Wrong::Target(sentence)),
    }
}
