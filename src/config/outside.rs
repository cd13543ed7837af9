//! What a rule may know of the outside: the time, randomness, and texts that must not be seen. Re-exported by `config`.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, SubsecRound as _, Utc};

/// A text that must not be seen: its `Debug` and `check-config` show that it is set, nothing more.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text that must not be seen.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// A source of random bytes: the system's in production, a fixed one in a test that needs it.
#[derive(Clone)]
pub struct Random(Arc<Source>);

type Source = dyn Fn(&mut [u8]) + Send + Sync;

impl Random {
    /// Draws from `source`, which fills the slice it is given.
    pub fn new(source: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The operating system's generator.
    pub fn system() -> Self {
        Self::new(|bytes| {
            // Without randomness no secret can be made, and nothing later on would notice: stopping is the only safe answer.
            if aws_lc_rs::rand::fill(bytes).is_err() {
                std::process::abort();
            }
        })
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Random")
    }
}

/// What a rule may know of the outside: the time it is, and a source of randomness for new ids and tokens.
#[derive(Clone, Debug)]
pub struct Now {
    /// UTC, truncated to microseconds, because PostgreSQL keeps no more.
    pub at: NaiveDateTime,
    /// Where new ids and tokens come from.
    pub random: Random,
}

impl Now {
    /// The moment `at`.
    pub fn new(at: DateTime<Utc>, random: Random) -> Self {
        Self { at: at.naive_utc().trunc_subsecs(6), random }
    }

    /// Seconds since 1970, as tokens count them.
    pub fn unix_seconds(&self) -> i64 {
        self.at.and_utc().timestamp()
    }

    /// The moment `seconds` from now, or before it when negative.
    pub fn plus_seconds(&self, seconds: i64) -> NaiveDateTime {
        self.at + chrono::TimeDelta::seconds(seconds)
    }
}
