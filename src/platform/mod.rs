//! The doors Atlassian itself calls: descriptor, lifecycle, configure page, webhooks, and Forge's; and what other doors read requests with:
//! bodies, signed callers, client addresses.

pub mod body;
pub mod client_address;
pub mod configure;
pub mod descriptor;
pub mod forge;
pub mod frame;
pub mod hooks;
pub mod lifecycle;
pub mod signed;
pub mod webhooks;
