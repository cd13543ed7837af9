//! The proof that an app calls: its JWT in the header, verified in full, and the scopes of its descriptor; or an access token that
//! Forge has handed to it, and the scopes of its manifest.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/understanding-jwt-for-apps/> and
//! <https://developer.atlassian.com/platform/forge/remote/calling-product-apis/>; which scope Forge needs stands in the OpenAPI file.

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
    /// UUID of the workspace where it is installed.
    pub(crate) workspace: String,
    door: Door,
}

/// By what the app is installed, and what it may.
enum Door {
    Connect { client_key: String, descriptor: Box<Descriptor> },
    Forge { scopes: Vec<String> },
}

const REFUSED: &str = "Token is invalid, expired, or not supported for this endpoint.";

impl Caller {
    /// Refuses, as Bitbucket does, a call for which the descriptor lists no scope, or the manifest not the one that Forge has for
    /// the same.
    pub(crate) fn require(&self, scope: &str) -> Result<(), ApiError> {
        match &self.door {
            Door::Connect { descriptor, .. } if descriptor.allows(scope) => Ok(()),
            Door::Connect { descriptor, .. } => Err(lacking(&descriptor.scopes, scope)),
            Door::Forge { .. } => match scope {
                "repository" => self.require_of_forge("read:repository:bitbucket"),
                "pullrequest" => self.require_of_forge("read:pullrequest:bitbucket"),
                "account" => self.require_of_forge("read:workspace:bitbucket"),
                _ => Err(unsupported()),
            },
        }
    }

    /// A scope that only Forge asks for. Scopes of Forge do not imply one another.
    pub(crate) fn require_of_forge(&self, scope: &str) -> Result<(), ApiError> {
        match &self.door {
            Door::Forge { scopes } if !scopes.iter().any(|granted| granted == scope) => Err(lacking(scopes, scope)),
            _ => Ok(()),
        }
    }

    /// The clientKey and the descriptor, for what only Connect apps may call.
    pub(crate) fn connect(&self) -> Result<(&str, &Descriptor), ApiError> {
        match &self.door {
            Door::Connect { client_key, descriptor } => Ok((client_key, descriptor)),
            Door::Forge { .. } => Err(unsupported()),
        }
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorize(request).map_err(|reason| ApiError::new(StatusCode::UNAUTHORIZED, reason)))
    }
}

fn lacking(granted: &[String], required: &str) -> ApiError {
    let detail = json!({ "granted": granted, "required": [required] });
    let refusal = ApiError::new(StatusCode::FORBIDDEN, "Your credentials lack one or more required privilege scopes.");
    ApiError { detail, ..refusal }
}

fn unsupported() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, REFUSED)
}

fn authorize(request: &HttpRequest) -> Result<Caller, &'static str> {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = header.and_then(|value| value.strip_prefix("Bearer ")) {
        return authorize_forge(request, token).ok_or(REFUSED);
    }
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
    let door = Door::Connect { client_key: client_key.to_owned(), descriptor: Box::new(record.descriptor.clone()) };
    Ok(Caller { workspace: record.workspace.clone(), door })
}

fn authorize_forge(request: &HttpRequest, token: &str) -> Option<Caller> {
    let access = request.app_data::<Data<Bitbucket>>()?.forge_access(token)?;
    request.extensions_mut().insert(AuthorizedAs(access.installation));
    Some(Caller { workspace: access.workspace, door: Door::Forge { scopes: access.scopes } })
}

fn is_current(claims: &Map<String, Value>, now: i64) -> bool {
    claims.get("exp").and_then(Value::as_i64).is_some_and(|expires_at| expires_at > now)
}

fn is_for(claims: &Map<String, Value>, request: &HttpRequest) -> bool {
    let canonical = canonical_request(request.method().as_str(), request.uri().path(), request.query_string());
    claims.get("qsh").and_then(Value::as_str) == Some(&query_string_hash(&canonical))
}
