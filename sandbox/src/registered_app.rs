//! Apps that are registered under "Develop apps", which the install page knows by their key.

use crate::bitbucket::Bitbucket;

/// A registered app.
#[derive(Clone)]
pub(crate) struct RegisteredApp {
    pub(crate) key: String,
    pub(crate) descriptor_url: String,
    pub(crate) secret: String,
}

impl Bitbucket {
    /// Registers an app, so that `/site/addons/authorize?addon_key=` finds it. An app that is registered already is replaced.
    pub fn register(&self, app_key: &str, descriptor_url: &str, secret: &str) {
        let app = RegisteredApp { key: app_key.to_owned(), descriptor_url: descriptor_url.to_owned(), secret: secret.to_owned() };
        let mut state = self.state();
        state.keep_secret(secret);
        state.registered_apps.retain(|registered| registered.key != app_key);
        state.registered_apps.push(app);
    }

    pub(crate) fn registered_app(&self, app_key: &str) -> Option<RegisteredApp> {
        self.state().registered_apps.iter().find(|app| app.key == app_key).cloned()
    }
}
