//! The sandbox seen from outside: as an app that is installed in it, as a browser, and as a reader of what Atlassian has published.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests fail as tests do, and say what was skipped")]

mod api;
mod app;
mod budget;
mod forge;
mod framing;
mod hooks;
mod installing;
mod misbehaving;
mod oauth;
mod openapi;
mod pages;
mod published_vectors;
mod starting;
mod storage;
mod tokens;
mod tokens_refreshed;
mod webhooks;
mod whole_api;
