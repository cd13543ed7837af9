//! Changes: only what an owner allowed, shown first, confirmed where nothing takes it back, and written down.

use reqwest::Method;
use serde_json::{Value, json};

use super::{READING, WRITING, allow, asked, call, caller};
use crate::both;
use crate::harness::{AMARA, LEDGER, PRIYA, Test};

both!(
    nothing_is_changed_that_no_owner_has_allowed,
    what_is_said_in_ones_own_name_needs_ones_own_grant,
    a_dry_run_shows_what_would_be_sent_and_sends_nothing,
    what_cannot_be_taken_back_is_confirmed_by_name,
    every_change_is_written_down_with_what_came_of_it,
);

const BRANCHES: &str = "repositories/lumenpay/ledger/refs/branches";
const NEW_BRANCH: &str = "POST /2.0/repositories/lumenpay/ledger/refs/branches";

fn branch(name: &str) -> Value {
    json!({"method": "POST", "path": BRANCHES, "body": {"name": name, "target": {"hash": "main"}}})
}

async fn nothing_is_changed_that_no_owner_has_allowed(test: &Test) {
    let amara = caller(test, "Amara Okafor", None).await;
    test.own_grant(&amara.member, AMARA, WRITING).await;
    let (status, answer) = call(test, &amara, branch("fees")).await;
    assert_eq!((status, &answer["code"]), (403, &json!("write_not_allowed")), "{answer}");
    allow(test, &["pull_requests"], &[]).await;
    assert_eq!(call(test, &amara, branch("fees")).await.0, 403, "another group");
    assert_eq!(asked(test), Vec::<String>::new());
    allow(test, &["branches"], &[]).await;
    let (status, answer) = call(test, &amara, branch("fees")).await;
    assert_eq!((status, &answer["status"]), (200, &json!(201)), "{answer}");
    assert_eq!(asked(test), [NEW_BRANCH]);
    let delete = json!({"method": "DELETE", "path": format!("{BRANCHES}/fees"), "confirm": "fees"});
    assert_eq!(call(test, &amara, delete).await.1["code"], "write_not_allowed", "a group deletes nothing");
    // A connection of the workspace that only reads changes nothing either, and neither does who only reads at Bitbucket.
    test.installed().await;
    test.workspace_token(READING, "agents", Some(&["ledger"])).await;
    let priya = caller(test, "Priya Raman", Some(PRIYA)).await;
    assert_eq!(call(test, &priya, branch("other")).await.1["code"], "connection_missing");
}

async fn what_is_said_in_ones_own_name_needs_ones_own_grant(test: &Test) {
    const REQUEST: &str = "/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}";
    test.installed().await;
    test.workspace_token(WRITING, "agents writes", Some(&["ledger"])).await;
    let delete = [format!("DELETE {REQUEST}/comments/{{comment_id}}"), format!("DELETE {REQUEST}/tasks/{{task_id}}")];
    allow(test, &["pull_requests"], &[&delete[0], &delete[1]]).await;
    let priya = caller(test, "Priya Raman", Some(PRIYA)).await;
    let path = |rest: &str| format!("repositories/{LEDGER}/pullrequests/87{rest}");
    let words = json!({"content": {"raw": "Looks good."}});
    for (method, rest) in [
        ("POST", "/approve"),
        ("DELETE", "/approve"),
        ("POST", "/request-changes"),
        ("POST", "/comments/1/resolve"),
        ("PUT", "/comments/1"),
        ("DELETE", "/comments/1"),
        ("PUT", "/tasks/1"),
        ("DELETE", "/tasks/1"),
    ] {
        let body = if method == "PUT" { words.clone() } else { Value::Null };
        let (status, answer) =
            call(test, &priya, json!({"method": method, "path": path(rest), "body": body, "confirm": "1"})).await;
        assert_eq!((status, &answer["code"]), (403, &json!("own_grant_needed")), "{method} {rest}: {answer}");
    }
    assert_eq!(asked(test), Vec::<String>::new(), "nothing was sent in the connection’s name");
    let (status, answer) = call(test, &priya, json!({"method": "POST", "path": path("/comments"), "body": words})).await;
    assert_eq!(status, 200, "whoever reads may comment: {answer}");
    test.own_grant(&priya.member, PRIYA, WRITING).await;
    let (status, answer) = call(test, &priya, json!({"method": "POST", "path": path("/approve")})).await;
    assert_eq!((status, &answer["status"]), (200, &json!(200)), "{answer}");
}

async fn a_dry_run_shows_what_would_be_sent_and_sends_nothing(test: &Test) {
    let amara = caller(test, "Amara Okafor", None).await;
    test.own_grant(&amara.member, AMARA, WRITING).await;
    allow(test, &["branches"], &[]).await;
    let mut wanted = branch("fees");
    wanted["dry_run"] = json!(true);
    let (status, answer) = call(test, &amara, wanted.clone()).await;
    assert_eq!((status, &answer["status"]), (200, &Value::Null), "{answer}");
    let shown = &answer["would_send"];
    assert_eq!(shown["method"], "POST");
    assert_eq!(shown["url"], format!("{}/2.0/{BRANCHES}", test.sandbox.url()));
    assert_eq!(shown["body"], wanted["body"]);
    assert!(!answer.to_string().to_lowercase().contains("bearer"), "{answer}");
    assert_eq!(asked(test), Vec::<String>::new());
    let audit = test.api_json(Method::GET, "/audit", None).await;
    assert!(!audit.to_string().contains("called the Bitbucket API"), "{audit}");
}

async fn what_cannot_be_taken_back_is_confirmed_by_name(test: &Test) {
    let amara = caller(test, "Amara Okafor", None).await;
    test.own_grant(&amara.member, AMARA, WRITING).await;
    allow(test, &["branches"], &["DELETE /repositories/{workspace}/{repo_slug}/refs/branches/{name}"]).await;
    assert_eq!(call(test, &amara, branch("feature/fees")).await.0, 200);
    let delete = |confirm: Value| json!({"method": "DELETE", "path": format!("{BRANCHES}/feature/fees"), "confirm": confirm});
    for wrong in [Value::Null, json!("fees"), json!("FEATURE/FEES")] {
        let (status, answer) = call(test, &amara, delete(wrong)).await;
        assert_eq!((status, &answer["code"]), (409, &json!("confirmation_needed")), "{answer}");
    }
    let mut dry = delete(Value::Null);
    dry["dry_run"] = json!(true);
    assert_eq!(call(test, &amara, dry).await.1["would_send"]["confirm"], "feature/fees");
    let (status, answer) = call(test, &amara, delete(json!("feature/fees"))).await;
    assert_eq!((status, &answer["status"], &answer["body"]), (200, &json!(204), &Value::Null), "{answer}");
    assert_eq!(
        asked(test).last().map(String::as_str),
        Some("DELETE /2.0/repositories/lumenpay/ledger/refs/branches/feature%2Ffees")
    );
}

async fn every_change_is_written_down_with_what_came_of_it(test: &Test) {
    let amara = caller(test, "Amara Okafor", None).await;
    test.own_grant(&amara.member, AMARA, WRITING).await;
    allow(test, &["branches", "pull_requests"], &[]).await;
    assert_eq!(call(test, &amara, branch("fees")).await.0, 200);
    assert_eq!(call(test, &amara, branch("fees")).await.0, 400);
    let secret =
        json!({"method": "POST", "path": format!("repositories/{LEDGER}/pullrequests"), "body": {"title": "Sealed words."}});
    assert_eq!(call(test, &amara, secret).await.0, 400);
    let audit = test.api_json(Method::GET, "/audit", None).await;
    let said: Vec<&str> =
        audit["entries"].as_array().expect("entries").iter().filter_map(|entry| entry["sentence"].as_str()).collect();
    let calls: Vec<&&str> = said.iter().filter(|sentence| sentence.contains("called the Bitbucket API")).collect();
    assert_eq!(calls.len(), 3, "{said:?}");
    let entry = "called the Bitbucket API: POST /repositories/lumenpay/ledger/refs/branches: ";
    assert!(calls.iter().any(|sentence| sentence.ends_with(&format!("{entry}done (201)"))), "{calls:?}");
    assert!(calls.iter().any(|sentence| sentence.ends_with(&format!("{entry}refused (bitbucket_refused)"))), "{calls:?}");
    assert!(!audit.to_string().contains("Sealed words."), "no body is kept");
}
