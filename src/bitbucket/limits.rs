//! The headers that tell how far a credential is from its limit, read as they really come. For the budget.
//!
//! `X-RateLimit-NearLimit`, `-Limit` and `-Resource` come with some credentials only, `-Remaining` and `-Reset` with others; `Reset` is
//! seconds from now, a limit may carry its window (`60, 60;w=3600`), and `Retry-After` is missing, seconds or a date.

use chrono::{DateTime, Utc};

/// What the headers say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// Calls an hour.
    pub(super) per_hour: Option<u32>,
    /// Calls left.
    pub(super) remaining: Option<u32>,
    /// Seconds until more are left.
    pub(super) reset_seconds: Option<u32>,
    /// Whether hardly any are left.
    pub(super) is_near: Option<bool>,
    /// How long Bitbucket asks to stay away.
    pub(super) retry_after_seconds: Option<u32>,
}

const HOUR_SECONDS: u32 = 3600;
/// A number of seconds as large as this is a moment since 1970.
const SURELY_A_MOMENT: i64 = 1_000_000_000;

impl Limits {
    /// Reads the headers by name; `now` is Unix seconds, for those that name a moment when the answer does not say its own.
    pub(super) fn read<'a>(header: impl Fn(&str) -> Option<&'a str>, now: i64) -> Self {
        let now = header("date").and_then(moment).unwrap_or(now);
        Self {
            per_hour: header("x-ratelimit-limit").and_then(per_hour),
            remaining: header("x-ratelimit-remaining").and_then(first_number),
            reset_seconds: header("x-ratelimit-reset").and_then(|text| seconds(text, now)),
            is_near: header("x-ratelimit-nearlimit").and_then(truth),
            retry_after_seconds: header("retry-after").and_then(|text| retry_after(text, now)),
        }
    }
}

fn first_number(text: &str) -> Option<u32> {
    let text = text.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.get(..digits)?.parse().ok()
}

/// A limit that is not of an hour says nothing about ours.
fn per_hour(text: &str) -> Option<u32> {
    let window = text.split_once("w=").map(|(_, window)| first_number(window));
    if window.is_some_and(|window| window != Some(HOUR_SECONDS)) { None } else { first_number(text).filter(|limit| *limit > 0) }
}

fn seconds(text: &str, now: i64) -> Option<u32> {
    let number: i64 = text.trim().parse().ok()?;
    let seconds = if number >= SURELY_A_MOMENT { number.saturating_sub(now) } else { number };
    u32::try_from(seconds.clamp(0, i64::from(HOUR_SECONDS))).ok()
}

fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Seconds or an HTTP date (<https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>).
fn retry_after(text: &str, now: i64) -> Option<u32> {
    let text = text.trim();
    let seconds = match text.parse::<i64>() {
        Ok(seconds) => seconds,
        Err(_no_number) => moment(text)?.saturating_sub(now),
    };
    u32::try_from(seconds.clamp(0, i64::from(u32::MAX))).ok()
}

fn moment(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc2822(text.trim()).ok().map(|moment| moment.with_timezone(&Utc).timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_000_000;

    fn read(headers: &[(&str, &str)]) -> Limits {
        let find = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        Limits::read(find, NOW)
    }

    #[test]
    fn the_headers_of_an_anonymous_call_say_what_is_left_and_for_how_long() {
        let limits =
            read(&[("x-ratelimit-limit", "60, 60;w=3600"), ("x-ratelimit-remaining", "52"), ("x-ratelimit-reset", "879")]);
        assert_eq!((limits.per_hour, limits.remaining, limits.reset_seconds), (Some(60), Some(52), Some(879)));
    }

    #[test]
    fn the_headers_of_an_access_token_say_the_limit_and_whether_it_is_near() {
        let limits = read(&[("x-ratelimit-limit", "2500"), ("x-ratelimit-nearlimit", "True"), ("x-ratelimit-resource", "api")]);
        assert_eq!((limits.per_hour, limits.is_near, limits.remaining), (Some(2500), Some(true), None));
    }

    #[test]
    fn a_pause_is_seconds_or_a_date_by_the_clock_of_whoever_says_so() {
        for (headers, seconds) in [
            (&[("retry-after", "120")][..], Some(120)),
            (&[("retry-after", " 7 ")], Some(7)),
            (&[("retry-after", "-5")], Some(0)),
            (&[("retry-after", "Fri, 27 Nov 2026 21:01:30 GMT"), ("date", "Fri, 27 Nov 2026 21:00:00 GMT")], Some(90)),
            (&[("retry-after", "Fri, 27 Nov 2026 20:00:00 GMT"), ("date", "Fri, 27 Nov 2026 21:00:00 GMT")], Some(0)),
            (&[("retry-after", "soon")], None),
            (&[], None),
        ] {
            assert_eq!(read(headers).retry_after_seconds, seconds, "{headers:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        let limits = read(&[
            ("x-ratelimit-limit", "60;w=60"),
            ("x-ratelimit-remaining", "many"),
            ("x-ratelimit-reset", "1795000100"),
            ("x-ratelimit-nearlimit", "maybe"),
        ]);
        assert_eq!(limits, Limits { reset_seconds: Some(100), ..Limits::default() });
        assert_eq!(read(&[("x-ratelimit-limit", "0"), ("x-ratelimit-reset", "99999999")]).reset_seconds, Some(3600));
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_harm(text in ".{0,40}") {
            for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after", "date"] {
                let limits = read(&[(name, &text)]);
                prop_assert!(limits.reset_seconds.is_none_or(|seconds| seconds <= HOUR_SECONDS));
            }
        }
    }
}
