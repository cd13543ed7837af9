//! `/people/{id}`: a member, for owners: role, manager, a new way in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::{chosen, done, mistake, query, to_choose};
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::people::identities::{self, Identity};
use crate::people::members::{self, Member, Role};
use crate::platform::body::Form;
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::web::failure::{PageResult, html_with, see_other};
use crate::web::page::{Banner, MemberPage, PersonField, Place, SignInLink, Time, Wrong};
use crate::web::session::{SignedIn, person};
use crate::web::sign_in::CsrfForm;

/// The role form.
#[derive(Deserialize)]
pub struct RoleForm {
    csrf: String,
    role: String,
}

/// The manager form.
#[derive(Deserialize)]
pub struct ManagerForm {
    csrf: String,
    #[serde(default)]
    manager: String,
}

/// What came of a form that was sent.
#[derive(Default)]
struct Sent {
    banner: Option<Banner>,
    link: Option<SignInLink>,
    /// What was typed as the manager, when that was wrong.
    manager: Option<String>,
    wrong: Wrong,
}

/// `GET /people/{id}`.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub async fn show(app: web::Data<App>, me: SignedIn, id: web::Path<String>, request: HttpRequest) -> PageResult<HttpResponse> {
    let sent = Sent { banner: done(&query(&request).done), ..Sent::default() };
    page(&app, &me, parse(&id)?, sent, StatusCode::OK).await
}

/// `POST /people/{id}/role`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `last_owner` (409).
pub async fn role(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<RoleForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, parsed) = (me.viewer(), app.now(), parse(&id)?);
    let changed = match Role::parse(&form.0.role) {
        Some(role) => {
            let subject = parsed.clone();
            app.write(move |connection| members::change_role(connection, &viewer, &subject, role, &now).map(|_member| ())).await
        }
        None => Err(Error::invalid("role_unknown", "role", "A role is owner or member.")),
    };
    let Err(error) = changed else { return Ok(see_other(&format!("/people/{parsed}?done=role"))) };
    let (status, wrong) = (error.status(), mistake(error)?);
    page(&app, &me, parsed, Sent { wrong, ..Sent::default() }, status).await
}

/// `POST /people/{id}/manager`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `manager_cycle` (409).
pub async fn manager(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<ManagerForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, parsed) = (me.viewer(), app.now(), parse(&id)?);
    let (subject, typed) = (parsed.clone(), form.0.manager.clone());
    let work = move |connection: &mut AnyConnection| {
        let manager = chosen(connection, &viewer, &typed, "manager")?;
        members::set_manager(connection, &viewer, &subject, manager.as_ref(), &now).map(|_member| ())
    };
    let Err(error) = app.write(work).await else { return Ok(see_other(&format!("/people/{parsed}?done=manager"))) };
    let (status, wrong) = (error.status(), mistake(error)?);
    page(&app, &me, parsed, Sent { wrong, manager: Some(form.0.manager), ..Sent::default() }, status).await
}

/// `POST /people/{id}/link`: makes a sign-in link and shows it, this once.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `signed_in_before` (409).
pub async fn new_link(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, parsed) = (me.viewer(), app.now(), parse(&id)?);
    let subject = parsed.clone();
    let made = app.write(move |connection| members::new_sign_in_link(connection, &viewer, &subject, &now));
    let (member, secret) = made.await?;
    let url = format!("{}/sign-in/{}", app.config.public_url.text, secret.expose());
    let link = SignInLink { happened: format!("A new way in for {}", member.name), name: member.name, url };
    page(&app, &me, parsed, Sent { link: Some(link), ..Sent::default() }, StatusCode::OK).await
}

async fn page(app: &App, me: &SignedIn, id: MemberId, sent: Sent, status: StatusCode) -> PageResult<HttpResponse> {
    let viewer = me.viewer();
    let (member, identity, people, manager, has_signed_in) = app.read(move |connection| read(connection, &viewer, &id)).await?;
    let page = MemberPage {
        shell: me.shell(Place::People, sent.banner),
        href: format!("/people/{}", member.id),
        is_owner: member.role == Role::Owner,
        is_you: member.id == me.member.id,
        account: account(identity),
        joined: Time::Day(member.created_at),
        manager: PersonField {
            name: "manager",
            label: "Manager",
            nobody: "Nobody",
            is_required: false,
            people,
            sent: sent.manager.unwrap_or(manager),
            wrong: sent.wrong.at("manager").map(str::to_owned),
        },
        link: sent.link,
        has_signed_in,
        wrong: sent.wrong,
        person: person(member.id.as_str(), &member.name, &member.email),
    };
    html_with(status, &page)
}

type Read = (Member, Option<Identity>, Option<Vec<(String, String)>>, String, bool);

fn read(connection: &mut AnyConnection, viewer: &Viewer, id: &MemberId) -> Result<Read> {
    viewer.must_own()?;
    let member = members::find(connection, viewer, id)?;
    let identity = identities::of(connection, viewer, id)?;
    let people = to_choose(connection, viewer, id)?;
    let manager = match (&member.manager_id, &people) {
        (None, _) => String::new(),
        (Some(id), Some(_)) => id.to_string(),
        (Some(id), None) => members::find(connection, viewer, id)?.email,
    };
    Ok((member, identity, people, manager, members::has_signed_in(connection, viewer, id)?))
}

fn account(identity: Option<Identity>) -> String {
    match identity {
        None => "None linked".to_owned(),
        Some(identity) if identity.confirmed_at.is_none() => {
            format!("{}, not confirmed by the member yet", identity.account_id)
        }
        Some(identity) => identity.account_id,
    }
}

/// The member that an address names.
pub(super) fn parse(id: &str) -> Result<MemberId> {
    MemberId::parse(id).ok_or_else(|| Error::not_found("member"))
}
