//! The life of a Forge installation: installed, upgraded, refreshed every hour, uninstalled.
//!
//! Source: <https://developer.atlassian.com/platform/forge/events-reference/life-cycle/>.

use super::{
    installation::{ForgeInstall, ForgeInstallation, Record},
    invocation::ForgeCaller,
    payload,
};
use crate::{bitbucket::Bitbucket, installation::Missing};
use serde_json::json;
use uuid::Uuid;

impl Bitbucket {
    /// Installs a Forge app and delivers `avi:forge:installed:app`. The app is installed whatever its remote answers.
    ///
    /// # Errors
    /// No such person, or no workspace to install in: a personal one takes no Forge app, and a workspace the same app only once.
    pub async fn install_forge(&self, install: &ForgeInstall) -> Result<ForgeInstallation, Missing> {
        let record = self.new_record(install)?;
        let installation = record.installation();
        self.state().forge.installations.push(record.clone());
        let body = payload::lifecycle(&record, "avi:forge:installed:app");
        self.deliver_to(&record.id, install.routes.lifecycle.clone(), body).await?;
        Ok(installation)
    }

    /// Upgrades the app to its next major version and delivers `avi:forge:upgraded:app`, as long as it is installed.
    ///
    /// # Errors
    /// No such installation, or it has ended.
    pub async fn upgrade_forge(&self, installation: &str) -> Result<Option<u16>, Missing> {
        let record = self.change(installation, |record| record.version += 1)?;
        let body = payload::lifecycle(&record, "avi:forge:upgraded:app");
        self.deliver_to(installation, record.install.routes.lifecycle, body).await
    }

    /// An hour passes: the scheduled trigger calls, without anything to say. It is not tried again.
    ///
    /// # Errors
    /// No such installation, or it has ended.
    pub async fn run_forge_schedule(&self, installation: &str) -> Result<Option<u16>, Missing> {
        let record = self.change(installation, |_| ())?;
        self.call_remote(installation, &record.install.routes.refresh, ForgeCaller::ScheduledTrigger, json!({})).await
    }

    /// Calls `preUninstall` and ends the installation whatever the answer is; its access tokens end with it.
    ///
    /// # Errors
    /// No such installation, or it has ended already.
    pub async fn uninstall_forge(&self, installation: &str) -> Result<Option<u16>, Missing> {
        let record = self.change(installation, |_| ())?;
        let route = record.install.routes.uninstall;
        let answer = self.call_remote(installation, &route, ForgeCaller::PreUninstall, json!({})).await;
        self.change(installation, |record| record.active = false)?;
        answer
    }

    fn new_record(&self, install: &ForgeInstall) -> Result<Record, Missing> {
        let state = self.state();
        let workspace = state.world.workspace(&install.workspace).filter(|workspace| !workspace.personal);
        let workspace = workspace.ok_or_else(|| Missing(format!("shared workspace {}", install.workspace)))?;
        if state.world.user(&install.installer).is_none() {
            return Err(Missing(format!("person {}", install.installer)));
        }
        let is_there = |record: &Record| {
            record.active
                && record.workspace == workspace.uuid
                && record.install.app_id == install.app_id
                && record.install.environment == install.environment
        };
        if state.forge.installations.iter().any(is_there) {
            return Err(Missing(format!("workspace without {}", install.app_id)));
        }
        Ok(Record {
            id: Uuid::new_v4().to_string(),
            workspace: workspace.uuid.clone(),
            install: install.clone(),
            version: 1,
            active: true,
        })
    }

    /// Changes an installation that has not ended.
    fn change(&self, installation: &str, change: impl FnOnce(&mut Record)) -> Result<Record, Missing> {
        let mut state = self.state();
        let mut records = state.forge.installations.iter_mut();
        let record = records.find(|record| record.id == installation && record.active);
        let record = record.ok_or_else(|| Missing(format!("active Forge installation {installation}")))?;
        change(record);
        Ok(record.clone())
    }
}
