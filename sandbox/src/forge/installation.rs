//! What of Forge is installed where, and how its remote is reached.

use crate::{bitbucket::Bitbucket, installation::Missing};
use std::path::PathBuf;

/// A Forge app in a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeInstallation {
    /// The UUID of the installation, which another install does not have again.
    pub id: String,
    /// The app, `ari:cloud:ecosystem::app/<uuid>`.
    pub app_id: String,
    /// UUID of the workspace, in braces.
    pub workspace: String,
    /// The remote's `baseUrl`.
    pub remote_url: String,
    /// False after an uninstall.
    pub active: bool,
}

/// Where the app's manifest sends the calls that no page makes.
#[derive(Clone, Debug)]
pub struct ForgeRoutes {
    /// Events of repositories and pull requests.
    pub events: String,
    /// `installed` and `upgraded`.
    pub lifecycle: String,
    /// The hourly trigger.
    pub refresh: String,
    /// `preUninstall`.
    pub uninstall: String,
}

/// The one resource of the app's manifest, which its panel, its action and its settings page are shown with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgePage {
    /// The folder of the built Custom UI, with an `index.html` in it.
    pub folder: PathBuf,
    /// The title of panel and settings page.
    pub title: String,
    /// The title of the action in the menu of a pull request.
    pub action: String,
}

/// What to install, where, and in which manner.
#[derive(Clone, Debug)]
pub struct ForgeInstall {
    /// UUID or slug of the workspace.
    pub workspace: String,
    /// The app, `ari:cloud:ecosystem::app/<uuid>`.
    pub app_id: String,
    /// The remote's `baseUrl`.
    pub remote_url: String,
    /// Account id of the person who installs.
    pub installer: String,
    /// `PRODUCTION`, `STAGING` or `DEVELOPMENT`.
    pub environment: String,
    /// The scopes of the manifest. Without `read:app-system-token` and `read:app-user-token` no such token is sent.
    pub scopes: Vec<String>,
    /// Where calls of the platform go.
    pub routes: ForgeRoutes,
    /// What pages show of the app; `None` shows nothing.
    pub page: Option<ForgePage>,
}

/// An installation with all that Forge knows of it.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) workspace: String,
    pub(super) install: ForgeInstall,
    pub(super) version: u32,
    pub(super) active: bool,
}

impl ForgeInstall {
    /// The production app with the routes and the scopes that an app with a panel needs.
    #[must_use]
    pub fn new(workspace: &str, app_id: &str, remote_url: &str, installer: &str) -> Self {
        let scopes = [
            "read:app-system-token",
            "read:app-user-token",
            "read:repository:bitbucket",
            "read:pullrequest:bitbucket",
            "read:workspace:bitbucket",
        ];
        Self {
            workspace: workspace.to_owned(),
            app_id: app_id.to_owned(),
            remote_url: remote_url.to_owned(),
            installer: installer.to_owned(),
            environment: "PRODUCTION".to_owned(),
            scopes: scopes.map(str::to_owned).into(),
            routes: ForgeRoutes {
                events: "/forge/events".to_owned(),
                lifecycle: "/forge/lifecycle".to_owned(),
                refresh: "/forge/refresh".to_owned(),
                uninstall: "/forge/uninstall".to_owned(),
            },
            page: None,
        }
    }
}

impl Record {
    pub(super) fn installation(&self) -> ForgeInstallation {
        ForgeInstallation {
            id: self.id.clone(),
            app_id: self.install.app_id.clone(),
            workspace: self.workspace.clone(),
            remote_url: self.install.remote_url.clone(),
            active: self.active,
        }
    }

    pub(super) fn allows(&self, scope: &str) -> bool {
        self.install.scopes.iter().any(|granted| granted == scope)
    }
}

impl Bitbucket {
    /// All installations of Forge apps, also those that are uninstalled.
    #[must_use]
    pub fn forge_installations(&self) -> Vec<ForgeInstallation> {
        self.state().forge.installations.iter().map(Record::installation).collect()
    }

    /// The page of an installation that has not ended.
    pub(crate) fn forge_page(&self, installation: &str) -> Option<ForgePage> {
        self.forge_record(installation).ok().filter(|record| record.active)?.install.page
    }

    pub(super) fn forge_record(&self, installation: &str) -> Result<Record, Missing> {
        let found = self.state().forge.installations.iter().find(|record| record.id == installation).cloned();
        found.ok_or_else(|| Missing(format!("Forge installation {installation}")))
    }
}
