//! The first page: every workspace with its pull requests.

use super::layout::{self, pull_request_address};
use crate::{bitbucket::Bitbucket, html::escape, resource::Resources, world::Workspace};
use actix_web::{HttpResponse, http::StatusCode, web::Data};

/// `GET /`.
pub(crate) async fn page(bitbucket: Data<Bitbucket>) -> HttpResponse {
    let state = bitbucket.state();
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let workspaces: String = state.world.workspaces.iter().map(|workspace| section(&resources, workspace)).collect();
    layout::page(StatusCode::OK, "Workspaces", &format!("<h1>Workspaces</h1>{workspaces}"))
}

fn section(resources: &Resources<'_>, workspace: &Workspace) -> String {
    let world = resources.world;
    let viewer = layout::viewer(world, None);
    let is_here =
        |repository: &str| world.repository(repository).is_some_and(|repository| repository.workspace == workspace.uuid);
    let items: String = world
        .pull_requests
        .iter()
        .filter(|pull_request| is_here(&pull_request.repository))
        .map(|pull_request| {
            let address = pull_request_address(&resources.pull_request_path(pull_request, "pull-requests"), &viewer);
            let repository = world.repository(&pull_request.repository).map_or("", |repository| &repository.name);
            format!(
                "<li><span class=\"lozenge {state}\">{state}</span> <a href=\"{}\">{}</a> <span class=\"faint\">{} #{}</span></li>",
                escape(&address),
                escape(&pull_request.title),
                escape(repository),
                pull_request.id,
                state = pull_request.state.as_str(),
            )
        })
        .collect();
    let list = if items.is_empty() { "<p class=\"faint\">No pull requests.</p>".to_owned() } else { format!("<ul>{items}</ul>") };
    format!(
        "<section><h2>{}</h2><p><a href=\"/{}/workspace/settings/addon-management\">Installed apps</a></p>{list}</section>",
        escape(&workspace.name),
        escape(&workspace.slug),
    )
}
