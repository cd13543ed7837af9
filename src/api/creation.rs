//! How a creation is answered: 201 with the entry and its address, and the same again for a repetition under one key.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::{Viewer, idempotency};
use crate::storage::AnyConnection;

/// What is sent, now or once more.
struct Answer {
    status: StatusCode,
    body: String,
    is_repeated: bool,
}

/// What every entry has.
#[derive(Deserialize)]
struct Identified {
    id: String,
}

/// Creates an entry of `collection` (its path), unless the same request has been answered before.
///
/// # Errors
/// What `create` returns; `idempotency_key_reused` (409).
pub(super) async fn answer<Entry: Serialize>(
    app: &App,
    viewer: Viewer,
    key: Option<idempotency::Request>,
    collection: &str,
    create: impl FnOnce(&mut AnyConnection, &Viewer, &Now) -> Result<Entry> + Send + 'static,
) -> Result<HttpResponse> {
    let now = app.now();
    let answer = app.write(move |connection| {
        if let Some(key) = &key
            && let Some((status, body)) = idempotency::answered(connection, &viewer, key, &now)?
        {
            return Ok(Answer { status: StatusCode::from_u16(status).map_err(Error::internal)?, body, is_repeated: true });
        }
        let entry = create(connection, &viewer, &now)?;
        let body = serde_json::to_string(&entry).map_err(Error::internal)?;
        let status = StatusCode::CREATED;
        if let Some(key) = &key {
            idempotency::keep(connection, &viewer, key, status.as_u16(), &body, &now)?;
        }
        Ok(Answer { status, body, is_repeated: false })
    });
    render(answer.await?, collection)
}

fn render(answer: Answer, collection: &str) -> Result<HttpResponse> {
    let Identified { id } = serde_json::from_str(&answer.body).map_err(Error::internal)?;
    let mut response = HttpResponse::build(answer.status);
    response.insert_header((header::LOCATION, format!("{collection}/{id}")));
    if answer.is_repeated {
        response.insert_header(("Idempotency-Replayed", "true"));
    }
    Ok(response.content_type(header::ContentType::json()).body(answer.body))
}
