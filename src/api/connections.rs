//! `/api/v1/connections`: what was granted by OAuth and tokens, pasting and replacing tokens, what each serves, and ending one.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::connection_hooks::Hooks;
use super::creation;
use super::sent::Sent;
use crate::app::App;
use crate::config::Secret;
use crate::connections::attention;
use crate::connections::changing::{self, Change};
use crate::connections::closing;
use crate::connections::grants::{self, Kind, Reach, State};
use crate::connections::hooks::farewell::Farewell;
use crate::connections::hooks::{self, Listening};
use crate::connections::purge::Links;
use crate::connections::purposes::{Purpose, Purposes};
use crate::connections::tokens::{self, Typed};
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;
use crate::storage::ids::ConnectionId;

/// A connection by OAuth or by a token. Its secrets are never shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Connection {
    /// Its id.
    id: ConnectionId,
    /// What its owner calls it.
    name: String,
    /// What it is made with.
    #[schema(inline)]
    kind: Kind,
    /// How it stands: `connected`, `reconnect` when Bitbucket refuses it, `displaced` when an administrator has connected its Bitbucket
    /// workspace to another ClarityLoop workspace, or `disconnected`.
    #[schema(inline)]
    state: State,
    /// The Bitbucket workspace's UUID, without braces; null until it is chosen.
    bitbucket_workspace_uuid: Option<String>,
    /// Its slug; null until Bitbucket has told it.
    bitbucket_workspace_slug: Option<String>,
    /// How far the credential works.
    reach: Reach,
    /// The project's key or the repository's slug.
    reach_name: Option<String>,
    /// What it serves.
    purposes: Vec<Purpose>,
    /// What Bitbucket says it may; null where Bitbucket does not tell.
    scopes: Option<Vec<String>>,
    /// The slugs of the repositories it may be used for; null for all that it reaches.
    repositories: Option<Vec<String>>,
    /// The branch that is meant when nobody names one; null for each repository's own.
    default_branch: Option<String>,
    /// When the access token ends, or the pasted token as its owner said.
    expires_at: Option<DateTime<Utc>>,
    /// What needs attention, and the one thing to do.
    attention: Option<Attention>,
    /// Why a call failed last, as a stable code; null once calls work again.
    failing_code: Option<String>,
    /// How it hears of changes; null once it has ended.
    hooks: Option<Hooks>,
    /// What became of its webhooks when it ended; null while it has not, and until the first of them is dealt with.
    farewell: Option<Farewell>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it ended.
    disconnected_at: Option<DateTime<Utc>>,
}

/// What needs attention.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Attention {
    /// What is the matter.
    what: String,
    /// The one thing to do.
    remedy: String,
}

/// The connections of a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Connections {
    /// Those in use or to be granted anew, and then the twenty that ended last.
    entries: Vec<Connection>,
}

/// A token, pasted. It is checked with Bitbucket at once.
// No Debug: the token is in it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What you will know it by.
    name: String,
    /// `workspace_token`, `project_token`, `repository_token` or `api_token`.
    kind: String,
    /// The Bitbucket workspace's slug.
    workspace: String,
    /// The project's key or the repository's slug, where the kind has one.
    #[serde(default)]
    reach_name: String,
    /// The e-mail address of the Atlassian account, for an API token.
    #[serde(default)]
    email: String,
    /// The token.
    token: String,
    /// Its last day, `YYYY-MM-DD`; needed for an API token.
    #[serde(default)]
    expires_on: String,
    /// What it is to serve.
    purposes: Vec<Purpose>,
}

/// A token that takes the present one's place.
// No Debug: the token is in it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replacement {
    /// The token.
    token: String,
    /// The e-mail address of the Atlassian account, for an API token.
    #[serde(default)]
    email: String,
    /// Its last day, `YYYY-MM-DD`; needed for an API token.
    #[serde(default)]
    expires_on: String,
}

/// What a connection is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    /// What you will know it by.
    name: String,
    /// What it is to serve.
    purposes: Vec<Purpose>,
    /// The slugs of the repositories it may be used for; empty for all that it reaches.
    #[serde(default)]
    repositories: Vec<String>,
    /// The branch that is meant when nobody names one; empty for each repository's own.
    #[serde(default)]
    default_branch: String,
}

/// What is to be ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndConnection {
    /// Whether the links that people made go as well, when it is the last way into its Bitbucket workspace.
    #[serde(default)]
    remove_links: bool,
}

impl Connection {
    fn of(connection: grants::Connection, listening: Option<Listening>, now: &crate::config::Now) -> Self {
        let is_open = connection.state != State::Disconnected;
        let attention = Some(&connection).filter(|_| is_open).and_then(|connection| attention::of(connection, now));
        Self {
            attention: attention.map(|found| Attention { what: found.what, remedy: found.remedy }),
            hooks: is_open.then(|| Hooks::of(listening.unwrap_or_else(Listening::unknown))),
            farewell: Farewell::of(connection.ending.as_deref()),
            repositories: connection.restriction(),
            purposes: connection.purposes.iter().collect(),
            scopes: connection.scopes.map(|scopes| scopes.split_whitespace().map(str::to_owned).collect()),
            id: connection.id,
            name: connection.name,
            kind: connection.kind,
            state: connection.state,
            bitbucket_workspace_uuid: connection.bitbucket_workspace_uuid,
            bitbucket_workspace_slug: connection.bitbucket_workspace_slug,
            reach: connection.reach,
            reach_name: connection.reach_name,
            default_branch: connection.default_branch,
            expires_at: connection.expires_at.map(|at| at.and_utc()),
            failing_code: connection.failing.code,
            created_at: connection.created_at.and_utc(),
            disconnected_at: connection.disconnected_at.map(|at| at.and_utc()),
        }
    }
}

/// The connections of your workspace.
#[utoipa::path(
    get,
    path = "/api/v1/connections",
    operation_id = "list_connections",
    tag = "Bitbucket",
    security(("api_token" = ["read", "owner"])),
    responses((status = 200, body = Connections))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller) -> Result<web::Json<Connections>> {
    caller.needs(Scope::Read)?;
    caller.needs(Scope::Owner)?;
    let now = app.now();
    let read = app.read(move |connection| {
        let mut all = grants::open(connection, &caller.viewer)?;
        all.extend(grants::ended(connection, &caller.viewer)?);
        Ok((all, hooks::listening(connection, &caller.viewer)?))
    });
    let (all, mut listening) = read.await?;
    let shown = |connection: grants::Connection| {
        let heard = listening.remove(&connection.id);
        Connection::of(connection, heard, &now)
    };
    let entries = all.into_iter().map(shown).collect();
    Ok(web::Json(Connections { entries }))
}

/// Connects with a token, which is checked with Bitbucket at once and never shown again.
#[utoipa::path(
    post,
    path = "/api/v1/connections",
    operation_id = "create_connection",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    request_body = NewToken,
    responses(
        (status = 201, body = Connection),
        (status = 400, description = "`token_refused`, `reach_unknown`, `reach_unproven`, `token_scopes_missing`, `token_kind_differs` or `app_password_ended`"),
        (status = 409, description = "`bitbucket_workspace_taken`")
    )
)]
pub(super) async fn create(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    caller.viewer.must_own()?;
    let (input, key): (NewToken, _) = sent.with_key()?;
    let typed = Typed {
        name: input.name,
        kind: input.kind,
        workspace: input.workspace,
        reach_name: input.reach_name,
        email: input.email,
        token: Some(Secret::new(input.token)),
        expires_on: input.expires_on,
        purposes: Purposes::of(&input.purposes),
    };
    let pasted = typed.parse(&app.now())?;
    let checked = tokens::check(&app.parts(), &pasted).await?;
    let keyring = app.keyring.clone();
    creation::answer(&app, caller.viewer, key, "/api/v1/connections", move |connection, viewer, now| {
        let id = tokens::make(connection, viewer, &pasted, &checked, &keyring, now)?;
        grants::find(connection, viewer, &id).map(|found| Connection::of(found, None, now))
    })
    .await
}

/// One connection.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{id}",
    operation_id = "show_connection",
    tag = "Bitbucket",
    security(("api_token" = ["read", "owner"])),
    params(("id" = ConnectionId, Path, description = "The connection.")),
    responses((status = 200, body = Connection), (status = 404))
)]
pub(super) async fn show(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<web::Json<Connection>> {
    caller.needs(Scope::Read)?;
    caller.needs(Scope::Owner)?;
    shown(&app, caller, parse(&id)?).await
}

/// Changes what a connection is called and serves, which repositories it may be used for, and its default branch.
#[utoipa::path(
    put,
    path = "/api/v1/connections/{id}",
    operation_id = "change_connection",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = ConnectionId, Path, description = "The connection.")),
    request_body = Changed,
    responses(
        (status = 200, body = Connection),
        (status = 400, description = "`scopes_insufficient`"),
        (status = 404),
        (status = 409, description = "`already_disconnected`")
    )
)]
pub(super) async fn change(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    sent: Sent,
) -> Result<web::Json<Connection>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = parse(&id)?;
    let input: Changed = sent.json()?;
    let change = Change::parse(&input.name, Purposes::of(&input.purposes), &input.repositories, &input.default_branch)?;
    let (viewer, now, asked) = (caller.viewer.clone(), app.now(), id.clone());
    app.write(move |connection| changing::change(connection, &viewer, &asked, &change, &now)).await?;
    shown(&app, caller, id).await
}

/// Puts another token in the place of a pasted one. What it serves and what was read stays.
#[utoipa::path(
    put,
    path = "/api/v1/connections/{id}/token",
    operation_id = "replace_connection_token",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = ConnectionId, Path, description = "The connection.")),
    request_body = Replacement,
    responses(
        (status = 200, body = Connection),
        (status = 400, description = "`token_refused`, `reach_unknown`, `reach_unproven`, `token_scopes_missing` or `app_password_ended`"),
        (status = 404),
        (status = 409, description = "`not_a_token` or `workspace_differs`")
    )
)]
pub(super) async fn replace(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    sent: Sent,
) -> Result<web::Json<Connection>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = parse(&id)?;
    let Replacement { token, email, expires_on } = sent.json()?;
    let typed = Typed { token: Some(Secret::new(token)), email, expires_on, ..Typed::default() };
    tokens::replace(&app.parts(), &caller.viewer, &id, typed, &app.now()).await?;
    shown(&app, caller, id).await
}

/// Disconnects a connection: its webhooks are removed and then its secrets go, at once where there are none; with the last way into a
/// Bitbucket workspace goes everything Bitbucket said of it.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{id}/disconnect",
    operation_id = "disconnect_connection",
    tag = "Bitbucket",
    security(("api_token" = ["write", "owner"])),
    params(("id" = ConnectionId, Path, description = "The connection.")),
    request_body = EndConnection,
    responses((status = 200, body = Connection), (status = 404), (status = 409, description = "`already_disconnected`"))
)]
pub(super) async fn disconnect(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    sent: Sent,
) -> Result<web::Json<Connection>> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let id = parse(&id)?;
    let EndConnection { remove_links } = sent.json()?;
    let links = if remove_links { Links::Remove } else { Links::Keep };
    let (viewer, now, asked) = (caller.viewer.clone(), app.now(), id.clone());
    app.write(move |connection| closing::disconnect(connection, &viewer, &asked, links, &now)).await?;
    shown(&app, caller, id).await
}

pub(super) async fn shown(app: &App, caller: Caller, id: ConnectionId) -> Result<web::Json<Connection>> {
    let now = app.now();
    let read = app.read(move |connection| {
        let found = grants::find(connection, &caller.viewer, &id)?;
        Ok((found, hooks::listening(connection, &caller.viewer)?.remove(&id)))
    });
    let (found, listening) = read.await?;
    Ok(web::Json(Connection::of(found, listening, &now)))
}

pub(super) fn parse(id: &str) -> Result<ConnectionId> {
    ConnectionId::parse(id).ok_or_else(|| Error::not_found("connection"))
}
