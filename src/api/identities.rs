//! `/api/v1/members/{id}/identity`: which Bitbucket account a member has.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::caller::Caller;
use super::sent::Sent;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::people::identities::{self, AccountId, BoundBy};
use crate::people::pull_requests::parse_uuid;
use crate::storage::ids::MemberId;

/// A member's Bitbucket account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Identity {
    /// The Atlassian account id.
    account_id: String,
    /// The Bitbucket UUID, without braces, when known.
    bitbucket_uuid: Option<String>,
    /// On whose word the two were brought together.
    bound_by: BoundBy,
    /// When.
    bound_at: DateTime<Utc>,
    /// When the member confirmed it. Until then it says whose work it is and opens nothing.
    confirmed_at: Option<DateTime<Utc>>,
}

/// A Bitbucket account to align a member with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewIdentity {
    /// The Atlassian account id: 1 to 128 printable ASCII characters.
    account_id: String,
    /// The Bitbucket UUID, with or without braces.
    bitbucket_uuid: Option<String>,
}

impl From<identities::Identity> for Identity {
    fn from(identity: identities::Identity) -> Self {
        Self {
            account_id: identity.account_id,
            bitbucket_uuid: identity.bitbucket_uuid,
            bound_by: identity.bound_by,
            bound_at: identity.bound_at.and_utc(),
            confirmed_at: identity.confirmed_at.map(|at| at.and_utc()),
        }
    }
}

/// Aligns a member with a Bitbucket account: it says whose work it is, and opens nothing before the member confirms it.
#[utoipa::path(
    put,
    path = "/api/v1/members/{id}/identity",
    operation_id = "align_identity",
    tag = "People",
    security(("api_token" = ["write", "owner"])),
    params(("id" = MemberId, Path, description = "The member.")),
    request_body = NewIdentity,
    responses((status = 200, body = Identity), (status = 404), (status = 409, description = "`identity_taken` or `account_taken`"))
)]
pub(super) async fn align(app: web::Data<App>, caller: Caller, id: web::Path<String>, sent: Sent) -> Result<web::Json<Identity>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = MemberId::parse(&id).ok_or_else(|| Error::not_found("member"))?;
    let input: NewIdentity = sent.json()?;
    let account_id = AccountId::parse(&input.account_id)?;
    let bitbucket_uuid = input.bitbucket_uuid.as_deref().map(bitbucket_uuid).transpose()?;
    let now = app.now();
    let work = move |connection: &mut _| identities::align(connection, &caller.viewer, &id, &account_id, bitbucket_uuid, &now);
    Ok(web::Json(app.write(work).await?.into()))
}

fn bitbucket_uuid(text: &str) -> Result<Uuid> {
    parse_uuid(text).ok_or_else(|| Error::invalid("bitbucket_uuid_invalid", "bitbucket_uuid", "This is not a Bitbucket UUID."))
}

/// Takes a member's Bitbucket account away from them.
#[utoipa::path(
    delete,
    path = "/api/v1/members/{id}/identity",
    operation_id = "unbind_identity",
    tag = "People",
    security(("api_token" = ["write", "owner"])),
    params(("id" = MemberId, Path, description = "The member.")),
    responses((status = 204, description = "They have none any more."), (status = 404))
)]
pub(super) async fn unbind(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = MemberId::parse(&id).ok_or_else(|| Error::not_found("member"))?;
    let now = app.now();
    app.write(move |connection| identities::unbind(connection, &caller.viewer, &id, &now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
