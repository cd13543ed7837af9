//! The person whose access token it is, and their e-mail addresses.

use super::{ApiError, page};
use crate::{bitbucket::Bitbucket, oauth::Grant, resource::Resources};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::Data,
};
use serde_json::{Value, json};

/// `GET /2.0/user`.
pub(crate) async fn one(request: HttpRequest, bitbucket: Data<Bitbucket>) -> Result<HttpResponse, ApiError> {
    let grant = granted(&request, &bitbucket, "account")?;
    let state = bitbucket.state();
    match (Resources { world: &state.world, url: bitbucket.url() }).account(&grant.account_id) {
        Value::Null => Err(unauthorised()),
        person => Ok(HttpResponse::Ok().json(person)),
    }
}

/// `GET /2.0/user/emails`: all of them, confirmed or not.
pub(crate) async fn emails(request: HttpRequest, bitbucket: Data<Bitbucket>) -> Result<HttpResponse, ApiError> {
    let grant = granted(&request, &bitbucket, "email")?;
    let emails = bitbucket.world(|world| {
        let own = world.emails.iter().filter(|email| email.account_id == grant.account_id);
        own.map(|email| {
            json!({
                "type": "email",
                "email": email.address,
                "is_primary": email.is_primary,
                "is_confirmed": email.is_confirmed,
                "links": { "self": { "href": format!("{}/2.0/user/emails/{}", bitbucket.url(), email.address) } },
            })
        })
        .collect()
    });
    page::of(&request, bitbucket.url(), 100, emails)
}

/// Bitbucket takes an access token in the header and nowhere else.
fn granted(request: &HttpRequest, bitbucket: &Bitbucket, scope: &str) -> Result<Grant, ApiError> {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(unauthorised)?;
    let grant = bitbucket.granted(token).ok_or_else(unauthorised)?;
    if grant.scopes.iter().any(|granted| granted == scope) {
        return Ok(grant);
    }
    let refusal = ApiError::new(StatusCode::FORBIDDEN, "Your credentials lack one or more required privilege scopes.");
    Err(ApiError { detail: json!({ "granted": grant.scopes, "required": [scope] }), ..refusal })
}

fn unauthorised() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "Token is invalid, expired, or not supported for this endpoint.")
}
