//! Signing in with Bitbucket: sends a person there, takes them back, and lets them choose when several workspaces know them. The
//! access token lives as long as the answer to one request.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::browser;
use super::cookies::{Purpose, cookie, read};
use super::failure::{PageResult, html, see_other};
use super::page::{ChooseWorkspacePage, ToBitbucketPage, WorkspaceChoice};
use super::session::{check_csrf, csrf, person};
use super::sign_in::{not_in, signed_in};
use super::tries;
use crate::app::App;
use crate::bitbucket::Failure;
use crate::bitbucket::oauth::Consumer;
use crate::config::{Config, Secret};
use crate::error::{Error, Kind, Result};
use crate::people::bitbucket_sign_in::{self as rules, Account, Candidate};
use crate::people::identities::AccountId;
use crate::people::sessions::Browser;
use crate::people::text::EmailAddress;
use crate::platform::body::Form;
use crate::platform::client_address::ClientAddress;
use crate::storage::ids::MemberId;

/// All calls to Bitbucket together, so that the answer is ours and not that of whoever waits for it.
const ASKED_WITHIN: Duration = Duration::from_secs(20);

/// What Bitbucket sends a person back with.
#[derive(Deserialize)]
struct Returned {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// The choice of a workspace.
#[derive(Deserialize)]
pub struct ChoiceForm {
    csrf: String,
    member: String,
}

/// How it goes on for an account that Bitbucket has named.
enum Next {
    SignedIn(Secret),
    Choose(Secret),
}

/// `GET /sign-in/bitbucket`: for whoever comes back to the address of the button.
///
/// # Errors
/// None.
pub async fn ways_in() -> PageResult<HttpResponse> {
    Ok(see_other("/sign-in"))
}

/// `POST /sign-in/bitbucket`: sends the browser to Bitbucket, by a page instead of a redirect: browsers hold every redirect that
/// follows a form against `form-action`, and the log-in behind Bitbucket may lead to any company's own.
///
/// # Errors
/// `cross_site` (403); `too_many_tries` (429); `bitbucket_sign_in_off` (404).
pub async fn start(app: web::Data<App>, client: ClientAddress, request: HttpRequest) -> PageResult<HttpResponse> {
    browser::must_come_from_our_page(request.headers())?;
    let consumer = consumer(&app.config)?;
    tries::count_address(&app, client).await?;
    let now = app.now();
    let secret = app.write(move |connection| rules::begin(connection, &now)).await?;
    let address = consumer.authorize_url(&rules::state(&secret)).ok_or_else(|| Error::internal("bitbucket.web_url is no URL"))?;
    let mut response = html(&ToBitbucketPage { address })?;
    response.add_cookie(&cookie(&app, Purpose::BitbucketSignIn, Some(&secret))).map_err(Error::internal)?;
    Ok(response)
}

/// `GET /sign-in/bitbucket/callback`: Bitbucket sends the person back.
///
/// # Errors
/// `too_many_tries` (429). Whatever else is wrong stands above the ways in.
pub async fn come_back(app: web::Data<App>, client: ClientAddress, request: HttpRequest) -> PageResult<HttpResponse> {
    tries::count_address(&app, client).await?;
    let browser = browser::of(&app, &request);
    let secret = read(&app, Purpose::BitbucketSignIn, &request);
    let (mut response, kept) = match identify(&app, secret, request.query_string(), browser).await {
        Ok(Next::SignedIn(session)) => (signed_in(&app, &session)?, None),
        Ok(Next::Choose(choice)) => (see_other("/sign-in/bitbucket/choose"), Some(choice)),
        Err(error) => (not_in(&app.config, error)?, None),
    };
    response.add_cookie(&cookie(&app, Purpose::BitbucketSignIn, kept.as_ref())).map_err(Error::internal)?;
    Ok(response)
}

/// `GET /sign-in/bitbucket/choose`: the workspaces that know the account.
///
/// # Errors
/// None for a choice that is gone: the page says so.
pub async fn choices(app: web::Data<App>, request: HttpRequest) -> PageResult<HttpResponse> {
    let Some(secret) = read(&app, Purpose::BitbucketSignIn, &request) else { return Ok(see_other("/sign-in")) };
    let (asked, now) = (secret.clone(), app.now());
    match app.read(move |connection| rules::offered(connection, &asked, &now)).await {
        Ok(candidates) => html(&ChooseWorkspacePage { choices: candidates.iter().map(choice).collect(), csrf: csrf(&secret) }),
        Err(error) => not_in(&app.config, error),
    }
}

/// `POST /sign-in/bitbucket/choose`.
///
/// # Errors
/// `csrf_invalid` (403); `too_many_tries` (429).
pub async fn choose(
    app: web::Data<App>,
    client: ClientAddress,
    request: HttpRequest,
    form: Form<ChoiceForm>,
) -> PageResult<HttpResponse> {
    tries::count_address(&app, client).await?;
    let Some(secret) = read(&app, Purpose::BitbucketSignIn, &request) else { return Ok(see_other("/sign-in")) };
    check_csrf(&secret, &form.0.csrf)?;
    let member = MemberId::parse(&form.0.member).ok_or_else(|| Error::not_found("member"))?;
    let (browser, now) = (browser::of(&app, &request), app.now());
    let mut response = match app.write(move |connection| rules::choose(connection, &secret, &member, &browser, &now)).await {
        Ok(session) => signed_in(&app, &session)?,
        Err(error) => not_in(&app.config, error)?,
    };
    response.add_cookie(&cookie(&app, Purpose::BitbucketSignIn, None)).map_err(Error::internal)?;
    Ok(response)
}

async fn identify(app: &App, secret: Option<Secret>, query: &str, browser: Browser) -> Result<Next> {
    let consumer = consumer(&app.config)?;
    let returned = serde_urlencoded::from_str::<Returned>(query).map_err(|error| broken_off().because(error))?;
    let (state, now) = (returned.state, app.now());
    app.write(move |connection| rules::come_back(connection, secret.as_ref(), &state, &now)).await?;
    let code = match (returned.code, returned.error.as_deref()) {
        (Some(code), None) => code,
        (_, Some("access_denied")) => return Err(denied()),
        _ => return Err(broken_off()),
    };
    let asking = ask(app, &consumer, &code, &browser);
    let (account, candidates) = tokio::time::timeout(ASKED_WITHIN, asking).await.unwrap_or_else(|_| Err(Failure::Down.into()))?;
    tries::count_account(app, account.id.as_str()).await?;
    let now = app.now();
    app.write(move |connection| match candidates.as_slice() {
        [] => Err(rules::unknown()),
        [one] => rules::enter(connection, &account, &one.member.id, one.way, &browser, &now).map(Next::SignedIn),
        several => rules::offer(connection, &account, several, &now).map(Next::Choose),
    })
    .await
}

/// Whose account it is and whom it may sign in as. Bitbucket is asked for e-mail addresses only about somebody whom nobody knows.
async fn ask(app: &App, consumer: &Consumer, code: &str, browser: &Browser) -> Result<(Account, Vec<Candidate>)> {
    let token = app.bitbucket.exchange_code(consumer, code).await.map_err(not_exchanged)?;
    let named = app.bitbucket.account(&token).await.map_err(not_told)?;
    let id = named.account_id.as_deref().ok_or_else(rules::unknown)?;
    let account = Account { id: AccountId::parse(id)?, uuid: named.uuid() };
    let (asked, browser, now) = (account.clone(), browser.clone(), app.now());
    let known = app.read(move |connection| {
        let mut candidates = rules::known(connection, &asked)?;
        if candidates.is_empty() {
            candidates.extend(rules::signed_in(connection, &asked, &browser, &now)?);
        }
        Ok(candidates)
    });
    let mut candidates = known.await?;
    if candidates.is_empty() {
        let emails = app.bitbucket.confirmed_emails(&token).await.map_err(not_told)?;
        let emails: Vec<EmailAddress> = emails.iter().filter_map(|email| EmailAddress::parse(email).ok()).collect();
        let asked = account.clone();
        candidates = app.read(move |connection| rules::invited(connection, &asked, &emails)).await?;
    }
    Ok((account, candidates))
}

fn consumer(config: &Config) -> Result<Consumer> {
    let (Some(client_id), Some(client_secret)) = (&config.oauth.client_id, &config.oauth.client_secret) else {
        let detail = "Signing in with Bitbucket is not set up here. Open a sign-in link.";
        return Err(Error::new(Kind::NotFound, "bitbucket_sign_in_off", detail));
    };
    Ok(Consumer {
        web_url: config.bitbucket_web_url.clone(),
        client_id: client_id.clone(),
        client_secret: client_secret.clone(),
        callback: format!("{}/sign-in/bitbucket/callback", config.public_url.text),
    })
}

fn choice(candidate: &Candidate) -> WorkspaceChoice {
    let member = &candidate.member;
    WorkspaceChoice {
        workspace: candidate.workspace.clone(),
        person: person(member.id.as_str(), &member.name, &member.email),
        member: member.id.to_string(),
    }
}

fn denied() -> Error {
    let detail =
        "You did not let ClarityLoop see your Bitbucket account. Press the button again to let it, or open a sign-in link.";
    Error::forbidden("consent_denied", detail)
}

fn broken_off() -> Error {
    Error::new(Kind::Invalid, "sign_in_broken_off", "Bitbucket broke the sign-in off. Begin again.")
}

fn not_exchanged(failure: Failure) -> Error {
    match failure {
        Failure::GrantEnded | Failure::Refused { .. } => {
            let detail = "Bitbucket no longer takes this sign-in. Begin again.";
            Error::new(Kind::Invalid, "sign_in_code_refused", detail).because(failure)
        }
        other => not_told(other),
    }
}

/// What only whoever runs the server can mend is in the log as well.
fn not_told(failure: Failure) -> Error {
    match failure {
        Failure::NotAuthorised | Failure::MissingScopes { .. } | Failure::Forbidden { .. } => {
            tracing::error!(%failure, "the OAuth consumer is wrong: check oauth.client_id, oauth.client_secret and its permissions");
            let detail = "Bitbucket does not accept this server as it is set up. Tell whoever runs it, and open a sign-in link.";
            Error::new(Kind::Upstream, "consumer_refused", detail).because(failure)
        }
        other => other.into(),
    }
}
