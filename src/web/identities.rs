//! `/settings/integrations/bitbucket/identities` and below: owners bring Bitbucket accounts and members together.

mod rows;

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::failure::{PageResult, html, see_other};
use super::owner::Owner;
use super::page::{AccountPage, AccountState, Banner, IdentitiesPage, Listing, Place, Tab, Tone};
use super::session::SignedIn;
use super::sign_in::CsrfForm;
use crate::app::App;
use crate::connections::workspace_members;
use crate::error::{Error, Kind, Result};
use crate::people::accounts::alignment;
use crate::people::accounts::listing::{self, Account, Filter, Parts, Search};
use crate::people::accounts::suggestions::{self, Colleague, Suggestions};
use crate::people::identities;
use crate::people::page::Listed;
use crate::people::text::one_line;
use crate::platform::body::Form;
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;

/// Where the pages of this module are.
pub const IDENTITIES: &str = "/settings/integrations/bitbucket/identities";
/// How many rows a page shows.
const ROWS: usize = 50;
/// The longest search, in characters.
const SEARCH_CHARACTERS: usize = 200;
/// How many members are offered for one account.
const CHOICES: usize = 20;

/// Which part of the list is looked at: the query of its address, and of the forms that come back to it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct View {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    show: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    q: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    said: Option<String>,
}

/// Which account is looked at.
#[derive(Clone, Debug, Deserialize)]
pub struct Chosen {
    account: String,
    #[serde(default)]
    q: String,
    /// The filter that the list goes on with.
    #[serde(default)]
    show: String,
}

/// An account is a member's.
#[derive(Deserialize)]
pub struct BindForm {
    csrf: String,
    account: String,
    member: String,
}

/// What is pressed about an account.
#[derive(Deserialize)]
pub struct AccountForm {
    csrf: String,
    account: String,
}

/// What is pressed about a member.
#[derive(Deserialize)]
pub struct MemberForm {
    csrf: String,
    member: String,
}

impl View {
    /// What the address says; an address that says nothing that can be read shows everything.
    fn of(request: &HttpRequest) -> Self {
        let view = web::Query::<Self>::from_query(request.query_string()).map(web::Query::into_inner).unwrap_or_default();
        Self { q: one_line(&view.q, SEARCH_CHARACTERS), ..view }
    }

    fn shows_members(&self) -> bool {
        self.show == "members"
    }

    fn filter(&self) -> Filter {
        Filter::parse(&self.show).unwrap_or(Filter::All)
    }

    fn query(&self) -> String {
        serde_urlencoded::to_string(self).ok().filter(|query| !query.is_empty()).map_or_else(String::new, |it| format!("?{it}"))
    }

    /// The same list, after something was done.
    fn having_said(&self, said: &str) -> HttpResponse {
        see_other(&format!("{IDENTITIES}{}", Self { said: Some(said.to_owned()), ..self.clone() }.query()))
    }

    fn banner(&self) -> Option<Banner> {
        let (strong, text) = match self.said.as_deref()? {
            "bound" => ("Bound.", "Their profile shows it. They confirm it with a code, or say that it is not them."),
            "unlinked" => ("Unlinked.", "The account is nobody’s again."),
            "marked" => ("Marked as not a member.", "Undo it under Not members."),
            "unmarked" => ("No longer marked.", "The account waits for its member again."),
            "reading" => ("The members are being read.", "Reload in a moment."),
            _ => return None,
        };
        Some(Banner { tone: Tone::Success, strong: strong.to_owned(), text: text.to_owned() })
    }
}

/// What the list is made of.
struct Read {
    readings: Vec<workspace_members::Reading>,
    colleagues: Vec<Colleague>,
    accounts: Listed<Account>,
    parts: HashMap<String, Parts>,
    attention: i64,
}

/// `GET /settings/integrations/bitbucket/identities`. Has the members read in the background when the list is older than an hour.
///
/// # Errors
/// `owner_needed` (403).
pub async fn list(app: web::Data<App>, Owner(me): Owner, request: HttpRequest) -> PageResult<HttpResponse> {
    let (view, viewer, now) = (View::of(&request), me.viewer(), app.now());
    let search = Search::parse(view.filter(), &view.q, view.after.as_deref().filter(|_| !view.shows_members()), ROWS)?;
    let (asker, lists_accounts) = (viewer.clone(), !view.shows_members());
    let read = app.read(move |connection| read(connection, &asker, &search, lists_accounts)).await?;
    if read.readings.iter().any(|reading| reading.is_stale(&now)) {
        app.write(move |connection| workspace_members::read_stale(connection, &viewer, &now)).await?;
    }
    html(&page(&me, &view, read))
}

fn read(connection: &mut AnyConnection, viewer: &crate::people::Viewer, search: &Search, lists_accounts: bool) -> Result<Read> {
    let readings = workspace_members::readings(connection, viewer)?;
    let colleagues = suggestions::colleagues(connection, viewer)?;
    let accounts = match lists_accounts {
        true => listing::list(connection, viewer, search, &colleagues)?,
        false => Listed { entries: Vec::new(), next: None },
    };
    let ids: Vec<String> = accounts.entries.iter().map(|account| account.account_id.clone()).collect();
    let parts = listing::parts(connection, viewer, &ids)?;
    Ok(Read { readings, attention: listing::count_needing_attention(connection, viewer)?, colleagues, accounts, parts })
}

fn page(me: &SignedIn, view: &View, read: Read) -> IdentitiesPage {
    let unseen = rows::unseen(&read.colleagues);
    let tabs = tabs(view, read.attention, unseen.len());
    let (listing, cursor) = if view.shows_members() {
        let (members, cursor) = rows::members(&unseen, &view.q, view.after.as_deref(), ROWS);
        (Listing::Members(members), cursor)
    } else {
        let suggestions = Suggestions::among(&read.colleagues);
        let row = |account: &Account| rows::account(account, read.parts.get(&account.account_id), &suggestions, view.filter());
        (Listing::Accounts(read.accounts.entries.iter().map(row).collect()), read.accounts.next)
    };
    let here = View { said: None, ..view.clone() };
    let next = cursor.map(|after| format!("{IDENTITIES}{}", View { after: Some(after), ..here.clone() }.query()));
    IdentitiesPage {
        shell: me.shell(Place::Integrations, view.banner()),
        readings: read.readings.into_iter().map(rows::reading).collect(),
        tabs,
        show: if view.shows_members() { "members" } else { view.filter().as_str() },
        typed: view.q.clone(),
        listing,
        next,
        query: here.query(),
    }
}

fn tabs(view: &View, attention: i64, unseen: usize) -> Vec<Tab> {
    let current = if view.shows_members() { "members" } else { view.filter().as_str() };
    let unseen = i64::try_from(unseen).unwrap_or(i64::MAX);
    let all = [
        ("all", "All", None),
        ("needs-attention", "Needs attention", Some(attention)),
        ("bound", "Bound", None),
        ("not-members", "Not members", None),
        ("members", "Members without one", Some(unseen)),
    ];
    let tab = |(word, label, count): (&'static str, &'static str, Option<i64>)| Tab {
        href: format!("{IDENTITIES}?show={word}"),
        label,
        count: count.filter(|count| *count > 0),
        is_current: word == current,
    };
    all.into_iter().map(tab).collect()
}

/// `GET …/account?account=…`: one account, and whose it may be.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub async fn account(app: web::Data<App>, Owner(me): Owner, request: HttpRequest) -> PageResult<HttpResponse> {
    let chosen = web::Query::<Chosen>::from_query(request.query_string()).map_err(|_error| Error::not_found("account"))?;
    let chosen = chosen.into_inner();
    account_page(&app, &me, Chosen { q: one_line(&chosen.q, SEARCH_CHARACTERS), ..chosen }, None).await
}

async fn account_page(app: &App, me: &SignedIn, chosen: Chosen, refusal: Option<Error>) -> PageResult<HttpResponse> {
    let (viewer, account_id) = (me.viewer(), chosen.account);
    let read = app.read(move |connection| {
        let account = listing::find(connection, &viewer, &account_id)?;
        let parts = listing::parts(connection, &viewer, &[account_id])?;
        Ok((account, parts, suggestions::colleagues(connection, &viewer)?))
    });
    let (account, parts, colleagues) = read.await?;
    let suggestions = Suggestions::among(&colleagues);
    let view = View { show: chosen.show, ..View::default() };
    let row = rows::account(&account, parts.get(&account.account_id), &suggestions, view.filter());
    let is_open = !matches!(row.state, AccountState::NotAMember) && account.bound.is_none();
    let mut choices = if is_open { rows::choices(&account, &suggestions, &colleagues, &chosen.q) } else { Vec::new() };
    let more = choices.len().saturating_sub(CHOICES);
    choices.truncate(CHOICES);
    let status = refusal.as_ref().map_or(StatusCode::OK, Error::status);
    let banner = refusal.map(|error| Banner::not_saved(error.detail));
    let page = AccountPage {
        shell: me.shell(Place::Integrations, banner),
        account: row,
        bound_member_id: account.bound.map(|bound| bound.member_id.to_string()),
        choices,
        more,
        show: view.filter().as_str(),
        typed: chosen.q,
        query: view.query(),
        back: format!("{IDENTITIES}{}", view.query()),
    };
    let mut response = html(&page)?;
    *response.status_mut() = status;
    Ok(response)
}

/// `POST …/read`: has the members of the connected Bitbucket workspaces read anew.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403).
pub async fn read_again(
    app: web::Data<App>,
    Owner(me): Owner,
    request: HttpRequest,
    form: Form<CsrfForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now) = (me.viewer(), app.now());
    app.write(move |connection| workspace_members::read_again(connection, &viewer, &now)).await?;
    Ok(View::of(&request).having_said("reading"))
}

/// `POST …/bind`: an account is a member's, on an owner's word.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404). A conflict shows the account's page.
pub async fn bind(app: web::Data<App>, Owner(me): Owner, request: HttpRequest, form: Form<BindForm>) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, account_id, member) = (me.viewer(), app.now(), form.0.account.clone(), member(&form.0.member)?);
    let bound = app.write(move |connection| alignment::bind(connection, &viewer, &account_id, &member, &now).map(|_identity| ()));
    answered(&app, &me, &request, form.0.account, bound.await, "bound").await
}

/// `POST …/unbind`: an account is no longer a member's.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404).
pub async fn unbind(
    app: web::Data<App>,
    Owner(me): Owner,
    request: HttpRequest,
    form: Form<MemberForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, member) = (me.viewer(), app.now(), member(&form.0.member)?);
    app.write(move |connection| identities::unbind(connection, &viewer, &member, &now)).await?;
    Ok(View::of(&request).having_said("unlinked"))
}

/// `POST …/not-a-member`: an account is nobody's.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404). A conflict shows the account's page.
pub async fn mark_not_a_member(
    app: web::Data<App>,
    Owner(me): Owner,
    request: HttpRequest,
    form: Form<AccountForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now, account_id) = (me.viewer(), app.now(), form.0.account.clone());
    let marked =
        move |connection: &mut _| alignment::mark_not_a_member(connection, &viewer, &account_id, &now).map(|_account| ());
    answered(&app, &me, &request, form.0.account, app.write(marked).await, "marked").await
}

/// `POST …/undo`: an account is perhaps somebody's after all.
///
/// # Errors
/// `csrf_invalid` or `owner_needed` (403); `not_found` (404).
pub async fn unmark(
    app: web::Data<App>,
    Owner(me): Owner,
    request: HttpRequest,
    form: Form<AccountForm>,
) -> PageResult<HttpResponse> {
    me.check(&form.0.csrf)?;
    let (viewer, now) = (me.viewer(), app.now());
    app.write(move |connection| alignment::unmark(connection, &viewer, &form.0.account, &now).map(|_account| ())).await?;
    Ok(View::of(&request).having_said("unmarked"))
}

/// Back to the list, or to the account when somebody else has decided about it meanwhile.
async fn answered(
    app: &App,
    me: &SignedIn,
    request: &HttpRequest,
    account: String,
    done: Result<()>,
    said: &str,
) -> PageResult<HttpResponse> {
    let view = View::of(request);
    match done {
        Ok(()) => Ok(view.having_said(said)),
        Err(error) if error.kind == Kind::Conflict => {
            account_page(app, me, Chosen { account, q: String::new(), show: view.show }, Some(error)).await
        }
        Err(error) => Err(error.into()),
    }
}

fn member(id: &str) -> Result<MemberId> {
    MemberId::parse(id).ok_or_else(|| Error::not_found("member"))
}
