//! Bitbucket counts the calls of a person together, whatever they are made with; so do we.

use bitbucket_sandbox::{AccessToken, ApiToken, Reach, WorkspacePermission};
use clarityloop_bitbucket::connections::refresh;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::ids::ConnectionId;
use clarityloop_bitbucket::storage::schema::connections;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use super::{CONNECTIONS, CONSUMER, connected, consent, owner, register};
use crate::both;
use crate::harness::{AMARA, INGRID, Test};

both!(with super::CONSUMER => everything_of_one_account_draws_on_one_budget_and_an_access_token_on_its_own);

/// The budgets of all connections, with their kinds and purposes, in the order in which they were made.
async fn budgets(test: &Test) -> Vec<(String, String)> {
    type Row = (ConnectionId, String, String);
    let read = |connection: &mut AnyConnection| {
        let rows = connections::table.order(connections::id).select((connections::id, connections::kind, connections::purposes));
        Ok(rows.load::<Row>(connection)?)
    };
    let (app, mut all) = (&test.server.app, Vec::new());
    for (id, kind, purposes) in app.read(read).await.expect("connections") {
        let credential = refresh::credential(&app.parts(), &id, &app.now()).await.expect("an answer").expect("a credential");
        all.push((format!("{kind} {purposes}"), credential.budget().to_string()));
    }
    all
}

async fn everything_of_one_account_draws_on_one_budget_and_an_access_token_on_its_own(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    connected(test, &ingrid).await;
    consent(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "writes")], INGRID).await;
    assert_eq!(consent(test, &ingrid, "/profile/grant", &[], INGRID).await.status, 303);
    let held = ["read:user:bitbucket", "read:workspace:bitbucket", "read:repository:bitbucket", "read:pullrequest:bitbucket"];
    test.sandbox.world(|world| world.enrol("lumenpay", AMARA, WorkspacePermission::Member));
    test.sandbox.add_api_token(ApiToken::new("ATATT-ingrid", "ingrid@lumenpay.example", INGRID, &held));
    test.sandbox.add_api_token(ApiToken::new("ATATT-amara", "amara@lumenpay.example", AMARA, &held));
    let reach = Reach::Workspace("lumenpay".to_owned());
    test.sandbox.add_access_token(AccessToken::new("ATCTT-all", reach, &["account", "repository", "pullrequest"]));
    let day = (test.now() + chrono::TimeDelta::days(90)).date_naive().to_string();
    for (kind, token, email) in [
        ("api_token", "ATATT-ingrid", "ingrid@lumenpay.example"),
        ("api_token", "ATATT-amara", "amara@lumenpay.example"),
        ("workspace_token", "ATCTT-all", ""),
        ("workspace_token", "ATCTT-all", ""),
    ] {
        let body = json!({"name": "T", "kind": kind, "workspace": "lumenpay", "email": email, "token": token, "expires_on": day,
            "purposes": ["reading"]});
        test.api_json(Method::POST, "/connections", Some(body)).await;
    }
    let all = budgets(test).await;
    let kinds: Vec<&str> = all.iter().map(|(kind, _)| kind.as_str()).collect();
    let reading = "oauth reading";
    assert_eq!(
        kinds,
        [
            reading,
            "oauth writes",
            "oauth agents",
            "api_token reading",
            "api_token reading",
            "workspace_token reading",
            "workspace_token reading"
        ]
    );
    let of: Vec<&str> = all.iter().map(|(_, budget)| budget.as_str()).collect();
    let (of_ingrid, of_amara) = (format!("account:{INGRID}"), format!("account:{AMARA}"));
    assert_eq!(of[..5], [&of_ingrid, &of_ingrid, &of_ingrid, &of_ingrid, &of_amara].map(String::as_str));
    assert!(of[5].starts_with("token:") && of[5] == of[6] && !of[5].contains("ATCTT"), "one token pasted twice: {of:?}");
}
