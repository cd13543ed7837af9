//! Asking Bitbucket what a pasted token is: whether it is taken, where it reaches, which scopes it has. Only `tokens` calls it.

use serde::Deserialize;
use uuid::Uuid;

use super::{Pasted, beyond};
use crate::bitbucket::{Answer, ApiPath, Call, Client, Credential, Failure, Page};
use crate::connections::discovery;
use crate::connections::grants::Kind;
use crate::error::{Error, Result};
use crate::people::pull_requests::parse_uuid;
use crate::people::text::one_line;

/// What Bitbucket says of a token.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The Bitbucket workspace.
    pub workspace: Uuid,
    /// Its slug.
    pub slug: String,
    /// The scopes, separated by blanks, where they can be told.
    pub scopes: Option<String>,
    /// Whose token it is, where it is a person's.
    pub account_id: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    #[serde(default)]
    is_private: Option<bool>,
    #[serde(default)]
    workspace: Option<Workspace>,
}

#[derive(Deserialize)]
struct Workspace {
    #[serde(default)]
    uuid: Option<String>,
    #[serde(default)]
    slug: Option<String>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    account_id: Option<String>,
}

/// What was learnt of the scopes on the way.
#[derive(Default)]
struct Told(Option<String>);

impl Told {
    fn note_answer(&mut self, answer: &Answer) {
        if let Some(scopes) = answer.header("x-oauth-scopes").filter(|scopes| !scopes.trim().is_empty()) {
            self.0.get_or_insert_with(|| one_line(&scopes.replace(',', " "), 1000));
        }
    }

    fn note_failure(&mut self, failure: &Failure) {
        if let Failure::MissingScopes { granted, .. } = failure
            && !granted.is_empty()
        {
            self.0.get_or_insert_with(|| one_line(&granted.join(" "), 1000));
        }
    }
}

pub(super) async fn check(bitbucket: &Client, pasted: &Pasted) -> Result<Checked> {
    let budget = format!("token_check:{}", pasted.workspace);
    let credential = match &pasted.email {
        Some(email) => Credential::basic(budget, email.as_str(), pasted.token.clone()),
        None => Credential::bearer(budget, pasted.token.clone()),
    };
    let mut told = Told::default();
    // Tokens of repositories and projects may not ask this: the refusal then names every scope that they have.
    let account_id = match ask(bitbucket, &credential, &["user"], &[]).await {
        Ok(answer) => {
            must_be_of_kind(pasted, &answer)?;
            told.note_answer(&answer);
            answer.json::<User>().ok().and_then(|user| user.account_id).map(|id| one_line(&id, 128))
        }
        Err(failure @ Failure::NotAuthorised) if pasted.kind == Kind::ApiToken => return Err(refused(pasted, &failure)),
        Err(failure) => {
            told.note_failure(&failure);
            None
        }
    };
    let workspace = reached(bitbucket, &credential, pasted, &mut told).await?;
    // A refusal names every scope that the token has, so something is asked that it need not be allowed.
    for unlikely in [&["user", "emails"][..], &["workspaces", &pasted.workspace, "hooks"][..]] {
        if told.0.is_none()
            && let Err(failure) = ask(bitbucket, &credential, unlikely, &[]).await
        {
            told.note_failure(&failure);
        }
    }
    let (uuid, slug) = (workspace.uuid.as_deref().and_then(parse_uuid), workspace.slug);
    let (Some(uuid), Some(slug)) = (uuid, slug) else { return Err(Failure::Malformed.into()) };
    let lacking = beyond(&pasted.purposes, told.0.as_deref());
    if !lacking.is_empty() {
        let has = told.0.unwrap_or_default();
        let detail =
            format!("This token does not suffice for {}: it has {has}. Give it more scopes, or choose less.", lacking.join(", "));
        return Err(Error::invalid("token_scopes_missing", "purposes", detail));
    }
    let account_id = account_id.filter(|_| pasted.kind == Kind::ApiToken);
    Ok(Checked { workspace: uuid, slug: one_line(&slug, 100), scopes: told.0, account_id })
}

/// The workspace that a token works in, by what it may read there. What anybody may read proves nothing.
async fn reached(bitbucket: &Client, credential: &Credential, pasted: &Pasted, told: &mut Told) -> Result<Workspace> {
    let slug = pasted.workspace.as_str();
    let seen = match (pasted.kind, &pasted.reach_name) {
        (Kind::RepositoryToken, Some(repository)) => {
            let answer = ask(bitbucket, credential, &["repositories", slug, repository], &[]).await;
            let answer = answer.map_err(|failure| refused(pasted, &failure))?;
            must_be_of_kind(pasted, &answer)?;
            told.note_answer(&answer);
            vec![answer.json::<Repository>()?]
        }
        _ => {
            let listed = ask(bitbucket, credential, &["repositories", slug], &listing(pasted)).await;
            let listed = listed.map_err(|failure| refused(pasted, &failure))?;
            must_be_of_kind(pasted, &listed)?;
            told.note_answer(&listed);
            listed.json::<Page<Repository>>()?.values
        }
    };
    let sees_private = seen.iter().any(|repository| repository.is_private == Some(true));
    let workspace = seen.into_iter().find_map(|repository| repository.workspace);
    match (pasted.kind, workspace) {
        (Kind::ApiToken, Some(workspace)) => of_whose_it_is(bitbucket, credential, pasted, workspace).await,
        (Kind::ApiToken, None) => {
            // A workspace without repositories says who it is by itself.
            let answer = ask(bitbucket, credential, &["workspaces", slug], &[]).await;
            let workspace = answer.map_err(|failure| refused(pasted, &failure))?.json()?;
            of_whose_it_is(bitbucket, credential, pasted, workspace).await
        }
        (_, Some(workspace)) if sees_private || is_member(bitbucket, credential, pasted).await? => Ok(workspace),
        (Kind::RepositoryToken, None) => Err(Failure::Malformed.into()),
        (Kind::ProjectToken, None) => Err(unknown(pasted)),
        _ => Err(unproven(pasted)),
    }
}

/// The repositories that are asked for: those of the project, where the token is of one.
fn listing(pasted: &Pasted) -> Vec<(&'static str, String)> {
    let mut query = vec![("pagelen", "10".to_owned())];
    match (pasted.kind, &pasted.reach_name) {
        (Kind::ProjectToken, Some(key)) => query.push(("q", format!("project.key=\"{key}\""))),
        (Kind::RepositoryToken, Some(slug)) => query.push(("q", format!("slug=\"{slug}\""))),
        _ => {}
    }
    query
}

/// The workspace, when the person whose API token it is belongs to it.
async fn of_whose_it_is(bitbucket: &Client, credential: &Credential, pasted: &Pasted, workspace: Workspace) -> Result<Workspace> {
    let theirs = discovery::workspaces(bitbucket, credential).await.map_err(|failure| refused(pasted, &failure))?;
    let uuid = workspace.uuid.as_deref().and_then(parse_uuid);
    if theirs.iter().any(|one| Some(one.uuid) == uuid) { Ok(workspace) } else { Err(unproven(pasted)) }
}

/// Whether an access token is shown more there than the public is: only its own repositories are listed with this role.
async fn is_member(bitbucket: &Client, credential: &Credential, pasted: &Pasted) -> Result<bool> {
    let mut query = listing(pasted);
    query.push(("role", "member".to_owned()));
    let listed = ask(bitbucket, credential, &["repositories", &pasted.workspace], &query).await;
    let listed = listed.map_err(|failure| refused(pasted, &failure))?;
    Ok(!listed.json::<Page<Repository>>()?.values.is_empty())
}

async fn ask(
    bitbucket: &Client,
    credential: &Credential,
    segments: &[&str],
    query: &[(&str, String)],
) -> Result<Answer, Failure> {
    let path = ApiPath::of(segments).map_err(|_refused| Failure::NotFound)?;
    let call = query.iter().fold(Call::get(path), |call, (name, value)| call.with(name, value.clone()));
    bitbucket.call(credential, &call).await
}

/// Where Bitbucket names the kind of a token, it must be the kind that was said: its reach follows from it.
fn must_be_of_kind(pasted: &Pasted, answer: &Answer) -> Result<()> {
    let named = answer.header("x-credential-type").and_then(|named| match named {
        "workspace_access_token" => Some(Kind::WorkspaceToken),
        "project_access_token" => Some(Kind::ProjectToken),
        "repo_access_token" | "repository_access_token" => Some(Kind::RepositoryToken),
        "api_token" => Some(Kind::ApiToken),
        _ => None,
    });
    match named.filter(|named| *named != pasted.kind) {
        None => Ok(()),
        Some(kind) => {
            let detail =
                format!("Bitbucket says that this is another kind of token: {}. Choose that kind.", kind.name().to_lowercase());
            Err(Error::invalid("token_kind_differs", "kind", detail))
        }
    }
}

fn unknown(pasted: &Pasted) -> Error {
    let (field, what) = match pasted.kind {
        Kind::RepositoryToken => ("reach_name", "repository"),
        Kind::ProjectToken => ("reach_name", "project with a repository in it"),
        _ => ("workspace", "workspace"),
    };
    let detail = format!("Bitbucket shows this token no such {what}. Check the name, and that the token is of it.");
    Error::invalid("reach_unknown", field, detail)
}

/// Public repositories are shown to every token, so that they say nothing of where one belongs.
fn unproven(pasted: &Pasted) -> Error {
    let (field, detail) = match pasted.kind {
        Kind::ApiToken => (
            "workspace",
            "Whoever made this API token is not in this Bitbucket workspace. Check its name, or let somebody of it make the token.",
        ),
        Kind::WorkspaceToken => (
            "workspace",
            "Bitbucket shows this token nothing here that it does not show to everybody. Check the name, make the token in this \
             workspace itself, and let there be a repository in it.",
        ),
        _ => (
            "reach_name",
            "Bitbucket shows this token nothing here that it does not show to everybody. Check the names, and make the token in this \
             project or repository itself.",
        ),
    };
    Error::invalid("reach_unproven", field, detail)
}

fn refused(pasted: &Pasted, failure: &Failure) -> Error {
    match failure {
        Failure::NotAuthorised if pasted.kind == Kind::ApiToken => {
            let detail = "Bitbucket does not take this API token with this e-mail address. Check that the address is that of the \
                          Atlassian account, and that the token was made with scopes for Bitbucket. App passwords are taken no more.";
            Error::invalid("token_refused", "token", detail)
        }
        Failure::NotAuthorised => {
            let detail = "Bitbucket does not take this token: it has ended, was revoked, or is of another kind. App passwords are taken \
                          no more since 28 July 2026; make an access token or an API token instead.";
            Error::invalid("token_refused", "token", detail)
        }
        Failure::NotFound => unknown(pasted),
        Failure::MissingScopes { .. } | Failure::Forbidden { .. } => {
            Error::invalid("token_scopes_missing", "token", failure.remedy())
        }
        failure => failure.clone().into(),
    }
}
