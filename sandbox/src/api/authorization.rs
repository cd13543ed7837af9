//! The proof that an app calls: its JWT in the header, verified in full, and the scopes of its descriptor.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/understanding-jwt-for-apps/>.

use super::ApiError;
use crate::{
    bitbucket::Bitbucket,
    descriptor::Descriptor,
    server::AuthorizedAs,
    signing::{canonical_request, query_string_hash},
    token::{is_signed_with, unverified_claims},
};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::{StatusCode, header},
    web::Data,
};
use serde_json::{Map, Value, json};
use std::future::{Ready, ready};

/// The installation that calls.
pub(crate) struct Caller {
    pub(crate) client_key: String,
    /// UUID of the workspace where it is installed.
    pub(crate) workspace: String,
    pub(crate) descriptor: Descriptor,
}

impl Caller {
    /// Refuses, as Bitbucket does, a call for which the descriptor lists no scope.
    pub(crate) fn require(&self, scope: &str) -> Result<(), ApiError> {
        if self.descriptor.allows(scope) {
            return Ok(());
        }
        let detail = json!({ "granted": self.descriptor.scopes, "required": [scope] });
        let refusal = ApiError::new(StatusCode::FORBIDDEN, "Your credentials lack one or more required privilege scopes.");
        Err(ApiError { detail, ..refusal })
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorize(request).map_err(|reason| ApiError::new(StatusCode::UNAUTHORIZED, reason)))
    }
}

fn authorize(request: &HttpRequest) -> Result<Caller, &'static str> {
    const REFUSED: &str = "Token is invalid, expired, or not supported for this endpoint.";
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    // The scheme is case sensitive, and a token anywhere else counts for nothing.
    let token = header.and_then(|value| value.strip_prefix("JWT ")).ok_or("Authentication must use app JWT")?;
    let claims = unverified_claims(token).ok_or(REFUSED)?;
    let bitbucket = request.app_data::<Data<Bitbucket>>().ok_or(REFUSED)?;
    let now = bitbucket.now().timestamp();
    let state = bitbucket.state();
    let client_key = claims.get("sub").and_then(Value::as_str).ok_or(REFUSED)?;
    let record = state.installations.iter().find(|record| record.client_key == client_key).ok_or(REFUSED)?;
    let is_signed = record.accepted_secrets().any(|secret| is_signed_with(token, secret));
    let is_issuer = claims.get("iss").and_then(Value::as_str) == Some(&record.descriptor.key);
    if !is_signed || !is_issuer || !is_current(&claims, now) || !is_for(&claims, request) {
        return Err(REFUSED);
    }
    request.extensions_mut().insert(AuthorizedAs(client_key.to_owned()));
    Ok(Caller { client_key: client_key.to_owned(), workspace: record.workspace.clone(), descriptor: record.descriptor.clone() })
}

fn is_current(claims: &Map<String, Value>, now: i64) -> bool {
    claims.get("exp").and_then(Value::as_i64).is_some_and(|expires_at| expires_at > now)
}

fn is_for(claims: &Map<String, Value>, request: &HttpRequest) -> bool {
    let canonical = canonical_request(request.method().as_str(), request.uri().path(), request.query_string());
    claims.get("qsh").and_then(Value::as_str) == Some(&query_string_hash(&canonical))
}
