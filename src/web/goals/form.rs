//! The form of a goal: setting a new one, and changing one's own.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::super::failure::{PageResult, html, see_other};
use super::super::forms;
use super::super::page::{GoalForm, Place, WrongField};
use super::super::session::SignedIn;
use super::{parse, path, save};
use crate::app::App;
use crate::error::Result;
use crate::people::goals::{self, Change, Goal, NewGoal, Progress};
use crate::people::text::{self, Body, Line};
use crate::platform::body::{Form, TEXT_FORM_BYTES};

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Typed {
    csrf: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    due_on: String,
    #[serde(default)]
    progress: String,
    #[serde(default)]
    public: Seen,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Seen {
    Yes,
    #[default]
    No,
}

impl Typed {
    fn of(goal: Goal) -> Self {
        Self {
            csrf: String::new(),
            title: goal.title,
            why: goal.why,
            due_on: goal.due_on.map(|date| date.to_string()).unwrap_or_default(),
            progress: goal.progress.to_string(),
            public: if goal.is_public { Seen::Yes } else { Seen::No },
        }
    }

    fn parse(&self) -> Result<NewGoal> {
        Ok(NewGoal {
            title: Line::parse("title", &self.title)?,
            why: Body::parse_field("why", &self.why)?,
            due_on: text::optional_date("due_on", &self.due_on)?,
            progress: Progress::parse(&self.progress)?,
            is_public: self.public == Seen::Yes,
        })
    }
}

/// `GET /goals/new`.
///
/// # Errors
/// Never in practice: nothing is read.
pub async fn ask(me: SignedIn) -> PageResult<HttpResponse> {
    html(&page(&me, None, Typed { progress: "0".to_owned(), ..Typed::default() }, WrongField::default()))
}

/// `POST /goals`: sets a goal.
///
/// # Errors
/// `csrf_invalid` (403). What is wrong with a field comes back with the page.
pub async fn create(app: web::Data<App>, me: SignedIn, form: Form<Typed, TEXT_FORM_BYTES>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let new = match form.0.parse() {
        Ok(new) => new,
        Err(error) => {
            let (wrong, status) = forms::wrong_field(error)?;
            return forms::answer(&page(&me, None, form.0, wrong), status);
        }
    };
    let (viewer, now) = (me.viewer(), app.now());
    let id = app.write(move |connection| goals::create(connection, &viewer, &new, &now)).await?;
    Ok(see_other(&format!("{}?said=set", path(&id))))
}

/// `GET /goals/{id}/change`.
///
/// # Errors
/// `not_found` (404); `goal_owner_needed` (403).
pub async fn ask_change(app: web::Data<App>, me: SignedIn, id: web::Path<String>) -> PageResult<HttpResponse> {
    let (id, viewer) = (parse(&id)?, me.viewer());
    let goal = app.read(move |connection| goals::find_own(connection, &viewer, &id)).await?;
    let href = path(&goal.id);
    html(&page(&me, Some(href), Typed::of(goal), WrongField::default()))
}

/// `POST /goals/{id}/change`.
///
/// # Errors
/// `csrf_invalid` or `goal_owner_needed` (403); `not_found` (404); `goal_closed` (409). What is wrong with a field comes back with
/// the page.
pub async fn change(
    app: web::Data<App>,
    me: SignedIn,
    id: web::Path<String>,
    form: Form<Typed, TEXT_FORM_BYTES>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (id, viewer) = (parse(&id)?, me.viewer());
    let asked = id.clone();
    // Who may not change it learns nothing from what is wrong with the form.
    app.read(move |connection| goals::find_own(connection, &viewer, &asked)).await?;
    let new = match form.0.parse() {
        Ok(new) => new,
        Err(error) => {
            let (wrong, status) = forms::wrong_field(error)?;
            return forms::answer(&page(&me, Some(path(&id)), form.0, wrong), status);
        }
    };
    let change = Change {
        title: Some(new.title),
        why: Some(new.why),
        due_on: Some(new.due_on),
        is_public: Some(new.is_public),
        ..Change::default()
    };
    save(&app, &me, &id, change).await?;
    Ok(see_other(&format!("{}?said=saved", path(&id))))
}

fn page(me: &SignedIn, href: Option<String>, typed: Typed, wrong: WrongField) -> GoalForm {
    GoalForm {
        shell: me.shell(Place::Goals, None),
        href,
        title: typed.title,
        why: typed.why,
        due_on: typed.due_on,
        progress: typed.progress,
        is_public: typed.public == Seen::Yes,
        wrong,
    }
}
