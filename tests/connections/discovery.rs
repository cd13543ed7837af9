//! Which workspaces a connection reaches: all pages of Bitbucket's list, and a sentence where there are more than can be offered.

use bitbucket_sandbox::{ApiToken, Workspace};
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONNECTIONS, CONSUMER, consent, listed, owner, register};
use crate::both;
use crate::harness::{TOMASZ, Test};

both!(with super::CONSUMER => every_page_of_the_workspaces_is_offered_and_a_sentence_says_when_there_are_more);

/// Adds workspaces that everybody belongs to, numbered from `first`.
fn add(test: &Test, first: usize, count: usize) {
    let workspace = |number: usize| Workspace {
        uuid: format!("{{01990000-0000-4000-8000-{number:012}}}"),
        slug: format!("w-{number:04}"),
        name: format!("Workspace {number}"),
        personal: false,
    };
    test.sandbox.world(|world| world.workspaces.extend((first..first + count).map(workspace)));
}

async fn every_page_of_the_workspaces_is_offered_and_a_sentence_says_when_there_are_more(test: &Test) {
    register(test);
    add(test, 0, 250);
    let ingrid = owner(test).await;
    let page = consent(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")], TOMASZ).await;
    let choice = page.header("location").to_owned();
    let offered = ingrid.get(test, &choice).await;
    assert!(offered.body.contains("Choose w-0249"), "the last of the third page");
    assert!(!offered.body.contains("more workspaces than"), "all are shown");
    add(test, 250, 400);
    let offered = ingrid.get(test, &choice).await;
    assert!(offered.body.contains("reaches more workspaces than the 500 that are shown"), "{}", offered.body.len());
    assert!(!offered.body.contains("Choose w-0649"));
    let last = "01990000-0000-4000-8000-000000000249";
    assert_eq!(ingrid.post(test, &choice, &[("workspace", last)]).await.status, 303);
    assert_eq!(listed(test).await[0]["bitbucket_workspace_slug"], "w-0249");

    // Where one is not among those that were read, the answer says that there are more.
    test.sandbox.world(|world| {
        let lumenpay = world.workspaces.remove(0);
        world.workspaces.push(lumenpay);
    });
    let held = ["read:user:bitbucket", "read:workspace:bitbucket", "read:repository:bitbucket", "read:pullrequest:bitbucket"];
    test.sandbox.add_api_token(ApiToken::new("ATATT-tomasz", "tomasz@lumenpay.example", TOMASZ, &held));
    let day = (test.now() + chrono::TimeDelta::days(90)).date_naive().to_string();
    let body = json!({"name": "T", "kind": "api_token", "workspace": "lumenpay", "email": "tomasz@lumenpay.example",
        "token": "ATATT-tomasz", "expires_on": day, "purposes": ["reading"]});
    let answer = test.api(Method::POST, "/connections").json(&body).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("a problem");
    assert_eq!(answer["code"], "reach_unproven", "{answer}");
    assert!(answer["detail"].as_str().expect("why").contains("Only the first 500 workspaces"), "{answer}");
}
