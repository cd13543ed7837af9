//! A small fixed set of threads that run database work, each on a connection checked out for that piece of work. Used by `storage` alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use diesel::connection::{Connection as _, Instrumentation, InstrumentationEvent};
use prometheus::{Histogram, IntCounter, IntGauge};
use tokio::sync::oneshot;

use super::{AnyConnection, Manager, WAITING_AT_MOST};
use crate::error::{Error, Result};
use crate::telemetry::Metrics;

type Work = Box<dyn FnOnce(Result<&mut AnyConnection>) + Send>;

/// Threads and the queue before them. They end when the last sender is gone.
pub(super) struct Threads {
    queue: Sender<Work>,
    waiting: IntGauge,
    seconds: Histogram,
    refused: IntGauge,
}

impl Threads {
    /// Starts `count` threads over a pool of as many connections.
    pub(super) fn start(
        door: &'static str,
        count: usize,
        manager: Manager,
        metrics: &Metrics,
    ) -> std::result::Result<Self, r2d2::Error> {
        let pool = r2d2::Pool::builder()
            .max_size(u32::try_from(count).unwrap_or(u32::MAX))
            .min_idle(Some(1))
            // Checking would cost a round trip each time; a connection that breaks is noticed by its first error and replaced.
            .test_on_check_out(false)
            .connection_timeout(Duration::from_secs(3))
            .error_handler(Box::new(ConnectionErrors))
            .connection_customizer(Box::new(Statements(metrics.database_statements.clone())))
            .build(manager)?;
        let (queue, work) = bounded::<Work>(WAITING_AT_MOST);
        let open = metrics.database_connections.with_label_values(&["open"]);
        for number in 0..count {
            let (work, pool, open) = (work.clone(), pool.clone(), open.clone());
            let name = format!("database-{door}-{number}");
            let thread = std::thread::Builder::new().name(name).spawn(move || work_off(&work, &pool, &open));
            if let Err(error) = thread {
                tracing::error!(%error, "a database thread could not be started");
            }
        }
        Ok(Self {
            queue,
            waiting: metrics.database_waiting.with_label_values(&[door]),
            seconds: metrics.database_seconds.with_label_values(&[door]),
            refused: metrics.database_refused.clone(),
        })
    }

    /// Runs `work` on one of the threads and waits for its answer.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        door: &'static str,
        work: impl FnOnce(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel::<Result<T>>();
        let span = tracing::Span::current();
        let begun = Instant::now();
        let (waiting, seconds) = (self.waiting.clone(), self.seconds.clone());
        let work: Work = Box::new(move |connection| {
            waiting.dec();
            // Whoever asked has gone: nothing was promised, so nothing is begun.
            if answer.is_closed() {
                return;
            }
            let result = span.in_scope(|| {
                connection.and_then(|connection| {
                    let outcome = catch_unwind(AssertUnwindSafe(|| work(connection)));
                    outcome.unwrap_or_else(|_panic| Err(Error::internal(format!("database work panicked at the {door} door"))))
                })
            });
            seconds.observe(begun.elapsed().as_secs_f64());
            // The asker may have gone meanwhile; what was done stays done.
            let _ = answer.send(result);
        });
        self.waiting.inc();
        self.queue.try_send(work).map_err(|error| {
            self.waiting.dec();
            self.refused.inc();
            match error {
                TrySendError::Full(_) => Error::busy(),
                TrySendError::Disconnected(_) => Error::internal("the database threads have ended"),
            }
        })?;
        answered.await.map_err(Error::internal)?
    }
}

fn work_off(queue: &Receiver<Work>, pool: &r2d2::Pool<Manager>, open: &IntGauge) {
    while let Ok(work) = queue.recv() {
        match pool.get() {
            Ok(mut connection) => work(Ok(&mut connection)),
            Err(error) => work(Err(Error::busy().because(error))),
        }
        open.set(i64::from(pool.state().connections));
    }
}

/// Counts the statements of each connection.
#[derive(Clone, Debug)]
struct Statements(IntCounter);

impl<E: std::fmt::Debug> r2d2::CustomizeConnection<AnyConnection, E> for Statements {
    fn on_acquire(&self, connection: &mut AnyConnection) -> std::result::Result<(), E> {
        connection.set_instrumentation(self.clone());
        Ok(())
    }
}

impl Instrumentation for Statements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { .. } = event {
            self.0.inc();
        }
    }
}

/// Writes failed connection attempts to the log, without the address, which may hold a password.
#[derive(Debug)]
struct ConnectionErrors;

impl<E: std::error::Error> r2d2::HandleError<E> for ConnectionErrors {
    fn handle_error(&self, error: E) {
        tracing::warn!(%error, "no connection to the database");
    }
}
