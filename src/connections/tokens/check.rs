//! Asking Bitbucket what a pasted token is: whether it is taken, where it reaches, which scopes it has. Only `tokens` calls it.

use super::{Pasted, beyond, proof};
use crate::bitbucket::{Answer, ApiPath, Call, Client, Credential, Failure, Page};
use crate::connections::budgets;
use crate::connections::discovery::{self, Reached};
use crate::connections::grants::Kind;
use crate::connections::repositories::{self, Listed};
use crate::error::{Error, Result};
use crate::people::pull_requests::parse_uuid;
use crate::people::text::one_line;
use serde::Deserialize;

/// What Bitbucket says of a token.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The Bitbucket workspace, and whether the token shows that somebody administers it.
    pub reached: Reached,
    /// The scopes, separated by blanks, where they can be told.
    pub scopes: Option<String>,
    /// Whose token it is, where it is a person's.
    pub account_id: Option<String>,
    /// The repository that it is the token of, which it chooses by that.
    pub repository: Option<Listed>,
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

impl Workspace {
    fn reached(self, is_administrator: bool) -> Result<Reached> {
        let (uuid, slug) = (self.uuid.as_deref().and_then(parse_uuid), self.slug);
        let (Some(uuid), Some(slug)) = (uuid, slug) else { return Err(Failure::Malformed.into()) };
        Ok(Reached { uuid, slug: one_line(&slug, 100), is_administrator })
    }
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    account_id: Option<String>,
}

/// What was learnt on the way.
#[derive(Default)]
pub(super) struct Told {
    scopes: Option<String>,
    /// Whether Bitbucket has shown that it is an access token of a whole workspace, which its administrators alone can make.
    is_a_workspaces: bool,
    /// The repository that it is the token of.
    repository: Option<Listed>,
}

impl Told {
    fn note_answer(&mut self, answer: &Answer) {
        if let Some(scopes) = answer.header("x-oauth-scopes").filter(|scopes| !scopes.trim().is_empty()) {
            self.scopes.get_or_insert_with(|| one_line(&scopes.replace(',', " "), 1000));
        }
        self.is_a_workspaces |= named_kind(answer) == Some(Kind::WorkspaceToken);
    }

    pub(super) fn note_failure(&mut self, failure: &Failure) {
        if let Failure::MissingScopes { granted, .. } = failure
            && !granted.is_empty()
        {
            self.scopes.get_or_insert_with(|| one_line(&granted.join(" "), 1000));
        }
    }
}

pub(super) async fn check(bitbucket: &Client, pasted: &Pasted) -> Result<Checked> {
    let credential = |budget: String| match &pasted.email {
        Some(email) => Credential::basic(budget, email.as_str(), pasted.token.clone()),
        None => Credential::bearer(budget, pasted.token.clone()),
    };
    let mut told = Told::default();
    let account_id = whose(bitbucket, &credential(budgets::of_token(&pasted.token)), pasted, &mut told).await?;
    let credential = credential(budgets::of(pasted.kind, account_id.as_deref(), None, &pasted.token, &pasted.workspace));
    let reached = reached(bitbucket, &credential, pasted, &mut told).await?;
    // A refusal names every scope that the token has, so something is asked that it need not be allowed.
    for unlikely in [&["user", "emails"][..], &["workspaces", &pasted.workspace, "hooks"][..]] {
        if told.scopes.is_none()
            && let Err(failure) = ask(bitbucket, &credential, unlikely, &[]).await
        {
            told.note_failure(&failure);
        }
    }
    let lacking = beyond(&pasted.purposes, told.scopes.as_deref());
    if !lacking.is_empty() {
        let has = told.scopes.unwrap_or_default();
        let detail =
            format!("This token does not suffice for {}: it has {has}. Give it more scopes, or choose less.", lacking.join(", "));
        return Err(Error::invalid("token_scopes_missing", "purposes", detail));
    }
    Ok(Checked { reached, scopes: told.scopes, account_id, repository: told.repository })
}

/// The account of the person whose token it is; `None` for what is nobody's, and where Bitbucket does not tell. Tokens of repositories and
/// projects may not ask this: the refusal then names every scope that they have.
async fn whose(bitbucket: &Client, credential: &Credential, pasted: &Pasted, told: &mut Told) -> Result<Option<String>> {
    let answer = match ask(bitbucket, credential, &["user"], &[]).await {
        Ok(answer) => answer,
        Err(failure @ Failure::NotAuthorised) if pasted.kind == Kind::ApiToken => return Err(refused(pasted, &failure)),
        Err(failure) => {
            told.note_failure(&failure);
            return Ok(None);
        }
    };
    must_be_of_kind(pasted, &answer)?;
    told.note_answer(&answer);
    let account_id = answer.json::<User>().ok().and_then(|user| user.account_id).map(|id| one_line(&id, 128));
    match (pasted.kind, &account_id) {
        (Kind::ApiToken, _) => Ok(account_id),
        (_, Some(_)) => {
            let detail = "Bitbucket says that this token is a person’s, and no access token. Paste a person’s API token as that.";
            Err(Error::invalid("token_kind_differs", "kind", detail))
        }
        // Of access tokens only a workspace's may have the scope for this: <https://support.atlassian.com/bitbucket-cloud/docs/access-tokens/>.
        (_, None) => {
            told.is_a_workspaces = true;
            Ok(None)
        }
    }
}

/// The workspace that a token works in, by what it may read there. What anybody may read proves nothing.
async fn reached(bitbucket: &Client, credential: &Credential, pasted: &Pasted, told: &mut Told) -> Result<Reached> {
    let slug = pasted.workspace.as_str();
    let seen = match (pasted.kind, &pasted.reach_name) {
        (Kind::RepositoryToken, Some(repository)) => {
            let answer = ask(bitbucket, credential, &["repositories", slug, repository], &[]).await;
            let answer = answer.map_err(|failure| refused(pasted, &failure))?;
            must_be_of_kind(pasted, &answer)?;
            told.note_answer(&answer);
            told.repository = repositories::listed(answer.json()?);
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
    let is_a_workspaces = pasted.kind == Kind::WorkspaceToken && told.is_a_workspaces;
    match (pasted.kind, workspace) {
        (Kind::ApiToken, Some(workspace)) => of_whose_it_is(bitbucket, credential, pasted, workspace).await,
        (Kind::ApiToken, None) => {
            // A workspace without repositories says who it is by itself.
            of_whose_it_is(bitbucket, credential, pasted, named(bitbucket, credential, pasted).await?).await
        }
        (_, Some(workspace)) if sees_private || is_member(bitbucket, credential, pasted).await? => {
            workspace.reached(is_a_workspaces)
        }
        (Kind::WorkspaceToken, _) => {
            let workspace = named(bitbucket, credential, pasted).await?.reached(is_a_workspaces)?;
            match proof::is_proven(bitbucket, credential, pasted, workspace.uuid, told).await? {
                true => Ok(workspace),
                false => Err(unproven(pasted)),
            }
        }
        (Kind::RepositoryToken, None) => Err(Failure::Malformed.into()),
        (Kind::ProjectToken, None) => Err(unknown(pasted)),
        _ => Err(unproven(pasted)),
    }
}

/// What a workspace says of itself to everybody.
async fn named(bitbucket: &Client, credential: &Credential, pasted: &Pasted) -> Result<Workspace> {
    let answer = ask(bitbucket, credential, &["workspaces", &pasted.workspace], &[]).await;
    Ok(answer.map_err(|failure| refused(pasted, &failure))?.json()?)
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
async fn of_whose_it_is(bitbucket: &Client, credential: &Credential, pasted: &Pasted, workspace: Workspace) -> Result<Reached> {
    let theirs = discovery::workspaces(bitbucket, credential).await.map_err(|failure| refused(pasted, &failure))?;
    let uuid = workspace.uuid.as_deref().and_then(parse_uuid);
    theirs.find(uuid).cloned().ok_or_else(|| {
        let error = unproven(pasted);
        let detail = format!("{}{}", error.detail, theirs.remark());
        Error::invalid("reach_unproven", "workspace", detail)
    })
}

/// Whether an access token is shown more there than the public is: only its own repositories are listed with this role.
async fn is_member(bitbucket: &Client, credential: &Credential, pasted: &Pasted) -> Result<bool> {
    let mut query = listing(pasted);
    query.push(("role", "member".to_owned()));
    let listed = ask(bitbucket, credential, &["repositories", &pasted.workspace], &query).await;
    let listed = listed.map_err(|failure| refused(pasted, &failure))?;
    Ok(!listed.json::<Page<Repository>>()?.values.is_empty())
}

pub(super) async fn ask(
    bitbucket: &Client,
    credential: &Credential,
    segments: &[&str],
    query: &[(&str, String)],
) -> Result<Answer, Failure> {
    let path = ApiPath::of(segments).map_err(|_refused| Failure::NotFound)?;
    let call = query.iter().fold(Call::get(path), |call, (name, value)| call.with(name, value.clone()));
    bitbucket.call(credential, &call).await
}

/// The kind of a token, where Bitbucket names it.
fn named_kind(answer: &Answer) -> Option<Kind> {
    match answer.header("x-credential-type")? {
        "workspace_access_token" => Some(Kind::WorkspaceToken),
        "project_access_token" => Some(Kind::ProjectToken),
        "repo_access_token" | "repository_access_token" => Some(Kind::RepositoryToken),
        "api_token" => Some(Kind::ApiToken),
        _ => None,
    }
}

/// Where Bitbucket names the kind of a token, it must be the kind that was said: its reach follows from it.
fn must_be_of_kind(pasted: &Pasted, answer: &Answer) -> Result<()> {
    let named = named_kind(answer);
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
            "Bitbucket shows this token nothing here that it does not show to everybody. Check the name, and make the token in this workspace \
             itself. While there is no repository in it, also give the token one of the scopes account, webhook or project.",
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
