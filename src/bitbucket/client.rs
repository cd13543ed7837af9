//! The client itself: sends a call with its credential to the configured host and reads the answer within bounds. The typed calls
//! beside it and `Client::call` go through `send`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode, Url, header};
use serde::de::DeserializeOwned;

use super::call::{Answer, Body, Call};
use super::operation::Operation;
use super::path::ROOT;
use super::{Credential, Failure};
use crate::config::Now;
use crate::telemetry::Metrics;

const CONNECT_SECONDS: u64 = 5;
/// Bitbucket itself redirects once; more hops are a loop or worse.
const MOST_HOPS: usize = 3;

/// Tells the time and draws randomness: budgets and pauses follow it.
pub type Clock = Arc<dyn Fn() -> Now + Send + Sync>;

/// The client, shared by everything; connections are reused.
#[derive(Clone)]
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) api_url: Arc<str>,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
}

impl Client {
    /// A client of the API at `api_url`, an address without a path.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(api_url: &str, metrics: Metrics, clock: Clock) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("clarityloop-bitbucket/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
            .build()?;
        Ok(Self { http, api_url: api_url.into(), metrics, clock })
    }

    /// Makes any call. The answer is read up to the largest size we take; a redirect on the API's own host is followed for a `GET`.
    ///
    /// # Errors
    /// A [`Failure`] for whatever is not 2xx or 304.
    pub async fn call(&self, credential: &Credential, call: &Call) -> Result<Answer, Failure> {
        self.ask(Operation::of_any_call(call), credential, call).await
    }

    /// Makes a call as a known operation.
    pub(super) async fn ask(&self, operation: Operation, credential: &Credential, call: &Call) -> Result<Answer, Failure> {
        self.send(operation, credential, &call.method, &call.target(), call.body.as_ref()).await
    }

    /// Reads what a call answers.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        operation: Operation,
        credential: &Credential,
        call: &Call,
    ) -> Result<T, Failure> {
        self.ask(operation, credential, call).await?.json()
    }

    /// The path and query of an address, when it is one of the API's: a credential goes nowhere else, whatever an answer says.
    pub(super) fn target_of(&self, address: &str) -> Result<String, Failure> {
        let api = Url::parse(&self.api_url).map_err(|_never| Failure::Malformed)?;
        let url = api.join(address).map_err(|_no_address| Failure::Malformed)?;
        let is_ours = url.origin() == api.origin() && url.username().is_empty() && url.password().is_none();
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let is_api = target.strip_prefix(ROOT).is_some_and(|rest| rest.starts_with('/'));
        if is_ours && is_api { Ok(target) } else { Err(Failure::Malformed) }
    }

    pub(super) async fn send(
        &self,
        operation: Operation,
        credential: &Credential,
        method: &Method,
        target: &str,
        body: Option<&Body>,
    ) -> Result<Answer, Failure> {
        let mut target = target.to_owned();
        for _hop in 0..=MOST_HOPS {
            let request = self.request(credential, method, &target, body)?;
            let answer = self.measured(operation, request).await?;
            let Some(location) = answer.header("location").filter(|_| answer.status.is_redirection()) else { return Ok(answer) };
            let (status, is_read) = (answer.status, *method == Method::GET || *method == Method::HEAD);
            // What Bitbucket keeps elsewhere (logs, large files) is not fetched: the credential must not go there.
            target = self.target_of(location).ok().filter(|_| is_read).ok_or_else(|| redirected(status))?;
        }
        Err(redirected(StatusCode::FOUND))
    }

    fn request(
        &self,
        credential: &Credential,
        method: &Method,
        target: &str,
        body: Option<&Body>,
    ) -> Result<reqwest::RequestBuilder, Failure> {
        let address = Url::parse(&format!("{}{target}", self.api_url)).map_err(|_no_address| Failure::Malformed)?;
        let pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (path, _) = target.split_once('?').unwrap_or((target, ""));
        let authorization = credential.header(method.as_str(), path, &pairs)?;
        let request = self.http.request(method.clone(), address);
        let request = request.header(header::AUTHORIZATION, authorization).header(header::ACCEPT, "application/json");
        Ok(match body {
            Some(Body::Json(json)) => request.json(json),
            Some(Body::Form(fields)) => request.form(fields),
            None => request,
        })
    }

    pub(super) async fn measured(&self, operation: Operation, request: reqwest::RequestBuilder) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let answer = Self::answer(operation, request).await;
        let outcome = answer.as_ref().map_or_else(Failure::code, |_| "ok");
        let name = operation.name;
        self.metrics.bitbucket_calls.with_label_values(&[name, outcome]).inc();
        self.metrics.bitbucket_seconds.with_label_values(&[name]).observe(begun.elapsed().as_secs_f64());
        tracing::debug!(operation = name, outcome, "called Bitbucket");
        answer
    }

    async fn answer(operation: Operation, request: reqwest::RequestBuilder) -> Result<Answer, Failure> {
        let request = request.timeout(Duration::from_secs(operation.seconds));
        let response = request.send().await.map_err(|error| Failure::down(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = body_of(response, operation.largest_bytes).await;
        match status {
            status if status.is_success() || is_followed(status, &headers) || status == StatusCode::NOT_MODIFIED => {
                Ok(Answer { status, headers: Answer::headers_of(&headers), body: body?, budget_left: None })
            }
            StatusCode::TOO_MANY_REQUESTS => Err(Failure::RateLimited { after_seconds: retry_after(&headers) }),
            // An error is told by its status, even when its body cannot be had.
            status => Err(Failure::of_answer(status, &body.unwrap_or_default())),
        }
    }
}

fn is_followed(status: StatusCode, headers: &header::HeaderMap) -> bool {
    status.is_redirection() && headers.contains_key(header::LOCATION)
}

/// The body, unpacked, piece by piece: what is larger than the bound is given up before it is held.
async fn body_of(mut response: Response, largest_bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| Failure::down(&error))? {
        if body.len() + piece.len() > largest_bytes {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn retry_after(headers: &header::HeaderMap) -> Option<u32> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

fn redirected(status: StatusCode) -> Failure {
    let message = Some("Bitbucket keeps this at another address, which is not followed".to_owned());
    Failure::Refused { status: status.as_u16(), message, fields: Vec::new() }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}
