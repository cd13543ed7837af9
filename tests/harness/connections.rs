//! Connections for tests that need one and not the way to it.

use clarityloop_bitbucket::config::Secret;
use clarityloop_bitbucket::connections::discovery::Reached;
use clarityloop_bitbucket::connections::purposes::{Purpose, Purposes};
use clarityloop_bitbucket::connections::tokens::{self, Checked, Typed};
use clarityloop_bitbucket::people::members::Member;
use clarityloop_bitbucket::storage::schema::connections;
use diesel::prelude::*;

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
            reached: Reached {
                uuid: bitbucket_workspace.parse().expect("a UUID"),
                slug: super::LUMENPAY.to_owned(),
                is_administrator: true,
            },
            scopes: Some("repository pullrequest".to_owned()),
            account_id: None,
            repository: None,
        };
        let (viewer, keyring) = (self.made.owner.viewer(), self.server.app.keyring.clone());
        let make = move |connection: &mut _| tokens::make(connection, &viewer, &pasted, &checked, &keyring, &now);
        self.server.app.write(make).await.expect("a connection").to_string()
    }

    /// Makes a connection another workspace's, as no page would: a row that is there in spite of the rules.
    pub async fn give_connection(&self, id: &str, owner: &Member) {
        let row = connections::table.filter(connections::id.eq(id.to_owned()));
        let given = (connections::workspace_id.eq(owner.workspace_id.clone()), connections::created_by.eq(owner.id.clone()));
        let give = move |connection: &mut _| Ok(diesel::update(row).set(given).execute(connection)?);
        assert_eq!(self.server.app.write(give).await.expect("a connection"), 1);
    }
}
