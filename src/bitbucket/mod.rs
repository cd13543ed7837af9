//! The client of the Bitbucket REST API. No SQL, no people; `connections` gives it credentials, jobs and the sign-in pages ask the questions.
//!
//! What is called is in <https://developer.atlassian.com/cloud/bitbucket/rest/intro/>. Calls go to the configured host only; a redirect is
//! never followed, because it could carry the credential elsewhere.

mod answers;
mod failure;
pub mod oauth;

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode, Url, header};
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use answers::{Membership, Page, Participant, PullRequest, Repository, User, Workspace};
pub use failure::Failure;

use crate::config::Secret;
use crate::telemetry::Metrics;

/// No answer that we read is near this size.
const LARGEST_ANSWER_BYTES: usize = 4 * 1024 * 1024;
const CONNECT_SECONDS: u64 = 5;
const ANSWER_SECONDS: u64 = 10;

/// Makes the `Authorization` header of one call from its method, its encoded path and its query pairs.
pub type Signer = Arc<dyn Fn(&str, &str, &[(&str, &str)]) -> Secret + Send + Sync>;

/// What a call is made with.
#[derive(Clone)]
pub enum Credential {
    /// Signs each call by itself, as a Connect app does.
    Signed(Signer),
    /// An access token of a person.
    Bearer(Secret),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credential(…)")
    }
}

/// Which repository is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepositoryName {
    /// By its UUID, which outlives a rename.
    Uuid(Uuid),
    /// By its `workspace/repository`.
    Full(String),
}

/// The client, shared by everything; connections are reused.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    api_url: String,
    metrics: Metrics,
}

impl Client {
    /// A client of the API at `api_url`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(api_url: &str, metrics: Metrics) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("clarityloop-bitbucket/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
            .timeout(Duration::from_secs(ANSWER_SECONDS))
            .build()?;
        Ok(Self { http, api_url: api_url.to_owned(), metrics })
    }

    /// Asks for the workspace's hooks, which only an installation with a right secret may: the proof of a shared secret.
    ///
    /// # Errors
    /// A [`Failure`]; `NotAuthorised` when the secret is not Bitbucket's.
    pub async fn prove(&self, credential: &Credential, workspace: Uuid) -> Result<(), Failure> {
        let path = format!("/2.0/workspaces/%7B{workspace}%7D/hooks");
        self.send("prove_secret", credential, Method::GET, &path, None).await.map(|_body| ())
    }

    /// The workspace's slug and name.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn workspace(&self, credential: &Credential, workspace: Uuid) -> Result<Workspace, Failure> {
        self.get("workspace", credential, &format!("/2.0/workspaces/%7B{workspace}%7D")).await
    }

    /// A part of the workspace's members: the first hundred, or what the `next` of the part before names.
    ///
    /// # Errors
    /// A [`Failure`]; `Malformed` when `next` leads anywhere but to the API that was asked.
    pub async fn workspace_members(
        &self,
        credential: &Credential,
        workspace: Uuid,
        next: Option<&str>,
    ) -> Result<Page<Membership>, Failure> {
        let first = format!("/2.0/workspaces/%7B{workspace}%7D/members?pagelen=100");
        let path = match next {
            None => first.as_str(),
            Some(next) => self.below_api(next).ok_or(Failure::Malformed)?,
        };
        self.get("workspace_members", credential, path).await
    }

    /// The path and query of an address on the API's own host: the credential goes nowhere else.
    fn below_api<'a>(&self, address: &'a str) -> Option<&'a str> {
        address.strip_prefix(&self.api_url).filter(|path| path.starts_with("/2.0/"))
    }

    /// A pull request with its participants.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn pull_request(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        number: i64,
    ) -> Result<PullRequest, Failure> {
        let repository = match repository {
            // Bitbucket takes empty braces for the workspace when the repository is named by its UUID.
            RepositoryName::Uuid(uuid) => format!("%7B%7D/%7B{uuid}%7D"),
            RepositoryName::Full(name) => encode_path(name),
        };
        self.get("pull_request", credential, &format!("/2.0/repositories/{repository}/pullrequests/{number}")).await
    }

    /// Replaces the descriptor of this installation.
    ///
    /// # Errors
    /// A [`Failure`]; `Refused` when the scopes have grown.
    pub async fn put_descriptor(&self, credential: &Credential, descriptor: &serde_json::Value) -> Result<(), Failure> {
        let body = serde_json::json!({ "descriptor": descriptor });
        self.send("put_addon", credential, Method::PUT, "/2.0/addon", Some(&body)).await.map(|_body| ())
    }

    /// Removes this installation.
    ///
    /// # Errors
    /// A [`Failure`]; `NotFound` when it is gone already.
    pub async fn remove_app(&self, credential: &Credential) -> Result<(), Failure> {
        self.send("remove_addon", credential, Method::DELETE, "/2.0/addon", None).await.map(|_body| ())
    }

    async fn get<T: DeserializeOwned>(&self, operation: &'static str, credential: &Credential, path: &str) -> Result<T, Failure> {
        let body = self.send(operation, credential, Method::GET, path, None).await?;
        serde_json::from_slice(&body).map_err(|error| {
            tracing::warn!(operation, %error, "an answer of Bitbucket could not be read");
            Failure::Malformed
        })
    }

    async fn send(
        &self,
        operation: &'static str,
        credential: &Credential,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Vec<u8>, Failure> {
        let address = Url::parse(&format!("{}{path}", self.api_url)).map_err(|_error| Failure::Malformed)?;
        let authorization = match credential {
            Credential::Signed(signer) => {
                let (path, _) = path.split_once('?').unwrap_or((path, ""));
                let pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
                let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                signer(method.as_str(), path, &pairs)
            }
            Credential::Bearer(token) => Secret::new(format!("Bearer {}", token.expose())),
        };
        let mut request = self.http.request(method, address);
        request = request.header(header::AUTHORIZATION, sensitive(&authorization)?).header(header::ACCEPT, "application/json");
        if let Some(body) = body {
            request = request.json(body);
        }
        self.measured(operation, request).await
    }

    async fn measured(&self, operation: &'static str, request: reqwest::RequestBuilder) -> Result<Vec<u8>, Failure> {
        let begun = Instant::now();
        let answer = Self::answer(request).await;
        let outcome = answer.as_ref().map_or_else(Failure::code, |_| "ok");
        self.metrics.bitbucket_calls.with_label_values(&[operation, outcome]).inc();
        self.metrics.bitbucket_seconds.with_label_values(&[operation]).observe(begun.elapsed().as_secs_f64());
        tracing::debug!(operation, outcome, "called Bitbucket");
        answer
    }

    async fn answer(request: reqwest::RequestBuilder) -> Result<Vec<u8>, Failure> {
        let mut response = request.send().await.map_err(|error| Failure::down(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| Failure::down(&error))? {
            if body.len() + chunk.len() > LARGEST_ANSWER_BYTES {
                return Err(Failure::Malformed);
            }
            body.extend_from_slice(&chunk);
        }
        match status {
            status if status.is_success() => Ok(body),
            StatusCode::TOO_MANY_REQUESTS => Err(Failure::rate_limited(&headers)),
            status => Err(Failure::of_status(status, &body)),
        }
    }
}

fn sensitive(authorization: &Secret) -> Result<header::HeaderValue, Failure> {
    let mut value = header::HeaderValue::from_str(authorization.expose()).map_err(|_error| Failure::Malformed)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Percent-encodes a path, keeping its slashes.
fn encode_path(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
