//! Where a consumer exchanges a code for an access token.

use crate::{
    bitbucket::Bitbucket,
    oauth::{Refusal, TOKEN_SECONDS},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Bytes, Data},
};
use base64::Engine as _;
use serde_json::json;
use uuid::Uuid;

/// `POST /site/oauth2/access_token`: a form, and the consumer's key and secret by HTTP Basic.
pub(crate) async fn exchange(request: HttpRequest, bitbucket: Data<Bitbucket>, body: Bytes) -> HttpResponse {
    let fields = crate::percent::query_pairs(&String::from_utf8_lossy(&body));
    let field = |name: &str| fields.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    let Some((client_id, client_secret)) = basic(&request) else {
        return refused(("unauthorized_client", "Requests must be authenticated using OAuth client credentials"));
    };
    // A body that is no form has no field at all, and the real answer says so in these words.
    if field("grant_type") != Some("authorization_code") {
        return refused(("unsupported_grant_type", "Unsupported grant type: None"));
    }
    match bitbucket.exchange((&client_id, &client_secret), field("code").unwrap_or_default(), field("redirect_uri")) {
        Ok(grant) => HttpResponse::Ok().json(json!({
            "access_token": grant.token,
            "refresh_token": Uuid::new_v4().simple().to_string(),
            "expires_in": TOKEN_SECONDS,
            "token_type": "bearer",
            "state": "authorization_code",
            "scope": grant.scopes.join(" "),
        })),
        Err(refusal) => refused(refusal),
    }
}

fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let header = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(header).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

fn refused((error, description): Refusal) -> HttpResponse {
    HttpResponse::build(StatusCode::BAD_REQUEST).json(json!({ "error": error, "error_description": description }))
}
