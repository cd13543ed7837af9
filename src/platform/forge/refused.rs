//! Errors as Forge takes them: JSON that is called `application/json`, and 401 for nothing but an invocation token that does not verify.
//! Every door of the Forge app answers with it.
//!
//! <https://developer.atlassian.com/platform/forge/apis-reference/ui-api-bridge/invokeRemote/>

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

use crate::error::{Error, Kind};
use crate::forge::refusal::Refusal;

/// An error whose face is for Forge.
#[derive(Debug)]
pub struct Refused(Error);

/// The result of a handler that Forge calls.
pub type ForgeResult<T> = Result<T, Refused>;

impl Refused {
    /// The error, for doors that show it in a panel.
    pub fn into_error(self) -> Error {
        self.0
    }
}

impl From<Error> for Refused {
    /// Forge believes of a 401 that its own token was at fault, so that what else would be one is 403.
    fn from(mut error: Error) -> Self {
        if error.kind == Kind::Unauthorised {
            error.kind = Kind::Forbidden;
        }
        Self(error)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.status() {
            401 => Kind::Unauthorised,
            403 => Kind::Forbidden,
            _ => Kind::Busy,
        };
        Self(Error::new(kind, refusal.code(), refusal.to_string()))
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.0.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.0.response().content_type("application/json").json(self.0.problem())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_that_does_not_verify_is_401() {
        for (refused, status) in [
            (Refused::from(Refusal::Signature), 401),
            (Refused::from(Refusal::NotOfPlatform), 403),
            (Refused::from(Refusal::KeysUnavailable), 503),
            (Refused::from(Error::unauthorised("any", "Any.")), 403),
            (Refused::from(Error::not_found("thing")), 404),
        ] {
            let response = refused.error_response();
            assert_eq!(response.status().as_u16(), status, "{refused}");
            let content_type = response.headers().get("content-type").map(|value| value.as_bytes().to_vec());
            assert_eq!(content_type, Some(b"application/json".to_vec()));
        }
    }
}
