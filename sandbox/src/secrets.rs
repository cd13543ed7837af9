//! What must stay secret: every token, code and secret that was handed out here or given to the sandbox, for whoever looks whether one lies
//! open somewhere.

use crate::bitbucket::{Bitbucket, State};
use serde_json::Value;

impl State {
    /// Keeps in mind that this is secret, also when it is spent, replaced or revoked.
    pub(crate) fn keep_secret(&mut self, secret: &str) {
        self.secrets.push(secret.to_owned());
    }
}

impl Bitbucket {
    /// Every access token, refresh token and code that was handed out, every secret of a consumer, an installation or a webhook, every
    /// token that was pasted, and whatever signed a call to the app: each once, those that are over as well.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let state = self.state();
        let signed = state.sent.iter().filter_map(|sent| sent.authorization.as_deref()?.split_once(' '));
        let signed = signed.map(|(_, token)| token.to_owned());
        // The secret of a webhook stands in the call that made or changed it.
        let hooks = state.calls.iter().filter(|call| call.path.contains("/hooks"));
        let hooks =
            hooks.filter_map(|call| serde_json::from_str::<Value>(&call.body).ok()?["secret"].as_str().map(str::to_owned));
        let mut all: Vec<String> = state.secrets.iter().cloned().chain(signed).chain(hooks).collect();
        all.sort();
        all.dedup();
        all
    }
}
