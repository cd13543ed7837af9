//! Connections for tests that need one and not the way to it.

use clarityloop_bitbucket::config::Secret;
use clarityloop_bitbucket::connections::purposes::{Purpose, Purposes};
use clarityloop_bitbucket::connections::tokens::{self, Checked, Typed};

use super::Test;

impl Test {
    /// A connection of the test's workspace with a workspace token that nobody has asked Bitbucket about, in the Bitbucket workspace with
    /// this UUID: its id.
    pub async fn connection(&self, bitbucket_workspace: &str) -> String {
        let typed = Typed {
            name: "Ledger".to_owned(),
            kind: "workspace_token".to_owned(),
            workspace: super::LUMENPAY.to_owned(),
            token: Some(Secret::new("ATCTT3xFfGN0-a-token-of-the-test")),
            purposes: Purposes::of(&[Purpose::ReadingActivity]),
            ..Typed::default()
        };
        let now = self.server.app.now();
        let pasted = typed.parse(&now).expect("a token");
        let checked = Checked {
            workspace: bitbucket_workspace.parse().expect("a UUID"),
            slug: super::LUMENPAY.to_owned(),
            scopes: Some("repository pullrequest".to_owned()),
            account_id: None,
        };
        let (viewer, keyring) = (self.made.owner.viewer(), self.server.app.keyring.clone());
        let make = move |connection: &mut _| tokens::make(connection, &viewer, &pasted, &checked, &keyring, &now);
        self.server.app.write(make).await.expect("a connection").to_string()
    }
}
