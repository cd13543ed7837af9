//! Who is signed in: the session cookie, and the token that every form of a session carries. Page handlers take [`SignedIn`].

use std::future::Future;
use std::pin::Pin;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::failure::Failure;
use super::page::{Banner, Person, Place, Shell};
use crate::app::App;
use crate::config::{PublicUrl, Secret};
use crate::error::{Error, Result};
use crate::people::members::{Member, Role};
use crate::people::{Viewer, sessions, workspaces};
use crate::platform::signed::app_of;
use crate::storage::seal::hash_hex;

/// A member with a session.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub member: Member,
    /// The name of their workspace.
    pub workspace: String,
    /// The session's secret, to end it.
    pub secret: Secret,
}

impl FromRequest for SignedIn {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = app_of(&request)?;
            let cookie = request.cookie(cookie_name(&app.config.public_url));
            let ended = || Error::unauthorised("session_ended", "Sign in to go on.");
            let secret = Secret::new(cookie.ok_or_else(ended)?.value());
            let (asked, now) = (secret.clone(), app.now());
            let found = app.read(move |connection| {
                let member = sessions::member_of(connection, asked.expose(), &now)?;
                let workspace = workspaces::find(connection, &member.workspace_id)?;
                Ok((member, workspace.name))
            });
            let (member, workspace) = found.await?;
            Ok(Self { member, workspace, secret })
        })
    }
}

impl SignedIn {
    /// The member as one who asks.
    pub fn viewer(&self) -> Viewer {
        self.member.viewer()
    }

    /// What the forms of this session carry.
    pub fn csrf(&self) -> String {
        csrf(&self.secret)
    }

    /// Refuses a form that was not made for this session.
    ///
    /// # Errors
    /// `csrf_invalid` (403).
    pub fn check(&self, sent: &str) -> Result<()> {
        check_csrf(&self.secret, sent)
    }

    /// What stands around a page.
    pub fn shell(&self, place: Place, banner: Option<Banner>) -> Shell {
        let member = person(self.member.id.as_str(), &self.member.name, &self.member.email);
        let is_owner = self.member.role == Role::Owner;
        Shell { workspace: self.workspace.clone(), member, is_owner, csrf: self.csrf(), place, banner }
    }
}

/// The token of the forms that belong to `secret`: whoever does not know the secret cannot make it.
pub fn csrf(secret: &Secret) -> String {
    hash_hex(format!("csrf:{}", secret.expose()).as_bytes())
}

/// Refuses a form whose token does not belong to `secret`.
///
/// # Errors
/// `csrf_invalid` (403).
pub fn check_csrf(secret: &Secret, sent: &str) -> Result<()> {
    let expected = csrf(secret);
    aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), sent.as_bytes())
        .map_err(|_unspecified| Error::forbidden("csrf_invalid", "This form is too old. Reload the page and try again."))
}

/// The cookie that opens a session, or ends it when `secret` is none.
pub fn cookie(app: &App, secret: Option<&Secret>) -> Cookie<'static> {
    let url = &app.config.public_url;
    let value = secret.map_or_else(String::new, |secret| secret.expose().to_owned());
    let mut cookie = Cookie::new(cookie_name(url), value);
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_secure(url.is_https);
    cookie.set_same_site(SameSite::Lax);
    let seconds = if secret.is_some() { sessions::SESSION_SECONDS } else { 0 };
    cookie.set_max_age(actix_web::cookie::time::Duration::seconds(seconds));
    cookie
}

/// On https the prefix makes the browser refuse the cookie from anywhere but this very host
/// (<https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2>).
fn cookie_name(url: &PublicUrl) -> &'static str {
    if url.is_https { "__Host-clarityloop" } else { "clarityloop" }
}

/// A member as pages show them: initials on one of six grounds, chosen by the id so that a person keeps theirs.
pub fn person(id: &str, name: &str, email: &str) -> Person {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    let initials = first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect();
    let face = id.bytes().fold(0_u8, |sum, byte| sum.wrapping_add(byte)) % 6 + 1;
    Person { name: name.to_owned(), initials, face, email: email.to_owned() }
}
