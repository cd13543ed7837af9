//! The configure page inside Bitbucket: how far the installation is, and the link that claims one which came without a code.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::Frame;
use super::signed::Signed;
use crate::app::App;
use crate::config::Secret;
use crate::connections::claims;
use crate::connections::installations::{self, State};
use crate::error::{Error, Result};
use crate::people::{members, workspaces};
use crate::storage::AnyConnection;

/// What the page says.
struct Standing {
    state: State,
    workspace: Option<String>,
    quick_action: bool,
    owners: Vec<String>,
    claim: Option<Secret>,
}

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
        Ok(standing) => (StatusCode::OK, page(&app, &frame, standing)),
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
        installations::must_be_installed(caller.state)?;
        let workspace = caller.workspace_id.as_ref().map(|id| workspaces::find(connection, id)).transpose()?;
        let owners = caller.workspace_id.as_ref().map(|id| members::owner_names(connection, id)).transpose()?;
        let unclaimed = workspace.is_none() && caller.state == State::Waiting;
        let claim = unclaimed.then(|| claims::new_link(connection, &caller.id, &now)).transpose()?;
        let quick_action = workspace.as_ref().is_some_and(|workspace| workspace.quick_action);
        let workspace = workspace.map(|workspace| workspace.name);
        Ok(Standing { state: caller.state, workspace, quick_action, owners: owners.unwrap_or_default(), claim })
    })
    .await
}

fn page<'a>(app: &App, frame: &'a Frame, standing: Standing) -> Page<'a> {
    let claim_url = standing.claim.map(|secret| format!("{}/claim/{}", app.config.public_url.text, secret.expose()));
    let (heading, sentence) = match (standing.state, standing.workspace) {
        (State::Active, Some(workspace)) if !standing.quick_action => (
            "Connected, and switched off",
            format!(
                "The owners of {workspace} have switched PR Quick Action off, so pull requests show nothing to add them with."
            ),
        ),
        (State::Active, Some(workspace)) => {
            ("Connected", format!("Pull requests of this Bitbucket workspace can be added to conversations in {workspace}."))
        }
        (_, Some(workspace)) => {
            let owners = standing.owners.join(" or ");
            (
                "Waiting for confirmation",
                format!("Ask {owners} to confirm this Bitbucket workspace in ClarityLoop, in the workspace {workspace}."),
            )
        }
        (_, None) => (
            "Not connected yet",
            "Open this link, or send it to an owner of your ClarityLoop workspace. It works once, for 24 hours.".to_owned(),
        ),
    };
    Page { frame, heading, sentence, claim_url }
}
