//! The zone of whoever looks, which their browser's script says in a cookie, so that what is counted in days is counted in theirs.
//! Page handlers find it in [`super::session::SignedIn`].

use actix_web::HttpRequest;
use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};

use crate::config::Now;

/// The cookie, which `static/page.js` writes: minutes east of UTC at present, such as `780` or `-480`. It is no secret and proves nothing.
const COOKIE: &str = "clarityloop-zone";
/// No place is further from UTC (<https://www.iana.org/time-zones>: Kiribati's +14:00, local mean times aside).
const MINUTES_AT_MOST: i32 = 14 * 60;

/// How far the viewer's clock is from UTC now; not known before a script has run in their browser, and then it is UTC that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone(Option<FixedOffset>);

impl Zone {
    /// The zone of a request. What is no number of minutes, or one of nowhere on earth, counts as not said.
    pub fn of(request: &HttpRequest) -> Self {
        request.cookie(COOKIE).map_or_else(Self::default, |cookie| Self::parse(cookie.value()))
    }

    fn parse(text: &str) -> Self {
        let minutes = text.parse().ok().filter(|minutes| (-MINUTES_AT_MOST..=MINUTES_AT_MOST).contains(minutes));
        Self(minutes.and_then(|minutes| FixedOffset::east_opt(minutes * 60)))
    }

    /// Whether the browser has said it.
    pub fn is_known(self) -> bool {
        self.0.is_some()
    }

    /// The day it is there.
    pub fn today(self, now: &Now) -> NaiveDate {
        (now.at + self.ahead_of_utc()).date()
    }

    /// The moment, in UTC, at which a day begins there; to the hour where clocks are changed in between.
    pub fn begin_of(self, day: NaiveDate) -> NaiveDateTime {
        let midnight = day.and_time(NaiveTime::MIN);
        midnight.checked_sub_signed(self.ahead_of_utc()).unwrap_or(midnight)
    }

    fn ahead_of_utc(self) -> chrono::TimeDelta {
        chrono::TimeDelta::seconds(self.0.map_or(0, |offset| i64::from(offset.local_minus_utc())))
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::config::Random;
    use crate::web::one_on_ones::when;

    fn day(zone: &str, at: &str) -> NaiveDate {
        let at: DateTime<chrono::Utc> = at.parse().unwrap();
        Zone::parse(zone).today(&Now::new(at, Random::system()))
    }

    fn today(zone: &str, at: &str) -> String {
        day(zone, at).to_string()
    }

    #[test]
    fn a_meeting_is_as_many_days_away_as_there_are_nights_before_it_there() {
        let held_on = NaiveDate::from_ymd_opt(2026, 11, 28).unwrap();
        for (zone, at, expected) in [
            ("780", "2026-11-27T10:30:00Z", "Tomorrow"),
            ("780", "2026-11-27T11:30:00Z", "Today"),
            ("", "2026-11-27T11:30:00Z", "Tomorrow"),
            ("-480", "2026-11-28T07:30:00Z", "Tomorrow"),
            ("", "2026-11-28T07:30:00Z", "Today"),
            ("-480", "2026-11-28T08:30:00Z", "Today"),
            ("780", "2026-11-28T11:00:00Z", "Yesterday"),
        ] {
            assert_eq!(when(held_on, day(zone, at)), expected, "{zone} at {at}");
        }
    }

    #[test]
    fn it_is_another_day_elsewhere() {
        let (auckland, los_angeles) = ("780", "-480");
        assert_eq!(today(auckland, "2026-11-27T10:30:00Z"), "2026-11-27", "half past eleven at night");
        assert_eq!(today(auckland, "2026-11-27T11:00:00Z"), "2026-11-28");
        assert_eq!(today(los_angeles, "2026-11-28T07:59:59Z"), "2026-11-27");
        assert_eq!(today(los_angeles, "2026-11-28T08:00:00Z"), "2026-11-28");
    }

    #[test]
    fn what_is_no_zone_counts_as_utc() {
        for text in ["", "abc", "841", "-841", "99999999999", "7.5", "1e2", "Pacific/Auckland", "\u{0661}", "-2147483648"] {
            assert_eq!(Zone::parse(text), Zone::default(), "{text}");
            assert_eq!(today(text, "2026-11-27T23:59:59Z"), "2026-11-27", "{text}");
        }
        assert!(["0", "840", "-720", "345"].iter().all(|text| Zone::parse(text).is_known()));
    }

    #[test]
    fn a_day_begins_when_it_does_there() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 28).unwrap();
        assert_eq!(Zone::parse("780").begin_of(day).to_string(), "2026-11-27 11:00:00");
        assert_eq!(Zone::parse("-480").begin_of(day).to_string(), "2026-11-28 08:00:00");
        assert_eq!(Zone::default().begin_of(day).to_string(), "2026-11-28 00:00:00");
    }
}
