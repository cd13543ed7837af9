//! `/profile`: who I am, my Bitbucket account, and the code that links it.

use actix_web::{HttpResponse, web};

use super::failure::{PageResult, html, see_other};
use super::page::{Account, LinkCode, Place, ProfilePage};
use super::session::SignedIn;
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::config::Now;
use crate::people::identities::{self, BoundBy, CODE_SECONDS, Identity};
use crate::people::members::Role;
use crate::platform::body::Form;

/// `GET /profile`.
///
/// # Errors
/// When the database refuses.
pub async fn show(app: web::Data<App>, me: SignedIn) -> PageResult<HttpResponse> {
    let viewer = me.viewer();
    let identity = app.read(move |connection| identities::of(connection, &viewer, &viewer.member_id)).await?;
    html(&page(&me, identity, None))
}

/// `POST /profile/code`: makes a code and shows it, this once.
///
/// # Errors
/// `csrf_invalid` (403); `identity_confirmed` (409).
pub async fn new_code(app: web::Data<App>, me: SignedIn, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now) = (me.viewer(), app.now());
    let moment = now.clone();
    let made = app.write(move |connection| {
        let code = identities::new_code(connection, &viewer, &moment)?;
        Ok((code, identities::of(connection, &viewer, &viewer.member_id)?))
    });
    let (code, identity) = made.await?;
    html(&page(&me, identity, Some(LinkCode { code, until: until(&now) })))
}

/// `POST /profile/account/remove`: unlinks my Bitbucket account.
///
/// # Errors
/// `csrf_invalid` (403); `not_found` (404).
pub async fn remove_account(app: web::Data<App>, me: SignedIn, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now) = (me.viewer(), app.now());
    app.write(move |connection| identities::unbind(connection, &viewer, &viewer.member_id, &now)).await?;
    Ok(see_other("/profile"))
}

fn page(me: &SignedIn, identity: Option<Identity>, code: Option<LinkCode>) -> ProfilePage {
    let role = match me.member.role {
        Role::Owner => "Owner",
        Role::Member => "Member",
    };
    ProfilePage { shell: me.shell(Place::Profile, None), role: role.to_owned(), account: account(identity), code }
}

fn account(identity: Option<Identity>) -> Account {
    let Some(identity) = identity else { return Account::None };
    let account = identity.account_id;
    match identity.confirmed_at {
        None => Account::Aligned { account, by: "an owner".to_owned() },
        Some(confirmed_at) => {
            let how = match identity.bound_by {
                BoundBy::Code | BoundBy::Owner => "with a code",
                BoundBy::Operator => "by the operator",
                BoundBy::Joined => "when an owner let you in",
            };
            Account::Linked { account, since: format!("{}, {how}", confirmed_at.format("%-d %b %Y")) }
        }
    }
}

fn until(now: &Now) -> String {
    format!("{} UTC, in {} minutes", now.plus_seconds(CODE_SECONDS).format("%H:%M"), CODE_SECONDS / 60)
}
