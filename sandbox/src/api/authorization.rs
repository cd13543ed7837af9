//! Which credential a request brings, and whether it is good: an app's JWT, an access token by Forge, by OAuth 2.0 or made in
//! somebody's settings, or a person's API token. App passwords are dead.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#authentication> and
//! <https://developer.atlassian.com/platform/forge/remote/calling-product-apis/>.

use super::{
    ApiError,
    access_token::basic,
    caller::{Caller, Identity},
    connect_token, needs,
};
use crate::{bitbucket::Bitbucket, budget::Resource, oauth::Actor, record::AuthorizedAs};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::{StatusCode, header},
    web::Data,
};
use std::future::{Ready, ready};

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request))
    }
}

fn admit(request: &HttpRequest) -> Result<Caller, ApiError> {
    let bitbucket = request.app_data::<Data<Bitbucket>>().ok_or_else(ApiError::unsupported)?;
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let caller = if let Some(token) = header.strip_prefix("Bearer ") {
        bearer(bitbucket, token)?
    } else if header.starts_with("Basic ") {
        let found = basic(request).and_then(|(email, token)| bitbucket.api_token(&email, &token));
        let found = found.ok_or_else(|| {
            let sentence =
                "Login failed due to incorrect login credentials or method. Please check your credentials and try again.";
            ApiError::new(StatusCode::UNAUTHORIZED, sentence).plain()
        })?;
        Caller { identity: Identity::ApiToken { account_id: found.account_id, workspace: found.workspace }, scopes: found.scopes }
    } else {
        // The scheme is case sensitive, and a token anywhere else counts for nothing.
        let token = header.strip_prefix("JWT ");
        let token = token.ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, "Authentication must use app JWT"))?;
        connect_token::caller(bitbucket, request, token).ok_or_else(ApiError::unsupported)?
    };
    let pattern = request.match_pattern().unwrap_or_default();
    let needs = needs::of(request.method().as_str(), &pattern);
    request.extensions_mut().insert(AuthorizedAs {
        name: caller.name().to_owned(),
        kind: caller.kind(),
        scopes: needs.map(|needs| needs.2).unwrap_or_default(),
    });
    let is_raw = !request.query_string().contains("format=meta");
    let standing = bitbucket.spend(caller.budget(), Resource::of(&pattern, is_raw))?;
    request.extensions_mut().insert(standing);
    match needs {
        Some(needs) => caller.must_have(needs)?,
        None => {
            caller.connect()?;
        }
    }
    Ok(caller)
}

fn bearer(bitbucket: &Bitbucket, token: &str) -> Result<Caller, ApiError> {
    if let Some(grant) = bitbucket.granted(token) {
        if grant.expires_at <= bitbucket.now() {
            let sentence = "Access token expired. Use your refresh token to obtain a new access token.";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, sentence));
        }
        let identity = match grant.actor {
            Actor::Person(account_id) => Identity::Granted { account_id },
            Actor::App { workspace } => Identity::App { client_id: grant.client_id, workspace },
        };
        return Ok(Caller { identity, scopes: grant.scopes });
    }
    if let Some(found) = bitbucket.pasted_token(token) {
        return Ok(Caller { identity: Identity::AccessToken { name: found.name, reach: found.reach }, scopes: found.scopes });
    }
    let access = bitbucket.forge_access(token).ok_or_else(ApiError::unsupported)?;
    let identity = Identity::Forge { installation: access.installation, workspace: access.workspace };
    Ok(Caller { identity, scopes: access.scopes })
}
