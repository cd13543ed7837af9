//! Who calls: the member behind the one API token of a request, and what that token may be used for.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, web};

use crate::app::App;
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::people::api_tokens::{self, Holder, Scope};
use crate::platform::signed::app_of;
use crate::storage::ids::TokenId;

/// The member who calls.
#[derive(Debug)]
pub(super) struct Caller {
    /// As whom the rules are asked.
    pub(super) viewer: Viewer,
    scopes: Vec<Scope>,
}

/// Why a caller is not let in: an error that says how to prove oneself (RFC 6750, section 3,
/// <https://www.rfc-editor.org/rfc/rfc6750#section-3>).
#[derive(Debug)]
pub(super) struct Refusal(Error);

impl Caller {
    /// Whether the token has `scope`.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Refuses a token without `scope`.
    ///
    /// # Errors
    /// `scope_missing` (403).
    pub(super) fn needs(&self, scope: Scope) -> Result<()> {
        if self.may(scope) {
            return Ok(());
        }
        let detail = format!("This API token lacks the scope {}. Use one that has it.", scope.as_str());
        Err(Error::forbidden("scope_missing", detail))
    }
}

impl FromRequest for Caller {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = app_of(&request).map_err(Refusal)?;
            let caller = identify(&app, request.headers()).await;
            caller.map_err(|error| {
                if error.status() == StatusCode::UNAUTHORIZED {
                    app.metrics.token_refusals.with_label_values(&[error.code]).inc();
                }
                Refusal(error)
            })
        })
    }
}

async fn identify(app: &web::Data<App>, headers: &HeaderMap) -> Result<Caller> {
    let token = bearer_token(headers).map(str::to_owned).ok_or_else(|| {
        let detail = "Send one header Authorization: Bearer with an API token of a member.";
        Error::unauthorised("api_token_missing", detail)
    })?;
    let now = app.now();
    let Holder { member, scopes, token, is_use_to_be_noted } =
        app.read(move |connection| api_tokens::holder(connection, &token, &now)).await?;
    if is_use_to_be_noted {
        note_use(app, token);
    }
    Ok(Caller { viewer: member.viewer(), scopes })
}

/// Notes the use of a token beside the request, which neither waits for it nor fails with it.
fn note_use(app: &web::Data<App>, token: TokenId) {
    let (app, now) = (app.clone(), app.now());
    actix_web::rt::spawn(async move {
        if let Err(error) = app.write(move |connection| api_tokens::note_use(connection, &token, &now)).await {
            error.log();
        }
    });
}

/// The token of the one `Authorization` header (RFC 6750, section 2.1); none when it comes twice or in another form.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let fits = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(token)
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.0.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.0.error_response();
        if self.0.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn token_of(values: &[&str]) -> Option<String> {
        let request =
            values.iter().fold(TestRequest::default(), |request, value| request.append_header(("Authorization", *value)));
        bearer_token(request.to_http_request().headers()).map(str::to_owned)
    }

    #[test]
    fn one_bearer_token_is_read_in_any_case_of_the_scheme() {
        assert_eq!(token_of(&["Bearer clb_abc"]).as_deref(), Some("clb_abc"));
        assert_eq!(token_of(&["bearer  clb_abc"]).as_deref(), Some("clb_abc"));
    }

    #[test]
    fn anything_but_one_bearer_token_counts_as_none() {
        for values in
            [vec![], vec!["Bearer"], vec!["Bearer "], vec!["JWT a.b.c"], vec!["Bearer a b"], vec!["Bearer a", "Bearer a"]]
        {
            assert_eq!(token_of(&values), None, "{values:?}");
        }
    }
}
