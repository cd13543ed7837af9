//! Files beside a repository, which are kept on another host.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-downloads/>.

use super::{
    ApiError,
    caller::Caller,
    repositories::{visible, writable},
};
use crate::{
    bitbucket::Bitbucket,
    multipart::{is_multipart, parts},
    percent::percent_encode,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Bytes, Data, Path},
};

/// `POST …/downloads`: a form with files, each in a field `files`.
pub(crate) async fn upload(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let repository = {
        let state = bitbucket.state();
        writable(&state.world, &caller, &path.0, &path.1)?.uuid.clone()
    };
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let parts = parts(kind, &body).filter(|_| is_multipart(kind));
    let parts = parts.ok_or_else(|| ApiError::new(StatusCode::NOT_ACCEPTABLE, "Unsupported Content-Type"))?;
    let files = parts.iter().filter(|part| part.name == "files").filter_map(|part| Some((part.filename.as_ref()?, &part.bytes)));
    let files: Vec<_> = files.collect();
    if files.is_empty() {
        return Err(ApiError::of_field("files", "This field is required."));
    }
    for (name, bytes) in files {
        bitbucket.add_download(&repository, name, bytes);
    }
    Ok(HttpResponse::Created().finish())
}

/// `GET …/downloads/{filename}`: to where it is kept.
pub(crate) async fn one(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let repository = {
        let state = bitbucket.state();
        visible(&state.world, &caller, &path.0, &path.1)?.uuid.clone()
    };
    let found = bitbucket.download(&repository, &path.2).ok_or_else(|| ApiError::not_found("Resource not found"))?;
    let kept = format!("downloads/{}/{}", percent_encode(&repository), percent_encode(&found.name));
    Ok(HttpResponse::Found().insert_header((header::LOCATION, bitbucket.stored_at(&kept))).finish())
}
