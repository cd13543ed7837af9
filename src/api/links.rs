//! `/api/v1/links`: pull requests attached to conversations.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::creation;
use super::listing::{self, List};
use super::sent::Sent;
use crate::activity::looking;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::people::links::{self, Kind, Target};
use crate::people::page::Page;
use crate::people::pull_requests::{self, Reference, Reviewer};
use crate::people::text::Note;
use crate::storage::ids::{LinkId, MemberId};

/// A member, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Person {
    /// Their id.
    pub(super) id: MemberId,
    /// What they are called.
    pub(super) name: String,
}

/// A pull request attached to a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Link {
    /// Its id.
    id: LinkId,
    /// Which kind of conversation it is attached to.
    kind: Kind,
    /// The id of that conversation.
    target: String,
    /// Why it belongs there.
    note: String,
    /// Who attached it.
    created_by: Person,
    /// When.
    created_at: DateTime<Utc>,
    /// The address of the pull request in Bitbucket.
    url: String,
    /// What the pull request is; null until somebody who may see this link has seen the pull request in Bitbucket.
    pull_request: Option<PullRequest>,
}

/// What Bitbucket says of a pull request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PullRequest {
    /// Its repository, as `workspace/repository`.
    repository: Option<String>,
    /// Its number within the repository.
    number: Option<i64>,
    /// Its title.
    title: Option<String>,
    /// `OPEN`, `MERGED`, `DECLINED` or `SUPERSEDED`.
    state: Option<String>,
    /// The author's Atlassian account id.
    author_account_id: Option<String>,
    /// What the author is called: the member's name when the account is theirs, else as Bitbucket names it.
    author_name: Option<String>,
    /// Who reviews it.
    reviewers: Vec<Reviewer>,
    /// What the reviewers are called, as far as their names are known.
    reviewer_names: Vec<String>,
    /// When Bitbucket was asked last.
    fetched_at: Option<DateTime<Utc>>,
    /// Why the last question failed, as a stable code.
    fetch_error: Option<String>,
}

/// A link to be. The pull request is named by `repository` and `pull_request`, or by `url` alone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLink {
    /// Which kind of conversation.
    kind: Kind,
    /// The id of that conversation.
    target: String,
    /// The repository, as `workspace/repository` or a UUID.
    repository: Option<String>,
    /// The number of the pull request in `repository`.
    pull_request: Option<i64>,
    /// The address of the pull request in Bitbucket.
    url: Option<String>,
    /// Why it belongs there: at most 2,000 characters.
    #[serde(default)]
    note: String,
}

/// Which links are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LinksQuery {
    /// Only those of this kind of conversation; needs `target`.
    kind: Option<Kind>,
    /// Only those of this conversation; needs `kind`.
    target: Option<String>,
    /// Where to go on: the `next` of the page before.
    cursor: Option<String>,
    /// How many entries, 1 to 100; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

impl From<links::Link> for Link {
    fn from(link: links::Link) -> Self {
        Self {
            id: link.id,
            kind: link.target.kind,
            target: link.target.id,
            note: link.note,
            created_by: Person { id: link.created_by, name: link.created_by_name },
            created_at: link.created_at.and_utc(),
            url: link.url,
            pull_request: link.details.map(PullRequest::from),
        }
    }
}

impl From<links::Shown> for PullRequest {
    fn from(shown: links::Shown) -> Self {
        Self {
            repository: shown.repository_name,
            number: shown.number,
            title: shown.title,
            state: shown.state,
            author_account_id: shown.author_account_id,
            author_name: shown.author_name,
            reviewers: shown.reviewers,
            reviewer_names: shown.reviewer_names,
            fetched_at: shown.fetched_at.map(|at| at.and_utc()),
            fetch_error: shown.fetch_error,
        }
    }
}

/// The links that you may see, the newest first: all of them, or those of one conversation.
#[utoipa::path(
    get,
    path = "/api/v1/links",
    operation_id = "list_links",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(LinksQuery),
    responses((status = 200, body = List<Link>))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller, request: HttpRequest) -> Result<web::Json<List<Link>>> {
    caller.needs(Scope::Read)?;
    let query: LinksQuery = listing::query(&request)?;
    let page = Page::parse(query.cursor.as_deref(), query.limit.as_deref())?;
    let target = match (query.kind, &query.target) {
        (Some(kind), Some(id)) => Some(target(kind, id)?),
        (None, None) => None,
        _ => return Err(Error::invalid("target_invalid", "target", "Send kind and target together, or neither.")),
    };
    let listed = app.read(move |connection| links::list(connection, &caller.viewer, target.as_ref(), &page)).await?;
    Ok(web::Json(List::new(listed, Link::from)))
}

/// Every conversation has a UUID, whatever its kind.
fn target(kind: Kind, id: &str) -> Result<Target> {
    let uuid = uuid::Uuid::try_parse(id).ok().filter(|_| id.len() == 36);
    let uuid = uuid.ok_or_else(|| Error::invalid("target_invalid", "target", "A target is the id of a conversation."))?;
    Ok(Target { kind, id: uuid.to_string() })
}

/// One link.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}",
    operation_id = "show_link",
    tag = "Conversations",
    security(("api_token" = ["read"])),
    params(("id" = LinkId, Path, description = "The link.")),
    responses((status = 200, body = Link), (status = 404))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<Link>> {
    caller.needs(Scope::Read)?;
    let id = LinkId::parse(&id).ok_or_else(|| Error::not_found("link"))?;
    let link = app.read(move |connection| links::find(connection, &caller.viewer, &id)).await?;
    Ok(web::Json(link.into()))
}

/// Attaches a pull request to a conversation.
#[utoipa::path(
    post,
    path = "/api/v1/links",
    operation_id = "create_link",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    request_body = NewLink,
    responses(
        (status = 201, body = Link),
        (status = 404, description = "`not_found`: there is no such conversation, or you may not see it."),
        (status = 409, description = "`already_linked`")
    )
)]
pub(super) async fn create(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let (input, key) = sent.with_key::<NewLink>()?;
    let new = links::NewLink {
        target: target(input.kind, &input.target)?,
        pull_request: reference(&app.config.bitbucket_web_url, &input)?,
        note: Note::parse(&input.note)?,
        is_before_the_makers_eyes: false,
    };
    creation::answer(&app, caller.viewer, key, "/api/v1/links", move |connection, viewer, now| {
        let id = links::create(connection, viewer, &new, now)?;
        looking::after_linking(connection, viewer, &id, now)?;
        links::find(connection, viewer, &id).map(Link::from)
    })
    .await
}

fn reference(web_url: &str, input: &NewLink) -> Result<Reference> {
    match (&input.repository, input.pull_request, &input.url) {
        (Some(repository), Some(number), None) => pull_requests::parse_repository(web_url, repository, number),
        (None, None, Some(url)) => pull_requests::parse_url(web_url, url),
        _ => {
            let detail = "Name the pull request by repository and pull_request, or by url alone.";
            Err(Error::invalid("pull_request_unnamed", "pull_request", detail))
        }
    }
}

/// Takes your own link away.
#[utoipa::path(
    delete,
    path = "/api/v1/links/{id}",
    operation_id = "remove_link",
    tag = "Conversations",
    security(("api_token" = ["write"])),
    params(("id" = LinkId, Path, description = "The link.")),
    responses((status = 204, description = "The pull request is no longer attached."), (status = 404))
)]
pub(super) async fn remove(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    let id = LinkId::parse(&id).ok_or_else(|| Error::not_found("link"))?;
    app.write(move |connection| links::remove(connection, &caller.viewer, &id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
