//! Everything of Forge that changes.

use super::{access_token::AccessToken, installation::Record};
use serde_json::Value;

/// Behind the sandbox's one lock.
pub(crate) struct Forge {
    /// Which of the keys signs.
    pub(super) signing_key: usize,
    /// Which of the keys the key set holds.
    pub(super) published_keys: Vec<usize>,
    /// What else the key set holds.
    pub(super) other_keys: Vec<Value>,
    pub(super) installations: Vec<Record>,
    pub(super) access_tokens: Vec<AccessToken>,
    pub(super) failed_deliveries: Vec<FailedDelivery>,
}

impl Forge {
    /// The installations in a workspace (its UUID) that have not ended and show a page: id and title.
    pub(crate) fn pages_in(&self, workspace: &str) -> impl Iterator<Item = (&str, &str)> {
        let here = self.installations.iter().filter(move |record| record.active && record.workspace == workspace);
        here.filter_map(|record| Some((record.id.as_str(), record.install.page.as_ref()?.title.as_str())))
    }
}

/// An event that the remote has not taken yet.
#[derive(Clone)]
pub(super) struct FailedDelivery {
    pub(super) installation: String,
    pub(super) route: String,
    pub(super) body: Value,
    pub(super) retries: u32,
    pub(super) reason: &'static str,
}

impl Default for Forge {
    fn default() -> Self {
        Self {
            signing_key: 0,
            published_keys: vec![0],
            other_keys: Vec::new(),
            installations: Vec::new(),
            access_tokens: Vec::new(),
            failed_deliveries: Vec::new(),
        }
    }
}
