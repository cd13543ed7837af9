//! Webhooks as Bitbucket holds them. Their secrets are never told.

use serde::Deserialize;
use uuid::Uuid;

use super::lenient;

/// A webhook.
#[derive(Clone, Debug, Deserialize)]
pub struct Hook {
    /// What names it.
    #[serde(default, deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
    /// Where it delivers to.
    #[serde(default)]
    pub url: Option<String>,
    /// What somebody called it.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it delivers.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub active: bool,
    /// What it delivers.
    #[serde(default, deserialize_with = "lenient::list")]
    pub events: Vec<String>,
    /// Whether deliveries are signed.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub secret_set: bool,
}
