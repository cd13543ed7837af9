//! ClarityLoop for Bitbucket: brings the right pull requests of Bitbucket Cloud into conversations between people.
//!
//! # Layout
//!
//! Modules stand in reading order, and each imports only from those before it; `tests/direction.rs` fails on a `use` that points back.
//!
//! - [`config`]: every setting, checked once; `default.toml` beside it is its documentation.
//! - [`telemetry`]: tracing, request ids, metrics.
//! - [`error`]: one error, its status, its stable code, its JSON face.
//! - [`storage`]: the database: connections to SQLite and PostgreSQL, migrations, sealed secrets, ids. Knows no people.
//! - [`connect`]: Atlassian Connect as a protocol. No SQL, no people.
//! - [`forge`]: Atlassian Forge Remote as a protocol. No SQL, no people.
//! - [`bitbucket`]: the client of the Bitbucket REST API. No SQL, no people.
//! - [`jobs`]: the queue in the database and the loop that works it off; knows no job by name.
//! - [`people`]: the domain: workspaces, members, sessions, identities, conversations, pull requests, links, who may see what.
//! - [`connections`]: installations of the app in Bitbucket workspaces: secrets, claiming, health, the entry's switch, disconnecting, purging.
//! - [`app`]: what every handler is handed.
//! - [`activity`]: what happened in repositories: events in, details fetched.
//! - [`platform`]: the doors Atlassian itself calls, and the extractors for signed callers.
//! - [`panel`]: "Add to ClarityLoop" on a pull request.
//! - [`web`]: the pages.
//! - [`api`]: REST JSON for other systems.
//! - [`server`]: the whole route table, the table of jobs, start and stop.
//!
//! Nouns (`people`, `connections`, `activity`) own their rules and their SQL; doors (`platform`, `panel`, `web`, `api`) own their
//! protocol; nothing else exists.

pub mod config;
pub mod telemetry;

pub mod error;

pub mod storage;

pub mod connect;

pub mod forge;

pub mod bitbucket;

pub mod jobs;

pub mod people;

pub mod connections;

pub mod app;

pub mod activity;

pub mod platform;

pub mod panel;

pub mod web;

pub mod api;

pub mod server;
