//! The tests from outside: one file for each door, over HTTP, beside the sandbox, on both databases.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

mod api;
mod browser;
mod canonicalisation;
mod crash;
mod direction;
mod panel;
mod storage;
mod tokens;
mod vectors;
