//! `/api/v1/oauth-consumer`: the OAuth consumer that an owner has entered for the workspace, and removing it.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use crate::app::App;
use crate::connections::consumer_removal;
use crate::error::Result;
use crate::people::api_tokens::Scope;

/// The OAuth consumer of a workspace. Its secret is never shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OauthConsumer {
    /// Its key at Bitbucket.
    client_id: String,
    /// Whether it is private and may act as itself.
    may_act_alone: bool,
    /// When it was entered.
    entered_at: DateTime<Utc>,
    /// How many connections live by it. While there is any, it cannot be removed.
    connections: i64,
    /// How many members' own grants live by it. They end with it.
    own_grants: i64,
}

/// The OAuth consumer of your workspace, and what lives by it.
#[utoipa::path(
    get,
    path = "/api/v1/oauth-consumer",
    operation_id = "show_oauth_consumer",
    tag = "Bitbucket",
    security(("api_token" = ["read", "owner"])),
    responses((status = 200, body = OauthConsumer), (status = 404, description = "None is entered"))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller) -> Result<web::Json<OauthConsumer>> {
    caller.needs(Scope::Read)?;
    caller.needs(Scope::Owner)?;
    let read = app.read(move |connection| consumer_removal::entered_with_uses(connection, &caller.viewer));
    let (entered, uses) = read.await?;
    Ok(web::Json(OauthConsumer {
        client_id: entered.client_id,
        may_act_alone: entered.may_act_alone,
        entered_at: entered.entered_at.and_utc(),
        connections: uses.connections,
        own_grants: uses.own_grants,
    }))
}

/// Removes the OAuth consumer of your workspace: its secret is deleted, and members' own grants that live by it end.
#[utoipa::path(
    delete,
    path = "/api/v1/oauth-consumer",
    operation_id = "remove_oauth_consumer",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    responses(
        (status = 204),
        (status = 404, description = "None is entered"),
        (status = 409, description = "`consumer_in_use`: disconnect what lives by it first")
    )
)]
pub(super) async fn remove(app: web::Data<App>, caller: Caller) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let now = app.now();
    app.write(move |connection| consumer_removal::remove(connection, &caller.viewer, &now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
