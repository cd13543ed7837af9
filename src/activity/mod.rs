//! What happened in repositories, as far as people linked it: events in, details fetched. The webhook door and the job table use it.

pub mod events;
pub mod looking;
pub mod polling;
pub mod refresh;
