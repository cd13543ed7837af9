//! Jobs as rows: enqueued in the transaction of what they follow from, claimed by one server at a time.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Integer, Text, Timestamp};
use serde::Serialize;

use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::ids::JobId;
use crate::storage::schema::jobs;
use crate::storage::statement::{OnConflict as _, for_update_skip_locked};
use crate::storage::{AnyConnection, MultiBackend};

/// How long a server may work at a job before another takes it up.
pub(super) const LOCK_SECONDS: i64 = 120;

/// A job that was claimed.
#[derive(Clone, Debug, Queryable)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Which handler it is for.
    pub kind: String,
    /// What the handler needs, as JSON.
    pub payload: String,
    /// How often it has been tried, this time included.
    pub attempts: i32,
}

/// Enqueues a job to run at once. A job with the same `deduplication_key` that still waits makes this one superfluous.
///
/// # Errors
/// When the database refuses.
pub fn enqueue(
    connection: &mut AnyConnection,
    kind: &str,
    deduplication_key: Option<&str>,
    payload: &impl Serialize,
    now: &Now,
) -> Result<()> {
    diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(JobId::new(now)),
            jobs::kind.eq(kind),
            jobs::payload.eq(serde_json::to_string(payload).map_err(Error::internal)?),
            jobs::deduplication_key.eq(deduplication_key),
            jobs::run_at.eq(now.at),
            jobs::attempts.eq(0),
            jobs::created_at.eq(now.at),
        ))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    Ok(())
}

/// Enqueues a job for the one row that `found`, a query of a column `id`, finds: its payload is `{"<field>": "<id>"}`, its
/// deduplication key `<kind>:<id>`. Where the query is needed anyway, this saves asking it first. `false`: nothing was found, or a
/// job with that key still waits.
///
/// # Errors
/// When the database refuses.
pub fn enqueue_found<Q>(connection: &mut AnyConnection, kind: &str, field: &str, found: Q, now: &Now) -> Result<bool>
where
    Q: Query<SqlType = Text> + QueryFragment<MultiBackend>,
{
    let id = JobId::new(now);
    let payload = format!(r#"{{"{field}":""#);
    let insert = InsertFound { id, kind, payload, deduplication_key: format!("{kind}:"), at: now.at, found };
    Ok(insert.execute(connection)? > 0)
}

/// The statement of [`enqueue_found`]; `payload` and `deduplication_key` are what precedes the id in either.
struct InsertFound<'a, Q> {
    id: JobId,
    kind: &'a str,
    payload: String,
    deduplication_key: String,
    at: NaiveDateTime,
    found: Q,
}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for InsertFound<'_, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("INSERT INTO jobs (id, kind, payload, deduplication_key, run_at, attempts, created_at) SELECT ");
        out.push_bind_param::<Text, _>(&self.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.kind)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.payload)?;
        out.push_sql(" || found.id || '\"}', ");
        out.push_bind_param::<Text, _>(&self.deduplication_key)?;
        out.push_sql(" || found.id, ");
        out.push_bind_param::<Timestamp, _>(&self.at)?;
        out.push_sql(", ");
        out.push_bind_param::<Integer, _>(&0)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamp, _>(&self.at)?;
        out.push_sql(" FROM (");
        self.found.walk_ast(out.reborrow())?;
        // Without WHERE SQLite would take ON CONFLICT for the condition of a join.
        out.push_sql(") AS found WHERE true ON CONFLICT DO NOTHING");
        Ok(())
    }
}

impl<Q> QueryId for InsertFound<'_, Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> RunQueryDsl<AnyConnection> for InsertFound<'_, Q> {}

/// Takes up the job that has waited longest. Its deduplication key is freed: what happens from now on needs a job of its own.
pub(super) fn claim(connection: &mut AnyConnection, now: &Now) -> Result<Option<Job>> {
    let due = jobs::table
        .filter(jobs::failed_at.is_null())
        .filter(jobs::run_at.le(now.at))
        .filter(jobs::locked_until.is_null().or(jobs::locked_until.le(now.at)))
        .order(jobs::run_at)
        .limit(1)
        .select(jobs::id);
    let Some(id) = for_update_skip_locked(due).get_result::<JobId>(connection).optional()? else { return Ok(None) };
    let claimed = diesel::update(jobs::table.find(id))
        .set((
            jobs::attempts.eq(jobs::attempts + 1),
            jobs::locked_until.eq(Some(now.plus_seconds(LOCK_SECONDS))),
            jobs::deduplication_key.eq(None::<String>),
        ))
        .returning((jobs::id, jobs::kind, jobs::payload, jobs::attempts))
        .get_result(connection)?;
    Ok(Some(claimed))
}

/// A finished job leaves the queue.
pub(super) fn finish(connection: &mut AnyConnection, id: &JobId) -> Result<()> {
    diesel::delete(jobs::table.find(id)).execute(connection)?;
    Ok(())
}

/// Puts a job back to be tried again at `run_at`.
pub(super) fn postpone(connection: &mut AnyConnection, id: &JobId, run_at: NaiveDateTime, error: &str) -> Result<()> {
    diesel::update(jobs::table.find(id))
        .set((jobs::run_at.eq(run_at), jobs::locked_until.eq(None::<NaiveDateTime>), jobs::last_error.eq(Some(error))))
        .execute(connection)?;
    Ok(())
}

/// Gives a job up; it stays for the operator to see.
pub(super) fn fail(connection: &mut AnyConnection, id: &JobId, error: &str, now: &Now) -> Result<()> {
    diesel::update(jobs::table.find(id))
        .set((jobs::failed_at.eq(Some(now.at)), jobs::last_error.eq(Some(error))))
        .execute(connection)?;
    Ok(())
}

/// The kinds of jobs that have not been worked off, failed ones included.
///
/// # Errors
/// When the database refuses.
pub fn waiting(connection: &mut AnyConnection) -> Result<Vec<String>> {
    Ok(jobs::table.order(jobs::run_at).select(jobs::kind).load(connection)?)
}

/// A job that was given up.
#[derive(Clone, Debug, Queryable)]
pub struct Failed {
    /// Which handler it was for.
    pub kind: String,
    /// What the handler was given.
    pub payload: String,
}

/// The jobs of these kinds with one of these payloads that were given up, at most a hundred.
///
/// # Errors
/// When the database refuses.
pub fn failed(connection: &mut AnyConnection, kinds: &[&str], payloads: &[String]) -> Result<Vec<Failed>> {
    let given_up = jobs::table.filter(jobs::failed_at.is_not_null()).filter(jobs::kind.eq_any(kinds));
    let of_payloads = given_up.filter(jobs::payload.eq_any(payloads));
    Ok(of_payloads.order(jobs::failed_at.desc()).limit(100).select((jobs::kind, jobs::payload)).load(connection)?)
}

/// Takes jobs away that were given up and are tried anew from the beginning.
///
/// # Errors
/// When the database refuses.
pub fn forget_failed(connection: &mut AnyConnection, kind: &str, payload: &impl Serialize) -> Result<()> {
    let payload = serde_json::to_string(payload).map_err(Error::internal)?;
    let given_up =
        jobs::table.filter(jobs::failed_at.is_not_null()).filter(jobs::kind.eq(kind)).filter(jobs::payload.eq(payload));
    diesel::delete(given_up).execute(connection)?;
    Ok(())
}
