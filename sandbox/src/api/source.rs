//! Files and directories.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-source/>.

use super::{
    ApiError,
    caller::Caller,
    commits::found,
    page::{self, List},
    repositories::{visible, writable},
};
use crate::{
    bitbucket::Bitbucket,
    multipart::{is_multipart, parts},
    percent::query_pairs,
    resource::Resources,
    world::hash_of,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, Data, Path},
};
use serde_json::Value;

const LISTING: List = List { searchable: &["path", "size", "type", "attributes"], ..List::PLAIN };

/// `GET …/src`: to the root of the main branch.
pub(crate) async fn root(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let commit = found(&state.world, repository, repository.main_branch.as_deref().unwrap_or_default())?;
    let full_name = Resources { world: &state.world, url: "" }.full_name(repository);
    let address = format!("{}/2.0/repositories/{full_name}/src/{}/", bitbucket.url(), commit.hash);
    Ok(HttpResponse::Found().insert_header((header::LOCATION, address)).finish())
}

/// `GET …/src/{commit}/{path}`: a file as it is, a directory as a list, or with `format=meta` what it is. The name of a branch with
/// a slash in it is not understood, encoded or not.
pub(crate) async fn at_path(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let (workspace, slug, revision, wanted) = path.into_inner();
    let repository = visible(&state.world, &caller, &workspace, &slug)?;
    let commit = found(&state.world, repository, &revision)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let parameters = query_pairs(request.query_string());
    let parameter = |name: &str| parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    let is_meta = parameter("format") == Some("meta");
    let files = state.world.files_of(repository);
    if let Some(file) = files.iter().find(|file| file.path == wanted) {
        if is_meta {
            return Ok(page::one(&request, &resources.file(repository, &commit, file)));
        }
        let name = wanted.rsplit('/').next().unwrap_or_default();
        return Ok(HttpResponse::Ok()
            .content_type(kind(name))
            .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
            .insert_header((header::ETAG, format!("\"{}\"", hash_of(&[&String::from_utf8_lossy(&file.bytes)]))))
            .body(file.bytes.clone()));
    }
    let folder = wanted.trim_end_matches('/');
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let is_folder = files.iter().any(|file| file.path.starts_with(&prefix));
    // The root is found with a slash at its end only.
    if !is_folder || (folder.is_empty() && !request.path().ends_with('/')) {
        return Err(ApiError::not_found(format!("No such file or directory: {wanted}")));
    }
    if is_meta {
        return Ok(page::one(&request, &resources.directory(repository, &commit, folder)));
    }
    let depth: usize = parameter("max_depth").and_then(|depth| depth.parse().ok()).unwrap_or(1);
    let mut values: Vec<Value> = Vec::new();
    let mut folders: Vec<String> = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with(&prefix)) {
        let below: Vec<&str> = file.path[prefix.len()..].split('/').collect();
        for level in 1..below.len().min(depth + 1) {
            let inner = format!("{prefix}{}", below[..level].join("/"));
            if !folders.contains(&inner) {
                values.push(resources.directory(repository, &commit, &inner));
                folders.push(inner);
            }
        }
        if below.len() <= depth {
            values.push(resources.file(repository, &commit, file));
        }
    }
    LISTING.answer(&request, bitbucket.url(), values)
}

/// `POST …/src`: a commit on a branch, from a form with files or without. Every field that is none of these is a file at that path.
pub(crate) async fn commit(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    const ABOUT: [&str; 5] = ["message", "author", "parents", "branch", "files"];
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let fields: Vec<(String, bool, Vec<u8>)> = if is_multipart(kind) {
        let parts = parts(kind, &body).ok_or_else(|| ApiError::bad_request("The form could not be read"))?;
        parts.into_iter().map(|part| (part.name, part.filename.is_some(), part.bytes)).collect()
    } else {
        let pairs = query_pairs(&String::from_utf8_lossy(&body));
        pairs.into_iter().map(|(name, value)| (name.clone(), !ABOUT.contains(&name.as_str()), value.into_bytes())).collect()
    };
    let about = |wanted: &str| {
        let found = fields.iter().find(|(name, is_file, _)| name == wanted && !is_file);
        found.map(|(_, _, bytes)| String::from_utf8_lossy(bytes).into_owned())
    };
    let now = bitbucket.now();
    let author = caller.account_id().unwrap_or_else(|| caller.name()).to_owned();
    let mut state = bitbucket.state();
    let repository = writable(&state.world, &caller, &path.0, &path.1)?.clone();
    let branch = about("branch").or_else(|| repository.main_branch.clone()).unwrap_or_else(|| "main".to_owned());
    let files: Vec<_> = fields.iter().filter(|(_, is_file, _)| *is_file).collect();
    if files.is_empty() && about("files").is_none() {
        return Err(ApiError::bad_request("There is nothing to commit"));
    }
    for (name, _, bytes) in files {
        state.world.put_file(&repository.uuid, name.trim_start_matches('/'), bytes, &[]);
    }
    let message = about("message").unwrap_or_else(|| "Edited with Bitbucket".to_owned());
    let hash = state.world.push(&repository.uuid, &branch, &author, &message, now).unwrap_or_default();
    let full_name = Resources { world: &state.world, url: "" }.full_name(&repository);
    let address = format!("{}/2.0/repositories/{full_name}/commit/{hash}", bitbucket.url());
    Ok(HttpResponse::Created().insert_header((header::LOCATION, address)).finish())
}

/// From the extension, without a character set.
fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("md") => "text/x-markdown",
        Some("png") => "image/png",
        Some("json") => "application/json",
        Some("html") => "text/html",
        Some("rs" | "txt" | "toml") => "text/plain",
        _ => "application/octet-stream",
    }
}
