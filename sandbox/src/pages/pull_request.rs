//! The page of a pull request: what it says, what can be done, and every installed app's panel and item.

use super::{apps_on_page::AppsOnPage, layout, refused};
use crate::{
    bitbucket::Bitbucket,
    html::escape,
    resource::Resources,
    world::{PullRequest, PullRequestState, Review, World},
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path, Query},
};
use serde::Deserialize;

/// Who looks at the page.
#[derive(Deserialize)]
pub(crate) struct Viewing {
    /// Account id.
    #[serde(rename = "as")]
    viewer: Option<String>,
}

/// `GET /{workspace}/{repository}/pull-requests/{id}?as={account_id}`.
pub(crate) async fn page(bitbucket: Data<Bitbucket>, path: Path<(String, String, u64)>, viewing: Query<Viewing>) -> HttpResponse {
    let (workspace, repository, id) = path.into_inner();
    let repository = format!("{workspace}/{repository}");
    let (viewer, drawn) = bitbucket.world(|world| {
        let viewer = layout::viewer(world, viewing.viewer.as_deref());
        let drawn = world.pull_request(&repository, id).map(|it| (it.title.clone(), draw(world, bitbucket.url(), it, &viewer)));
        (viewer, drawn)
    });
    let Some((title, drawn)) = drawn else {
        return refused(StatusCode::NOT_FOUND, "There is no such pull request.");
    };
    let apps = AppsOnPage::of(&bitbucket, &repository, id, &viewer);
    let drawn = drawn.replace("<!-- items -->", &apps.items).replace("<!-- panels -->", &apps.panels);
    let main = drawn.replace("<!-- overview -->", &apps.overview) + &apps.dialogs;
    layout::page(StatusCode::OK, &title, &main)
}

fn draw(world: &World, url: &str, pull_request: &PullRequest, viewer: &str) -> String {
    let name = |account_id: &str| escape(world.user(account_id).map_or("Former user", |user| &user.display_name));
    let path = Resources { world, url }.pull_request_path(pull_request, "pull-requests");
    let (workspace, repository) =
        path.split_once('/').map_or(("", ""), |(workspace, rest)| (workspace, rest.split('/').next().unwrap_or("")));
    format!(
        "<nav aria-label=\"Breadcrumb\" class=\"faint\"><a href=\"/\">{workspace}</a> / {repository} / Pull requests / #{id}</nav>\
         <div class=\"columns\"><article><h1>{title}</h1>\
         <p><span class=\"lozenge {state}\">{state}</span> <strong>{author}</strong> wants to merge \
         <code>{source}</code> into <code>{destination}</code></p>\
         <div class=\"actions\"><!-- items -->{forms}</div>\
         <h2>Description</h2><p class=\"description\">{description}</p>\
         <h2>Reviewers</h2><ul>{reviewers}</ul><!-- overview --></article>\
         <aside><form method=\"get\" class=\"viewing\"><label>Viewing as <select name=\"as\">{people}</select></label>\
         <button>Switch</button></form><!-- panels --></aside></div>",
        workspace = escape(workspace),
        repository = escape(repository),
        id = pull_request.id,
        title = escape(&pull_request.title),
        state = pull_request.state.as_str(),
        author = name(&pull_request.author),
        source = escape(&pull_request.source_branch),
        destination = escape(&pull_request.destination_branch),
        forms = forms(pull_request, &path, viewer),
        description =
            if pull_request.description.is_empty() { "<em>None.</em>".to_owned() } else { escape(&pull_request.description) },
        reviewers = pull_request
            .reviewers
            .iter()
            .map(|it| format!("<li>{} — {}</li>", name(&it.account_id), words(it.review)))
            .collect::<String>(),
        people = layout::people(world, viewer),
    )
}

fn forms(pull_request: &PullRequest, path: &str, viewer: &str) -> String {
    let hidden = format!("<input type=\"hidden\" name=\"as\" value=\"{}\">", escape(viewer));
    let retitle = format!(
        "<form method=\"post\" action=\"/{path}/retitle\">{hidden}<input name=\"title\" aria-label=\"New title\" value=\"{}\" required>\
         <button>Retitle</button></form>",
        escape(&pull_request.title)
    );
    if pull_request.state != PullRequestState::Open {
        return retitle;
    }
    let button = |action: &str, label: &str| {
        format!("<form method=\"post\" action=\"/{path}/{action}\">{hidden}<button>{label}</button></form>")
    };
    [button("approve", "Approve"), button("merge", "Merge"), button("decline", "Decline"), retitle].concat()
}

fn words(review: Review) -> &'static str {
    match review {
        Review::Awaited => "review awaited",
        Review::Approved => "approved",
        Review::ChangesRequested => "changes requested",
    }
}
