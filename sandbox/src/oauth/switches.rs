//! What a test can change about the answers of the token endpoint.

use crate::bitbucket::Bitbucket;

/// What real answers say about the life of an access token.
const TOKEN_SECONDS: i64 = 7200;

/// How the token endpoint answers now.
pub(crate) struct Switches {
    /// The key was `scopes` before 4 May 2026.
    pub(crate) is_plural: bool,
    pub(crate) token_seconds: i64,
    /// Consumers that may use client credentials, each with the workspace it belongs to.
    pub(crate) private_consumers: Vec<(String, String)>,
}

impl Default for Switches {
    fn default() -> Self {
        Self { is_plural: false, token_seconds: TOKEN_SECONDS, private_consumers: Vec::new() }
    }
}

impl Bitbucket {
    /// From now on the answers of the token endpoint name the scopes under `scopes`, as they did before May 2026, or under `scope`.
    pub fn answer_with_scopes(&self, is_plural: bool) {
        self.state().oauth.is_plural = is_plural;
    }

    /// From now on an access token lives so long, and its answer says so.
    pub fn tokens_live_seconds(&self, seconds: i64) {
        self.state().oauth.token_seconds = seconds;
    }

    /// Lets a consumer use client credentials; its tokens act as the app of this workspace (UUID or slug) and reach nothing else.
    pub fn make_consumer_private(&self, client_id: &str, workspace: &str) {
        let mut state = self.state();
        if let Some(workspace) = state.world.workspace(workspace).map(|workspace| workspace.uuid.clone()) {
            state.oauth.private_consumers.push((client_id.to_owned(), workspace));
        }
    }
}
