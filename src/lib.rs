//! map
pub mod config;
pub mod telemetry;
pub mod error;
pub mod storage;
