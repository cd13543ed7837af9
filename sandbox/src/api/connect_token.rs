//! The JWT of a Connect app, verified in full.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/understanding-jwt-for-apps/>.

use super::caller::{Caller, Identity};
use crate::{
    bitbucket::Bitbucket,
    signing::{canonical_request, query_string_hash},
    token::{is_signed_with, unverified_claims},
};
use actix_web::HttpRequest;
use serde_json::{Map, Value};

/// The app that has signed this request, if the token is right in everything.
pub(super) fn caller(bitbucket: &Bitbucket, request: &HttpRequest, token: &str) -> Option<Caller> {
    let claims = unverified_claims(token)?;
    let now = bitbucket.now().timestamp();
    let state = bitbucket.state();
    let client_key = claims.get("sub").and_then(Value::as_str)?;
    let record = state.installations.iter().find(|record| record.client_key == client_key)?;
    let is_signed = record.accepted_secrets().any(|secret| is_signed_with(token, secret));
    let is_issuer = claims.get("iss").and_then(Value::as_str) == Some(&record.descriptor.key);
    if !is_signed || !is_issuer || !is_current(&claims, now) || !is_for(&claims, request) {
        return None;
    }
    let identity = Identity::Connect {
        client_key: client_key.to_owned(),
        descriptor: Box::new(record.descriptor.clone()),
        workspace: record.workspace.clone(),
    };
    Some(Caller { identity, scopes: record.descriptor.scopes.clone() })
}

fn is_current(claims: &Map<String, Value>, now: i64) -> bool {
    claims.get("exp").and_then(Value::as_i64).is_some_and(|expires_at| expires_at > now)
}

fn is_for(claims: &Map<String, Value>, request: &HttpRequest) -> bool {
    let canonical = canonical_request(request.method().as_str(), request.uri().path(), request.query_string());
    claims.get("qsh").and_then(Value::as_str) == Some(&query_string_hash(&canonical))
}
