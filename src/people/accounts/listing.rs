//! The accounts as owners see them: whose they are, and why they are known; filtered, searched, a page at a time.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::suggestions::Colleague;
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::people::folding::fold;
use crate::people::identities::BoundBy;
use crate::people::page::Listed;
use crate::people::participants::Part;
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::{
    bitbucket_accounts as accounts, bitbucket_workspaces, identities, members, pull_request_people, pull_requests,
};
use crate::word_column;

word_column! {
    /// Which accounts are asked for.
    Filter {
        /// All of them.
        All => "all",
        /// Nobody's yet, or somebody's who was removed.
        NeedsAttention => "needs-attention",
        /// A member's.
        Bound => "bound",
        /// Marked as nobody's.
        NotMembers => "not-members",
    }
}

/// Whose an account is.
#[derive(Clone, Debug, Queryable)]
pub struct Bound {
    /// The member.
    pub member_id: MemberId,
    /// What they are called.
    pub name: String,
    /// When they were removed from the workspace, UTC.
    pub removed_at: Option<NaiveDateTime>,
    /// On whose word.
    pub bound_by: BoundBy,
    /// When, UTC.
    pub bound_at: NaiveDateTime,
    /// When they confirmed it. Until then it says whose work it is and opens no door.
    pub confirmed_at: Option<NaiveDateTime>,
}

/// A Bitbucket account that has been seen.
#[derive(Clone, Debug, Queryable)]
pub struct Account {
    /// The Atlassian account id.
    pub account_id: String,
    /// The Bitbucket UUID, without braces, when known.
    pub bitbucket_uuid: Option<String>,
    /// The name that others see in Bitbucket.
    pub display_name: Option<String>,
    /// The short name for mentions.
    pub nickname: Option<String>,
    /// Names and id as the list is ordered by them.
    folded: String,
    /// Whether the Bitbucket workspace lists it among its members.
    pub is_workspace_member: bool,
    /// Whether an owner has said that it is nobody's.
    pub is_not_a_member: bool,
    /// When it was seen last, UTC.
    pub seen_at: NaiveDateTime,
    /// The slug of the Bitbucket workspace where that was.
    pub bitbucket_workspace_slug: Option<String>,
    /// Whose it is.
    pub bound: Option<Bound>,
}

impl Account {
    /// What it is called in Bitbucket; its id while Bitbucket has not named it.
    pub fn name(&self) -> &str {
        self.display_name.as_deref().or(self.nickname.as_deref()).unwrap_or(&self.account_id)
    }
}

/// Which part of which accounts is asked for.
#[derive(Clone, Debug)]
pub struct Search {
    filter: Filter,
    words: Vec<String>,
    after: Option<String>,
    limit: usize,
}

impl Search {
    /// Reads what was asked for; `typed` is searched for in names, account ids and the names of whom they are bound to.
    ///
    /// # Errors
    /// `cursor_invalid` (400).
    pub fn parse(filter: Filter, typed: &str, cursor: Option<&str>, limit: usize) -> Result<Self> {
        let invalid = || Error::invalid("cursor_invalid", "cursor", "Use the cursor that the page before answered with.");
        let read = |cursor: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
        };
        let after = cursor.map(|cursor| read(cursor).ok_or_else(invalid)).transpose()?;
        Ok(Self { filter, words: words(typed), after, limit })
    }
}

/// The first five words of a search, as names are compared.
pub fn words(typed: &str) -> Vec<String> {
    let plain: String = typed.chars().filter(|letter| !letter.is_control()).take(200).collect();
    fold(&plain).split_whitespace().take(5).map(str::to_owned).collect()
}

/// The accounts of a workspace with whose they are, as [`Account`]s.
macro_rules! of_workspace {
    ($viewer:expr) => {
        accounts::table
            .left_join(
                identities::table
                    .on(identities::workspace_id.eq(accounts::workspace_id).and(identities::account_id.eq(accounts::account_id))),
            )
            .left_join(members::table.on(members::id.nullable().eq(identities::member_id.nullable())))
            .left_join(bitbucket_workspaces::table.on(bitbucket_workspaces::uuid.eq(accounts::bitbucket_workspace_uuid)))
            .filter(accounts::workspace_id.eq(&$viewer.workspace_id))
    };
}

macro_rules! account_columns {
    () => {
        (
            accounts::account_id,
            accounts::bitbucket_uuid,
            accounts::display_name,
            accounts::nickname,
            accounts::folded,
            accounts::is_workspace_member,
            accounts::is_not_a_member,
            accounts::seen_at,
            bitbucket_workspaces::slug.nullable(),
            (
                members::id,
                members::name,
                members::removed_at,
                identities::bound_by,
                identities::bound_at,
                identities::confirmed_at,
            )
                .nullable(),
        )
    };
}

macro_rules! needs_attention {
    () => {
        identities::member_id.is_null().and(accounts::is_not_a_member.eq(false)).or(members::removed_at.is_not_null())
    };
}

/// A page of the accounts, by name. `colleagues` are the workspace's members, for a search by whose an account is.
///
/// # Errors
/// `owner_needed` (403).
pub fn list(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    search: &Search,
    colleagues: &[Colleague],
) -> Result<Listed<Account>> {
    viewer.must_own()?;
    let mut query = of_workspace!(viewer).into_boxed();
    query = match search.filter {
        Filter::All => query,
        Filter::NeedsAttention => query.filter(needs_attention!()),
        Filter::Bound => query.filter(identities::member_id.is_not_null()),
        Filter::NotMembers => query.filter(identities::member_id.is_null().and(accounts::is_not_a_member.eq(true))),
    };
    for word in &search.words {
        query = query.filter(accounts::folded.like(containing(word)).or(accounts::account_id.eq_any(theirs(colleagues, word))));
    }
    if let Some(after) = &search.after {
        query = query.filter(accounts::folded.gt(after.clone()));
    }
    let rows = i64::try_from(search.limit).unwrap_or(100) + 1;
    let mut entries: Vec<Account> = query.order(accounts::folded).limit(rows).select(account_columns!()).load(connection)?;
    let has_more = entries.len() > search.limit;
    entries.truncate(search.limit);
    let next = entries.last().filter(|_| has_more).map(|last| URL_SAFE_NO_PAD.encode(&last.folded));
    Ok(Listed { entries, next })
}

/// A pattern for LIKE. Its own wildcards are taken as one letter of any kind, which finds at least what was meant.
fn containing(word: &str) -> String {
    format!("%{}%", word.replace(['%', '_', '\\'], "_"))
}

/// The accounts of the members in whose name a word stands; of so many that nobody reads on.
fn theirs(colleagues: &[Colleague], word: &str) -> Vec<String> {
    let named = colleagues.iter().filter(|colleague| colleague.account_id.is_some() && fold(&colleague.name).contains(word));
    named.filter_map(|colleague| colleague.account_id.clone()).take(500).collect()
}

/// One account that has been seen in the viewer's workspace.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn find(connection: &mut AnyConnection, viewer: &Viewer, account_id: &str) -> Result<Account> {
    viewer.must_own()?;
    // Nobody's id has one, and PostgreSQL does not even look for a text with a NUL.
    if account_id.contains('\0') {
        return Err(Error::not_found("account"));
    }
    let row = of_workspace!(viewer).filter(accounts::account_id.eq(account_id)).select(account_columns!());
    row.first(connection).optional()?.ok_or_else(|| Error::not_found("account"))
}

/// How many accounts an owner has to decide about.
///
/// # Errors
/// `owner_needed` (403).
pub fn count_needing_attention(connection: &mut AnyConnection, viewer: &Viewer) -> Result<i64> {
    viewer.must_own()?;
    Ok(of_workspace!(viewer).filter(needs_attention!()).count().get_result(connection)?)
}

/// In how many linked pull requests an account has a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Those it opened.
    pub authored: i64,
    /// Those it reviews.
    pub reviewed: i64,
}

/// In how many linked pull requests of the viewer's workspace these accounts have a part, in one query.
///
/// # Errors
/// `owner_needed` (403).
pub fn parts(connection: &mut AnyConnection, viewer: &Viewer, account_ids: &[String]) -> Result<HashMap<String, Parts>> {
    viewer.must_own()?;
    let rows: Vec<(String, Part, i64)> = pull_request_people::table
        .inner_join(pull_requests::table)
        .filter(pull_requests::workspace_id.eq(&viewer.workspace_id))
        .filter(pull_request_people::account_id.eq_any(account_ids))
        .group_by((pull_request_people::account_id, pull_request_people::part))
        .select((pull_request_people::account_id, pull_request_people::part, diesel::dsl::count_star()))
        .load(connection)?;
    let mut parts: HashMap<String, Parts> = HashMap::new();
    for (account_id, part, count) in rows {
        let of_account = parts.entry(account_id).or_default();
        match part {
            Part::Author => of_account.authored = count,
            Part::Reviewer => of_account.reviewed = count,
        }
    }
    Ok(parts)
}
