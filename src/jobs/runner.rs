//! The loop that works the queue off. `server` starts it with the table of handlers; tests call its one step.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::queue::{self, Job};
use crate::config::Now;
use crate::error::{Kind, Result};
use crate::storage::Database;
use crate::telemetry::Metrics;

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It did not work now; try again, not before so many seconds when they are given.
    Retry {
        /// A stable code.
        reason: String,
        /// How long the other side asked to wait.
        after_seconds: Option<i64>,
    },
    /// Trying again would not help.
    GiveUp {
        /// A stable code.
        reason: String,
    },
}

/// Works one payload off.
pub type Handler = Arc<dyn Fn(String, Now) -> BoxFuture<'static, Result<Outcome>> + Send + Sync>;

/// How often a job is tried: with doubling pauses from two seconds, about four hours in all.
const ATTEMPTS_AT_MOST: i32 = 13;
const IDLE: Duration = Duration::from_secs(1);

/// Works the queue off with a table of handlers.
#[derive(Clone)]
pub struct Runner {
    database: Database,
    handlers: Arc<HashMap<&'static str, Handler>>,
    now: Arc<dyn Fn() -> Now + Send + Sync>,
    metrics: Metrics,
    wake: Arc<Notify>,
}

impl Runner {
    /// A runner over `database`; `wake` is notified when something may have been enqueued.
    pub fn new(
        database: Database,
        handlers: HashMap<&'static str, Handler>,
        now: Arc<dyn Fn() -> Now + Send + Sync>,
        metrics: Metrics,
        wake: Arc<Notify>,
    ) -> Self {
        Self { database, handlers: Arc::new(handlers), now, metrics, wake }
    }

    /// Works off job after job until the task is dropped.
    pub async fn run(self) {
        loop {
            match self.step().await {
                Ok(true) => {}
                Ok(false) => {
                    let _woken_or_idle = tokio::time::timeout(IDLE, self.wake.notified()).await;
                }
                Err(error) => {
                    tracing::warn!(code = error.code, "the queue could not be read");
                    tokio::time::sleep(IDLE).await;
                }
            }
        }
    }

    /// Works off one job that is due; `false` when there is none.
    ///
    /// # Errors
    /// When the queue cannot be read or written.
    pub async fn step(&self) -> Result<bool> {
        let now = (self.now)();
        let Some(job) = self.database.write(move |connection| queue::claim(connection, &now)).await? else {
            return Ok(false);
        };
        let (id, kind) = (job.id.clone(), job.kind.clone());
        let outcome = self.attempt(&job).await;
        let word = match &outcome {
            Outcome::Done => "done",
            Outcome::Retry { .. } => "retry",
            Outcome::GiveUp { .. } => "failed",
        };
        self.metrics.jobs.with_label_values(&[kind.as_str(), word]).inc();
        let now = (self.now)();
        let settle = move |connection: &mut _| match outcome {
            Outcome::Done => queue::finish(connection, &id),
            Outcome::GiveUp { reason } => queue::fail(connection, &id, &reason, &now),
            Outcome::Retry { reason, .. } if job.attempts >= ATTEMPTS_AT_MOST => queue::fail(connection, &id, &reason, &now),
            Outcome::Retry { reason, after_seconds } => {
                let pause = pause_seconds(job.attempts, now.random.bytes::<1>()[0]).max(after_seconds.unwrap_or(0));
                queue::postpone(connection, &id, now.plus_seconds(pause), &reason)
            }
        };
        self.database.write(settle).await?;
        Ok(true)
    }

    async fn attempt(&self, job: &Job) -> Outcome {
        let Some(handler) = self.handlers.get(job.kind.as_str()) else {
            tracing::error!(kind = job.kind, "a job of a kind that nobody handles");
            return Outcome::GiveUp { reason: "kind_unknown".to_owned() };
        };
        // The lock must not run out while the job is still being worked at.
        let limit = Duration::from_secs(u64::try_from(queue::LOCK_SECONDS).unwrap_or(120) - 10);
        let work = handler(job.payload.clone(), (self.now)());
        match tokio::time::timeout(limit, tokio::spawn(work)).await {
            Ok(Ok(Ok(outcome))) => outcome,
            Ok(Ok(Err(error))) => {
                tracing::warn!(kind = job.kind, code = error.code, %error, "a job failed");
                let after_seconds = error.retry_after_seconds.map(i64::from);
                match error.kind {
                    Kind::Internal | Kind::Busy | Kind::Upstream | Kind::TooMany => {
                        Outcome::Retry { reason: error.code.to_owned(), after_seconds }
                    }
                    _ => Outcome::GiveUp { reason: error.code.to_owned() },
                }
            }
            Ok(Err(panic)) => {
                tracing::error!(kind = job.kind, %panic, "a job panicked");
                Outcome::Retry { reason: "panicked".to_owned(), after_seconds: None }
            }
            Err(_elapsed) => Outcome::Retry { reason: "took_too_long".to_owned(), after_seconds: None },
        }
    }
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Runner").field("kinds", &self.handlers.keys()).finish()
    }
}

/// 2, 4, 8 … seconds, an hour at most, each lengthened by up to a quarter so that many jobs do not come back at once.
fn pause_seconds(attempts: i32, random: u8) -> i64 {
    let base = 1_i64 << attempts.clamp(1, 12);
    let base = base.min(3600);
    base + base * i64::from(random) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        assert_eq!(pause_seconds(1, 0), 2);
        assert_eq!(pause_seconds(5, 0), 32);
        assert_eq!(pause_seconds(30, 0), 3600);
        assert!(pause_seconds(5, 255) < 32 * 5 / 4);
    }
}
