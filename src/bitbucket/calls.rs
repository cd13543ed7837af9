//! The calls of the app itself, about its own installation and what its panel shows.

use reqwest::Method;
use uuid::Uuid;

use super::answers::{Membership, Page, PullRequest, Workspace};
use super::operation::Operation;
use super::path::ApiPath;
use super::{Call, Client, Credential, Failure};

/// Which repository is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepositoryName {
    /// By its UUID, which outlives a rename.
    Uuid(Uuid),
    /// By its `workspace/repository`.
    Full(String),
}

impl RepositoryName {
    /// The two segments that name it.
    pub(super) fn segments(&self) -> [String; 2] {
        match self {
            // Bitbucket takes empty braces for the workspace when the repository is named by its UUID.
            Self::Uuid(uuid) => ["{}".to_owned(), format!("{{{uuid}}}")],
            Self::Full(name) => {
                let (workspace, repository) = name.split_once('/').unwrap_or((name, ""));
                [workspace.to_owned(), repository.to_owned()]
            }
        }
    }
}

/// A path with these segments; what cannot be a segment names nothing.
pub(super) fn path<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Result<ApiPath, Failure> {
    ApiPath::of(segments).map_err(|refusal| {
        tracing::debug!(code = refusal.code(), "a name that cannot be one was asked for");
        Failure::NotFound
    })
}

impl Client {
    /// Asks for the workspace's hooks, which only an installation with a right secret may: the proof of a shared secret.
    ///
    /// # Errors
    /// A [`Failure`]; `NotAuthorised` when the secret is not Bitbucket's.
    pub async fn prove(&self, credential: &Credential, workspace: Uuid) -> Result<(), Failure> {
        let call = Call::get(path(["workspaces", &format!("{{{workspace}}}"), "hooks"])?);
        self.ask(Operation::named("prove_secret"), credential, &call).await.map(|_answer| ())
    }

    /// The workspace's slug and name.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn workspace(&self, credential: &Credential, workspace: Uuid) -> Result<Workspace, Failure> {
        let call = Call::get(path(["workspaces", &format!("{{{workspace}}}")])?);
        self.get(Operation::named("workspace"), credential, &call).await
    }

    /// A part of the workspace's members: the first hundred, or what the `next` of the part before names.
    ///
    /// # Errors
    /// A [`Failure`]; `Malformed` when `next` leads anywhere but to the API that was asked.
    pub async fn workspace_members(
        &self,
        credential: &Credential,
        workspace: Uuid,
        next: Option<&str>,
    ) -> Result<Page<Membership>, Failure> {
        let operation = Operation::named("workspace_members");
        let first = Call::get(path(["workspaces", &format!("{{{workspace}}}"), "members"])?).with("pagelen", "100");
        let target = next.map_or_else(|| Ok(first.target()), |next| self.target_of(next))?;
        self.send(operation, credential, &Method::GET, &target, None).await?.json()
    }

    /// A pull request with its participants.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn pull_request(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        number: i64,
    ) -> Result<PullRequest, Failure> {
        let [workspace, repository] = repository.segments();
        let call = Call::get(path(["repositories", &workspace, &repository, "pullrequests", &number.to_string()])?);
        self.get(Operation::named("pull_request"), credential, &call).await
    }

    /// Replaces the descriptor of this installation.
    ///
    /// # Errors
    /// A [`Failure`]; `Refused` when the scopes have grown.
    pub async fn put_descriptor(&self, credential: &Credential, descriptor: &serde_json::Value) -> Result<(), Failure> {
        let call = Call::new(Method::PUT, path(["addon"])?).json(serde_json::json!({ "descriptor": descriptor }));
        self.ask(Operation::named("put_addon"), credential, &call).await.map(|_answer| ())
    }

    /// Removes this installation.
    ///
    /// # Errors
    /// A [`Failure`]; `NotFound` when it is gone already.
    pub async fn remove_app(&self, credential: &Credential) -> Result<(), Failure> {
        let call = Call::new(Method::DELETE, path(["addon"])?);
        self.ask(Operation::named("remove_addon"), credential, &call).await.map(|_answer| ())
    }
}
