//! Whether anything that must stay secret lies open once a test is over: in the database, in what was logged and counted, and in what
//! refusals said. `Test::finish` looks after every test.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use clarityloop_bitbucket::config::DatabaseUrl;
use clarityloop_bitbucket::storage::AnyConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use tracing_subscriber::EnvFilter;

use super::{Page, Test};

/// Shorter texts are no secrets: they would be found anywhere.
const SHORTEST: usize = 8;
/// Of a longer one its end is looked for: signed tokens begin alike, and a database may cut a long text in two.
const LONGEST: usize = 48;
/// More than a server logs by itself, so that nothing depends on how loud it is.
const LOGGED: &str = "warn,clarityloop_bitbucket=debug";

thread_local! {
    /// What one test has come to know, with the servers that it has started; each runs in a thread of its own.
    static SEEN: RefCell<Seen> = RefCell::default();
}

#[derive(Default)]
struct Seen {
    watching: usize,
    secrets: Vec<String>,
    refusals: Vec<u8>,
}

/// Keeps in mind that this is secret.
pub fn keep(secret: &str) {
    SEEN.with_borrow_mut(|seen| seen.secrets.push(secret.to_owned()));
}

/// Keeps what an answer said when it was a refusal: nothing secret may stand in it.
pub fn note_answer(status: u16, body: &str) {
    if status >= 400 {
        SEEN.with_borrow_mut(|seen| {
            seen.refusals.extend_from_slice(body.as_bytes());
            seen.refusals.push(b'\n');
        });
    }
}

/// Keeps the session in mind that an answer begins, and what it said when it was a refusal.
pub fn note_page(page: &Page) {
    note_answer(page.status, &page.body);
    for set in page.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()) {
        if let Some(value) = set.strip_prefix("clarityloop=").and_then(|rest| rest.split(';').next()) {
            keep(value);
        }
    }
}

/// What every server of this process has logged, as far as a test that runs may still ask.
#[derive(Default)]
struct Log {
    bytes: Vec<u8>,
    /// How many bytes were there before these.
    dropped: usize,
    /// Where the tests that run began.
    begun: Vec<usize>,
}

static LOG: Mutex<Log> = Mutex::new(Log { bytes: Vec::new(), dropped: 0, begun: Vec::new() });

fn log() -> MutexGuard<'static, Log> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        log().bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The part of the log that is written while one test runs; those of others that run meanwhile stand between its lines.
pub struct Watched {
    begun: usize,
}

impl Watched {
    /// Begins to watch; what this thread has seen before belongs to another test, unless that one still watches.
    pub fn begin() -> Self {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let filter = EnvFilter::new(LOGGED);
            let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Lines).json().flatten_event(true);
            lines.with_current_span(true).with_span_list(false).try_init().expect("nobody else logs in this process");
        });
        SEEN.with_borrow_mut(|seen| {
            if seen.watching == 0 {
                *seen = Seen::default();
            }
            seen.watching += 1;
        });
        let mut log = log();
        let begun = log.dropped + log.bytes.len();
        log.begun.push(begun);
        Self { begun }
    }

    fn lines(&self) -> Vec<u8> {
        let log = log();
        log.bytes[self.begun - log.dropped..].to_vec()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        SEEN.with_borrow_mut(|seen| seen.watching = seen.watching.saturating_sub(1));
        let mut log = log();
        if let Some(place) = log.begun.iter().position(|begun| *begun == self.begun) {
            log.begun.swap_remove(place);
        }
        let needed = log.begun.iter().min().copied().unwrap_or(log.dropped + log.bytes.len());
        let spare = needed - log.dropped;
        log.bytes.drain(..spare);
        log.dropped = needed;
    }
}

/// Finds any of many secrets. It looks at four bytes at a time, because debug builds are slow: whatever is seven bytes long or longer
/// holds four that begin at a multiple of four, wherever it stands.
pub struct Finder {
    secrets: Vec<Vec<u8>>,
    words: HashMap<[u8; 4], Vec<(usize, usize)>>,
    /// By two of the four bytes: whether it is worth asking `words`.
    may_begin: Vec<bool>,
}

impl Finder {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut finder = Self { secrets: Vec::new(), words: HashMap::new(), may_begin: vec![false; 1 << 16] };
        for secret in secrets.into_iter().map(str::as_bytes).filter(|secret| secret.len() >= SHORTEST) {
            let end = &secret[secret.len().saturating_sub(LONGEST)..];
            for shift in 0..4 {
                let word = [end[shift], end[shift + 1], end[shift + 2], end[shift + 3]];
                finder.words.entry(word).or_default().push((finder.secrets.len(), shift));
                finder.may_begin[usize::from(u16::from_le_bytes([word[0], word[3]]))] = true;
            }
            finder.secrets.push(end.to_vec());
        }
        finder
    }

    /// The first that stands in these bytes.
    pub fn find(&self, bytes: &[u8]) -> Option<String> {
        let (words, _) = bytes.as_chunks::<4>();
        for (place, word) in words.iter().enumerate() {
            if self.may_begin[usize::from(word[0]) | usize::from(word[3]) << 8]
                && let Some(found) = self.found_at(bytes, place * 4, word)
            {
                return Some(found);
            }
        }
        None
    }

    fn found_at(&self, bytes: &[u8], at: usize, word: &[u8; 4]) -> Option<String> {
        self.words.get(word)?.iter().find_map(|(secret, shift)| {
            let (secret, begin) = (&self.secrets[*secret], at.checked_sub(*shift)?);
            (bytes.get(begin..begin + secret.len())? == secret).then(|| String::from_utf8_lossy(secret).into_owned())
        })
    }
}

impl Test {
    /// Where something secret lies open, and its end; nothing when all is well.
    pub async fn lying_open(&self) -> Vec<String> {
        let (mut secrets, refusals) = SEEN.with_borrow(|seen| (seen.secrets.clone(), seen.refusals.clone()));
        secrets.extend(self.sandbox.secrets());
        let finder = Finder::new(secrets.iter().map(String::as_str));
        let mut found = Vec::new();
        let mut look = |place: &str, bytes: &[u8]| found.extend(finder.find(bytes).map(|secret| format!("{place}: …{secret}")));
        look("the log", &self.watched.lines());
        look("the metrics", &self.server.app.metrics.render());
        look("a refusal", &refusals);
        match &self.config.database_url {
            DatabaseUrl::Sqlite(path) => {
                for file in [path.clone(), path.with_extension("db-wal")] {
                    look(&file.display().to_string(), &std::fs::read(&file).unwrap_or_default());
                }
            }
            _ => {
                for (table, rows) in self.rows().await {
                    look(&table, rows.as_bytes());
                }
            }
        }
        found
    }

    /// Every table of PostgreSQL with all its rows as one text.
    async fn rows(&self) -> Vec<(String, String)> {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let read = |connection: &mut AnyConnection| {
            let mut texts = |sql: String| diesel::sql_query(sql).load::<Line>(connection);
            let tables = "SELECT table_name::text AS text FROM information_schema.tables WHERE table_schema = 'public'";
            let mut all = Vec::new();
            for table in texts(tables.to_owned())? {
                let rows = texts(format!("SELECT CAST(of_table AS text) AS text FROM \"{}\" AS of_table", table.text))?;
                all.push((table.text, rows.into_iter().map(|row| row.text).collect::<Vec<_>>().join("\n")));
            }
            Ok(all)
        };
        self.server.app.read(read).await.expect("every row")
    }
}
