//! Identical reads that are asked for at the same time are made once. For the client.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use super::{Answer, Failure, Urgency};

/// What makes two reads identical: the same authorisation, the same urgency (a person does not wait with a job), the same kind of call by
/// its name (which bounds how large and how late the answer may be) and the same address.
pub(super) type Read = (u64, Urgency, &'static str, String);

type Flight = BoxFuture<'static, Result<Answer, Failure>>;

/// Beyond so many, those that nobody waits for any more are cleared away.
const MANY: usize = 256;

/// The reads that are on their way.
#[derive(Default)]
pub(super) struct Flights {
    under_way: Mutex<HashMap<Read, WeakShared<Flight>>>,
}

impl Flights {
    /// The answer to `read`, and whether it was on its way already. `begin` makes the call; whoever waits moves it along, and when
    /// nobody waits any more it is dropped.
    pub(super) async fn join(&self, read: Read, begin: impl FnOnce() -> Flight) -> (Result<Answer, Failure>, bool) {
        let (flight, is_shared) = self.board(read.clone(), begin);
        let answer = flight.await;
        // Whoever asks from now on wants a new answer.
        if let Entry::Occupied(entry) = self.lock().entry(read)
            && entry.get().upgrade().is_none_or(|flight| flight.peek().is_some())
        {
            entry.remove();
        }
        (answer, is_shared)
    }

    fn board(&self, read: Read, begin: impl FnOnce() -> Flight) -> (Shared<Flight>, bool) {
        let mut under_way = self.lock();
        let known = under_way.get(&read).and_then(WeakShared::upgrade).filter(|flight| flight.peek().is_none());
        if let Some(flight) = known {
            return (flight, true);
        }
        if under_way.len() >= MANY {
            under_way.retain(|_, flight| flight.upgrade().is_some());
        }
        let flight = begin().shared();
        if let Some(weak) = flight.downgrade() {
            under_way.insert(read, weak);
        }
        (flight, false)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Read, WeakShared<Flight>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn read(address: &str) -> Read {
        (1, Urgency::Person, "user", address.to_owned())
    }

    #[tokio::test]
    async fn identical_reads_are_made_once_while_one_is_under_way() {
        let (flights, made) = (Flights::default(), Arc::new(AtomicUsize::new(0)));
        let begin = |made: &Arc<AtomicUsize>| {
            let made = Arc::clone(made);
            move || -> Flight {
                async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    made.fetch_add(1, Ordering::SeqCst);
                    Err(Failure::NotFound)
                }
                .boxed()
            }
        };
        let (one, two, other) = tokio::join!(
            flights.join(read("/2.0/user"), begin(&made)),
            flights.join(read("/2.0/user"), begin(&made)),
            flights.join(read("/2.0/user/emails"), begin(&made)),
        );
        assert_eq!((one.1, two.1, other.1), (false, true, false));
        assert_eq!(two.0.unwrap_err(), Failure::NotFound);
        assert_eq!(made.load(Ordering::SeqCst), 2);
        assert!(flights.lock().is_empty());
        assert!(!flights.join(read("/2.0/user"), begin(&made)).await.1, "a later one is made anew");
        assert_eq!(made.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_read_within_other_bounds_is_another() {
        let flights = Flights::default();
        let begin = || -> Flight { async { Err(Failure::NotFound) }.boxed() };
        let large = (1, Urgency::Person, "call_read", "/2.0/user".to_owned());
        let (one, two) = tokio::join!(flights.join(read("/2.0/user"), begin), flights.join(large, begin));
        assert_eq!((one.1, two.1), (false, false));
    }

    #[tokio::test]
    async fn a_read_goes_on_when_the_first_who_asked_has_gone() {
        let flights = Flights::default();
        let begin = || -> Flight {
            async {
                tokio::time::sleep(Duration::from_millis(60)).await;
                Err(Failure::NotFound)
            }
            .boxed()
        };
        let impatient = tokio::time::timeout(Duration::from_millis(10), flights.join(read("/2.0/user"), begin));
        let (first, second) = tokio::join!(impatient, flights.join(read("/2.0/user"), begin));
        assert!(first.is_err());
        assert_eq!((second.0.unwrap_err(), second.1), (Failure::NotFound, true));
    }
}
