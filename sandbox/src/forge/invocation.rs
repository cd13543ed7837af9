//! Invocation tokens as Forge mints them for each kind of call, claim by claim as documented.

use super::{installation::Record, token::ForgeToken};
use crate::{bitbucket::Bitbucket, installation::Missing, signing::hexadecimal};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const LIFETIME_SECONDS: i64 = 25;

/// Who calls the remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForgeCaller<'a> {
    /// The panel on a pull request, in somebody's browser.
    Panel {
        /// Account id of the viewer.
        viewer: &'a str,
        /// UUID, slug or name in full of the repository.
        repository: &'a str,
        /// The number of the pull request.
        pull_request: u64,
    },
    /// The item in the menu of a pull request, in somebody's browser.
    Action {
        /// Account id of the viewer.
        viewer: &'a str,
        /// UUID, slug or name in full of the repository.
        repository: &'a str,
        /// The number of the pull request.
        pull_request: u64,
    },
    /// The app's settings page in the workspace, in somebody's browser.
    Settings {
        /// Account id of the viewer.
        viewer: &'a str,
    },
    /// An event.
    Trigger,
    /// The clock.
    ScheduledTrigger,
    /// The end of the installation.
    PreUninstall,
}

impl<'a> ForgeCaller<'a> {
    /// The person, if it is one.
    pub(super) fn viewer(self) -> Option<&'a str> {
        match self {
            Self::Panel { viewer, .. } | Self::Action { viewer, .. } | Self::Settings { viewer } => Some(viewer),
            Self::Trigger | Self::ScheduledTrigger | Self::PreUninstall => None,
        }
    }

    /// Type and key of the module.
    fn module(self) -> (&'static str, &'static str) {
        match self {
            Self::Panel { .. } => ("bitbucket:repoPullRequestOverviewPanel", "panel"),
            Self::Action { .. } => ("bitbucket:repoPullRequestAction", "action"),
            Self::Settings { .. } => ("bitbucket:workspaceSettingsMenuPage", "settings"),
            Self::Trigger => ("core:endpoint", "events"),
            Self::ScheduledTrigger => ("core:endpoint", "refresh"),
            Self::PreUninstall => ("core:endpoint", "uninstall"),
        }
    }
}

impl Bitbucket {
    /// The invocation token of a call, complete but for the signature: valid from now for 25 seconds.
    ///
    /// # Errors
    /// No such installation, person or pull request.
    pub fn forge_token(&self, installation: &str, caller: ForgeCaller<'_>) -> Result<ForgeToken, Missing> {
        let record = self.forge_record(installation)?;
        let (type_of_module, module_key) = caller.module();
        let now = self.now().timestamp();
        let app_id = &record.install.app_id;
        let installation_id = format!("ari:cloud:ecosystem::installation/{}", record.id);
        let mut claims = json!({
            "app": {
                "id": app_id,
                "installationId": installation_id,
                "apiBaseUrl": self.url,
                "appVersion": format!("{}.0.0", record.version),
                "environment": { "type": record.install.environment, "id": environment_id(&record) },
                "module": { "type": type_of_module, "key": module_key },
                "installation": {
                    "id": installation_id,
                    "contexts": [{ "name": "bitbucket", "apiBaseUrl": self.url, "workspaceId": bare(&record.workspace) }],
                },
            },
            "iss": "forge/invocation-token",
            "aud": app_id,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": token_id(),
        });
        if let Some(viewer) = caller.viewer() {
            if self.world(|world| world.user(viewer).is_none()) {
                return Err(Missing(format!("person {viewer}")));
            }
            claims["principal"] = json!(viewer);
            claims["context"] = json!({
                "workspaceId": record.workspace,
                "moduleKey": module_key,
                "localId": format!("{app_id}/{module_key}"),
                "siteUrl": self.url,
                "environmentId": environment_id(&record),
                "environmentType": record.install.environment,
                "accountId": viewer,
                "extension": self.extension(&record, caller)?,
            });
        }
        Ok(ForgeToken::new(self.state().forge.signing_key, claims))
    }

    fn extension(&self, record: &Record, caller: ForgeCaller<'_>) -> Result<Value, Missing> {
        let (type_of_module, module_key) = caller.module();
        let state = self.state();
        let slug = state.world.workspace(&record.workspace).map(|workspace| workspace.slug.clone()).unwrap_or_default();
        let (repository, number) = match caller {
            ForgeCaller::Panel { repository, pull_request, .. } | ForgeCaller::Action { repository, pull_request, .. } => {
                (repository, pull_request)
            }
            _ => {
                let location = format!("{}/{slug}/workspace/settings/forge/{}/{module_key}", self.url, record.id);
                let workspace = json!({ "uuid": record.workspace });
                return Ok(json!({ "type": type_of_module, "workspace": workspace, "location": location }));
            }
        };
        let missing = || Missing(format!("pull request {repository}#{number}"));
        let pull_request = state.world.pull_request(repository, number).ok_or_else(missing)?;
        let repository = state.world.repository(&pull_request.repository);
        let repository = repository.filter(|it| it.workspace == record.workspace).ok_or_else(missing)?;
        Ok(json!({
            "type": type_of_module,
            "repository": { "uuid": repository.uuid },
            "pullRequest": { "id": number },
            "location": format!("{}/{slug}/{}/pull-requests/{number}", self.url, repository.slug),
        }))
    }
}

/// A UUID without the braces that Bitbucket writes around it.
pub(super) fn bare(uuid: &str) -> &str {
    uuid.trim_matches(['{', '}'])
}

/// The same environment for all installations of an app.
pub(super) fn environment_id(record: &Record) -> String {
    let app = record.install.app_id.rsplit('/').next().unwrap_or_default();
    let seed = hexadecimal(&Sha256::digest(format!("{app} {}", record.install.environment)));
    let part = |range| seed.get::<std::ops::Range<usize>>(range).unwrap_or_default();
    format!(
        "ari:cloud:ecosystem::environment/{app}/{}-{}-4{}-8{}-{}",
        part(0..8),
        part(8..12),
        part(13..16),
        part(17..20),
        part(20..32)
    )
}

/// Forty hexadecimal digits.
fn token_id() -> String {
    let digest = hexadecimal(&Sha256::digest(Uuid::new_v4().as_bytes()));
    digest.chars().take(40).collect()
}
