//! Consent by OAuth: sends somebody to Bitbucket, takes them back, and lets an owner choose the workspace; and the consumer it is given to.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::{page, parse, path};
use crate::activity::looking;
use crate::app::App;
use crate::config::Secret;
use crate::connections::consent::{self, Consented, Wish};
use crate::connections::consumers::{self, NewConsumer};
use crate::connections::discovery;
use crate::connections::grants::OwnGrant;
use crate::connections::purposes::{Purpose, Purposes};
use crate::connections::{choosing, closing};
use crate::error::{Error, Kind, Result};
use crate::people::pull_requests::parse_uuid;
use crate::platform::body::Form;
use crate::web::failure::{PageResult, html, html_with, see_other};
use crate::web::owner::Owner;
use crate::web::page::connections::ChooseBitbucketPage;
use crate::web::page::{Place, ToBitbucketPage, WrongField};
use crate::web::session::SignedIn;
use crate::web::sign_in::CsrfForm;

/// The purpose to connect for.
#[derive(Deserialize)]
pub struct PurposeForm {
    csrf: String,
    purpose: String,
}

/// Which of a member's own grants: the one that reads when none is named.
#[derive(Deserialize)]
pub struct OwnForm {
    csrf: String,
    #[serde(default)]
    purpose: Option<String>,
}

impl OwnForm {
    fn which(&self) -> Result<OwnGrant> {
        let named = self.purpose.as_deref().unwrap_or(OwnGrant::Reading.purpose().as_str());
        let which = OwnGrant::ALL.into_iter().find(|which| which.purpose().as_str() == named);
        which.ok_or_else(|| Error::invalid("purpose_unknown", "purpose", "Choose which grant: agents for reading, or writes."))
    }
}

/// A consumer as typed.
#[derive(Deserialize)]
pub struct ConsumerForm {
    csrf: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
    alone: Option<String>,
}

/// The workspace that was chosen.
#[derive(Deserialize)]
pub struct WorkspaceForm {
    csrf: String,
    workspace: String,
}

/// What Bitbucket sends somebody back with.
#[derive(Deserialize)]
struct Returned {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// `POST …/connections/consent`: sends an owner to Bitbucket.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `purpose_unknown` (400); `consumer_missing` (409).
pub async fn begin(app: web::Data<App>, owner: Owner, form: Form<PurposeForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    send(&app, &owner.0, Wish::New(purposes(&form.0.purpose)?)).await
}

/// `POST …/connections/{id}/consent`: the same for a connection that is granted anew.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `consumer_missing` (409).
pub async fn again(app: web::Data<App>, owner: Owner, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    send(&app, &owner.0, Wish::Anew(parse(&id)?)).await
}

/// `POST /profile/grant`: sends a member to Bitbucket for a grant of their own.
///
/// # Errors
/// `csrf_invalid` (403); `purpose_unknown` (400); `consumer_missing` (409).
pub async fn begin_own(app: web::Data<App>, me: SignedIn, form: Form<OwnForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    send(&app, &me, Wish::Own(form.0.which()?)).await
}

/// `POST /profile/grant/end`: takes a member's own grant back.
///
/// # Errors
/// `csrf_invalid` (403); `purpose_unknown` (400); `not_found` (404).
pub async fn end_own(app: web::Data<App>, me: SignedIn, form: Form<OwnForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, which) = (me.viewer(), app.now(), form.0.which()?);
    app.write(move |connection| closing::end_own(connection, &viewer, which, &now)).await?;
    Ok(see_other("/profile"))
}

/// By a page instead of a redirect, because browsers hold every redirect that follows a form against `form-action`.
async fn send(app: &App, me: &SignedIn, wish: Wish) -> PageResult<HttpResponse> {
    let (viewer, secret, now) = (me.viewer(), me.secret.clone(), app.now());
    let (keyring, config) = (app.keyring.clone(), app.config.clone());
    let begin = move |connection: &mut _| consent::begin(connection, &viewer, &secret, &wish, &keyring, &config, &now);
    let address = app.write(begin).await?;
    html(&ToBitbucketPage { address })
}

/// `GET /sign-in/bitbucket/callback/consent`: Bitbucket sends somebody back, into the session that they left from.
///
/// # Errors
/// `consent_state_wrong` or `consent_code_refused` (400); `bitbucket_workspace_taken` or `workspace_not_reached` (409); 503 while Bitbucket
/// does not answer.
pub async fn come_back(app: web::Data<App>, me: SignedIn, request: HttpRequest) -> PageResult<HttpResponse> {
    let broken = || Error::new(Kind::Invalid, "consent_broken_off", "Bitbucket broke this off. Begin again.");
    let returned: Returned = serde_urlencoded::from_str(request.query_string()).map_err(|error| broken().because(error))?;
    let (viewer, secret, now) = (me.viewer(), me.secret.clone(), app.now());
    let state = returned.state;
    let sent = app.write(move |connection| consent::take(connection, &viewer, &secret, &state, &now)).await?;
    let code = match (returned.code, returned.error.as_deref()) {
        (Some(code), None) => code,
        (_, Some("access_denied")) if sent.is_own() => return Ok(see_other("/profile")),
        (_, Some("access_denied")) => return Ok(see_other(&format!("{}?done=denied", path()))),
        _ => return Err(broken().into()),
    };
    let consented = consent::complete(&app.parts(), &me.viewer(), sent, &code, &app.now()).await?;
    if consented == Consented::Own {
        let (viewer, now) = (me.viewer(), app.now());
        app.write(move |connection| looking::after_granting(connection, &viewer, &now)).await?;
    }
    Ok(on(&consented))
}

fn on(consented: &Consented) -> HttpResponse {
    match consented {
        Consented::Own => see_other("/profile"),
        Consented::Connected(_) => see_other(&format!("{}?done=connected", path())),
        Consented::ToChoose(id) => see_other(&format!("{}/{id}/workspace", path())),
    }
}

/// `GET …/connections/{id}/workspace`: the workspaces that it reaches.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `connection_refused` (409); 503 while Bitbucket does not answer.
pub async fn offer(app: web::Data<App>, owner: Owner, id: web::Path<String>) -> PageResult<HttpResponse> {
    let id = parse(&id)?;
    let offered = choosing::offered(&app.parts(), &owner.0.viewer(), &id, &app.now()).await?;
    html(&ChooseBitbucketPage {
        shell: owner.0.shell(Place::Integrations, None),
        action: format!("{}/{id}/workspace", path()),
        cut_after: offered.is_cut.then_some(discovery::AT_MOST),
        reached: offered.reached.into_iter().map(|one| (one.uuid.to_string(), one.slug, one.is_administrator)).collect(),
    })
}

/// `POST …/connections/{id}/workspace`: Bitbucket is asked once more, so that nobody chooses what the connection does not reach.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `workspace_chosen` or `bitbucket_workspace_taken` (409).
pub async fn choose(
    app: web::Data<App>,
    owner: Owner,
    id: web::Path<String>,
    form: Form<WorkspaceForm>,
) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (viewer, now, id) = (owner.0.viewer(), app.now(), parse(&id)?);
    let offered = choosing::offered(&app.parts(), &viewer, &id, &now).await?;
    let chosen = offered.find(parse_uuid(&form.0.workspace)).cloned();
    let chosen = chosen.ok_or_else(|| Error::not_found("Bitbucket workspace that this connection reaches"))?;
    app.write(move |connection| choosing::choose(connection, &viewer, &id, &chosen, &now)).await?;
    Ok(see_other(&format!("{}?done=connected", path())))
}

/// `POST …/connections/consumer`: enters a consumer. A form with a mistake comes back, without the secret.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403).
pub async fn enter(app: web::Data<App>, owner: Owner, form: Form<ConsumerForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let ConsumerForm { client_id, client_secret, alone, .. } = form.0;
    let client_secret = Secret::new(client_secret);
    match NewConsumer::parse(&client_id, client_secret.expose(), alone.is_some()) {
        Ok(new) => {
            let (viewer, keyring, now) = (owner.0.viewer(), app.keyring.clone(), app.now());
            app.write(move |connection| consumers::enter(connection, &viewer, &new, &keyring, &now).map(|_id| ())).await?;
            Ok(see_other(&format!("{}?done=consumer", path())))
        }
        Err(error) => {
            let wrong = WrongField::new(error.field.unwrap_or("client_id"), error.detail.to_string());
            html_with(StatusCode::BAD_REQUEST, &page(&app, &owner, None, Some((client_id, wrong))).await?)
        }
    }
}

/// `POST …/connections/consumer/connect`: connects by the consumer acting as itself.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `purpose_unknown` (400); `consumer_may_not` (409); `consumer_refused` (503).
pub async fn connect_consumer(app: web::Data<App>, owner: Owner, form: Form<PurposeForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let purposes = purposes(&form.0.purpose)?;
    let consented = consent::connect_consumer(&app.parts(), &owner.0.viewer(), purposes, &app.now()).await?;
    Ok(on(&consented))
}

fn purposes(word: &str) -> Result<Purposes> {
    let purpose = Purpose::parse(word);
    let unknown = || Error::invalid("purpose_unknown", "purpose", "Choose what to connect for: reading, agents or writes.");
    Ok(Purposes::of(&[purpose.ok_or_else(unknown)?]))
}
