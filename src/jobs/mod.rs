//! The queue in the database and the loop that works it off; knows no job by name. Nouns enqueue, `server` runs.

mod queue;
mod runner;

pub use queue::{Failed, enqueue, enqueue_found, failed, forget_failed, waiting};
pub use runner::{Handler, Outcome, Runner};
