//! The pull requests of a conversation, whatever its kind: the card on its page, and `/…/{id}/links` with attaching, detaching and undoing.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::conversations;
use super::failure::{PageResult, html, html_with, see_other};
use super::page::{AttachForm, ConversationLinksPage, Known, PullRequest, PullRequestState, PullRequests, Said, Time, WrongLink};
use super::session::SignedIn;
use super::sign_in::CsrfForm;
use crate::activity::looking;
use crate::app::App;
use crate::error::{Error, Result};
use crate::people::detached::{self, Attached};
use crate::people::links::{self, Link, NewLink, Shown, Target};
use crate::people::page::Page;
use crate::people::pull_requests::{self, Reference};
use crate::people::shared_work;
use crate::people::text::Note;
use crate::platform::body::Form;
use crate::storage::ids::{LinkId, PullRequestId};

/// What the address of a conversation's page says of its pull requests.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LinksQuery {
    /// Those older than this one.
    before: Option<String>,
    /// Set after one was attached.
    attached: Option<String>,
    /// The link that was just taken away.
    detached: Option<String>,
}

impl LinksQuery {
    /// Which of them are shown.
    ///
    /// # Errors
    /// `cursor_invalid` (400).
    pub fn page(&self) -> Result<Page> {
        Page::parse(self.before.as_deref(), Some("100"))
    }

    /// The link that was just taken away, for [`detached::of_conversation`].
    pub fn detached(&self) -> Option<LinkId> {
        self.detached.as_deref().and_then(LinkId::parse)
    }
}

/// What the attach form sends.
#[derive(Clone, Default, Deserialize)]
pub struct LinkForm {
    csrf: String,
    #[serde(default)]
    url: String,
    /// One of those that the page itself names, in place of an address.
    #[serde(default)]
    pull_request: String,
    #[serde(default)]
    note: String,
}

/// The card "Pull requests" for what was read. Pages draw it with `web/pull_requests.html`, from a field `pull_requests`.
pub fn card(app: &App, me: &SignedIn, query: &LinksQuery, attached: Attached) -> PullRequests {
    let path = conversations::path(&attached.target);
    let said = match attached.detached {
        Some(detached) => Some(Said::Detached { action: format!("{path}/links/{}/again", detached.id), url: detached.url }),
        None => query.attached.is_some().then_some(Said::Attached),
    };
    let form = || AttachForm {
        action: format!("{path}/links"),
        example: format!("{}/workspace/repository/pull-requests/1", app.config.bitbucket_web_url),
        url: String::new(),
        note: String::new(),
        wrong: None,
    };
    PullRequests {
        rows: attached.links.entries.iter().map(|link| row(link, me, &path)).collect(),
        newest_href: (!attached.is_newest).then(|| format!("{path}/links")),
        older_href: attached.links.next.map(|cursor| format!("{path}/links?before={cursor}")),
        said,
        attach: attached.may_attach.then(form),
    }
}

/// `GET /…/{id}/links`: all pull requests of a conversation.
///
/// # Errors
/// `not_found` (404); `cursor_invalid` (400).
pub async fn show(
    app: web::Data<App>,
    me: SignedIn,
    path: web::Path<(String, String)>,
    query: web::Query<LinksQuery>,
) -> PageResult<HttpResponse> {
    let page = page(&app, &me, target(&path.0, &path.1)?, &query).await?;
    html(&page)
}

/// `POST /…/{id}/links`: attaches a pull request by its address, or one that the page shows as shared work.
///
/// # Errors
/// `csrf_invalid` (403); `not_found` (404); what the conversation's kind refuses with. What is wrong with a field comes back with the page.
pub async fn attach(
    app: web::Data<App>,
    me: SignedIn,
    path: web::Path<(String, String)>,
    form: Form<LinkForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let target = target(&path.0, &path.1)?;
    match save(&app, &me, &target, &form.0).await {
        Ok(_link) => Ok(see_other(&format!("{}?attached=yes#pull-requests", conversations::path(&target)))),
        Err(error) => again(&app, &me, target, form.0, error).await,
    }
}

/// `POST /…/{id}/links/{link}/remove`: detaches the viewer's own link.
///
/// # Errors
/// `csrf_invalid` or `maker_needed` (403); `not_found` (404).
pub async fn detach(
    app: web::Data<App>,
    me: SignedIn,
    path: web::Path<(String, String, String)>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (target, link) = (target(&path.0, &path.1)?, link_id(&path.2)?);
    let back = format!("{}?detached={link}#pull-requests", conversations::path(&target));
    let (viewer, now) = (me.viewer(), app.now());
    app.write(move |connection| detached::detach(connection, &viewer, &target, &link, &now)).await?;
    Ok(see_other(&back))
}

/// `POST /…/{id}/links/{link}/again`: brings back what was just detached.
///
/// # Errors
/// `csrf_invalid` (403); `not_found` (404); `already_linked` (409).
pub async fn attach_again(
    app: web::Data<App>,
    me: SignedIn,
    path: web::Path<(String, String, String)>,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (target, link) = (target(&path.0, &path.1)?, link_id(&path.2)?);
    let back = format!("{}?attached=yes#pull-requests", conversations::path(&target));
    let (viewer, now, web_url) = (me.viewer(), app.now(), app.config.bitbucket_web_url.clone());
    app.write(move |connection| detached::attach_again(connection, &viewer, &target, &link, &web_url, &now)).await?;
    Ok(see_other(&back))
}

async fn save(app: &App, me: &SignedIn, target: &Target, typed: &LinkForm) -> Result<LinkId> {
    let (viewer, now, target, note) = (me.viewer(), app.now(), target.clone(), Note::parse(&typed.note)?);
    let named = match typed.pull_request.as_str() {
        "" => Named::Address(pull_requests::parse_url(&app.config.bitbucket_web_url, &typed.url)?),
        id => Named::Shown(PullRequestId::parse(id).ok_or_else(|| Error::not_found("pull request"))?),
    };
    app.write(move |connection| {
        let pull_request = match named {
            Named::Address(pull_request) => pull_request,
            Named::Shown(id) => shared_work::to_attach(connection, &viewer, &id)?,
        };
        let new = NewLink { target, pull_request, note, is_before_the_makers_eyes: false };
        let id = links::create(connection, &viewer, &new, &now)?;
        looking::after_linking(connection, &viewer, &id, &now)?;
        Ok(id)
    })
    .await
}

/// How a form names the pull request to attach.
enum Named {
    /// By an address that somebody pasted.
    Address(Reference),
    /// As one that the page shows.
    Shown(PullRequestId),
}

/// The page around what was typed and what is wrong with it.
async fn again(app: &App, me: &SignedIn, target: Target, typed: LinkForm, error: Error) -> PageResult<HttpResponse> {
    let sentence = error.detail.to_string();
    let wrong = match (error.field, error.code) {
        (Some("url"), _) | (_, "already_linked") => WrongLink::Url(sentence),
        (Some("note"), _) => WrongLink::Note(sentence),
        _ => return Err(error.into()),
    };
    error.log();
    let mut page = page(app, me, target, &LinksQuery::default()).await?;
    if let Some(attach) = &mut page.pull_requests.attach {
        (attach.url, attach.note, attach.wrong) = (typed.url, typed.note, Some(wrong));
    }
    html_with(error.status(), &page)
}

async fn page(app: &App, me: &SignedIn, target: Target, query: &LinksQuery) -> Result<ConversationLinksPage> {
    let (viewer, part, detached, asked) = (me.viewer(), query.page()?, query.detached(), target.clone());
    let read = app.read(move |connection| {
        let attached = detached::of_conversation(connection, &viewer, &asked, &part, detached.as_ref())?;
        Ok((conversations::title(connection, &viewer, &asked)?, attached))
    });
    let (title, attached) = read.await?;
    let (list, place) = conversations::list_of(target.kind);
    Ok(ConversationLinksPage {
        shell: me.shell(place, None),
        list: list.to_owned(),
        list_href: conversations::list_path(target.kind).to_owned(),
        title,
        href: conversations::path(&target),
        pull_requests: card(app, me, query, attached),
    })
}

fn target(place: &str, id: &str) -> Result<Target> {
    let kind = conversations::kind_of_place(place).ok_or_else(|| Error::not_found("conversation"))?;
    Target::parse(kind, id)
}

fn link_id(id: &str) -> Result<LinkId> {
    LinkId::parse(id).ok_or_else(|| Error::not_found("link"))
}

fn row(link: &Link, me: &SignedIn, path: &str) -> PullRequest {
    let is_mine = link.created_by == me.member.id;
    let known = link.details.as_ref().map_or(Known::AddressOnly, known);
    PullRequest {
        url: link.url.clone(),
        remark: remark(link.details.as_ref(), &known),
        known,
        attached_by: if is_mine { "you".to_owned() } else { link.created_by_name.clone() },
        attached_at: Time::Day(link.created_at),
        note: link.note.clone(),
        detach_action: is_mine.then(|| format!("{path}/links/{}/remove", link.id)),
    }
}

/// What may be shown of a pull request that somebody has seen.
pub fn known(shown: &Shown) -> Known {
    let Some(title) = shown.title.clone() else { return Known::AddressOnly };
    let state = state(shown.state.as_deref());
    let place = shown.repository_name.as_deref().map(|name| match shown.number {
        Some(number) => format!("{name} #{number}"),
        None => name.to_owned(),
    });
    let author = shown.author_name.as_deref().map(|name| format!("by {name}"));
    let approvals = shown.reviewers.iter().filter(|reviewer| reviewer.state.as_deref() == Some("approved")).count();
    let reviewed = (!shown.reviewers.is_empty()).then(|| format!("{approvals} of {} reviewers approved", shown.reviewers.len()));
    Known::Details { title, state, facts: [place, author, reviewed].into_iter().flatten().collect() }
}

/// The state that Bitbucket's word names.
pub fn state(word: Option<&str>) -> PullRequestState {
    match word {
        Some("OPEN") => PullRequestState::Open,
        Some("MERGED") => PullRequestState::Merged,
        Some("DECLINED") => PullRequestState::Declined,
        Some("SUPERSEDED") => PullRequestState::Superseded,
        _ => PullRequestState::Unknown,
    }
}

/// Why no more is shown, or why it may be out of date.
fn remark(shown: Option<&Shown>, known: &Known) -> Option<&'static str> {
    let Some(shown) = shown else {
        return Some(
            "Only the address is shown until somebody who may see the pull request opens its panel in Bitbucket, or connects their own account on their profile.",
        );
    };
    let is_named = matches!(known, Known::Details { .. });
    match (shown.fetch_error.as_deref(), is_named) {
        (None, true) => None,
        (None, false) => Some("Bitbucket is being asked for its title. Reload the page in a moment."),
        (Some("not_connected"), true) => Some(
            "The app is no longer connected to this Bitbucket workspace, so this may be out of date. An owner can connect it in Settings.",
        ),
        (Some("not_connected"), false) => Some(
            "The app is not connected to this Bitbucket workspace, so only the address is kept. An owner can connect it in Settings.",
        ),
        (Some("forge_token_expired"), _) => Some(
            "Forge has not called this server for some hours, so this may be out of date. It follows with Forge’s next call.",
        ),
        (Some("bitbucket_rate_limited" | "bitbucket_down" | "bitbucket_malformed"), _) => {
            Some("Bitbucket did not answer when it was asked last, so this may be out of date.")
        }
        (Some(_no_access), true) => Some(
            "The app has no access to this repository any more, so this may be out of date. An owner can add it in Settings.",
        ),
        (Some(_no_access), false) => {
            Some("The app has no access to this repository, so only the address is kept. An owner can add it in Settings.")
        }
    }
}
