//! The tests from outside: one file for each door, over HTTP, beside the sandbox, on both databases.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

mod api;
mod browser;
mod canonicalisation;
mod command_line;
mod crash;
mod direction;
mod hostile_input;
mod pages;
mod panel;
mod storage;
mod tokens;
mod vectors;
