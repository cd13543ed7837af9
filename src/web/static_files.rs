//! The route of the embedded assets.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::assets;
use crate::error::{Error, Result};

/// `GET /static/{hash}/{name}`.
///
/// # Errors
/// `not_found` (404).
pub async fn show(path: web::Path<(String, String)>) -> Result<HttpResponse> {
    let (hash, name) = path.into_inner();
    let file = assets::find(&hash, &name).ok_or_else(|| Error::not_found("file"))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, assets::CACHE_CONTROL));
    Ok(response.content_type(file.content_type).body(file.bytes))
}
