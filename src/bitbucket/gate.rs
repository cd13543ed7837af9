//! Who may call now: holds the budget of each credential and a bounded number of calls at once, and has calls wait a moment or refuses
//! them. For the client; the rule itself is in `budget`.
//!
//! Each server counts for itself. Where several share a credential, Bitbucket's own headers and refusals tell each of them the rest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::budget::{Budget, Resource, Verdict};
use super::limits::Limits;
use super::{Credential, Failure, Urgency};
use crate::config::Now;

/// Calls of one credential at once, and how many of them the background may make.
const AT_ONCE: usize = 6;
const BACKGROUND_AT_ONCE: usize = 3;
/// How long a call waits here for its turn. A job is better tried again than kept waiting, and so is a page.
const PATIENCE_OF_PEOPLE: Duration = Duration::from_secs(2);
const PATIENCE_OF_THE_BACKGROUND: Duration = Duration::from_secs(10);
/// When so many credentials are known, those that have not called for an hour are forgotten.
const MANY: usize = 1_000;
const HOUR_MILLISECONDS: i64 = 3600 * 1000;

/// The budgets of all credentials.
#[derive(Debug, Default)]
pub(super) struct Gate {
    held: Mutex<HashMap<Arc<str>, Held>>,
}

#[derive(Debug)]
struct Held {
    budgets: HashMap<Resource, Budget>,
    lane: Lane,
    used_at: i64,
}

#[derive(Clone, Debug)]
struct Lane {
    all: Arc<Semaphore>,
    background: Arc<Semaphore>,
}

/// That a call may be made, until it is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    budget: Arc<str>,
    resource: Resource,
    _turns: (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit),
}

/// Milliseconds since 1970.
fn milliseconds(now: &Now) -> i64 {
    now.at.and_utc().timestamp_millis()
}

impl Gate {
    /// Waits for a turn and for the budget, as long as the credential's urgency has patience for.
    ///
    /// # Errors
    /// `RateLimited` with the seconds after which there is a budget again.
    pub(super) async fn enter(
        &self,
        credential: &Credential,
        resource: Resource,
        clock: &(dyn Fn() -> Now + Send + Sync),
    ) -> Result<Pass, Failure> {
        let begun = Instant::now();
        let patience = match credential.urgency() {
            Urgency::Person => PATIENCE_OF_PEOPLE,
            Urgency::Background => PATIENCE_OF_THE_BACKGROUND,
        };
        let lane = self.with(credential.budget(), milliseconds(&clock()), |held| held.lane.clone());
        let turns = tokio::time::timeout(patience, lane.turns(credential.urgency())).await;
        let turns = turns.ok().flatten().ok_or(Failure::RateLimited { after_seconds: Some(2) })?;
        loop {
            let at = milliseconds(&clock());
            let verdict = self.with_budget(credential.budget(), resource, at, |budget| budget.take(credential.urgency(), at));
            let Verdict::Wait { milliseconds } = verdict else { break };
            let wait = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX));
            if begun.elapsed() + wait > patience {
                return Err(Failure::RateLimited { after_seconds: u32::try_from(milliseconds.saturating_add(999) / 1000).ok() });
            }
            tokio::time::sleep(wait).await;
        }
        Ok(Pass { budget: Arc::clone(credential.budget()), resource, _turns: turns })
    }

    /// Takes in what an answer says of the limits; how many calls are left.
    pub(super) fn answered(&self, pass: &Pass, limits: &Limits, now: &Now) -> u32 {
        let at = milliseconds(now);
        self.with_budget(&pass.budget, pass.resource, at, |budget| {
            budget.answered(limits, at);
            budget.left(at)
        })
    }

    /// Takes in a 429; for how many seconds nobody calls.
    pub(super) fn refused(&self, pass: &Pass, limits: &Limits, now: &Now) -> u32 {
        let (at, [jitter]) = (milliseconds(now), now.random.bytes());
        self.with_budget(&pass.budget, pass.resource, at, |budget| budget.refused(limits.retry_after_seconds, jitter, at))
    }

    fn with_budget<T>(&self, name: &Arc<str>, resource: Resource, at: i64, work: impl FnOnce(&mut Budget) -> T) -> T {
        self.with(name, at, |held| work(held.budgets.entry(resource).or_insert_with(|| Budget::new(resource))))
    }

    fn with<T>(&self, name: &Arc<str>, at: i64, work: impl FnOnce(&mut Held) -> T) -> T {
        let mut all = self.lock();
        if all.len() >= MANY && !all.contains_key(name) {
            all.retain(|_, held| held.is_needed(at));
        }
        let held = all.entry(Arc::clone(name)).or_insert_with(|| Held::new(at));
        held.used_at = at;
        work(held)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn new(at: i64) -> Self {
        let lane = Lane { all: Arc::new(Semaphore::new(AT_ONCE)), background: Arc::new(Semaphore::new(BACKGROUND_AT_ONCE)) };
        Self { budgets: HashMap::new(), lane, used_at: at }
    }

    /// Whether it still says something: it was used within the hour that limits count, or a call is being made.
    fn is_needed(&self, at: i64) -> bool {
        at - self.used_at < HOUR_MILLISECONDS || self.lane.all.available_permits() < AT_ONCE
    }
}

impl Lane {
    /// A turn among all calls, and for the background first one among its own, so that it never fills the lane.
    async fn turns(&self, urgency: Urgency) -> Option<(Option<OwnedSemaphorePermit>, OwnedSemaphorePermit)> {
        let background = match urgency {
            Urgency::Background => Some(Arc::clone(&self.background).acquire_owned().await.ok()?),
            Urgency::Person => None,
        };
        let turn = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some((background, turn))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::config::{Random, Secret};

    fn credential(name: &str) -> Credential {
        Credential::bearer(name, Secret::new("t"))
    }

    fn clock() -> impl Fn() -> Now + Send + Sync {
        || Now::new(DateTime::<Utc>::UNIX_EPOCH, Random::new(|bytes| bytes.fill(0)))
    }

    #[tokio::test]
    async fn the_background_never_fills_the_lane() {
        let (gate, clock) = (Gate::default(), clock());
        let background = credential("a").in_background();
        let mut passes = Vec::new();
        for _ in 0..BACKGROUND_AT_ONCE {
            passes.push(gate.enter(&background, Resource::Data, &clock).await.unwrap());
        }
        let waiting = gate.enter(&background, Resource::Data, &clock);
        assert!(tokio::time::timeout(Duration::from_millis(50), waiting).await.is_err(), "one more has no turn");
        let person = credential("a");
        let person = gate.enter(&person, Resource::Data, &clock);
        assert!(tokio::time::timeout(Duration::from_millis(50), person).await.is_ok(), "a person has");
        passes.pop();
        let next = gate.enter(&background, Resource::Data, &clock);
        assert!(tokio::time::timeout(Duration::from_millis(50), next).await.is_ok(), "and one more when a call is done");
    }

    #[tokio::test]
    async fn after_a_429_nobody_calls_and_everybody_is_told_for_how_long() {
        let (gate, clock) = (Gate::default(), clock());
        let pass = gate.enter(&credential("a"), Resource::Data, &clock).await.unwrap();
        let limits = Limits { retry_after_seconds: Some(300), ..Limits::default() };
        assert_eq!(gate.refused(&pass, &limits, &clock()), 300);
        let refusal = gate.enter(&credential("a"), Resource::Data, &clock).await.unwrap_err();
        assert_eq!(refusal, Failure::RateLimited { after_seconds: Some(300) });
        assert!(gate.enter(&credential("a"), Resource::RawFiles, &clock).await.is_ok(), "another resource has its own limit");
        assert!(gate.enter(&credential("b"), Resource::Data, &clock).await.is_ok(), "and so has another credential");
    }

    #[tokio::test]
    async fn credentials_that_do_not_call_any_more_are_forgotten() {
        let gate = Gate::default();
        for number in 0..=MANY {
            gate.with(&Arc::from(number.to_string()), 0, |_| ());
        }
        assert_eq!(gate.lock().len(), MANY + 1, "they called within the hour");
        gate.with(&Arc::from("later"), HOUR_MILLISECONDS, |_| ());
        assert_eq!(gate.lock().len(), 1);
    }
}
