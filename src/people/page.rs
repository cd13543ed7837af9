//! One page of a list: a cursor and a limit, the same for every list. Doors parse it, nouns query with it.

mod by_date;

pub use by_date::PageByDate;

use crate::error::{Error, Result};

/// Which part of a list is asked for. Lists are ordered by id, newest first; the cursor is the last id of the page before.
#[derive(Clone, Debug)]
pub struct Page {
    /// Ids below this one.
    pub before: Option<String>,
    /// How many, 1 to 100.
    pub limit: usize,
}

/// What a list answers: the entries, and the cursor of the next page when there is one.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The entries of this page.
    pub entries: Vec<T>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Page {
    /// Reads what a caller asked for; 50 entries when nothing is said.
    ///
    /// # Errors
    /// `limit_invalid` or `cursor_invalid` (400).
    pub fn parse(cursor: Option<&str>, limit: Option<&str>) -> Result<Self> {
        let before = cursor.map(|cursor| match uuid::Uuid::try_parse(cursor) {
            Ok(uuid) => Ok(uuid.to_string()),
            Err(error) => Err(cursor_invalid().because(error)),
        });
        Ok(Self { before: before.transpose()?, limit: parse_limit(limit)? })
    }

    /// How many rows to ask for: one more than the page, which tells whether there is a next one.
    pub fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(100) + 1
    }

    /// The cursor as a bound: above every id when there is none, since an id is hexadecimal.
    pub fn bound(&self) -> &str {
        self.before.as_deref().unwrap_or("g")
    }

    /// Cuts the extra row off and turns it into the cursor.
    pub fn finish<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> String) -> Listed<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| more).map(id);
        Listed { entries: rows, next }
    }
}

fn parse_limit(limit: Option<&str>) -> Result<usize> {
    let Some(text) = limit else { return Ok(50) };
    let limit = text.parse().ok().filter(|limit| (1..=100).contains(limit));
    limit.ok_or_else(|| Error::invalid("limit_invalid", "limit", "A limit is a number from 1 to 100."))
}

fn cursor_invalid() -> Error {
    Error::invalid("cursor_invalid", "cursor", "Use the cursor that the page before answered with.")
}
