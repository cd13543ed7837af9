//! `/people`: who belongs to the workspace; for owners also who waits to join, and inviting.

pub mod joining;
pub mod member;
pub mod removal;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::failure::{PageResult, html_with};
use super::page::{
    Address, Banner, ColleagueRow, MemberForm, OwnersPart, PeoplePage, Place, SignInLink, Time, Tone, WaitingRow, Wrong,
};
use super::session::{SignedIn, person};
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::people::join_requests::{self, JoinRequest};
use crate::people::members::{self, Entry, NewMember, Role, Search};
use crate::people::page::{Listed, Page};
use crate::people::text::{EmailAddress, Name};
use crate::people::{Viewer, colleagues};
use crate::platform::body::Form;
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;

/// How many who wait to join are shown; the next come when these are decided.
const WAITING_SHOWN: usize = 20;

/// What the address of the list may carry.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ListQuery {
    find: String,
    after: String,
    done: String,
}

/// The fields of a member to be.
#[derive(Deserialize)]
pub struct NewMemberForm {
    csrf: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    role: String,
}

/// What one page of the list is read from.
struct Read {
    members: Listed<Entry>,
    waiting: Vec<JoinRequest>,
    waiting_count: i64,
}

/// What owners see of a form that was sent.
#[derive(Default)]
struct Sent {
    invited: Option<SignInLink>,
    form: MemberForm,
    banner: Option<Banner>,
}

/// `GET /people`.
///
/// # Errors
/// When the database refuses.
pub async fn list(app: web::Data<App>, me: SignedIn, request: HttpRequest) -> PageResult<HttpResponse> {
    let query = query(&request);
    let search = Search { name: query.find, after: MemberId::parse(&query.after) };
    let banner = done(&query.done);
    page(&app, &me, search, Sent { banner, ..Sent::default() }, StatusCode::OK).await
}

/// `POST /people`: invites, and shows the sign-in link this once.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403).
pub async fn invite(app: web::Data<App>, me: SignedIn, form: Form<NewMemberForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    // Who may not invite learns nothing from what is wrong with the form.
    me.viewer().must_own()?;
    let invited = match form.0.parse() {
        Ok(new) => {
            let (viewer, now) = (me.viewer(), app.now());
            let work = move |connection: &mut AnyConnection| {
                let invited = members::invite(connection, &viewer, &new, &now)?;
                let id = &invited.member.id;
                // Whose drafts wait for them comes back by a way that no owner can take in their place.
                let has_signed_in = members::has_signed_in(connection, &viewer, id)?;
                let link = (!has_signed_in).then(|| members::new_sign_in_link(connection, &viewer, id, &now)).transpose()?;
                Ok((invited, link.map(|(_, secret)| secret)))
            };
            app.write(work).await
        }
        Err(error) => Err(error),
    };
    match invited {
        Ok((invited, Some(secret))) => {
            let name = invited.member.name;
            let happened = format!("{name} {}", if invited.has_returned { "is back" } else { "is invited" });
            let url = format!("{}/sign-in/{}", app.config.public_url.text, secret.expose());
            let sent = Sent { invited: Some(SignInLink { name, happened, url }), ..Sent::default() };
            page(&app, &me, Search::default(), sent, StatusCode::OK).await
        }
        Ok((invited, None)) => {
            let banner = Banner {
                tone: Tone::Success,
                strong: format!("{} is back.", invited.member.name),
                text: "What they wrote before is theirs again. They sign in with Bitbucket, or whoever runs the server makes \
                       them a link."
                    .to_owned(),
            };
            let sent = Sent { banner: Some(banner), ..Sent::default() };
            page(&app, &me, Search::default(), sent, StatusCode::OK).await
        }
        Err(error) => {
            let (status, wrong) = (error.status(), mistake(error)?);
            page(&app, &me, Search::default(), Sent { form: form.0.again(wrong), ..Sent::default() }, status).await
        }
    }
}

impl NewMemberForm {
    fn parse(&self) -> Result<NewMember> {
        Ok(NewMember {
            name: Name::parse("name", &self.name)?,
            email: EmailAddress::parse(&self.email)?,
            role: Role::parse(&self.role).unwrap_or(Role::Member),
        })
    }

    fn again(self, wrong: Wrong) -> MemberForm {
        MemberForm { name: self.name, email: self.email, is_owner: self.role == Role::Owner.as_str(), wrong }
    }
}

async fn page(app: &App, me: &SignedIn, search: Search, sent: Sent, status: StatusCode) -> PageResult<HttpResponse> {
    let (viewer, asked) = (me.viewer(), search.clone());
    let read = app.read(move |connection| read(connection, &viewer, &asked)).await?;
    let is_owner = me.member.role == Role::Owner;
    let owner = is_owner.then(|| OwnersPart {
        waiting: read.waiting.into_iter().map(waiting_row).collect(),
        waiting_count: read.waiting_count,
        invited: sent.invited,
        form: sent.form,
    });
    let page = PeoplePage {
        shell: me.shell(Place::People, sent.banner),
        find: search.name,
        members: read.members.entries.into_iter().map(|entry| member_row(entry, me)).collect(),
        next: read.members.next,
        is_later_page: search.after.is_some(),
        owner,
    };
    html_with(status, &page)
}

fn read(connection: &mut AnyConnection, viewer: &Viewer, search: &Search) -> Result<Read> {
    let members = members::directory(connection, viewer, search)?;
    let is_beginning = search.after.is_none() && search.name.is_empty();
    if viewer.role != Role::Owner || !is_beginning {
        return Ok(Read { members, waiting: Vec::new(), waiting_count: 0 });
    }
    let waiting = join_requests::list(connection, viewer, &Page { before: None, limit: WAITING_SHOWN })?.entries;
    Ok(Read { members, waiting, waiting_count: join_requests::count(connection, viewer)? })
}

fn member_row(entry: Entry, me: &SignedIn) -> ColleagueRow {
    let is_you = entry.id == me.member.id;
    ColleagueRow {
        person: person(entry.id.as_str(), &entry.name, &entry.email.unwrap_or_default()),
        href: (me.member.role == Role::Owner).then(|| format!("/people/{}", entry.id)),
        is_owner: entry.role == Role::Owner,
        is_you,
        manager: entry.manager_name,
    }
}

fn waiting_row(request: JoinRequest) -> WaitingRow {
    WaitingRow {
        href: format!("/people/joining/{}", request.id),
        name: request.name,
        email: request.email,
        account: request.account_id,
        pull_request: Address(request.pull_request_url),
        asked: Time::Moment(request.asked_at),
    }
}

/// Whom a form lets an owner choose: everybody but `except`, the owner too; none where they are too many to list.
fn to_choose(connection: &mut AnyConnection, viewer: &Viewer, except: &MemberId) -> Result<Option<Vec<(String, String)>>> {
    let Some(listed) = colleagues::listed(connection, viewer)? else { return Ok(None) };
    let me = members::find(connection, viewer, &viewer.member_id)?;
    let everybody = listed.into_iter().map(|colleague| (colleague.id, colleague.name)).chain([(me.id, me.name)]);
    Ok(Some(everybody.filter(|(id, _)| id != except).map(|(id, name)| (id.to_string(), name)).collect()))
}

/// The member whom a form chose; none for nobody.
fn chosen(connection: &mut AnyConnection, viewer: &Viewer, sent: &str, field: &'static str) -> Result<Option<MemberId>> {
    if sent.trim().is_empty() {
        return Ok(None);
    }
    colleagues::chosen(connection, viewer, sent, field).map(Some)
}

/// What a form can be mended by; any other error stays one.
fn mistake(error: Error) -> Result<Wrong> {
    match (error.kind, error.field) {
        (Kind::Invalid | Kind::Conflict, Some(field)) => {
            error.log();
            Ok(Wrong::new(field, error.detail.clone()))
        }
        _ => Err(error),
    }
}

/// What the page says after it was sent on.
fn done(word: &str) -> Option<Banner> {
    let (strong, text) = match word {
        "role" => ("Saved.", "The role holds from now on."),
        "manager" => ("Saved.", "The manager is changed."),
        "removed" => ("Removed.", "They can no longer sign in, and what they shared stays."),
        "joined" => ("Let in.", "They are a member now, and their Bitbucket account is linked."),
        "refused" => ("Refused.", "They see it in the panel."),
        _ => return None,
    };
    Some(Banner { tone: Tone::Success, strong: strong.to_owned(), text: text.to_owned() })
}

fn query(request: &HttpRequest) -> ListQuery {
    web::Query::<ListQuery>::from_query(request.query_string()).map(web::Query::into_inner).unwrap_or_default()
}
