//! Work that two people share: pull requests that somebody linked, which involve them both. Pages of conversations show it.
//!
//! For now it holds linked pull requests alone. Activity beyond them becomes another list of [`SharedWork`].

use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::links::Target;
use super::page::{Listed, Page};
use super::reference::{Reference, parse_uuid};
use super::{Viewer, identities, visibility};
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{MemberId, PullRequestId};
use crate::storage::schema::{links, members, pull_request_people as people, pull_requests};

/// How many pull requests a page shows at once.
pub const SHOWN_AT_MOST: usize = 10;

/// `viewer` is the name that the predicates of `visibility` speak of.
mod rows {
    use crate::storage::schema::members;
    diesel::alias!(members as viewer: Viewer);
}

/// What the viewer and another member work on together.
#[derive(Clone, Debug)]
pub struct SharedWork {
    /// Whether the viewer's Bitbucket account is known.
    pub knows_own_account: bool,
    /// Whether the other's is.
    pub knows_their_account: bool,
    /// The linked pull requests that involve both, the newest first.
    pub pull_requests: Listed<SharedPullRequest>,
}

/// A linked pull request that involves both as author or reviewer.
#[derive(Clone, Debug)]
pub struct SharedPullRequest {
    /// Its id.
    pub id: PullRequestId,
    /// Where it is in Bitbucket.
    pub url: String,
    /// `workspace/repository`.
    pub repository_name: Option<String>,
    /// Its number.
    pub number: Option<i64>,
    /// Its title.
    pub title: Option<String>,
    /// `OPEN`, `MERGED`, `DECLINED` or `SUPERSEDED`.
    pub state: Option<String>,
    /// Who opened it.
    pub opened_by: Opener,
    /// Whether it is attached to the conversation that is looked at.
    pub is_attached: bool,
}

/// Who opened a pull request that involves two people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// The viewer; the other reviews it.
    Viewer,
    /// The other; the viewer reviews it.
    Other,
    /// Neither; both review it.
    SomebodyElse,
}

/// What the viewer and `other` work on together, beside the conversation `target`.
///
/// # Errors
/// When the database refuses.
pub fn between(
    connection: &mut AnyConnection,
    who: &Viewer,
    other: &MemberId,
    target: &Target,
    page: &Page,
) -> Result<SharedWork> {
    let known = identities::of_all(connection, who, &[who.member_id.clone(), other.clone()])?;
    let account = |member: &MemberId| known.iter().find(|it| it.member_id == *member).map(|it| it.account_id.as_str());
    let (own, theirs) = (account(&who.member_id), account(other));
    let pull_requests = match own.zip(theirs) {
        Some(both) => involving_both(connection, who, both, target, page)?,
        None => Listed { entries: Vec::new(), next: None },
    };
    Ok(SharedWork { knows_own_account: own.is_some(), knows_their_account: theirs.is_some(), pull_requests })
}

fn involving_both(
    connection: &mut AnyConnection,
    who: &Viewer,
    (own, theirs): (&str, &str),
    target: &Target,
    page: &Page,
) -> Result<Listed<SharedPullRequest>> {
    let attached = links::table
        .filter(links::pull_request_id.eq(pull_requests::id))
        .filter(links::target_kind.eq(target.kind))
        .filter(links::target_id.eq(&target.id));
    let rows = pull_requests::table
        .inner_join(rows::viewer.on(rows::viewer.field(members::workspace_id).eq(pull_requests::workspace_id)))
        .filter(rows::viewer.field(members::id).eq(&who.member_id))
        .filter(pull_requests::id.eq_any(people::table.filter(people::account_id.eq(own)).select(people::pull_request_id)))
        .filter(pull_requests::id.eq_any(people::table.filter(people::account_id.eq(theirs)).select(people::pull_request_id)))
        .filter(sql::<Bool>(visibility::PULL_REQUEST_SHOWS_DETAILS))
        .filter(pull_requests::id.lt(page.bound()))
        .order(pull_requests::id.desc())
        .limit(page.rows())
        .select((
            pull_requests::id,
            pull_requests::url,
            pull_requests::repository_name,
            pull_requests::number,
            pull_requests::title,
            pull_requests::state,
            pull_requests::author_account_id,
            exists(attached),
        ))
        .load::<Row>(connection)?;
    let shown = rows.into_iter().map(|(id, url, repository_name, number, title, state, author, is_attached)| {
        let opened_by = match author.as_deref() {
            Some(author) if author == own => Opener::Viewer,
            Some(author) if author == theirs => Opener::Other,
            _ => Opener::SomebodyElse,
        };
        SharedPullRequest { id, url, repository_name, number, title, state, opened_by, is_attached }
    });
    Ok(page.finish(shown.collect(), |pull_request: &SharedPullRequest| pull_request.id.to_string()))
}

/// A pull request that the viewer is shown beside a conversation, as something to attach. Its address would not do: the repository may
/// have lost its name to another, or be known by its UUID alone.
///
/// # Errors
/// `not_found` (404) when the viewer may see no more of it than an address.
pub fn to_attach(connection: &mut AnyConnection, who: &Viewer, id: &PullRequestId) -> Result<Reference> {
    let row: Option<Stored> = pull_requests::table
        .inner_join(rows::viewer.on(rows::viewer.field(members::workspace_id).eq(pull_requests::workspace_id)))
        .filter(rows::viewer.field(members::id).eq(&who.member_id))
        .filter(pull_requests::id.eq(id))
        .filter(sql::<Bool>(visibility::PULL_REQUEST_SHOWS_DETAILS))
        .select((
            pull_requests::url,
            pull_requests::number,
            pull_requests::bitbucket_workspace_uuid,
            pull_requests::repository_uuid,
            pull_requests::repository_name,
        ))
        .first(connection)
        .optional()?;
    let gone = || Error::not_found("pull request");
    let stored = row.ok_or_else(gone)?;
    Ok(Reference {
        url: stored.url,
        number: stored.number.ok_or_else(gone)?,
        bitbucket_workspace: stored.bitbucket_workspace_uuid.as_deref().and_then(parse_uuid),
        repository: stored.repository_uuid.as_deref().and_then(parse_uuid),
        repository_name: stored.repository_name,
        title: None,
        author_account_id: None,
    })
}

#[derive(Queryable)]
struct Stored {
    url: String,
    number: Option<i64>,
    bitbucket_workspace_uuid: Option<String>,
    repository_uuid: Option<String>,
    repository_name: Option<String>,
}

type Row = (PullRequestId, String, Option<String>, Option<i64>, Option<String>, Option<String>, Option<String>, bool);
