//! The calls of a Connect app about its own installation.

use reqwest::Method;
use uuid::Uuid;

use super::{WorkspaceName, path};
use crate::bitbucket::operation::Operation;
use crate::bitbucket::{Call, Client, Credential, Failure};

impl Client {
    /// Asks for the workspace's hooks, which only an installation with a right secret may: the proof of a shared secret. Bitbucket waits
    /// for our answer to its own call meanwhile, so this is made at once and once, whatever the budget says.
    ///
    /// # Errors
    /// A [`Failure`]; `NotAuthorised` when the secret is not Bitbucket's.
    pub async fn prove(&self, credential: &Credential, workspace: Uuid) -> Result<(), Failure> {
        let call = Call::get(path(["workspaces", &WorkspaceName::Uuid(workspace).segment(), "hooks"])?);
        self.ask(Operation::named("prove_secret").at_once(), credential, &call).await.map(|_answer| ())
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
