//! Owners at the pages that are only theirs; everybody else reads who the owners are. Handlers of the settings take [`Owner`].

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::failure::Failure;
use super::session::SignedIn;
use crate::error::Error;
use crate::people::members::{self, Role};
use crate::platform::signed::app_of;

/// An owner with a session.
#[derive(Debug)]
pub struct Owner(pub SignedIn);

impl FromRequest for Owner {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, signed_in) = (request.clone(), SignedIn::from_request(request, payload));
        Box::pin(async move {
            let me = signed_in.await?;
            if me.member.role == Role::Owner {
                return Ok(Self(me));
            }
            let (app, workspace_id) = (app_of(&request)?, me.member.workspace_id);
            let owners = app.read(move |connection| members::owner_names(connection, &workspace_id)).await?;
            let detail = format!("Only owners of the workspace reach its settings. Ask {}.", owners.join(" or "));
            Err(Error::forbidden("owner_needed", detail).into())
        })
    }
}
