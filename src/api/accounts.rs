//! `/api/v1/bitbucket-accounts`: Bitbucket accounts that have been seen, and whose they are.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::links::Person;
use super::listing::{self, List};
use crate::app::App;
use crate::error::Result;
use crate::people::accounts::alignment;
use crate::people::accounts::listing::{self as accounts, Filter, Parts, Search};
use crate::people::accounts::suggestions::{self, Reason, Suggestions};
use crate::people::api_tokens::Scope;
use crate::people::identities::BoundBy;
use crate::people::page::Page;
use crate::storage::ids::MemberId;

/// A Bitbucket account that has been seen on a linked pull request or among the members of the Bitbucket workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BitbucketAccount {
    /// The Atlassian account id.
    account_id: String,
    /// The Bitbucket UUID, without braces, when known.
    bitbucket_uuid: Option<String>,
    /// The name that others see in Bitbucket.
    display_name: Option<String>,
    /// The short name for mentions.
    nickname: Option<String>,
    /// Whether the Bitbucket workspace lists it among its members.
    is_workspace_member: bool,
    /// How many linked pull requests it opened.
    authored: i64,
    /// How many linked pull requests it reviews.
    reviewed: i64,
    /// When it was seen last.
    seen_at: DateTime<Utc>,
    /// Whose it is.
    state: AccountState,
    /// The member it is bound to.
    bound_to: Option<BoundTo>,
    /// Members whose name or address speaks for them while it is unbound. One is a suggestion, several are a choice to make.
    suggestions: Vec<Suggested>,
}

/// Whose an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AccountState {
    /// A member's.
    Bound,
    /// Nobody's yet.
    Unbound,
    /// Nobody's, as an owner has said.
    NotAMember,
}

/// The member an account is bound to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BoundTo {
    /// Their id.
    id: MemberId,
    /// What they are called.
    name: String,
    /// When they were removed from the workspace.
    removed_at: Option<DateTime<Utc>>,
    /// On whose word the two were brought together.
    bound_by: BoundBy,
    /// When.
    bound_at: DateTime<Utc>,
    /// When the member confirmed it. Until then it says whose work it is and opens nothing.
    confirmed_at: Option<DateTime<Utc>>,
}

/// A member who may be whom an account belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Suggested {
    /// The member.
    member: Person,
    /// Why.
    reason: Reason,
}

/// Which accounts are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AccountsQuery {
    /// Only those; all of them when absent.
    #[param(inline)]
    show: Option<Filter>,
    /// Only those in whose names, id or member's name each of these words stands.
    search: Option<String>,
    /// Where to go on: the `next` of the page before.
    cursor: Option<String>,
    /// How many entries, 1 to 100; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

impl BitbucketAccount {
    fn new(account: accounts::Account, parts: &HashMap<String, Parts>, among: &Suggestions<'_>) -> Self {
        let state = match &account.bound {
            Some(_) => AccountState::Bound,
            None if account.is_not_a_member => AccountState::NotAMember,
            None => AccountState::Unbound,
        };
        let suggestions = match state {
            AccountState::Unbound => among.of(account.display_name.as_deref(), account.nickname.as_deref()),
            AccountState::Bound | AccountState::NotAMember => Vec::new(),
        };
        let Parts { authored, reviewed } = parts.get(&account.account_id).copied().unwrap_or_default();
        Self {
            account_id: account.account_id,
            bitbucket_uuid: account.bitbucket_uuid,
            display_name: account.display_name,
            nickname: account.nickname,
            is_workspace_member: account.is_workspace_member,
            authored,
            reviewed,
            seen_at: account.seen_at.and_utc(),
            state,
            bound_to: account.bound.map(BoundTo::from),
            suggestions: suggestions.into_iter().map(Suggested::from).collect(),
        }
    }
}

impl From<accounts::Bound> for BoundTo {
    fn from(bound: accounts::Bound) -> Self {
        Self {
            id: bound.member_id,
            name: bound.name,
            removed_at: bound.removed_at.map(|at| at.and_utc()),
            bound_by: bound.bound_by,
            bound_at: bound.bound_at.and_utc(),
            confirmed_at: bound.confirmed_at.map(|at| at.and_utc()),
        }
    }
}

impl From<suggestions::Suggestion<'_>> for Suggested {
    fn from(suggestion: suggestions::Suggestion<'_>) -> Self {
        let colleague = suggestion.colleague;
        let member = Person { id: colleague.member_id.clone(), name: colleague.name.clone() };
        Self { member, reason: suggestion.reason }
    }
}

/// The Bitbucket accounts that have been seen, by name, with whose they are or may be.
#[utoipa::path(
    get,
    path = "/api/v1/bitbucket-accounts",
    operation_id = "list_bitbucket_accounts",
    tag = "People",
    security(("api_token" = ["read", "owner"])),
    params(AccountsQuery),
    responses((status = 200, body = List<BitbucketAccount>))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller, request: HttpRequest) -> Result<web::Json<List<BitbucketAccount>>> {
    caller.needs(Scope::Read)?;
    caller.needs(Scope::Owner)?;
    let AccountsQuery { show, search, cursor, limit } = listing::query(&request)?;
    let limit = Page::parse(None, limit.as_deref())?.limit;
    let search = Search::parse(show.unwrap_or(Filter::All), &search.unwrap_or_default(), cursor.as_deref(), limit)?;
    let listed = app.read(move |connection| {
        let colleagues = suggestions::colleagues(connection, &caller.viewer)?;
        let listed = accounts::list(connection, &caller.viewer, &search, &colleagues)?;
        let ids: Vec<String> = listed.entries.iter().map(|account| account.account_id.clone()).collect();
        let parts = accounts::parts(connection, &caller.viewer, &ids)?;
        let among = Suggestions::among(&colleagues);
        Ok(List::new(listed, |account| BitbucketAccount::new(account, &parts, &among)))
    });
    listed.await.map(web::Json)
}

/// Marks an account as nobody's: a robot, somebody outside the workspace. Marking it again changes nothing.
#[utoipa::path(
    put,
    path = "/api/v1/bitbucket-accounts/{id}/not-a-member",
    operation_id = "mark_bitbucket_account",
    tag = "People",
    security(("api_token" = ["write", "owner"])),
    params(("id" = String, Path, description = "The Atlassian account id.")),
    responses((status = 204, description = "It is marked."), (status = 404), (status = 409, description = "`account_bound`"))
)]
pub(super) async fn mark_not_a_member(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let now = app.now();
    app.write(move |connection| alignment::mark_not_a_member(connection, &caller.viewer, &id, &now).map(|_account| ())).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes back that an account is nobody's. Taking it back again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/bitbucket-accounts/{id}/not-a-member",
    operation_id = "unmark_bitbucket_account",
    tag = "People",
    security(("api_token" = ["write", "owner"])),
    params(("id" = String, Path, description = "The Atlassian account id.")),
    responses((status = 204, description = "It is no longer marked."), (status = 404))
)]
pub(super) async fn unmark(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse> {
    caller.needs(Scope::Write)?;
    caller.needs(Scope::Owner)?;
    let now = app.now();
    app.write(move |connection| alignment::unmark(connection, &caller.viewer, &id, &now).map(|_account| ())).await?;
    Ok(HttpResponse::NoContent().finish())
}
