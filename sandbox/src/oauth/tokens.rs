//! Access tokens and refresh tokens: handed out, rotated, let in, revoked.
//!
//! Refresh tokens rotate on every use; the old one stays good for about ten minutes after its first use, and one that nobody uses
//! for three months is dead. Source: <https://community.developer.atlassian.com/t/99003>.

use super::Refusal;
use crate::bitbucket::Bitbucket;
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

const GRACE_MINUTES: i64 = 10;
const UNUSED_DAYS: i64 = 90;

/// What the token endpoint hands out. It is secret, so it has no `Debug`.
#[derive(Clone)]
pub struct TokenPair {
    /// For the `Authorization: Bearer` header; longer than 2,500 characters, as real ones are.
    pub access_token: String,
    /// For the next pair; client credentials get none.
    pub refresh_token: Option<String>,
    /// What it may.
    pub scopes: Vec<String>,
    /// How long the access token lives.
    pub expires_in: i64,
}

/// In whose name a token acts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Actor {
    /// An account id.
    Person(String),
    /// The app of a workspace (UUID).
    App { workspace: String },
}

/// What an access token may do, and in whose name.
#[derive(Clone)]
pub(crate) struct Grant {
    token: String,
    pub(crate) client_id: String,
    pub(crate) actor: Actor,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// A refresh token.
pub(crate) struct Refresh {
    token: String,
    client_id: String,
    account_id: String,
    scopes: Vec<String>,
    issued_at: DateTime<Utc>,
    first_used_at: Option<DateTime<Utc>>,
}

impl Bitbucket {
    /// A pair as if this person (an account id) had granted these scopes on the consent page and the code had been exchanged.
    #[must_use]
    pub fn grant_directly(&self, client_id: &str, account_id: &str, scopes: &[&str]) -> TokenPair {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.hand_out(client_id, account_id, &scopes)
    }

    /// Ends what a person (an account id) has granted to a consumer, as under "App authorizations" of their settings.
    pub fn revoke_grants(&self, client_id: &str, account_id: &str) {
        let mut state = self.state();
        state.refreshes.retain(|known| known.client_id != client_id || known.account_id != account_id);
        let person = Actor::Person(account_id.to_owned());
        state.grants.retain(|grant| grant.client_id != client_id || grant.actor != person);
    }

    /// Ends every access token at once, as if their time were over; refresh tokens stay good.
    pub fn expire_access_tokens(&self) {
        let now = self.now();
        self.state().grants.iter_mut().for_each(|grant| grant.expires_at = now);
    }

    pub(crate) fn hand_out(&self, client_id: &str, account_id: &str, scopes: &[String]) -> TokenPair {
        let pair = self.access(client_id, Actor::Person(account_id.to_owned()), scopes);
        let refresh_token = Uuid::new_v4().simple().to_string();
        let refresh = Refresh {
            token: refresh_token.clone(),
            client_id: client_id.to_owned(),
            account_id: account_id.to_owned(),
            scopes: scopes.to_vec(),
            issued_at: self.now(),
            first_used_at: None,
        };
        let mut state = self.state();
        state.keep_secret(&refresh_token);
        state.refreshes.push(refresh);
        drop(state);
        TokenPair { refresh_token: Some(refresh_token), ..pair }
    }

    /// Another pair for a refresh token. That a dead one is an `invalid_grant` and one that never was an `invalid_request` is an
    /// assumption: both are documented, but not which comes when.
    pub(crate) fn refresh(&self, client: (&str, &str), token: &str) -> Result<TokenPair, Refusal> {
        let consumer = self.proven_consumer(client)?;
        let now = self.now();
        let (account_id, scopes) = {
            let mut state = self.state();
            let known = state.refreshes.iter_mut().find(|known| known.token == token && known.client_id == consumer.client_id);
            let known = known.ok_or(("invalid_request", "Invalid refresh_token"))?;
            let is_rotated = known.first_used_at.is_some_and(|used_at| now > used_at + Duration::minutes(GRACE_MINUTES));
            if is_rotated || now > known.issued_at + Duration::days(UNUSED_DAYS) {
                return Err(("invalid_grant", "The refresh token is expired or was used before."));
            }
            known.first_used_at.get_or_insert(now);
            (known.account_id.clone(), known.scopes.clone())
        };
        Ok(self.hand_out(&consumer.client_id, &account_id, &scopes))
    }

    /// A token for the consumer itself, which has to be private; there is no refresh token.
    pub(crate) fn client_credentials(&self, client: (&str, &str)) -> Result<TokenPair, Refusal> {
        let consumer = self.proven_consumer(client)?;
        let private = {
            let state = self.state();
            state.oauth.private_consumers.iter().find(|(client_id, _)| *client_id == consumer.client_id).cloned()
        };
        let (_, workspace) = private.ok_or(("unauthorized_client", "The consumer must be private to use client credentials."))?;
        Ok(self.access(&consumer.client_id, Actor::App { workspace }, &consumer.scopes))
    }

    /// The grant of an access token, also when its time is over.
    pub(crate) fn granted(&self, token: &str) -> Option<Grant> {
        self.state().grants.iter().find(|grant| grant.token == token).cloned()
    }

    fn access(&self, client_id: &str, actor: Actor, scopes: &[String]) -> TokenPair {
        let now = self.now();
        let mut state = self.state();
        let expires_in = state.oauth.token_seconds;
        let grant = Grant {
            token: Uuid::new_v4().simple().to_string().repeat(80),
            client_id: client_id.to_owned(),
            actor,
            scopes: scopes.to_vec(),
            expires_at: now + Duration::seconds(expires_in),
        };
        let access_token = grant.token.clone();
        state.keep_secret(&access_token);
        state.grants.push(grant);
        TokenPair { access_token, refresh_token: None, scopes: scopes.to_vec(), expires_in }
    }
}
