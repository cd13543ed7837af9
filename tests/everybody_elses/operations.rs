//! The operations for programs: none answers without a token, and those for owners only an owner of the same workspace.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Stage, former_owner, nothing_has_changed};
use crate::both;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::people::Person;
use crate::harness::{AMARA, Test, make_workspace};

both!(no_operation_answers_without_a_token, operations_for_owners_are_for_those_of_the_workspace);

/// An operation as the document of the API has it.
struct Operation {
    method: Method,
    path: String,
    is_for_owners: bool,
}

async fn operations(test: &Test) -> Vec<Operation> {
    let document = test.get(&format!("{}/api/openapi.json", test.url)).await;
    let document: Value = serde_json::from_str(&document.body).expect("a document");
    let paths = document["paths"].as_object().expect("paths").iter().filter_map(|(path, methods)| {
        let below = path.strip_prefix("/api/v1")?;
        Some((below.to_owned(), methods.as_object()?))
    });
    let operations = paths.flat_map(|(path, methods)| {
        methods.iter().filter_map(move |(method, operation)| {
            let scopes = operation["security"][0]["api_token"].as_array()?;
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).ok()?;
            Some(Operation { method, path: path.clone(), is_for_owners: scopes.contains(&json!("owner")) })
        })
    });
    operations.collect()
}

async fn no_operation_answers_without_a_token(test: &Test) {
    let operations = operations(test).await;
    assert!(operations.len() > 40, "{} operations", operations.len());
    for Operation { method, path, .. } in operations {
        let url = format!("{}/api/v1{}", test.url, path.replace(['{', '}'], "0"));
        let answer = test.http.request(method.clone(), url).json(&json!({})).send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "{method} {path}");
    }
}

/// What an operation is sent, so that nothing but who asks speaks against it.
fn body(operation: &Operation) -> Option<Value> {
    match (operation.method.as_str(), operation.path.as_str()) {
        ("POST", "/installations/{id}/disconnect") => Some(json!({"workspace": "lumenpay"})),
        ("PUT", "/connections/{id}") => Some(json!({"name": "Theirs", "purposes": []})),
        ("PUT", "/connections/{id}/token") => Some(json!({"token": "ATCTT3xFfGN0"})),
        ("POST", "/connections/{id}/disconnect") => Some(json!({})),
        ("PUT", "/quick-action") => Some(json!({"enabled": false})),
        ("PUT", "/bitbucket/allowed-operations") => Some(json!({"groups": ["repositories"], "operations": []})),
        ("POST", "/members") => Some(json!({"name": "New", "email": "new@lumenpay.example", "role": "owner"})),
        ("PATCH", "/members/{id}") => Some(json!({"role": "owner"})),
        ("PUT", "/members/{id}/identity") => Some(json!({"account_id": "712020:another"})),
        ("POST", "/join-requests/{id}/approve") => Some(json!({})),
        ("PUT", "/bitbucket-workspaces/{id}/choice") => Some(json!({"all": true})),
        ("PUT", "/bitbucket-workspaces/{id}/rule") => Some(json!({"includes_new": true})),
        _ => None,
    }
}

async fn operations_for_owners_are_for_those_of_the_workspace(test: &Test) {
    let stage = Stage::new(test).await;
    let jonas = former_owner(test).await;
    let made = make_workspace(&test.server, "Elsewhere", "Maya Levi", "maya@elsewhere.example").await;
    let maya = Person { token: made.token, ..Person::of(test, made.owner).await };
    let operations = operations(test).await;
    let mut tried = 0;
    for operation in operations.iter().filter(|operation| operation.is_for_owners) {
        let Operation { method, path, .. } = operation;
        let id = match path.split('/').nth(1) {
            Some("installations") => stage.installation.as_str(),
            Some("connections") => &stage.connection,
            Some("join-requests") => &stage.joining,
            Some("bitbucket-workspaces") => LUMENPAY_UUID,
            Some("repository-proposals") => &stage.proposal,
            Some("members") => stage.amara.member.id.as_str(),
            _ => AMARA,
        };
        let address = path.replace("{id}", id);
        for who in [&stage.amara, &jonas] {
            let (status, answer) = who.call(test, method.clone(), &address, body(operation)).await;
            assert_eq!(status, 403, "{} {method} {path}: {answer}", who.member.name);
        }
        if path.contains("{id}") {
            let (status, answer) = maya.call(test, method.clone(), &address, body(operation)).await;
            assert_eq!(status, 404, "{method} {path}: {answer}");
        }
        tried += 1;
    }
    assert!(tried > 14, "{tried} operations");
    nothing_has_changed(&stage).await;
    test.run_jobs().await;
}
