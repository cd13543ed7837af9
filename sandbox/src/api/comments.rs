//! What is said about a pull request.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/>.

use super::{
    ApiError,
    caller::Caller,
    page::{self, List},
    pull_requests::found,
    repositories::read,
};
use crate::{bitbucket::Bitbucket, resource::Resources, world::Comment};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data, Path},
};
use serde_json::Value;

/// Comments that were written are counted from here; lower numbers are worked out.
const FIRST_WRITTEN: u64 = 1_000_000_000;

/// `GET …/comments`, the oldest first.
pub(crate) async fn list(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let (_, pull_request) = found(&state.world, &caller, &path)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let all = state.world.comments_of(&pull_request);
    let draw = |comment: &Comment| resources.comment(&pull_request, comment);
    List::PLAIN.answer_lazily(&request, bitbucket.url(), all, |_, _| Vec::new(), draw)
}

/// `POST …/comments`, for which the scope to read is enough.
pub(crate) async fn create(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let body = read(&body)?;
    let now = bitbucket.now();
    let mut state = bitbucket.state();
    let (repository, id) = {
        let (repository, pull_request) = found(&state.world, &caller, &path)?;
        (repository.uuid.clone(), pull_request.id)
    };
    let text = text(&body)?;
    let comment = Comment {
        repository: repository.clone(),
        pull_request: id,
        id: FIRST_WRITTEN + state.world.comments.len() as u64,
        author: caller.account_id().unwrap_or_else(|| caller.name()).to_owned(),
        text,
        created_on: now,
        deleted: false,
    };
    state.world.comments.push(comment.clone());
    if let Some(pull_request) = state.world.pull_request_mut(&repository, id) {
        pull_request.comment_count += 1;
        pull_request.updated_on = now;
    }
    let (_, pull_request) = found(&state.world, &caller, &path)?;
    Ok(HttpResponse::Created().json(Resources { world: &state.world, url: bitbucket.url() }.comment(&pull_request, &comment)))
}

/// `GET`, `PUT` and `DELETE …/comments/{comment_id}`; only its author changes it.
pub(crate) async fn one(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let body = read(&body)?;
    let (workspace, slug, id, comment_id) = path.into_inner();
    let named = (workspace, slug, id);
    let mut state = bitbucket.state();
    let comments = state.world.comments_of(&found(&state.world, &caller, &named)?.1);
    let comment = comments.into_iter().find(|comment| comment.id.to_string() == comment_id);
    let mut comment = comment.ok_or_else(|| ApiError::not_found("Resource not found"))?;
    let method = request.method().as_str().to_owned();
    if method != "GET" && caller.account_id() != Some(comment.author.as_str()) {
        return Err(ApiError::forbidden("You are not the author of this comment."));
    }
    match method.as_str() {
        "PUT" => comment.text = text(&body)?,
        "DELETE" => comment.deleted = true,
        _ => {}
    }
    // One that was worked out is kept from its first change on.
    state.world.comments.retain(|known| known.id != comment.id || known.repository != comment.repository);
    if method != "GET" || comment.id >= FIRST_WRITTEN {
        state.world.comments.push(comment.clone());
    }
    if method == "DELETE" {
        if let Some(pull_request) = state.world.pull_request_mut(&comment.repository, comment.pull_request) {
            pull_request.comment_count = pull_request.comment_count.saturating_sub(1);
        }
        return Ok(HttpResponse::NoContent().finish());
    }
    let (_, pull_request) = found(&state.world, &caller, &named)?;
    Ok(page::one(&request, &Resources { world: &state.world, url: bitbucket.url() }.comment(&pull_request, &comment)))
}

fn text(body: &Value) -> Result<String, ApiError> {
    let text = body.pointer("/content/raw").and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| ApiError::of_field("content", "This field is required."))
}
