//! Installing and uninstalling: who is called with what, and whose secret signs it.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/authentication-for-apps/>.

use crate::{
    bitbucket::Bitbucket,
    calls::Sent,
    descriptor::Descriptor,
    installation::{App, Installation, Missing, Record},
    lifecycle_payload::LifecyclePayload,
};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The two shapes of a clientKey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKey {
    /// `ari:cloud:bitbucket::app/{workspace}/app-key`: the same again after an uninstall.
    Ari,
    /// `connection:<number>`: a new number after an uninstall.
    Connection,
}

/// What to install, where, and in which manner.
#[derive(Clone)]
pub struct Install {
    /// UUID or slug of the workspace.
    pub workspace: String,
    /// Where the descriptor is served.
    pub descriptor_url: String,
    /// Account id of the person who installs.
    pub actor: String,
    /// The shape of the clientKey.
    pub client_key: ClientKey,
    /// Whose secret signs.
    pub app: App,
    /// Leaves `sharedSecret` out, as was seen in installs into personal workspaces.
    pub omit_shared_secret: bool,
    /// Added to the body last: fields nobody has announced, or other values for those that are there.
    pub extra_fields: Map<String, Value>,
    /// Treats the app's answer as lost on the way: the app may have the new secret, Bitbucket keeps the old one.
    pub lose_answer: bool,
}

impl Install {
    /// An unregistered app with a clientKey of the ARI shape.
    #[must_use]
    pub fn new(workspace: &str, descriptor_url: &str, actor: &str) -> Self {
        Self {
            workspace: workspace.to_owned(),
            descriptor_url: descriptor_url.to_owned(),
            actor: actor.to_owned(),
            client_key: ClientKey::Ari,
            app: App::Unregistered,
            omit_shared_secret: false,
            extra_fields: Map::new(),
            lose_answer: false,
        }
    }
}

/// The app or its descriptor refused the install; what was before it stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallFailed {
    /// The app's status; 400 when Bitbucket itself refuses, 504 when the app did not answer.
    pub status: u16,
    /// The app's body, or the reason in one sentence.
    pub body: String,
}

impl Bitbucket {
    /// Installs an app as Bitbucket does: reads the descriptor, calls `installed` and keeps the new secret if the app agrees.
    /// An app that is installed already is installed again. The API accepts the new secret while the call is under way.
    ///
    /// # Errors
    /// A descriptor that Bitbucket refuses, or an answer that is not 2xx.
    pub async fn install(&self, install: &Install) -> Result<Installation, InstallFailed> {
        let descriptor = self.fetch_descriptor(&install.descriptor_url).await?;
        let client_key = self.client_key_for(install, &descriptor)?;
        let secret = match &install.app {
            App::Unregistered => new_secret(),
            App::Registered { secret } => secret.clone(),
        };
        // A registered app holds its secret already and must not believe the body, so something else stands there.
        let announced = if install.app == App::Unregistered { secret.clone() } else { new_secret() };
        let payload = LifecyclePayload {
            event: "installed",
            workspace: &install.workspace,
            app_key: &descriptor.key,
            client_key: &client_key,
            actor: Some(&install.actor),
            shared_secret: (!install.omit_shared_secret).then_some(announced.as_str()),
        };
        let mut body = self.lifecycle_payload(&payload).map_err(|missing| refused(&missing.to_string()))?;
        if let Some(fields) = body.as_object_mut() {
            fields.extend(install.extra_fields.clone());
        }
        let preceding = self.begin_install(install, &client_key, &descriptor, &secret);
        let signer = if install.app == App::Unregistered { preceding } else { Some(secret.clone()) };
        let answer = self.call_lifecycle("installed", &client_key, &descriptor, signer.as_deref(), body).await;
        let answer = if install.lose_answer { Err(refused("the answer was lost on the way")) } else { answer };
        self.finish_install(&client_key, descriptor, install, secret, answer)
    }

    /// Uninstalls an app; the answer is the status that the app gave, which does not keep Bitbucket from doing it.
    ///
    /// # Errors
    /// No such installation, or the app did not answer.
    pub async fn uninstall(&self, client_key: &str) -> Result<u16, Missing> {
        let (workspace, descriptor) =
            self.with_record(client_key, |record| (record.workspace.clone(), record.descriptor.clone()))?;
        let secret = self.secret_of(client_key)?;
        let app_key = &descriptor.key;
        let payload = LifecyclePayload {
            event: "uninstalled",
            workspace: &workspace,
            app_key,
            client_key,
            actor: None,
            shared_secret: None,
        };
        let body = self.lifecycle_payload(&payload)?;
        self.with_record(client_key, |record| record.active = false)?;
        let answer = self.call_lifecycle("uninstalled", client_key, &descriptor, Some(&secret), body).await;
        answer.map(|(status, _)| status).map_err(|failed| Missing(failed.body))
    }

    /// Reads an app's descriptor from where it is served.
    pub(crate) async fn fetch_descriptor(&self, url: &str) -> Result<Descriptor, InstallFailed> {
        let answer = self.client.get(url).send().await.map_err(unanswered)?;
        let status = answer.status();
        let body = answer.text().await.map_err(unanswered)?;
        if !status.is_success() {
            return Err(InstallFailed { status: status.as_u16(), body });
        }
        let document = serde_json::from_str(&body).map_err(|error| refused(&format!("the descriptor is not JSON: {error}")))?;
        Descriptor::parse(document).map_err(|reason| refused(&reason.to_string()))
    }

    fn client_key_for(&self, install: &Install, descriptor: &Descriptor) -> Result<String, InstallFailed> {
        let mut state = self.state();
        let workspace = state.world.workspace(&install.workspace).map(|workspace| workspace.uuid.clone());
        let workspace = workspace.ok_or_else(|| refused("no such workspace"))?;
        if install.client_key == ClientKey::Ari {
            return Ok(format!("ari:cloud:bitbucket::app/{workspace}/{}", descriptor.key));
        }
        let is_same = |record: &&Record| {
            record.active
                && record.workspace == workspace
                && record.descriptor.key == descriptor.key
                && record.client_key.starts_with("connection:")
        };
        if let Some(record) = state.installations.iter().find(is_same) {
            return Ok(record.client_key.clone());
        }
        state.last_connection += 1;
        Ok(format!("connection:{}", state.last_connection))
    }

    /// Opens the API for the new secret; returns the preceding one.
    fn begin_install(&self, install: &Install, client_key: &str, descriptor: &Descriptor, secret: &str) -> Option<String> {
        let mut state = self.state();
        state.keep_secret(secret);
        let workspace = state.world.workspace(&install.workspace).map(|workspace| workspace.uuid.clone()).unwrap_or_default();
        if let Some(record) = state.installations.iter_mut().find(|record| record.client_key == client_key) {
            record.pending_secret = Some(secret.to_owned());
            return record.secret.clone();
        }
        state.installations.push(Record {
            client_key: client_key.to_owned(),
            workspace,
            descriptor_url: install.descriptor_url.clone(),
            descriptor: descriptor.clone(),
            secret: None,
            pending_secret: Some(secret.to_owned()),
            active: false,
        });
        None
    }

    fn finish_install(
        &self,
        client_key: &str,
        descriptor: Descriptor,
        install: &Install,
        secret: String,
        answer: Result<(u16, String), InstallFailed>,
    ) -> Result<Installation, InstallFailed> {
        let outcome = self.with_record(client_key, |record| {
            record.pending_secret = None;
            let (status, body) = answer?;
            if !(200..300).contains(&status) {
                return Err(InstallFailed { status, body });
            }
            record.secret = Some(secret);
            record.descriptor_url.clone_from(&install.descriptor_url);
            record.descriptor = descriptor;
            record.active = true;
            Ok(record.installation())
        });
        // A first install that was refused leaves nothing behind.
        self.state().installations.retain(|record| record.secret.is_some() || record.pending_secret.is_some());
        outcome.map_err(|missing| refused(&missing.to_string()))?
    }

    async fn call_lifecycle(
        &self,
        event: &str,
        client_key: &str,
        descriptor: &Descriptor,
        secret: Option<&str>,
        body: Value,
    ) -> Result<(u16, String), InstallFailed> {
        let url = descriptor.lifecycle(event).ok_or_else(|| refused(&format!("the descriptor names no lifecycle.{event}")))?;
        let authorization =
            secret.map(|secret| format!("JWT {}", self.token_of(descriptor, client_key, "POST", &url, 3600).sign(secret)));
        let mut request = self.client.post(&url).header("User-Agent", "python-requests/2.22.0").json(&body);
        if let Some(authorization) = &authorization {
            request = request.header("Authorization", authorization);
        }
        let answer = request.send().await;
        let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        self.state().sent.push(Sent { event: event.to_owned(), url, authorization, body, status });
        let answer = answer.map_err(unanswered)?;
        Ok((answer.status().as_u16(), answer.text().await.map_err(unanswered)?))
    }
}

impl std::fmt::Display for InstallFailed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the install was refused with {}: {}", self.status, self.body)
    }
}

impl std::error::Error for InstallFailed {}

fn new_secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

fn refused(reason: &str) -> InstallFailed {
    InstallFailed { status: 400, body: reason.to_owned() }
}

fn unanswered(error: reqwest::Error) -> InstallFailed {
    InstallFailed { status: 504, body: error.without_url().to_string() }
}
