//! `/api/v1/repository-proposals`: what members propose to choose or to leave out, and what owners say to it.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::creation;
use super::links::Person;
use super::listing::{self, List, PageQuery};
use super::sent::Sent;
use crate::app::App;
use crate::connections::repositories::proposals::{self, Decision};
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::storage::ids::ProposalId;

/// What a member proposes about a repository.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RepositoryProposal {
    /// Its id.
    id: ProposalId,
    /// `workspace/repository`, as it was named.
    repository: String,
    /// Whether it should be chosen (true) or left out (false).
    choose: bool,
    /// Who proposes it.
    proposed_by: Person,
    /// When.
    proposed_at: DateTime<Utc>,
    /// What an owner has said; null while nobody has.
    decision: Option<Decision>,
    /// When.
    decided_at: Option<DateTime<Utc>>,
}

/// A proposal about a repository.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProposal {
    /// `workspace/repository`, as in its address in Bitbucket. The answer is the same whether there is one or not.
    repository: String,
    /// Whether it should be chosen (true) or left out (false).
    choose: bool,
}

impl From<proposals::Proposal> for RepositoryProposal {
    fn from(proposal: proposals::Proposal) -> Self {
        Self {
            id: proposal.id,
            repository: proposal.full_name,
            choose: proposal.is_to_be_chosen,
            proposed_by: Person { id: proposal.proposed_by, name: proposal.name },
            proposed_at: proposal.proposed_at.and_utc(),
            decision: proposal.decision,
            decided_at: proposal.decided_at.map(|at| at.and_utc()),
        }
    }
}

/// The proposals that wait, the newest first: all of them for an owner, your own for a member.
#[utoipa::path(
    get,
    path = "/api/v1/repository-proposals",
    operation_id = "list_repository_proposals",
    tag = "Bitbucket",
    security(("api_token" = ["read"])),
    params(PageQuery),
    responses((status = 200, body = List<RepositoryProposal>))
)]
pub(super) async fn list(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<web::Json<List<RepositoryProposal>>> {
    caller.needs(Scope::Read)?;
    let page = listing::page(&request)?;
    let listed = app.read(move |connection| proposals::open(connection, &caller.viewer, &page)).await?;
    Ok(web::Json(List::new(listed, RepositoryProposal::from)))
}

/// One proposal; an owner's to see, or your own.
#[utoipa::path(
    get,
    path = "/api/v1/repository-proposals/{id}",
    operation_id = "show_repository_proposal",
    tag = "Bitbucket",
    security(("api_token" = ["read"])),
    params(("id" = ProposalId, Path, description = "The proposal.")),
    responses((status = 200, body = RepositoryProposal), (status = 404))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<RepositoryProposal>> {
    caller.needs(Scope::Read)?;
    let id = parse(&id)?;
    let proposal = app.read(move |connection| proposals::show(connection, &caller.viewer, &id)).await?;
    Ok(web::Json(proposal.into()))
}

/// Proposes to choose a repository of a connected Bitbucket workspace, or to leave it out. An owner decides.
#[utoipa::path(
    post,
    path = "/api/v1/repository-proposals",
    operation_id = "propose_repository",
    tag = "Bitbucket",
    security(("api_token" = ["write"])),
    request_body = NewProposal,
    responses(
        (status = 201, body = RepositoryProposal),
        (status = 409, description = "`proposal_open` or `proposals_too_many`")
    )
)]
pub(super) async fn create(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let (NewProposal { repository, choose }, key) = sent.with_key::<NewProposal>()?;
    creation::answer(&app, caller.viewer, key, "/api/v1/repository-proposals", move |connection, viewer, now| {
        proposals::propose(connection, viewer, &repository, choose, now).map(RepositoryProposal::from)
    })
    .await
}

/// Does what was proposed.
#[utoipa::path(
    post,
    path = "/api/v1/repository-proposals/{id}/approve",
    operation_id = "approve_repository_proposal",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = ProposalId, Path, description = "The proposal.")),
    responses(
        (status = 200, body = RepositoryProposal),
        (status = 404),
        (status = 409, description = "`proposal_decided` or `repository_unknown`")
    )
)]
pub(super) async fn approve(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<RepositoryProposal>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let (id, now) = (parse(&id)?, app.now());
    let approved = app.write(move |connection| proposals::approve(connection, &caller.viewer, &id, &now)).await?;
    Ok(web::Json(approved.into()))
}

/// Says no to what was proposed.
#[utoipa::path(
    post,
    path = "/api/v1/repository-proposals/{id}/refuse",
    operation_id = "refuse_repository_proposal",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = ProposalId, Path, description = "The proposal.")),
    responses((status = 200, body = RepositoryProposal), (status = 404), (status = 409, description = "`proposal_decided`"))
)]
pub(super) async fn refuse(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<RepositoryProposal>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let (id, now) = (parse(&id)?, app.now());
    let refused = app.write(move |connection| proposals::refuse(connection, &caller.viewer, &id, &now)).await?;
    Ok(web::Json(refused.into()))
}

fn parse(id: &str) -> Result<ProposalId> {
    ProposalId::parse(id).ok_or_else(|| Error::not_found("proposal"))
}
