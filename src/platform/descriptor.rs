//! The Connect descriptor, as Bitbucket reads it: one for each install code, one for a registered app.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::connections::{entry, install_codes};
use crate::error::{Error, Result};
use crate::people::workspaces;
use crate::storage::seal::hash_hex;

/// `GET /connect/{install_code}/descriptor.json`.
///
/// # Errors
/// `install_code_unknown` (404). A code that was replaced still describes the app to the installations it has.
pub async fn of_code(app: web::Data<App>, code: web::Path<String>, request: HttpRequest) -> Result<HttpResponse> {
    let asked = code.clone();
    let quick_action = app.read(move |connection| {
        let code = install_codes::find(connection, &asked)?;
        workspaces::find(connection, &code.workspace_id).map(|workspace| workspace.quick_action)
    });
    render(&app, Some(&code), quick_action.await?, &request)
}

/// `GET /atlassian-connect.json`, for an app registered with Bitbucket.
///
/// # Errors
/// None in practice.
pub async fn of_registered_app(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse> {
    render(&app, None, true, &request)
}

fn render(app: &App, code: Option<&str>, quick_action: bool, request: &HttpRequest) -> Result<HttpResponse> {
    let descriptor = entry::descriptor(&app.config, code, quick_action).render();
    let body = serde_json::to_string_pretty(&descriptor).map_err(Error::internal)?;
    let etag = format!("\"{}\"", &hash_hex(body.as_bytes())[..32]);
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known =
        known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag || tag.trim() == "*"));
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, etag)).insert_header((header::CACHE_CONTROL, "no-cache"));
    Ok(if is_known { response.finish() } else { response.content_type("application/json").body(body) })
}
