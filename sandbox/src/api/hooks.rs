//! The webhooks of a workspace or a repository. Those of a descriptor do not show here, and a secret is never shown.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-webhooks/>.

use super::{
    ApiError,
    caller::Caller,
    page::{self, List},
    repositories::visible,
    workspaces::{entered, owned},
};
use crate::{
    bitbucket::Bitbucket,
    calls::CredentialKind,
    hook::Hook,
    percent::percent_decode,
    resource::{Resources, timestamp},
    world::{Permission, World},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Json, Path},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Every event that a hook may listen to.
const EVENTS: [&str; 26] = [
    "pipeline:span_created",
    "project:updated",
    "pullrequest:approved",
    "pullrequest:changes_request_created",
    "pullrequest:changes_request_removed",
    "pullrequest:comment_created",
    "pullrequest:comment_deleted",
    "pullrequest:comment_reopened",
    "pullrequest:comment_resolved",
    "pullrequest:comment_updated",
    "pullrequest:created",
    "pullrequest:fulfilled",
    "pullrequest:push",
    "pullrequest:rejected",
    "pullrequest:unapproved",
    "pullrequest:updated",
    "repo:commit_comment_created",
    "repo:commit_status_created",
    "repo:commit_status_updated",
    "repo:created",
    "repo:deleted",
    "repo:fork",
    "repo:imported",
    "repo:push",
    "repo:transfer",
    "repo:updated",
];
const LONGEST_SECRET: usize = 128;

/// What a hook hangs on.
struct Subject {
    uuid: String,
    is_workspace: bool,
    /// As it stands in the address of a hook.
    path: String,
}

/// `GET …/hooks`.
pub(crate) async fn list(request: HttpRequest, bitbucket: Data<Bitbucket>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let subject = subject(&state.world, &caller, &request, true)?;
    let own = state.hooks.iter().filter(|hook| hook.subject == subject.uuid);
    List::PLAIN.answer(&request, bitbucket.url(), own.map(|hook| shown(hook, &subject, &state.world, bitbucket.url())).collect())
}

/// `POST …/hooks`.
pub(crate) async fn create(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    body: Json<Value>,
) -> Result<HttpResponse, ApiError> {
    let now = bitbucket.now();
    let mut state = bitbucket.state();
    let subject = subject(&state.world, &caller, &request, false)?;
    let mut hook = Hook {
        uuid: format!("{{{}}}", Uuid::new_v4()),
        subject: subject.uuid.clone(),
        is_of_workspace: subject.is_workspace,
        url: String::new(),
        description: String::new(),
        active: true,
        secret: None,
        events: Vec::new(),
        created_at: now,
    };
    fill(&mut hook, &body)?;
    let shown = shown(&hook, &subject, &state.world, bitbucket.url());
    state.hooks.push(hook);
    let address = shown["links"]["self"]["href"].as_str().unwrap_or_default().to_owned();
    Ok(HttpResponse::Created().insert_header((header::LOCATION, address)).json(shown))
}

/// `GET …/hooks/{uid}`.
pub(crate) async fn one(request: HttpRequest, bitbucket: Data<Bitbucket>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let subject = subject(&state.world, &caller, &request, true)?;
    let hook = state.hooks.get(place(&state.hooks, &subject, &request)?);
    let shown = hook.map(|hook| shown(hook, &subject, &state.world, bitbucket.url())).unwrap_or_default();
    Ok(page::one(&request, &shown))
}

/// `PUT …/hooks/{uid}`: a secret that is not named stays, `null` takes it away.
pub(crate) async fn change(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    body: Json<Value>,
) -> Result<HttpResponse, ApiError> {
    let mut state = bitbucket.state();
    let subject = subject(&state.world, &caller, &request, false)?;
    let place = place(&state.hooks, &subject, &request)?;
    let mut hook = state.hooks.remove(place);
    let before = hook.clone();
    let filled = fill(&mut hook, &body);
    let kept = if filled.is_ok() { hook } else { before };
    let shown = shown(&kept, &subject, &state.world, bitbucket.url());
    state.hooks.insert(place, kept);
    filled.map(|()| HttpResponse::Ok().json(shown))
}

/// `DELETE …/hooks/{uid}`.
pub(crate) async fn remove(request: HttpRequest, bitbucket: Data<Bitbucket>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let mut state = bitbucket.state();
    let subject = subject(&state.world, &caller, &request, false)?;
    let place = place(&state.hooks, &subject, &request)?;
    state.hooks.remove(place);
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /2.0/hook_events/{subject_type}`, for anybody: the events that a hook on a workspace or a repository may listen to.
pub(crate) async fn events(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    subject: Path<String>,
) -> Result<HttpResponse, ApiError> {
    if *subject != "workspace" && *subject != "repository" {
        return Err(ApiError::not_found("Resource not found"));
    }
    let values = EVENTS.iter().map(|event| {
        let (category, label) = event.split_once(':').unwrap_or((event, ""));
        json!({ "event": event, "category": category, "label": label, "description": format!("When {event} happens") })
    });
    List::PLAIN.answer(&request, bitbucket.url(), values.collect())
}

/// What the address names, for those who may see or change its hooks. A Connect app may look, which proves its secret.
fn subject(world: &World, caller: &Caller, request: &HttpRequest, is_look: bool) -> Result<Subject, ApiError> {
    let decoded = |name: &str| request.match_info().get(name).map(percent_decode);
    let workspace = decoded("workspace").unwrap_or_default();
    let Some(repository) = decoded("repo_slug") else {
        let is_app = caller.kind() == CredentialKind::ConnectJwt && is_look;
        let found = if is_app { entered(world, caller, &workspace)? } else { owned(world, caller, &workspace)? };
        return Ok(Subject { uuid: found.uuid.clone(), is_workspace: true, path: format!("workspaces/{}", found.slug) });
    };
    let found = visible(world, caller, &workspace, &repository)?;
    if caller.permission(world, found) < Permission::Admin {
        return Err(ApiError::forbidden("You must be an admin of this repository."));
    }
    let path = format!("repositories/{}", Resources { world, url: "" }.full_name(found));
    Ok(Subject { uuid: found.uuid.clone(), is_workspace: false, path })
}

fn place(hooks: &[Hook], subject: &Subject, request: &HttpRequest) -> Result<usize, ApiError> {
    let wanted = percent_decode(request.match_info().get("uid").unwrap_or_default());
    let wanted = wanted.trim_matches(['{', '}']);
    let found = hooks.iter().position(|hook| hook.subject == subject.uuid && hook.uuid.trim_matches(['{', '}']) == wanted);
    found.ok_or_else(|| ApiError::not_found("Resource not found"))
}

fn fill(hook: &mut Hook, body: &Value) -> Result<(), ApiError> {
    if let Some(url) = body["url"].as_str() {
        url.clone_into(&mut hook.url);
    }
    if !hook.url.starts_with("http://") && !hook.url.starts_with("https://") {
        return Err(ApiError::of_field("url", "Enter a valid URL."));
    }
    if let Some(description) = body["description"].as_str() {
        description.clone_into(&mut hook.description);
    }
    hook.active = body["active"].as_bool().unwrap_or(hook.active);
    if let Some(events) = body["events"].as_array() {
        hook.events = events.iter().filter_map(|event| event.as_str().map(str::to_owned)).collect();
    }
    if hook.events.is_empty() || hook.events.iter().any(|event| !EVENTS.contains(&event.as_str())) {
        return Err(ApiError::of_field("events", "Select a valid choice."));
    }
    match &body["secret"] {
        Value::String(secret) if secret.chars().count() > LONGEST_SECRET => {
            Err(ApiError::of_field("secret", "Ensure this value has at most 128 characters."))
        }
        Value::String(secret) => {
            hook.secret = (!secret.is_empty()).then(|| secret.clone());
            Ok(())
        }
        _ => {
            if body.get("secret").is_some_and(Value::is_null) {
                hook.secret = None;
            }
            Ok(())
        }
    }
}

fn shown(hook: &Hook, subject: &Subject, world: &World, url: &str) -> Value {
    let resources = Resources { world, url };
    let of = if hook.is_of_workspace {
        world.workspace(&hook.subject).map(|workspace| resources.workspace(workspace))
    } else {
        world.repository(&hook.subject).map(|repository| resources.condensed_repository(repository))
    };
    let address = format!("{url}/2.0/{}/hooks/{}", subject.path, crate::percent::percent_encode(&hook.uuid));
    json!({
        "type": "webhook_subscription",
        "uuid": hook.uuid,
        "url": hook.url,
        "description": hook.description,
        "subject_type": if hook.is_of_workspace { "workspace" } else { "repository" },
        "subject": of,
        "active": hook.active,
        "created_at": timestamp(hook.created_at),
        "events": hook.events,
        "source": Value::Null,
        "read_only": Value::Null,
        "history_enabled": false,
        "secret_set": hook.secret.is_some(),
        "links": { "self": { "href": address } },
    })
}
