//! `POST /hooks/bitbucket/{connection}`: a delivery of an ordinary webhook, verified over its raw body, taken with one durable write,
//! acknowledged; the work is a job's. Bitbucket waits ten seconds and tries twice more, after a 5xx or no answer only.
//!
//! <https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/>

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use uuid::Uuid;

use super::body::{Body, WEBHOOK_BYTES};
use super::webhooks::{count, metric_word};
use crate::activity::events::{self, Hint};
use crate::app::App;
use crate::config::Secret;
use crate::connect::hub_signature::HubSignature;
use crate::connect::identifiers::parse_uuid;
use crate::connect::webhook::Delivery;
use crate::connections::hooks;
use crate::error::{Error, Kind, Result};
use crate::storage::ids::{ConnectionId, HookId};

/// Takes a delivery.
///
/// # Errors
/// 401 for what is not signed with the secret of a webhook of this connection, whether there is such a connection or not; 413 for a body that
/// is too large; 400 for one that is none, 403 for one of another place.
pub async fn receive(app: web::Data<App>, request: HttpRequest, body: Body<WEBHOOK_BYTES>) -> Result<HttpResponse> {
    let Some(hook) = verified(&app, &request, &body.0).await? else {
        app.metrics.token_refusals.with_label_values(&[hooks::UNSIGNED]).inc();
        return Err(hooks::unsigned());
    };
    let delivery = Delivery::parse(&body.0, header(&request, "x-event-key"))
        .map_err(|refusal| Error::new(Kind::Invalid, refusal.code(), refusal.to_string()))?;
    let event = metric_word(&delivery.event);
    let arrived = Arc::new((hook, Hint::from(delivery), app.now()));
    let at_once = {
        let arrived = Arc::clone(&arrived);
        move |connection: &mut _| events::hooks::take_at_once(connection, &arrived.0, &arrived.1, &arrived.2)
    };
    let otherwise = move |connection: &mut _| events::hooks::take_otherwise(connection, &arrived.0, &arrived.1, &arrived.2);
    let taken = app.write_at_once(at_once, otherwise).await;
    count(&app, event, &taken);
    taken.map(|_| HttpResponse::NoContent().finish())
}

/// The webhook that has signed the body; none when nothing of ours has.
async fn verified(app: &App, request: &HttpRequest, body: &[u8]) -> Result<Option<HookId>> {
    let id = request.match_info().get("id").and_then(ConnectionId::parse);
    let signature = header(request, "x-hub-signature").and_then(HubSignature::parse);
    let hook = header(request, "x-hook-uuid").and_then(parse_uuid);
    let secrets = match (id, signature) {
        (Some(id), Some(_)) => secrets(app, id, hook).await?,
        _ => Vec::new(),
    };
    let Some(signature) = signature else { return Ok(None) };
    if secrets.is_empty() {
        // The same work as for a connection that there is, so that the time it takes tells nothing either.
        signature.signs(hooks::UNSIGNED, body);
    }
    Ok(secrets.into_iter().find(|(_, secret)| signature.signs(secret.expose(), body)).map(|(hook, _)| hook))
}

async fn secrets(app: &App, id: ConnectionId, hook: Option<Uuid>) -> Result<Vec<(HookId, Secret)>> {
    let (keyring, now) = (app.keyring.clone(), app.now());
    app.read(move |connection| hooks::signing_secrets(connection, &id, hook, &keyring, &now)).await
}

/// The value of a header that comes once.
fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let mut values = request.headers().get_all(name);
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
