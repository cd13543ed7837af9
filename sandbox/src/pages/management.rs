//! The installed apps of a workspace: their state, their configure page, their removal.

use super::{layout, refused, see_other};
use crate::{bitbucket::Bitbucket, html::escape, installation::Record, percent::percent_encode};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Form, Path, Query},
};
use serde::Deserialize;

/// Which installation.
#[derive(Deserialize)]
pub(crate) struct Chosen {
    client_key: String,
}

/// Which Forge installation.
#[derive(Deserialize)]
pub(crate) struct ChosenForge {
    installation: String,
}

/// `GET /{workspace}/workspace/settings/addon-management`.
pub(crate) async fn page(bitbucket: Data<Bitbucket>, workspace: Path<String>) -> HttpResponse {
    let state = bitbucket.state();
    let Some(workspace) = state.world.workspace(&workspace) else {
        return refused(StatusCode::NOT_FOUND, "There is no such workspace.");
    };
    let here = state.installations.iter().filter(|record| record.workspace == workspace.uuid);
    let mut rows: String = here.map(|record| row(record, &workspace.slug)).collect();
    rows += &state.forge.pages_in(&workspace.uuid).map(|(id, title)| forge_row(id, title, &workspace.slug)).collect::<String>();
    let rows = if rows.is_empty() { "<p>No app is installed.</p>".to_owned() } else { rows };
    let from_url = "<form method=\"get\" action=\"/site/addons/authorize\" class=\"question\"><label>Install app from URL \
                    <input name=\"descriptor_uri\" id=\"from-url\"></label><div class=\"actions\"><button>Install</button></div></form>";
    let content = format!("<h1>Installed apps of {}</h1>{rows}{from_url}", escape(&workspace.name));
    layout::page(StatusCode::OK, "Installed apps", &content)
}

/// `GET …/configure?client_key=`: frames the app's configure page.
pub(crate) async fn configure(bitbucket: Data<Bitbucket>, chosen: Query<Chosen>) -> HttpResponse {
    match bitbucket.configure_url(&chosen.client_key) {
        Ok(url) => layout::page(StatusCode::OK, "Configure", &layout::frame("configure", "Configure", "src", &url)),
        Err(missing) => refused(StatusCode::NOT_FOUND, &missing.to_string()),
    }
}

/// `POST …/remove`: uninstalls.
pub(crate) async fn remove(bitbucket: Data<Bitbucket>, workspace: Path<String>, chosen: Form<Chosen>) -> HttpResponse {
    match bitbucket.uninstall(&chosen.client_key).await {
        Ok(_) => see_other(&format!("/{}/workspace/settings/addon-management", percent_encode(&workspace))),
        Err(missing) => refused(StatusCode::BAD_GATEWAY, &missing.to_string()),
    }
}

/// `POST …/remove-forge`: uninstalls.
pub(crate) async fn remove_forge(bitbucket: Data<Bitbucket>, workspace: Path<String>, chosen: Form<ChosenForge>) -> HttpResponse {
    match bitbucket.uninstall_forge(&chosen.installation).await {
        Ok(_) => see_other(&format!("/{}/workspace/settings/addon-management", percent_encode(&workspace))),
        Err(missing) => refused(StatusCode::BAD_GATEWAY, &missing.to_string()),
    }
}

fn forge_row(installation: &str, title: &str, workspace: &str) -> String {
    let (base, title) = (format!("/{}/workspace/settings", escape(workspace)), escape(title));
    format!(
        "<section class=\"app\"><h2>{title} <span class=\"lozenge\">Forge</span></h2><p class=\"faint\"><code>{installation}</code></p>\
         <div class=\"actions\"><a class=\"button\" href=\"{base}/forge/{installation}\">Configure</a>\
         <form method=\"post\" action=\"{base}/addon-management/remove-forge\">\
         <input type=\"hidden\" name=\"installation\" value=\"{installation}\"><button>Remove</button></form></div></section>"
    )
}

fn row(record: &Record, workspace: &str) -> String {
    let (name, client_key) = (escape(&record.descriptor.name), escape(&record.client_key));
    if !record.active {
        return format!(
            "<section class=\"app\"><h2>{name}</h2><p class=\"faint\">Removed. <code>{client_key}</code></p></section>"
        );
    }
    let base = format!("/{}/workspace/settings/addon-management", escape(workspace));
    let configure = record.descriptor.configure_page().map_or(String::new(), |page| {
        let address = format!("{base}/configure?client_key={}", percent_encode(&record.client_key));
        format!("<a class=\"button\" href=\"{address}\">{}</a>", escape(page.name))
    });
    let forge = record
        .descriptor
        .document
        .get("forgeAppLink")
        .and_then(|link| link.as_str())
        .map_or(String::new(), |link| format!("<a class=\"button\" href=\"{}\">Get the Forge app</a>", escape(link)));
    format!(
        "<section class=\"app\"><h2>{name}</h2><p class=\"faint\"><code>{client_key}</code></p><div class=\"actions\">{configure}{forge}\
         <form method=\"post\" action=\"{base}/remove\"><input type=\"hidden\" name=\"client_key\" value=\"{client_key}\">\
         <button>Remove</button></form></div></section>"
    )
}
