//! `installed` and `upgraded`, the hourly trigger and `preUninstall`: one durable write each, and then 204.
//!
//! <https://developer.atlassian.com/platform/forge/events-reference/life-cycle/>

use actix_web::{HttpResponse, web};

use super::caller::PlatformCaller;
use super::refused::ForgeResult;
use crate::app::App;
use crate::connections::forge_installations;
use crate::connections::lifecycle::workspace_mismatch;
use crate::error::{Error, Kind, Result};
use crate::forge::events::{Lifecycle, LifecycleEvent};
use crate::forge::invocation_token::Invocation;
use crate::platform::body::{Body, LIFECYCLE_BYTES};

/// `POST /forge/lifecycle`.
///
/// # Errors
/// 400 for a body that cannot be Forge's, 401 for a token that is not, 403 for a page's call, another workspace's, another
/// installation's or an uninstalled app's.
pub async fn receive(
    app: web::Data<App>,
    caller: PlatformCaller,
    body: Result<Body<LIFECYCLE_BYTES>>,
) -> ForgeResult<HttpResponse> {
    let PlatformCaller { invocation, system_token } = caller;
    let parsed = body.and_then(|body| parse(&body.0, &invocation));
    let event = match &parsed {
        Ok(Lifecycle { event: LifecycleEvent::Installed, .. }) => "forge_installed",
        Ok(Lifecycle { event: LifecycleEvent::Upgraded, .. }) => "forge_upgraded",
        Err(_) => "forge_lifecycle",
    };
    let outcome = match parsed {
        Ok(lifecycle) => {
            let (keyring, now) = (app.keyring.clone(), app.now());
            let work = move |connection: &mut _| {
                let (installer, token) = (lifecycle.installer.as_deref(), system_token.as_ref());
                forge_installations::installed(connection, &invocation, installer, token, &keyring, &now)
            };
            app.write(work).await
        }
        Err(error) => Err(error),
    };
    record(&app, event, outcome)
}

/// `POST /forge/refresh`: the hourly trigger. What it sends is not documented and not read.
///
/// # Errors
/// As [`receive`], but for the body.
pub async fn refresh(app: web::Data<App>, caller: PlatformCaller) -> ForgeResult<HttpResponse> {
    let PlatformCaller { invocation, system_token } = caller;
    let (keyring, now) = (app.keyring.clone(), app.now());
    let work =
        move |connection: &mut _| forge_installations::refreshed(connection, &invocation, system_token.as_ref(), &keyring, &now);
    record(&app, "forge_refresh", app.write(work).await)
}

/// `POST /forge/uninstall`: `preUninstall`. The token says what is uninstalled; the body is not read.
///
/// # Errors
/// As [`refresh`]. Repeating it changes nothing.
pub async fn uninstall(app: web::Data<App>, caller: PlatformCaller) -> ForgeResult<HttpResponse> {
    let (invocation, now) = (caller.invocation, app.now());
    let work = move |connection: &mut _| forge_installations::uninstall(connection, &invocation, &now);
    record(&app, "forge_uninstalled", app.write(work).await)
}

fn record(app: &App, event: &'static str, outcome: Result<()>) -> ForgeResult<HttpResponse> {
    let word = outcome.as_ref().map_or_else(|error| error.code, |()| "stored");
    app.metrics.lifecycle_events.with_label_values(&[event, word]).inc();
    match &outcome {
        Ok(()) => tracing::info!(event, "lifecycle call stored"),
        Err(error) => tracing::warn!(event, code = error.code, "lifecycle call refused"),
    }
    outcome?;
    Ok(HttpResponse::NoContent().finish())
}

/// The body is not signed: it may name nothing but what the token names.
fn parse(body: &[u8], invocation: &Invocation) -> Result<Lifecycle> {
    let lifecycle = Lifecycle::parse(body).map_err(|refusal| Error::new(Kind::Invalid, refusal.code(), refusal.to_string()))?;
    if lifecycle.workspace.is_some_and(|workspace| workspace != invocation.workspace) {
        return Err(workspace_mismatch());
    }
    if lifecycle.installation != invocation.installation {
        let detail = "This call names another installation than the one that it is signed for.";
        return Err(Error::forbidden("installation_mismatch", detail));
    }
    Ok(lifecycle)
}
