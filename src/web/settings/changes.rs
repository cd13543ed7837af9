//! `…/changes`: owners allow what may be changed at Bitbucket by API, by group or one by one.

use actix_web::{HttpRequest, HttpResponse, web};

use super::PATH;
use crate::app::App;
use crate::bitbucket::operations::{Effect, Group, operations};
use crate::connections::calls::allowed::{self, Allowed, can_be_allowed, can_be_allowed_whole};
use crate::platform::body::{Form, TEXT_FORM_BYTES};
use crate::web::failure::{PageResult, html, see_other};
use crate::web::owner::Owner;
use crate::web::page::{Banner, ChangeChoice, ChangesPage, GroupOfChanges, Place, Tone};

/// `GET …/changes`.
///
/// # Errors
/// `owner_needed` (403).
pub async fn show(app: web::Data<App>, owner: Owner, request: HttpRequest) -> PageResult<HttpResponse> {
    let workspace_id = owner.0.member.workspace_id.clone();
    let allowed = app.read(move |connection| allowed::read(connection, &workspace_id)).await?;
    let saved = (request.query_string() == "done=saved").then(|| Banner {
        tone: Tone::Success,
        strong: "Saved.".to_owned(),
        text: "It counts from the next call on.".to_owned(),
    });
    html(&ChangesPage {
        shell: owner.0.shell(Place::Integrations, saved),
        groups: Group::CALLABLE.into_iter().filter_map(|group| of_group(group, &allowed)).collect(),
    })
}

/// `POST …/changes`: exactly what is ticked is allowed from now on.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `operation_unknown` (400) for what was never on the page.
pub async fn save(
    app: web::Data<App>,
    owner: Owner,
    form: Form<Vec<(String, String)>, TEXT_FORM_BYTES>,
) -> PageResult<HttpResponse> {
    let sent = |name: &'static str| form.0.iter().filter(move |(sent, _)| sent == name).map(|(_, value)| value.as_str());
    owner.0.check(sent("csrf").next().unwrap_or_default())?;
    let wanted =
        Allowed::parse(sent("allow").filter(|what| !what.contains(' ')), sent("allow").filter(|what| what.contains(' ')))?;
    let (viewer, now) = (owner.0.viewer(), app.now());
    app.write(move |connection| allowed::set(connection, &viewer, &wanted, &now)).await?;
    Ok(see_other(&format!("{PATH}/changes?done=saved")))
}

fn of_group(group: Group, allowed: &Allowed) -> Option<GroupOfChanges> {
    let changing = operations().iter().filter(|operation| operation.group == group && can_be_allowed(operation));
    let choices: Vec<ChangeChoice> = changing
        .map(|operation| ChangeChoice {
            key: operation.key(),
            summary: operation.summary,
            is_destructive: operation.effect == Effect::Destructive,
            is_deprecated: operation.is_deprecated,
            is_chosen: allowed.operations.contains(&operation.key()),
        })
        .collect();
    let chosen = choices.iter().filter(|choice| choice.is_chosen).count();
    let is_whole = allowed.groups.contains(&group);
    (!choices.is_empty()).then(|| GroupOfChanges {
        word: group.as_str(),
        name: group.name(),
        can_be_whole: can_be_allowed_whole(group),
        is_whole,
        count: chosen + usize::from(is_whole),
        is_open: chosen > 0,
        operations: choices,
    })
}
