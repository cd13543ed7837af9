//! Atlassian Connect as a protocol: what Bitbucket signs, posts and reads. For every door that Bitbucket itself calls, and
//! for calls to Bitbucket; knows no SQL, no people and no web framework.
//!
//! In reading order: [`query`] is a request's parameters, decoded once; [`query_string_hash`] ties a token to a request;
//! [`token`] decides whether a request is signed and [`refusal`] says why not; [`outbound`] signs our own calls;
//! [`lifecycle`], [`webhook`] and [`panel`] read what arrives; [`descriptor`] is what Bitbucket reads of us. Bodies are not
//! covered by a token: what they say is checked against the installation at the door. The body of an ordinary webhook, which is no
//! part of Connect, is signed by its [`hub_signature`].

pub mod descriptor;
pub mod hub_signature;
pub mod identifiers;
pub mod json_web_token;
pub mod lifecycle;
pub mod outbound;
pub mod panel;
pub mod payload;
pub mod query;
pub mod query_string_hash;
pub mod refusal;
pub mod token;
pub mod webhook;
