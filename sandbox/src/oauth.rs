//! Signing in by OAuth 2.0: consumers, codes and access tokens; the page asks, the API exchanges and lets tokens in.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/oauth-2/>.

use crate::bitbucket::Bitbucket;
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

/// How long a code waits to be exchanged.
const CODE_SECONDS: i64 = 600;
/// What real answers say.
pub(crate) const TOKEN_SECONDS: i64 = 7200;

/// An OAuth consumer of a workspace.
#[derive(Clone)]
pub struct Consumer {
    /// Its key.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Its one callback address; another may only extend it.
    pub callback_url: String,
    /// What it may at most, for instance `account`.
    pub scopes: Vec<String>,
}

/// What a person has granted, until the code is exchanged.
pub(crate) struct Code {
    pub(crate) code: String,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) account_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// What a token may do, and in whose name.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) token: String,
    pub(crate) account_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Why a code is not exchanged: the `error` and its description.
pub(crate) type Refusal = (&'static str, &'static str);

impl Bitbucket {
    /// Makes a consumer, or changes the one with this key.
    pub fn add_consumer(&self, consumer: Consumer) {
        let consumers = &mut self.state().consumers;
        consumers.retain(|known| known.client_id != consumer.client_id);
        consumers.push(consumer);
    }

    pub(crate) fn consumer(&self, client_id: &str) -> Option<Consumer> {
        self.state().consumers.iter().find(|consumer| consumer.client_id == client_id).cloned()
    }

    /// The code that a person's consent is exchanged with. `asked` are the scopes that were asked for; none means all.
    pub(crate) fn grant(&self, consumer: &Consumer, redirect_uri: Option<String>, account_id: &str, asked: &[String]) -> String {
        let scopes = consumer.scopes.iter().filter(|scope| asked.is_empty() || asked.contains(scope)).cloned().collect();
        let code = Uuid::new_v4().simple().to_string();
        let expires_at = self.now() + Duration::seconds(CODE_SECONDS);
        self.state().codes.push(Code {
            code: code.clone(),
            client_id: consumer.client_id.clone(),
            redirect_uri,
            account_id: account_id.to_owned(),
            scopes,
            expires_at,
        });
        code
    }

    /// Spends a code for a token.
    pub(crate) fn exchange(&self, client: (&str, &str), code: &str, redirect_uri: Option<&str>) -> Result<Grant, Refusal> {
        let (client_id, client_secret) = client;
        let now = self.now();
        let mut state = self.state();
        let is_known = |consumer: &Consumer| consumer.client_id == client_id && consumer.client_secret == client_secret;
        if !state.consumers.iter().any(is_known) {
            return Err(("unauthorized_client", "Requests must be authenticated using OAuth client credentials"));
        }
        let place = state.codes.iter().position(|known| known.code == code && known.client_id == client_id);
        let code = place.map(|place| state.codes.remove(place)).filter(|code| code.expires_at > now);
        let code = code.ok_or(("invalid_grant", "The specified code is not valid."))?;
        if code.redirect_uri.as_deref() != redirect_uri {
            return Err(("invalid_request", "Invalid redirect_uri"));
        }
        let grant = Grant {
            // As long as real ones, which fill a header.
            token: Uuid::new_v4().simple().to_string().repeat(80),
            account_id: code.account_id,
            scopes: code.scopes,
            expires_at: now + Duration::seconds(TOKEN_SECONDS),
        };
        state.grants.push(grant.clone());
        Ok(grant)
    }

    pub(crate) fn granted(&self, token: &str) -> Option<Grant> {
        let now = self.now();
        self.state().grants.iter().find(|grant| grant.token == token && grant.expires_at > now).cloned()
    }
}
