//! A connection to either database, how it is opened, and the transaction every write runs in. Used by `storage` alone.

#![expect(missing_docs, reason = "the MultiConnection derive makes public items that cannot carry a docstring")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{ManageConnection, R2D2Connection};

use crate::config::{DatabaseUrl, Secret};
use crate::error::Result;

/// A connection to either database; every query is written once, for both.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// The embedded database.
    Sqlite(SqliteConnection),
    /// PostgreSQL 15 or newer.
    Postgres(PgConnection),
}

// busy_timeout first: everything after it may have to wait for a lock. FULL makes an acknowledged write survive a power loss;
// secure_delete overwrites what a purge frees.
const SQLITE_WRITER: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;
    PRAGMA journal_size_limit = 67108864;";
const SQLITE_READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -8192; PRAGMA mmap_size = 268435456;";
// Statements are prepared once and run often; planning the panel's anew for its first calls would take longer than running it.
const POSTGRES: &str = "SET TIME ZONE 'UTC'; SET plan_cache_mode = 'force_generic_plan'; SET statement_timeout = '10s'; SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '30s'; SET client_min_messages = 'warning'; SET application_name = 'clarityloop-bitbucket'";

#[derive(Clone)]
enum Target {
    Sqlite { path: PathBuf, writes: bool },
    Postgres(Secret),
}

/// Opens connections to the database that the settings name.
#[derive(Clone)]
pub struct Manager {
    target: Target,
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.target {
            Target::Sqlite { path, .. } => write!(formatter, "sqlite://{}", path.display()),
            Target::Postgres(_) => formatter.write_str("postgres://…"),
        }
    }
}

impl Manager {
    /// For the database at `url`.
    pub fn new(url: &DatabaseUrl) -> Self {
        let target = match url {
            DatabaseUrl::Sqlite(path) => Target::Sqlite { path: path.clone(), writes: true },
            DatabaseUrl::Postgres(url) => Target::Postgres(url.clone()),
        };
        Self { target }
    }

    /// The same database, with connections that cannot write where the database can tell the difference.
    pub(super) fn for_reading(&self) -> Self {
        let target = match &self.target {
            Target::Sqlite { path, .. } => Target::Sqlite { path: path.clone(), writes: false },
            postgres @ Target::Postgres(_) => postgres.clone(),
        };
        Self { target }
    }

    /// Makes a SQLite file and its folder, readable by their owner only; SQLite gives its log the same mode.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn prepare_file(&self) -> std::io::Result<()> {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        let Target::Sqlite { path, .. } = &self.target else { return Ok(()) };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(|_file| ())
    }

    /// Runs `work` in one transaction on a connection of one's own, as a command does that runs beside the server.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn write<T>(connection: &mut AnyConnection, work: impl FnOnce(&mut AnyConnection) -> Result<T>) -> Result<T> {
        in_transaction(connection, work)
    }

    /// A connection of its own that may write.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn connect_writer(&self) -> std::result::Result<AnyConnection, diesel::r2d2::Error> {
        self.connect()
    }
}

impl ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> std::result::Result<AnyConnection, Self::Error> {
        use diesel::r2d2::Error::{ConnectionError, QueryError};
        match &self.target {
            Target::Sqlite { path, writes } => {
                let path = path.to_str().ok_or_else(|| {
                    ConnectionError(diesel::ConnectionError::InvalidConnectionUrl("the path is not UTF-8".to_owned()))
                })?;
                let mut connection = SqliteConnection::establish(path).map_err(ConnectionError)?;
                set_up_patiently(&mut connection, if *writes { SQLITE_WRITER } else { SQLITE_READER }).map_err(QueryError)?;
                Ok(AnyConnection::Sqlite(connection))
            }
            Target::Postgres(url) => {
                let mut connection = PgConnection::establish(url.expose()).map_err(ConnectionError)?;
                connection.batch_execute(POSTGRES).map_err(QueryError)?;
                Ok(AnyConnection::Postgres(connection))
            }
        }
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> std::result::Result<(), Self::Error> {
        connection.ping().map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        std::thread::panicking() || connection.is_broken()
    }
}

/// Turning a new file to WAL asks for all of it, for which SQLite does not wait: two that open it at once may find it locked
/// (<https://www.sqlite.org/wal.html#sometimes_queries_return_sqlite_busy_in_wal_mode>). The settings can be said again.
fn set_up_patiently(connection: &mut SqliteConnection, settings: &str) -> QueryResult<()> {
    use diesel::result::Error::DatabaseError;
    for _ in 0..100 {
        match connection.batch_execute(settings) {
            Err(DatabaseError(_, told)) if told.message() == "database is locked" => {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            done => return done,
        }
    }
    connection.batch_execute(settings)
}

/// `BEGIN IMMEDIATE` on SQLite, because a transaction that begins to read and then writes is refused at once when another
/// writes; `BEGIN` on PostgreSQL. Rolled back on an error and on a panic, which goes on.
pub(super) fn in_transaction<T>(connection: &mut AnyConnection, work: impl FnOnce(&mut AnyConnection) -> Result<T>) -> Result<T> {
    type Manager = <AnyConnection as Connection>::TransactionManager;
    match connection {
        AnyConnection::Sqlite(inner) => AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN IMMEDIATE")?,
        AnyConnection::Postgres(inner) => AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN")?,
    }
    match catch_unwind(AssertUnwindSafe(|| work(connection))) {
        Ok(Ok(value)) => {
            <Manager as TransactionManager<AnyConnection>>::commit_transaction(connection)?;
            Ok(value)
        }
        Ok(Err(error)) => {
            match <Manager as TransactionManager<AnyConnection>>::rollback_transaction(connection) {
                Ok(()) | Err(diesel::result::Error::BrokenTransactionManager) => {}
                Err(rollback) => tracing::error!(%rollback, "a transaction could not be rolled back"),
            }
            Err(error)
        }
        Err(panic) => {
            // The panic is what counts; a connection whose rollback failed is broken and will be replaced.
            let _ = <Manager as TransactionManager<AnyConnection>>::rollback_transaction(connection);
            resume_unwind(panic)
        }
    }
}

#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}

#[derive(QueryableByName)]
struct CompileOption {
    #[diesel(sql_type = diesel::sql_types::Text)]
    compile_options: String,
}

/// Whether SQLite keeps prepared statements when their LIMIT is bound anew; true on PostgreSQL.
pub(super) fn planner_is_stable(connection: &mut AnyConnection) -> bool {
    let AnyConnection::Sqlite(inner) = connection else { return true };
    let options: QueryResult<Vec<CompileOption>> = diesel::sql_query("PRAGMA compile_options").load(inner);
    options.is_ok_and(|options| options.iter().any(|option| option.compile_options == "ENABLE_QPSG"))
}

pub(super) fn scrub(connection: &mut AnyConnection, tables: &[&str]) -> Result<bool> {
    match connection {
        AnyConnection::Sqlite(inner) => {
            let done: Checkpoint = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(inner)?;
            Ok(done.busy == 0)
        }
        AnyConnection::Postgres(inner) => {
            inner.batch_execute("SET statement_timeout = 0")?;
            let vacuumed = tables.iter().try_for_each(|table| inner.batch_execute(&format!("VACUUM {table}")));
            inner.batch_execute("SET statement_timeout = '10s'")?;
            vacuumed?;
            Ok(true)
        }
    }
}

pub(super) fn backup(url: &DatabaseUrl, file: &Path) -> std::result::Result<(), String> {
    let DatabaseUrl::Sqlite(path) = url else {
        return Err("backup copies a SQLite database; use pg_dump for PostgreSQL".to_owned());
    };
    if !path.exists() {
        return Err(format!("there is no database at {}", path.display()));
    }
    if file.exists() {
        return Err(format!("{} exists already; choose another name", file.display()));
    }
    let target = file.to_str().ok_or("the path of the backup is not UTF-8")?;
    let manager = Manager::new(url).for_reading();
    let mut connection = manager.connect().map_err(|error| error.to_string())?;
    let AnyConnection::Sqlite(inner) = &mut connection else { return Err("not a SQLite database".to_owned()) };
    // query_only would refuse to write the copy as well.
    inner.batch_execute("PRAGMA query_only = OFF").map_err(|error| error.to_string())?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<diesel::sql_types::Text, _>(target)
        .execute(inner)
        .map_err(|error| error.to_string())?;
    restrict(file).map_err(|error| error.to_string())
}

fn restrict(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
}
