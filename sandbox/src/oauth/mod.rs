//! OAuth 2.0: consumers, codes and what they are exchanged for; the page asks, the API exchanges and lets tokens in.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/oauth-2/>.

mod switches;
mod tokens;

use crate::bitbucket::Bitbucket;
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

pub(crate) use switches::Switches;
pub use tokens::TokenPair;
pub(crate) use tokens::{Actor, Grant, Refresh};

/// How long a code waits to be exchanged.
const CODE_SECONDS: i64 = 600;

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
    code: String,
    client_id: String,
    redirect_uri: Option<String>,
    account_id: String,
    scopes: Vec<String>,
    expires_at: DateTime<Utc>,
}

/// Why nothing is handed out: the `error` and its description.
pub(crate) type Refusal = (&'static str, &'static str);

const NOT_A_CONSUMER: Refusal = ("unauthorized_client", "Requests must be authenticated using OAuth client credentials");

impl Consumer {
    /// Whether people may be sent back there: the callback itself, or what extends it.
    pub(crate) fn allows_callback(&self, address: &str) -> bool {
        let rest = address.strip_prefix(&self.callback_url);
        rest.is_some_and(|rest| rest.is_empty() || self.callback_url.ends_with('/') || rest.starts_with(['/', '?']))
    }
}

impl Bitbucket {
    /// Makes a consumer, or changes the one with this key.
    pub fn add_consumer(&self, consumer: Consumer) {
        let mut state = self.state();
        state.keep_secret(&consumer.client_secret);
        state.consumers.retain(|known| known.client_id != consumer.client_id);
        state.consumers.push(consumer);
    }

    pub(crate) fn consumer(&self, client_id: &str) -> Option<Consumer> {
        self.state().consumers.iter().find(|consumer| consumer.client_id == client_id).cloned()
    }

    /// The consumer that this key and secret are of.
    pub(crate) fn proven_consumer(&self, (client_id, client_secret): (&str, &str)) -> Result<Consumer, Refusal> {
        self.consumer(client_id).filter(|consumer| consumer.client_secret == client_secret).ok_or(NOT_A_CONSUMER)
    }

    /// The code that a person's consent is exchanged with. `asked` are the scopes that were asked for; none means all.
    pub(crate) fn grant(&self, consumer: &Consumer, redirect_uri: Option<String>, account_id: &str, asked: &[String]) -> String {
        let scopes = consumer.scopes.iter().filter(|scope| asked.is_empty() || asked.contains(scope)).cloned().collect();
        let code = Uuid::new_v4().simple().to_string();
        let expires_at = self.now() + Duration::seconds(CODE_SECONDS);
        let mut state = self.state();
        state.keep_secret(&code);
        state.codes.push(Code {
            code: code.clone(),
            client_id: consumer.client_id.clone(),
            redirect_uri,
            account_id: account_id.to_owned(),
            scopes,
            expires_at,
        });
        code
    }

    /// Spends a code for tokens.
    pub(crate) fn exchange(&self, client: (&str, &str), code: &str, redirect_uri: Option<&str>) -> Result<TokenPair, Refusal> {
        let consumer = self.proven_consumer(client)?;
        let now = self.now();
        let code = {
            let codes = &mut self.state().codes;
            let place = codes.iter().position(|known| known.code == code && known.client_id == consumer.client_id);
            place.map(|place| codes.remove(place)).filter(|code| code.expires_at > now)
        };
        let code = code.ok_or(("invalid_grant", "The specified code is not valid."))?;
        if code.redirect_uri.as_deref() != redirect_uri {
            return Err(("invalid_request", "Invalid redirect_uri"));
        }
        Ok(self.hand_out(&consumer.client_id, &code.account_id, &code.scopes))
    }
}
