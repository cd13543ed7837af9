//! The access tokens that Forge sends along: the app's own, which it caches, and those of people.
//!
//! Source: <https://developer.atlassian.com/platform/forge/remote/calling-product-apis/>.

use super::installation::Record;
use crate::{bitbucket::Bitbucket, installation::Missing};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use uuid::Uuid;

const LIFETIME_SECONDS: i64 = 4 * 60 * 60;
/// A cached token is sent along for as long as it has this much left.
const LEAST_LEFT_SECONDS: i64 = 2 * 60 * 60;

/// A token that the API accepts while its installation is there.
#[derive(Clone)]
pub(crate) struct AccessToken {
    token: String,
    installation: String,
    account_id: Option<String>,
    expires_at: i64,
}

/// What a token allows.
pub(crate) struct Access {
    pub(crate) installation: String,
    pub(crate) workspace: String,
    pub(crate) scopes: Vec<String>,
}

impl Bitbucket {
    /// The access token that Forge would send along now: the app's own, or that of a viewer (an account id).
    ///
    /// # Errors
    /// No such installation.
    pub fn forge_access_token(&self, installation: &str, viewer: Option<&str>) -> Result<String, Missing> {
        Ok(self.access_token(&self.forge_record(installation)?, viewer))
    }

    /// The headers with tokens for a call, as far as the manifest's scopes allow them: the app's own, and the viewer's.
    pub(super) fn forge_token_headers(&self, record: &Record, viewer: Option<&str>) -> Vec<(&'static str, String)> {
        let system = record.allows("read:app-system-token").then(|| ("x-forge-oauth-system", self.access_token(record, None)));
        let viewer = viewer.filter(|_| record.allows("read:app-user-token"));
        let user = viewer.map(|viewer| ("x-forge-oauth-user", self.access_token(record, Some(viewer))));
        system.into_iter().chain(user).collect()
    }

    /// What this token allows now: nothing once its installation has ended.
    pub(crate) fn forge_access(&self, token: &str) -> Option<Access> {
        let now = self.now().timestamp();
        let forge = &self.state().forge;
        let found = forge.access_tokens.iter().find(|known| known.token == token && known.expires_at > now)?;
        let record = forge.installations.iter().find(|record| record.id == found.installation && record.active)?;
        Some(Access {
            installation: record.id.clone(),
            workspace: record.workspace.clone(),
            scopes: record.install.scopes.clone(),
        })
    }

    fn access_token(&self, record: &Record, account_id: Option<&str>) -> String {
        let now = self.now().timestamp();
        let mut state = self.state();
        let known = &mut state.forge.access_tokens;
        let is_cached = |known: &&AccessToken| {
            known.installation == record.id
                && known.account_id.as_deref() == account_id
                && known.expires_at - now >= LEAST_LEFT_SECONDS
        };
        if let Some(cached) = known.iter().find(is_cached) {
            return cached.token.clone();
        }
        let expires_at = now + LIFETIME_SECONDS;
        let claims = json!({ "exp": expires_at, "jti": Uuid::new_v4() });
        // Only `exp` may be read of it; the rest is as long as a real one and means nothing.
        let rest = Uuid::new_v4().simple().to_string().repeat(10);
        let token = format!("{}.{}.{rest}", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let account_id = account_id.map(str::to_owned);
        known.push(AccessToken { token: token.clone(), installation: record.id.clone(), account_id, expires_at });
        state.keep_secret(&token);
        token
    }
}
