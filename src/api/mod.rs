//! The REST door: JSON for other systems, with a member's API token. It parses, calls the rules and renders; only `server` uses it.

mod accounts;
mod agenda;
mod allowed_operations;
mod audit;
mod bitbucket_actions;
mod bitbucket_calls;
mod bitbucket_pull_requests;
mod bitbucket_workspaces;
mod caller;
mod connection_hooks;
mod connections;
mod creation;
mod document_page;
mod feedback;
mod goals;
mod identities;
mod installations;
mod join_requests;
mod links;
mod listing;
mod members;
mod oauth_consumer;
mod one_on_ones;
mod openapi;
mod operations;
mod quick_action;
mod repository_proposals;
mod requests;
mod sent;
mod shared_work;
#[cfg(test)]
mod tests;

pub use operations::configure;
