//! The bodies of the calls `installed` and `uninstalled`, parsed once. For the lifecycle doors.
//!
//! Strict about what decides whose installation it is, lenient about the rest: personal workspaces come without `username`,
//! some installations without `sharedSecret`, and fields are added without notice.
//! <https://developer.atlassian.com/cloud/bitbucket/authentication-for-apps>

use serde_json::Value;
use uuid::Uuid;

use super::{
    identifiers::{parse_account_id, parse_uuid, single_line},
    json_web_token::is_client_key,
    payload::PayloadRefusal,
};
use crate::config::Secret;

/// The longest shared secret that is taken, in characters. Bitbucket says that its own have up to 128.
pub const LONGEST_SHARED_SECRET_CHARACTERS: usize = 512;

const LONGEST_NAME_CHARACTERS: usize = 255;

/// What every lifecycle call must agree with.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The key of this app: `connect.app_key`.
    pub app_key: &'a str,
    /// The address of Bitbucket's API: `bitbucket.api_url`. A slash at its end makes no difference.
    pub api_url: &'a str,
}

/// The body of `installed`. Nothing in it is proven yet.
#[derive(Debug, Clone)]
pub struct Installed {
    /// Names the installation. Printable ASCII of at most 255 characters, otherwise opaque.
    pub client_key: String,
    /// The Bitbucket workspace that the app was installed in.
    pub workspace: Uuid,
    /// The workspace's name for people, as reported.
    pub workspace_name: Option<String>,
    /// The secret that signs from now on; absent for registered apps and some personal workspaces.
    pub shared_secret: Option<Secret>,
    /// The Atlassian account id of who installed it, as reported.
    pub actor_account_id: Option<String>,
}

/// The body of `uninstalled`.
#[derive(Debug, Clone)]
pub struct Uninstalled {
    /// Names the installation.
    pub client_key: String,
    /// The Bitbucket workspace that the app was removed from.
    pub workspace: Uuid,
}

impl Installed {
    /// Parses the body of an `installed` call.
    ///
    /// # Errors
    /// The first [`PayloadRefusal`] that applies.
    pub fn parse(body: &[u8], expected: &Expected<'_>) -> Result<Self, PayloadRefusal> {
        let body = json_object(body)?;
        let (client_key, workspace) = installation(&body, "installed", expected)?;
        Ok(Self {
            client_key,
            workspace,
            workspace_name: text(&body, "/principal/display_name")
                .or_else(|| text(&body, "/principal/username"))
                .and_then(|name| single_line(name, LONGEST_NAME_CHARACTERS)),
            shared_secret: shared_secret(&body)?,
            actor_account_id: text(&body, "/actor/account_id").and_then(parse_account_id).map(str::to_owned),
        })
    }
}

impl Uninstalled {
    /// Parses the body of an `uninstalled` call.
    ///
    /// # Errors
    /// The first [`PayloadRefusal`] that applies.
    pub fn parse(body: &[u8], expected: &Expected<'_>) -> Result<Self, PayloadRefusal> {
        let body = json_object(body)?;
        let (client_key, workspace) = installation(&body, "uninstalled", expected)?;
        Ok(Self { client_key, workspace })
    }
}

fn json_object(body: &[u8]) -> Result<Value, PayloadRefusal> {
    serde_json::from_slice(body).ok().filter(Value::is_object).ok_or(PayloadRefusal::BodyMalformed)
}

fn installation(body: &Value, event_type: &str, expected: &Expected<'_>) -> Result<(String, Uuid), PayloadRefusal> {
    if text(body, "/productType") != Some("bitbucket") {
        return Err(PayloadRefusal::ProductTypeUnknown);
    }
    if text(body, "/eventType") != Some(event_type) {
        return Err(PayloadRefusal::EventTypeMismatch);
    }
    if text(body, "/key") != Some(expected.app_key) {
        return Err(PayloadRefusal::AppKeyMismatch);
    }
    let api_url = text(body, "/baseApiUrl").ok_or(PayloadRefusal::ApiUrlMismatch)?;
    if without_slash(api_url) != without_slash(expected.api_url) {
        return Err(PayloadRefusal::ApiUrlMismatch);
    }
    let workspace = text(body, "/principal/uuid").and_then(parse_uuid).ok_or(PayloadRefusal::WorkspaceUuidMalformed)?;
    let client_key = client_key(body, workspace, expected.app_key)?;
    Ok((client_key.to_owned(), workspace))
}

/// A client key is `connection:<number>`, opaque, or an Atlassian resource name that says which workspace and app it is of:
/// `ari:cloud:bitbucket::app/{workspace uuid}/<app key>`. What a resource name says must be true.
fn client_key<'a>(body: &'a Value, workspace: Uuid, app_key: &str) -> Result<&'a str, PayloadRefusal> {
    let client_key =
        text(body, "/clientKey").filter(|client_key| is_client_key(client_key)).ok_or(PayloadRefusal::ClientKeyMalformed)?;
    if !client_key.starts_with("ari:") {
        return Ok(client_key);
    }

    let (named_workspace, named_app) = client_key
        .strip_prefix("ari:cloud:bitbucket::app/")
        .and_then(|resource| resource.split_once('/'))
        .ok_or(PayloadRefusal::ClientKeyMalformed)?;
    if parse_uuid(named_workspace).ok_or(PayloadRefusal::ClientKeyMalformed)? != workspace {
        return Err(PayloadRefusal::ClientKeyWorkspaceMismatch);
    }
    if named_app != app_key {
        return Err(PayloadRefusal::AppKeyMismatch);
    }
    Ok(client_key)
}

fn shared_secret(body: &Value) -> Result<Option<Secret>, PayloadRefusal> {
    match body.get("sharedSecret") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(secret)) if (1..=LONGEST_SHARED_SECRET_CHARACTERS).contains(&secret.chars().count()) => {
            Ok(Some(Secret::new(secret.as_str())))
        }
        Some(_) => Err(PayloadRefusal::SharedSecretMalformed),
    }
}

fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer).and_then(Value::as_str)
}

fn without_slash(url: &str) -> &str {
    url.strip_suffix('/').unwrap_or(url)
}

#[cfg(test)]
mod tests;
