//! REST 2.0 as far as it is served here; every file under it answers for one kind of resource.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/>.

mod access_token;
mod addon;
mod authorization;
mod error;
mod page;
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
        .service(web::resource("/workspaces/{workspace}").get(workspaces::one))
        .service(web::resource("/workspaces/{workspace}/members").get(workspaces::members))
        .service(web::resource("/workspaces/{workspace}/hooks").get(workspaces::hooks))
        .service(web::resource("/repositories/{workspace}/{repository}").get(repositories::one))
        .service(web::resource("/repositories/{workspace}/{repository}/pullrequests").get(pull_requests::list))
        .service(web::resource("/repositories/{workspace}/{repository}/pullrequests/{id}").get(pull_requests::one))
        .default_service(web::to(no_such_endpoint));
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
