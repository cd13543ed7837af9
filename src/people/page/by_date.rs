//! A page of a list that is ordered by a date and, within it, by id.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{Listed, cursor_invalid, parse_limit};
use crate::error::Result;

/// Which part of the list is asked for. The cursor is date and id of the last entry of the page before: `2026-11-27.{id}`.
#[derive(Clone, Debug)]
pub struct PageByDate {
    /// Entries beyond this one, in the direction of the list.
    pub beyond: Option<(NaiveDate, String)>,
    /// How many, 1 to 100.
    pub limit: usize,
}

impl PageByDate {
    /// Reads what a caller asked for; 50 entries when nothing is said.
    ///
    /// # Errors
    /// `limit_invalid` or `cursor_invalid` (400).
    pub fn parse(cursor: Option<&str>, limit: Option<&str>) -> Result<Self> {
        let beyond = cursor.map(|cursor| read(cursor).ok_or_else(cursor_invalid)).transpose()?;
        Ok(Self { beyond, limit: parse_limit(limit)? })
    }

    /// How many rows to ask for: one more than the page, which tells whether there is a next one.
    pub fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(100) + 1
    }

    /// Cuts the extra row off and turns the last that is left into the cursor.
    pub fn finish<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> (NaiveDate, String)) -> Listed<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| more).map(key).map(|(date, id)| format!("{date}.{id}"));
        Listed { entries: rows, next }
    }
}

fn read(cursor: &str) -> Option<(NaiveDate, String)> {
    let (date, id) = cursor.split_once('.')?;
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    Some((date, Uuid::try_parse(id).ok()?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let page = PageByDate::parse(None, Some("1")).unwrap();
        let date = NaiveDate::from_ymd_opt(2026, 11, 27).unwrap();
        let id = "01900000-0000-7000-8000-000000000000".to_owned();
        let next = page.finish(vec![(date, id.clone()), (date, id.clone())], Clone::clone).next.unwrap();
        assert_eq!(PageByDate::parse(Some(&next), None).unwrap().beyond, Some((date, id)));
        for bad in ["", ".", "2026-11-27", "2026-11-27.x", "x.01900000-0000-7000-8000-000000000000"] {
            assert_eq!(PageByDate::parse(Some(bad), None).unwrap_err().code, "cursor_invalid", "{bad}");
        }
    }
}
