//! The frame around every page, and the parts that several pages draw.

use crate::{
    html::escape,
    percent::percent_encode,
    world::{User, World},
};
use actix_web::{HttpResponse, http::StatusCode};

/// A whole page. `title` is text, `main` is HTML.
pub(crate) fn page(status: StatusCode, title: &str, main: &str) -> HttpResponse {
    let title = escape(title);
    HttpResponse::build(status).content_type("text/html; charset=utf-8").insert_header(("Cache-Control", "no-store")).body(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} — Bitbucket sandbox</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"stylesheet\" href=\"/sandbox/style.css\"><link rel=\"icon\" href=\"data:,\">\
         <script src=\"/sandbox/host.js\"></script><script src=\"/sandbox/forge_host.js\"></script></head><body>\
         <header class=\"bar\"><a href=\"/\" class=\"logo\">Bitbucket <span>sandbox</span></a></header><main>{main}</main></body></html>"
    ))
}

/// A frame around a page of the app. `identifier` is for scripts and tests, `url` is text; `source` is the attribute that holds it:
/// `src`, or `data-src` for what the script loads when a dialog opens.
pub(crate) fn frame(identifier: &str, title: &str, source: &str, url: &str) -> String {
    let (title, url) = (escape(title), escape(url));
    format!(
        "<iframe id=\"{identifier}\" title=\"{title}\" {source}=\"{url}\" sandbox=\"allow-downloads allow-forms allow-modals \
         allow-popups allow-popups-to-escape-sandbox allow-same-origin allow-scripts allow-top-navigation-by-user-activation\"></iframe>"
    )
}

/// The options of a choice of people.
pub(crate) fn people(world: &World, chosen: &str) -> String {
    let option = |user: &User| {
        let selected = if user.account_id == chosen { " selected" } else { "" };
        format!("<option value=\"{}\"{selected}>{}</option>", escape(&user.account_id), escape(&user.display_name))
    };
    world.users.iter().map(option).collect()
}

/// The viewer that a page was asked for, or else the first person there is.
pub(crate) fn viewer(world: &World, wanted: Option<&str>) -> String {
    let wanted = wanted.and_then(|account_id| world.user(account_id));
    wanted.or(world.users.first()).map(|user| user.account_id.clone()).unwrap_or_default()
}

/// The address of a pull request's page as somebody sees it.
pub(crate) fn pull_request_address(path: &str, viewer: &str) -> String {
    format!("/{path}?as={}", percent_encode(viewer))
}
