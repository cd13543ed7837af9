//! `/api/v1/connections/{id}/hooks`: how a connection hears of changes, new secrets for its webhooks, and having them checked.

use actix_web::web;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::connections::{Connection, parse, shown};
use crate::app::App;
use crate::connections::attention::remedy_of_code;
use crate::connections::hooks::{self, Listening, Way, rotation};
use crate::error::Result;
use crate::people::api_tokens::Scope;
use crate::storage::ids::ConnectionId;

/// How a connection hears of changes. The secrets of its webhooks are never shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Hooks {
    /// `workspace` by one webhook of the whole Bitbucket workspace, `repositories` by one in each chosen repository, `polling` by asking
    /// regularly, `unknown` before anybody has looked.
    #[schema(inline)]
    way: Way,
    /// Why no webhook can be made at all, as a stable code.
    code: Option<String>,
    /// How many webhooks are as they should be.
    working: i64,
    /// How many Bitbucket is yet to be told the secret of.
    untold: i64,
    /// Why others cannot be made or checked.
    failing: Vec<FailingHooks>,
    /// When a delivery came last.
    delivered_at: Option<DateTime<Utc>>,
    /// When the newest secret was made.
    secret_made_at: Option<DateTime<Utc>>,
}

/// Webhooks that cannot be made or checked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FailingHooks {
    /// Why, as a stable code.
    code: String,
    /// How many.
    count: i64,
    /// What to do.
    remedy: String,
}

impl Hooks {
    pub(super) fn of(listening: Listening) -> Self {
        let failing = listening.failing.into_iter();
        Self {
            way: listening.way,
            code: listening.code,
            working: listening.working,
            untold: listening.untold,
            failing: failing.map(|(code, count)| FailingHooks { remedy: remedy_of_code(&code), code, count }).collect(),
            delivered_at: listening.delivered_at.map(|at| at.and_utc()),
            secret_made_at: listening.secret_made_at.map(|at| at.and_utc()),
        }
    }
}

/// Gives the webhooks of a connection new secrets. Bitbucket is told by a job; what the former ones sign is taken for an hour more.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{id}/hooks/rotate",
    operation_id = "rotate_connection_hooks",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = ConnectionId, Path, description = "The connection.")),
    responses(
        (status = 200, body = Connection),
        (status = 404),
        (status = 409, description = "`already_disconnected`, `connection_refused` or `no_webhooks`")
    )
)]
pub(super) async fn rotate(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<Connection>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = parse(&id)?;
    let (viewer, keyring, now, asked) = (caller.viewer.clone(), app.keyring.clone(), app.now(), id.clone());
    app.write(move |connection| rotation::rotate(connection, &viewer, &asked, &keyring, &now)).await?;
    shown(&app, caller, id).await
}

/// Has the webhooks of a connection checked with Bitbucket, and those made that are wanted: by a job, within a minute.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{id}/hooks/check",
    operation_id = "check_connection_hooks",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = ConnectionId, Path, description = "The connection.")),
    responses((status = 200, body = Connection), (status = 404), (status = 409, description = "`already_disconnected`"))
)]
pub(super) async fn check(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<Connection>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = parse(&id)?;
    let (viewer, now, asked) = (caller.viewer.clone(), app.now(), id.clone());
    app.write(move |connection| hooks::check(connection, &viewer, &asked, &now)).await?;
    shown(&app, caller, id).await
}
