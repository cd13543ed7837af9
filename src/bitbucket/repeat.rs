//! Which calls are made once more by themselves, and after what pause. Pure; for the client.

use std::time::Duration;

use reqwest::Method;

use super::Failure;

/// A call is made three times at most.
const REPEATS_AT_MOST: u32 = 2;
const FIRST_PAUSE_MILLISECONDS: u64 = 200;
/// Whoever waited so long for nothing has no time left for another try.
const SLOW: Duration = Duration::from_secs(3);
/// A 429 that asks for no more than this is waited for.
const SHORT_WAIT_SECONDS: u32 = 1;

/// What is known of a call that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tried<'a> {
    /// Its method.
    pub(super) method: &'a Method,
    /// Whether making it twice is the same as once, although it writes.
    pub(super) is_idempotent: bool,
    /// How often it was made.
    pub(super) times: u32,
    /// How long it took.
    pub(super) took: Duration,
}

/// How long to wait before the call is made once more; `None` when it is not. `jitter` is random.
pub(super) fn pause(tried: Tried<'_>, failure: &Failure, jitter: u8) -> Option<Duration> {
    let is_safe = *tried.method == Method::GET || *tried.method == Method::HEAD || tried.is_idempotent;
    if !is_safe || tried.times > REPEATS_AT_MOST {
        return None;
    }
    match failure {
        Failure::Down if tried.took < SLOW => {
            let pause = FIRST_PAUSE_MILLISECONDS << (tried.times.saturating_sub(1)).min(4);
            Some(Duration::from_millis(pause + pause * u64::from(jitter) / 256))
        }
        Failure::RateLimited { after_seconds: Some(seconds) } if *seconds <= SHORT_WAIT_SECONDS && tried.times == 1 => {
            Some(Duration::from_secs(u64::from(*seconds)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(method: &Method, times: u32) -> Tried<'_> {
        Tried { method, is_idempotent: false, times, took: Duration::from_millis(5) }
    }

    #[test]
    fn a_read_that_was_not_answered_is_made_three_times_at_most_with_longer_pauses() {
        let pauses: Vec<_> = (1..=3).map(|times| pause(tried(&Method::GET, times), &Failure::Down, 128)).collect();
        assert_eq!(pauses, [Some(Duration::from_millis(300)), Some(Duration::from_millis(600)), None]);
        let slow = Tried { took: SLOW, ..tried(&Method::GET, 1) };
        assert_eq!(pause(slow, &Failure::Down, 0), None);
    }

    #[test]
    fn what_writes_is_not_made_twice_unless_it_may() {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            assert_eq!(pause(tried(&method, 1), &Failure::Down, 0), None, "{method}");
        }
        let put = Tried { is_idempotent: true, ..tried(&Method::PUT, 1) };
        assert_eq!(pause(put, &Failure::Down, 0), Some(Duration::from_millis(200)));
    }

    #[test]
    fn an_answer_is_an_answer() {
        for failure in [Failure::NotFound, Failure::NotAuthorised, Failure::Malformed, Failure::TooLarge] {
            assert_eq!(pause(tried(&Method::GET, 1), &failure, 0), None);
        }
        let limited = |after_seconds| Failure::RateLimited { after_seconds };
        assert_eq!(pause(tried(&Method::GET, 1), &limited(Some(1)), 0), Some(Duration::from_secs(1)));
        assert_eq!(pause(tried(&Method::GET, 2), &limited(Some(1)), 0), None, "never in a loop");
        assert_eq!(pause(tried(&Method::GET, 1), &limited(Some(60)), 0), None);
        assert_eq!(pause(tried(&Method::GET, 1), &limited(None), 0), None);
    }
}
