//! The tests from outside: one file for each door, over HTTP, beside the sandbox, on both databases.

mod harness;

mod direction;
mod panel;
mod vectors;
