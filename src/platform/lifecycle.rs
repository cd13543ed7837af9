//! `installed` and `uninstalled`: nothing in their bodies is believed before it is signed for or proven at Bitbucket.

use actix_web::{HttpRequest, HttpResponse, web};

use super::body::{Body, LIFECYCLE_BYTES};
use super::signed;
use crate::app::App;
use crate::bitbucket::Failure;
use crate::config::Secret;
use crate::connect::lifecycle::{Expected, Installed, Uninstalled};
use crate::connect::payload::PayloadRefusal;
use crate::connect::refusal::Refusal;
use crate::connect::token::{VerificationKey, token_fingerprint};
use crate::connections::keys::{self, Former};
use crate::connections::lifecycle::{self, Known, LifecycleToken, ProvenInstall};
use crate::connections::{credentials, install_codes};
use crate::error::{Error, Kind, Result};
use crate::storage::AnyConnection;

/// `POST /connect/{install_code}/installed`.
///
/// # Errors
/// 400 for a body that cannot be ours, 401 for what is not signed or proven, 404 for an unknown code, 409 for a workspace that
/// belongs elsewhere, 503 when Bitbucket cannot be asked; nothing is stored then.
pub async fn installed_by_code(
    app: web::Data<App>,
    code: web::Path<String>,
    request: HttpRequest,
    body: Body<LIFECYCLE_BYTES>,
) -> Result<HttpResponse> {
    record(&app, "installed", install(&app, Some(code.into_inner()), &request, &body.0).await)
}

/// `POST /connect/installed`, for an app installed without a code.
///
/// # Errors
/// As [`installed_by_code`].
pub async fn installed(app: web::Data<App>, request: HttpRequest, body: Body<LIFECYCLE_BYTES>) -> Result<HttpResponse> {
    record(&app, "installed", install(&app, None, &request, &body.0).await)
}

/// `POST /connect/uninstalled`.
///
/// # Errors
/// 400 for a body that cannot be ours, 401 for what is not signed, 403 for another workspace's.
pub async fn uninstalled(app: web::Data<App>, request: HttpRequest, body: Body<LIFECYCLE_BYTES>) -> Result<HttpResponse> {
    record(&app, "uninstalled", uninstall(&app, &request, &body.0).await)
}

fn record(app: &App, event: &'static str, outcome: Result<()>) -> Result<HttpResponse> {
    let word = outcome.as_ref().map_or_else(|error| error.code, |()| "stored");
    app.metrics.lifecycle_events.with_label_values(&[event, word]).inc();
    match &outcome {
        Ok(()) => tracing::info!(event, "lifecycle call stored"),
        Err(error) => tracing::warn!(event, code = error.code, "lifecycle call refused"),
    }
    outcome.inspect_err(|error| signed::count(app, error)).map(|()| HttpResponse::NoContent().finish())
}

async fn install(app: &App, code: Option<String>, request: &HttpRequest, body: &[u8]) -> Result<()> {
    let installed = Installed::parse(body, &expected(app)).map_err(malformed)?;
    let asked = (installed.client_key.clone(), code.clone());
    let (known, code_named) = app
        .read(move |connection| {
            let (client_key, code) = asked;
            let code = code.map(|code| install_codes::find(connection, &code).map(|named| (code, named))).transpose()?;
            Ok((lifecycle::known(connection, &client_key)?, code))
        })
        .await?;
    let token = match (&app.config.connect.app_secret, &known) {
        (None, None) => None,
        _ => Some(verified_token(app, request, &installed.client_key, Former::Anything).await?),
    };
    if known.as_ref().is_some_and(|known| known.bitbucket_workspace_uuid != installed.workspace.to_string()) {
        return Err(lifecycle::workspace_mismatch());
    }
    let secret = secret_to_prove(app, &installed, known.as_ref())?;
    prove(app, &installed, &secret).await?;
    let is_registered = app.config.connect.app_secret.is_some();
    let proven = ProvenInstall {
        client_key: installed.client_key,
        bitbucket_workspace: installed.workspace,
        secret: (!is_registered).then_some(secret),
        is_registered,
        reported_installer: installed.actor_account_id,
        code: code_named,
        token,
        known,
    };
    let (keyring, now) = (app.keyring.clone(), app.now());
    app.write(move |connection| lifecycle::install(connection, &proven, &keyring, &now).map(|_id| ())).await
}

async fn uninstall(app: &App, request: &HttpRequest, body: &[u8]) -> Result<()> {
    let uninstalled = Uninstalled::parse(body, &expected(app)).map_err(malformed)?;
    let token = verified_token(app, request, &uninstalled.client_key, Former::Nothing).await?;
    let now = app.now();
    let work = move |connection: &mut AnyConnection| {
        lifecycle::uninstall(connection, &uninstalled.client_key, uninstalled.workspace, &token, &now)
    };
    app.write(work).await
}

fn expected(app: &App) -> Expected<'_> {
    Expected { app_key: &app.config.connect.app_key, api_url: &app.config.bitbucket_api_url }
}

fn malformed(refusal: PayloadRefusal) -> Error {
    Error::new(Kind::Invalid, refusal.code(), refusal.to_string())
}

async fn verified_token(app: &App, request: &HttpRequest, client_key: &str, former: Former) -> Result<LifecycleToken> {
    let query = signed::parse_query(request)?;
    let token = signed::find_token(request, &query)?;
    let keys = lifecycle_keys(app, client_key, former).await?;
    let claims = signed::verify(app, request, &query, token, client_key, &keys)?;
    Ok(LifecycleToken {
        fingerprint: token_fingerprint(token),
        expires_at: claims.expires_at,
        is_signed_with_former: claims.key_index > 0,
    })
}

/// With an app secret it alone counts; else the stored ones, read past the cache.
async fn lifecycle_keys(app: &App, client_key: &str, former: Former) -> Result<Vec<VerificationKey>> {
    if let Some(secret) = &app.config.connect.app_secret {
        return Ok(vec![VerificationKey::new(secret.expose())]);
    }
    let (owned, keyring, config, now) = (client_key.to_owned(), app.keyring.clone(), app.config.clone(), app.now());
    let read = app.read(move |connection| keys::read(connection, &owned, former, &keyring, &config, &now)).await?;
    read.map(|read| read.keys).ok_or_else(|| signed::refused(Refusal::IssuerUnknown))
}

fn secret_to_prove(app: &App, installed: &Installed, known: Option<&Known>) -> Result<Secret> {
    if let Some(secret) = &app.config.connect.app_secret {
        return Ok(secret.clone());
    }
    if let Some(secret) = &installed.shared_secret {
        return Ok(secret.clone());
    }
    let stored = known.and_then(|known| known.secret.as_ref()).ok_or_else(|| {
        let detail = "The install call brought no shared secret. Register the app with Bitbucket and set connect.app_secret.";
        Error::new(Kind::Invalid, "shared_secret_missing", detail)
    })?;
    app.keyring.open_text(stored, &keys::sealed_for(&installed.client_key))
}

/// Bitbucket's own word that the secret is the workspace's, asked of the configured host, never of one from the body.
async fn prove(app: &App, installed: &Installed, secret: &Secret) -> Result<()> {
    let credential = credentials::signed(&app.config, &installed.client_key, secret, &app.now());
    app.bitbucket.prove(&credential, installed.workspace).await.map_err(|failure| match failure {
        Failure::Down | Failure::RateLimited { .. } | Failure::Malformed => Error::from(failure),
        refused => {
            let detail = "Bitbucket does not accept the secret of this install call. Install the app again.";
            Error::unauthorised("secret_not_proven", detail).because(refused)
        }
    })
}
