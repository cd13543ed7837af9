//! `POST /connect/webhooks`: verified, taken with one durable write, acknowledged; the work is a job's.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::body::{Body, WEBHOOK_BYTES};
use super::signed::Signed;
use crate::activity::events::{self, Hint, Taken};
use crate::app::App;
use crate::connect::webhook::Delivery;
use crate::connections::hooks::EVENTS;
use crate::error::{Error, Kind, Result};

/// Takes a delivery, wrapped or plain.
///
/// # Errors
/// 400 for a body that is none, 401 for what is not signed, 403 for another workspace's or an uninstalled app's.
pub async fn receive(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    body: Body<WEBHOOK_BYTES>,
) -> Result<HttpResponse> {
    let event_key = request.headers().get("x-event-key").and_then(|value| value.to_str().ok());
    let delivery =
        Delivery::parse(&body.0, event_key).map_err(|refusal| Error::new(Kind::Invalid, refusal.code(), refusal.to_string()))?;
    let event = metric_word(&delivery.event);
    let arrived = Arc::new((signed.client_key, Hint::from(delivery), app.now()));
    let at_once = {
        let arrived = Arc::clone(&arrived);
        move |connection: &mut _| events::take_at_once(connection, &arrived.0, &arrived.1, &arrived.2)
    };
    let otherwise = move |connection: &mut _| events::take_otherwise(connection, &arrived.0, &arrived.1, &arrived.2);
    let taken = app.write_at_once(at_once, otherwise).await;
    count(&app, event, &taken);
    taken.map(|_| HttpResponse::NoContent().finish())
}

/// Counts what became of a delivery of an ordinary or a Connect webhook.
pub(super) fn count(app: &App, event: &'static str, taken: &Result<Taken>) {
    let outcome = match taken {
        Ok(Taken::Enqueued) => "enqueued",
        Ok(Taken::Ignored) => "ignored",
        Err(error) => error.code,
    };
    app.metrics.webhooks.with_label_values(&[event, outcome]).inc();
}

/// The event for a metric's label: a caller must not be able to make labels without end.
pub(super) fn metric_word(event: &str) -> &'static str {
    EVENTS.into_iter().find(|known| *known == event).unwrap_or("other")
}
