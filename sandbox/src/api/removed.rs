//! What Atlassian has taken away, and how that is answered: 410 and where it was announced.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/changelog/>.

use super::ApiError;
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{self, ServiceConfig},
};
use serde_json::json;

/// Addresses that are gone, with the entry that said so.
const GONE: [(&str, &str); 10] = [
    ("/repositories", "CHANGE-2770"),
    ("/workspaces", "CHANGE-2770"),
    ("/user/permissions/workspaces", "CHANGE-2770"),
    ("/user/permissions/repositories", "CHANGE-2770"),
    ("/pullrequests/{selected_user}", "CHANGE-3081"),
    ("/snippets", "CHANGE-3081"),
    ("/teams", "CHANGE-2770"),
    ("/repositories/{workspace}/{repo_slug}/issues", "CHANGE-3071"),
    ("/repositories/{workspace}/{repo_slug}/issues/{rest:.*}", "CHANGE-3071"),
    ("/repositories/{workspace}/{repo_slug}/wiki{rest:.*}", "CHANGE-3071"),
];

/// The routes of what is gone.
pub(super) fn routes(config: &mut ServiceConfig) {
    for (path, change) in GONE {
        config
            .service(web::resource(path).to(move |_request: HttpRequest| async move { Err::<HttpResponse, _>(refusal(change)) }));
    }
}

/// 410, as it is really said.
pub(crate) fn refusal(change: &str) -> ApiError {
    ApiError::new(StatusCode::GONE, format!("{change} - Functionality has been deprecated"))
        .with("detail", json!("Please read the changelog entry for more details."))
        .with(
            "data",
            json!({ "announcement_url": format!("https://developer.atlassian.com/cloud/bitbucket/changelog/#{change}") }),
        )
}
