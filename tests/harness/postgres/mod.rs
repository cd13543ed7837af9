//! PostgreSQL for tests: a server to make databases on, one for each test process; any test that runs on PostgreSQL may use it.
//!
//! The server is the one at `TEST_DATABASE_URL` (a user who may create databases), else a throw-away [`Cluster`] from installed
//! server binaries. When neither can be had, the tests that ask go without and say so on standard error, unless
//! `CLARITYLOOP_TEST_REQUIRE` (names separated by commas) holds `postgres`: then they fail.

#![expect(clippy::panic, reason = "a harness that cannot do its work fails the test that asked")]

mod cluster;

use std::env;
use std::io::Write as _;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use uuid::Uuid;

use cluster::{Cluster, Purpose};

/// What the names of all databases begin with that are made here. A UUID v7 follows, so they sort by age.
const NAME_PREFIX: &str = "clarityloop_test_";

/// Longer than any run of the tests takes: older databases belong to a run that is over.
const ABANDONED_AFTER: Duration = Duration::from_secs(6 * 60 * 60);

/// A PostgreSQL server on which tests make databases.
pub struct Server {
    maintenance_url: String,
    /// The cluster that answers there, kept because it is stopped and deleted with this value; none for `TEST_DATABASE_URL`.
    cluster: Option<Cluster>,
}

/// The server that all tests of this process share, started at the first call; `None` when there is none to be had.
///
/// # Panics
/// When a server is required and cannot be had, and when the one at `TEST_DATABASE_URL` does not answer.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let start = || match env::var("TEST_DATABASE_URL") {
        Ok(url) => Some(Server::existing(url)),
        Err(_) => Server::start(Purpose::Speed),
    };
    SERVER.get_or_init(start).as_ref()
}

impl Server {
    /// A cluster of its own with `fsync` on, for tests that kill it; stopped and deleted on drop. `None` as for [`server`].
    pub fn crash_safe() -> Option<Self> {
        Self::start(Purpose::Crash)
    }

    /// A cluster of its own that takes TLS connections only, with the `openssl` command's certificate under an authority of its
    /// own; its URLs say `sslmode=verify-full` and name the authority in `sslrootcert`. `None` as for [`server`].
    pub fn with_tls() -> Option<Self> {
        Self::start(Purpose::Tls)
    }

    /// Makes an empty database that nobody else uses and answers its URL. It goes with its cluster; at `TEST_DATABASE_URL` a later
    /// run drops it, when it is hours old.
    ///
    /// # Panics
    /// When the server does not answer or its user may not create databases.
    pub fn fresh_database(&self) -> String {
        let name = format!("{NAME_PREFIX}{}", Uuid::now_v7().simple());
        if let Err(error) = self.connect().batch_execute(&format!("CREATE DATABASE {name}")) {
            panic!("no database could be made on the PostgreSQL server: {error}");
        }
        with_database(&self.maintenance_url, &name)
    }

    /// Kills every process of the server with SIGKILL, as a crash would, and answers when it has recovered, at the same address.
    ///
    /// # Panics
    /// When the server is not one that was started here, or does not come back.
    pub fn kill_nine_and_restart(&self) {
        let Some(cluster) = &self.cluster else { panic!("only a cluster that was started here may be killed") };
        if let Err(reason) = cluster.kill_nine_and_restart() {
            panic!("PostgreSQL did not survive being killed: {reason}");
        }
    }

    fn start(purpose: Purpose) -> Option<Self> {
        match Cluster::start(purpose) {
            Ok(cluster) => Some(Self { maintenance_url: cluster.maintenance_url(), cluster: Some(cluster) }),
            Err(reason) => skip(&reason),
        }
    }

    fn existing(url: String) -> Self {
        let server = Self { maintenance_url: url, cluster: None };
        server.drop_abandoned_databases();
        server
    }

    fn drop_abandoned_databases(&self) {
        let mut connection = self.connect();
        let names = format!(
            "SELECT datname::text FROM pg_database
             WHERE starts_with(datname::text, '{NAME_PREFIX}') AND datname::text < '{}' COLLATE \"C\"",
            oldest_name_in_use()
        );
        let abandoned = diesel::dsl::sql::<diesel::sql_types::Text>(&names).load::<String>(&mut connection).unwrap_or_default();
        for name in abandoned {
            // Another test process may be dropping it too; what is left over now goes next time.
            connection.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).ok();
        }
    }

    fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.maintenance_url).unwrap_or_else(|error| panic!("PostgreSQL does not answer: {error}"))
    }
}

/// Says that tests go without PostgreSQL, past the test runner, which would keep what a passing test prints to itself.
fn skip(reason: &str) -> Option<Server> {
    let required = env::var("CLARITYLOOP_TEST_REQUIRE").unwrap_or_default();
    if required.split(',').any(|name| name.trim() == "postgres") {
        panic!("PostgreSQL is required (CLARITYLOOP_TEST_REQUIRE) and cannot be had: {reason}");
    }
    writeln!(std::io::stderr(), "PostgreSQL skipped: {reason}").ok();
    None
}

fn oldest_name_in_use() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let milliseconds = now.saturating_sub(ABANDONED_AFTER).as_millis();
    format!("{NAME_PREFIX}{milliseconds:012x}")
}

/// The URL with another database in its path; a query stays as it is.
fn with_database(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, String::new()), |(address, query)| (address, format!("?{query}")));
    let authority_at = address.find("://").map_or(0, |at| at + "://".len());
    let path_at = address[authority_at..].find('/').map_or(address.len(), |at| authority_at + at);
    format!("{}/{name}{query}", &address[..path_at])
}
