//! Tokens that an owner pastes: read, checked with Bitbucket at once, sealed, and replaced without losing anything. The settings page and
//! REST call it. Kinds and their rules: <https://support.atlassian.com/bitbucket-cloud/docs/access-tokens/>.

mod check;
mod proof;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use diesel::prelude::*;

pub use check::Checked;

use super::grants::{self, Connection, Kind, Reach, State};
use super::hooks::farewell;
use super::purposes::Purposes;
use super::repositories::choices;
use super::{Parts, choosing, faring, hooks, scopes, secrets};
use crate::config::{Now, Secret};
use crate::error::{Error, Result};
use crate::people::text::{EmailAddress, Name};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::ConnectionId;
use crate::storage::schema::connections;
use crate::storage::seal::Keyring;

/// Atlassian ends API tokens after a year at the latest, and access tokens unless a policy lets them live on.
const DAYS_AT_MOST: i64 = 366;
const TOKEN_LONGEST: usize = 4_000;
/// How the secret of an app password begins, which Bitbucket has not taken since 28 July 2026.
const APP_PASSWORD: &str = "ATBB";

/// What an owner typed, as texts.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// What they call it.
    pub name: String,
    /// A word of [`Kind`], or `app_password`.
    pub kind: String,
    /// The slug of the Bitbucket workspace.
    pub workspace: String,
    /// The key of the project, or the slug of the repository, where the kind has one.
    pub reach_name: String,
    /// The e-mail address that an API token is used with.
    pub email: String,
    /// The token itself.
    pub token: Option<Secret>,
    /// Its last day, `YYYY-MM-DD`, or nothing.
    pub expires_on: String,
    /// What it is to serve.
    pub purposes: Purposes,
}

/// The same, read.
#[derive(Clone, Debug)]
pub struct Pasted {
    name: Name,
    kind: Kind,
    workspace: String,
    reach: Reach,
    reach_name: Option<String>,
    email: Option<EmailAddress>,
    token: Secret,
    expires_at: Option<NaiveDateTime>,
    purposes: Purposes,
}

impl Typed {
    /// Reads what was typed.
    ///
    /// # Errors
    /// `app_password_ended`, `token_kind_unknown`, `token_malformed`, `workspace_slug_invalid`, `reach_name_invalid`, `email_invalid`,
    /// `date_invalid`, `expiry_missing`, `token_expired`, `expiry_too_far`, `name_invalid` or `purpose_missing` (400).
    pub fn parse(self, now: &Now) -> Result<Pasted> {
        let token = self.token.as_ref().map_or("", |token| token.expose().trim());
        if self.kind == "app_password" || token.starts_with(APP_PASSWORD) {
            return Err(app_password());
        }
        let kind = Kind::parse(&self.kind).filter(|kind| kind.is_pasted()).ok_or_else(|| {
            let detail = "Say which kind of token it is: of a workspace, a project or a repository, or an API token of a person.";
            Error::invalid("token_kind_unknown", "kind", detail)
        })?;
        if token.is_empty() || token.len() > TOKEN_LONGEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid(
                "token_malformed",
                "token",
                "This is no token. Copy it whole, as Bitbucket showed it once.",
            ));
        }
        let (reach, reach_name) = reach(kind, &self.reach_name)?;
        let email = match kind {
            Kind::ApiToken => Some(EmailAddress::parse(self.email.trim())?),
            _ => None,
        };
        if self.purposes == Purposes::default() {
            let detail = "Choose at least one purpose that this token serves.";
            return Err(Error::invalid("purpose_missing", "purposes", detail));
        }
        Ok(Pasted {
            name: Name::parse("name", &self.name)?,
            workspace: slug("workspace_slug_invalid", "workspace", &self.workspace)?,
            expires_at: expires_at(kind, &self.expires_on, now)?,
            token: Secret::new(token),
            purposes: self.purposes,
            kind,
            reach,
            reach_name,
            email,
        })
    }

    /// The same for a token that takes a connection's present one's place: what it is for stays.
    ///
    /// # Errors
    /// As [`Typed::parse`].
    pub fn parse_replacing(self, present: &Connection, now: &Now) -> Result<Pasted> {
        // App passwords are told by their form, whatever the connection was made with.
        let kind = if self.kind == "app_password" { self.kind } else { present.kind.as_str().to_owned() };
        let typed = Self {
            name: present.name.clone(),
            kind,
            workspace: present.bitbucket_workspace_slug.clone().unwrap_or_default(),
            reach_name: present.reach_name.clone().unwrap_or_default(),
            purposes: present.purposes.clone(),
            ..self
        };
        typed.parse(now)
    }
}

fn app_password() -> Error {
    let detail = "This is an app password, which Bitbucket has not taken since 28 July 2026. Make an API token at \
                  id.atlassian.com (Security > API tokens, with scopes for Bitbucket), or an access token of the workspace, \
                  project or repository, and paste that.";
    Error::invalid("app_password_ended", "token", detail)
}

fn reach(kind: Kind, name: &str) -> Result<(Reach, Option<String>)> {
    match kind {
        Kind::ProjectToken => {
            slug("reach_name_invalid", "reach_name", name).map(|key| (Reach::Project, Some(key.to_uppercase())))
        }
        Kind::RepositoryToken => {
            slug("reach_name_invalid", "reach_name", name).map(|slug| (Reach::Repository, Some(slug.to_lowercase())))
        }
        _ => Ok((Reach::Workspace, None)),
    }
}

fn slug(code: &'static str, field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    let fits = (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    // Two of the characters that may stand in a slug make a path of their own.
    if fits && text.bytes().any(|byte| byte != b'.') {
        return Ok(text.to_owned());
    }
    let detail = "Type the name as it stands in Bitbucket's addresses: letters, digits, hyphens, dots and underscores.";
    Err(Error::invalid(code, field, detail))
}

fn expires_at(kind: Kind, text: &str, now: &Now) -> Result<Option<NaiveDateTime>> {
    let Some(day) = crate::people::text::optional_date("expires_on", text)? else {
        // Bitbucket gives no API token without an end.
        let detail = "Type the day on which this API token ends; Bitbucket shows it beside the token.";
        return if kind == Kind::ApiToken { Err(Error::invalid("expiry_missing", "expires_on", detail)) } else { Ok(None) };
    };
    let end = day.succ_opt().unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN);
    if end <= now.at {
        return Err(Error::invalid(
            "token_expired",
            "expires_on",
            "This day has passed. Make a new token in Bitbucket and paste that.",
        ));
    }
    if kind == Kind::ApiToken && day > now.at.date() + chrono::TimeDelta::days(DAYS_AT_MOST) {
        return Err(Error::invalid(
            "expiry_too_far",
            "expires_on",
            "An API token ends after a year at the latest. Check the day.",
        ));
    }
    Ok(Some(end))
}

/// Checks a pasted token with Bitbucket and makes a connection of it.
///
/// # Errors
/// `owner_needed` (403); `token_refused`, `reach_unknown`, `reach_unproven`, `token_scopes_missing` or `token_kind_differs` (400);
/// `bitbucket_workspace_taken` (409); whatever Bitbucket's silence makes (503).
pub async fn connect(parts: &Parts<'_>, viewer: &Viewer, pasted: Pasted, now: &Now) -> Result<ConnectionId> {
    viewer.must_own()?;
    let checked = check(parts, &pasted).await?;
    let (viewer, keyring, now) = (viewer.clone(), parts.keyring.clone(), now.clone());
    parts.database.write(move |connection| make(connection, &viewer, &pasted, &checked, &keyring, &now)).await
}

/// Asks Bitbucket what a pasted token is, before anything is stored.
///
/// # Errors
/// `token_refused`, `reach_unknown`, `reach_unproven`, `token_scopes_missing` or `token_kind_differs` (400); whatever Bitbucket's silence
/// makes (503).
pub async fn check(parts: &Parts<'_>, pasted: &Pasted) -> Result<Checked> {
    check::check(parts.bitbucket, pasted).await
}

/// Makes a connection of a token that was checked.
///
/// # Errors
/// `owner_needed` (403); `bitbucket_workspace_taken` (409).
pub fn make(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    pasted: &Pasted,
    checked: &Checked,
    keyring: &Keyring,
    now: &Now,
) -> Result<ConnectionId> {
    viewer.must_own()?;
    choosing::take_in(connection, &viewer.workspace_id, &checked.reached, now)?;
    let id = ConnectionId::new(now);
    diesel::insert_into(connections::table)
        .values((
            connections::id.eq(&id),
            connections::workspace_id.eq(&viewer.workspace_id),
            connections::bitbucket_workspace_uuid.eq(Some(checked.reached.uuid.to_string())),
            connections::is_administrator.eq(checked.reached.is_administrator),
            connections::kind.eq(pasted.kind),
            connections::name.eq(pasted.name.as_str()),
            connections::account_id.eq(&checked.account_id),
            connections::scopes.eq(&checked.scopes),
            connections::expires_at.eq(pasted.expires_at),
            connections::purposes.eq(pasted.purposes.words()),
            connections::reach.eq(pasted.reach),
            connections::reach_name.eq(&pasted.reach_name),
            connections::state.eq(State::Connected),
            connections::created_by.eq(&viewer.member_id),
            connections::created_at.eq(now.at),
            connections::refreshed_at.eq(Some(now.at)),
        ))
        .execute(connection)?;
    secrets::put(connection, &id, &pasted.token, None, pasted.email.as_ref().map(EmailAddress::as_str), keyring)?;
    let (actor, name) = (viewer.member_id.as_str(), pasted.name.as_str());
    audit::record(connection, &viewer.workspace_id, actor, "connection_made", id.as_str(), name, now)?;
    if let Some(repository) = &checked.repository {
        choices::choose_with_token(connection, viewer, checked.reached.uuid, repository, now)?;
    }
    Ok(id)
}

/// Checks a token and puts it in the place of a connection's present one. Purposes, restriction, repositories and history stay.
///
/// # Errors
/// As [`connect`]; `not_found` (404); `not_a_token` or `workspace_differs` (409).
pub async fn replace(parts: &Parts<'_>, viewer: &Viewer, id: &ConnectionId, typed: Typed, now: &Now) -> Result<()> {
    let (owner, asked) = (viewer.clone(), id.clone());
    let present = parts.database.read(move |connection| grants::find(connection, &owner, &asked)).await?;
    must_be_replaceable(&present)?;
    let pasted = typed.parse_replacing(&present, now)?;
    let checked = check::check(parts.bitbucket, &pasted).await?;
    if !scopes::may_hook(checked.scopes.as_deref()) {
        farewell::before_replacing(parts, &present, now).await?;
    }
    let (viewer, id, keyring, now) = (viewer.clone(), id.clone(), parts.keyring.clone(), now.clone());
    parts.database.write(move |connection| put(connection, &viewer, &id, &pasted, &checked, &keyring, &now)).await
}

fn must_be_replaceable(present: &Connection) -> Result<()> {
    if present.kind.is_pasted() && present.state != State::Disconnected {
        return Ok(());
    }
    let detail = "Only a pasted token that is not disconnected can be replaced. Connect by OAuth again instead.";
    Err(Error::conflict("not_a_token", detail))
}

fn put(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    id: &ConnectionId,
    pasted: &Pasted,
    checked: &Checked,
    keyring: &Keyring,
    now: &Now,
) -> Result<()> {
    // Since the check an owner may have ended it.
    let present = grants::find(connection, viewer, id)?;
    must_be_replaceable(&present)?;
    if present.bitbucket_workspace_uuid.as_deref() != Some(checked.reached.uuid.to_string().as_str()) {
        let detail = "This token belongs to another Bitbucket workspace. Connect that one by itself.";
        return Err(Error::conflict("workspace_differs", detail));
    }
    choosing::take_in(connection, &viewer.workspace_id, &checked.reached, now)?;
    // Read anew: while the lock was waited for, somebody else may have ended it.
    let present = grants::find_locked(connection, viewer, id)?;
    must_be_replaceable(&present)?;
    secrets::put(connection, id, &pasted.token, None, pasted.email.as_ref().map(EmailAddress::as_str), keyring)?;
    let changed = diesel::update(connections::table.find(id).filter(connections::state.ne(State::Disconnected)))
        .set((
            connections::state.eq(State::Connected),
            connections::account_id.eq(&checked.account_id),
            connections::is_administrator.eq(checked.reached.is_administrator),
            connections::scopes.eq(&checked.scopes),
            connections::expires_at.eq(pasted.expires_at),
            connections::refreshed_at.eq(Some(now.at)),
        ))
        .execute(connection)?;
    grants::must_have_changed(changed)?;
    faring::clear(connection, id)?;
    hooks::ask_anew(connection, id, now)?;
    let actor = viewer.member_id.as_str();
    audit::record(connection, &viewer.workspace_id, actor, "connection_replaced", id.as_str(), &present.name, now)
}

/// The purposes of these that a pasted token cannot serve, as far as Bitbucket tells its scopes.
fn beyond(purposes: &Purposes, granted: Option<&str>) -> Vec<&'static str> {
    purposes.iter().filter(|purpose| !scopes::suffice(granted, *purpose)).map(|purpose| purpose.name()).collect()
}

#[cfg(test)]
mod tests;
