//! The start page: what waits for whoever is signed in, and for an owner what only owners see to.

use actix_web::{HttpResponse, web};
use chrono::{NaiveDate, TimeDelta};

use super::failure::{PageResult, html};
use super::one_on_ones::when;
use super::page::{AttachedRow, HomePage, MeetingRow, OwnerTasks, Place, Time, address_of};
use super::session::SignedIn;
use super::{conversations, feedback_list, request_list};
use crate::app::App;
use crate::config::Now;
use crate::connections::attention;
use crate::connections::grants::{self, Connection};
use crate::connections::installations::{self, Installation, State};
use crate::connections::repositories::proposals;
use crate::error::Result;
use crate::people::Viewer;
use crate::people::feedback::{self, Feedback, Part};
use crate::people::identities::{self, Identity};
use crate::people::join_requests::{self, JoinRequest};
use crate::people::links::{self, Kind, Link};
use crate::people::members::Role;
use crate::people::one_on_ones::{self, OneOnOne, Span};
use crate::people::page::{Listed, Page, PageByDate};
use crate::people::requests::{self, Request};
use crate::storage::AnyConnection;

/// How many of each list are shown.
const SHOWN: usize = 5;
/// How far ahead 1:1s are shown.
const AHEAD_DAYS: i64 = 14;
/// How long ago a pull request may have been attached.
const LATELY_SECONDS: i64 = 30 * 24 * 3600;

/// What the page shows, as read.
struct Waiting {
    identity: Option<Identity>,
    to_answer: Listed<Request>,
    to_answer_count: i64,
    meetings: Vec<OneOnOne>,
    drafts: Listed<Feedback>,
    attached: Vec<Link>,
    owner: Option<ForOwner>,
}

/// What only owners see to.
struct ForOwner {
    installations: Vec<Installation>,
    connections: Vec<Connection>,
    joining: Listed<JoinRequest>,
    proposals: i64,
}

/// `GET /`.
///
/// # Errors
/// When the database refuses.
pub async fn show(app: web::Data<App>, me: SignedIn) -> PageResult<HttpResponse> {
    let (viewer, now) = (me.viewer(), app.now());
    let today = me.zone.today(&now);
    let moment = now.clone();
    let waiting = app.read(move |connection| read(connection, &viewer, today, &moment)).await?;
    html(&page(&me, waiting, today, &now, app.config.bitbucket_web_url.clone()))
}

fn read(connection: &mut AnyConnection, viewer: &Viewer, today: NaiveDate, now: &Now) -> Result<Waiting> {
    let (page, by_date) = (Page { before: None, limit: SHOWN }, PageByDate { beyond: None, limit: SHOWN });
    let to_answer = requests::to_answer(connection, viewer, &by_date)?;
    let to_answer_count = match to_answer.next {
        Some(_) => requests::count_to_answer(connection, viewer)?,
        None => i64::try_from(to_answer.entries.len()).unwrap_or(i64::MAX),
    };
    let meetings = one_on_ones::list(connection, viewer, Span::From(today), &by_date)?.entries;
    let owner = match viewer.role {
        Role::Member => None,
        Role::Owner => Some(ForOwner {
            installations: installations::open(connection, viewer)?,
            connections: grants::open(connection, viewer)?,
            joining: join_requests::list(connection, viewer, &page)?,
            proposals: proposals::count_open(connection, viewer)?,
        }),
    };
    Ok(Waiting {
        identity: identities::of(connection, viewer, &viewer.member_id)?,
        to_answer,
        to_answer_count,
        meetings: meetings.into_iter().filter(|item| item.held_on <= today + TimeDelta::days(AHEAD_DAYS)).collect(),
        drafts: feedback::list(connection, viewer, Part::Drafts, &page)?,
        attached: links::made_since(connection, viewer, now.plus_seconds(-LATELY_SECONDS), &page)?.entries,
        owner,
    })
}

fn page(me: &SignedIn, read: Waiting, today: NaiveDate, now: &Now, bitbucket_href: String) -> HomePage {
    let viewer = me.viewer();
    HomePage {
        shell: me.shell(Place::Home, None),
        today: Time::Date(today),
        owner: read.owner.map(|read| owner_tasks(read, now)),
        bitbucket_linked: read.identity.is_some_and(|identity| identity.confirmed_at.is_some()),
        to_answer: read.to_answer.entries.iter().map(|item| request_list::row(item, &viewer, today)).collect(),
        to_answer_count: read.to_answer_count,
        meetings: read.meetings.iter().map(|item| meeting(item, &viewer, today)).collect(),
        has_more_drafts: read.drafts.next.is_some(),
        drafts: read.drafts.entries.iter().map(|item| feedback_list::row(item, &viewer)).collect(),
        attached: read.attached.iter().map(attached).collect(),
        bitbucket_href,
    }
}

fn owner_tasks(read: ForOwner, now: &Now) -> OwnerTasks {
    let ForOwner { installations, connections, joining, proposals } = read;
    let name = |installation: Installation| {
        let known = installation.bitbucket_workspace_name.or(installation.bitbucket_workspace_slug);
        known.unwrap_or(installation.bitbucket_workspace_uuid)
    };
    let is_unconnected = installations.is_empty() && connections.is_empty();
    let attention = connections
        .iter()
        .filter_map(|connection| attention::of(connection, now).map(|attention| (connection.name.clone(), attention.what)));
    let waiting = installations.into_iter().filter(|installation| installation.state == State::Waiting);
    OwnerTasks {
        is_unconnected,
        waiting: waiting.map(name).collect(),
        attention: attention.collect(),
        has_more_joining: joining.next.is_some(),
        proposals,
        joining: joining.entries.into_iter().map(|asking| asking.name).collect(),
    }
}

fn meeting(item: &OneOnOne, viewer: &Viewer, today: NaiveDate) -> MeetingRow {
    let distance = when(item.held_on, today);
    let (_, with) = item.counterpart(viewer);
    MeetingRow { href: conversations::path(&item.target()), with: with.to_owned(), on: Time::Date(item.held_on), distance }
}

fn attached(link: &Link) -> AttachedRow {
    let title = link.details.as_ref().and_then(|shown| shown.title.clone());
    let place = match link.target.kind {
        Kind::Feedback => "to feedback",
        Kind::OneOnOne => "to a 1:1",
        Kind::Request => "to a request",
        Kind::Goal => "to a goal",
    };
    AttachedRow {
        name: title.unwrap_or_else(|| address_of(&link.url).to_owned()),
        href: conversations::path(&link.target),
        icon: link.target.kind.as_str(),
        place,
        at: Time::Day(link.created_at),
    }
}
