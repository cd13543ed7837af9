//! REST 2.0 as far as it is served here; every file under it answers for one kind of resource.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/>.

mod access_token;
mod addon;
mod authorization;
mod bbql;
mod caller;
mod comments;
mod commits;
mod connect_token;
mod downloads;
mod error;
mod fields;
mod hooks;
mod needs;
mod page;
mod permissions;
mod pipelines;
mod projects;
mod pull_requests;
mod refs;
pub(crate) mod removed;
mod repositories;
mod reviewers;
mod reviews;
mod search;
mod source;
mod user;
mod workspaces;

use crate::record::NoSuchEndpoint;
use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    web::{self, ServiceConfig},
};

pub(crate) use error::ApiError;

/// Everything below `/2.0`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/addon").put(addon::replace).delete(addon::remove))
        .service(web::resource("/user").get(user::one))
        .service(web::resource("/user/emails").get(user::emails))
        .service(web::resource("/user/workspaces").get(user::workspaces))
        .service(web::resource("/user/workspaces/{workspace}/permission").get(user::permission))
        .service(web::resource("/user/workspaces/{workspace}/permissions/repositories").get(user::repository_permissions))
        .service(web::resource("/users/{selected_user}").get(user::another))
        .service(web::resource("/hook_events/{subject_type}").get(hooks::events))
        .configure(workspace_routes)
        .configure(repository_routes)
        .configure(removed::routes)
        .default_service(web::to(no_such_endpoint));
}

fn workspace_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/workspaces/{workspace}").get(workspaces::one))
        .service(web::resource("/workspaces/{workspace}/members").get(workspaces::members))
        .service(web::resource("/workspaces/{workspace}/members/{member}").get(workspaces::member))
        .service(web::resource("/workspaces/{workspace}/permissions").get(workspaces::permissions))
        .service(web::resource("/workspaces/{workspace}/permissions/repositories").get(workspaces::repository_permissions))
        .service(
            web::resource("/workspaces/{workspace}/permissions/repositories/{repo_slug}").get(workspaces::repository_permissions),
        )
        .service(web::resource("/workspaces/{workspace}/projects").get(projects::list).post(projects::create))
        .service(web::resource("/workspaces/{workspace}/projects/{project_key}").get(projects::one))
        .service(web::resource("/workspaces/{workspace}/pullrequests/{selected_user}").get(pull_requests::of_author))
        .service(web::resource("/workspaces/{workspace}/search/code").get(search::code))
        .service(web::resource("/workspaces/{workspace}/hooks").get(hooks::list).post(hooks::create))
        .service(web::resource("/workspaces/{workspace}/hooks/{uid}").get(hooks::one).put(hooks::change).delete(hooks::remove));
}

/// What is below a repository.
fn repository_routes(config: &mut ServiceConfig) {
    let of = |path: &str| web::resource(format!("/repositories/{{workspace}}/{{repo_slug}}{path}"));
    config
        .service(web::resource("/repositories/{workspace}").get(repositories::list))
        .service(of("").get(repositories::one).post(repositories::create).put(repositories::put).delete(repositories::remove))
        .service(of("/hooks").get(hooks::list).post(hooks::create))
        .service(of("/hooks/{uid}").get(hooks::one).put(hooks::change).delete(hooks::remove))
        .service(of("/refs/branches").get(refs::list).post(refs::create))
        .service(of("/refs/branches/{name:.*}").get(refs::one).delete(refs::remove))
        .service(of("/commits").get(commits::list).post(commits::list))
        .service(of("/commits/{revision}").get(commits::list).post(commits::list))
        .service(of("/commit/{commit}").get(commits::one))
        .service(of("/commit/{commit}/statuses").get(commits::statuses))
        .service(of("/commit/{commit}/pullrequests").get(commits::pull_requests))
        .service(of("/diffstat/{spec}").get(commits::diffstat))
        .service(of("/src").get(source::root).post(source::commit))
        .service(of("/downloads").post(downloads::upload))
        .service(of("/downloads/{filename}").get(downloads::one))
        .service(of("/src/{commit}/{path:.*}").get(source::at_path))
        // The service behind them knows its list by the slash at its end.
        .service(of("/pipelines/").get(pipelines::list).post(pipelines::start))
        .service(of("/pipelines/{pipeline_uuid}").get(pipelines::one))
        .service(of("/pipelines/{pipeline_uuid}/stopPipeline").post(pipelines::stop))
        .service(of("/pipelines/{pipeline_uuid}/steps").get(pipelines::steps))
        .service(of("/pipelines/{pipeline_uuid}/steps/").get(pipelines::steps))
        .service(of("/pipelines/{pipeline_uuid}/steps/{step_uuid}/log").get(pipelines::log))
        .service(of("/pipelines/{pipeline_uuid}/steps/{step_uuid}/logs/{log_uuid}").get(pipelines::log))
        .service(of("/deployments").get(pipelines::deployments))
        .service(of("/deployments/").get(pipelines::deployments))
        .service(of("/environments").get(pipelines::environments))
        .service(of("/environments/").get(pipelines::environments))
        .service(of("/default-reviewers").get(reviewers::defaults))
        .service(
            of("/default-reviewers/{target_username}")
                .get(reviewers::one_default)
                .put(reviewers::one_default)
                .delete(reviewers::one_default),
        )
        .service(of("/effective-default-reviewers").get(reviewers::effective))
        .service(of("/branching-model").get(reviewers::branching_model))
        .service(of("/effective-branching-model").get(reviewers::branching_model))
        .service(of("/permissions-config/users").get(permissions::list))
        .service(
            of("/permissions-config/users/{selected_user_id}")
                .get(permissions::one)
                .put(permissions::one)
                .delete(permissions::one),
        )
        .configure(pull_request_routes);
}

fn pull_request_routes(config: &mut ServiceConfig) {
    let of = |path: &str| web::resource(format!("/repositories/{{workspace}}/{{repo_slug}}/pullrequests{path}"));
    config
        .service(of("").get(pull_requests::list).post(pull_requests::create))
        .service(of("/activity").get(reviews::activity_of_all))
        .service(of("/{pull_request_id}").get(pull_requests::one).put(pull_requests::update))
        .service(of("/{pull_request_id}/activity").get(reviews::activity))
        .service(of("/{pull_request_id}/approve").post(reviews::approve).delete(reviews::take_back))
        .service(of("/{pull_request_id}/request-changes").post(reviews::request_changes).delete(reviews::take_back))
        .service(of("/{pull_request_id}/decline").post(reviews::decline))
        .service(of("/{pull_request_id}/merge").post(reviews::merge))
        .service(of("/{pull_request_id}/merge/task-status/{task_id}").get(reviews::merge_task))
        .service(of("/{pull_request_id}/comments").get(comments::list).post(comments::create))
        .service(of("/{pull_request_id}/comments/{comment_id}").get(comments::one).put(comments::one).delete(comments::one))
        .service(of("/{pull_request_id}/commits").get(reviews::commits))
        .service(of("/{pull_request_id}/diffstat").get(reviews::diffstat))
        .service(of("/{pull_request_id}/statuses").get(reviews::statuses));
}

/// Everything below `/site/oauth2` that a consumer calls; the person's page there is among the pages.
pub(crate) fn oauth_routes(config: &mut ServiceConfig) {
    config.service(web::resource("/access_token").post(access_token::exchange)).default_service(web::to(no_such_endpoint));
}

/// Answers what is not served here; the record then says that the call was unexpected.
pub(crate) async fn no_such_endpoint(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    request.extensions_mut().insert(NoSuchEndpoint);
    Err(ApiError::not_found("There is no API hosted at this URL"))
}
