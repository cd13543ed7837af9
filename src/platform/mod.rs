//! The doors Atlassian itself calls: descriptor, lifecycle, configure page, webhooks; and the extractors for signed callers.

pub mod body;
pub mod configure;
pub mod descriptor;
pub mod frame;
pub mod lifecycle;
pub mod signed;
pub mod webhooks;
