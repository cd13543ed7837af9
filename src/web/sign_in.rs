//! The page with the ways in, signing in with a one-time link, and signing out. Opening a link asks; pressing the button acts.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::browser;
use super::cookies::{Purpose, cookie};
use super::failure::{Failure, PageResult, html, see_other};
use super::page::{OneTimeLinkPage, Problem, SignInPage};
use super::session::{SignedIn, check_csrf, csrf, person};
use super::tries;
use crate::app::App;
use crate::config::{Config, Secret};
use crate::error::{Error, Kind};
use crate::people::sessions;
use crate::platform::body::Form;
use crate::platform::client_address::ClientAddress;

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
pub async fn page(app: web::Data<App>) -> PageResult<HttpResponse> {
    html(&SignInPage { problem: None, has_bitbucket: has_bitbucket(&app.config) })
}

/// `GET /sign-in/{link}`: names whom the link signs in.
///
/// # Errors
/// `too_many_tries` (429). None for a bad link: the page says so.
pub async fn open_link(app: web::Data<App>, client: ClientAddress, link: web::Path<String>) -> PageResult<HttpResponse> {
    tries::count_address(&app, client).await?;
    let (secret, now) = (Secret::new(link.into_inner()), app.now());
    let asked = secret.clone();
    match app.read(move |connection| sessions::read_link(connection, asked.expose(), &now)).await {
        Ok((member, workspace)) => {
            tries::count_account(&app, member.id.as_str()).await?;
            html(&OneTimeLinkPage {
                workspace,
                person: person(member.id.as_str(), &member.name, &member.email),
                action: format!("/sign-in/{}", secret.expose()),
                csrf: csrf(&secret),
            })
        }
        Err(error) => not_in(&app.config, error),
    }
}

/// `POST /sign-in/{link}`: uses the link up and opens a session.
///
/// # Errors
/// `csrf_invalid` or `cross_site` (403); `too_many_tries` (429).
pub async fn use_link(
    app: web::Data<App>,
    client: ClientAddress,
    request: HttpRequest,
    link: web::Path<String>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    browser::must_come_from_our_page(request.headers())?;
    tries::count_address(&app, client).await?;
    let (secret, now) = (Secret::new(link.into_inner()), app.now());
    check_csrf(&secret, &form.0.csrf)?;
    let browser = browser::of(&app, &request);
    match app.write(move |connection| sessions::sign_in(connection, secret.expose(), &browser, &now)).await {
        Ok(session) => signed_in(&app, &session),
        Err(error) => not_in(&app.config, error),
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
    response.add_cookie(&cookie(&app, Purpose::Session, None)).map_err(Error::internal)?;
    Ok(response)
}

/// The start page, with the cookie of a session that has just been opened.
///
/// # Errors
/// Never in practice: the cookie is one that a header can carry.
pub fn signed_in(app: &App, session: &Secret) -> PageResult<HttpResponse> {
    let mut response = see_other("/");
    response.add_cookie(&cookie(app, Purpose::Session, Some(session))).map_err(Error::internal)?;
    Ok(response)
}

/// The ways in, with a word on why the one just taken did not lead there.
///
/// # Errors
/// A fault of ours has the page of its own that it has everywhere.
pub fn not_in(config: &Config, error: Error) -> PageResult<HttpResponse> {
    if matches!(error.kind, Kind::Internal | Kind::Busy | Kind::TooMany) {
        return Err(Failure::from(error));
    }
    let (sentence, next_step) = error.sentences();
    let page = SignInPage { problem: Some(Problem { sentence, next_step }), has_bitbucket: has_bitbucket(config) };
    Ok(error.response().content_type("text/html; charset=utf-8").body(askama::Template::render(&page)?))
}

fn has_bitbucket(config: &Config) -> bool {
    config.oauth.client_id.is_some()
}
