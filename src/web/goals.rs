//! `/goals` and one goal: lists, the page, progress, closing and deleting.

pub mod form;

use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use serde::Deserialize;

use super::conversation_links::{self, LinksQuery};
use super::failure::{PageResult, html, see_other};
use super::forms;
use super::page::{Banner, GoalList, GoalPage, GoalRemovePage, GoalRow, GoalSection, Place, Reader, Time, Tone, WrongField};
use super::session::{SignedIn, person};
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::colleagues::Colleague;
use crate::people::detached;
use crate::people::goals::{self, Change, Goal, Progress, Section};
use crate::people::page::{Listed, Page};
use crate::platform::body::Form;
use crate::storage::ids::GoalId;

/// How many rows a section of the list has.
const SECTION_ROWS: usize = 25;

/// Which part of the list is asked for, and what came of the last press of a button.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ListQuery {
    show: Option<String>,
    section: Option<String>,
    before: Option<String>,
    said: Option<String>,
}

/// What the address of a goal says beside its pull requests.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ShowQuery {
    said: Option<String>,
}

/// How far a goal is now.
#[derive(Clone, Debug, Deserialize)]
pub struct ProgressForm {
    csrf: String,
    #[serde(default)]
    progress: String,
}

/// Every section: its word in addresses and its heading.
const SECTIONS: [(Section, &str, &str); 3] =
    [(Section::Yours, "yours", "Yours"), (Section::Led, "led", "Of people you lead"), (Section::Public, "public", "Public")];

/// `GET /goals`.
///
/// # Errors
/// `cursor_invalid` (400).
pub async fn list(app: web::Data<App>, me: SignedIn, query: web::Query<ListQuery>) -> PageResult<HttpResponse> {
    let are_closed = query.show.as_deref() == Some("closed");
    let page = Page { limit: SECTION_ROWS, ..Page::parse(query.before.as_deref(), None)? };
    // A later page shows its own section alone.
    let asked = SECTIONS.into_iter().filter(|(_, word, _)| query.section.as_deref().is_none_or(|section| section == *word));
    let asked: Vec<_> = asked.collect();
    let viewer = me.viewer();
    let read = app.read(move |connection| {
        let list = |(section, word, heading)| {
            let listed = goals::list_section(connection, &viewer, section, are_closed, &page)?;
            Ok((section, word, heading, listed))
        };
        asked.into_iter().map(list).collect::<Result<Vec<_>>>()
    });
    let (sections, today) = (read.await?, me.zone.today(&app.now()));
    let section = |(section, word, heading, listed): (Section, &'static str, &'static str, Listed<Goal>)| GoalSection {
        id: word,
        heading,
        rows: listed.entries.into_iter().map(|goal| row(goal, section, today)).collect(),
        more_href: listed.next.map(|cursor| {
            let show = if are_closed { "show=closed&" } else { "" };
            format!("/goals?{show}section={word}&before={cursor}")
        }),
    };
    html(&GoalList {
        shell: me.shell(Place::Goals, banner(query.said.as_deref())),
        are_closed,
        sections: sections.into_iter().map(section).filter(|section| !section.rows.is_empty()).collect(),
        is_later_page: query.section.is_some(),
    })
}

/// `GET /goals/{id}`.
///
/// # Errors
/// `not_found` (404); `cursor_invalid` (400).
pub async fn show(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    query: web::Query<ShowQuery>,
    links: web::Query<LinksQuery>,
) -> PageResult<HttpResponse> {
    html(&page(&app, &me, parse(&id)?, &query, &links, None, WrongField::default()).await?)
}

/// `POST /goals/{id}/progress`.
///
/// # Errors
/// `csrf_invalid` or `goal_owner_needed` (403); `not_found` (404); `goal_closed` (409). What is wrong with the number comes back
/// with the page.
pub async fn set_progress(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<ProgressForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let id = parse(&id)?;
    let saved = match Progress::parse(&form.0.progress) {
        Ok(progress) => save(&app, &me, &id, Change { progress: Some(progress), ..Change::default() }).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => Ok(see_other(&format!("{}?said=saved", path(&id)))),
        Err(error) => {
            let (wrong, status) = forms::wrong_field(error)?;
            let (query, links) = (ShowQuery::default(), LinksQuery::default());
            forms::answer(&page(&app, &me, id, &query, &links, Some(form.0.progress), wrong).await?, status)
        }
    }
}

/// `POST /goals/{id}/close`.
///
/// # Errors
/// `csrf_invalid` or `goal_owner_needed` (403); `not_found` (404).
pub async fn close(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let id = parse(&id)?;
    save(&app, &me, &id, Change { is_closed: Some(true), ..Change::default() }).await?;
    Ok(see_other(&format!("{}?said=closed", path(&id))))
}

/// `POST /goals/{id}/open`: opens a closed goal again.
///
/// # Errors
/// `csrf_invalid` or `goal_owner_needed` (403); `not_found` (404).
pub async fn open(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let id = parse(&id)?;
    save(&app, &me, &id, Change { is_closed: Some(false), ..Change::default() }).await?;
    Ok(see_other(&format!("{}?said=opened", path(&id))))
}

/// `GET /goals/{id}/remove`: what deleting does.
///
/// # Errors
/// `not_found` (404); `goal_owner_needed` (403).
pub async fn ask_remove(app: web::Data<App>, me: SignedIn, id: web::Path<String>) -> PageResult<HttpResponse> {
    let (id, viewer) = (parse(&id)?, me.viewer());
    let goal = app.read(move |connection| goals::find_own(connection, &viewer, &id)).await?;
    html(&GoalRemovePage { shell: me.shell(Place::Goals, None), href: path(&goal.id), title: goal.title })
}

/// `POST /goals/{id}/remove`: deletes it.
///
/// # Errors
/// `csrf_invalid` or `goal_owner_needed` (403); `not_found` (404).
pub async fn remove(app: web::Data<App>, me: SignedIn, id: web::Path<String>, form: Form<CsrfForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (id, viewer) = (parse(&id)?, me.viewer());
    app.write(move |connection| goals::remove(connection, &viewer, &id)).await?;
    Ok(see_other("/goals?said=removed"))
}

async fn save(app: &App, me: &SignedIn, id: &GoalId, change: Change) -> Result<()> {
    let (viewer, now, id) = (me.viewer(), app.now(), id.clone());
    app.write(move |connection| goals::change(connection, &viewer, &id, &change, &now).map(|_goal| ())).await
}

/// The id in an address.
fn parse(id: &str) -> Result<GoalId> {
    GoalId::parse(id).ok_or_else(|| Error::not_found("goal"))
}

/// The page of a goal.
fn path(id: &GoalId) -> String {
    format!("/goals/{id}")
}

fn row(goal: Goal, section: Section, today: NaiveDate) -> GoalRow {
    GoalRow {
        href: path(&goal.id),
        is_overdue: is_overdue(&goal, today),
        title: goal.title,
        owner: (section != Section::Yours).then_some(goal.owner_name),
        progress: goal.progress,
        due_on: goal.due_on.map(Time::Date),
        is_public: goal.is_public,
    }
}

fn is_overdue(goal: &Goal, today: NaiveDate) -> bool {
    goal.closed_at.is_none() && goal.due_on.is_some_and(|due_on| due_on < today)
}

async fn page(
    app: &App,
    me: &SignedIn,
    id: GoalId,
    query: &ShowQuery,
    links: &LinksQuery,
    typed_progress: Option<String>,
    wrong: WrongField,
) -> Result<GoalPage> {
    let (viewer, links_page, detached) = (me.viewer(), links.page()?, links.detached());
    let read = app.read(move |connection| {
        let goal = goals::find(connection, &viewer, &id)?;
        let manager = goals::manager(connection, &goal)?;
        let attached = detached::of_conversation(connection, &viewer, &goal.target(), &links_page, detached.as_ref())?;
        Ok((goal, manager, attached))
    });
    let (goal, manager, attached) = read.await?;
    let is_own = goal.owner_id == me.member.id;
    Ok(GoalPage {
        shell: me.shell(Place::Goals, banner(query.said.as_deref())),
        href: path(&goal.id),
        is_overdue: is_overdue(&goal, me.zone.today(&app.now())),
        readers: readers(&goal, manager),
        title: goal.title,
        owner: if is_own { "you".to_owned() } else { goal.owner_name },
        why: goal.why,
        progress: goal.progress,
        due_on: goal.due_on.map(Time::Date),
        set_on: Time::Day(goal.created_at),
        closed_on: goal.closed_at.map(Time::Day),
        is_public: goal.is_public,
        is_own,
        typed_progress: typed_progress.unwrap_or_else(|| goal.progress.to_string()),
        wrong,
        pull_requests: conversation_links::card(app, me, links, attached),
    })
}

fn readers(goal: &Goal, manager: Option<Colleague>) -> Vec<Reader> {
    let owner = Reader { person: person(goal.owner_id.as_str(), &goal.owner_name, ""), why: "set it".to_owned() };
    let manager = manager.map(|manager| Reader {
        person: person(manager.id.as_str(), &manager.name, ""),
        why: format!("leads {}", goal.owner_name),
    });
    [Some(owner), manager].into_iter().flatten().collect()
}

/// What came of the last press of a button.
fn banner(said: Option<&str>) -> Option<Banner> {
    let (strong, text) = match said? {
        "set" => ("Set.", "Pull requests that move it forward can be attached to it."),
        "saved" => ("Saved.", ""),
        "closed" => ("Closed.", "It stays to be looked up, and can be opened again."),
        "opened" => ("Opened again.", ""),
        "removed" => ("Deleted.", "The goal and its links are gone."),
        _ => return None,
    };
    Some(Banner { tone: Tone::Success, strong: strong.to_owned(), text: text.to_owned() })
}
