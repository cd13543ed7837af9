//! The panel in Bitbucket's frame: opened with a signed address, gone on with by its own token. No cookies.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::context::Context;
use super::flow::{Answer, Asking, Attaching, Code, Panel};
use super::page::{self, ConnectFrame, Host, State};
use super::token;
use super::view::{self, Addresses, Undoing};
use crate::app::App;
use crate::connect::panel::PanelParameters;
use crate::error::{Error, Result};
use crate::platform::body::Form;
use crate::platform::client_address::ClientAddress;
use crate::platform::frame::Frame;
use crate::platform::signed::Signed;

/// A form, with the token that proves whose panel it stands in.
#[derive(Deserialize)]
pub struct Sent<T> {
    token: String,
    #[serde(flatten)]
    form: T,
}

/// A form with nothing but its token.
#[derive(Deserialize)]
pub struct TokenForm {
    token: String,
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
pub async fn attach(app: web::Data<App>, frame: web::Data<Frame>, sent: Result<Form<Sent<Attaching>>>) -> HttpResponse {
    let Sent { token, form } = match sent {
        Ok(Form(sent)) => sent,
        Err(error) => return respond(&frame, Err(error), String::new()),
    };
    let note = form.note.clone();
    let answer = match proven(&app, &frame, &token) {
        Ok(panel) => panel.attach(form).await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, note)
}

/// `POST /connect/panel/links/{id}/remove`.
pub async fn remove(
    app: web::Data<App>,
    frame: web::Data<Frame>,
    id: web::Path<String>,
    sent: Result<Form<Sent<Attaching>>>,
) -> HttpResponse {
    let Sent { token, form } = match sent {
        Ok(Form(sent)) => sent,
        Err(error) => return respond(&frame, Err(error), String::new()),
    };
    let note = form.note.clone();
    let answer = match proven(&app, &frame, &token) {
        Ok(panel) => panel.undo(&id, form).await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, note)
}

/// `POST /connect/panel/form`: the same panel with its form opened.
pub async fn open_form(app: web::Data<App>, frame: web::Data<Frame>, sent: Result<Form<TokenForm>>) -> HttpResponse {
    let answer = match sent.and_then(|Form(sent)| proven(&app, &frame, &sent.token)) {
        Ok(panel) => panel.unfold().await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, String::new())
}

/// `POST /connect/panel/code`.
pub async fn link_account(
    app: web::Data<App>,
    frame: web::Data<Frame>,
    client: ClientAddress,
    sent: Result<Form<Sent<Code>>>,
) -> HttpResponse {
    let answer = match sent.and_then(|Form(sent)| Ok((proven(&app, &frame, &sent.token)?, sent.form))) {
        Ok((panel, form)) => panel.redeem(client.network(), form).await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, String::new())
}

/// `POST /connect/panel/join`.
pub async fn join(app: web::Data<App>, frame: web::Data<Frame>, sent: Result<Form<Sent<Asking>>>) -> HttpResponse {
    let answer = match sent.and_then(|Form(sent)| Ok((proven(&app, &frame, &sent.token)?, sent.form))) {
        Ok((panel, form)) => panel.ask_to_join(form).await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, String::new())
}

/// `POST /connect/panel/hide`.
pub async fn hide(app: web::Data<App>, frame: web::Data<Frame>, sent: Result<Form<TokenForm>>) -> HttpResponse {
    let answer = match sent.and_then(|Form(sent)| proven(&app, &frame, &sent.token)) {
        Ok(panel) => panel.set_hidden(true).await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, String::new())
}

/// `POST /connect/panel/show`.
pub async fn show_again(app: web::Data<App>, frame: web::Data<Frame>, sent: Result<Form<TokenForm>>) -> HttpResponse {
    let answer = match sent.and_then(|Form(sent)| proven(&app, &frame, &sent.token)) {
        Ok(panel) => panel.set_hidden(false).await,
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
        return Ok(Answer { status: StatusCode::OK, state: State::NoPerson, saved: false });
    };
    let token = token::mint(&app.panel_keys, &context, &app.now())?;
    panel(app, frame, context, token).open().await
}

/// The panel that a form's token proves. The token that the next forms carry ends when this one does.
fn proven<'a>(app: &'a App, frame: &'a Frame, token: &str) -> Result<Panel<'a>> {
    let verified = token::verify(&app.panel_keys, token, &app.now());
    let (context, expires_at) =
        verified.inspect_err(|error| app.metrics.token_refusals.with_label_values(&[error.code]).inc())?;
    let token = token::renew(&app.panel_keys, &context, expires_at)?;
    Ok(panel(app, frame, context, token))
}

fn panel<'a>(app: &'a App, frame: &'a Frame, context: Context, token: String) -> Panel<'a> {
    let addresses = Addresses { public_url: &app.config.public_url.text, panel: &frame.panel, undoing: Undoing::ByPath };
    Panel { app, context, token, addresses }
}

fn respond(frame: &Frame, answer: Result<Answer>, note: String) -> HttpResponse {
    let answer = answer.unwrap_or_else(|error| {
        error.log();
        Answer { status: error.status(), state: view::refusal(&error, note), saved: false }
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
