//! What stands around every request: its id, its line in the log, its counts, its limits and the security headers of its answer.

use std::time::{Duration, Instant};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, ResponseError as _, web};
use tracing::Instrument as _;

use crate::app::App;
use crate::config::{Config, Random};
use crate::error::{Error, Kind};
use crate::platform::client_address::ClientAddress;
use crate::telemetry;

/// A request that has not been answered by then is cut off, whether its sender or we are slow.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// Longer than any signed address that Bitbucket sends.
const ADDRESS_BYTES: usize = 16 * 1024;
const HEADER_BYTES: usize = 32 * 1024;

const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);
const REFERRER_POLICY: HeaderName = HeaderName::from_static("referrer-policy");

/// Answers a request with everything that stands around it.
pub(super) async fn observe<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    let begun = Instant::now();
    let id = new_id(&app.config.random);
    let method = request.method().clone();
    let client = ClientAddress::of(request.request(), &app.config);
    let route = request.match_pattern().unwrap_or_else(|| "(none)".to_owned());
    let span = tracing::info_span!("request", request_id = %id);
    let answering = async {
        let mut response = if head_is_too_large(request.request()) {
            let error = Error::new(
                Kind::HeadTooLarge,
                "request_head_too_large",
                "The address or the headers of this request are too large.",
            );
            request.into_response(error.error_response()).map_into_right_body()
        } else {
            // The request is with its handler: there is only the error to carry an answer.
            let too_slow = |_elapsed| {
                let error = Error::new(Kind::TooSlow, "request_too_slow", "The request took too long. Try again.");
                let mut response = error.error_response();
                secure(response.headers_mut(), &app.config);
                actix_web::Error::from(InternalError::from_response(error, response))
            };
            tokio::time::timeout(ANSWERED_WITHIN, next.call(request)).await.map_err(too_slow)??.map_into_left_body()
        };
        secure(response.headers_mut(), &app.config);
        let status = response.status();
        let seconds = begun.elapsed().as_secs_f64();
        app.metrics.requests.with_label_values(&[route.as_str(), method_word(method.as_str()), status.as_str()]).inc();
        app.metrics.request_seconds.with_label_values(&[&route]).observe(seconds);
        // The route's pattern stands for the path: ids and query strings stay out of the log.
        tracing::info!(%method, %route, status = status.as_u16(), milliseconds = seconds * 1000.0, %client, "answered");
        Ok(response)
    };
    telemetry::with_request_id(id.clone(), answering.instrument(span)).await
}

fn new_id(random: &Random) -> String {
    let bytes: [u8; 8] = random.bytes();
    format!("{:016x}", u64::from_be_bytes(bytes))
}

fn method_word(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"].into_iter().find(|known| *known == method).unwrap_or("other")
}

fn head_is_too_large(request: &HttpRequest) -> bool {
    let address = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    address > ADDRESS_BYTES
        || request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() > HEADER_BYTES
}

fn secure(headers: &mut HeaderMap, config: &Config) {
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if config.public_url.is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
