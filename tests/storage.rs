//! The storage doors on both databases: the same tables, transactions that hold, secrets that need their key, TLS.

use std::collections::BTreeMap;

use clarityloop_bitbucket::config::DatabaseUrl;
use clarityloop_bitbucket::config::Secret;
use clarityloop_bitbucket::error::Error;
use clarityloop_bitbucket::people::text::Name;
use clarityloop_bitbucket::people::workspaces;
use clarityloop_bitbucket::storage::{AnyConnection, Manager, migrate, pending, revert_and_migrate};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use crate::both;
use crate::harness::{Backend, Test, postgres};

both!(
    a_write_that_fails_or_panics_leaves_nothing,
    writes_at_once_do_not_lose_one_another,
    migrations_can_be_taken_back_and_applied_again,
    two_servers_may_start_at_once,
);

#[derive(QueryableByName, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    data_type: String,
    #[diesel(sql_type = Bool)]
    is_nullable: bool,
}

const SQLITE_COLUMNS: &str = "SELECT m.name AS table_name, c.name AS column_name, lower(c.type) AS data_type, c.\"notnull\" = 0 AS is_nullable \
     FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'";
const POSTGRES_COLUMNS: &str = "SELECT table_name::text, column_name::text, CASE data_type WHEN 'timestamp without time zone' THEN 'timestamp' \
     ELSE data_type::text END AS data_type, is_nullable = 'YES' AS is_nullable FROM information_schema.columns \
     WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'";

#[test]
fn both_databases_have_the_same_tables_columns_and_nullability_and_the_schema_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut sqlite = open(&DatabaseUrl::Sqlite(folder.path().join("parity.db")));
    let on_sqlite = columns(&mut sqlite);
    assert_eq!(on_sqlite, of_schema_file());
    if let Some(server) = postgres::server() {
        let mut postgres = open(&DatabaseUrl::Postgres(Secret::new(server.fresh_database())));
        assert_eq!(on_sqlite, columns(&mut postgres));
    }
}

fn open(url: &DatabaseUrl) -> AnyConnection {
    let mut connection = Manager::new(url).connect_writer().unwrap();
    migrate(&mut connection).unwrap();
    connection
}

fn columns(connection: &mut AnyConnection) -> BTreeMap<(String, String), (String, bool)> {
    let rows: Vec<Column> = match connection {
        AnyConnection::Sqlite(inner) => diesel::sql_query(SQLITE_COLUMNS).load(inner).unwrap(),
        AnyConnection::Postgres(inner) => diesel::sql_query(POSTGRES_COLUMNS).load(inner).unwrap(),
    };
    rows.into_iter().map(|row| ((row.table_name, row.column_name), (row.data_type, row.is_nullable))).collect()
}

/// What `src/storage/schema.rs` says, in the words of the databases.
fn of_schema_file() -> BTreeMap<(String, String), (String, bool)> {
    let files = ["schema.rs", "schema/grants.rs", "schema/installed.rs", "schema/listed.rs"]
        .map(|file| format!("{}/src/storage/{file}", env!("CARGO_MANIFEST_DIR")));
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let mut table = String::new();
    let mut columns = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if let Some((name, _)) = line.strip_suffix(") {").and_then(|head| head.split_once(" (")) {
            table = name.to_owned();
        } else if let Some((name, kind)) = line.strip_suffix(',').and_then(|column| column.split_once(" -> ")) {
            let bare = kind.trim_start_matches("Nullable<").trim_end_matches('>');
            let word = match bare {
                "Bool" => "boolean".to_owned(),
                "BigInt" => "bigint".to_owned(),
                other => other.to_lowercase(),
            };
            columns.insert((table.clone(), name.to_owned()), (word, kind.starts_with("Nullable")));
        }
    }
    columns
}

#[tokio::test]
async fn a_sqlite_file_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let test = Test::start(Backend::Sqlite, &[]).await.unwrap();
    let DatabaseUrl::Sqlite(path) = &test.config.database_url else { panic!("not SQLite") };
    for file in [path.clone(), path.with_extension("db-wal")] {
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    test.finish().await;
}

async fn a_write_that_fails_or_panics_leaves_nothing(test: &Test) {
    let count = async || test.server.app.read(workspaces::count).await.unwrap();
    let before = count().await;
    let now = test.server.app.now();
    let failed = test.server.app.write(move |connection| {
        workspaces::create(connection, &Name::parse("name", "gone")?, &now)?;
        Err::<(), _>(Error::conflict("no", "No."))
    });
    assert_eq!(failed.await.unwrap_err().code, "no");
    let now = test.server.app.now();
    let panicked = test.server.app.write(move |connection| {
        workspaces::create(connection, &Name::parse("name", "gone")?, &now)?;
        if before >= 0 {
            panic!("on purpose");
        }
        Ok(())
    });
    assert_eq!(panicked.await.unwrap_err().code, "internal");
    assert_eq!(count().await, before);
}

async fn writes_at_once_do_not_lose_one_another(test: &Test) {
    let tries = (0..40).map(|_| {
        let now = test.server.app.now();
        test.server.app.write(move |connection| clarityloop_bitbucket::people::attempts::count(connection, "one", 1_000, &now))
    });
    for counted in futures_util::future::join_all(tries).await {
        assert!(counted.unwrap().is_ok());
    }
    let now = test.server.app.now();
    let over =
        test.server.app.write(move |connection| clarityloop_bitbucket::people::attempts::count(connection, "one", 40, &now));
    assert_eq!(over.await.unwrap().unwrap_err().code, "too_many_tries", "41 tries were counted");
}

async fn migrations_can_be_taken_back_and_applied_again(test: &Test) {
    let mut connection = test.server.app.database.manager().connect_writer().unwrap();
    revert_and_migrate(&mut connection).unwrap();
    assert_eq!(pending(&mut connection).unwrap(), 0);
}

async fn two_servers_may_start_at_once(test: &Test) {
    let url = match &test.config.database_url {
        DatabaseUrl::Sqlite(path) => DatabaseUrl::Sqlite(path.with_extension("second")),
        DatabaseUrl::Postgres(_) => DatabaseUrl::Postgres(Secret::new(postgres::server().unwrap().fresh_database())),
    };
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            std::thread::spawn(move || pending(&mut open(&url)).unwrap())
        })
        .collect();
    for start in starts {
        assert_eq!(start.join().unwrap(), 0);
    }
}

#[test]
fn a_connection_to_postgresql_is_encrypted_and_its_server_checked() {
    #[derive(QueryableByName)]
    struct Ssl {
        #[diesel(sql_type = Bool)]
        ssl: bool,
    }
    let Some(server) = postgres::Server::with_tls() else { return };
    let url = server.fresh_database();
    let mut connection = open(&DatabaseUrl::Postgres(Secret::new(url.as_str())));
    let AnyConnection::Postgres(inner) = &mut connection else { panic!("not PostgreSQL") };
    let row: Ssl = diesel::sql_query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").get_result(inner).unwrap();
    assert!(row.ssl);
    let plain = url.replace("sslmode=verify-full", "sslmode=disable");
    assert!(Manager::new(&DatabaseUrl::Postgres(Secret::new(plain))).connect_writer().is_err());
}
