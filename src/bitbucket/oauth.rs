//! Signing in with Bitbucket (OAuth 2.0, authorization code): where a person is sent, and who came back. Used by the pages.
//!
//! The protocol is in <https://developer.atlassian.com/cloud/bitbucket/oauth-2/>.

use reqwest::Url;
use serde::Deserialize;
use uuid::Uuid;

use super::calls::path;
use super::operation::Operation;
use super::{Call, Client, Credential, Failure};
use crate::config::Secret;

/// Who the account is, and its addresses; nothing else.
const SCOPES: &str = "account email";
/// More addresses than anybody has.
const MOST_EMAILS: usize = 1_000;

/// This server as Bitbucket knows it: an OAuth consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// The site where people are asked.
    pub web_url: String,
    /// The consumer's key.
    pub client_id: String,
    /// The consumer's secret.
    pub client_secret: Secret,
    /// Where people come back to.
    pub callback: String,
}

/// The account of whoever signed in.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// The Atlassian account id; absent for what is no person.
    #[serde(default)]
    pub account_id: Option<String>,
    #[serde(default)]
    uuid: Option<String>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

impl Consumer {
    /// Where a person is asked for consent; `state` comes back with them. `None` when the site's address is none.
    pub fn authorize_url(&self, state: &str) -> Option<String> {
        let base = format!("{}/site/oauth2/authorize", self.web_url);
        let parameters = [
            ("client_id", self.client_id.as_str()),
            ("response_type", "code"),
            ("state", state),
            ("scope", SCOPES),
            ("redirect_uri", &self.callback),
        ];
        Url::parse_with_params(&base, parameters).ok().map(String::from)
    }
}

impl Account {
    /// The Bitbucket UUID, which is written in braces.
    pub fn uuid(&self) -> Option<Uuid> {
        self.uuid.as_deref().and_then(|uuid| Uuid::try_parse(uuid.trim_matches(['{', '}'])).ok())
    }
}

impl Client {
    /// Exchanges the code that a person came back with for their access token, which is used for the calls below and dropped.
    ///
    /// # Errors
    /// A [`Failure`]; `NotAuthorised` when the consumer is wrong, `GrantEnded` or `Refused` when the code is.
    pub async fn exchange_code(&self, consumer: &Consumer, code: &str) -> Result<Credential, Failure> {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &consumer.callback)];
        let request = self.http.post(format!("{}/site/oauth2/access_token", consumer.web_url));
        let request = request.basic_auth(&consumer.client_id, Some(consumer.client_secret.expose())).form(&form);
        let token: Token = self.measured(Operation::named("exchange_code"), request, None).await?.json()?;
        // Each person has a budget of their own at Bitbucket; the token makes two calls and is dropped.
        let budget = format!("sign_in:{:032x}", u128::from_le_bytes((self.clock)().random.bytes()));
        Ok(Credential::bearer(budget, Secret::new(token.access_token)))
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn account(&self, token: &Credential) -> Result<Account, Failure> {
        self.get(Operation::named("account"), token, &Call::get(path(["user"])?)).await
    }

    /// The e-mail addresses of the token's person that Bitbucket has confirmed.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn confirmed_emails(&self, token: &Credential) -> Result<Vec<String>, Failure> {
        let (emails, _has_more) = self.emails(token)?.at_most(MOST_EMAILS).await?;
        Ok(emails.into_iter().filter(|email| email.is_confirmed).filter_map(|email| email.email).collect())
    }
}
