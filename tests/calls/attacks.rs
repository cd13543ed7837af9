//! Paths, queries and bodies that want to lead a call elsewhere: each is refused before anything is sent.

use reqwest::Method;
use serde_json::{Value, json};

use super::{CALL, READING, WRITING, allow, call, caller};
use crate::both;
use crate::harness::people::Person;
use crate::harness::{AMARA, PRIYA, Test};

both!(no_path_leads_anywhere_but_to_an_operation, no_query_and_no_body_is_passed_on_unread, somebody_elses_right_is_nobodys);

async fn no_path_leads_anywhere_but_to_an_operation(test: &Test) {
    let amara = caller(test, "Amara Okafor", None).await;
    test.own_grant(&amara.member, AMARA, READING).await;
    let cases = [
        ("https://evil.example/2.0/user", 400, "path_absolute"),
        ("//evil.example/2.0/user", 400, "path_absolute"),
        ("user/../repositories/lumenpay", 400, "path_dots"),
        ("user/%2e%2e/repositories/lumenpay", 400, "path_encoding"),
        ("user/%252e%252e/repositories", 400, "path_encoding"),
        ("repositories/lumenpay%2fledger", 400, "path_encoding"),
        ("repositories\\lumenpay", 400, "path_characters"),
        ("repositories/lumenpay/led\u{0}ger", 400, "path_characters"),
        ("user%0d%0aHost:%20evil.example", 400, "path_characters"),
        ("user?access_token=x", 400, "path_has_query"),
        ("user#x", 400, "path_has_query"),
        ("repositories//ledger", 400, "path_part_empty"),
        ("", 400, "path_missing"),
        ("site/oauth2/access_token", 400, "operation_unknown"),
        ("2.0/2.0/user", 400, "operation_unknown"),
        ("addon/key/client-key", 400, "operation_not_offered"),
        ("repositories/lumenpay/ledger/issues/7", 410, "operation_removed"),
        ("repositories/lumenpay/ledger/wiki", 410, "operation_removed"),
        ("repositories", 410, "operation_removed"),
        ("user/permissions/repositories", 410, "operation_removed"),
    ];
    let before = test.sandbox.calls().len();
    for (path, status, code) in cases {
        let (answered, answer) = call(test, &amara, json!({"method": "GET", "path": path})).await;
        assert_eq!((answered, &answer["code"]), (status, &json!(code)), "{path}: {answer}");
    }
    let (_, answer) = call(test, &amara, json!({"method": "GET", "path": format!("src/{}", "a".repeat(3000))})).await;
    assert_eq!(answer["code"], "path_too_long");
    assert_eq!(test.sandbox.calls().len(), before, "nothing was sent");
}

async fn no_query_and_no_body_is_passed_on_unread(test: &Test) {
    let amara = caller(test, "Amara Okafor", None).await;
    test.own_grant(&amara.member, AMARA, WRITING).await;
    allow(test, &["branches", "repositories"], &[]).await;
    let with = |name: &str, value: Value| {
        let mut body = json!({"method": "GET", "path": "user"});
        body[name] = value;
        body
    };
    let cases = [
        (with("query", json!({"access_token": "x"})), 400, "query_invalid"),
        (with("query", json!({"q": "a\r\nb"})), 400, "query_invalid"),
        (with("query", json!({"q": "x".repeat(9000)})), 400, "query_invalid"),
        (with("query", json!({"q": {"a": 1}})), 400, "body_malformed"),
        (with("body", json!({"a": 1})), 400, "body_not_taken"),
        (with("method", json!("PATCH")), 400, "method_unknown"),
        (with("method", json!("GET\r\n")), 400, "method_unknown"),
        (with("host", json!("evil.example")), 400, "body_malformed"),
        (with("headers", json!({"Authorization": "x"})), 400, "body_malformed"),
        (
            json!({"method": "PUT", "path": "repositories/lumenpay/ledger", "body": {"description": "x".repeat(140_000)}}),
            413,
            "body_too_large",
        ),
        (
            json!({"method": "PUT", "path": "repositories/lumenpay/ledger", "body": {"description": "x".repeat(300_000)}}),
            413,
            "body_too_large",
        ),
    ];
    let before = test.sandbox.calls().len();
    for (index, (body, status, code)) in cases.into_iter().enumerate() {
        let (answered, answer) = call(test, &amara, body).await;
        assert_eq!((answered, &answer["code"]), (status, &json!(code)), "{index}: {answer}");
    }
    assert_eq!(test.sandbox.calls().len(), before, "nothing was sent");
}

async fn somebody_elses_right_is_nobodys(test: &Test) {
    test.installed().await;
    let (amara, priya) = (caller(test, "Amara Okafor", None).await, caller(test, "Priya Raman", Some(PRIYA)).await);
    test.own_grant(&amara.member, AMARA, READING).await;
    assert_eq!(call(test, &priya, json!({"method": "GET", "path": "user"})).await.0, 403, "another member's grant");
    let without = test.token(&amara.member, "read,write").await;
    let narrow = Person { token: without, ..Person::of(test, amara.member.clone()).await };
    let (status, answer) = narrow.call(test, Method::POST, CALL, Some(json!({"method": "GET", "path": "user"}))).await;
    assert_eq!((status, &answer["code"]), (403, &json!("scope_missing")), "{answer}");
    // A workspace that only knows the name of the Bitbucket workspace.
    let made = crate::harness::make_workspace(&test.server, "Elsewhere", "Maya Levi", "maya@elsewhere.example").await;
    test.workspace_token(WRITING, "agents writes", Some(&["ledger"])).await;
    let maya = Person { token: made.token, ..Person::of(test, made.owner).await };
    test.bind(&maya.member, AMARA).await;
    let (_, answer) = call(test, &maya, json!({"method": "GET", "path": "repositories/lumenpay/ledger"})).await;
    assert_eq!(answer["code"], "workspace_not_connected");
}
