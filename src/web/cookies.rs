//! The cookies of people in a browser: what each is for, how long it lives, and how it is read. Used by the pages that sign in.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use crate::app::App;
use crate::config::{PublicUrl, Secret};
use crate::people::{bitbucket_sign_in, sessions};

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The session.
    Session,
    /// Knows the browser again that was sent to Bitbucket to sign in.
    BitbucketSignIn,
}

impl Purpose {
    /// On https the prefix makes the browser refuse the cookie from anywhere but this very host
    /// (<https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2>).
    fn name(self, url: &PublicUrl) -> &'static str {
        match (self, url.is_https) {
            (Self::Session, true) => "__Host-clarityloop",
            (Self::Session, false) => "clarityloop",
            (Self::BitbucketSignIn, true) => "__Host-clarityloop-sign-in",
            (Self::BitbucketSignIn, false) => "clarityloop-sign-in",
        }
    }

    fn seconds(self) -> i64 {
        match self {
            Self::Session => sessions::SESSION_SECONDS,
            Self::BitbucketSignIn => bitbucket_sign_in::SECONDS,
        }
    }
}

/// The cookie that carries `secret`, or takes it back when there is none.
pub fn cookie(app: &App, purpose: Purpose, secret: Option<&Secret>) -> Cookie<'static> {
    let url = &app.config.public_url;
    let value = secret.map_or_else(String::new, |secret| secret.expose().to_owned());
    let mut cookie = Cookie::new(purpose.name(url), value);
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_secure(url.is_https);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_max_age(Duration::seconds(if secret.is_some() { purpose.seconds() } else { 0 }));
    cookie
}

/// What the browser sent.
pub fn read(app: &App, purpose: Purpose, request: &HttpRequest) -> Option<Secret> {
    let cookie = request.cookie(purpose.name(&app.config.public_url))?;
    Some(Secret::new(cookie.value())).filter(|secret| !secret.expose().is_empty())
}
