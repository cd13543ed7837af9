//! What a page of the Forge app is answered with: JSON around HTML of ours. The doors of the panel and of the settings page use it.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;

#[derive(Serialize)]
struct Shown<'a> {
    html: &'a str,
    saved: bool,
}

/// An answer that the page shows. `html` holds one element of the class `panel-body`; `saved` closes the page if it is a dialog.
pub fn shown(status: StatusCode, html: &str, saved: bool) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response.json(Shown { html, saved })
}
