//! Days as the panel shows them, which have no cookie to say the viewer's zone: a moment's day is written in UTC, and rewritten by
//! `static/panel.js` in the zone of whoever looks; for the panel's page.

use std::fmt::{self, Display, Formatter};

use chrono::{Datelike as _, NaiveDate, NaiveDateTime};

/// The day of a moment, which depends on the zone: "18 Nov", with the year when that is another than now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// The moment, UTC.
    pub at: NaiveDateTime,
    /// The moment it is, UTC.
    pub now: NaiveDateTime,
}

impl Display for Day {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let words = date(self.at.date(), self.now.date());
        write!(formatter, r#"<time data-shows="day" datetime="{}Z">{words}</time>"#, self.at.format("%Y-%m-%dT%H:%M:%S"))
    }
}

/// When a link was made: "just now" for the last minutes, else the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made(pub Day);

impl Display for Made {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let is_new = (self.0.now - self.0.at).num_minutes() < 5;
        if is_new { formatter.write_str("just now") } else { self.0.fmt(formatter) }
    }
}

/// What is said of a target's day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// It is begun by saving.
    StartsToday,
    /// It was begun on that day.
    From(Day),
    /// It is held on that date, the same in every zone: "28 Nov".
    On(String),
}

impl Display for When {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartsToday => formatter.write_str("starts today"),
            Self::From(day) => write!(formatter, "from {day}"),
            Self::On(date) => write!(formatter, "on {date}"),
        }
    }
}

/// A date in words: "18 Nov", with the year when that is another than today's.
pub fn date(date: NaiveDate, today: NaiveDate) -> String {
    let format = if date.year() == today.year() { "%-d %b" } else { "%-d %b %Y" };
    date.format(format).to_string()
}

// Digits, names of months and the element around them: nothing of it comes from a person.
impl askama::filters::HtmlSafe for Day {}
impl askama::filters::HtmlSafe for Made {}
impl askama::filters::HtmlSafe for When {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    #[test]
    fn a_day_names_its_year_only_when_it_is_another() {
        let day = |of: &str| Day { at: at(of), now: at("2026-11-20 10:00") }.to_string();
        assert_eq!(day("2026-11-08 10:00"), r#"<time data-shows="day" datetime="2026-11-08T10:00:00Z">8 Nov</time>"#);
        assert_eq!(day("2025-11-08 10:00"), r#"<time data-shows="day" datetime="2025-11-08T10:00:00Z">8 Nov 2025</time>"#);
    }

    #[test]
    fn what_was_made_in_the_last_minutes_was_made_just_now() {
        let made = |of: &str| Made(Day { at: at(of), now: at("2026-11-20 00:02") }).to_string();
        assert_eq!(made("2026-11-19 23:58"), "just now");
        assert!(made("2026-11-19 23:57").contains("19 Nov"));
    }
}
