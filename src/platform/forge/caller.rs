//! Who calls through Forge: the extractors of the three kinds of caller, which exclude one another.
//!
//! A page of the app chooses path, body and headers of a call, and Forge signs it all the same. Each door therefore takes its own kind of
//! caller and no other, and nothing but the invocation token is believed about person, place and workspace.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use futures_util::Future;
use uuid::Uuid;

use super::refused::Refused;
use crate::config::Now;
use crate::error::Error;
use crate::forge::invocation_token::Invocation;
use crate::forge::refusal::Refusal;
use crate::forge::system_token::{AccessToken, SYSTEM_TOKEN_HEADER, USER_TOKEN_HEADER};
use crate::platform::signed::app_of;

/// A person on a pull request, in the panel or the action of its menu.
#[derive(Clone, Debug)]
pub struct PanelCaller {
    /// What the token says: the installation and its Bitbucket workspace.
    pub invocation: Invocation,
    /// The person's Atlassian account id.
    pub account: String,
    /// The repository.
    pub repository: Uuid,
    /// The number of the pull request.
    pub pull_request: u64,
    /// Whether it is the action, which opens in a dialog.
    pub is_action: bool,
    /// The token for one call to Bitbucket within this one: the person's, else the app's own. It is never stored: the page could have
    /// planted it.
    pub token: Option<AccessToken>,
}

/// A person on the app's page in the settings of the Bitbucket workspace. It proves nothing about their rights here.
#[derive(Clone, Debug)]
pub struct SettingsCaller {
    /// What the token says: the installation and its Bitbucket workspace.
    pub invocation: Invocation,
    /// The person's Atlassian account id.
    pub account: String,
    /// As [`PanelCaller::token`].
    pub token: Option<AccessToken>,
}

/// Forge itself: an event, a lifecycle call, the hourly trigger, the uninstall.
#[derive(Clone, Debug)]
pub struct PlatformCaller {
    /// What the token says: the installation and its Bitbucket workspace.
    pub invocation: Invocation,
    /// The app's own token, to be kept.
    pub system_token: Option<AccessToken>,
}

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, Refused>>>>;

/// A call that verified.
struct Call {
    invocation: Invocation,
    headers: HeaderMap,
    now: Now,
}

impl Call {
    /// The one access token under this name; two are none.
    fn token(&self, name: &str) -> Option<AccessToken> {
        let mut values = self.headers.get_all(name);
        let value = values.next()?;
        if values.next().is_some() { None } else { AccessToken::read(value.as_bytes(), self.now.unix_seconds()) }
    }

    fn token_of_page(&self) -> Option<AccessToken> {
        self.token(USER_TOKEN_HEADER).or_else(|| self.token(SYSTEM_TOKEN_HEADER))
    }
}

/// Verifies a call and has `kind` make its caller of it. Every refusal is counted.
fn extract<T: 'static>(request: &HttpRequest, kind: fn(Call) -> Result<T, Refusal>) -> Extraction<T> {
    let request = request.clone();
    Box::pin(async move {
        let app = app_of(&request)?;
        // The routes are not there without a verifier.
        let verifier = app.forge.as_ref().ok_or_else(|| Error::not_found("address"))?;
        let (headers, now) = (request.headers().clone(), app.now());
        let authorizations = headers.get_all(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let verified = verifier.invocation(authorizations, &now).await;
        let caller = verified.and_then(|invocation| kind(Call { invocation, headers: headers.clone(), now }));
        caller.map_err(|refusal| {
            app.metrics.token_refusals.with_label_values(&[refusal.code()]).inc();
            Refused::from(refusal)
        })
    })
}

impl FromRequest for PanelCaller {
    type Error = Refused;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        extract(request, |call| {
            let panel = call.invocation.of_panel()?;
            let (account, repository) = (panel.account.to_owned(), panel.repository);
            let (pull_request, is_action) = (panel.pull_request, panel.is_action);
            let token = call.token_of_page();
            Ok(Self { account, repository, pull_request, is_action, token, invocation: call.invocation })
        })
    }
}

impl FromRequest for SettingsCaller {
    type Error = Refused;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        extract(request, |call| {
            let account = call.invocation.of_settings()?.to_owned();
            let token = call.token_of_page();
            Ok(Self { account, token, invocation: call.invocation })
        })
    }
}

impl FromRequest for PlatformCaller {
    type Error = Refused;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        extract(request, |call| {
            call.invocation.of_platform()?;
            Ok(Self { system_token: call.token(SYSTEM_TOKEN_HEADER), invocation: call.invocation })
        })
    }
}
