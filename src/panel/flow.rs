//! What happens in the panel, once for all its doors: it is opened, its form is unfolded and sent, a link is undone, an account is linked.
//!
//! A door proves whose panel it is and sends the [`Answer`] in its own way; no rule and no wording of the panel stands there.

mod joining;

use actix_web::http::StatusCode;
use chrono::NaiveDateTime;
use serde::Deserialize;

pub use joining::Asking;

use super::actions::{self, AskedFor, Attachment, Choice, Seen};
use super::context::Context;
use super::page::{Banner, CodeProblem, State, Typed, Wrong};
use super::view::{self, Addresses, Outcome};
use super::wording;
use crate::app::App;
use crate::connections::installations::State as Standing;
use crate::connections::panel_state::PanelState;
use crate::error::{Error, Kind, Result};
use crate::people::members;
use crate::people::text::Note;
use crate::storage::AnyConnection;
use crate::storage::ids::LinkId;

/// What the attach form sends, and an undo button: a note that is being typed comes along and is kept.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Attaching {
    /// The chosen target.
    #[serde(default)]
    pub target: String,
    /// The id of the member that a new draft is about.
    #[serde(default)]
    pub about: String,
    /// Their e-mail address, where there are too many to choose from.
    #[serde(default)]
    pub about_email: String,
    /// The note.
    #[serde(default)]
    pub note: String,
    /// Present when the form stands open beside what is attached.
    pub open: Option<String>,
}

/// What the code form sends.
#[derive(Clone, Debug, Deserialize)]
pub struct Code {
    /// As it was typed.
    #[serde(default)]
    pub code: String,
}

/// What a door answers.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// What the panel shows.
    pub state: State,
    /// Whether something was attached by this call: a dialog has then done what it was opened for.
    pub saved: bool,
}

/// A panel whose viewer and pull request a door has proven.
pub struct Panel<'a> {
    /// The server's parts.
    pub app: &'a App,
    /// Whose panel it is.
    pub context: Context,
    /// What its forms carry to prove that; empty where each call is proven by itself.
    pub token: String,
    /// Where its forms post to.
    pub addresses: Addresses<'a>,
}

impl Panel<'_> {
    /// Opens the panel, and records that the viewer has been shown the pull request.
    ///
    /// # Errors
    /// What [`actions::read`] refuses with.
    pub async fn open(&self) -> Result<Answer> {
        let seen = self.look(AskedFor::Links).await?;
        let read = &seen.state;
        if read.pull_request_id.is_some() && !read.is_sighted && read.viewer().is_some() {
            let (context, web_url, read, now) = (self.context.clone(), self.web_url(), read.clone(), self.app.now());
            self.app.write(move |connection| actions::record_sighting(connection, &read, &context, &web_url, &now)).await?;
        }
        self.page(seen, Outcome::default(), StatusCode::OK).await
    }

    /// The same panel with its form opened.
    ///
    /// # Errors
    /// What [`actions::read`] refuses with.
    pub async fn unfold(&self) -> Result<Answer> {
        let seen = self.look(AskedFor::Form).await?;
        self.page(seen, Outcome::default(), StatusCode::OK).await
    }

    /// Attaches the pull request.
    ///
    /// # Errors
    /// What [`actions::read`] refuses with; what is wrong with the form stands in the answer.
    pub async fn attach(&self, form: Attaching) -> Result<Answer> {
        let parsed = Choice::parse(&form.target, &form.about, &form.about_email)
            .and_then(|choice| Ok(Attachment { choice, note: Note::parse(&form.note)? }));
        let saved = match parsed {
            Ok(attachment) => {
                let (context, web_url, now) = (self.context.clone(), self.web_url(), self.app.now());
                let work = move |connection: &mut AnyConnection| {
                    let link = actions::attach(connection, &context, &attachment, &web_url, &now)?;
                    Ok((link, actions::look(connection, &context, AskedFor::Links, &web_url, &now)?))
                };
                self.app.write(work).await
            }
            Err(error) => Err(error),
        };
        match saved {
            Ok((link, seen)) => {
                let banner = saved_banner(&seen.state, &link, self.app.now().at);
                let answer = self.page(seen, Outcome { banner, ..Outcome::default() }, StatusCode::OK).await?;
                Ok(Answer { saved: true, ..answer })
            }
            Err(error) => {
                let (banner, wrong, typed) = (Some(Banner::not_saved(next_step(&error))), wrong(&error), form.typed());
                self.again(error, Outcome { banner, wrong, typed, ..Outcome::default() }).await
            }
        }
    }

    /// Takes the viewer's own link away, named by its id.
    ///
    /// # Errors
    /// What [`actions::read`] refuses with; a link that cannot be taken away is said in the answer.
    pub async fn undo(&self, link: &str, form: Attaching) -> Result<Answer> {
        let asked_for = if form.open.is_some() { AskedFor::Form } else { AskedFor::Links };
        let removed = match LinkId::parse(link) {
            Some(link) => {
                let (context, web_url, now) = (self.context.clone(), self.web_url(), self.app.now());
                let work = move |connection: &mut AnyConnection| {
                    let before = actions::read(connection, &context, &web_url)?;
                    actions::detach(connection, &context, &link, &web_url)?;
                    Ok((title_of(&before, &link, now.at), actions::look(connection, &context, asked_for, &web_url, &now)?))
                };
                self.app.write(work).await
            }
            None => Err(Error::not_found("link")),
        };
        let typed = form.typed();
        match removed {
            Ok((title, seen)) => {
                let outcome = Outcome { banner: Some(Banner::removed(&title)), typed, ..Outcome::default() };
                self.page(seen, outcome, StatusCode::OK).await
            }
            Err(error) => {
                let outcome = Outcome { banner: Some(Banner::not_saved(error.detail.to_string())), typed, ..Outcome::default() };
                self.again(error, outcome).await
            }
        }
    }

    /// Links the viewer's account with the code that they typed. `network` is where they type it: what is tried there is counted together.
    ///
    /// # Errors
    /// What [`actions::read`] refuses with; what is wrong with the code stands in the answer.
    pub async fn redeem(&self, network: String, typed: Code) -> Result<Answer> {
        let (context, web_url, now) = (self.context.clone(), self.web_url(), self.app.now());
        let count = move |connection: &mut AnyConnection| actions::count_code(connection, &context, &network, &web_url, &now);
        let redeemed = match self.app.write(count).await? {
            Ok(()) => {
                let (context, web_url, now) = (self.context.clone(), self.web_url(), self.app.now());
                let work = move |connection: &mut AnyConnection| {
                    actions::redeem_code(connection, &context, &typed.code, &web_url, &now)?;
                    let seen = actions::look(connection, &context, AskedFor::Links, &web_url, &now)?;
                    actions::record_sighting(connection, &seen.state, &context, &web_url, &now)?;
                    Ok(seen)
                };
                self.app.write(work).await
            }
            Err(error) => Err(error),
        };
        match redeemed {
            Ok(seen) => self.page(seen, Outcome::default(), StatusCode::OK).await,
            Err(error) => {
                let problem = match error.code {
                    "code_wrong" => CodeProblem::NotValid,
                    "too_many_tries" => CodeProblem::TooManyTries,
                    "identity_taken" => CodeProblem::MemberHasAnother,
                    "account_taken" => CodeProblem::AccountTaken,
                    _ => return Err(error),
                };
                self.again(error, Outcome { code_problem: Some(problem), ..Outcome::default() }).await
            }
        }
    }

    async fn look(&self, asked_for: AskedFor) -> Result<Seen> {
        let (context, web_url, now) = (self.context.clone(), self.web_url(), self.app.now());
        self.app.read(move |connection| actions::look(connection, &context, asked_for, &web_url, &now)).await
    }

    /// The panel as it is now, around what was typed and what was wrong with it.
    async fn again(&self, error: Error, outcome: Outcome) -> Result<Answer> {
        if matches!(error.kind, Kind::Internal | Kind::Busy | Kind::Upstream | Kind::Unauthorised) {
            return Err(error);
        }
        error.log();
        let seen = self.look(AskedFor::Form).await?;
        self.page(seen, outcome, error.status()).await
    }

    async fn page(&self, seen: Seen, outcome: Outcome, status: StatusCode) -> Result<Answer> {
        let Seen { state: read, targets } = seen;
        let mut owners = Vec::new();
        let waits_for_owners = read.state == Standing::Waiting || (read.viewer.is_none() && read.asked.is_some());
        if let (true, Some(workspace)) = (waits_for_owners, &read.workspace) {
            let id = workspace.id.clone();
            owners = self.app.read(move |connection| members::owner_names(connection, &id)).await?;
        }
        let now = self.app.now().at;
        let state = view::state(&read, targets.as_ref(), owners, self.token.clone(), &self.addresses, outcome, now);
        Ok(Answer { status, state, saved: false })
    }

    fn web_url(&self) -> String {
        self.app.config.bitbucket_web_url.clone()
    }
}

impl Attaching {
    fn typed(self) -> Typed {
        let about = if self.about.is_empty() { self.about_email } else { self.about };
        Typed { target: self.target, about, note: self.note }
    }
}

fn saved_banner(read: &PanelState, link: &LinkId, now: NaiveDateTime) -> Option<Banner> {
    let viewer = read.viewer.as_ref()?;
    let link = read.links.iter().find(|candidate| candidate.id == link.as_str())?;
    let title = lower_first(&wording::title(&link.place, &viewer.id, now));
    Some(Banner::saved(&title, &wording::seen_by(&link.place, &viewer.id)))
}

fn title_of(read: &PanelState, link: &LinkId, now: NaiveDateTime) -> String {
    let found = read.links.iter().find(|candidate| candidate.id == link.as_str()).zip(read.viewer.as_ref());
    found.map_or_else(String::new, |(link, viewer)| lower_first(&wording::title(&link.place, &viewer.id, now)))
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

fn next_step(error: &Error) -> String {
    match error.field {
        Some("note") => "Mend the note and press Save again.".to_owned(),
        Some("about") => "Choose a person and press Save again. Your note is still here.".to_owned(),
        _ => "Choose another item and press Save again. Your note is still here.".to_owned(),
    }
}

fn wrong(error: &Error) -> Option<Wrong> {
    let sentence = error.detail.to_string();
    match error.field {
        Some("note") => Some(Wrong::Note(sentence)),
        Some("about") => Some(Wrong::About(sentence)),
        _ => Some(Wrong::Target(sentence)),
    }
}
