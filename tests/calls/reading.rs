//! With whose right a member reads: their own grant, or the workspace's connection where Bitbucket would let them.

use bitbucket_sandbox::{AccessToken, CredentialKind, Permission, Reach};
use clarityloop_bitbucket::connections::repositories::listing;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::repositories;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use super::{READING, call, caller, get};
use crate::both;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::{AMARA, LEDGER, LUMENPAY, PRIYA, Test};

both!(
    a_member_reads_with_their_own_grant,
    the_workspaces_connection_serves_chosen_repositories_that_bitbucket_shows_the_member,
    a_projects_token_serves_calls_in_the_repositories_of_that_project,
    what_no_owner_has_chosen_is_not_read_whatever_a_connection_reaches,
    what_the_member_may_not_see_is_not_shown_to_them,
    lists_go_on_and_answers_say_what_matters,
    a_connection_that_bitbucket_takes_no_more_is_noted,
);

async fn a_member_reads_with_their_own_grant(test: &Test) {
    let amara = caller(test, "Amara Okafor", None).await;
    let (status, answer) = get(test, &amara, "/user").await;
    assert_eq!((status, &answer["code"]), (403, &json!("own_grant_needed")), "{answer}");
    assert!(answer["detail"].as_str().expect("a remedy").contains("profile"), "{answer}");

    test.own_grant(&amara.member, AMARA, READING).await;
    let (status, answer) = get(test, &amara, "/2.0/user").await;
    assert_eq!((status, &answer["status"]), (200, &json!(200)), "{answer}");
    assert_eq!(answer["body"]["account_id"], AMARA);
    assert_eq!(answer["headers"]["content-type"].as_str().map(|kind| kind.starts_with("application/json")), Some(true));
    // Repositories that nobody has chosen are theirs to read as well.
    let (status, answer) = get(test, &amara, &format!("repositories/{LEDGER}")).await;
    assert_eq!((status, &answer["body"]["full_name"]), (200, &json!(LEDGER)), "{answer}");
    let calls = test.sandbox.calls();
    let own = calls.iter().filter(|call| call.credential == Some(CredentialKind::OAuth)).count();
    assert_eq!(own, 2, "{calls:?}");

    let (status, answer) = get(test, &amara, &format!("repositories/{LEDGER}/hooks")).await;
    assert_eq!((status, &answer["code"]), (403, &json!("own_grant_too_narrow")), "{answer}");
    let (status, answer) = get(test, &amara, "workspaces/lumenpay/hooks").await;
    assert_eq!((status, &answer["code"]), (403, &json!("own_grant_too_narrow")), "{answer}");
    assert!(answer["detail"].as_str().expect("a remedy").contains("webhook"), "{answer}");
}

async fn the_workspaces_connection_serves_chosen_repositories_that_bitbucket_shows_the_member(test: &Test) {
    test.installed().await;
    let (amara, priya) = (caller(test, "Amara Okafor", None).await, caller(test, "Priya Raman", Some(PRIYA)).await);
    let path = format!("repositories/{LEDGER}/pullrequests/87");
    let code = async |who| get(test, who, &path).await.1["code"].clone();
    assert_eq!(code(&amara).await, "identity_needed");
    assert_eq!(code(&priya).await, "connection_missing");

    test.workspace_token(READING, "agents", Some(&["ledger"])).await;
    let (status, answer) = get(test, &priya, &path).await;
    assert_eq!((status, &answer["body"]["id"]), (200, &json!(87)), "{answer}");
    assert!(answer["credential"].as_str().expect("why").contains("narrowest"), "{answer}");
    let (status, answer) = get(test, &priya, "repositories/lumenpay/checkout").await;
    assert_eq!((status, &answer["code"]), (409, &json!("connection_missing")), "not among the chosen: {answer}");
    let (_, answer) = get(test, &priya, "repositories/elsewhere/ledger").await;
    assert_eq!(answer["code"], "workspace_not_connected");
    for elsewhere in ["forks", "diff/lumenpay/handbook:a1..b2"] {
        let (_, answer) = get(test, &priya, &format!("repositories/{LEDGER}/{elsewhere}")).await;
        assert_eq!(answer["code"], "own_grant_needed", "{elsewhere}");
    }
    for of_all in ["workspaces/lumenpay/members", "user", "repositories/lumenpay"] {
        assert_eq!(get(test, &priya, of_all).await.1["code"], "own_grant_needed", "{of_all}");
    }
}

async fn a_projects_token_serves_calls_in_the_repositories_of_that_project(test: &Test) {
    test.installed().await;
    let reach = Reach::Project { workspace: LUMENPAY.to_owned(), key: "PAY".to_owned() };
    test.sandbox.add_access_token(AccessToken::new("ATCTT-pay", reach, &["repository", "pullrequest"]));
    let body = json!({"name": "Payments", "kind": "project_token", "workspace": LUMENPAY, "reach_name": "pay",
        "token": "ATCTT-pay", "purposes": ["agents"]});
    test.api_json(Method::POST, "/connections", Some(body)).await;
    let priya = caller(test, "Priya Raman", Some(PRIYA)).await;
    let (_, answer) = get(test, &priya, &format!("repositories/{LEDGER}")).await;
    assert_eq!(answer["code"], "connection_missing", "while the list is not read nobody knows the project: {answer}");
    listing::enqueue_due(&test.server.app.database, &test.server.app.now()).await.expect("a look");
    test.run_jobs().await;
    test.api_json(Method::PUT, &format!("/bitbucket-workspaces/{LUMENPAY_UUID}/choice"), Some(json!({"all": true}))).await;
    for path in [format!("repositories/{LEDGER}"), format!("repositories/{LUMENPAY}/%7Bb2d51f2c-63b5-4f69-9e7c-1c8c8d4ba002%7D")]
    {
        let (status, answer) = get(test, &priya, &path).await;
        assert_eq!((status, &answer["body"]["full_name"]), (200, &json!(LEDGER)), "{path}: {answer}");
        assert!(answer["credential"].as_str().expect("why").contains("Project access token"), "{answer}");
    }
    let (status, answer) = get(test, &priya, "repositories/lumenpay/handbook").await;
    assert_eq!((status, &answer["code"]), (409, &json!("connection_missing")), "it is in another project: {answer}");
}

async fn what_no_owner_has_chosen_is_not_read_whatever_a_connection_reaches(test: &Test) {
    test.installed().await;
    test.workspace_token(READING, "agents", Some(&["ledger"])).await;
    let priya = caller(test, "Priya Raman", Some(PRIYA)).await;
    let path = format!("repositories/{LEDGER}/pullrequests/87");
    assert_eq!(get(test, &priya, &path).await.0, 200);
    let leave_out = |connection: &mut AnyConnection| {
        Ok(diesel::update(repositories::table).set(repositories::is_chosen.eq(false)).execute(connection)?)
    };
    assert_eq!(test.server.app.write(leave_out).await.expect("a choice"), 1);
    let before = test.sandbox.calls().len();
    let (status, answer) = get(test, &priya, &path).await;
    assert_eq!((status, &answer["code"]), (403, &json!("repository_not_chosen")), "restricted to it, and yet: {answer}");
    assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("Repositories")), "{answer}");
    assert_eq!(test.sandbox.calls().len(), before, "nothing was asked");
}

async fn what_the_member_may_not_see_is_not_shown_to_them(test: &Test) {
    test.installed().await;
    test.workspace_token(READING, "agents", Some(&["ledger"])).await;
    let priya = caller(test, "Priya Raman", Some(PRIYA)).await;
    test.sandbox.world(|world| world.permit(LEDGER, PRIYA, Permission::None));
    let path = format!("repositories/{LEDGER}");
    let (status, answer) = get(test, &priya, &path).await;
    assert_eq!((status, &answer["code"]), (403, &json!("permission_missing")), "{answer}");
    let has_read = |call: &bitbucket_sandbox::Call| call.path.ends_with("/ledger") && call.path.starts_with("/2.0/repositories/");
    assert!(!test.sandbox.calls().iter().any(has_read), "nothing of it was read");

    // What Bitbucket says is remembered for minutes, and then asked anew.
    test.sandbox.world(|world| world.permit(LEDGER, PRIYA, Permission::Read));
    assert_eq!(get(test, &priya, &path).await.0, 403);
    test.pass_seconds(301);
    assert_eq!(get(test, &priya, &path).await.0, 200);
    // Who only reads is not shown what only admins see.
    let (_, answer) = get(test, &priya, &format!("{path}/permissions-config/users")).await;
    assert_eq!(answer["code"], "permission_missing");
}

async fn a_connection_that_bitbucket_takes_no_more_is_noted(test: &Test) {
    test.installed().await;
    test.workspace_token(READING, "agents", Some(&["ledger"])).await;
    let priya = caller(test, "Priya Raman", Some(PRIYA)).await;
    let path = format!("repositories/{LEDGER}");
    let state = async || test.api_json(Method::GET, "/connections", None).await["entries"][0]["state"].clone();
    assert_eq!(get(test, &priya, &format!("{path}/pullrequests/9999")).await.0, 404);
    assert_eq!(state().await, "connected", "what was asked is no fault of the connection");
    test.sandbox.revoke_token("workspace-token-agents");
    let (status, answer) = get(test, &priya, &path).await;
    assert_eq!((status, &answer["code"]), (409, &json!("bitbucket_not_authorised")), "{answer}");
    assert_eq!(state().await, "reconnect");
}

async fn lists_go_on_and_answers_say_what_matters(test: &Test) {
    let amara = caller(test, "Amara Okafor", None).await;
    test.own_grant(&amara.member, AMARA, READING).await;
    let first = json!({"method": "GET", "path": "repositories/lumenpay", "query": {"pagelen": 10, "sort": "slug", "fields": ["+values.uuid"]}});
    let (status, answer) = call(test, &amara, first).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["body"]["values"].as_array().is_some_and(|values| values.len() == 3), "{answer}");
    let called = test.sandbox.calls();
    let called = called.iter().find(|call| call.path == "/2.0/repositories/lumenpay").expect("a call");
    assert_eq!(called.query, "fields=%2Bvalues.uuid&pagelen=10&sort=slug");
    let (status, answer) = get(test, &amara, "repositories/lumenpay/nothing").await;
    assert_eq!((status, &answer["code"]), (404, &json!("bitbucket_not_found")), "{answer}");
    assert!(answer["detail"].as_str().expect("a remedy").contains("access"), "{answer}");
}
