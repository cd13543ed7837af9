//! With whose rights a call is made: the member's own grant, or the workspace's credential where Bitbucket would let the member do the
//! same. Every call asks here, each time anew.

use serde_json::Value;
use uuid::Uuid;

use super::asked::Asked;
use super::permission::{Permission, Permissions, Question};
use super::{own_grants, place};
use crate::bitbucket::operations::Operation;
use crate::bitbucket::{Body, Call, Credential};
use crate::config::Now;
use crate::connections::Parts;
use crate::connections::grants::Place;
use crate::connections::purposes::{self, Chosen, Purpose, Way};
use crate::error::{Error, Kind, Result};
use crate::people::Viewer;
use crate::people::identities::{self, Identity};
use crate::people::members::Role;
use crate::storage::AnyConnection;

/// What a call is made with.
#[derive(Clone, Debug)]
pub struct Right {
    /// What authorises it.
    pub credential: Credential,
    /// What that comes from.
    pub way: Way,
    /// Why this one, in one sentence.
    pub why: String,
}

/// What the database says of who asks and what is asked about.
struct Known {
    /// The member's own grants that are in use.
    own: own_grants::Own,
    identity: Option<Identity>,
    /// The Bitbucket workspace that the path names, when it is connected here.
    workspace: Option<Uuid>,
    /// The key of the project of the repository that the path names, as far as the list of repositories knows it.
    project: Option<String>,
}

/// Finds what a call may be made with, and the call as it is then made: with the workspace's credential the path names the
/// workspace by its UUID.
///
/// # Errors
/// `own_grant_needed`, `own_grant_too_narrow`, `owner_needed`, `identity_needed`, `workspace_not_connected`,
/// `repository_not_chosen` or `permission_missing` (403); `connection_missing` (409); Bitbucket's silence (503).
pub async fn right(
    parts: &Parts<'_>,
    permissions: &Permissions,
    viewer: &Viewer,
    asked: &Asked,
    now: &Now,
) -> Result<(Right, Call)> {
    let (asking, operation) = (viewer.clone(), asked.target.operation);
    let named = (asked.target.workspace().map(str::to_owned), asked.target.repository().map(|(_, slug)| slug.to_owned()));
    let read = move |connection: &mut AnyConnection| Known::read(connection, &asking, named.0.as_deref(), named.1.as_deref());
    let known = parts.database.read(read).await?;
    if let Some(own) = known.own.for_operation(operation)
        && let Some(chosen) = purposes::own_grant(parts, own, now).await?
    {
        return Ok((chosen.into(), asked.call.clone()));
    }
    let right = match asked.target.repository() {
        Some((_, slug)) if !is_creation(operation) => in_repository(parts, permissions, viewer, asked, &known, slug, now).await,
        _ => of_whole_workspace(parts, viewer, asked, &known, now).await,
    };
    match right {
        // Whoever has connected their account wants to hear what is wrong with that first.
        Err(error) if known.own.are_too_narrow(operation) && error.kind != Kind::Upstream => Err(known.own.needed(operation)),
        right => right,
    }
}

impl Known {
    fn read(connection: &mut AnyConnection, viewer: &Viewer, workspace: Option<&str>, repository: Option<&str>) -> Result<Self> {
        let identity = identities::of(connection, viewer, &viewer.member_id)?.filter(|identity| identity.confirmed_at.is_some());
        let workspace = workspace.map(|name| place::connected(connection, &viewer.workspace_id, name)).transpose()?.flatten();
        let project = match workspace.zip(repository) {
            Some((workspace, repository)) => place::project_of(connection, &viewer.workspace_id, workspace, repository)?,
            None => None,
        };
        let own = own_grants::Own::read(connection, viewer, identity.as_ref())?;
        Ok(Self { own, identity, workspace, project })
    }

    /// The Bitbucket workspace that the path names.
    fn workspace(&self) -> Result<Uuid> {
        self.workspace.ok_or_else(|| {
            let detail =
                "This Bitbucket workspace is not connected here. Check its name, or connect your own account on your profile.";
            Error::forbidden("workspace_not_connected", detail)
        })
    }
}

/// What is about a whole workspace, or makes a repository in it, is read with one's own grant only, and written with the workspace's
/// credential by owners only: Bitbucket has no list of who else might.
async fn of_whole_workspace(
    parts: &Parts<'_>,
    viewer: &Viewer,
    asked: &Asked,
    known: &Known,
    now: &Now,
) -> Result<(Right, Call)> {
    let operation = asked.target.operation;
    if operation.is_read() || asked.target.workspace().is_none() {
        return Err(known.own.needed(operation));
    }
    if viewer.role != Role::Owner {
        let detail = "With the workspace's connection only an owner may do this. Ask one of them, or connect your own account on your profile.";
        return Err(Error::forbidden("owner_needed", detail));
    }
    let uuid = known.workspace()?;
    let chosen = purposes::credential_for(parts, &viewer.workspace_id, uuid, Purpose::Writes, None, now).await?;
    let right = chosen.ok_or_else(|| connection_missing(Purpose::Writes))?.into();
    Ok((right, in_workspace(asked, uuid)?))
}

/// What is about one repository goes with the workspace's credential where owners have chosen the repository, and Bitbucket lets the
/// member's own account do the same.
async fn in_repository(
    parts: &Parts<'_>,
    permissions: &Permissions,
    viewer: &Viewer,
    asked: &Asked,
    known: &Known,
    slug: &str,
    now: &Now,
) -> Result<(Right, Call)> {
    let operation = asked.target.operation;
    if leads_elsewhere(asked) || is_in_ones_own_name(operation) {
        return Err(known.own.needed(operation));
    }
    let Some(identity) = &known.identity else {
        let detail = "The workspace's connection serves only those whose Bitbucket account is known. Link yours on your profile, or \
                      connect it there.";
        return Err(Error::forbidden("identity_needed", detail));
    };
    let uuid = known.workspace()?;
    let purpose = if operation.is_read() { Purpose::AgentTools } else { Purpose::Writes };
    let place = Some(Place { repository: slug, project: known.project.as_deref() });
    let chosen = purposes::credential_for(parts, &viewer.workspace_id, uuid, purpose, place, now).await?;
    let chosen = chosen.ok_or_else(|| connection_missing(purpose))?;
    must_be_chosen(parts, viewer, uuid, slug).await?;
    let right = Right::from(chosen);
    let question = Question {
        workspace: braced(uuid),
        repository: slug.to_owned(),
        account_id: identity.account_id.clone(),
        user_uuid: identity.bitbucket_uuid.as_ref().map(|uuid| format!("{{{uuid}}}")),
    };
    let mut answer = permissions.of(parts.bitbucket, &right.credential, &question, now).await;
    if answer.as_ref().is_err_and(|failure| !failure.is_passing()) {
        // Access tokens may not ask who else may; the app, or who granted reading, often may.
        let reading = Purpose::ReadingActivity;
        if let Some(other) = purposes::credential_for(parts, &viewer.workspace_id, uuid, reading, place, now).await? {
            answer = permissions.of(parts.bitbucket, &other.credential, &question, now).await;
        }
    }
    let permission = match answer {
        Ok(permission) => permission,
        Err(failure) if failure.is_passing() => return Err(super::perform::refusal(failure)),
        Err(_may_not_ask) => None,
    };
    if permission < Some(needed(operation)) {
        let detail = "Bitbucket does not let your account do this in the repository, or does not tell this workspace's connections so. \
                      Connect your own Bitbucket account on your profile.";
        return Err(Error::forbidden("permission_missing", detail));
    }
    Ok((right, in_workspace(asked, uuid)?))
}

/// Refuses a repository that no owner has chosen.
async fn must_be_chosen(parts: &Parts<'_>, viewer: &Viewer, bitbucket_workspace: Uuid, slug: &str) -> Result<()> {
    let (workspace_id, slug) = (viewer.workspace_id.clone(), slug.to_owned());
    let read = move |connection: &mut AnyConnection| place::is_chosen(connection, &workspace_id, bitbucket_workspace, &slug);
    if parts.database.read(read).await? {
        return Ok(());
    }
    let detail = "This repository is not among those that owners have chosen. Connect your own Bitbucket account on your profile, or propose \
                  it on Settings > Integrations > Bitbucket > Repositories.";
    Err(Error::forbidden("repository_not_chosen", detail))
}

/// The call with the workspace named by its UUID: a slug that changed hands since it was connected leads nowhere else.
fn in_workspace(asked: &Asked, uuid: Uuid) -> Result<Call> {
    let path = asked.target.with_workspace(&braced(uuid)).path();
    let path = path.map_err(|refusal| Error::invalid(refusal.code(), "path", refusal.to_string()))?;
    Ok(Call { path, ..asked.call.clone() })
}

/// What Bitbucket would ask of a person who does this themselves.
fn needed(operation: &Operation) -> Permission {
    let is_plain = |scope: &&str| {
        ["repository", "repository:write", "pullrequest", "pullrequest:write", "pipeline", "pipeline:write"].contains(scope)
    };
    let is_configuration = ["/pipelines_config", "/pipelines-config", "/deployments_config", "/deploy-keys"];
    // Anybody may look at these, and changing them is configuration although Bitbucket's scopes do not tell.
    let is_configured = ["/environments", "/deployments"];
    let has = |parts: &[&str]| parts.iter().any(|part| operation.template.contains(part));
    if !operation.oauth_scopes.iter().all(is_plain) || has(&is_configuration) || (!operation.is_read() && has(&is_configured)) {
        return Permission::Admin;
    }
    // Whoever sees a pull request may comment on it and open a task, which is why Bitbucket asks for no more than reading.
    let is_said = operation.method == "POST" && ["/comments", "/tasks"].iter().any(|end| operation.template.ends_with(end));
    if operation.is_read() || (operation.template.contains("/pullrequests/") && is_said) {
        Permission::Read
    } else {
        Permission::Write
    }
}

/// What says something in the name of whoever calls, or changes what somebody has said: Bitbucket would take the connection's word
/// for the member's, or let it change everybody's.
fn is_in_ones_own_name(operation: &Operation) -> bool {
    let (method, template) = (operation.method, operation.template);
    let is_word = ["/approve", "/request-changes", "/resolve"].iter().any(|end| template.ends_with(end));
    let is_said = ["/comments/{", "/tasks/{"].iter().any(|part| template.contains(part));
    !operation.is_read() && (is_word || (is_said && ["PUT", "DELETE"].contains(&method)))
}

fn is_creation(operation: &Operation) -> bool {
    operation.method == "POST" && operation.template == "/repositories/{workspace}/{repo_slug}"
}

/// Whether a call in one repository would show or use another, which the person might not see: lists of forks, and revisions and
/// sources that are named with their repository.
fn leads_elsewhere(asked: &Asked) -> bool {
    let names_another =
        |(name, value): &(&str, String)| ["spec", "revspec", "revision", "commit"].contains(name) && value.contains(':');
    let source = match &asked.call.body {
        Some(Body::Json(json)) => json.pointer("/source/repository").is_some_and(|repository| *repository != Value::Null),
        _ => false,
    };
    asked.target.operation.template.ends_with("/forks") || asked.target.arguments.iter().any(names_another) || source
}

fn connection_missing(purpose: Purpose) -> Error {
    let detail = format!(
        "No connection of your workspace serves “{}” here. Connect your own Bitbucket account on your profile, or ask an owner to let a \
         connection serve it.",
        purpose.name()
    );
    Error::new(Kind::Conflict, "connection_missing", detail)
}

fn braced(uuid: Uuid) -> String {
    format!("{{{uuid}}}")
}

impl From<Chosen> for Right {
    fn from(chosen: Chosen) -> Self {
        Self { credential: chosen.credential, way: chosen.way, why: chosen.why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: &str = "/repositories/{workspace}/{repo_slug}";

    fn operation(method: &str, rest: &str) -> &'static Operation {
        Operation::by_key(&format!("{method} {REPOSITORY}{rest}")).unwrap()
    }

    #[test]
    fn what_is_said_of_a_pull_request_is_said_in_ones_own_name() {
        let request = "/pullrequests/{pull_request_id}";
        for (method, rest) in [
            ("POST", "/approve"),
            ("DELETE", "/approve"),
            ("POST", "/request-changes"),
            ("DELETE", "/request-changes"),
            ("PUT", "/comments/{comment_id}"),
            ("DELETE", "/comments/{comment_id}"),
            ("POST", "/comments/{comment_id}/resolve"),
            ("DELETE", "/comments/{comment_id}/resolve"),
            ("PUT", "/tasks/{task_id}"),
            ("DELETE", "/tasks/{task_id}"),
        ] {
            assert!(is_in_ones_own_name(operation(method, &format!("{request}{rest}"))), "{method} {rest}");
        }
        for (method, rest) in [("POST", "/comments"), ("GET", "/comments/{comment_id}"), ("POST", "/tasks"), ("POST", "/merge")] {
            assert!(!is_in_ones_own_name(operation(method, &format!("{request}{rest}"))), "{method} {rest}");
        }
    }

    #[test]
    fn reading_suffices_to_comment_and_configuration_is_for_administrators() {
        for (method, rest, permission) in [
            ("GET", "/pullrequests/{pull_request_id}", Permission::Read),
            ("POST", "/pullrequests/{pull_request_id}/comments", Permission::Read),
            ("POST", "/pullrequests/{pull_request_id}/tasks", Permission::Read),
            ("PUT", "/pullrequests/{pull_request_id}/tasks/{task_id}", Permission::Write),
            ("POST", "/pullrequests/{pull_request_id}/comments/{comment_id}/resolve", Permission::Write),
            ("POST", "/pullrequests/{pull_request_id}/merge", Permission::Write),
            ("POST", "/commit/{commit}/comments", Permission::Write),
            ("GET", "/environments", Permission::Read),
            ("GET", "/deployments", Permission::Read),
            ("POST", "/environments", Permission::Admin),
            ("DELETE", "/environments/{environment_uuid}", Permission::Admin),
            ("POST", "/environments/{environment_uuid}/changes", Permission::Admin),
        ] {
            assert_eq!(needed(operation(method, rest)), permission, "{method} {rest}");
        }
    }
}
