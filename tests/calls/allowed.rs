//! What owners allow to be changed at Bitbucket.

use reqwest::Method;
use serde_json::{Value, json};

use super::ALLOWED;
use crate::both;
use crate::harness::Test;
use crate::harness::people::Person;

both!(
    owners_allow_changes_and_take_it_back,
    every_member_reads_the_operations_and_only_owners_allow,
    owners_read_whose_branch_restrictions_count,
);

const DELETE_REPOSITORY: &str = "DELETE /repositories/{workspace}/{repo_slug}";

async fn is_allowed(test: &Test, method: &str, path: &str) -> Value {
    let listed = test.api_json(Method::GET, "/bitbucket/operations", None).await;
    let operations = listed["operations"].as_array().expect("operations");
    let found = operations.iter().find(|operation| operation["method"] == method && operation["path"] == path);
    found.expect("the operation")["allowed"].clone()
}

async fn owners_allow_changes_and_take_it_back(test: &Test) {
    let pull_requests = "/repositories/{workspace}/{repo_slug}/pullrequests";
    assert_eq!(is_allowed(test, "GET", pull_requests).await, true);
    assert_eq!(is_allowed(test, "POST", pull_requests).await, false);

    let wanted = json!({"groups": ["pull_requests"], "operations": [DELETE_REPOSITORY]});
    assert_eq!(test.api_json(Method::PUT, ALLOWED, Some(wanted.clone())).await, wanted);
    assert_eq!(is_allowed(test, "POST", pull_requests).await, true);
    let merge = format!("{pull_requests}/{{pull_request_id}}/merge");
    assert_eq!(is_allowed(test, "POST", &merge).await, false, "a group does not allow what cannot be taken back");

    let wanted = json!({"groups": [], "operations": [DELETE_REPOSITORY]});
    test.api_json(Method::PUT, ALLOWED, Some(wanted.clone())).await;
    assert_eq!(test.api_json(Method::GET, ALLOWED, None).await, wanted);

    let audit = test.api_json(Method::GET, "/audit", None).await;
    let said: Vec<&str> =
        audit["entries"].as_array().expect("entries").iter().filter_map(|entry| entry["sentence"].as_str()).collect();
    assert_eq!(said.iter().filter(|does| does.contains("changes at Bitbucket by API")).count(), 3, "{said:?}");
    assert!(said[0].contains("no longer allows") && said[0].contains("“Pull requests”"), "{said:?}");
}

async fn owners_read_whose_branch_restrictions_count(test: &Test) {
    let ingrid = Person::of(test, test.made.owner.clone()).await;
    let page = ingrid.get(test, "/settings/integrations/bitbucket/changes").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("by what its branch restrictions allow that connection, not the member"), "{}", page.body);
}

async fn every_member_reads_the_operations_and_only_owners_allow(test: &Test) {
    let amara = Person::new(test, "Amara Okafor").await;
    let token = test.token(&amara.member, "read,write,bitbucket").await;
    let amara = Person { token, ..amara };
    let (status, listed) = amara.call(test, Method::GET, "/bitbucket/operations", None).await;
    assert_eq!((status, listed["operations"].as_array().map(Vec::len)), (200, Some(278)), "{listed}");
    let (status, answer) = amara.call(test, Method::PUT, ALLOWED, Some(json!({"groups": [], "operations": []}))).await;
    assert_eq!((status, &answer["code"]), (403, &json!("scope_missing")), "{answer}");
    for (wanted, code) in [
        (json!({"groups": ["app"], "operations": []}), "group_invalid"),
        (json!({"groups": [], "operations": ["GET /user"]}), "operation_unknown"),
        (json!({"groups": []}), "body_malformed"),
    ] {
        let answer = test.api(Method::PUT, ALLOWED).json(&wanted).send().await.expect("an answer");
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.json::<Value>().await.expect("a problem")["code"], code);
    }
}
