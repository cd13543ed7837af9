//! Everything a door needs to know who calls through Forge: its keys, this app's id and the environments that are served.

use super::invocation_token::{Expected, Invocation, find_token, peek_key_id, verify};
use super::key_cache::KeyCache;
use super::refusal::Refusal;
use crate::config::{Forge, Now};

/// The verifier of this server's Forge app; clones share their keys.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: KeyCache,
    app_id: String,
    environments: Vec<String>,
}

impl Verifier {
    /// The verifier, or `None` when no Forge app is configured.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(settings: &Forge) -> Result<Option<Self>, reqwest::Error> {
        let Some(app_id) = settings.app_id.clone() else { return Ok(None) };
        let keys = KeyCache::new(settings.jwks_url.clone())?;
        Ok(Some(Self { keys, app_id, environments: settings.environments.clone() }))
    }

    /// What the call's invocation token says, from all its `Authorization` headers.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies.
    pub async fn invocation<'a>(
        &self,
        authorization_headers: impl IntoIterator<Item = &'a [u8]>,
        now: &Now,
    ) -> Result<Invocation, Refusal> {
        let token = find_token(authorization_headers)?;
        let key = self.keys.key(&peek_key_id(token)?, now).await?;
        let expected = Expected { app_id: &self.app_id, environments: &self.environments };
        verify(token, &key, &expected, now.unix_seconds())
    }
}
