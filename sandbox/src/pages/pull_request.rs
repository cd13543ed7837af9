//! The page of a pull request: what it says, what can be done, and every installed app's panel and item.

use super::{layout, refused};
use crate::{
    bitbucket::Bitbucket,
    descriptor::{ITEM_LOCATION, PANEL_LOCATION},
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
pub(crate) async fn page(
    bitbucket: Data<Bitbucket>,
    path: Path<(String, String, u64)>,
    viewing: Query<Viewing>,
) -> HttpResponse {
    let (workspace, repository, id) = path.into_inner();
    let repository = format!("{workspace}/{repository}");
    let (viewer, drawn) = bitbucket.world(|world| {
        let viewer = layout::viewer(world, viewing.viewer.as_deref());
        let drawn = world
            .pull_request(&repository, id)
            .map(|it| (it.title.clone(), draw(world, bitbucket.url(), it, &viewer)));
        (viewer, drawn)
    });
    let Some((title, drawn)) = drawn else {
        return refused(StatusCode::NOT_FOUND, "There is no such pull request.");
    };
    let apps = Apps::of(&bitbucket, &workspace, &repository, id, &viewer);
    let main = drawn
        .replace("<!-- items -->", &apps.items)
        .replace("<!-- panels -->", &apps.panels)
        + &apps.dialogs;
    layout::page(StatusCode::OK, &title, &main)
}

/// What installed apps add to the page, as HTML.
#[derive(Default)]
struct Apps {
    items: String,
    panels: String,
    dialogs: String,
}

impl Apps {
    fn of(bitbucket: &Bitbucket, workspace: &str, repository: &str, id: u64, viewer: &str) -> Self {
        let workspace = bitbucket.world(|world| {
            world
                .workspace(workspace)
                .map(|workspace| workspace.uuid.clone())
        });
        let mut apps = Self::default();
        for (number, installation) in bitbucket.installations().into_iter().enumerate() {
            if installation.active && Some(&installation.workspace) == workspace.as_ref() {
                apps.add(
                    bitbucket,
                    number,
                    &installation.client_key,
                    repository,
                    id,
                    viewer,
                );
            }
        }
        apps
    }

    fn add(
        &mut self,
        bitbucket: &Bitbucket,
        number: usize,
        client_key: &str,
        repository: &str,
        id: u64,
        viewer: &str,
    ) {
        let Ok(descriptor) = bitbucket.with_record(client_key, |record| record.descriptor.clone())
        else {
            return;
        };
        let Ok(context) = bitbucket.pull_request_context(client_key, repository, id, Some(viewer))
        else {
            return;
        };
        let signed = |template: &str| {
            bitbucket
                .framed_url(client_key, &descriptor, template, &context)
                .unwrap_or_default()
        };
        if let Some(panel) = descriptor.module_at("webPanels", PANEL_LOCATION) {
            let frame = layout::frame(
                &format!("panel-{number}"),
                panel.name,
                &signed(panel.url),
                true,
            );
            self.panels += &format!(
                "<section class=\"panel\"><h2>{}</h2>{frame}</section>",
                escape(panel.name)
            );
        }
        if let Some(item) = descriptor.module_at("webItems", ITEM_LOCATION) {
            let (name, frame) = (
                escape(item.name),
                layout::frame(
                    &format!("item-{number}"),
                    item.name,
                    &signed(item.url),
                    false,
                ),
            );
            self.items +=
                &format!("<button type=\"button\" data-dialog=\"dialog-{number}\">{name}</button>");
            self.dialogs += &format!(
                "<dialog id=\"dialog-{number}\" aria-label=\"{name}\"><header><h2>{name}</h2>\
                 <button type=\"button\" data-close aria-label=\"Close\">×</button></header>{frame}</dialog>"
            );
        }
    }
}

fn draw(world: &World, url: &str, pull_request: &PullRequest, viewer: &str) -> String {
    let name = |account_id: &str| {
        escape(
            world
                .user(account_id)
                .map_or("Former user", |user| &user.display_name),
        )
    };
    let path = Resources { world, url }.pull_request_path(pull_request, "pull-requests");
    let (workspace, repository) = path.split_once('/').map_or(("", ""), |(workspace, rest)| {
        (workspace, rest.split('/').next().unwrap_or(""))
    });
    format!(
        "<nav aria-label=\"Breadcrumb\" class=\"faint\"><a href=\"/\">{workspace}</a> / {repository} / Pull requests / #{id}</nav>\
         <div class=\"columns\"><article><h1>{title}</h1>\
         <p><span class=\"lozenge {state}\">{state}</span> <strong>{author}</strong> wants to merge \
         <code>{source}</code> into <code>{destination}</code></p>\
         <div class=\"actions\"><!-- items -->{forms}</div>\
         <h2>Description</h2><p class=\"description\">{description}</p>\
         <h2>Reviewers</h2><ul>{reviewers}</ul></article>\
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
        description = if pull_request.description.is_empty() {
            "<em>None.</em>".to_owned()
        } else {
            escape(&pull_request.description)
        },
        reviewers = pull_request
            .reviewers
            .iter()
            .map(|it| format!("<li>{} — {}</li>", name(&it.account_id), words(it.review)))
            .collect::<String>(),
        people = layout::people(world, viewer),
    )
}

fn forms(pull_request: &PullRequest, path: &str, viewer: &str) -> String {
    let hidden = format!(
        "<input type=\"hidden\" name=\"as\" value=\"{}\">",
        escape(viewer)
    );
    let retitle = format!(
        "<form method=\"post\" action=\"/{path}/retitle\">{hidden}<input name=\"title\" aria-label=\"New title\" value=\"{}\" required>\
         <button>Retitle</button></form>",
        escape(&pull_request.title)
    );
    if pull_request.state != PullRequestState::Open {
        return retitle;
    }
    let button = |action: &str, label: &str| {
        format!(
            "<form method=\"post\" action=\"/{path}/{action}\">{hidden}<button>{label}</button></form>"
        )
    };
    [
        button("approve", "Approve"),
        button("merge", "Merge"),
        button("decline", "Decline"),
        retitle,
    ]
    .concat()
}

fn words(review: Review) -> &'static str {
    match review {
        Review::Awaited => "review awaited",
        Review::Approved => "approved",
        Review::ChangesRequested => "changes requested",
    }
}
