//! Who is signed in, by the session's cookie, and the token that every form of a session carries. Page handlers take [`SignedIn`].

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::cookies::{self, Purpose};
use super::failure::Failure;
use super::page::{Banner, Person, Place, Shell};
use super::zone::Zone;
use crate::config::Secret;
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
    /// Where they are, as far as days are concerned.
    pub zone: Zone,
}

impl FromRequest for SignedIn {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = app_of(&request)?;
            let ended = || Error::unauthorised("session_ended", "Sign in to go on.");
            let secret = cookies::read(&app, Purpose::Session, &request).ok_or_else(ended)?;
            let (asked, now) = (secret.clone(), app.now());
            let found = app.read(move |connection| {
                let member = sessions::member_of(connection, asked.expose(), &now)?;
                let workspace = workspaces::find(connection, &member.workspace_id)?;
                Ok((member, workspace.name))
            });
            let (member, workspace) = found.await?;
            Ok(Self { member, workspace, secret, zone: Zone::of(&request) })
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
        let (workspace, days_are_utc) = (self.workspace.clone(), !self.zone.is_known());
        Shell { workspace, member, is_owner, csrf: self.csrf(), place, banner, days_are_utc }
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

/// A member as pages show them: initials on one of six grounds, chosen by the id so that a person keeps theirs.
pub fn person(id: &str, name: &str, email: &str) -> Person {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    let initials = first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect();
    let face = id.bytes().fold(0_u8, |sum, byte| sum.wrapping_add(byte)) % 6 + 1;
    Person { name: name.to_owned(), initials, face, email: email.to_owned() }
}
