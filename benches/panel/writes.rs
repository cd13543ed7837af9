//! Writes, each durable when it is answered: webhooks against a loop of one-insert writes through the same door, and saves in the
//! panel. For the bench only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clarityloop_bitbucket::config::{Now, Random};
use clarityloop_bitbucket::jobs;
use clarityloop_bitbucket::storage::{AnyConnection, Database};
use clarityloop_bitbucket::telemetry::Metrics;
use diesel::connection::SimpleConnection as _;
use serde_json::json;
use tokio::task::JoinSet;

use super::load::{CONNECTIONS, Measured};
use super::stage::Stage;
use super::{MEASURED_FOR, ROUNDS, modes};

/// The medians of all rounds.
pub struct Writes {
    /// Each enqueues a job of its own; nobody works the queue off meanwhile.
    pub webhooks: Measured,
    /// Each inserts one job through `Database::write`, with no HTTP around it.
    pub inserts: Measured,
    pub saves: Measured,
}

/// Measures a stage, its server not running.
pub async fn measure(stage: &Stage) -> Writes {
    let (mut webhooks, mut inserts, mut saves) = (Vec::new(), Vec::new(), Vec::new());
    let all_webhooks = stage.webhooks();
    for _ in 0..ROUNDS {
        let server = modes::start_without_jobs(&stage.program);
        webhooks.push(all_webhooks.run(MEASURED_FOR));
        saves.push(stage.saves().await.run(MEASURED_FOR));
        drop(server);
        clear(&mut stage.connect());
        inserts.push(insert_in_a_loop(stage).await);
        clear(&mut stage.connect());
    }
    Writes { webhooks: Measured::median(&webhooks), inserts: Measured::median(&inserts), saves: Measured::median(&saves) }
}

/// Takes away what a round has written.
fn clear(connection: &mut AnyConnection) {
    connection.batch_execute("DELETE FROM links WHERE note = 'bench'; DELETE FROM jobs").unwrap();
}

async fn insert_in_a_loop(stage: &Stage) -> Measured {
    let database = Database::open(&stage.config(), &Metrics::new().unwrap()).unwrap();
    let (begun, numbers) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut writers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        writers.spawn(insert_until(begun + MEASURED_FOR, database.clone(), Arc::clone(&numbers)));
    }
    let took = writers.join_all().await.concat();
    Measured::new(took, 0, begun.elapsed())
}

async fn insert_until(end: Instant, database: Database, numbers: Arc<AtomicUsize>) -> Vec<Duration> {
    let mut took = Vec::new();
    while Instant::now() < end {
        let begun = Instant::now();
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let insert = move |connection: &mut AnyConnection| {
            let (key, payload) =
                (format!("bench:{number}"), json!({ "pull_request_id": "01990000-0002-7000-8000-000000000000" }));
            jobs::enqueue(connection, "bench", Some(&key), &payload, &Now::new(chrono::Utc::now(), Random::system()))
        };
        database.write(insert).await.unwrap();
        took.push(begun.elapsed());
    }
    took
}
