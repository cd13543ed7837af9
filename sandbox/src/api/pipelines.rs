//! Pipelines and deployments, which a service of their own answers for: no `q`, and 404 where they are not turned on.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pipelines/>.

use super::{
    ApiError,
    caller::Caller,
    page::{self, List},
    repositories::{read, visible, writable},
};
use crate::{
    bitbucket::Bitbucket,
    percent::{percent_decode, percent_encode, query_pairs},
    resource::Resources,
    storage,
    world::{Pipeline, Repository, World},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, Data, Path},
};
use uuid::Uuid;

/// `GET …/pipelines/`, the oldest first unless `sort=-created_on`.
pub(crate) async fn list(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = enabled(&state.world, &caller, &path.0, &path.1)?;
    let parameters = query_pairs(request.query_string());
    let wanted = |name: &str| parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    let branch = wanted("target.ref_name").or_else(|| wanted("target.branch"));
    let mut runs: Vec<&Pipeline> = state.world.pipelines.iter().filter(|run| run.repository == repository.uuid).collect();
    runs.retain(|run| branch.is_none_or(|branch| run.branch == branch));
    runs.sort_by_key(|run| run.created_on);
    match wanted("sort") {
        None | Some("created_on") => {}
        Some("-created_on") => runs.reverse(),
        Some(_) => return Err(ApiError::bad_request("Invalid sort attribute")),
    }
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let window = List::PLAIN.window(&request)?;
    let size = runs.len();
    let values = runs.into_iter().skip(window.first()).take(window.pagelen()).map(|run| resources.pipeline(repository, run));
    let values = values.collect();
    Ok(List::PLAIN.page(&request, bitbucket.url(), &window, size, values))
}

/// `GET …/pipelines/{pipeline_uuid}`.
pub(crate) async fn one(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = enabled(&state.world, &caller, &path.0, &path.1)?;
    let run = run(&state.world, repository, &path.2)?;
    Ok(page::one(&request, &Resources { world: &state.world, url: bitbucket.url() }.pipeline(repository, run)))
}

/// `GET …/pipelines/{pipeline_uuid}/steps`.
pub(crate) async fn steps(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = enabled(&state.world, &caller, &path.0, &path.1)?;
    let run = run(&state.world, repository, &path.2)?;
    let values = Resources { world: &state.world, url: bitbucket.url() }.steps(run);
    List::PLAIN.answer(&request, bitbucket.url(), values)
}

/// `GET …/steps/{step_uuid}/log` and `…/logs/{log_uuid}`: while it runs the log itself, afterwards to where it is kept.
pub(crate) async fn log(request: HttpRequest, bitbucket: Data<Bitbucket>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let part = |name: &str| request.match_info().get(name).map(percent_decode).unwrap_or_default();
    let (pipeline, step) = (part("pipeline_uuid"), part("step_uuid"));
    let is_running = {
        let state = bitbucket.state();
        let repository = enabled(&state.world, &caller, &part("workspace"), &part("repo_slug"))?;
        let run = run(&state.world, repository, &pipeline)?;
        let steps = Resources { world: &state.world, url: bitbucket.url() }.steps(run);
        if !steps.iter().any(|known| known["uuid"] == step.as_str()) {
            return Err(ApiError::not_found("Resource not found"));
        }
        run.result.is_none()
    };
    if is_running {
        return Ok(HttpResponse::Ok().content_type("application/octet-stream").body(storage::log(&pipeline, &step)));
    }
    let kept = format!("logs/{}/{}", percent_encode(&pipeline), percent_encode(&step));
    Ok(HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, bitbucket.stored_at(&kept))).finish())
}

/// `POST …/pipelines/`: a run for a branch, which goes on until a test ends it in the world. 400 where Pipelines is off.
pub(crate) async fn start(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let body = read(&body)?;
    let now = bitbucket.now();
    let mut state = bitbucket.state();
    let repository = writable(&state.world, &caller, &path.0, &path.1)?.clone();
    if !state.world.with_pipelines.contains(&repository.uuid) {
        return Err(ApiError::bad_request("Pipelines is not enabled for this repository."));
    }
    let branch = body.pointer("/target/ref_name").and_then(serde_json::Value::as_str).unwrap_or_default();
    if !state.world.branch_names(&repository).iter().any(|known| known == branch) {
        return Err(ApiError::bad_request("The target of the pipeline was not found."));
    }
    let last = state.world.pipelines.iter().filter(|run| run.repository == repository.uuid).map(|run| run.build_number).max();
    let run = Pipeline {
        uuid: format!("{{{}}}", Uuid::new_v4()),
        repository: repository.uuid.clone(),
        build_number: last.unwrap_or(0) + 1,
        branch: branch.to_owned(),
        creator: caller.account_id().unwrap_or_default().to_owned(),
        result: None,
        created_on: now,
        seconds: 0,
    };
    state.world.pipelines.push(run.clone());
    Ok(HttpResponse::Created().json(Resources { world: &state.world, url: bitbucket.url() }.pipeline(&repository, &run)))
}

/// `POST …/pipelines/{pipeline_uuid}/stopPipeline`.
pub(crate) async fn stop(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let now = bitbucket.now();
    let mut state = bitbucket.state();
    let repository = writable(&state.world, &caller, &path.0, &path.1)?.uuid.clone();
    let mut runs = state.world.pipelines.iter_mut().filter(|run| run.repository == repository);
    let run = runs.find(|run| run.uuid == path.2).ok_or_else(|| ApiError::not_found("Resource not found"))?;
    if run.result.is_some() {
        return Err(ApiError::bad_request("The pipeline has already completed."));
    }
    run.result = Some("STOPPED".to_owned());
    run.seconds = (now - run.created_on).num_seconds();
    Ok(HttpResponse::NoContent().finish())
}

/// `GET …/deployments`: by nothing can they be sorted, and `q` changes nothing.
pub(crate) async fn deployments(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let window = List::PLAIN.window(&request)?;
    if window.parameter("sort").is_some() {
        return Err(ApiError::bad_request("Invalid sort attribute"));
    }
    let values = Resources { world: &state.world, url: bitbucket.url() }.deployments(repository);
    let size = values.len();
    let values = values.into_iter().skip(window.first()).take(window.pagelen()).collect();
    Ok(List::PLAIN.page(&request, bitbucket.url(), &window, size, values))
}

/// `GET …/environments`.
pub(crate) async fn environments(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let values = ["Test", "Staging", "Production"].map(|name| resources.environment(repository, name));
    List::PLAIN.answer(&request, bitbucket.url(), values.into())
}

fn enabled<'a>(world: &'a World, caller: &Caller, workspace: &str, slug: &str) -> Result<&'a Repository, ApiError> {
    let repository = visible(world, caller, workspace, slug)?;
    if world.with_pipelines.contains(&repository.uuid) {
        return Ok(repository);
    }
    Err(ApiError::not_found("Resource not found"))
}

fn run<'a>(world: &'a World, repository: &Repository, uuid: &str) -> Result<&'a Pipeline, ApiError> {
    let mut runs = world.pipelines.iter().filter(|run| run.repository == repository.uuid);
    runs.find(|run| run.uuid == uuid).ok_or_else(|| ApiError::not_found("Resource not found"))
}
