//! The rule of a rate-limit budget: who may call now, and who waits for how long. Pure: time comes in, nothing is slept here. The gate
//! of the client asks it.
//!
//! Bitbucket counts calls in rolling hours, by account and kind of resource, and says little about it:
//! <https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/>.

use std::collections::VecDeque;

use super::Urgency;
use super::limits::Limits;

const HOUR: i64 = 3600 * 1000;
/// What the background leaves to people: one fifth.
const SHARE_FOR_PEOPLE: u32 = 5;
/// How long to stay away after a 429 that does not say.
const PAUSE_SECONDS: u32 = 60;
/// However often Bitbucket refuses, it is asked again within a quarter of an hour.
const LONGEST_PAUSE_SECONDS: u32 = 900;
/// Near its limit, a credential's background calls keep this distance, so that each tells whether that is over.
const NEAR_LIMIT_MILLISECONDS: i64 = 60 * 1000;
/// Nobody has less, whatever a header says, and nobody is given more.
const FEWEST: u32 = 10;
const MOST: u32 = 100_000;

/// What counts against one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Resource {
    /// Repositories, pull requests, workspaces and most else: 1,000 an hour.
    Data,
    /// Files as they are: 5,000 an hour.
    RawFiles,
    /// Hooks: 1,000 an hour.
    Webhooks,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Now, and it is counted.
    Go,
    /// Not for so long.
    Wait {
        /// More than none.
        milliseconds: i64,
    },
}

/// What one credential has used of one resource. Moments are in milliseconds of one clock.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    per_hour: u32,
    /// When the calls of the last hour were made, the oldest first.
    taken: VecDeque<i64>,
    /// What Bitbucket says is left, and until when that counts.
    told: Option<(u32, i64)>,
    is_near_limit: bool,
    closed_until: i64,
    refusals: u32,
}

impl Resource {
    const fn per_hour(self) -> u32 {
        match self {
            Self::Data | Self::Webhooks => 1_000,
            Self::RawFiles => 5_000,
        }
    }

    /// What a call of this target (encoded, with its query) counts against.
    pub(super) fn of_target(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<&str> = path.split('/').skip(2).collect();
        // A folder's listing ends in a slash, and what is said about a file is no file.
        let is_listing = path.ends_with('/') || query.split('&').any(|pair| pair.starts_with("format="));
        match segments.as_slice() {
            ["workspaces", _, "hooks", ..] | ["repositories", _, _, "hooks", ..] => Self::Webhooks,
            ["repositories", _, _, "src", _, _, ..] if !is_listing => Self::RawFiles,
            _ => Self::Data,
        }
    }
}

impl Budget {
    pub(super) fn new(resource: Resource) -> Self {
        let per_hour = resource.per_hour();
        Self { per_hour, taken: VecDeque::new(), told: None, is_near_limit: false, closed_until: i64::MIN, refusals: 0 }
    }

    /// Whether a call may be made at `at`; if so it is counted.
    pub(super) fn take(&mut self, urgency: Urgency, at: i64) -> Verdict {
        let free_at = self.free_at(urgency, at);
        if free_at > at {
            return Verdict::Wait { milliseconds: free_at - at };
        }
        self.taken.push_back(at);
        if let Some((left, _)) = &mut self.told {
            *left = left.saturating_sub(1);
        }
        Verdict::Go
    }

    /// How many calls people have left at `at`.
    pub(super) fn left(&mut self, at: i64) -> u32 {
        self.forget(at);
        if self.closed_until > at {
            return 0;
        }
        let counted = self.per_hour.saturating_sub(u32::try_from(self.taken.len()).unwrap_or(u32::MAX));
        self.told.map_or(counted, |(left, _)| left.min(counted))
    }

    /// What an answer that is no 429 says of the limits.
    pub(super) fn answered(&mut self, limits: &Limits, at: i64) {
        self.refusals = 0;
        if let Some(per_hour) = limits.per_hour {
            self.per_hour = per_hour.clamp(FEWEST, MOST);
        }
        if let Some(is_near) = limits.is_near {
            self.is_near_limit = is_near;
        }
        if let (Some(left), Some(seconds)) = (limits.remaining, limits.reset_seconds) {
            self.told = Some((left, at + i64::from(seconds) * 1000));
        }
    }

    /// Bitbucket has answered 429: nobody calls for the seconds that are returned. `jitter` is random, so that those who wait for one
    /// limit do not all come back at once.
    pub(super) fn refused(&mut self, retry_after_seconds: Option<u32>, jitter: u8, at: i64) -> u32 {
        // Calls in flight together are refused together; that is one refusal.
        if self.closed_until <= at {
            self.refusals = self.refusals.saturating_add(1);
        }
        let pause = retry_after_seconds.map_or_else(
            || {
                let doubled =
                    PAUSE_SECONDS.saturating_mul(1 << self.refusals.saturating_sub(1).min(8)).min(LONGEST_PAUSE_SECONDS);
                doubled + doubled * u32::from(jitter) / 512
            },
            |seconds| seconds.clamp(1, 3600),
        );
        self.closed_until = self.closed_until.max(at + i64::from(pause) * 1000);
        pause
    }

    /// The first moment at which a call may be made, at the earliest `at`.
    fn free_at(&mut self, urgency: Urgency, at: i64) -> i64 {
        self.forget(at);
        let kept = match urgency {
            Urgency::Person => 0,
            Urgency::Background => self.per_hour / SHARE_FOR_PEOPLE,
        };
        let mut free_at = at.max(self.closed_until);
        // As many of the oldest calls as are too many must have grown an hour old.
        let may_take = usize::try_from(self.per_hour - kept).unwrap_or(usize::MAX);
        if let Some(in_the_way) = self.taken.len().checked_sub(may_take).and_then(|index| self.taken.get(index)) {
            free_at = free_at.max(in_the_way + HOUR);
        }
        if let Some((left, until)) = self.told
            && left <= kept
        {
            free_at = free_at.max(until);
        }
        if self.is_near_limit
            && urgency == Urgency::Background
            && let Some(last) = self.taken.back()
        {
            free_at = free_at.max(last + NEAR_LIMIT_MILLISECONDS);
        }
        free_at
    }

    /// Drops what is over. A clock that was set back makes nobody wait longer than the clock before did.
    fn forget(&mut self, at: i64) {
        for taken in self.taken.iter_mut().rev().take_while(|taken| **taken > at) {
            *taken = at;
        }
        while self.taken.front().is_some_and(|taken| taken + HOUR <= at) {
            self.taken.pop_front();
        }
        self.told = self.told.filter(|(_, until)| (at + 1..=at + HOUR).contains(until));
        self.closed_until = self.closed_until.min(at + HOUR);
    }
}

#[cfg(test)]
mod tests;
