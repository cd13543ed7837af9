//! The panel's quieter forms: asking whether one may join, hiding the panel for oneself and showing it again.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{Answer, TokenForm, again, count, page_of, respond};
use crate::app::App;
use crate::error::{Error, Result};
use crate::panel::actions::{self, AskedFor, joining};
use crate::panel::page::{TypedJoin, WrongJoin};
use crate::panel::token;
use crate::panel::view::Outcome;
use crate::people::text::{EmailAddress, Name};
use crate::platform::body::Form;
use crate::platform::frame::Frame;
use crate::storage::AnyConnection;

/// What the form that asks sends.
#[derive(Deserialize)]
pub struct JoinForm {
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
}

/// `POST /connect/panel/join`.
pub async fn join(app: web::Data<App>, frame: web::Data<Frame>, form: Result<Form<JoinForm>>) -> HttpResponse {
    let answer = match form {
        Ok(Form(form)) => ask(&app, &frame, form).await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, String::new())
}

/// `POST /connect/panel/hide`.
pub async fn hide(app: web::Data<App>, frame: web::Data<Frame>, form: Result<Form<TokenForm>>) -> HttpResponse {
    let answer = match form {
        Ok(Form(form)) => set_hidden(&app, &frame, form, true).await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, String::new())
}

/// `POST /connect/panel/show`.
pub async fn show_again(app: web::Data<App>, frame: web::Data<Frame>, form: Result<Form<TokenForm>>) -> HttpResponse {
    let answer = match form {
        Ok(Form(form)) => set_hidden(&app, &frame, form, false).await,
        Err(error) => Err(error),
    };
    respond(&frame, answer, String::new())
}

async fn ask(app: &App, frame: &Frame, form: JoinForm) -> Result<Answer> {
    let (context, expires_at) = token::verify(&app.panel_keys, &form.token, &app.now()).inspect_err(|error| count(app, error))?;
    let (counted, web_url, now) = (context.clone(), app.config.bitbucket_web_url.clone(), app.now());
    let tries = app.write(move |connection| joining::count(connection, &counted, &web_url, &now)).await?;
    let parsed = tries.and_then(|()| Ok((Name::parse("name", &form.name)?, EmailAddress::parse(&form.email)?)));
    let asked = match parsed {
        Ok((name, email)) => {
            let (context, web_url, now) = (context.clone(), app.config.bitbucket_web_url.clone(), app.now());
            let work = move |connection: &mut AnyConnection| {
                joining::ask(connection, &context, name, email, &web_url, &now)?;
                actions::look(connection, &context, AskedFor::Links, &web_url, &now)
            };
            app.write(work).await
        }
        Err(error) => Err(error),
    };
    match asked {
        Ok(read) => {
            let token = token::renew(&app.panel_keys, &context, expires_at)?;
            page_of(app, frame, read, token, Outcome::default(), StatusCode::OK).await
        }
        Err(error) => {
            let join = TypedJoin { name: form.name, email: form.email, wrong: Some(wrong(&error)) };
            again(app, frame, &context, expires_at, error, Outcome { join, ..Outcome::default() }).await
        }
    }
}

fn wrong(error: &Error) -> WrongJoin {
    let sentence = error.detail.to_string();
    match error.field {
        Some("name") => WrongJoin::Name(sentence),
        Some("email") => WrongJoin::Email(sentence),
        _ => WrongJoin::Whole(sentence),
    }
}

async fn set_hidden(app: &App, frame: &Frame, form: TokenForm, is_hidden: bool) -> Result<Answer> {
    let (context, expires_at) = token::verify(&app.panel_keys, &form.token, &app.now()).inspect_err(|error| count(app, error))?;
    let (asked, web_url, now) = (context.clone(), app.config.bitbucket_web_url.clone(), app.now());
    let work = move |connection: &mut AnyConnection| {
        joining::set_hidden(connection, &asked, is_hidden, &web_url, &now)?;
        actions::look(connection, &asked, AskedFor::Links, &web_url, &now)
    };
    let read = app.write(work).await?;
    let token = token::renew(&app.panel_keys, &context, expires_at)?;
    page_of(app, frame, read, token, Outcome::default(), StatusCode::OK).await
}
