//! Signing in with a one-time link, and signing out. Opening a link asks; pressing the button acts.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::failure::{PageResult, html, see_other};
use super::page::{LinkProblem, OneTimeLinkPage, SignInPage};
use super::session::{SignedIn, check_csrf, cookie, csrf, person};
use crate::app::App;
use crate::config::Secret;
use crate::error::Error;
use crate::people::sessions;
use crate::platform::body::Form;

/// A form with nothing but its token.
#[derive(Deserialize)]
pub struct CsrfForm {
    /// The session's form token.
    pub csrf: String,
}

/// `GET /sign-in`.
///
/// # Errors
/// None in practice.
pub async fn page() -> PageResult<HttpResponse> {
    html(&SignInPage { problem: None })
}

/// `GET /sign-in/{link}`: names whom the link signs in.
///
/// # Errors
/// None for a bad link: the page says so.
pub async fn open_link(app: web::Data<App>, link: web::Path<String>) -> PageResult<HttpResponse> {
    let (secret, now) = (Secret::new(link.into_inner()), app.now());
    let asked = secret.clone();
    match app.read(move |connection| sessions::read_link(connection, asked.expose(), &now)).await {
        Ok((member, workspace)) => html(&OneTimeLinkPage {
            workspace,
            person: person(member.id.as_str(), &member.name, &member.email),
            action: format!("/sign-in/{}", secret.expose()),
            csrf: csrf(&secret),
        }),
        Err(error) => bad_link(error),
    }
}

/// `POST /sign-in/{link}`: uses the link up and opens a session.
///
/// # Errors
/// `csrf_invalid` (403).
pub async fn use_link(app: web::Data<App>, link: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    let (secret, now) = (Secret::new(link.into_inner()), app.now());
    check_csrf(&secret, &form.0.csrf)?;
    match app.write(move |connection| sessions::sign_in(connection, secret.expose(), &now)).await {
        Ok(session) => {
            let mut response = see_other("/");
            response.add_cookie(&cookie(&app, Some(&session))).map_err(Error::internal)?;
            Ok(response)
        }
        Err(error) => bad_link(error),
    }
}

/// `POST /sign-out`.
///
/// # Errors
/// `csrf_invalid` (403).
pub async fn sign_out(app: web::Data<App>, me: SignedIn, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    app.write(move |connection| sessions::sign_out(connection, me.secret.expose())).await?;
    let mut response = see_other("/sign-in");
    response.add_cookie(&cookie(&app, None)).map_err(Error::internal)?;
    Ok(response)
}

fn bad_link(error: Error) -> PageResult<HttpResponse> {
    let problem = match error.code {
        "link_used" => LinkProblem::Used,
        "link_unknown" => LinkProblem::Unknown,
        _ => return Err(error.into()),
    };
    let mut response = html(&SignInPage { problem: Some(problem) })?;
    *response.status_mut() = error.status();
    Ok(response)
}
