//! Atlassian Forge Remote as a protocol: what Forge signs and posts. For the doors that Forge calls; knows no SQL, no people
//! and no web framework.
//!
//! In reading order: [`identifiers`] reads how Forge names things; [`key_set`] is the document of Forge's public keys and
//! [`key_cache`] holds it; [`json_web_token`] takes a token apart, [`invocation_token`] decides whether one is Forge's and
//! what kind of call it allows, and [`refusal`] says why not; [`verifier`] is all of that for a door; [`events`] reads bodies,
//! [`payload`] says why one is refused; [`system_token`] reads the access tokens that come along.
//!
//! <https://developer.atlassian.com/platform/forge/remote/essentials/>

pub mod events;
pub mod identifiers;
pub mod invocation_token;
pub mod json_web_token;
pub mod key_cache;
pub mod key_set;
pub mod payload;
pub mod refusal;
pub mod system_token;
pub mod verifier;
