//! The proxy between a page of the app and its remote, `invokeRemote`. The page chooses path, body and headers; the proxy adds who
//! the page is of.
//!
//! Source: <https://developer.atlassian.com/platform/forge/apis-reference/ui-api-bridge/invokeRemote/>.

use super::invocation::ForgeCaller;
use crate::{bitbucket::Bitbucket, installation::Missing};
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

const ANSWER_SECONDS: u64 = 25;
const LARGEST_REQUEST_BYTES: usize = 500_000;
const LARGEST_ANSWER_BYTES: usize = 5_000_000;

/// What a page asks for.
#[derive(Clone, Debug)]
pub struct RemoteRequest {
    /// `GET`, `POST`, `PUT`, `DELETE` or `PATCH`.
    pub method: String,
    /// Path and query, resolved against the remote's `baseUrl`.
    pub path: String,
    /// Headers of the page's own choice.
    pub headers: Vec<(String, String)>,
    /// A JSON object.
    pub body: Option<Value>,
}

/// What the page gets.
#[derive(Clone, Debug)]
pub struct RemoteAnswer {
    /// Of the remote.
    pub status: u16,
    /// Of the remote, names in lower case.
    pub headers: Vec<(String, String)>,
    /// JSON; `null` when there is none.
    pub body: Value,
}

/// Why the page's call is rejected instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteFailed {
    /// The sandbox lacks what the call names.
    Missing(Missing),
    /// The request is none that the bridge passes on: the path leads elsewhere, or method, headers or body are not possible.
    Refused(&'static str),
    /// 401: "Remote could not verify the Forge Invocation Token".
    Unverified,
    /// A redirect, which is not followed.
    Redirected,
    /// A body that is not JSON or too large.
    Unreadable,
    /// No answer within 25 seconds.
    Unanswered,
}

impl RemoteRequest {
    /// A GET.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self { method: "GET".to_owned(), path: path.to_owned(), headers: Vec::new(), body: None }
    }

    /// A POST of a JSON object.
    #[must_use]
    pub fn post(path: &str, body: Value) -> Self {
        Self { method: "POST".to_owned(), body: Some(body), ..Self::get(path) }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Bitbucket {
    /// Calls the remote for a page of the app.
    ///
    /// # Errors
    /// What the page's promise is rejected with.
    pub async fn invoke_remote(
        &self,
        installation: &str,
        caller: ForgeCaller<'_>,
        request: &RemoteRequest,
    ) -> Result<RemoteAnswer, RemoteFailed> {
        let record = self.forge_record(installation).map_err(RemoteFailed::Missing)?;
        let token = self.forge_token(installation, caller).map_err(RemoteFailed::Missing)?;
        let url = joined(&record.install.remote_url, &request.path).ok_or(RemoteFailed::Refused("path"))?;
        let method = Method::from_bytes(request.method.as_bytes()).or(Err(RemoteFailed::Refused("method")))?;

        let mut headers = own_headers(&request.headers)?;
        // The proxy's own headers replace what the page has written under their names; the rest stays as it is.
        for (name, value) in trace_headers().into_iter().chain(self.forge_token_headers(&record, caller.viewer())) {
            headers.insert(name, value.parse().or(Err(RemoteFailed::Refused("headers")))?);
        }
        let authorization = format!("Bearer {}", token.sign());
        headers.insert(AUTHORIZATION, authorization.parse().or(Err(RemoteFailed::Refused("headers")))?);

        let mut call = self.client.request(method, url).timeout(Duration::from_secs(ANSWER_SECONDS));
        if let Some(body) = &request.body {
            let text = body.to_string();
            if !body.is_object() || text.len() > LARGEST_REQUEST_BYTES {
                return Err(RemoteFailed::Refused("body"));
            }
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            call = call.body(text);
        }
        answer(call.headers(headers).send().await.or(Err(RemoteFailed::Unanswered))?).await
    }
}

/// The address of a path at the remote, by the rules of relative addresses: a leading slash drops the path of `baseUrl`.
pub(super) fn joined(base_url: &str, path: &str) -> Option<Url> {
    let base = Url::parse(base_url).ok()?;
    base.join(path).ok().filter(|url| url.origin() == base.origin())
}

/// What every call carries for tracing.
pub(super) fn trace_headers() -> Vec<(&'static str, String)> {
    let trace = Uuid::new_v4().simple().to_string();
    let span = trace.chars().take(16).collect();
    vec![("x-b3-traceid", trace), ("x-b3-spanid", span)]
}

fn own_headers(pairs: &[(String, String)]) -> Result<HeaderMap, RemoteFailed> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let refused = RemoteFailed::Refused("headers");
        let name = HeaderName::from_bytes(name.as_bytes()).or(Err(refused.clone()))?;
        headers.append(name, HeaderValue::from_str(value).or(Err(refused))?);
    }
    Ok(headers)
}

async fn answer(response: reqwest::Response) -> Result<RemoteAnswer, RemoteFailed> {
    let status = response.status();
    if status.as_u16() == 401 {
        return Err(RemoteFailed::Unverified);
    }
    if status.is_redirection() {
        return Err(RemoteFailed::Redirected);
    }
    let text_of = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<(String, String)> =
        response.headers().iter().map(|(name, value)| (name.to_string(), text_of(value))).collect();
    let content_type = response.headers().get(CONTENT_TYPE).map(text_of);
    let body = response.bytes().await.or(Err(RemoteFailed::Unanswered))?;
    let is_json = content_type.is_none_or(|content_type| content_type.starts_with("application/json"));
    if body.len() > LARGEST_ANSWER_BYTES || (!is_json && !status.is_success()) {
        return Err(RemoteFailed::Unreadable);
    }
    let body = match body.as_ref() {
        [] if status.is_success() => Value::Null,
        body => serde_json::from_slice(body).or(Err(RemoteFailed::Unreadable))?,
    };
    Ok(RemoteAnswer { status: status.as_u16(), headers, body })
}
