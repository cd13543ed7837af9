//! What the app asked of the API and what the sandbox sent to the app, recorded for tests and for the reader of a page.

use crate::{bitbucket::Bitbucket, openapi::check_requests};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// By what a call was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// A JWT of a Connect app.
    ConnectJwt,
    /// An access token that Forge has handed to an app.
    ForgeToken,
    /// An access token that a person has granted by OAuth 2.0.
    OAuth,
    /// An access token of a consumer in its own name.
    ClientCredentials,
    /// An access token of a workspace, a project or a repository.
    AccessToken,
    /// A person's API token.
    ApiToken,
}

impl CredentialKind {
    /// As the header `X-Credential-Type` has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ConnectJwt => "jwt",
            Self::ForgeToken => "forge",
            Self::OAuth => "oauth2",
            Self::ClientCredentials => "oauth2_client_credentials",
            Self::AccessToken => "access_token",
            Self::ApiToken => "api_token",
        }
    }
}

/// A call that came in to the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it came, by the sandbox's clock.
    pub at: DateTime<Utc>,
    /// Upper-case.
    pub method: String,
    /// As it came, still percent-encoded.
    pub path: String,
    /// The raw query; empty when there is none.
    pub query: String,
    /// The status of the answer; 0 when the connection was dropped instead.
    pub status: u16,
    /// Whose credential was accepted: the clientKey, the id of the Forge installation, the account id of the person, the key of the
    /// consumer, or the name of the access token.
    pub authorized_as: Option<String>,
    /// By what it was let in.
    pub credential: Option<CredentialKind>,
    /// What was sent along, as text. Of a form to the token endpoint only the `grant_type`, because the rest is secret.
    pub body: String,
    /// The header of that name; empty when there is none.
    pub content_type: String,
    /// Whether no such endpoint exists here.
    pub unexpected: bool,
}

/// A request that the sandbox sent to the app. It holds a token, so it has no `Debug`; a test may send it again.
#[derive(Clone)]
pub struct Sent {
    /// `installed`, `uninstalled`, the key of an event, or the route of a Forge call that names none.
    pub event: String,
    /// Where it went.
    pub url: String,
    /// The value of its `Authorization` header.
    pub authorization: Option<String>,
    /// Its body.
    pub body: Value,
    /// The app's answer; `None` when there was none.
    pub status: Option<u16>,
}

impl Bitbucket {
    /// Every call to the API so far, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Says that calls to paths with this prefix are meant, though the sandbox does not serve them.
    pub fn expect_calls(&self, path_prefix: &str) {
        self.state().expected_prefixes.push(path_prefix.to_owned());
    }

    /// Calls to endpoints that do not exist here and were not announced. A harness fails on any.
    #[must_use]
    pub fn unexpected_calls(&self) -> Vec<Call> {
        let state = self.state();
        let announced = |call: &Call| state.expected_prefixes.iter().any(|prefix| call.path.starts_with(prefix.as_str()));
        state.calls.iter().filter(|call| call.unexpected && !announced(call)).cloned().collect()
    }

    /// Says that calls of which the comparison with the OpenAPI file says this are meant.
    pub fn expect_misfits(&self, part: &str) {
        self.state().expected_misfits.push(part.to_owned());
    }

    /// What of the calls so far is not as the OpenAPI file has it and was not announced; nothing when the file is not at hand, which is
    /// said on standard error. A harness fails on any.
    #[must_use]
    pub fn misfits(&self) -> Vec<String> {
        let (calls, expected) = {
            let state = self.state();
            (state.calls.clone(), state.expected_misfits.clone())
        };
        let mut misfits = check_requests(&calls).unwrap_or_default();
        misfits.retain(|misfit| !expected.iter().any(|part| misfit.contains(part.as_str())));
        misfits
    }

    /// Every lifecycle call, webhook and Forge call that was sent to the app, oldest first.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }
}
