//! What a link by address or by repository shows: nothing more, until Bitbucket shows the pull request to somebody who may see the link, by
//! a grant of their own.

use bitbucket_sandbox::{AccessToken, Permission, Reach, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONSUMER, consent, owner, register};
use crate::both;
use crate::harness::people::Person;
use crate::harness::{AMARA, INGRID, LEDGER, Test};

both!(with super::CONSUMER =>
    what_the_makers_own_grant_shows_is_shown,
    a_new_grant_is_tried_on_what_was_linked_before,
    a_grant_of_somebody_who_may_not_see_the_link_is_not_looked_with,
    what_bitbucket_does_not_show_them_stays_an_address,
    what_is_in_a_workspace_that_is_not_connected_stays_an_address,
);

const GRANT: &str = "/profile/grant";
const LEDGER_UUID: &str = "{b2d51f2c-63b5-4f69-9e7c-1c8c8d4ba002}";

/// Connects the Bitbucket workspace without the app.
async fn connect(test: &Test) {
    let token = AccessToken::new("ATCTT-reads", Reach::Workspace("lumenpay".to_owned()), &["repository", "pullrequest"]);
    test.sandbox.add_access_token(token);
    let body = json!({"name": "Reads", "kind": "workspace_token", "workspace": "lumenpay", "token": "ATCTT-reads", "purposes": ["reading"]});
    test.api_json(Method::POST, "/connections", Some(body)).await;
    test.run_jobs().await;
}

/// The owner attaches the pull request 87 to a draft of their own.
async fn link(test: &Test, by_uuid: bool) {
    let priya = test.member("Priya Raman", &format!("priya{by_uuid}@lumenpay.example"), None).await;
    let draft = json!({"about": priya.id, "body": "Well done.", "shared": false});
    let draft = test.api_json(Method::POST, "/feedback", Some(draft)).await;
    let mut body = json!({"kind": "feedback", "target": draft["id"]});
    if by_uuid {
        (body["repository"], body["pull_request"]) = (json!(LEDGER_UUID), json!(87));
    } else {
        body["url"] = json!(format!("{}/{LEDGER}/pull-requests/87", test.config.bitbucket_web_url));
    }
    test.api_json(Method::POST, "/links", Some(body)).await;
    test.run_jobs().await;
}

/// What the links show, the newest first.
async fn shown(test: &Test) -> Vec<Value> {
    let links = test.api_json(Method::GET, "/links", None).await;
    let entries = links["entries"].as_array().expect("entries").iter();
    entries.map(|link| link["pull_request"]["state"].clone()).collect()
}

fn asked(test: &Test) -> usize {
    test.sandbox.calls().iter().filter(|call| call.path.ends_with("/pullrequests/87")).count()
}

async fn what_the_makers_own_grant_shows_is_shown(test: &Test) {
    register(test);
    connect(test).await;
    consent(test, &owner(test).await, GRANT, &[], INGRID).await;
    link(test, false).await;
    assert_eq!(shown(test).await, ["OPEN"]);
    assert_eq!(asked(test), 2, "once with her grant, once with the workspace's connection");
    link(test, true).await;
    assert_eq!(shown(test).await, ["OPEN", "OPEN"], "by whatever name it was linked");
}

async fn a_new_grant_is_tried_on_what_was_linked_before(test: &Test) {
    register(test);
    connect(test).await;
    link(test, true).await;
    assert_eq!((shown(test).await, asked(test)), (vec![Value::Null], 0));
    consent(test, &owner(test).await, GRANT, &[], INGRID).await;
    test.run_jobs().await;
    assert_eq!(shown(test).await, ["OPEN"]);
}

async fn a_grant_of_somebody_who_may_not_see_the_link_is_not_looked_with(test: &Test) {
    register(test);
    connect(test).await;
    consent(test, &Person::new(test, "Amara Okafor").await, GRANT, &[], AMARA).await;
    link(test, false).await;
    assert_eq!((shown(test).await, asked(test)), (vec![Value::Null], 0));
}

async fn what_bitbucket_does_not_show_them_stays_an_address(test: &Test) {
    register(test);
    connect(test).await;
    test.sandbox.world(|world: &mut World| world.permit(LEDGER, INGRID, Permission::None));
    consent(test, &owner(test).await, GRANT, &[], INGRID).await;
    link(test, false).await;
    assert_eq!((shown(test).await, asked(test)), (vec![Value::Null], 1), "although the workspace's connection would be shown it");
}

async fn what_is_in_a_workspace_that_is_not_connected_stays_an_address(test: &Test) {
    register(test);
    consent(test, &owner(test).await, GRANT, &[], INGRID).await;
    link(test, false).await;
    assert_eq!(shown(test).await, [Value::Null]);
}
