//! The start page: a greeting and the ways on.

use actix_web::{HttpResponse, web};

use super::failure::{PageResult, html};
use super::page::{HomePage, Place};
use super::session::SignedIn;
use crate::app::App;
use crate::people::identities;

/// `GET /`.
///
/// # Errors
/// When the database refuses.
pub async fn show(app: web::Data<App>, me: SignedIn) -> PageResult<HttpResponse> {
    let viewer = me.viewer();
    let identity = app.read(move |connection| identities::of(connection, &viewer, &viewer.member_id)).await?;
    let bitbucket_linked = identity.is_some_and(|identity| identity.confirmed_at.is_some());
    html(&HomePage { shell: me.shell(Place::Home, None), bitbucket_linked })
}
