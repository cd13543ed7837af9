//! How often something that can be guessed was tried, counted in the database so that every server counts together.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Timestamp};

use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::schema::attempts;
use crate::storage::statement::OnConflict as _;

const WINDOW_SECONDS: i64 = 600;

/// Counts one try of `subject` and refuses more than `at_most` in ten minutes. The count must outlive the refusal, so the caller
/// commits it in a transaction of its own before it looks at what was tried.
///
/// # Errors
/// When the database refuses.
pub fn count(connection: &mut AnyConnection, subject: &str, at_most: i32, now: &Now) -> Result<std::result::Result<(), Error>> {
    diesel::delete(attempts::table.filter(attempts::window_ends_at.le(now.at))).execute(connection)?;
    let (tries, window_ends_at): (i32, chrono::NaiveDateTime) = diesel::insert_into(attempts::table)
        .values((
            attempts::subject.eq(subject),
            attempts::tries.eq(1),
            attempts::window_ends_at.eq(now.plus_seconds(WINDOW_SECONDS)),
        ))
        .on_conflict_returning::<(Integer, Timestamp)>(
            "ON CONFLICT (subject) DO UPDATE SET tries = attempts.tries + 1 RETURNING tries, window_ends_at",
        )
        .get_result(connection)?;
    if tries <= at_most {
        return Ok(Ok(()));
    }
    let wait = u32::try_from((window_ends_at - now.at).num_seconds().max(1)).unwrap_or(1);
    Ok(Err(Error::too_many("too_many_tries", "Too many tries. Wait ten minutes and try again.", wait)))
}
