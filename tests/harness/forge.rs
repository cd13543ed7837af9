//! An installed Forge app, and calls of Forge that a test can change before they are sent.

use bitbucket_sandbox::{ForgeCaller, ForgeInstall, ForgeInstallation, ForgeToken};
use clarityloop_bitbucket::connections::claims;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::ids::InstallationId;
use clarityloop_bitbucket::storage::schema::installations;
use diesel::prelude::*;
use serde_json::Value;

use super::{INGRID, LUMENPAY, Page, Test};

/// The app that the server serves.
pub const APP: &str = "ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000001";
/// The settings of a server with that app.
pub const FORGE: &[(&str, &str)] = &[("CLARITYLOOP__FORGE__APP_ID", APP)];

impl Test {
    /// What is installed in `lumenpay`, for a test to change.
    pub fn to_install_forge(&self) -> ForgeInstall {
        ForgeInstall::new(LUMENPAY, APP, &self.url, INGRID)
    }

    /// Installs the Forge app in `lumenpay` and has it described; it waits, or has joined.
    pub async fn install_forge(&self) -> ForgeInstallation {
        let installation = self.sandbox.install_forge(&self.to_install_forge()).await.expect("the Forge app installs");
        self.run_jobs().await;
        installation
    }

    /// Installs the Forge app and claims it, as the workspace's owner.
    pub async fn installed_forge(&self) -> ForgeInstallation {
        let installation = self.install_forge().await;
        self.claim_forge(&installation).await;
        installation
    }

    /// Claims a Forge installation by a link, as the workspace's owner.
    pub async fn claim_forge(&self, installation: &ForgeInstallation) {
        let session = self.session(&self.made.owner).await;
        let link = self.forge_claim_link(installation).await;
        let csrf = self.get_as(&session, &link).await.field("csrf");
        let claimed = self.post_as(&session, &link, &[("csrf", &csrf)]).await;
        assert_eq!(claimed.status, 303, "{}", claimed.body);
        self.run_jobs().await;
    }

    /// The path of a new claim link of a Forge installation.
    pub async fn forge_claim_link(&self, installation: &ForgeInstallation) -> String {
        let (key, now) = (installation.id.clone(), self.server.app.now());
        let link = self.server.app.write(move |connection: &mut AnyConnection| {
            let row = installations::table.filter(installations::client_key.eq(key)).select(installations::id);
            let id: InstallationId = row.first(connection)?;
            claims::new_link(connection, &id, &now)
        });
        let link = link.await.expect("a link");
        super::secrets::keep(link.expose());
        format!("/claim/{}", link.expose())
    }

    /// The state of a Forge installation in the database; `None` when it is not known.
    pub async fn forge_state(&self, installation: &ForgeInstallation) -> Option<String> {
        let key = installation.id.clone();
        let read = move |connection: &mut AnyConnection| {
            let row = installations::table.filter(installations::client_key.eq(key)).select(installations::state);
            Ok(row.first(connection).optional()?)
        };
        self.server.app.read(read).await.expect("a state")
    }

    /// The token of a call of an installation, for a test to change.
    pub fn forge_token(&self, installation: &ForgeInstallation, caller: ForgeCaller<'_>) -> ForgeToken {
        self.sandbox.forge_token(&installation.id, caller).expect("a token")
    }

    /// Posts to a door with an invocation token of the test's own making.
    pub async fn forge_post(&self, path: &str, token: &str, body: &Value) -> Page {
        super::secrets::keep(token);
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(token).json(body);
        Page::read(request.send().await.expect("an answer")).await
    }
}
