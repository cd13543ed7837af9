//! Connections by OAuth and by tokens, as owners and members make, use and end them.

mod belonging;
mod browser;
mod budgets;
mod consent;
mod consumers;
mod discovery;
mod ending;
pub mod hooks;
mod looking;
mod own_grants;
mod refreshing;
mod secrets;
mod tokens;

use bitbucket_sandbox::Consumer;
use clarityloop_bitbucket::bitbucket::{ApiPath, Call};
use clarityloop_bitbucket::connections::refresh;
use clarityloop_bitbucket::server::Running;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::ids::ConnectionId;
use clarityloop_bitbucket::storage::schema::connection_secrets;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::Value;

use crate::harness::people::Person;
use crate::harness::{INGRID, Page, Test};
use crate::sign_in::visitor::answer;

pub use crate::sign_in::visitor::CONSUMER;

pub const CONNECTIONS: &str = "/settings/integrations/bitbucket/connections";
const SCOPES: [&str; 12] = [
    "account",
    "email",
    "repository",
    "repository:write",
    "repository:admin",
    "repository:delete",
    "pullrequest",
    "pullrequest:write",
    "pipeline",
    "pipeline:write",
    "webhook",
    "project",
];

/// Makes the server of a test known to its Bitbucket, with every scope that anything here asks for.
pub fn register(test: &Test) {
    test.sandbox.add_consumer(consumer(test, "the-key", "the-secret"));
}

pub fn consumer(test: &Test, client_id: &str, client_secret: &str) -> Consumer {
    Consumer {
        client_id: client_id.to_owned(),
        client_secret: client_secret.to_owned(),
        callback_url: format!("{}/sign-in/bitbucket/callback", test.url),
        scopes: SCOPES.map(str::to_owned).into(),
    }
}

pub async fn owner(test: &Test) -> Person {
    Person::of(test, test.made.owner.clone()).await
}

/// Presses a button that leads to Bitbucket; the answer is where Bitbucket asks.
pub async fn leave(test: &Test, who: &Person, path: &str, fields: &[(&str, &str)]) -> String {
    let page = who.post(test, path, fields).await;
    assert_eq!(page.status, 200, "{path}: {}", page.body);
    let (_, rest) = page.body.split_once("<a class=\"button button-primary\" href=\"").expect("a link");
    rest.split('"').next().unwrap_or_default().replace("&#38;", "&")
}

/// Consents at Bitbucket as whoever has this account, and comes back.
pub async fn consent(test: &Test, who: &Person, path: &str, fields: &[(&str, &str)], account: &str) -> Page {
    let address = leave(test, who, path, fields).await;
    let back = answer(test, &address, account, "grant").await;
    who.get(test, &back).await
}

/// Connects by OAuth for reading, as Ingrid at Bitbucket: the connection's id.
pub async fn connected(test: &Test, owner: &Person) -> String {
    let page = consent(test, owner, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")], INGRID).await;
    assert_eq!((page.status, page.header("location")), (303, format!("{CONNECTIONS}?done=connected").as_str()), "{}", page.body);
    listed(test).await[0]["id"].as_str().expect("an id").to_owned()
}

/// The connections as REST lists them.
pub async fn listed(test: &Test) -> Vec<Value> {
    test.api_json(Method::GET, "/connections", None).await["entries"].as_array().expect("entries").clone()
}

/// Whether a call on a connection works by what a server makes of its credential; `None` when there is no credential any more.
pub async fn works(server: &Running, id: &str) -> Option<bool> {
    let (id, app) = (ConnectionId::parse(id).expect("an id"), &server.app);
    let credential = refresh::credential(&app.parts(), &id, &app.now()).await.expect("an answer")?;
    let call = Call::get(ApiPath::of(["user"]).expect("a path"));
    Some(app.bitbucket.call(&credential, &call).await.is_ok())
}

/// How often a refresh token was used.
pub fn refreshes(test: &Test) -> usize {
    test.sandbox.calls().iter().filter(|call| call.body.contains("grant_type=refresh_token")).count()
}

/// What the rows of secrets hold when they are opened, each with its column.
pub async fn stored(test: &Test) -> Vec<(&'static str, String)> {
    type Row = (String, String, Option<String>, Option<String>);
    let keyring = test.server.app.keyring.clone();
    let read = move |connection: &mut AnyConnection| {
        let rows: Vec<Row> = connection_secrets::table
            .select((
                connection_secrets::connection_id,
                connection_secrets::access_token,
                connection_secrets::refresh_token,
                connection_secrets::previous_refresh_token,
            ))
            .load(connection)?;
        let open = |(id, access, refresh, previous): Row| {
            let columns = [("access_token", Some(access)), ("refresh_token", refresh), ("previous_refresh_token", previous)];
            let open = |(column, sealed): (&'static str, String)| {
                let secret = keyring.open_text(&sealed, &format!("connections:{id}:{column}")).expect("a secret");
                (column, secret.expose().to_owned())
            };
            columns.into_iter().filter_map(|(column, sealed)| Some((column, sealed?))).map(open).collect::<Vec<_>>()
        };
        Ok(rows.into_iter().flat_map(open).collect::<Vec<_>>())
    };
    test.server.app.read(read).await.expect("the secrets")
}
