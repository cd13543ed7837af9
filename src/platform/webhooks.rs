//! `POST /connect/webhooks`: verified, taken with one durable write, acknowledged; the work is a job's.

use actix_web::{HttpRequest, HttpResponse, web};

use super::body::{Body, WEBHOOK_BYTES};
use super::signed::Signed;
use crate::activity::events::{self, Hint, Taken};
use crate::app::App;
use crate::connect::webhook::Delivery;
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
    let (hint, now) = (Hint::from(delivery), app.now());
    let taken = app.write(move |connection| events::take(connection, &signed.client_key, &hint, &now)).await;
    let outcome = match &taken {
        Ok(Taken::Enqueued) => "enqueued",
        Ok(Taken::Ignored) => "ignored",
        Err(error) => error.code,
    };
    app.metrics.webhooks.with_label_values(&[event, outcome]).inc();
    taken.map(|_| HttpResponse::NoContent().finish())
}

/// The event for a metric's label: a caller must not be able to make labels without end.
fn metric_word(event: &str) -> &'static str {
    const KNOWN: [&str; 9] = [
        "pullrequest:created",
        "pullrequest:updated",
        "pullrequest:push",
        "pullrequest:approved",
        "pullrequest:unapproved",
        "pullrequest:changes_request_created",
        "pullrequest:changes_request_removed",
        "pullrequest:fulfilled",
        "pullrequest:rejected",
    ];
    KNOWN.into_iter().find(|known| *known == event).unwrap_or("other")
}
