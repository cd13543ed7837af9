//! OAuth 2.0 grants that outlive a request: consent for chosen scopes, tokens and their refreshing. `connections` uses it.
//!
//! Bitbucket rotates the refresh token at every use and takes the former one for some ten minutes more
//! (<https://developer.atlassian.com/cloud/bitbucket/oauth-2/>, changelog CHANGE-3052).

use reqwest::Url;
use serde::Deserialize;

use super::oauth::Consumer;
use super::operation::Operation;
use super::{Client, Failure};
use crate::config::Secret;

/// What the documentation says, should an answer say nothing.
const DEFAULT_SECONDS: i64 = 3600;

/// What Bitbucket has granted.
#[derive(Clone, Debug)]
pub struct Granted {
    /// What calls are made with; some 2,500 characters and more.
    pub access_token: Secret,
    /// What the next one is asked for with; absent for a consumer that acts as itself.
    pub refresh_token: Option<Secret>,
    /// For how many seconds the access token is good.
    pub expires_in: i64,
    /// The scopes, separated by blanks, where the answer names them.
    pub scopes: Option<String>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<i64>,
    #[serde(default)]
    scope: Option<String>,
    // Answers before May 2026 named them so.
    #[serde(default)]
    scopes: Option<String>,
}

impl From<Token> for Granted {
    fn from(token: Token) -> Self {
        Self {
            access_token: Secret::new(token.access_token),
            refresh_token: token.refresh_token.filter(|text| !text.is_empty()).map(Secret::new),
            expires_in: token.expires_in.filter(|seconds| *seconds > 0).unwrap_or(DEFAULT_SECONDS),
            scopes: token.scope.or(token.scopes),
        }
    }
}

impl Consumer {
    /// Where a person is asked for consent to these scopes; `state` comes back with them. `None` when the site's address is none.
    pub fn consent_url(&self, state: &str, scopes: &[&str]) -> Option<String> {
        let base = format!("{}/site/oauth2/authorize", self.web_url);
        let parameters = [
            ("client_id", self.client_id.as_str()),
            ("response_type", "code"),
            ("state", state),
            ("scope", &scopes.join(" ")),
            ("redirect_uri", &self.callback),
        ];
        Url::parse_with_params(&base, parameters).ok().map(String::from)
    }
}

impl Client {
    /// Exchanges the code that a person came back with.
    ///
    /// # Errors
    /// A [`Failure`]; `NotAuthorised` when the consumer is wrong, `GrantEnded` or `Refused` when the code is.
    pub async fn grant_by_code(&self, consumer: &Consumer, code: &str) -> Result<Granted, Failure> {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &consumer.callback)];
        self.grant("grant_by_code", consumer, &form).await
    }

    /// Asks for the next pair with a refresh token, which is used up by it.
    ///
    /// # Errors
    /// A [`Failure`]; `GrantEnded` when the refresh token is good no more, for ever.
    pub async fn grant_by_refresh(&self, consumer: &Consumer, refresh_token: &Secret) -> Result<Granted, Failure> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
        self.grant("grant_by_refresh", consumer, &form).await
    }

    /// Asks for an access token with which the consumer acts as itself.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn grant_to_consumer(&self, consumer: &Consumer) -> Result<Granted, Failure> {
        self.grant("grant_to_consumer", consumer, &[("grant_type", "client_credentials")]).await
    }

    async fn grant(&self, name: &'static str, consumer: &Consumer, form: &[(&str, &str)]) -> Result<Granted, Failure> {
        let request = self.http.post(format!("{}/site/oauth2/access_token", consumer.web_url));
        let request = request.basic_auth(&consumer.client_id, Some(consumer.client_secret.expose())).form(form);
        let token: Token = self.measured(Operation::named(name), request, None).await?.json()?;
        Ok(token.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_name_its_scopes_either_way_and_say_nothing_of_its_end() {
        let granted = |text: &str| Granted::from(serde_json::from_str::<Token>(text).unwrap());
        let full =
            granted(r#"{"access_token":"a","refresh_token":"r","expires_in":7200,"token_type":"bearer","scope":"account"}"#);
        assert_eq!((full.expires_in, full.scopes.as_deref()), (7200, Some("account")));
        assert_eq!(granted(r#"{"access_token":"a","scopes":"account email"}"#).scopes.as_deref(), Some("account email"));
        let bare = granted(r#"{"access_token":"a","refresh_token":"","expires_in":0}"#);
        assert_eq!((bare.expires_in, bare.refresh_token, bare.scopes), (DEFAULT_SECONDS, None, None));
    }
}
