//! The client itself: sends a call with its credential to the configured host and reads the answer within bounds. The typed calls
//! beside it and `Client::call` go through `send`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use reqwest::{Method, Response, StatusCode, Url, header};
use serde::de::DeserializeOwned;

use super::budget::Resource;
use super::call::{Answer, Body, Call};
use super::elsewhere::{self, Elsewhere};
use super::flights::Flights;
use super::gate::{Gate, Pass};
use super::limits::Limits;
use super::multipart;
use super::operation::Operation;
use super::path::ROOT;
use super::repeat::{self, Tried};
use super::{Credential, Failure, Urgency};
use crate::config::Now;
use crate::telemetry::Metrics;

const CONNECT_SECONDS: u64 = 5;
/// Bitbucket itself redirects once; more hops are a loop or worse.
const MOST_HOPS: usize = 3;
/// In metrics: what is fetched from where Bitbucket keeps it.
const KEPT_ELSEWHERE: &str = "kept_elsewhere";
/// Files come as what they are.
const ACCEPTED: &str = "application/json, */*;q=0.1";

/// Tells the time and draws randomness: budgets and pauses follow it.
pub type Clock = Arc<dyn Fn() -> Now + Send + Sync>;

/// The client, shared by everything; connections are reused.
#[derive(Clone)]
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) api_url: Arc<str>,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
    gate: Arc<Gate>,
    flights: Arc<Flights>,
    elsewhere: Elsewhere,
}

/// What goes on the wire, but for the credential.
#[derive(Clone, Copy, Debug)]
struct Sent<'a> {
    method: &'a Method,
    /// The encoded path, with the query.
    target: &'a str,
    body: Option<&'a Body>,
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
        let elsewhere = Elsewhere::new(api_url)?;
        Ok(Self { http, api_url: api_url.into(), metrics, clock, gate: Arc::default(), flights: Arc::default(), elsewhere })
    }

    /// Makes any call. The answer is read up to the largest size we take; a redirect on the API's own host is followed for a `GET`, and one
    /// to where Bitbucket keeps logs and files without the credential.
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

    /// Makes a call to an encoded target. Identical reads that are asked for at the same time are made once.
    pub(super) async fn send(
        &self,
        operation: Operation,
        credential: &Credential,
        method: &Method,
        target: &str,
        body: Option<&Body>,
    ) -> Result<Answer, Failure> {
        if *method != Method::GET || body.is_some() || operation.is_at_once {
            return self.persist(operation, credential, Sent { method, target, body }).await;
        }
        let read = (credential.fingerprint(), credential.urgency(), operation.name, target.to_owned());
        let (client, credential, target) = (self.clone(), credential.clone(), target.to_owned());
        let begin = move || {
            let read = async move {
                client.persist(operation, &credential, Sent { method: &Method::GET, target: &target, body: None }).await
            };
            read.boxed()
        };
        let (answer, is_shared) = self.flights.join(read, begin).await;
        if is_shared {
            self.metrics.bitbucket_shared.with_label_values(&[operation.name]).inc();
        }
        answer
    }

    /// Makes a call, and once more where that is safe and may help.
    async fn persist(&self, operation: Operation, credential: &Credential, sent: Sent<'_>) -> Result<Answer, Failure> {
        let mut times = 0;
        loop {
            let begun = Instant::now();
            let failure = match self.follow(operation, credential, sent).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            times += 1;
            let tried = Tried { method: sent.method, is_idempotent: operation.is_idempotent, times, took: begun.elapsed() };
            let [jitter] = (self.clock)().random.bytes();
            let pause = repeat::pause(tried, &failure, jitter).filter(|_| !operation.is_at_once);
            let Some(pause) = pause else { return Err(operation.explain(failure)) };
            self.metrics.bitbucket_repeats.with_label_values(&[operation.name]).inc();
            tokio::time::sleep(pause).await;
        }
    }

    /// Makes a call and follows its redirects on the API's own host.
    async fn follow(&self, operation: Operation, credential: &Credential, sent: Sent<'_>) -> Result<Answer, Failure> {
        let mut target = sent.target.to_owned();
        for _hop in 0..=MOST_HOPS {
            let answer = self.once(operation, credential, Sent { target: &target, ..sent }).await?;
            let Some(location) = answer.header("location").filter(|_| answer.status.is_redirection()) else { return Ok(answer) };
            let (status, is_read) = (answer.status, *sent.method == Method::GET || *sent.method == Method::HEAD);
            match self.target_of(location) {
                Ok(next) if is_read => target = next,
                Err(_elsewhere) if is_read && elsewhere::may_be_kept_elsewhere(&target) => {
                    let fetched = self.fetch(operation, location, status).await?;
                    return Ok(Answer { budget_left: answer.budget_left, ..fetched });
                }
                _ => return Err(redirected(status)),
            }
        }
        Err(redirected(StatusCode::FOUND))
    }

    /// Fetches what Bitbucket keeps elsewhere, without a credential.
    async fn fetch(&self, operation: Operation, location: &str, status: StatusCode) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let fetched = self.fetch_hop_by_hop(operation, location, status).await;
        let outcome = fetched.as_ref().map_or_else(Failure::code, |_| "ok");
        self.metrics.bitbucket_calls.with_label_values(&[KEPT_ELSEWHERE, outcome]).inc();
        self.metrics.bitbucket_seconds.with_label_values(&[KEPT_ELSEWHERE]).observe(begun.elapsed().as_secs_f64());
        fetched
    }

    async fn fetch_hop_by_hop(&self, operation: Operation, location: &str, status: StatusCode) -> Result<Answer, Failure> {
        let mut location = location.to_owned();
        for _hop in 0..MOST_HOPS {
            let address = self.elsewhere.address(&location).ok_or_else(|| redirected(status))?;
            let request = self.elsewhere.request(address).timeout(Duration::from_secs(operation.seconds));
            let response = request.send().await.map_err(|error| Failure::down(&error))?;
            let (status, headers) = (response.status(), response.headers().clone());
            if status.is_success() {
                let body = body_of(response, operation.largest_bytes).await?;
                return Ok(Answer { status, headers: Answer::headers_of(&headers), body, budget_left: None });
            }
            let next = headers.get(header::LOCATION).filter(|_| status.is_redirection()).and_then(|value| value.to_str().ok());
            location = next.ok_or_else(|| elsewhere::refusal(status))?.to_owned();
        }
        Err(redirected(status))
    }

    /// Makes one request when its turn and budget have come.
    async fn once(&self, operation: Operation, credential: &Credential, sent: Sent<'_>) -> Result<Answer, Failure> {
        let pass = if operation.is_at_once { None } else { Some(self.pass(operation, credential, sent).await?) };
        // Signed only now: a signature is good for three minutes.
        let request = self.request(credential, sent)?;
        self.measured(operation, request, pass).await
    }

    async fn pass(&self, operation: Operation, credential: &Credential, sent: Sent<'_>) -> Result<Pass, Failure> {
        let begun = Instant::now();
        let urgency = match credential.urgency() {
            Urgency::Person => "person",
            Urgency::Background => "background",
        };
        let pass = self.gate.enter(credential, Resource::of_target(sent.target), &*self.clock).await;
        self.metrics.bitbucket_wait_seconds.with_label_values(&[urgency]).observe(begun.elapsed().as_secs_f64());
        pass.inspect_err(|_failure| {
            self.metrics.bitbucket_held_back.with_label_values(&[operation.name, urgency]).inc();
            tracing::debug!(operation = operation.name, urgency, "a call to Bitbucket was held back");
        })
    }

    fn request(&self, credential: &Credential, sent: Sent<'_>) -> Result<reqwest::RequestBuilder, Failure> {
        let address = Url::parse(&format!("{}{}", self.api_url, sent.target)).map_err(|_no_address| Failure::Malformed)?;
        let pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (path, _) = sent.target.split_once('?').unwrap_or((sent.target, ""));
        let authorization = credential.header(sent.method.as_str(), path, &pairs)?;
        let request = self.http.request(sent.method.clone(), address);
        let request = request.header(header::AUTHORIZATION, authorization).header(header::ACCEPT, ACCEPTED);
        Ok(match sent.body {
            Some(Body::Json(json)) => request.json(json),
            Some(Body::Form(fields)) => request.form(fields),
            Some(Body::Multipart(parts)) => {
                let boundary = multipart::boundary((self.clock)().random.bytes());
                let kind = format!("multipart/form-data; boundary={boundary}");
                request.header(header::CONTENT_TYPE, kind).body(multipart::encode(parts, &boundary))
            }
            None => request,
        })
    }

    /// Sends a request and counts what came of it; without a pass it counts against no budget.
    pub(super) async fn measured(
        &self,
        operation: Operation,
        request: reqwest::RequestBuilder,
        pass: Option<Pass>,
    ) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let answer = self.answer(operation, request, pass).await;
        let outcome = answer.as_ref().map_or_else(Failure::code, |_| "ok");
        let name = operation.name;
        self.metrics.bitbucket_calls.with_label_values(&[name, outcome]).inc();
        self.metrics.bitbucket_seconds.with_label_values(&[name]).observe(begun.elapsed().as_secs_f64());
        tracing::debug!(operation = name, outcome, "called Bitbucket");
        answer
    }

    async fn answer(
        &self,
        operation: Operation,
        request: reqwest::RequestBuilder,
        pass: Option<Pass>,
    ) -> Result<Answer, Failure> {
        let request = request.timeout(Duration::from_secs(operation.seconds));
        let response = request.send().await.map_err(|error| Failure::down(&error))?;
        let (status, headers, now) = (response.status(), response.headers().clone(), (self.clock)());
        let limits = Limits::read(|name| headers.get(name).and_then(|value| value.to_str().ok()), now.unix_seconds());
        if status == StatusCode::TOO_MANY_REQUESTS {
            let after = pass.map_or(limits.retry_after_seconds, |pass| Some(self.gate.refused(&pass, &limits, &now)));
            return Err(Failure::RateLimited { after_seconds: after });
        }
        let budget_left = pass.as_ref().map(|pass| self.gate.answered(pass, &limits, &now));
        note_deprecation(operation, &headers);
        let body = body_of(response, operation.largest_bytes).await;
        match status {
            status if status.is_success() || is_followed(status, &headers) || status == StatusCode::NOT_MODIFIED => {
                Ok(Answer { status, headers: Answer::headers_of(&headers), body: body?, budget_left })
            }
            // An error is told by its status, even when its body cannot be had.
            status => Err(Failure::of_answer(status, &body.unwrap_or_default())),
        }
    }
}

fn is_followed(status: StatusCode, headers: &header::HeaderMap) -> bool {
    status.is_redirection() && headers.contains_key(header::LOCATION)
}

/// Atlassian announces in a header what it will remove; whoever runs the server should learn of it before it is gone.
fn note_deprecation(operation: Operation, headers: &header::HeaderMap) {
    if let Some(sunset) = headers.get("sunset").and_then(|value| value.to_str().ok()) {
        tracing::info!(operation = operation.name, sunset, "Atlassian will remove a call that this server makes");
    }
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

fn redirected(status: StatusCode) -> Failure {
    let message = Some("Bitbucket sends this call to another address, which is not followed".to_owned());
    Failure::Refused { status: status.as_u16(), message, fields: Vec::new() }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}
