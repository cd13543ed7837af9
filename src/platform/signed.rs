//! Who signed a call: the extractor every Connect door but the lifecycle uses, and the one verifier behind both.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};

use crate::app::App;
use crate::connect::query::{Query, QueryError};
use crate::connect::refusal::Refusal;
use crate::connect::token::{self, Claims, SignedRequest, VerificationKey};
use crate::connections::health;
use crate::error::{Error, Kind};

const WEBHOOKS: &str = "/connect/webhooks";

/// A call that Bitbucket signed for an installation. What that installation may do is for its door to read anew.
#[derive(Debug)]
pub struct Signed {
    /// The installation's client key.
    pub client_key: String,
    /// The parameters that were hashed, and no others.
    pub query: Query,
}

impl FromRequest for Signed {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = app_of(&request)?;
            let signed = verify_call(&app, &request).await;
            signed.inspect_err(|error| count(&app, error))
        })
    }
}

/// The server's parts, which the server hands to every handler.
pub(crate) fn app_of(request: &HttpRequest) -> Result<web::Data<App>, Error> {
    request.app_data::<web::Data<App>>().cloned().ok_or_else(|| Error::internal("the handler was given no App"))
}

/// Counts a refused token by its code.
pub(super) fn count(app: &App, error: &Error) {
    if error.kind == Kind::Unauthorised {
        app.metrics.token_refusals.with_label_values(&[error.code]).inc();
    }
}

async fn verify_call(app: &App, request: &HttpRequest) -> Result<Signed, Error> {
    let query = parse_query(request)?;
    let now = app.now();
    let (client_key, token) = {
        let token = find_token(request, &query)?;
        (token::peek_client_key(token).map_err(refused)?, token)
    };
    let keys = app.keys.of(&client_key, &app.database, &app.keyring, &app.config, &now).await?;
    let keys = keys.ok_or_else(|| refused(Refusal::IssuerUnknown))?;
    let verified = verify(app, request, &query, token, &client_key, &keys.keys);
    note_clock(app, request, &client_key, token, &verified, keys.clock_skew_seconds).await?;
    verified.map(|_claims| Signed { client_key, query })
}

/// Notes how far our clock is from Bitbucket's when that has changed. A token from the future is refused only after its signature
/// has been found good, so that its time can be believed.
async fn note_clock(
    app: &App,
    request: &HttpRequest,
    client_key: &str,
    token: &str,
    verified: &Result<Claims, Error>,
    known: Option<i32>,
) -> Result<(), Error> {
    let issued_at = match verified {
        Ok(claims) => Some(claims.issued_at),
        Err(error) if error.code == Refusal::IssuedInFuture.code() => token::unverified_issued_at(token),
        Err(_) => None,
    };
    // Webhooks are signed as they are sent; the address of a frame is opened when somebody likes.
    let is_fresh = request.path() == WEBHOOKS;
    let moved = issued_at.and_then(|at| health::moved_skew(known, at, app.now().unix_seconds(), is_fresh));
    let Some(seconds) = moved else { return Ok(()) };
    let client_key = client_key.to_owned();
    app.write(move |connection| health::note_skew(connection, &client_key, seconds)).await
}

/// The decoded query of a request.
pub(super) fn parse_query(request: &HttpRequest) -> Result<Query, Error> {
    Query::parse(request.query_string()).map_err(|error: QueryError| {
        let detail = "The address's parameters cannot be read. Reload the page in Bitbucket.";
        Error::new(Kind::Invalid, error.code(), detail)
    })
}

/// The one token of a request.
pub(super) fn find_token<'a>(request: &'a HttpRequest, query: &'a Query) -> Result<&'a str, Error> {
    let headers = request.headers().get_all(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
    token::find_token(headers, query).map_err(refused)
}

/// Whether a token was made with one of `keys` for this very request.
pub(super) fn verify(
    app: &App,
    request: &HttpRequest,
    query: &Query,
    token: &str,
    client_key: &str,
    keys: &[VerificationKey],
) -> Result<Claims, Error> {
    let public_path = Some(app.config.public_url.path.as_str()).filter(|path| !path.is_empty());
    let signed = SignedRequest { method: request.method().as_str(), path: request.uri().path(), public_path, query };
    token::verify(token, client_key, keys, &signed, app.now().unix_seconds()).map_err(refused)
}

/// 401 with the refusal's stable code; nothing of the token is in it.
pub(super) fn refused(refusal: Refusal) -> Error {
    Error::unauthorised(refusal.code(), refusal.to_string())
}
