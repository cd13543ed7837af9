//! A moment as pages show it: written in UTC, rewritten by `static/page.js` in the zone of whoever looks.

use std::fmt::{self, Display, Formatter};

use chrono::{Datelike as _, NaiveDate, NaiveDateTime};

/// A moment, a day of one, or a date of the calendar. In a template it is a `<time>` element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Day and time of day: "18 Nov, 13:05 UTC".
    Moment(NaiveDateTime),
    /// The day of a moment, which depends on the zone: "18 Nov 2026".
    Day(NaiveDateTime),
    /// A date that somebody chose, the same in every zone: "Mon 23 Nov 2026".
    Date(NaiveDate),
}

impl Time {
    /// The words, as they stand before the page's script has run.
    fn words(self) -> String {
        match self {
            Self::Moment(at) => at.format("%-d %b %Y, %H:%M UTC").to_string(),
            Self::Day(at) => at.format("%-d %b %Y").to_string(),
            Self::Date(date) => format!("{} {}", date.weekday(), date.format("%-d %b %Y")),
        }
    }
}

impl Display for Time {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let words = self.words();
        match self {
            Self::Moment(at) => write!(formatter, r#"<time data-shows="moment" datetime="{}Z">{words}</time>"#, at.format(ISO)),
            Self::Day(at) => write!(formatter, r#"<time data-shows="day" datetime="{}Z">{words}</time>"#, at.format(ISO)),
            Self::Date(date) => write!(formatter, r#"<time datetime="{date}">{words}</time>"#),
        }
    }
}

const ISO: &str = "%Y-%m-%dT%H:%M:%S";

// Digits, names of months and the element around them: nothing of it comes from a person.
impl askama::filters::HtmlSafe for Time {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_carries_its_zone_and_a_date_has_none() {
        let at = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap().and_hms_opt(9, 5, 0).unwrap();
        assert_eq!(
            Time::Moment(at).to_string(),
            r#"<time data-shows="moment" datetime="2026-11-23T09:05:00Z">23 Nov 2026, 09:05 UTC</time>"#
        );
        assert_eq!(Time::Date(at.date()).to_string(), r#"<time datetime="2026-11-23">Mon 23 Nov 2026</time>"#);
    }
}
