//! `POST /forge/events`: verified, taken with one durable write, acknowledged; the work is a job's. Forge waits five seconds and asks
//! again four times.
//!
//! <https://developer.atlassian.com/platform/forge/remote/sending-product-events/>

use actix_web::{HttpResponse, web};

use super::caller::PlatformCaller;
use super::refused::ForgeResult;
use crate::activity::events::{self, Hint, Taken};
use crate::app::App;
use crate::connections::forge_installations;
use crate::error::{Error, Kind, Result};
use crate::forge::events::RepositoryEvent;
use crate::platform::body::{Body, WEBHOOK_BYTES};

/// Takes an event.
///
/// # Errors
/// 400 for a body that cannot be Forge's, 401 for a token that is not, 403 for a page's call, another workspace's or an uninstalled
/// app's.
pub async fn receive(
    app: web::Data<App>,
    caller: PlatformCaller,
    body: Result<Body<WEBHOOK_BYTES>>,
) -> ForgeResult<HttpResponse> {
    let PlatformCaller { invocation, system_token } = caller;
    let event =
        RepositoryEvent::parse(&body?.0).map_err(|refusal| Error::new(Kind::Invalid, refusal.code(), refusal.to_string()))?;
    let word = metric_word(&event.event);
    let (hint, keyring, now) = (Hint::from(event), app.keyring.clone(), app.now());
    let work = move |connection: &mut _| {
        forge_installations::called(connection, &invocation, system_token.as_ref(), &keyring, &now)?;
        events::take(connection, &forge_installations::client_key(&invocation), &hint, &now)
    };
    let taken = app.write(work).await;
    let outcome = match &taken {
        Ok(Taken::Enqueued) => "enqueued",
        Ok(Taken::Ignored) => "ignored",
        Err(error) => error.code,
    };
    app.metrics.webhooks.with_label_values(&[word, outcome]).inc();
    taken?;
    Ok(HttpResponse::NoContent().finish())
}

/// The event for a metric's label: a caller must not be able to make labels without end.
fn metric_word(event: &str) -> &'static str {
    const KNOWN: [&str; 11] = [
        "avi:bitbucket:created:pullrequest",
        "avi:bitbucket:updated:pullrequest",
        "avi:bitbucket:fulfilled:pullrequest",
        "avi:bitbucket:rejected:pullrequest",
        "avi:bitbucket:updated:pullrequest-reviewer-status",
        "avi:bitbucket:created:pullrequest-comment",
        "avi:bitbucket:updated:pullrequest-comment",
        "avi:bitbucket:deleted:pullrequest-comment",
        "avi:bitbucket:push:repository",
        "avi:bitbucket:created:build-status",
        "avi:bitbucket:updated:build-status",
    ];
    KNOWN.into_iter().find(|known| *known == event).unwrap_or("other")
}
