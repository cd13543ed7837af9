//! The tests from outside: one file for each door, over HTTP, beside the sandbox, on both databases.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

mod api;
mod audit;
mod bitbucket_client;
mod browser;
mod calls;
mod canonicalisation;
mod command_line;
mod connections;
mod conversation_links;
mod crash;
mod descriptor;
mod direction;
mod everybody_elses;
mod feedback;
mod forge;
mod forge_panel;
mod forge_protocol;
mod goals;
mod home;
mod hostile_input;
mod identities;
mod joining;
mod large_workspace;
mod lifecycle;
mod one_on_ones;
mod pages;
mod panel;
mod people;
mod profile;
mod quick_action;
mod repositories;
mod requests;
mod secrets;
mod settings;
mod shared_work;
mod sign_in;
mod storage;
mod tokens;
mod two_servers;
mod vectors;
mod visibility;
mod webhooks;
mod zones;
