//! `/api/v1/members`: the people of the workspace.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::creation;
use super::identities::Identity;
use super::listing::{self, List, PageQuery};
use super::sent::Sent;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::people::members::{self, Role};
use crate::people::text::{EmailAddress, Name};
use crate::people::{Viewer, identities};
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;

/// A member of the workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Member {
    /// Its id.
    id: MemberId,
    /// What they are called.
    name: String,
    /// Their e-mail address.
    email: String,
    /// What they may do.
    role: Role,
    /// Who leads them.
    manager: Option<MemberId>,
    /// Their Bitbucket account, when known.
    identity: Option<Identity>,
    /// When they joined.
    created_at: DateTime<Utc>,
}

/// A member to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMember {
    /// What they are called: 1 to 100 characters on one line.
    name: String,
    /// Their e-mail address, which no other member has.
    email: String,
    /// What they may do.
    role: Role,
}

impl Member {
    fn new(member: members::Member, identity: Option<identities::Identity>) -> Self {
        Self {
            id: member.id,
            name: member.name,
            email: member.email,
            role: member.role,
            manager: member.manager_id,
            identity: identity.map(Identity::from),
            created_at: member.created_at.and_utc(),
        }
    }
}

/// The members of your workspace, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/members",
    operation_id = "list_members",
    tag = "People",
    security(("api_token" = ["read"])),
    params(PageQuery),
    responses((status = 200, body = List<Member>))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller, request: HttpRequest) -> Result<web::Json<List<Member>>> {
    caller.needs(Scope::Read)?;
    let page = listing::page(&request)?;
    let listed = app.read(move |connection| {
        let listed = members::list(connection, &caller.viewer, &page)?;
        let ids: Vec<MemberId> = listed.entries.iter().map(|member| member.id.clone()).collect();
        let identities = identities::of_all(connection, &caller.viewer, &ids)?;
        let mut identities: HashMap<_, _> =
            identities.into_iter().map(|identity| (identity.member_id.clone(), identity)).collect();
        Ok(List::new(listed, |member| {
            let identity = identities.remove(&member.id);
            Member::new(member, identity)
        }))
    });
    listed.await.map(web::Json)
}

/// One member.
#[utoipa::path(
    get,
    path = "/api/v1/members/{id}",
    operation_id = "show_member",
    tag = "People",
    security(("api_token" = ["read"])),
    params(("id" = MemberId, Path, description = "The member.")),
    responses((status = 200, body = Member), (status = 404))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<Member>> {
    caller.needs(Scope::Read)?;
    let id = MemberId::parse(&id).ok_or_else(|| Error::not_found("member"))?;
    app.read(move |connection| find(connection, &caller.viewer, &id)).await.map(web::Json)
}

fn find(connection: &mut AnyConnection, viewer: &Viewer, id: &MemberId) -> Result<Member> {
    let member = members::find(connection, viewer, id)?;
    let identity = identities::of(connection, viewer, id)?;
    Ok(Member::new(member, identity))
}

/// Adds a member to your workspace.
#[utoipa::path(
    post,
    path = "/api/v1/members",
    operation_id = "create_member",
    tag = "People",
    security(("api_token" = ["write", "owner"])),
    request_body = NewMember,
    responses((status = 201, body = Member), (status = 409, description = "`email_taken`"))
)]
pub(super) async fn create(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let (input, key) = sent.with_key::<NewMember>()?;
    let new = members::NewMember {
        name: Name::parse("name", &input.name)?,
        email: EmailAddress::parse(&input.email)?,
        role: input.role,
    };
    creation::answer(&app, caller.viewer, key, "/api/v1/members", move |connection, viewer, now| {
        Ok(Member::new(members::invite(connection, viewer, &new, now)?, None))
    })
    .await
}
