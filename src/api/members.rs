//! `/api/v1/members`: the people of the workspace.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
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
    /// Their e-mail address; null in what members read who do not own the workspace.
    email: Option<String>,
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
    /// Their e-mail address, which no other member has. Whoever had it and was removed comes back with what they wrote.
    email: String,
    /// What they may do.
    role: Role,
}

/// What changes about a member; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberChange {
    /// What they may do.
    role: Option<Role>,
    /// Who leads them; null for nobody.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<MemberId>)]
    manager: Option<Option<MemberId>>,
}

/// Tells null from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<MemberId>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// How a member is removed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RemovalQuery {
    /// The colleague who takes over what is open: requests to answer, 1:1s from today on (UTC), goals. Absent, it stays as it is.
    #[param(value_type = Option<MemberId>)]
    hand_over_to: Option<String>,
}

impl Member {
    /// The member as `viewer` may see them.
    pub(super) fn new(viewer: &Viewer, member: members::Member, identity: Option<identities::Identity>) -> Self {
        Self {
            id: member.id,
            name: member.name,
            email: (viewer.role == Role::Owner).then_some(member.email),
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
            Member::new(&caller.viewer, member, identity)
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
    Ok(Member::new(viewer, member, identity))
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
        Ok(Member::new(viewer, members::invite(connection, viewer, &new, now)?.member, None))
    })
    .await
}

/// Changes what a member may do and who leads them.
#[utoipa::path(
    patch,
    path = "/api/v1/members/{id}",
    operation_id = "change_member",
    tag = "People",
    security(("api_token" = ["write", "owner"])),
    params(("id" = MemberId, Path, description = "The member.")),
    request_body = MemberChange,
    responses(
        (status = 200, body = Member),
        (status = 404),
        (status = 409, description = "`last_owner`: a workspace keeps one; `manager_cycle`: they lead the manager to be")
    )
)]
pub(super) async fn change(app: web::Data<App>, caller: Caller, id: web::Path<String>, sent: Sent) -> Result<web::Json<Member>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = MemberId::parse(&id).ok_or_else(|| Error::not_found("member"))?;
    let (change, now) = (sent.json::<MemberChange>()?, app.now());
    let changed = app.write(move |connection| {
        if let Some(role) = change.role {
            members::change_role(connection, &caller.viewer, &id, role, &now)?;
        }
        if let Some(manager) = change.manager.as_ref() {
            let manager = manager.as_ref().map(canonical).transpose()?;
            members::set_manager(connection, &caller.viewer, &id, manager.as_ref(), &now)?;
        }
        find(connection, &caller.viewer, &id)
    });
    changed.await.map(web::Json)
}

/// An id as it is stored: what came as JSON may be written otherwise, or be none.
fn canonical(id: &MemberId) -> Result<MemberId> {
    let unknown = || Error::invalid("manager_unknown", "manager", "There is no such member. Choose another person.");
    MemberId::parse(id.as_str()).ok_or_else(unknown)
}

/// Removes a member: their sessions and tokens end at once, what they shared stays readable under their name.
#[utoipa::path(
    delete,
    path = "/api/v1/members/{id}",
    operation_id = "remove_member",
    tag = "People",
    security(("api_token" = ["write", "owner"])),
    params(("id" = MemberId, Path, description = "The member."), RemovalQuery),
    responses(
        (status = 204, description = "They are no member any more."),
        (status = 404),
        (status = 409, description = "`last_owner`: a workspace keeps one")
    )
)]
pub(super) async fn remove(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = MemberId::parse(&id).ok_or_else(|| Error::not_found("member"))?;
    let RemovalQuery { hand_over_to } = listing::query(&request)?;
    let unknown = || Error::invalid("successor_unknown", "hand_over_to", "Choose a colleague who stays.");
    let successor = hand_over_to.map(|id| MemberId::parse(&id).ok_or_else(unknown)).transpose()?;
    let now = app.now();
    let successor = successor.map(|id| members::Successor { id, today: now.at.date() });
    let work = move |connection: &mut AnyConnection| {
        members::remove(connection, &caller.viewer, &id, successor.as_ref(), &now).map(|_removed| ())
    };
    app.write(work).await?;
    Ok(HttpResponse::NoContent().finish())
}
