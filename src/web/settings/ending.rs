//! Refusing and disconnecting: each asks on a page of its own, says what becomes of the data, and acts on the press of its button.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{PATH, parse};
use crate::app::App;
use crate::connections::disconnect;
use crate::connections::installations::{self, Door, Installation, State};
use crate::connections::purge::Links;
use crate::connections::removal;
use crate::error::{Error, Kind};
use crate::platform::body::Form;
use crate::storage::ids::InstallationId;
use crate::web::failure::{PageResult, html, see_other};
use crate::web::owner::Owner;
use crate::web::page::Place;
use crate::web::page::settings::{DisconnectPage, RefusePage};
use crate::web::sign_in::CsrfForm;

/// What was typed to disconnect.
#[derive(Deserialize)]
pub struct DisconnectForm {
    csrf: String,
    #[serde(default)]
    workspace: String,
    links: Option<String>,
}

/// `GET …/installations/{id}/refuse`.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `installation_not_waiting` (409).
pub async fn ask_to_refuse(app: web::Data<App>, owner: Owner, id: web::Path<String>) -> PageResult<HttpResponse> {
    let (viewer, id) = (owner.0.viewer(), parse(&id)?);
    let installation = app.read(move |connection| installations::find(connection, &viewer, &id)).await?;
    if installation.state != State::Waiting {
        return Err(Error::conflict(
            "installation_not_waiting",
            "This installation does not wait any more. Go back to the settings.",
        )
        .into());
    }
    html(&RefusePage {
        shell: owner.0.shell(Place::Integrations, None),
        name: installation.typed_name().to_owned(),
        action: format!("{PATH}/installations/{}/refuse", installation.id),
    })
}

/// `POST …/installations/{id}/refuse`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `installation_not_waiting` (409).
pub async fn refuse(app: web::Data<App>, owner: Owner, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (viewer, now, id) = (owner.0.viewer(), app.now(), parse(&id)?);
    app.write(move |connection| disconnect::refuse(connection, &viewer, &id, &now)).await?;
    Ok(see_other(&format!("{PATH}?done=refused")))
}

/// `GET …/installations/{id}/disconnect`.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `already_disconnected` (409).
pub async fn ask_to_disconnect(app: web::Data<App>, owner: Owner, id: web::Path<String>) -> PageResult<HttpResponse> {
    let id = parse(&id)?;
    html(&page(&app, &owner, id, &Typed::default()).await?)
}

/// `POST …/installations/{id}/disconnect`: with a wrong name the page comes back with what was typed.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `already_disconnected` (409).
pub async fn disconnect(
    app: web::Data<App>,
    owner: Owner,
    id: web::Path<String>,
    form: Form<DisconnectForm>,
) -> PageResult<HttpResponse> {
    let DisconnectForm { csrf, workspace, links } = form.0;
    owner.0.check(&csrf)?;
    let (viewer, now, id) = (owner.0.viewer(), app.now(), parse(&id)?);
    let removes_links = links.is_some();
    let links = if removes_links { Links::Remove } else { Links::Keep };
    let (asked, typed) = (id.clone(), workspace.clone());
    let work = move |connection: &mut _| disconnect::disconnect(connection, &viewer, &asked, &typed, links, &now);
    match app.write(work).await {
        Ok(()) => Ok(see_other(&format!("{PATH}?done=disconnected"))),
        Err(error) if error.kind == Kind::Invalid => {
            let typed = Typed { name: workspace, removes_links, problem: Some(error.detail.to_string()) };
            let mut response = html(&page(&app, &owner, id, &typed).await?)?;
            *response.status_mut() = StatusCode::BAD_REQUEST;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST …/installations/{id}/remove`: has Bitbucket asked once more to remove the app.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404).
pub async fn remove_again(
    app: web::Data<App>,
    owner: Owner,
    id: web::Path<String>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (viewer, now, id) = (owner.0.viewer(), app.now(), parse(&id)?);
    app.write(move |connection| removal::try_again(connection, &viewer, &id, &now)).await?;
    Ok(see_other(&format!("{PATH}?done=removing")))
}

#[derive(Default)]
struct Typed {
    name: String,
    removes_links: bool,
    problem: Option<String>,
}

async fn page(app: &App, owner: &Owner, id: InstallationId, typed: &Typed) -> PageResult<DisconnectPage> {
    let viewer = owner.0.viewer();
    let read = app.read(move |connection| {
        let installation = installations::find(connection, &viewer, &id)?;
        let links = disconnect::count_links(connection, &viewer, &installation)?;
        let open = installations::open(connection, &viewer)?;
        let of_workspace = |it: &&Installation| it.bitbucket_workspace_uuid == installation.bitbucket_workspace_uuid;
        let doors: Vec<Door> = open.iter().filter(of_workspace).map(|it| it.door).collect();
        Ok((installation, links, doors))
    });
    let (installation, links, doors) = read.await?;
    if installation.state == State::Uninstalled {
        return Err(Error::conflict(
            "already_disconnected",
            "This Bitbucket workspace is disconnected already. Go back to the settings.",
        )
        .into());
    }
    Ok(DisconnectPage {
        shell: owner.0.shell(Place::Integrations, None),
        name: installation.typed_name().to_owned(),
        action: format!("{PATH}/installations/{}/disconnect", installation.id),
        links,
        removes_itself: !doors.contains(&Door::Forge),
        keeps_key: doors.contains(&Door::Connect),
        typed: typed.name.clone(),
        removes_links: typed.removes_links,
        problem: typed.problem.clone(),
    })
}
