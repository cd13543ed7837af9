//! Connections as if they had been made on the settings page: a workspace access token, and a member's own grant.

use bitbucket_sandbox::{AccessToken, Reach};
use clarityloop_bitbucket::people::members::Member;
use clarityloop_bitbucket::storage::ids::ConnectionId;
use clarityloop_bitbucket::storage::schema::{connection_secrets, connections, repositories};
use diesel::prelude::*;

use super::{LUMENPAY, Test};

/// What a connection is made of that differs between tests.
struct Granted<'a> {
    secret: String,
    kind: &'static str,
    scopes: &'a [&'a str],
    purposes: &'a str,
    member: Option<&'a Member>,
    restricted_to: Option<&'a [&'a str]>,
}

impl Test {
    /// A token of the whole workspace `lumenpay` that serves these purposes in these repositories, which owners have chosen.
    pub async fn workspace_token(&self, scopes: &[&str], purposes: &str, repositories: Option<&[&str]>) {
        let secret = format!("workspace-token-{purposes}").replace(' ', "-");
        self.sandbox.add_access_token(AccessToken::new(&secret, Reach::Workspace(LUMENPAY.into()), scopes));
        let kind = "workspace_token";
        self.connect(Granted { secret, kind, scopes, purposes, member: None, restricted_to: repositories }).await;
        for slug in repositories.unwrap_or_default() {
            self.choose(slug).await;
        }
    }

    /// Chooses a repository of `lumenpay`, as if an owner had.
    pub async fn choose(&self, slug: &str) {
        let (uuid, of) = self.sandbox.world(|world| {
            let repository = world.repository_in(LUMENPAY, slug).expect("a repository");
            (repository.uuid.clone(), repository.workspace.clone())
        });
        let bare = |uuid: &str| uuid.trim_matches(['{', '}']).to_owned();
        let (owner, now, name) = (&self.made.owner, self.server.app.now(), format!("{LUMENPAY}/{slug}"));
        let row = (
            repositories::workspace_id.eq(owner.workspace_id.clone()),
            repositories::uuid.eq(bare(&uuid)),
            repositories::bitbucket_workspace_uuid.eq(bare(&of)),
            repositories::full_name.eq(name.clone()),
            repositories::name.eq(name.clone()),
            repositories::folded.eq(name),
            repositories::project_key.eq(""),
            repositories::is_private.eq(true),
            repositories::is_chosen.eq(true),
            repositories::decided_by.eq(Some(owner.id.clone())),
            repositories::decided_at.eq(now.at),
            repositories::listed_at.eq(now.at),
        );
        let work = move |connection: &mut _| Ok(diesel::insert_into(repositories::table).values(row).execute(connection)?);
        self.server.app.write(work).await.expect("a choice");
    }

    /// A member's own grant, for the account with this id: the one that writes when it has any scope for that.
    pub async fn own_grant(&self, member: &Member, account: &str, scopes: &[&str]) {
        let secret = self.sandbox.grant_directly("consumer", account, scopes).access_token;
        let purposes = if scopes.iter().any(|scope| scope.contains(':')) { "writes" } else { "agents" };
        let granted = Granted { secret, kind: "oauth", scopes, purposes, member: Some(member), restricted_to: None };
        self.connect(granted).await;
    }

    async fn connect(&self, granted: Granted<'_>) {
        let now = self.server.app.now();
        let id = ConnectionId::new(&now);
        let sealed = self.server.app.keyring.seal(&granted.secret, &format!("connections:{id}:access_token")).expect("a seal");
        let uuid = self.sandbox.world(|world| world.workspace(LUMENPAY).expect("lumenpay").uuid.clone());
        let uuid = granted.member.is_none().then(|| uuid.trim_matches(['{', '}']).to_owned());
        let owner = &self.made.owner;
        let row = (
            connections::id.eq(id.clone()),
            connections::workspace_id.eq(owner.workspace_id.clone()),
            connections::bitbucket_workspace_uuid.eq(uuid),
            connections::kind.eq(granted.kind),
            connections::member_id.eq(granted.member.map(|member| member.id.clone())),
            connections::name.eq("Test"),
            connections::scopes.eq(granted.scopes.join(" ")),
            connections::expires_at.eq(now.plus_seconds(86_400)),
            connections::purposes.eq(granted.purposes.to_owned()),
            connections::reach.eq("workspace"),
            connections::restricted_to.eq(granted.restricted_to.map(|list| serde_json::to_string(list).expect("JSON"))),
            connections::state.eq("connected"),
            connections::created_by.eq(owner.id.clone()),
            connections::created_at.eq(now.at),
        );
        let work = move |connection: &mut _| {
            diesel::insert_into(connections::table).values(row).execute(connection)?;
            let secrets = (
                connection_secrets::connection_id.eq(id),
                connection_secrets::access_token.eq(sealed),
                connection_secrets::refreshes.eq(0),
            );
            diesel::insert_into(connection_secrets::table).values(secrets).execute(connection)?;
            Ok(())
        };
        self.server.app.write(work).await.expect("a connection");
    }
}
