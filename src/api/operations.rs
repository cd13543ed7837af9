//! Every operation of the REST door in one table, from which its routes and its OpenAPI document are made.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use utoipa::OpenApi;

use super::openapi::Shared;
use super::{
    accounts, agenda, allowed_operations, audit, bitbucket_actions, bitbucket_calls, bitbucket_pull_requests,
    bitbucket_workspaces, connection_hooks, connections, document_page, feedback, goals, identities, installations,
    join_requests, links, members, oauth_consumer, one_on_ones, openapi, quick_action, repository_proposals, requests,
    shared_work,
};
use crate::error::{Error, Kind, Problem};

macro_rules! operations {
    ($($path:literal { $($method:ident $module:ident::$handler:ident),+ })+) => {
        /// Every path and its methods.
        #[cfg(test)]
        pub(super) const OPERATIONS: &[(&str, &[&str])] = &[$(($path, &[$(stringify!($method)),+])),+];

        /// The document of the operations; [`openapi`] adds what they share.
        #[derive(OpenApi)]
        #[openapi(
            info(
                title = "ClarityLoop for Bitbucket",
                description = "Brings the right pull requests of Bitbucket Cloud into conversations between people.",
            ),
            paths($($($module::$handler),+),+),
            components(schemas(Problem)),
            tags(
                (name = "Bitbucket", description = "How Bitbucket is connected and what it shows."),
                (name = "People", description = "Who belongs to the workspace."),
                (name = "Conversations", description = "What people write, and the pull requests that belong to it."),
                (name = "About", description = "This API."),
            ),
            modifiers(&Shared)
        )]
        pub(super) struct Document;

        /// Registers everything under `/api`. The handlers expect `web::Data<App>`.
        pub fn configure(config: &mut web::ServiceConfig) {
            $(
                let methods = [$(stringify!($method)),+].join(", ").to_uppercase();
                config.service(
                    web::resource($path)
                        .app_data(path_config())
                        $(.route(web::$method().to($module::$handler)))+
                        .default_service(web::to(move || method_not_allowed(methods.clone()))),
                );
            )+
        }
    };
}

operations! {
    "/api/v1/installations" { get installations::list }
    "/api/v1/installations/{id}/confirm" { post installations::confirm }
    "/api/v1/quick-action" { get quick_action::show, put quick_action::switch }
    "/api/v1/installations/{id}/refuse" { post installations::refuse }
    "/api/v1/installations/{id}/retire" { post installations::retire }
    "/api/v1/installations/{id}/disconnect" { post installations::disconnect }
    "/api/v1/bitbucket/call" { post bitbucket_calls::call }
    "/api/v1/bitbucket/repositories" { post bitbucket_actions::create_repository }
    "/api/v1/bitbucket/repositories/{workspace}/{repository}" {
        patch bitbucket_actions::change_repository, delete bitbucket_actions::delete_repository
    }
    "/api/v1/bitbucket/repositories/{workspace}/{repository}/pull-requests" { post bitbucket_pull_requests::open_pull_request }
    "/api/v1/bitbucket/repositories/{workspace}/{repository}/pull-requests/{number}" {
        get bitbucket_pull_requests::show_pull_request, patch bitbucket_pull_requests::change_pull_request
    }
    "/api/v1/bitbucket/repositories/{workspace}/{repository}/pull-requests/{number}/reviewers/{reviewer}" {
        put bitbucket_pull_requests::add_reviewer, delete bitbucket_pull_requests::remove_reviewer
    }
    "/api/v1/bitbucket/operations" { get allowed_operations::list }
    "/api/v1/bitbucket/allowed-operations" { get allowed_operations::show, put allowed_operations::set }
    "/api/v1/connections" { get connections::list, post connections::create }
    "/api/v1/connections/{id}" { get connections::show, put connections::change }
    "/api/v1/connections/{id}/token" { put connections::replace }
    "/api/v1/connections/{id}/hooks/rotate" { post connection_hooks::rotate }
    "/api/v1/connections/{id}/hooks/check" { post connection_hooks::check }
    "/api/v1/connections/{id}/disconnect" { post connections::disconnect }
    "/api/v1/oauth-consumer" { get oauth_consumer::show, delete oauth_consumer::remove }
    "/api/v1/bitbucket-workspaces" { get bitbucket_workspaces::list }
    "/api/v1/bitbucket-workspaces/{id}/repositories" { get bitbucket_workspaces::list_repositories }
    "/api/v1/bitbucket-workspaces/{id}/choice" { get bitbucket_workspaces::show, put bitbucket_workspaces::choose }
    "/api/v1/bitbucket-workspaces/{id}/rule" { put bitbucket_workspaces::set_rule }
    "/api/v1/bitbucket-workspaces/{id}/read" { post bitbucket_workspaces::read }
    "/api/v1/repository-proposals" { get repository_proposals::list, post repository_proposals::create }
    "/api/v1/repository-proposals/{id}" { get repository_proposals::show }
    "/api/v1/repository-proposals/{id}/approve" { post repository_proposals::approve }
    "/api/v1/repository-proposals/{id}/refuse" { post repository_proposals::refuse }
    "/api/v1/audit" { get audit::list }
    "/api/v1/members" { get members::list, post members::create }
    "/api/v1/members/{id}" { get members::show, patch members::change, delete members::remove }
    "/api/v1/members/{id}/identity" { put identities::align, delete identities::unbind }
    "/api/v1/bitbucket-accounts" { get accounts::list }
    "/api/v1/bitbucket-accounts/{id}/not-a-member" { put accounts::mark_not_a_member, delete accounts::unmark }
    "/api/v1/join-requests" { get join_requests::list }
    "/api/v1/join-requests/{id}/approve" { post join_requests::approve }
    "/api/v1/join-requests/{id}/refuse" { post join_requests::refuse }
    "/api/v1/feedback" { get feedback::list, post feedback::create }
    "/api/v1/feedback/{id}" { get feedback::show, patch feedback::change, delete feedback::withdraw }
    "/api/v1/feedback/{id}/share" { post feedback::share }
    "/api/v1/feedback/{id}/shared-work" { get shared_work::of_feedback }
    "/api/v1/requests" { get requests::list, post requests::create }
    "/api/v1/requests/{id}" { get requests::show }
    "/api/v1/requests/{id}/answer" { post requests::answer }
    "/api/v1/requests/{id}/decline" { post requests::decline }
    "/api/v1/requests/{id}/close" { post requests::close }
    "/api/v1/one-on-ones" { get one_on_ones::list, post one_on_ones::create }
    "/api/v1/one-on-ones/{id}" { get one_on_ones::show, patch one_on_ones::change, delete one_on_ones::cancel }
    "/api/v1/one-on-ones/{id}/agenda" { post agenda::create }
    "/api/v1/one-on-ones/{id}/agenda/{item}" { patch agenda::change, delete agenda::remove }
    "/api/v1/one-on-ones/{id}/shared-work" { get shared_work::of_one_on_one }
    "/api/v1/one-on-ones/{id}/note" { get one_on_ones::show_note, put one_on_ones::write_note }
    "/api/v1/goals" { get goals::list, post goals::create }
    "/api/v1/goals/{id}" { get goals::show, patch goals::change, delete goals::remove }
    "/api/v1/links" { get links::list, post links::create }
    "/api/v1/links/{id}" { get links::show, delete links::remove }
    "/api/openapi.json" { get openapi::document }
    "/api" { get document_page::show }
}

/// An address that is not text names nothing.
fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|_error, _request| Error::not_found("entry").into())
}

/// 405, with the methods that the address takes (RFC 9110, section 15.5.6).
async fn method_not_allowed(methods: String) -> HttpResponse {
    let detail = "This address does not take this method; the header Allow names those it takes.";
    let error = Error::new(Kind::MethodNotAllowed, "method_not_allowed", detail);
    let mut response = error.response();
    response.insert_header((header::ALLOW, methods));
    response.content_type("application/problem+json").json(error.problem())
}
