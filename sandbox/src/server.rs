//! The table of everything that the sandbox answers, and what surrounds the API: recording of calls and misbehaviour.

use crate::{
    api::{self, ApiError},
    bitbucket::Bitbucket,
    budget::Standing,
    calls::{Call, CredentialKind},
    forge::key_set,
    misbehaviour::Fault,
    pages,
    percent::query_pairs,
};
use actix_web::{
    App, Error, HttpMessage, HttpResponse, HttpServer, ResponseError,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, Server, ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::{Next, from_fn},
    web::{self, Bytes, Data},
};
use futures_util::stream;
use std::{
    future::ready,
    io,
    net::TcpListener,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// Whose credential a handler accepted, left in the request for the record and for headers.
#[derive(Clone)]
pub(crate) struct AuthorizedAs {
    pub(crate) name: String,
    pub(crate) kind: CredentialKind,
    /// The OAuth scopes that the operation needs.
    pub(crate) scopes: &'static str,
}

/// Left in the request when no endpoint fits it.
pub(crate) struct NoSuchEndpoint;

pub(crate) fn run(listener: TcpListener, bitbucket: Data<Bitbucket>) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(bitbucket.clone())
            .service(pages::consent())
            .service(web::scope("/2.0").wrap(from_fn(record)).configure(api::routes))
            .service(web::scope("/site/oauth2").wrap(from_fn(record)).configure(api::oauth_routes))
            .service(
                web::scope("/forge")
                    .wrap(from_fn(record))
                    .route("/.well-known/jwks.json", web::get().to(key_set::serve))
                    .default_service(web::to(api::no_such_endpoint)),
            )
            .configure(pages::routes)
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

async fn record(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let (method, path) = (request.method().to_string(), request.path().to_owned());
    let query = request.query_string().to_owned();
    let Some(bitbucket) = request.app_data::<Data<Bitbucket>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let body = recorded_body(&mut request).await;
    let fault = bitbucket.strike(&path);
    let is_dropped = fault == Some(Fault::DroppedConnection);
    if let Some(Fault::Slow { milliseconds }) = fault {
        actix_web::rt::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    let mut response = match fault.and_then(|fault| faulty(&fault)) {
        Some(response) => request.into_response(response),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    let status = if is_dropped { 0 } else { response.status().as_u16() };
    let (unexpected, authorized) = {
        let left = response.request().extensions();
        let is_nowhere = left.contains::<NoSuchEndpoint>() || response.status() == StatusCode::METHOD_NOT_ALLOWED;
        (is_nowhere, left.get::<AuthorizedAs>().cloned())
    };
    if let Some(authorized) = &authorized {
        let standing = response.request().extensions().get::<Standing>().copied();
        write_headers(response.headers_mut(), authorized, standing);
    }
    let credential = authorized.as_ref().map(|authorized| authorized.kind);
    let authorized_as = authorized.map(|authorized| authorized.name);
    bitbucket.state().calls.push(Call { method, path, query, status, authorized_as, credential, body, unexpected });
    Ok(response)
}

/// What real answers say about the credential and its budget.
fn write_headers(headers: &mut HeaderMap, authorized: &AuthorizedAs, standing: Option<Standing>) {
    let accepted = authorized.scopes.replace(' ', ", ");
    for (name, value) in [("x-accepted-oauth-scopes", accepted.as_str()), ("x-credential-type", authorized.kind.as_str())] {
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if let Some(standing) = standing {
        standing.write(authorized.kind, headers);
    }
}

/// Reads the body and puts it back for the handler. A form to the token endpoint is recorded by its kind only.
async fn recorded_body(request: &mut ServiceRequest) -> String {
    let body = request.extract::<Bytes>().await.unwrap_or_default();
    request.set_payload(Payload::Stream { payload: Box::pin(stream::once(ready(Ok(body.clone())))) });
    let text = String::from_utf8_lossy(&body).into_owned();
    if !request.path().starts_with("/site/oauth2") {
        return text;
    }
    let grant_type = query_pairs(&text).into_iter().find(|(name, _)| name == "grant_type");
    grant_type.map_or_else(String::new, |(_, value)| format!("grant_type={value}"))
}

/// The answer that stands in for the right one; a slow answer is the right one.
fn faulty(fault: &Fault) -> Option<HttpResponse> {
    let json = || HttpResponse::Ok().content_type("application/json").take();
    match fault {
        Fault::Slow { .. } => None,
        Fault::DroppedConnection => Some(json().body(CutBody)),
        Fault::MalformedBody => Some(json().body("{\"type\": \"pullrequest\", ")),
        Fault::Status(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Some(ApiError::new(status, "The sandbox was told to answer so").error_response())
        }
        Fault::RateLimited { retry_after_seconds } => {
            let mut response = HttpResponse::TooManyRequests();
            if let Some(seconds) = retry_after_seconds {
                response.insert_header((header::RETRY_AFTER, seconds.to_string()));
            }
            Some(response.content_type("text/plain").body("Rate limit for this resource has been exceeded"))
        }
    }
}

/// A body that breaks off at once, whereupon the server closes the connection.
struct CutBody;

impl MessageBody for CutBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(1024)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
