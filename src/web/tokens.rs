//! `/profile/tokens`: my API tokens. One is made with a form and shown once; revoking asks first.

use actix_web::{HttpResponse, web};
use chrono::NaiveDateTime;
use serde::Deserialize;

use super::failure::{Failure, PageResult, html, see_other};
use super::page::{
    Banner, LifetimeChoice, MadeToken, Place, RevokeTokenPage, ScopeChoice, Time, TokenForm, TokenRow, TokensPage, Tone,
};
use super::session::SignedIn;
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::people::api_tokens::{self, ApiToken, Scope};
use crate::people::text::Name;
use crate::platform::body::Form;
use crate::storage::ids::TokenId;

/// What each lifetime is called, by what the form sends.
const LIFETIMES: [(&str, &str, Option<u32>); 4] = [
    ("30", "After 30 days", Some(30)),
    ("90", "After 90 days", Some(90)),
    ("365", "After a year", Some(365)),
    ("never", "Never", None),
];

/// A token to be, as the form sends it: a box that is ticked is there.
#[derive(Deserialize)]
pub struct NewTokenForm {
    csrf: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    days: String,
    read: Option<String>,
    write: Option<String>,
    owner: Option<String>,
    bitbucket: Option<String>,
    mcp: Option<String>,
}

/// The same, as far as it can be used.
struct NewToken {
    name: Name,
    scopes: Vec<Scope>,
    days: Option<u32>,
}

/// `GET /profile/tokens`.
///
/// # Errors
/// When the database refuses.
pub async fn list(app: web::Data<App>, me: SignedIn) -> PageResult<HttpResponse> {
    let viewer = me.viewer();
    let tokens = app.read(move |connection| api_tokens::list(connection, &viewer)).await?;
    let form = NewTokenForm::empty();
    html(&page(&me, form.view(&me, None), tokens, None, app.now().at))
}

/// `POST /profile/tokens`: makes a token and shows its secret, this once.
///
/// # Errors
/// `csrf_invalid` (403). A form with a mistake comes back.
pub async fn make(app: web::Data<App>, me: SignedIn, form: Form<NewTokenForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, at) = (me.viewer(), app.now().at);
    match make_token(&app, &me, &form.0).await {
        Ok((made, tokens)) => html(&page(&me, NewTokenForm::empty().view(&me, None), tokens, Some(made), at)),
        Err(wrong) if matches!(wrong.kind, Kind::Invalid | Kind::Conflict | Kind::Forbidden) => {
            let tokens = app.read(move |connection| api_tokens::list(connection, &viewer)).await?;
            let mut page = page(&me, form.0.view(&me, Some(&wrong)), tokens, None, at);
            page.shell.banner = wrong.field.is_none().then(|| not_made(&wrong));
            Ok(wrong.response().content_type("text/html; charset=utf-8").body(askama::Template::render(&page)?))
        }
        Err(error) => Err(error.into()),
    }
}

async fn make_token(app: &App, me: &SignedIn, form: &NewTokenForm) -> Result<(MadeToken, Vec<ApiToken>)> {
    let NewToken { name, scopes, days } = form.parse()?;
    let (member, now, called) = (me.member.clone(), app.now(), name.as_str().to_owned());
    let made = app.write(move |connection| {
        let secret = api_tokens::create_for_days(connection, &member, &name, &scopes, days, &now)?;
        Ok((secret, api_tokens::list(connection, &member.viewer())?))
    });
    let (secret, tokens) = made.await?;
    Ok((MadeToken { name: called, secret: secret.expose().to_owned() }, tokens))
}

fn not_made(error: &Error) -> Banner {
    Banner { tone: Tone::Danger, strong: "No token was made.".to_owned(), text: error.detail.to_string() }
}

/// `GET /profile/tokens/{id}/revoke`: asks.
///
/// # Errors
/// `not_found` (404).
pub async fn ask_to_revoke(app: web::Data<App>, me: SignedIn, id: web::Path<String>) -> PageResult<HttpResponse> {
    let (viewer, id) = (me.viewer(), parse(&id)?);
    let token = app.read(move |connection| api_tokens::find(connection, &viewer, &id)).await?;
    html(&RevokeTokenPage { shell: me.shell(Place::Profile, None), token: row(token, app.now().at) })
}

/// `POST /profile/tokens/{id}/revoke`.
///
/// # Errors
/// `csrf_invalid` (403); `not_found` (404).
pub async fn revoke(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, id) = (me.viewer(), parse(&id)?);
    app.write(move |connection| api_tokens::revoke(connection, &viewer, &id)).await?;
    Ok(see_other("/profile/tokens"))
}

fn parse(id: &str) -> Result<TokenId, Failure> {
    TokenId::parse(id).ok_or_else(|| Error::not_found("API token").into())
}

impl NewTokenForm {
    /// The form before anything is typed: a token that reads, for a quarter.
    fn empty() -> Self {
        let (read, days) = (Some("on".to_owned()), "90".to_owned());
        Self { csrf: String::new(), name: String::new(), days, read, write: None, owner: None, bitbucket: None, mcp: None }
    }

    fn has(&self, scope: Scope) -> bool {
        let ticked = match scope {
            Scope::Read => &self.read,
            Scope::Write => &self.write,
            Scope::Owner => &self.owner,
            Scope::Bitbucket => &self.bitbucket,
            Scope::Mcp => &self.mcp,
        };
        ticked.is_some()
    }

    fn parse(&self) -> Result<NewToken> {
        let name = Name::parse("name", &self.name)?;
        let scopes: Vec<Scope> = api_tokens::ALL_SCOPES.into_iter().filter(|scope| self.has(*scope)).collect();
        if scopes.is_empty() {
            return Err(Error::invalid("scope_missing", "scope", "Tick at least one thing that the token may do."));
        }
        let lifetime = LIFETIMES.iter().find(|(value, _, _)| *value == self.days);
        let (_, _, days) = lifetime.ok_or_else(|| Error::invalid("days_invalid", "days", "Choose one of these."))?;
        Ok(NewToken { name, scopes, days: *days })
    }

    fn view(&self, me: &SignedIn, wrong: Option<&Error>) -> TokenForm {
        let wrong_at = |field| wrong.filter(|error| error.field == Some(field)).map(|error| error.detail.to_string());
        let scope = |scope: Scope| ScopeChoice { word: scope.as_str(), meaning: meaning(scope), is_chosen: self.has(scope) };
        let lifetime =
            |&(value, label, _): &(&'static str, &'static str, _)| LifetimeChoice { value, label, is_chosen: value == self.days };
        TokenForm {
            name: self.name.clone(),
            wrong_name: wrong_at("name"),
            scopes: api_tokens::scopes_of(me.member.role).into_iter().map(scope).collect(),
            wrong_scopes: wrong_at("scope"),
            lifetimes: LIFETIMES.iter().map(lifetime).collect(),
            wrong_lifetime: wrong_at("days"),
        }
    }
}

fn meaning(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read what you may read",
        Scope::Write => "write what you may write",
        Scope::Owner => "do what only owners may",
        Scope::Bitbucket => "call the Bitbucket API",
        Scope::Mcp => "serve an agent",
    }
}

fn page(me: &SignedIn, form: TokenForm, tokens: Vec<ApiToken>, made: Option<MadeToken>, now: NaiveDateTime) -> TokensPage {
    let tokens = tokens.into_iter().map(|token| row(token, now)).collect();
    TokensPage { shell: me.shell(Place::Profile, None), made, form, tokens }
}

fn row(token: ApiToken, now: NaiveDateTime) -> TokenRow {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    TokenRow {
        id: token.id.to_string(),
        name: token.name,
        scopes: scopes.join(", "),
        made: Time::Day(token.created_at),
        ends: token.expires_at.map(Time::Day),
        has_ended: token.expires_at.is_some_and(|expires_at| expires_at <= now),
        last_used: token.last_used_at.map(Time::Moment),
    }
}
