//! Where a consumer gets tokens: for a code, for a refresh token, or for itself.

use crate::{
    bitbucket::Bitbucket,
    oauth::{Refusal, TokenPair},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Bytes, Data},
};
use base64::Engine as _;
use serde_json::json;

/// `POST /site/oauth2/access_token`: a form, and the consumer's key and secret by HTTP Basic.
pub(crate) async fn exchange(request: HttpRequest, bitbucket: Data<Bitbucket>, body: Bytes) -> HttpResponse {
    let fields = crate::percent::query_pairs(&String::from_utf8_lossy(&body));
    let field = |name: &str| fields.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    let Some((client_id, client_secret)) = basic(&request) else {
        return refused(("unauthorized_client", "Requests must be authenticated using OAuth client credentials"));
    };
    let client = (client_id.as_str(), client_secret.as_str());
    let grant_type = field("grant_type").unwrap_or_default();
    let handed_out = match grant_type {
        "authorization_code" => bitbucket.exchange(client, field("code").unwrap_or_default(), field("redirect_uri")),
        "refresh_token" => bitbucket.refresh(client, field("refresh_token").unwrap_or_default()),
        "client_credentials" => bitbucket.client_credentials(client),
        // A body that is no form has no field at all, and the real answer says so in these words.
        _ => Err(("unsupported_grant_type", "Unsupported grant type: None")),
    };
    match handed_out {
        Ok(pair) => answer(&bitbucket, grant_type, &pair),
        Err(refusal) => refused(refusal),
    }
}

fn answer(bitbucket: &Bitbucket, grant_type: &str, pair: &TokenPair) -> HttpResponse {
    let mut body = json!({
        "access_token": pair.access_token,
        "expires_in": pair.expires_in,
        "token_type": "bearer",
        "state": grant_type,
    });
    let key = if bitbucket.state().oauth.is_plural { "scopes" } else { "scope" };
    body[key] = json!(pair.scopes.join(" "));
    if let Some(refresh_token) = &pair.refresh_token {
        body["refresh_token"] = json!(refresh_token);
    }
    HttpResponse::Ok().json(body)
}

/// Name and secret of an HTTP Basic header.
pub(super) fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let header = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(header).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

fn refused((error, description): Refusal) -> HttpResponse {
    HttpResponse::build(StatusCode::BAD_REQUEST).json(json!({ "error": error, "error_description": description }))
}
