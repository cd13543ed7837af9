//! The configure page inside Bitbucket: how far the installation is, and the link that claims one which came without a code.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::Frame;
use super::signed::Signed;
use crate::app::App;
use crate::connections::installations::{self, State};
use crate::connections::standing::{self, Standing};
use crate::error::{Error, Result};
use crate::people::workspaces::Workspace;
use crate::storage::AnyConnection;

#[derive(Template)]
#[template(path = "platform/configure.html")]
struct Page<'a> {
    frame: &'a Frame,
    heading: &'a str,
    sentence: String,
    claim_url: Option<String>,
}

/// `GET /connect/configure`.
///
/// # Errors
/// None: what is wrong stands on the page.
pub async fn show(app: web::Data<App>, frame: web::Data<Frame>, signed: Result<Signed>) -> Result<HttpResponse> {
    let standing = match signed {
        Ok(signed) => standing(&app, signed).await,
        Err(error) => Err(error),
    };
    let (status, page) = match standing {
        Ok(standing) => (StatusCode::OK, page(&app, &frame, &standing)),
        Err(error) => {
            error.log();
            let page =
                Page { frame: &frame, heading: "This page cannot be shown", sentence: error.detail.to_string(), claim_url: None };
            (error.status(), page)
        }
    };
    let html = page.render().map_err(Error::internal)?;
    Ok(frame.response(status).body(html))
}

async fn standing(app: &App, signed: Signed) -> Result<Standing> {
    let now = app.now();
    app.write(move |connection: &mut AnyConnection| {
        let caller = installations::caller(connection, &signed.client_key)?;
        standing::read(connection, &caller, &now)
    })
    .await
}

fn page<'a>(app: &App, frame: &'a Frame, standing: &Standing) -> Page<'a> {
    let (heading, sentence) = words(standing);
    Page { frame, heading, sentence, claim_url: claim_url(app, standing) }
}

/// The link that claims an installation which is nobody's.
pub(super) fn claim_url(app: &App, standing: &Standing) -> Option<String> {
    standing.claim.as_ref().map(|secret| format!("{}/claim/{}", app.config.public_url.text, secret.expose()))
}

/// How an installation stands, as a heading and what it means.
pub(super) fn words(standing: &Standing) -> (&'static str, String) {
    match (standing.state, &standing.workspace) {
        (State::Active, Some(Workspace { name, quick_action: false, .. })) => (
            "Connected, and switched off",
            format!("The owners of {name} have switched PR Quick Action off, so nothing can be added from pull requests."),
        ),
        (State::Active, Some(Workspace { name, .. })) => {
            ("Connected", format!("Pull requests of this Bitbucket workspace can be added to conversations in {name}."))
        }
        (_, Some(Workspace { name, .. })) => {
            let owners = standing.owners.join(" or ");
            let sentence = format!("Ask {owners} to confirm this Bitbucket workspace in ClarityLoop, in the workspace {name}.");
            ("Waiting for confirmation", sentence)
        }
        (_, None) => (
            "Not connected yet",
            "Open this link, or send it to an owner of your ClarityLoop workspace. It works once, for 24 hours.".to_owned(),
        ),
    }
}
