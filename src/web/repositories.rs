//! `/settings/integrations/bitbucket/repositories` and below: which repositories are chosen. Owners decide, members see theirs and propose.

mod rows;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::failure::{PageResult, html_with, see_other};
use super::owner::Owner;
use super::page::repositories::{Place as PlaceView, RepositoriesPage};
use super::page::{Banner, Place as Where, Tone};
use super::session::SignedIn;
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::connections::repositories::choices::{self, Choice};
use crate::connections::repositories::places::{self, Decided, Place};
use crate::connections::repositories::proposals::{self, Proposal};
use crate::connections::repositories::search::{self, Search, Show};
use crate::connections::repositories::{Repository, listing};
use crate::error::{Error, Kind, Result};
use crate::people::Viewer;
use crate::people::members::Role;
use crate::people::page::{Listed, Page};
use crate::people::pull_requests::parse_uuid;
use crate::people::text::one_line;
use crate::platform::body::Form;
use crate::storage::AnyConnection;
use crate::storage::ids::ProposalId;

/// Where the pages of this module are.
pub const REPOSITORIES: &str = "/settings/integrations/bitbucket/repositories";
/// How many rows a page shows.
const ROWS: usize = 50;
/// How many proposals a page shows.
const PROPOSALS: usize = 20;
/// The longest search, in characters.
const SEARCH_CHARACTERS: usize = 200;

/// Which part of the list is looked at: the query of its address, and of the forms that come back to it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct View {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    workspace: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    project: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    show: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    q: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    said: Option<String>,
}

/// Everything of a project, or of the Bitbucket workspace.
#[derive(Deserialize)]
pub struct AllForm {
    csrf: String,
    choose: bool,
}

/// What becomes of new repositories.
#[derive(Deserialize)]
pub struct RuleForm {
    csrf: String,
    rule: String,
}

/// A member's proposal.
#[derive(Deserialize)]
pub struct ProposalForm {
    csrf: String,
    repository: String,
    choose: bool,
}

/// A form whose fields may come several times.
pub type Fields = Vec<(String, String)>;

impl View {
    /// What the address says; an address that says nothing that can be read shows everything.
    fn of(request: &HttpRequest) -> Self {
        let view = web::Query::<Self>::from_query(request.query_string()).map(web::Query::into_inner).unwrap_or_default();
        let project = one_line(&view.project, SEARCH_CHARACTERS);
        Self { q: one_line(&view.q, SEARCH_CHARACTERS), project, ..view }
    }

    fn shows(&self) -> Show {
        Show::parse(&self.show).unwrap_or(Show::All)
    }

    fn project(&self) -> Option<&str> {
        Some(self.project.as_str()).filter(|key| !key.is_empty())
    }

    /// The Bitbucket workspace that a form is about.
    fn workspace(&self) -> Result<Uuid> {
        parse_uuid(&self.workspace).ok_or_else(|| Error::not_found("Bitbucket workspace"))
    }

    fn query(&self) -> String {
        serde_urlencoded::to_string(self).ok().filter(|query| !query.is_empty()).map_or_else(String::new, |it| format!("?{it}"))
    }

    fn href(&self) -> String {
        format!("{REPOSITORIES}{}", self.query())
    }

    /// The same list, after something was done.
    fn having_said(&self, said: &str) -> HttpResponse {
        see_other(&Self { said: Some(said.to_owned()), ..self.clone() }.href())
    }

    fn banner(&self) -> Option<Banner> {
        let (strong, text) = match self.said.as_deref()? {
            "saved" => ("Saved.", "What is not chosen is not read any more."),
            "rule" => ("Saved.", "The rule counts for repositories that Bitbucket lists from now on."),
            "reading" => ("The list is being read.", "Reload in a moment."),
            "proposed" => ("Proposed.", "An owner decides about it."),
            "approved" => ("Done as proposed.", "Whoever proposed it sees it here."),
            "refused" => ("Refused.", "Nothing has changed."),
            _ => return None,
        };
        Some(Banner { tone: Tone::Success, strong: strong.to_owned(), text: text.to_owned() })
    }
}

/// What the page is made of.
struct Read {
    places: Vec<Place>,
    /// Which of them is looked at.
    current: Option<usize>,
    decided: Option<Decided>,
    repositories: Listed<Repository>,
    proposals: Listed<Proposal>,
}

fn read(connection: &mut AnyConnection, viewer: &Viewer, view: &View, search: &Search) -> Result<Read> {
    let places = places::connected(connection, viewer)?;
    let named = places.iter().position(|place| place.uuid == view.workspace);
    let current = named.or_else(|| (!places.is_empty()).then_some(0));
    let uuid = current.and_then(|index| places.get(index)).and_then(|place| Uuid::try_parse(&place.uuid).ok());
    let (repositories, decided) = match uuid {
        None => (Listed { entries: Vec::new(), next: None }, None),
        Some(uuid) => {
            let decided = match viewer.role {
                Role::Owner => Some(places::decided(connection, viewer, uuid)?),
                Role::Member => None,
            };
            (search::list(connection, viewer, uuid, search)?, decided)
        }
    };
    let proposals = proposals::open(connection, viewer, &Page { before: None, limit: PROPOSALS })?;
    Ok(Read { places, current, decided, repositories, proposals })
}

/// `GET /settings/integrations/bitbucket/repositories`.
///
/// # Errors
/// `cursor_invalid` (400).
pub async fn show(app: web::Data<App>, me: SignedIn, request: HttpRequest) -> PageResult<HttpResponse> {
    shown(&app, &me, View::of(&request), None).await
}

async fn shown(app: &App, me: &SignedIn, view: View, refusal: Option<Error>) -> PageResult<HttpResponse> {
    let search = Search::parse(view.shows(), view.project(), &view.q, view.after.as_deref(), ROWS)?;
    let (viewer, asked) = (me.viewer(), view.clone());
    let read = app.read(move |connection| read(connection, &viewer, &asked, &search)).await?;
    let status = refusal.as_ref().map_or(StatusCode::OK, Error::status);
    let banner = refusal.map_or_else(|| view.banner(), |error| Some(Banner::not_saved(error.detail)));
    html_with(status, &page(me, &view, read, banner))
}

fn page(me: &SignedIn, view: &View, read: Read, banner: Option<Banner>) -> RepositoriesPage {
    let current = read.current.and_then(|index| read.places.get(index));
    let here = View { workspace: current.map(|place| place.uuid.clone()).unwrap_or_default(), said: None, ..view.clone() };
    let is_owner = me.member.role == Role::Owner;
    let place = current.map(|place| PlaceView {
        name: place.name().to_owned(),
        uuid: place.uuid.clone(),
        reading: rows::reading(place, is_owner),
        chosen: read.decided.as_ref().map(|decided| rows::chosen(decided, here.project())),
        projects: read.decided.as_ref().map(|decided| rows::projects(decided, here.project())).unwrap_or_default(),
        tabs: rows::tabs(&here),
        show: here.shows().as_str(),
        typed: here.q.clone(),
        project: here.project.clone(),
        is_narrowed: !here.q.is_empty() || !here.project.is_empty() || here.shows() != Show::All,
        rows: read.repositories.entries.iter().map(rows::repository).collect(),
        next: read.repositories.next.clone().map(|after| View { after: Some(after), ..here.clone() }.href()),
        query: here.query(),
        is_later_page: here.after.is_some(),
        first: View { after: None, ..here.clone() }.href(),
    });
    RepositoriesPage {
        shell: me.shell(Where::Integrations, banner),
        workspaces: rows::workspaces(&read.places, read.current),
        place,
        has_more_proposals: read.proposals.next.is_some(),
        proposals: read.proposals.entries.into_iter().map(rows::proposal).collect(),
    }
}

/// `POST …/read`: has the list read anew.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404).
pub async fn read_again(
    app: web::Data<App>,
    Owner(me): Owner,
    request: HttpRequest,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (view, viewer, now) = (View::of(&request), me.viewer(), app.now());
    let workspace = view.workspace()?;
    app.write(move |connection| listing::read_again(connection, &viewer, workspace, &now).map(|_begun| ())).await?;
    Ok(view.having_said("reading"))
}

/// `POST …/choose`: those of the page that are ticked are chosen, the others are not.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404).
pub async fn choose(app: web::Data<App>, Owner(me): Owner, request: HttpRequest, form: Form<Fields>) -> PageResult<HttpResponse> {
    let values =
        |name: &str| form.0.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
    me.check(values("csrf").first().copied().unwrap_or_default())?;
    let parsed = |texts: Vec<&str>| texts.into_iter().map(parse_uuid).collect::<Option<Vec<Uuid>>>();
    let fields = parsed(values("shown")).zip(parsed(values("chosen")));
    let (shown, chosen) = fields.ok_or_else(|| Error::not_found("repository"))?;
    let left_out = shown.into_iter().filter(|uuid| !chosen.contains(uuid)).collect();
    let (view, viewer, now) = (View::of(&request), me.viewer(), app.now());
    let (workspace, choice) = (view.workspace()?, Choice { chosen, left_out });
    app.write(move |connection| choices::choose(connection, &viewer, workspace, &choice, &now).map(|_changed| ())).await?;
    Ok(view.having_said("saved"))
}

/// `POST …/all`: everything of the project that is looked at, or of the Bitbucket workspace.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404).
pub async fn choose_all(
    app: web::Data<App>,
    Owner(me): Owner,
    request: HttpRequest,
    form: Form<AllForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (view, viewer, now) = (View::of(&request), me.viewer(), app.now());
    let (workspace, project, is_chosen) = (view.workspace()?, view.project().map(str::to_owned), form.0.choose);
    let work = move |connection: &mut AnyConnection| {
        choices::choose_all(connection, &viewer, workspace, project.as_deref(), is_chosen, &now).map(|_changed| ())
    };
    app.write(work).await?;
    Ok(view.having_said("saved"))
}

/// `POST …/rule`: what becomes of new repositories of the project that is looked at, or of the Bitbucket workspace.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404).
pub async fn set_rule(
    app: web::Data<App>,
    Owner(me): Owner,
    request: HttpRequest,
    form: Form<RuleForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (view, viewer, now) = (View::of(&request), me.viewer(), app.now());
    let (workspace, project) = (view.workspace()?, view.project().map(str::to_owned));
    let includes_new = match form.0.rule.as_str() {
        "chosen" => Some(true),
        "left-out" => Some(false),
        _ => None,
    };
    let work = move |connection: &mut AnyConnection| {
        choices::set_rule(connection, &viewer, workspace, project.as_deref(), includes_new, &now)
    };
    app.write(work).await?;
    Ok(view.having_said("rule"))
}

/// `POST …/propose`: a member proposes; what is wrong with it comes back on the page.
///
/// # Errors
/// `csrf_invalid` (403).
pub async fn propose(
    app: web::Data<App>,
    me: SignedIn,
    request: HttpRequest,
    form: Form<ProposalForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (view, viewer, now) = (View::of(&request), me.viewer(), app.now());
    let ProposalForm { repository, choose, .. } = form.0;
    let work = move |connection: &mut AnyConnection| {
        proposals::propose(connection, &viewer, &repository, choose, &now).map(|_proposal| ())
    };
    answered(&app, &me, view, app.write(work).await, "proposed").await
}

/// `POST …/proposals/{id}/approve`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404). A conflict is said on the page.
pub async fn approve(
    app: web::Data<App>,
    Owner(me): Owner,
    id: web::Path<String>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, id) = (me.viewer(), app.now(), parse(&id)?);
    let work = move |connection: &mut AnyConnection| proposals::approve(connection, &viewer, &id, &now).map(|_proposal| ());
    answered(&app, &me, View::default(), app.write(work).await, "approved").await
}

/// `POST …/proposals/{id}/refuse`.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404). A conflict is said on the page.
pub async fn refuse(
    app: web::Data<App>,
    Owner(me): Owner,
    id: web::Path<String>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, id) = (me.viewer(), app.now(), parse(&id)?);
    let work = move |connection: &mut AnyConnection| proposals::refuse(connection, &viewer, &id, &now).map(|_proposal| ());
    answered(&app, &me, View::default(), app.write(work).await, "refused").await
}

/// Back to the list, or the list with what stood in the way.
async fn answered(app: &App, me: &SignedIn, view: View, done: Result<()>, said: &str) -> PageResult<HttpResponse> {
    match done {
        Ok(()) => Ok(view.having_said(said)),
        Err(error) if matches!(error.kind, Kind::Conflict | Kind::Invalid) => shown(app, me, view, Some(error)).await,
        Err(error) => Err(error.into()),
    }
}

fn parse(id: &str) -> Result<ProposalId> {
    ProposalId::parse(id).ok_or_else(|| Error::not_found("proposal"))
}
