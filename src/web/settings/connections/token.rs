//! Pasting a token: for a new connection, or in the place of a present one's. What was typed comes back with a mistake, the token never does.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{Ticked, choices, find, parse, path};
use crate::app::App;
use crate::config::Secret;
use crate::connections::grants::{Connection, Kind};
use crate::connections::purposes::{Purpose, Purposes};
use crate::connections::tokens::{self, Typed};
use crate::error::{Error, Kind as ErrorKind};
use crate::platform::body::Form;
use crate::web::failure::{PageResult, html, html_with, see_other};
use crate::web::owner::Owner;
use crate::web::page::connections::{Choice, TokenPage};
use crate::web::page::{Banner, Place, Tone, WrongField};

/// A token as pasted.
#[derive(Deserialize)]
pub struct TokenForm {
    csrf: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    workspace: String,
    #[serde(default)]
    reach_name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    expires_on: String,
    #[serde(flatten)]
    ticked: Ticked,
}

impl TokenForm {
    fn typed(self) -> Typed {
        Typed {
            name: self.name,
            kind: self.kind,
            workspace: self.workspace,
            reach_name: self.reach_name,
            email: self.email,
            token: Some(Secret::new(self.token)),
            expires_on: self.expires_on,
            purposes: self.ticked.purposes(),
        }
    }
}

/// `GET …/connections/token`.
///
/// # Errors
/// `owner_needed` (403).
pub async fn ask(owner: Owner) -> PageResult<HttpResponse> {
    let typed = Typed { purposes: Purposes::of(&[Purpose::ReadingActivity]), ..Typed::default() };
    html(&page(&owner, typed, None, None))
}

/// `POST …/connections/token`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `bitbucket_workspace_taken` (409); 503 while Bitbucket does not answer.
pub async fn connect(app: web::Data<App>, owner: Owner, form: Form<TokenForm>) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let (typed, now) = (form.0.typed(), app.now());
    let connected = match typed.clone().parse(&now) {
        Ok(pasted) => tokens::connect(&app.parts(), &owner.0.viewer(), pasted, &now).await,
        Err(error) => Err(error),
    };
    match connected {
        Ok(_id) => Ok(see_other(&format!("{}?done=connected", path()))),
        Err(error) => come_back(&owner, typed, None, error),
    }
}

/// `GET …/connections/{id}/token`.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub async fn ask_replace(app: web::Data<App>, owner: Owner, id: web::Path<String>) -> PageResult<HttpResponse> {
    let present = find(&app, &owner, &id).await?;
    html(&page(&owner, Typed::default(), Some(&present), None))
}

/// `POST …/connections/{id}/token`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404); `not_a_token` or `workspace_differs` (409).
pub async fn replace(
    app: web::Data<App>,
    owner: Owner,
    id: web::Path<String>,
    form: Form<TokenForm>,
) -> PageResult<HttpResponse> {
    owner.0.check(&form.0.csrf)?;
    let present = find(&app, &owner, &id).await?;
    let typed = form.0.typed();
    match tokens::replace(&app.parts(), &owner.0.viewer(), &parse(&id)?, typed.clone(), &app.now()).await {
        Ok(()) => Ok(see_other(&format!("{}?done=replaced", path()))),
        Err(error) => come_back(&owner, typed, Some(&present), error),
    }
}

fn come_back(owner: &Owner, typed: Typed, present: Option<&Connection>, error: Error) -> PageResult<HttpResponse> {
    if error.kind != ErrorKind::Invalid {
        return Err(error.into());
    }
    html_with(StatusCode::BAD_REQUEST, &page(owner, typed, present, Some(&error)))
}

fn page(owner: &Owner, typed: Typed, present: Option<&Connection>, wrong: Option<&Error>) -> TokenPage {
    // What is wrong with a field that this form does not have is said above it.
    let shown: &[&str] = match present {
        Some(_) => &["token", "email", "expires_on"],
        None => &["name", "kind", "workspace", "reach_name", "token", "email", "expires_on", "purposes"],
    };
    let field = wrong.and_then(|error| error.field).and_then(|field| shown.iter().copied().find(|known| *known == field));
    let banner = wrong.filter(|_| field.is_none()).map(|error| Banner {
        tone: Tone::Danger,
        strong: "The token was not taken.".to_owned(),
        text: error.detail.to_string(),
    });
    let kinds = [Kind::RepositoryToken, Kind::ProjectToken, Kind::WorkspaceToken, Kind::ApiToken];
    let kind = |kind: Kind| Choice { word: kind.as_str(), name: kind.name(), is_chosen: kind.as_str() == typed.kind };
    TokenPage {
        shell: owner.0.shell(Place::Integrations, banner),
        action: present.map_or_else(|| format!("{}/token", path()), |present| format!("{}/{}/token", path(), present.id)),
        replaced: present.map(|present| present.name.clone()),
        needs_email: present.is_none_or(|present| present.kind == Kind::ApiToken),
        kinds: kinds.map(kind).into(),
        purposes: choices(&typed.purposes),
        wrong: field
            .zip(wrong)
            .map_or_else(WrongField::default, |(field, error)| WrongField::new(field, error.detail.to_string())),
        name: typed.name,
        workspace: typed.workspace,
        reach_name: typed.reach_name,
        email: typed.email,
        expires_on: typed.expires_on,
    }
}
