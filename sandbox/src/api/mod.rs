//! REST 2.0 as far as it is served here; every file under it answers for one kind of resource.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/>.

mod access_token;
mod addon;
mod authorization;
mod bbql;
mod caller;
mod connect_token;
mod error;
mod fields;
mod hooks;
mod needs;
mod page;
mod projects;
mod pull_requests;
mod repositories;
mod user;
mod workspaces;

use crate::server::NoSuchEndpoint;
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
        .configure(workspace_routes)
        .configure(repository_routes)
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
        .service(web::resource("/workspaces/{workspace}/hooks").get(hooks::list).post(hooks::create))
        .service(web::resource("/workspaces/{workspace}/hooks/{uid}").get(hooks::one).put(hooks::change).delete(hooks::remove));
}

fn repository_routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/repositories/{workspace}/{repo_slug}").get(repositories::one))
        .service(web::resource("/repositories/{workspace}/{repo_slug}/hooks").get(hooks::list).post(hooks::create))
        .service(
            web::resource("/repositories/{workspace}/{repo_slug}/hooks/{uid}")
                .get(hooks::one)
                .put(hooks::change)
                .delete(hooks::remove),
        )
        .service(web::resource("/repositories/{workspace}/{repo_slug}/pullrequests").get(pull_requests::list))
        .service(web::resource("/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}").get(pull_requests::one));
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
