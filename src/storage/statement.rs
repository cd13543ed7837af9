//! What diesel cannot say through one connection type for both databases: ON CONFLICT, FOR UPDATE. Used by whoever writes queries.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, InsertStatement, Query, QueryFragment, QueryId};

use super::{AnyConnection, MultiBackend};

/// An insert followed by a text that both databases understand.
#[derive(Clone, Copy, Debug)]
pub struct Suffixed<S, R = ()> {
    statement: S,
    suffix: &'static str,
    returns: PhantomData<R>,
}

/// Adds an ON CONFLICT clause to any insert.
pub trait OnConflict: Sized {
    /// `suffix` is the whole clause, beginning with ON CONFLICT.
    fn on_conflict_sql(self, suffix: &'static str) -> Suffixed<Self> {
        Suffixed { statement: self, suffix, returns: PhantomData }
    }

    /// The same, where `suffix` ends in a RETURNING whose columns are of the SQL types `R`.
    fn on_conflict_returning<R>(self, suffix: &'static str) -> Suffixed<Self, R> {
        Suffixed { statement: self, suffix, returns: PhantomData }
    }
}

impl<T: QuerySource, U, O> OnConflict for InsertStatement<T, U, O> {}

impl<S: QueryFragment<MultiBackend>, R> QueryFragment<MultiBackend> for Suffixed<S, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.statement.walk_ast(out.reborrow())?;
        out.push_sql(" ");
        out.push_sql(self.suffix);
        Ok(())
    }
}

// The text differs by its suffix, so that the type alone does not name the statement.
impl<S, R> QueryId for Suffixed<S, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S, R> Query for Suffixed<S, R> {
    type SqlType = R;
}

impl<S, R> RunQueryDsl<AnyConnection> for Suffixed<S, R> {}

/// A select that locks its rows on PostgreSQL; on SQLite a write transaction has the database to itself already.
#[derive(Clone, Copy, Debug)]
pub struct Locked<Q> {
    query: Q,
    clause: &'static str,
}

/// Locks the selected rows until the transaction ends. Rows that refer to them can still be written meanwhile, for which PostgreSQL
/// asks a lock of its own (<https://www.postgresql.org/docs/15/explicit-locking.html#LOCKING-ROWS>); nobody changes an id.
pub fn for_update<Q>(query: Q) -> Locked<Q> {
    Locked { query, clause: " FOR NO KEY UPDATE" }
}

/// Locks the selected rows until the transaction ends, and passes over those that are locked already.
pub fn for_update_skip_locked<Q>(query: Q) -> Locked<Q> {
    Locked { query, clause: " FOR UPDATE SKIP LOCKED" }
}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Locked<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        if let MultiBackend::Postgres(_) = out.backend() {
            out.push_sql(self.clause);
        }
        Ok(())
    }
}

impl<Q> QueryId for Locked<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Locked<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<AnyConnection> for Locked<Q> {}
