//! What is installed where, with which secret; the lifecycle writes it, everything that signs or verifies reads it.

use crate::{bitbucket::Bitbucket, descriptor::Descriptor, token::Token};

/// An app in a workspace, as far as it is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Names the installation in every token.
    pub client_key: String,
    /// Which app.
    pub app_key: String,
    /// The app's `baseUrl`.
    pub base_url: String,
    /// UUID of the workspace, in braces.
    pub workspace: String,
    /// False after an uninstall; the record stays because the next install is signed with its secret.
    pub active: bool,
}

/// Whose secret signs.
#[derive(Clone, PartialEq, Eq)]
pub enum App {
    /// Installed by its descriptor's address: every installation gets a secret of its own in the `installed` body.
    Unregistered,
    /// Registered under "Develop apps": one secret, which the app already holds, signs for every workspace, the first install too.
    Registered {
        /// The app's secret.
        secret: String,
    },
}

/// Something that was asked for by name and is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub String);

/// An installation with all that Bitbucket knows of it.
pub(crate) struct Record {
    pub(crate) client_key: String,
    pub(crate) workspace: String,
    pub(crate) descriptor_url: String,
    pub(crate) descriptor: Descriptor,
    /// Set by the first install that the app accepted.
    pub(crate) secret: Option<String>,
    /// The secret of an `installed` call that is under way; the API accepts it already.
    pub(crate) pending_secret: Option<String>,
    pub(crate) active: bool,
}

impl Record {
    pub(crate) fn installation(&self) -> Installation {
        Installation {
            client_key: self.client_key.clone(),
            app_key: self.descriptor.key.clone(),
            base_url: self.descriptor.base_url.clone(),
            workspace: self.workspace.clone(),
            active: self.active,
        }
    }

    /// The secrets with which the API accepts tokens now.
    pub(crate) fn accepted_secrets(&self) -> impl Iterator<Item = &str> {
        let current = self.secret.as_deref().filter(|_| self.active);
        self.pending_secret.as_deref().into_iter().chain(current)
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the sandbox has no {}", self.0)
    }
}

impl std::error::Error for Missing {}

impl Bitbucket {
    /// All installations, also those that are uninstalled.
    #[must_use]
    pub fn installations(&self) -> Vec<Installation> {
        self.state().installations.iter().map(Record::installation).collect()
    }

    /// The secret that the app accepted last.
    ///
    /// # Errors
    /// No such installation, or the app has accepted none.
    pub fn secret_of(&self, client_key: &str) -> Result<String, Missing> {
        self.with_record(client_key, |record| record.secret.clone())?.ok_or_else(|| Missing(format!("secret of {client_key}")))
    }

    /// A token for a request to the app, complete but for the secret: valid from now for `lifetime_seconds`.
    ///
    /// # Errors
    /// No such installation.
    pub fn token(&self, client_key: &str, method: &str, url: &str, lifetime_seconds: i64) -> Result<Token, Missing> {
        let descriptor = self.with_record(client_key, |record| record.descriptor.clone())?;
        Ok(self.token_of(&descriptor, client_key, method, url, lifetime_seconds))
    }

    /// A compact token for a request to the app, signed with the installation's secret and valid for an hour, as lifecycle calls,
    /// webhooks and install redirects carry it. `url` is absolute or relative to `baseUrl`.
    ///
    /// # Errors
    /// No such installation, or it has no secret yet.
    pub fn sign(&self, client_key: &str, method: &str, url: &str) -> Result<String, Missing> {
        let token = self.token(client_key, method, url, 3600)?.sign(&self.secret_of(client_key)?);
        self.state().keep_secret(&token);
        Ok(token)
    }

    pub(crate) fn token_of(
        &self,
        descriptor: &Descriptor,
        client_key: &str,
        method: &str,
        url: &str,
        lifetime_seconds: i64,
    ) -> Token {
        let (path, query) = descriptor.signed_parts(&descriptor.absolute(url));
        let now = self.now().timestamp();
        Token::new(client_key).issued_at(now).expires_at(now + lifetime_seconds).request(method, &path, &query)
    }

    pub(crate) fn with_record<T>(&self, client_key: &str, read: impl FnOnce(&mut Record) -> T) -> Result<T, Missing> {
        let mut state = self.state();
        let record = state.installations.iter_mut().find(|record| record.client_key == client_key);
        record.map(read).ok_or_else(|| Missing(format!("installation {client_key}")))
    }
}
