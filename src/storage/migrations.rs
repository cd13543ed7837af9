//! The migrations of both databases, embedded and run at start. Used by `storage` and the `migrate` command.

use diesel::connection::SimpleConnection as _;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::AnyConnection;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

// Any number of ours: it only has to be the same in every server.
const ADVISORY_LOCK: i64 = 7_272_741;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Applies what has not been applied yet and returns the names. Servers that start at once wait for one another.
///
/// # Errors
/// When a migration fails; it is rolled back.
pub fn migrate(connection: &mut AnyConnection) -> Result<Vec<String>, Failure> {
    match connection {
        AnyConnection::Sqlite(inner) => {
            // An outer BEGIN IMMEDIATE makes a second starter wait for the busy timeout; the harness's own become savepoints.
            let applied =
                inner.immediate_transaction(|inner| inner.run_pending_migrations(SQLITE).map(names).map_err(Wrapped::Migration));
            applied.map_err(|wrapped| match wrapped {
                Wrapped::Migration(error) => error,
                Wrapped::Transaction(error) => error.into(),
            })
        }
        AnyConnection::Postgres(inner) => {
            let lock = format!("SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock({ADVISORY_LOCK})");
            inner.batch_execute(&lock)?;
            let applied = inner.run_pending_migrations(POSTGRES).map(names);
            inner.batch_execute(&format!("SELECT pg_advisory_unlock({ADVISORY_LOCK})"))?;
            applied
        }
    }
}

/// How many migrations have not been applied.
///
/// # Errors
/// When the database cannot be read.
pub fn pending(connection: &mut AnyConnection) -> Result<usize, Failure> {
    match connection {
        AnyConnection::Sqlite(inner) => inner.pending_migrations(SQLITE).map(|pending| pending.len()),
        AnyConnection::Postgres(inner) => inner.pending_migrations(POSTGRES).map(|pending| pending.len()),
    }
}

/// Takes every migration back and applies it again, for the test that they can be.
///
/// # Errors
/// When a migration fails in either direction.
pub fn revert_and_migrate(connection: &mut AnyConnection) -> Result<(), Failure> {
    match connection {
        AnyConnection::Sqlite(inner) => inner.revert_all_migrations(SQLITE).map(|_| ())?,
        AnyConnection::Postgres(inner) => inner.revert_all_migrations(POSTGRES).map(|_| ())?,
    }
    migrate(connection).map(|_| ())
}

fn names(versions: Vec<diesel::migration::MigrationVersion<'_>>) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}

enum Wrapped {
    Migration(Failure),
    Transaction(diesel::result::Error),
}

impl From<diesel::result::Error> for Wrapped {
    fn from(error: diesel::result::Error) -> Self {
        Self::Transaction(error)
    }
}
