//! `/profile`: who I am, my Bitbucket account and the code that links it, and where I am signed in.

use actix_web::{HttpResponse, web};

use super::failure::{PageResult, html, see_other};
use super::page::{Account, LinkCode, OwnGrant as GrantRow, Place, ProfilePage, SessionRow, Time};
use super::session::SignedIn;
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::config::{Now, Secret};
use crate::connections::grants::{self, Connection, OwnGrant, State};
use crate::connections::scopes;
use crate::error::{Error, Result};
use crate::people::identities::{self, BoundBy, CODE_SECONDS, Identity};
use crate::people::members::Role;
use crate::people::sessions::{self, Session};
use crate::people::{Viewer, api_tokens};
use crate::platform::body::Form;
use crate::storage::AnyConnection;
use crate::storage::ids::SessionId;

/// What the page shows, read at once.
struct Standing {
    identity: Option<Identity>,
    sessions: Vec<Session>,
    tokens: usize,
    grants: Vec<Connection>,
}

/// `GET /profile`.
///
/// # Errors
/// When the database refuses.
pub async fn show(app: web::Data<App>, me: SignedIn) -> PageResult<HttpResponse> {
    let (viewer, secret, now) = (me.viewer(), me.secret.clone(), app.now());
    let standing = app.read(move |connection| read(connection, &viewer, &secret, &now)).await?;
    html(&page(&app, &me, standing, None))
}

/// `POST /profile/code`: makes a code and shows it, this once.
///
/// # Errors
/// `csrf_invalid` (403); `identity_confirmed` (409).
pub async fn new_code(app: web::Data<App>, me: SignedIn, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, secret, now) = (me.viewer(), me.secret.clone(), app.now());
    let moment = now.clone();
    let made = app.write(move |connection| {
        let code = identities::new_code(connection, &viewer, &moment)?;
        Ok((code, read(connection, &viewer, &secret, &moment)?))
    });
    let (code, standing) = made.await?;
    html(&page(&app, &me, standing, Some(LinkCode { code, until: Time::Moment(now.plus_seconds(CODE_SECONDS)) })))
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

/// `POST /profile/sessions/{id}/end`: signs me out of another browser.
///
/// # Errors
/// `csrf_invalid` (403); `not_found` (404).
pub async fn end_session(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let id = SessionId::parse(&id).ok_or_else(|| Error::not_found("session"))?;
    let viewer = me.viewer();
    app.write(move |connection| sessions::end(connection, &viewer, &id)).await?;
    Ok(see_other("/profile"))
}

/// `POST /profile/sessions/end-others`: signs me out of every browser but this one.
///
/// # Errors
/// `csrf_invalid` (403).
pub async fn end_other_sessions(app: web::Data<App>, me: SignedIn, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    app.write(move |connection| sessions::end_others(connection, &me.viewer(), &me.secret)).await?;
    Ok(see_other("/profile"))
}

fn read(connection: &mut AnyConnection, viewer: &Viewer, secret: &Secret, now: &Now) -> Result<Standing> {
    Ok(Standing {
        identity: identities::of(connection, viewer, &viewer.member_id)?,
        sessions: sessions::list(connection, viewer, secret, now)?,
        tokens: api_tokens::list(connection, viewer)?.len(),
        grants: grants::own(connection, viewer)?,
    })
}

fn page(app: &App, me: &SignedIn, standing: Standing, code: Option<LinkCode>) -> ProfilePage {
    let role = match me.member.role {
        Role::Owner => "Owner",
        Role::Member => "Member",
    };
    let session = |session: Session| SessionRow {
        id: session.id.to_string(),
        browser: session.browser,
        since: Time::Moment(session.created_at),
        is_this: session.is_this,
    };
    ProfilePage {
        shell: me.shell(Place::Profile, None),
        role: role.to_owned(),
        account: account(standing.identity),
        has_bitbucket: app.config.oauth.client_id.is_some(),
        code,
        sessions: standing.sessions.into_iter().map(session).collect(),
        tokens: standing.tokens,
        grants: OwnGrant::ALL.map(|which| grant_row(which, &standing.grants)).into(),
    }
}

fn grant_row(which: OwnGrant, given: &[Connection]) -> GrantRow {
    let given = given.iter().find(|own| own.serves(which.purpose()));
    let (name, what) = match which {
        OwnGrant::Reading => {
            let what = "What you ask of Bitbucket through ClarityLoop is read in your name: everything that you may see there, and nothing else.";
            ("Reading", what)
        }
        OwnGrant::Writing => {
            let what = "Where owners allow it, what you change at Bitbucket through ClarityLoop is done in your name, such as an approval or a \
                        comment. It is a consent of its own: reading does without it.";
            ("Writing", what)
        }
    };
    let asked: Vec<&str> = scopes::asked_for(which.purpose()).iter().map(|(scope, _)| *scope).collect();
    GrantRow {
        word: which.purpose().as_str(),
        name,
        what,
        asked: asked.join(" "),
        is_given: given.is_some(),
        is_well: given.is_some_and(|own| own.state == State::Connected),
        since: given.map(|own| Time::Day(own.created_at)),
        scopes: given.and_then(|own| own.scopes.clone()).unwrap_or_default(),
    }
}

fn account(identity: Option<Identity>) -> Account {
    let Some(identity) = identity else { return Account::None };
    let account = identity.account_id;
    match identity.confirmed_at {
        None => Account::Aligned { account, by: "An owner".to_owned() },
        Some(confirmed_at) => {
            let how = match identity.bound_by {
                BoundBy::Code => "with a code",
                BoundBy::Owner => "by an owner, confirmed by you",
                BoundBy::SignIn => "by signing in with Bitbucket",
                BoundBy::Operator => "by the operator",
                BoundBy::Joined => "when an owner let you in",
            };
            Account::Linked { account, since: Time::Day(confirmed_at), how }
        }
    }
}
