//! Lists that a statement brings as one text: a row for each entry would cost more than all the rest. For the panel's statements.
//!
//! Entries are parted by the record separator, their fields by the unit separator, neither of which any stored text may hold
//! (`people::text` refuses control characters).

use chrono::{NaiveDate, NaiveDateTime};
use diesel::query_builder::AstPass;

use super::MultiBackend;

/// Writes a subquery whose one value is the list of what `from` (from FROM to LIMIT) finds, each entry holding `fields`.
pub fn push_list(out: &mut AstPass<'_, '_, MultiBackend>, fields: &[&str], from: &[&str]) {
    out.push_sql("(SELECT string_agg(line, '\u{1e}') FROM (SELECT concat(");
    for (number, field) in fields.iter().enumerate() {
        if number > 0 {
            out.push_sql(", '\u{1f}', ");
        }
        out.push_sql(field);
    }
    out.push_sql(") AS line ");
    from.iter().for_each(|part| out.push_sql(part));
    out.push_sql(") AS entries)");
}

/// The fields of one entry, in the order in which the statement writes them.
#[derive(Debug)]
pub struct Fields<'a>(std::str::Split<'a, char>);

/// The entries of a list; none when the list is absent.
pub fn entries(list: Option<&str>) -> impl Iterator<Item = Fields<'_>> {
    list.into_iter().flat_map(|list| list.split('\u{1e}')).map(|entry| Fields(entry.split('\u{1f}')))
}

impl<'a> Fields<'a> {
    /// The next field; `None` when there are no more.
    pub fn text(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    /// The next field as a moment, as both databases write it.
    pub fn moment(&mut self) -> Option<NaiveDateTime> {
        let (date, time) = self.text()?.split_once(' ')?;
        Some(NaiveDateTime::new(date.parse().ok()?, time.parse().ok()?))
    }

    /// The next field as a date; the inner option is empty where the statement had none.
    pub fn date(&mut self) -> Option<Option<NaiveDate>> {
        let text = self.text()?;
        if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_and_fields_come_apart_as_they_were_put_together() {
        let list = "a\u{1f}2026-11-20 09:05:00.25\u{1f}\u{1e}b\u{1f}2026-11-20 09:05:00\u{1f}2026-11-23";
        let mut entries = entries(Some(list));
        let mut first = entries.next().unwrap();
        assert_eq!(first.text(), Some("a"));
        assert!(first.moment().is_some());
        assert_eq!(first.date(), Some(None));
        let mut second = entries.next().unwrap();
        assert_eq!((second.text(), second.moment().is_some()), (Some("b"), true));
        assert_eq!(second.date(), Some(NaiveDate::from_ymd_opt(2026, 11, 23)));
        assert!(entries.next().is_none());
        assert!(super::entries(None).next().is_none());
    }
}
