//! What installed apps add to the page of a pull request: panels beside it, items in its action row that open a dialog.

use super::{forge::Shown, layout, refused, see_other};
use crate::{
    bitbucket::Bitbucket,
    descriptor::{Descriptor, ITEM_LOCATION, PANEL_LOCATION},
    forge::ForgeCaller,
    html::escape,
    percent::percent_encode,
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Query},
};
use serde::Deserialize;

/// Pieces of HTML.
#[derive(Default)]
pub(crate) struct AppsOnPage {
    pub(crate) items: String,
    pub(crate) panels: String,
    /// What Forge shows in the overview itself.
    pub(crate) overview: String,
    pub(crate) dialogs: String,
}

/// Which item was pressed, where and by whom.
#[derive(Deserialize)]
pub(crate) struct Pressed {
    client_key: String,
    repository: String,
    id: u64,
    /// Account id.
    #[serde(rename = "as")]
    viewer: String,
}

/// `GET /sandbox/item`: on to the app. The token is made here because a page may stay open for longer than one is valid.
pub(crate) async fn open_item(bitbucket: Data<Bitbucket>, pressed: Query<Pressed>) -> HttpResponse {
    match bitbucket.item_url(&pressed.client_key, &pressed.repository, pressed.id, pressed.viewer.as_str()) {
        Ok(url) => see_other(&url),
        Err(missing) => refused(StatusCode::NOT_FOUND, &missing.to_string()),
    }
}

impl AppsOnPage {
    /// What the apps of the repository's workspace add, in the order they were installed.
    pub(crate) fn of(bitbucket: &Bitbucket, repository: &str, id: u64, viewer: &str) -> Self {
        let workspace = bitbucket.world(|world| world.repository(repository).map(|repository| repository.workspace.clone()));
        let mut apps = Self::default();
        for (number, installation) in bitbucket.installations().into_iter().enumerate() {
            if !installation.active || Some(&installation.workspace) != workspace.as_ref() {
                continue;
            }
            let client_key = &installation.client_key;
            let Ok(descriptor) = bitbucket.with_record(client_key, |record| record.descriptor.clone()) else {
                continue;
            };
            if let Ok(url) = bitbucket.panel_url(client_key, repository, id, viewer) {
                apps.add_panel(number, &descriptor, &url);
            }
            let query = format!("client_key={}&repository={}", percent_encode(client_key), percent_encode(repository));
            apps.add_item(number, &descriptor, &format!("/sandbox/item?{query}&id={id}&as={}", percent_encode(viewer)));
        }
        let of_forge = bitbucket.forge_installations().into_iter();
        for installation in of_forge.filter(|installation| Some(&installation.workspace) == workspace.as_ref()) {
            let panel = ForgeCaller::Panel { viewer, repository, pull_request: id };
            let action = ForgeCaller::Action { viewer, repository, pull_request: id };
            if let (Some(panel), Some(action)) =
                (Shown::of(bitbucket, &installation.id, panel), Shown::of(bitbucket, &installation.id, action))
            {
                apps.add_forge(&panel, &action);
            }
        }
        apps
    }

    fn add_forge(&mut self, panel: &Shown, action: &Shown) {
        let (title, frame) = (escape(&panel.title), panel.frame("forge-panel", "src"));
        self.overview += &format!("<section class=\"panel\"><h2>{title}</h2>{frame}</section>");
        self.add_dialog("forge-dialog", &escape(&action.title), &action.frame("forge-action", "data-src"));
    }

    fn add_panel(&mut self, number: usize, descriptor: &Descriptor, url: &str) {
        let Some(panel) = descriptor.module_at("webPanels", PANEL_LOCATION) else {
            return;
        };
        let frame = layout::frame(&format!("panel-{number}"), panel.name, "src", url);
        self.panels += &format!("<section class=\"panel\"><h2>{}</h2>{frame}</section>", escape(panel.name));
    }

    fn add_item(&mut self, number: usize, descriptor: &Descriptor, url: &str) {
        let Some(item) = descriptor.module_at("webItems", ITEM_LOCATION) else {
            return;
        };
        let name = escape(item.name);
        let frame = layout::frame(&format!("item-{number}"), item.name, "data-src", url);
        self.add_dialog(&format!("dialog-{number}"), &name, &frame);
    }

    /// `name` and `frame` are HTML.
    fn add_dialog(&mut self, identifier: &str, name: &str, frame: &str) {
        self.items += &format!("<button type=\"button\" data-dialog=\"{identifier}\">{name}</button>");
        self.dialogs += &format!(
            "<dialog id=\"{identifier}\" aria-label=\"{name}\"><header><h2>{name}</h2>\
             <button type=\"button\" data-close aria-label=\"Close\">×</button></header>{frame}</dialog>"
        );
    }
}
