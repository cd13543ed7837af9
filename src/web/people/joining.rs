//! `/people/joining/{id}`: somebody who asked to join, let in or refused by an owner.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::{NewMemberForm, mistake, waiting_row};
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::people::join_requests;
use crate::people::members;
use crate::people::text::EmailAddress;
use crate::platform::body::Form;
use crate::storage::ids::JoinRequestId;
use crate::web::failure::{PageResult, html_with, see_other};
use crate::web::page::{Banner, JoinRequestPage, MemberForm, Place, Tone};
use crate::web::session::SignedIn;
use crate::web::sign_in::CsrfForm;

/// `GET /people/joining/{id}`.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub async fn ask(app: web::Data<App>, me: SignedIn, id: web::Path<String>) -> PageResult<HttpResponse> {
    page(&app, &me, parse(&id)?, None, None, StatusCode::OK).await
}

/// `POST /people/joining/{id}/approve`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `join_decided` (409).
pub async fn approve(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<NewMemberForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let parsed = parse(&id)?;
    let approved = match form.0.parse() {
        Ok(new) => {
            let (viewer, now, id) = (me.viewer(), app.now(), parsed.clone());
            app.write(move |connection| join_requests::approve(connection, &viewer, &id, &new, &now).map(|_member| ())).await
        }
        Err(error) => Err(error),
    };
    let Err(error) = approved else { return Ok(see_other("/people?done=joined")) };
    let status = error.status();
    if error.code == "account_taken" {
        error.log();
        let banner = Banner { tone: Tone::Danger, strong: "Not let in.".to_owned(), text: error.detail.to_string() };
        return page(&app, &me, parsed, Some(form.0.again(Default::default())), Some(banner), status).await;
    }
    let wrong = mistake(error)?;
    page(&app, &me, parsed, Some(form.0.again(wrong)), None, status).await
}

/// `POST /people/joining/{id}/refuse`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `join_decided` (409).
pub async fn refuse(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, id) = (me.viewer(), app.now(), parse(&id)?);
    app.write(move |connection| join_requests::refuse(connection, &viewer, &id, &now)).await?;
    Ok(see_other("/people?done=refused"))
}

async fn page(
    app: &App,
    me: &SignedIn,
    id: JoinRequestId,
    typed: Option<MemberForm>,
    banner: Option<Banner>,
    status: StatusCode,
) -> PageResult<HttpResponse> {
    let viewer = me.viewer();
    let email = typed.as_ref().map(|form| form.email.clone());
    let read = app.read(move |connection| {
        let request = join_requests::find(connection, &viewer, &id)?;
        let Ok(email) = EmailAddress::parse(email.as_ref().unwrap_or(&request.email)) else { return Ok((request, None)) };
        match members::by_email(connection, &email, Some(&viewer.workspace_id)) {
            Ok(member) => Ok((request, Some(member.id))),
            Err(error) if error.kind == Kind::NotFound => Ok((request, None)),
            Err(error) => Err(error),
        }
    });
    let (request, known) = read.await?;
    let asked = || MemberForm { name: request.name.clone(), email: request.email.clone(), ..MemberForm::default() };
    let form = typed.unwrap_or_else(asked);
    let page = JoinRequestPage {
        shell: me.shell(Place::People, banner),
        form,
        known: known.map(|id| format!("/people/{id}")),
        request: waiting_row(request),
    };
    html_with(status, &page)
}

fn parse(id: &str) -> Result<JoinRequestId> {
    JoinRequestId::parse(id).ok_or_else(|| Error::not_found("join request"))
}
