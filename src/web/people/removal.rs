//! `/people/{id}/remove`: what removing a member does, said before it is done.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::member::parse;
use super::{chosen, mistake, to_choose};
use crate::app::App;
use crate::people::{handover, members};
use crate::platform::body::Form;
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::web::failure::{PageResult, html_with, see_other};
use crate::web::page::{PersonField, Place, RemoveMemberPage, Wrong};
use crate::web::session::SignedIn;

/// The form that removes.
#[derive(Deserialize)]
pub struct RemoveForm {
    csrf: String,
    #[serde(default)]
    hand_over_to: String,
}

/// `GET /people/{id}/remove`.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub async fn ask(app: web::Data<App>, me: SignedIn, id: web::Path<String>) -> PageResult<HttpResponse> {
    page(&app, &me, parse(&id)?, String::new(), Wrong::default(), StatusCode::OK).await
}

/// `POST /people/{id}/remove`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `last_owner` (409).
pub async fn remove(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<RemoveForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, parsed) = (me.viewer(), app.now(), parse(&id)?);
    let today = me.zone.today(&now);
    let (subject, typed) = (parsed.clone(), form.0.hand_over_to.clone());
    let work = move |connection: &mut AnyConnection| {
        let successor = chosen(connection, &viewer, &typed, "hand_over_to")?;
        let successor = successor.map(|id| members::Successor { id, today });
        members::remove(connection, &viewer, &subject, successor.as_ref(), &now).map(|_removed| ())
    };
    let Err(error) = app.write(work).await else { return Ok(see_other("/people?done=removed")) };
    let (status, wrong) = (error.status(), mistake(error)?);
    page(&app, &me, parsed, form.0.hand_over_to, wrong, status).await
}

async fn page(
    app: &App,
    me: &SignedIn,
    id: MemberId,
    hand_over_to: String,
    wrong: Wrong,
    status: StatusCode,
) -> PageResult<HttpResponse> {
    let (viewer, today) = (me.viewer(), me.zone.today(&app.now()));
    let read = app.read(move |connection| {
        let open = handover::open_items(connection, &viewer, &id, today)?;
        Ok((members::find(connection, &viewer, &id)?, open, to_choose(connection, &viewer, &id)?))
    });
    let (member, open, people) = read.await?;
    let page = RemoveMemberPage {
        shell: me.shell(Place::People, None),
        href: format!("/people/{}", member.id),
        is_you: member.id == me.member.id,
        name: member.name,
        open: (!open.is_empty()).then(|| open.in_words()),
        successor: PersonField {
            name: "hand_over_to",
            label: "Hand over what is open to",
            nobody: "Nobody: it stays as it is",
            is_required: false,
            people,
            sent: hand_over_to,
            wrong: wrong.at("hand_over_to").map(str::to_owned),
        },
        wrong,
    };
    html_with(status, &page)
}
