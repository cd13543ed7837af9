//! The database: one door to read and one to write, on SQLite or PostgreSQL. Knows no people; `people`, `connections`, `jobs` and `activity` use it.

pub mod aggregate;
mod connection;
pub mod ids;
mod migrations;
pub mod schema;
pub mod seal;
pub mod statement;
mod threads;

use std::sync::Arc;
use std::time::Duration;

pub use connection::{AnyConnection, Manager, MultiBackend};
pub use migrations::{migrate, pending, revert_and_migrate};

use crate::config::{Config, DatabaseUrl};
use crate::error::{Error, Result};
use crate::telemetry::Metrics;
use threads::Threads;

/// How much work may wait at a door before callers are answered 503.
const WAITING_AT_MOST: usize = 1024;

/// The database. Cloning it is cheap and shares its threads and connections.
#[derive(Clone)]
pub struct Database {
    readers: Arc<Threads>,
    /// SQLite takes one writer at a time, so it has one thread; PostgreSQL writes on the readers' threads.
    writer: Arc<Threads>,
    manager: Manager,
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

impl Database {
    /// Migrates the database and opens its connections and threads.
    ///
    /// # Errors
    /// When the database cannot be reached or migrated.
    pub fn open(config: &Config, metrics: &Metrics) -> std::result::Result<Self, OpenError> {
        let manager = Manager::new(&config.database_url);
        manager.prepare_file().map_err(|error| OpenError(format!("database_url: {error}")))?;
        let mut connection = manager.connect_writer().map_err(|error| OpenError(format!("database_url: {error}")))?;
        let applied = migrate(&mut connection).map_err(|error| OpenError(format!("migrations: {error}")))?;
        if !applied.is_empty() {
            tracing::info!(applied = applied.len(), "migrated the database");
        }
        if !connection::planner_is_stable(&mut connection) {
            tracing::warn!("SQLite was built without SQLITE_ENABLE_QPSG: reads take twice as long; see .cargo/config.toml");
        }
        drop(connection);
        Self::start(config, manager, metrics).map_err(|error| OpenError(format!("database_url: {error}")))
    }

    fn start(config: &Config, manager: Manager, metrics: &Metrics) -> std::result::Result<Self, r2d2::Error> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let (default_readers, has_own_writer) = match config.database_url {
            DatabaseUrl::Sqlite(_) => (cores, true),
            DatabaseUrl::Postgres(_) => (8, false),
        };
        let readers = if config.database_readers == 0 { default_readers } else { config.database_readers };
        let readers = Arc::new(Threads::start("read", readers, manager.for_reading(), metrics)?);
        let writer =
            if has_own_writer { Arc::new(Threads::start("write", 1, manager.clone(), metrics)?) } else { Arc::clone(&readers) };
        Ok(Self { readers, writer, manager })
    }

    /// Runs `work` on a connection that reads. It must not write and must not wait for anything but the database.
    ///
    /// # Errors
    /// What `work` returns; `busy` (503) when too much work waits or no connection can be had.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.run("read", work).await
    }

    /// Runs `work` in a transaction and answers after the commit. `work` touches only its connection: other effects follow the
    /// answer. An error or a panic rolls back.
    ///
    /// # Errors
    /// What `work` returns; `busy` (503) when too much work waits or no connection can be had.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.run("write", |connection| connection::in_transaction(connection, work)).await
    }

    /// As [`Database::write`], beginning with `statement`: a single statement on its own, which either database makes a transaction
    /// by itself. Where that is all there is to write it saves PostgreSQL two of three round trips. `None`: it has written nothing,
    /// and `otherwise` runs in a transaction.
    ///
    /// # Errors
    /// What either returns; `busy` (503) when too much work waits or no connection can be had.
    pub async fn write_at_once<T: Send + 'static>(
        &self,
        statement: impl FnOnce(&mut AnyConnection) -> Result<Option<T>> + Send + 'static,
        otherwise: impl FnOnce(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let work = |connection: &mut AnyConnection| match statement(connection)? {
            Some(done) => Ok(done),
            None => connection::in_transaction(connection, otherwise),
        };
        self.writer.run("write", work).await
    }

    /// Makes what was deleted unreadable in the database's own files: SQLite's write-ahead log is emptied into the file (whose
    /// freed pages `secure_delete` has overwritten), PostgreSQL's dead rows are vacuumed away. `false`: a reader is in the
    /// way, try again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn scrub(&self, tables: &'static [&'static str]) -> Result<bool> {
        self.writer.run("write", move |connection| connection::scrub(connection, tables)).await
    }

    /// Whether the database answers and every migration has been applied.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn is_current(&self) -> Result<bool> {
        let check =
            self.readers.run("read", |connection| pending(connection).map(|pending| pending == 0).map_err(Error::internal));
        tokio::time::timeout(Duration::from_secs(2), check).await.map_err(|elapsed| Error::busy().because(elapsed))?
    }

    /// Writes a consistent copy of a SQLite database to `file` while others read and write.
    ///
    /// # Errors
    /// On PostgreSQL (use `pg_dump`), when the file exists, or when it cannot be written.
    pub fn backup(config: &Config, file: &std::path::Path) -> std::result::Result<(), OpenError> {
        connection::backup(&config.database_url, file).map_err(OpenError)
    }

    /// How connections are made, for what needs one of its own.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Database").field("manager", &self.manager).finish()
    }
}
