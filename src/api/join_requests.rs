//! `/api/v1/join-requests`: people in Bitbucket who ask to become members.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::listing::{self, List, PageQuery};
use super::members::Member;
use super::sent::Sent;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::people::members::{NewMember, Role};
use crate::people::text::{EmailAddress, Name};
use crate::people::{identities, join_requests};
use crate::storage::ids::JoinRequestId;

/// Somebody who asks to become a member and has not been answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JoinRequest {
    /// Its id.
    id: JoinRequestId,
    /// The Atlassian account that asks; Bitbucket vouches for it.
    account_id: String,
    /// What the person says they are called.
    name: String,
    /// What the person says their e-mail address is.
    email: String,
    /// The pull request they asked from.
    pull_request_url: String,
    /// When.
    asked_at: DateTime<Utc>,
}

impl From<join_requests::JoinRequest> for JoinRequest {
    fn from(request: join_requests::JoinRequest) -> Self {
        Self {
            id: request.id,
            account_id: request.account_id,
            name: request.name,
            email: request.email,
            pull_request_url: request.pull_request_url,
            asked_at: request.asked_at.and_utc(),
        }
    }
}

/// As what somebody is let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approval {
    /// What they are called; absent, what they said.
    name: Option<String>,
    /// Their e-mail address, which nobody has or had in the workspace; absent, what they said.
    email: Option<String>,
    /// What they may do; absent, a member.
    role: Option<Role>,
}

/// Those who wait to join your workspace, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/join-requests",
    operation_id = "list_join_requests",
    tag = "People",
    security(("api_token" = ["read", "owner"])),
    params(PageQuery),
    responses((status = 200, body = List<JoinRequest>))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller, request: HttpRequest) -> Result<web::Json<List<JoinRequest>>> {
    caller.needs(Scope::Read)?;
    caller.needs(Scope::Owner)?;
    let page = listing::page(&request)?;
    let listed = app.read(move |connection| join_requests::list(connection, &caller.viewer, &page)).await?;
    Ok(web::Json(List::new(listed, JoinRequest::from)))
}

/// Lets somebody in: they become a member, bound to the account that asked.
#[utoipa::path(
    post,
    path = "/api/v1/join-requests/{id}/approve",
    operation_id = "approve_join_request",
    tag = "People",
    security(("api_token" = ["write", "owner"])),
    params(("id" = JoinRequestId, Path, description = "The request.")),
    request_body = Approval,
    responses(
        (status = 200, body = Member),
        (status = 404),
        (status = 409, description = "`join_decided`, `email_taken`, `email_of_former_member` or `account_taken`")
    )
)]
pub(super) async fn approve(app: web::Data<App>, caller: Caller, id: web::Path<String>, sent: Sent) -> Result<web::Json<Member>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = parse(&id)?;
    let (approval, now) = (sent.json::<Approval>()?, app.now());
    let approved = app.write(move |connection| {
        let asked = join_requests::find(connection, &caller.viewer, &id)?;
        let new = NewMember {
            name: Name::parse("name", approval.name.as_deref().unwrap_or(&asked.name))?,
            email: EmailAddress::parse(approval.email.as_deref().unwrap_or(&asked.email))?,
            role: approval.role.unwrap_or(Role::Member),
        };
        let member = join_requests::approve(connection, &caller.viewer, &id, &new, &now)?;
        let identity = identities::of(connection, &caller.viewer, &member.id)?;
        Ok(Member::new(&caller.viewer, member, identity))
    });
    approved.await.map(web::Json)
}

/// Says no. The person sees it in the panel and may ask again after 30 days.
#[utoipa::path(
    post,
    path = "/api/v1/join-requests/{id}/refuse",
    operation_id = "refuse_join_request",
    tag = "People",
    security(("api_token" = ["write", "owner"])),
    params(("id" = JoinRequestId, Path, description = "The request.")),
    responses((status = 204, description = "They are told."), (status = 404), (status = 409, description = "`join_decided`"))
)]
pub(super) async fn refuse(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let (id, now) = (parse(&id)?, app.now());
    app.write(move |connection| join_requests::refuse(connection, &caller.viewer, &id, &now)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn parse(id: &str) -> Result<JoinRequestId> {
    JoinRequestId::parse(id).ok_or_else(|| Error::not_found("join request"))
}
