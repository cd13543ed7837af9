//! Webhooks of a workspace or repository (scope `webhook`, and that of each event): listed, made, changed and removed.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{RepositoryName, WorkspaceName, path};
use crate::bitbucket::answers::Hook;
use crate::bitbucket::operation::Operation;
use crate::bitbucket::path::ApiPath;
use crate::bitbucket::{Call, Client, Credential, Failure, Pages};
use crate::config::Secret;

/// What a webhook watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookPlace {
    /// All repositories of a workspace; for its admins only.
    Workspace(WorkspaceName),
    /// One repository.
    Repository(RepositoryName),
}

/// A webhook as we want it.
#[derive(Clone, Debug)]
pub struct NewHook {
    /// What people see in Bitbucket's settings.
    pub description: String,
    /// Where to deliver; Bitbucket must be able to resolve it.
    pub url: String,
    /// Whether to deliver.
    pub active: bool,
    /// What signs the deliveries, at most 128 characters; `None` keeps what is there.
    pub secret: Option<Secret>,
    /// What to deliver, such as `pullrequest:created`.
    pub events: Vec<String>,
}

impl HookPlace {
    fn path(&self, hook: Option<Uuid>) -> Result<ApiPath, Failure> {
        let hook = hook.map(|hook| format!("{{{hook}}}"));
        let mut below = vec!["hooks"];
        below.extend(hook.as_deref());
        match self {
            Self::Workspace(workspace) => {
                path(["workspaces".to_owned(), workspace.segment()].iter().map(String::as_str).chain(below))
            }
            Self::Repository(repository) => repository.path(&below),
        }
    }
}

impl NewHook {
    fn body(&self) -> Value {
        let mut body = json!({
            "description": self.description, "url": self.url, "active": self.active, "events": self.events,
        });
        if let (Some(secret), Some(fields)) = (&self.secret, body.as_object_mut()) {
            fields.insert("secret".to_owned(), Value::from(secret.expose()));
        }
        body
    }
}

impl Client {
    /// The webhooks of a workspace or repository.
    ///
    /// # Errors
    /// `NotFound` for a place that cannot be one; each page has its own.
    pub fn hooks(&self, credential: &Credential, place: &HookPlace) -> Result<Pages<Hook>, Failure> {
        Pages::new(self, Operation::named("hooks"), credential, place.path(None).map(Call::get))
    }

    /// Makes a webhook. Not repeated when no answer comes: look at the list first.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn create_hook(&self, credential: &Credential, place: &HookPlace, hook: &NewHook) -> Result<Hook, Failure> {
        let call = Call::new(Method::POST, place.path(None)?).json(hook.body());
        self.get(Operation::named("create_hook"), credential, &call).await
    }

    /// Changes a webhook to what is given.
    ///
    /// # Errors
    /// A [`Failure`]; `NotFound` when somebody has removed it.
    pub async fn update_hook(
        &self,
        credential: &Credential,
        place: &HookPlace,
        id: Uuid,
        hook: &NewHook,
    ) -> Result<Hook, Failure> {
        let call = Call::new(Method::PUT, place.path(Some(id))?).json(hook.body());
        self.get(Operation::named("update_hook").idempotent(), credential, &call).await
    }

    /// Removes a webhook.
    ///
    /// # Errors
    /// A [`Failure`]; `NotFound` when it is gone already.
    pub async fn delete_hook(&self, credential: &Credential, place: &HookPlace, id: Uuid) -> Result<(), Failure> {
        let call = Call::new(Method::DELETE, place.path(Some(id))?);
        self.ask(Operation::named("delete_hook").idempotent(), credential, &call).await.map(|_answer| ())
    }
}
