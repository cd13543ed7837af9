//! The one verifier of Forge invocation tokens, and what a verified one allows. For every door that Forge calls.
//!
//! A person in a page of the app chooses path, body and headers of a call, and Forge signs it all the same. What keeps people
//! from the doors of the platform is the token alone: [`Invocation::of_panel`], [`Invocation::of_settings`] and
//! [`Invocation::of_platform`] exclude one another, and each door asks for its own.
//!
//! <https://developer.atlassian.com/platform/forge/remote/essentials/#forge-invocation-token--fit->

use serde_json::Value;
use uuid::Uuid;

use super::{
    identifiers::{parse_account_id, parse_installation, parse_pull_request, parse_uuid, parse_workspace},
    json_web_token::{LONGEST_TOKEN_BYTES, Payload, Unverified, seconds},
    key_set::PublicKey,
    refusal::Refusal,
};

/// Who issues the tokens.
pub const ISSUER: &str = "forge/invocation-token";

/// How far the clocks of Forge and of this server may differ.
pub const LEEWAY_SECONDS: i64 = 5;

/// The longest time between `iat` and `exp`. Forge's own live for 25 seconds, and `preUninstall` may take 55.
pub const LONGEST_LIFETIME_SECONDS: i64 = 5 * 60;

const PANEL: &str = "bitbucket:repoPullRequestOverviewPanel";
const ACTION: &str = "bitbucket:repoPullRequestAction";
const SETTINGS: &str = "bitbucket:workspaceSettingsMenuPage";

/// What every token must agree with.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// This app, `ari:cloud:ecosystem::app/<uuid>`: `forge.app_id`.
    pub app_id: &'a str,
    /// The Forge environments whose calls are accepted: `forge.environments`.
    pub environments: &'a [String],
}

/// What a verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The installation of the app; another one after an uninstall.
    pub installation: Uuid,
    /// The Bitbucket workspace where the app is installed.
    pub workspace: Uuid,
    /// `DEVELOPMENT`, `STAGING` or `PRODUCTION`.
    pub environment: String,
    /// Where Forge says that the API is. Calls go to the configured address whatever this says.
    pub api_base_url: Option<String>,
    /// The Atlassian account id of who uses a page of the app; nobody when Forge calls by itself.
    pub principal: Option<String>,
    /// The page of the app that calls; none when Forge calls by itself.
    pub extension: Option<Extension>,
    /// `iat` in Unix seconds.
    pub issued_at: i64,
    /// `exp` in Unix seconds.
    pub expires_at: i64,
}

/// A page of the app and what it stands on: `context.extension`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The type of the module, such as `bitbucket:repoPullRequestOverviewPanel`.
    pub module: Option<String>,
    /// The repository, on pages inside one.
    pub repository: Option<Uuid>,
    /// The number of the pull request, on pages inside one.
    pub pull_request: Option<u64>,
}

/// Who stands on which pull request, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel<'a> {
    /// The Atlassian account id of the viewer.
    pub account: &'a str,
    /// The repository.
    pub repository: Uuid,
    /// The number of the pull request.
    pub pull_request: u64,
    /// Whether it is the action in the pull request's menu, which opens in a modal, and not the panel.
    pub is_action: bool,
}

impl Invocation {
    /// A call of the panel or the action on a pull request.
    ///
    /// # Errors
    /// [`Refusal::NotOfPanel`] for every other call.
    pub fn of_panel(&self) -> Result<Panel<'_>, Refusal> {
        let (Some(account), Some(extension)) = (&self.principal, &self.extension) else {
            return Err(Refusal::NotOfPanel);
        };
        let is_action = match extension.module.as_deref() {
            Some(PANEL) => false,
            Some(ACTION) => true,
            _ => return Err(Refusal::NotOfPanel),
        };
        match (extension.repository, extension.pull_request) {
            (Some(repository), Some(pull_request)) => Ok(Panel { account, repository, pull_request, is_action }),
            _ => Err(Refusal::NotOfPanel),
        }
    }

    /// A call of the settings page: the Atlassian account id of its viewer. It proves nothing about their rights here.
    ///
    /// # Errors
    /// [`Refusal::NotOfSettings`] for every other call.
    pub fn of_settings(&self) -> Result<&str, Refusal> {
        let is_settings = self.extension.as_ref().is_some_and(|extension| extension.module.as_deref() == Some(SETTINGS));
        self.principal.as_deref().filter(|_| is_settings).ok_or(Refusal::NotOfSettings)
    }

    /// A call of Forge itself: an event, a lifecycle call, the hourly trigger, the uninstall.
    ///
    /// # Errors
    /// [`Refusal::NotOfPlatform`] for a call of a person or of a page.
    pub fn of_platform(&self) -> Result<(), Refusal> {
        if self.principal.is_some() || self.extension.is_some() { Err(Refusal::NotOfPlatform) } else { Ok(()) }
    }
}

/// The token of a call: from its only `Authorization: Bearer <token>` header.
///
/// # Errors
/// [`Refusal::Missing`], [`Refusal::Repeated`], or [`Refusal::Malformed`] for another scheme or a token that is too long.
pub fn find_token<'a>(authorization_headers: impl IntoIterator<Item = &'a [u8]>) -> Result<&'a str, Refusal> {
    let mut headers = authorization_headers.into_iter();
    let header = headers.next().ok_or(Refusal::Missing)?;
    if headers.next().is_some() {
        return Err(Refusal::Repeated);
    }
    let token = header.strip_prefix(b"Bearer ").ok_or(Refusal::Malformed)?;
    match str::from_utf8(token).or(Err(Refusal::Malformed))? {
        "" => Err(Refusal::Missing),
        token if token.len() > LONGEST_TOKEN_BYTES => Err(Refusal::Malformed),
        token => Ok(token),
    }
}

/// The name of the key that a token says it is signed with. Nothing is verified yet except that the token is one that could
/// be: RS256 and an ordinary header.
///
/// # Errors
/// [`Refusal::Malformed`] or [`Refusal::Algorithm`].
pub fn peek_key_id(token: &str) -> Result<String, Refusal> {
    Unverified::parse(token).map(|token| token.key_id)
}

/// Verifies that `key`, the one that the token names, signed `token` for this app, at `now` in Unix seconds.
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn verify(token: &str, key: &PublicKey, expected: &Expected<'_>, now: i64) -> Result<Invocation, Refusal> {
    let token = Unverified::parse(token)?;
    if !key.has_signed(token.signing_input, &token.signature) {
        return Err(Refusal::Signature);
    }
    let payload = token.payload()?;
    check_names(&payload, expected.app_id)?;
    let (issued_at, expires_at) = check_times(&payload, now)?;

    let app = payload.app.unwrap_or_default();
    let context = payload.context.filter(|context| !context.is_null());
    if context.as_ref().is_some_and(|context| !context.is_object()) {
        return Err(Refusal::Claims);
    }
    let context = context.unwrap_or_default();
    let environment = text(&app, "/environment/type").ok_or(Refusal::Claims)?;
    let invocation = Invocation {
        installation: installation(&app)?,
        workspace: workspace(&context, &app)?,
        environment: environment.to_owned(),
        api_base_url: text(&app, "/apiBaseUrl").map(str::to_owned),
        principal: payload.principal.as_ref().map(principal).transpose()?,
        extension: extension(&context)?,
        issued_at,
        expires_at,
    };
    if payload.isolated_cloud.is_some() {
        return Err(Refusal::IsolatedCloud);
    }
    if !expected.environments.iter().any(|accepted| accepted == environment) {
        return Err(Refusal::Environment);
    }
    Ok(invocation)
}

fn check_names(payload: &Payload, app_id: &str) -> Result<(), Refusal> {
    let issuer = payload.iss.as_ref().ok_or(Refusal::Claims)?;
    if issuer != ISSUER {
        return Err(Refusal::Issuer);
    }
    // Forge writes the audience as a text; a list of one is nothing it has ever sent.
    let audience = payload.aud.as_ref().ok_or(Refusal::Claims)?;
    if audience != app_id {
        return Err(Refusal::Audience);
    }
    let app = payload.app.as_ref().ok_or(Refusal::Claims)?;
    if text(app, "/id").ok_or(Refusal::Claims)? != app_id { Err(Refusal::App) } else { Ok(()) }
}

fn check_times(payload: &Payload, now: i64) -> Result<(i64, i64), Refusal> {
    let issued_at = payload.iat.as_ref().and_then(seconds).ok_or(Refusal::Claims)?;
    let expires_at = payload.exp.as_ref().and_then(seconds).ok_or(Refusal::Claims)?;
    let latest_begin = now.saturating_add(LEEWAY_SECONDS);
    if !(0..=LONGEST_LIFETIME_SECONDS).contains(&expires_at.saturating_sub(issued_at)) {
        return Err(Refusal::Lifetime);
    }
    if now > expires_at.saturating_add(LEEWAY_SECONDS) {
        return Err(Refusal::Expired);
    }
    if issued_at > latest_begin {
        return Err(Refusal::IssuedInFuture);
    }
    match payload.nbf.as_ref().map(seconds) {
        Some(None) => Err(Refusal::Claims),
        Some(Some(not_before)) if not_before > latest_begin => Err(Refusal::NotYetValid),
        _ => Ok((issued_at, expires_at)),
    }
}

/// Forge names the installation in two places, which must agree when both are there.
fn installation(app: &Value) -> Result<Uuid, Refusal> {
    let mut named = ["/installationId", "/installation/id"].into_iter().filter_map(|pointer| app.pointer(pointer));
    let read = |name: &Value| name.as_str().and_then(parse_installation).ok_or(Refusal::Claims);
    let installation = read(named.next().ok_or(Refusal::Claims)?)?;
    match named.next().map(read).transpose()? {
        Some(other) if other != installation => Err(Refusal::Claims),
        _ => Ok(installation),
    }
}

/// Where the workspace stands depends on the kind of call: in the context of a page, else in that of the installation.
fn workspace(context: &Value, app: &Value) -> Result<Uuid, Refusal> {
    let contexts = app.pointer("/installation/contexts").and_then(Value::as_array);
    let of_installation = contexts.into_iter().flatten().find(|context| {
        // The list may come to name other products that the app is installed in.
        context.get("name").is_none_or(|name| name == "bitbucket") && context.get("workspaceId").is_some()
    });
    [context.get("workspaceId"), context.get("installContext"), of_installation.and_then(|context| context.get("workspaceId"))]
        .into_iter()
        .flatten()
        .find(|named| !named.is_null())
        .and_then(Value::as_str)
        .and_then(parse_workspace)
        .ok_or(Refusal::Claims)
}

fn principal(claim: &Value) -> Result<String, Refusal> {
    claim.as_str().and_then(parse_account_id).map(str::to_owned).ok_or(Refusal::Claims)
}

fn extension(context: &Value) -> Result<Option<Extension>, Refusal> {
    let extension = match context.get("extension") {
        None | Some(Value::Null) => return Ok(None),
        Some(extension) if extension.is_object() => extension,
        Some(_) => return Err(Refusal::Claims),
    };
    Ok(Some(Extension {
        module: text(extension, "/type").map(str::to_owned),
        repository: text(extension, "/repository/uuid").and_then(parse_uuid),
        pull_request: extension.pointer("/pullRequest/id").and_then(Value::as_u64).and_then(parse_pull_request),
    }))
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
