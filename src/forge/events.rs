//! What the body of an event or of a lifecycle call says about where to look anew; the rest of it is dropped. For the doors of
//! the platform.
//!
//! Nothing in a body is signed: the door compares workspace and installation with the invocation token's. Forge has been seen
//! to write the event at the root and under `payload`, and `pullRequest` beside `pullrequest`; all of it is read, and what is
//! missing is `None`. <https://developer.atlassian.com/platform/forge/events-reference/bitbucket/>

use serde_json::Value;
use uuid::Uuid;

use super::{
    identifiers::{parse_account_id, parse_installation, parse_pull_request, parse_uuid, parse_workspace},
    payload::PayloadRefusal,
};

const LONGEST_EVENT_TYPE_BYTES: usize = 96;

/// An event of a repository, reduced to its name and the ids it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryEvent {
    /// Its name, such as `avi:bitbucket:updated:pullrequest`.
    pub event: String,
    /// The Bitbucket workspace, when the body says so.
    pub workspace: Option<Uuid>,
    /// The repository, when the event has one.
    pub repository: Option<Uuid>,
    /// The number of the pull request, when the event has one.
    pub pull_request: Option<u64>,
}

/// Which lifecycle call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifecycleEvent {
    /// `avi:forge:installed:app`.
    Installed,
    /// `avi:forge:upgraded:app`, of major versions alone.
    Upgraded,
}

/// A lifecycle call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// Which.
    pub event: LifecycleEvent,
    /// The installation.
    pub installation: Uuid,
    /// The Bitbucket workspace, when the body says so.
    pub workspace: Option<Uuid>,
    /// The Atlassian account id of who installed the app, as reported.
    pub installer: Option<String>,
}

impl RepositoryEvent {
    /// Reads the body of an event.
    ///
    /// # Errors
    /// The first [`PayloadRefusal`] that applies. What is missing or `null` is not an error, except the event's name.
    pub fn parse(body: &[u8]) -> Result<Self, PayloadRefusal> {
        let body = event_body(body)?;
        let event = event_type(&body)?;
        if !event.starts_with("avi:bitbucket:") {
            return Err(PayloadRefusal::EventTypeUnknown);
        }
        let number = first(&body, &["/pullrequest/id", "/pullRequest/id"]);
        let read_number = |number: &Value| number.as_u64().and_then(parse_pull_request);
        Ok(Self {
            event: event.to_owned(),
            workspace: uuid(first(&body, &["/workspace/uuid"]), PayloadRefusal::WorkspaceUuidMalformed)?,
            repository: uuid(first(&body, &["/repository/uuid"]), PayloadRefusal::RepositoryUuidMalformed)?,
            pull_request: number.map(|it| read_number(it).ok_or(PayloadRefusal::PullRequestMalformed)).transpose()?,
        })
    }
}

impl Lifecycle {
    /// Reads the body of a lifecycle call.
    ///
    /// # Errors
    /// The first [`PayloadRefusal`] that applies.
    pub fn parse(body: &[u8]) -> Result<Self, PayloadRefusal> {
        let body = event_body(body)?;
        let event = match event_type(&body)? {
            "avi:forge:installed:app" => LifecycleEvent::Installed,
            "avi:forge:upgraded:app" => LifecycleEvent::Upgraded,
            _ => return Err(PayloadRefusal::EventTypeUnknown),
        };
        let text = |pointer| first(&body, &[pointer]).and_then(Value::as_str);
        // An installation made for another product's site has a context that is no Bitbucket workspace.
        let workspace = text("/context").and_then(parse_workspace);
        Ok(Self {
            event,
            installation: text("/id").and_then(parse_installation).ok_or(PayloadRefusal::InstallationMalformed)?,
            workspace,
            installer: text("/installerAccountId").and_then(parse_account_id).map(str::to_owned),
        })
    }
}

fn event_body(body: &[u8]) -> Result<Value, PayloadRefusal> {
    let mut body: Value = serde_json::from_slice(body).or(Err(PayloadRefusal::BodyMalformed))?;
    match body.get_mut("payload").map(Value::take) {
        Some(payload) if payload.is_object() => Ok(payload),
        _ if body.is_object() => Ok(body),
        _ => Err(PayloadRefusal::BodyMalformed),
    }
}

fn event_type(body: &Value) -> Result<&str, PayloadRefusal> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b':' | b'-' | b'_');
    first(body, &["/eventType"])
        .and_then(Value::as_str)
        .filter(|event| (1..=LONGEST_EVENT_TYPE_BYTES).contains(&event.len()) && event.bytes().all(is_part))
        .ok_or(PayloadRefusal::EventTypeMalformed)
}

/// The first of these places where there is something.
fn first<'a>(body: &'a Value, pointers: &[&str]) -> Option<&'a Value> {
    pointers.iter().filter_map(|pointer| body.pointer(pointer)).find(|value| !value.is_null())
}

fn uuid(value: Option<&Value>, refusal: PayloadRefusal) -> Result<Option<Uuid>, PayloadRefusal> {
    value.map(|value| value.as_str().and_then(parse_uuid).ok_or(refusal)).transpose()
}

#[cfg(test)]
mod tests;
