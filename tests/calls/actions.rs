//! Actions where the bare call is a trap: repositories, pull requests and their reviewers.

use bitbucket_sandbox::Review;
use reqwest::Method;
use serde_json::{Value, json};

use super::{WRITING, allow, asked, caller};
use crate::both;
use crate::harness::people::Person;
use crate::harness::{AMARA, LEDGER, LUCIA, PRIYA, TOMASZ, Test};

both!(
    a_repository_is_created_changed_and_deleted,
    a_pull_request_is_opened_with_default_reviewers_and_without_whom_bitbucket_refuses,
    reviewers_are_added_and_removed_without_clearing_the_others,
    how_a_pull_request_stands_is_told_in_one_answer,
);

/// Mei Tanaka, who has no part in the pull request yet.
const MEI: &str = "712020:55daecf4-409e-4152-9e9b-ae6d50410005";
const REPOSITORIES: &str = "/bitbucket/repositories";
const PULL_REQUESTS: &str = "/bitbucket/repositories/lumenpay/ledger/pull-requests";

async fn writer(test: &Test) -> Person {
    let amara = caller(test, "Amara Okafor", Some(AMARA)).await;
    test.own_grant(&amara.member, AMARA, WRITING).await;
    amara
}

async fn a_repository_is_created_changed_and_deleted(test: &Test) {
    let amara = writer(test).await;
    let owner = bitbucket_sandbox::WorkspacePermission::Owner;
    test.sandbox.world(|world| world.enrol("lumenpay", AMARA, owner));
    let new = json!({"workspace": "lumenpay", "repository": "fees", "project": "PAY", "description": "What it costs"});
    let (status, answer) = amara.call(test, Method::POST, REPOSITORIES, Some(new.clone())).await;
    assert_eq!((status, &answer["code"]), (403, &json!("write_not_allowed")), "{answer}");
    allow(test, &["repositories"], &["DELETE /repositories/{workspace}/{repo_slug}"]).await;
    let (status, made) = amara.call(test, Method::POST, REPOSITORIES, Some(new)).await;
    assert_eq!((status, &made["full_name"], &made["private"]), (201, &json!("lumenpay/fees"), &json!(true)), "{made}");
    assert_eq!(made["project"], "PAY");
    let fees = format!("{REPOSITORIES}/lumenpay/fees");
    let (status, changed) = amara.call(test, Method::PATCH, &fees, Some(json!({"description": "Fees"}))).await;
    assert_eq!((status, &changed["uuid"]), (200, &made["uuid"]), "{changed}");
    let (status, answer) = amara.call(test, Method::PATCH, &fees, Some(json!({}))).await;
    assert_eq!((status, &answer["code"]), (400, &json!("nothing_to_change")));
    // Bitbucket's own call would make one.
    let nowhere = format!("{REPOSITORIES}/lumenpay/nowhere");
    let (status, answer) = amara.call(test, Method::PATCH, &nowhere, Some(json!({"description": "x"}))).await;
    assert_eq!((status, &answer["code"]), (404, &json!("bitbucket_not_found")), "{answer}");
    let (status, answer) = amara.call(test, Method::DELETE, &format!("{fees}?confirm=fees"), None).await;
    assert_eq!((status, &answer["code"]), (409, &json!("confirmation_needed")), "{answer}");
    let (status, answer) = amara.call(test, Method::DELETE, &format!("{fees}?confirm=lumenpay/fees"), None).await;
    assert_eq!(status, 204, "{answer}");
    assert!(test.sandbox.world(|world| world.repository("lumenpay/fees").is_none()));
}

fn accounts(pull_request: &Value) -> Vec<&str> {
    let reviewers = pull_request["reviewers"].as_array().expect("reviewers");
    reviewers.iter().filter_map(|reviewer| reviewer["account_id"].as_str()).collect()
}

async fn a_pull_request_is_opened_with_default_reviewers_and_without_whom_bitbucket_refuses(test: &Test) {
    let amara = writer(test).await;
    allow(test, &["pull_requests"], &[]).await;
    test.sandbox.world(|world| {
        world.branch_off(LEDGER, "feature/fees");
        world.add_default_reviewer(LEDGER, AMARA);
        world.add_default_reviewer(LEDGER, PRIYA);
        world.add_default_reviewer(LEDGER, TOMASZ);
        world.permit(LEDGER, TOMASZ, bitbucket_sandbox::Permission::None);
        world.enrol("lumenpay", TOMASZ, bitbucket_sandbox::WorkspacePermission::None);
    });
    let new = json!({"title": "Fees", "source_branch": "feature/fees", "reviewers": [LUCIA], "draft": false});
    let (status, opened) = amara.call(test, Method::POST, PULL_REQUESTS, Some(new)).await;
    assert_eq!(status, 201, "{opened}");
    assert_eq!(accounts(&opened["pull_request"]), [LUCIA, PRIYA]);
    let left_out = opened["left_out"].as_array().expect("a list");
    assert_eq!(left_out.len(), 1, "the author was not even asked for: {opened}");
    assert_eq!(left_out[0]["reviewer"]["account_id"], TOMASZ);
    assert!(left_out[0]["why"].as_str().is_some_and(|why| why.contains("not a member")), "{opened}");

    let number = opened["pull_request"]["number"].as_i64().expect("a number");
    let path = format!("{PULL_REQUESTS}/{number}");
    let (status, changed) = amara.call(test, Method::PATCH, &path, Some(json!({"title": "Fees, once more"}))).await;
    assert_eq!((status, &changed["title"]), (200, &json!("Fees, once more")), "{changed}");
    assert_eq!(accounts(&changed), [LUCIA, PRIYA], "they stay");
    let stale = json!({"title": "Late", "if_updated_on": "2020-01-01T00:00:00+00:00"});
    let (status, answer) = amara.call(test, Method::PATCH, &path, Some(stale)).await;
    assert_eq!((status, &answer["code"]), (409, &json!("pull_request_changed")), "{answer}");
    let (_, answer) = amara.call(test, Method::PATCH, &path, Some(json!({"reviewers": ["Priya Raman"]}))).await;
    assert_eq!(answer["code"], "reviewer_invalid");
}

async fn reviewers_are_added_and_removed_without_clearing_the_others(test: &Test) {
    let amara = writer(test).await;
    allow(test, &["pull_requests"], &[]).await;
    let path = format!("{PULL_REQUESTS}/87");
    let (_, before) = amara.call(test, Method::GET, &path, None).await;
    let before = &before["pull_request"];
    let others: Vec<&str> = accounts(before);
    assert!(!others.is_empty() && !others.contains(&MEI), "{before}");
    let (status, added) = amara.call(test, Method::PUT, &format!("{path}/reviewers/{MEI}"), None).await;
    assert_eq!(status, 200, "{added}");
    let mut with = others.clone();
    with.push(MEI);
    assert_eq!((accounts(&added), &added["title"]), (with, &before["title"]));
    let puts = |test: &Test| asked(test).iter().filter(|call| call.starts_with("PUT")).count();
    assert_eq!(puts(test), 1);
    assert_eq!(amara.call(test, Method::PUT, &format!("{path}/reviewers/{MEI}"), None).await.0, 200);
    assert_eq!(puts(test), 1, "already one");
    let (status, removed) = amara.call(test, Method::DELETE, &format!("{path}/reviewers/{MEI}"), None).await;
    assert_eq!((status, accounts(&removed)), (200, others), "{removed}");
    assert_eq!(
        amara.call(test, Method::PUT, &format!("{path}/reviewers/Priya%20Raman"), None).await.1["code"],
        "reviewer_invalid"
    );
    let now = test.now();
    test.sandbox.world(|world| {
        let merged = bitbucket_sandbox::PullRequestState::Merged;
        world.pull_request_mut(LEDGER, 87).expect("a pull request").close(merged, AMARA, now);
    });
    let (status, answer) = amara.call(test, Method::PUT, &format!("{path}/reviewers/{MEI}"), None).await;
    assert_eq!((status, &answer["code"]), (409, &json!("pull_request_closed")), "{answer}");
}

async fn how_a_pull_request_stands_is_told_in_one_answer(test: &Test) {
    let amara = writer(test).await;
    let now = test.now();
    test.sandbox.world(|world| world.pull_request_mut(LEDGER, 87).expect("a pull request").review(PRIYA, Review::Approved, now));
    let (status, answer) = amara.call(test, Method::GET, &format!("{PULL_REQUESTS}/87"), None).await;
    assert_eq!((status, &answer["pull_request"]["state"]), (200, &json!("OPEN")), "{answer}");
    assert!(answer["approved_by"].as_array().expect("a list").iter().any(|person| person["account_id"] == PRIYA), "{answer}");
    assert!(answer["builds"].is_array(), "{answer}");
    for nothing in ["9999", "x", "-1"] {
        assert_eq!(amara.call(test, Method::GET, &format!("{PULL_REQUESTS}/{nothing}"), None).await.0, 404, "{nothing}");
    }
}
