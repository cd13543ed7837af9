//! Who has which part in a linked pull request, as rows that can be looked up by person. `people::pull_requests` keeps them in step
//! with its own columns.

use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::pull_requests::Details;
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::{PullRequestId, WorkspaceId};
use crate::storage::schema::{pull_request_people as people, pull_requests};
use crate::storage::statement::OnConflict as _;
use crate::word_column;

word_column! {
    /// The part somebody has in a pull request.
    Part {
        /// Opened it.
        Author => "author",
        /// Was asked to review it, or did.
        Reviewer => "reviewer",
    }
}

/// Whoever opened the pull request is its author, and nobody else.
pub(super) fn set_author(connection: &mut AnyConnection, id: &PullRequestId, author: Option<&str>) -> Result<()> {
    let authors = people::table.filter(people::pull_request_id.eq(id)).filter(people::part.eq(Part::Author));
    diesel::delete(authors).execute(connection)?;
    author.map_or(Ok(()), |author| insert(connection, id, author, Part::Author))
}

/// Everybody that Bitbucket names now, and nobody else.
pub(super) fn replace(connection: &mut AnyConnection, id: &PullRequestId, details: &Details) -> Result<()> {
    set_author(connection, id, details.author_account_id.as_deref())?;
    let reviewers = people::table.filter(people::pull_request_id.eq(id)).filter(people::part.eq(Part::Reviewer));
    diesel::delete(reviewers).execute(connection)?;
    details.reviewers.iter().try_for_each(|reviewer| insert(connection, id, &reviewer.account_id, Part::Reviewer))
}

fn insert(connection: &mut AnyConnection, id: &PullRequestId, account_id: &str, part: Part) -> Result<()> {
    diesel::insert_into(people::table)
        .values((people::pull_request_id.eq(id), people::account_id.eq(account_id), people::part.eq(part)))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    Ok(())
}

/// Forgets who took part in these pull requests.
pub(super) fn purge(connection: &mut AnyConnection, ids: &[PullRequestId]) -> Result<usize> {
    Ok(diesel::delete(people::table.filter(people::pull_request_id.eq_any(ids))).execute(connection)?)
}

/// How many rows are left of pull requests of which nothing should be.
pub(super) fn count_unpurged(connection: &mut AnyConnection, workspace_id: &WorkspaceId) -> Result<i64> {
    let purged = pull_requests::workspace_id.eq(workspace_id).and(pull_requests::number.is_null());
    Ok(people::table.inner_join(pull_requests::table).filter(purged).count().get_result(connection)?)
}

/// What an account of a pull request's workspace is called: by the name of the member it is bound to, else as Bitbucket names it.
const NAME: &str = "COALESCE((SELECT members.name FROM identities INNER JOIN members ON members.id = identities.member_id \
     WHERE identities.workspace_id = pull_requests.workspace_id AND identities.account_id = pull_request_people.account_id), \
     (SELECT bitbucket_accounts.display_name FROM bitbucket_accounts \
     WHERE bitbucket_accounts.workspace_id = pull_requests.workspace_id AND bitbucket_accounts.account_id = pull_request_people.account_id))";

/// The names of whoever takes part in these pull requests, by account id, in one query.
///
/// # Errors
/// When the database refuses.
pub fn names(connection: &mut AnyConnection, ids: &[PullRequestId]) -> Result<HashMap<String, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = people::table
        .inner_join(pull_requests::table)
        .filter(people::pull_request_id.eq_any(ids))
        .select((people::account_id, sql::<Nullable<Text>>(NAME)))
        .distinct()
        .load::<(String, Option<String>)>(connection)?;
    Ok(rows.into_iter().filter_map(|(account_id, name)| name.map(|name| (account_id, name))).collect())
}
