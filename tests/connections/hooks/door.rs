//! The door of ordinary webhooks: what is signed by a webhook of ours is a hint that something linked has changed, and nothing else is
//! taken, nor told apart.

use bitbucket_sandbox::hub_signature;
use reqwest::RequestBuilder;

use super::*;
use crate::harness::{Page, make_workspace};

both!(with super::CONSUMER =>
    a_delivery_has_what_is_linked_fetched_anew,
    whatever_is_not_signed_is_refused_alike,
    what_is_signed_and_of_another_place_is_refused,
    a_webhook_of_a_repository_speaks_for_that_repository_alone,
    nobody_elses_webhook_speaks_for_a_connection,
);

async fn a_delivery_has_what_is_linked_fetched_anew(test: &Test) {
    register(test);
    connected(test, &owner(test).await).await;
    look(test).await;
    linked(test).await;
    merge(test);
    assert_eq!(deliver(test, "pullrequest:fulfilled").await, [[204]]);
    assert_eq!(state(test).await, "OPEN", "the body is not believed");
    assert_eq!(test.jobs().await, ["refresh_pull_request"]);
    // It comes once more, and one from before comes late.
    let again = test.sandbox.deliveries("pullrequest:fulfilled", LEDGER, 87, LUCIA).expect("deliveries").remove(0);
    for _ in 0..2 {
        assert_eq!(test.sandbox.send(&again).await, [204]);
    }
    assert_eq!(deliver(test, "pullrequest:updated").await, [[204]]);
    assert_eq!(test.jobs().await, ["refresh_pull_request"], "while one waits, more say nothing new");
    test.run_jobs().await;
    assert_eq!(state(test).await, "MERGED");
    assert!(heard(test).await["delivered_at"].is_string());
    // What nobody has linked leaves nothing.
    for (event, repository, number) in [("pullrequest:updated", LEDGER, 84), ("pullrequest:created", "lumenpay/checkout", 412)] {
        let answers = test.sandbox.deliver_to_hooks(event, repository, number, LUCIA).await.expect("a pull request");
        assert_eq!(answers, [[204]]);
    }
    assert_eq!(test.jobs().await, Vec::<String>::new());
}

/// A delivery as a caller of no good makes it.
fn forged(test: &Test, id: &str, hook: &Hook, signature: Option<&str>, body: &str) -> RequestBuilder {
    let request = test.http.post(format!("{}/hooks/bitbucket/{id}", test.url)).header("X-Event-Key", "pullrequest:fulfilled");
    let request = request.header("X-Hook-UUID", hook.uuid.trim_matches(['{', '}'])).body(body.to_owned());
    match signature {
        Some(signature) => request.header("X-Hub-Signature", signature),
        None => request,
    }
}

async fn send(request: RequestBuilder) -> Page {
    Page::read(request.send().await.expect("an answer")).await
}

async fn whatever_is_not_signed_is_refused_alike(test: &Test) {
    register(test);
    let id = connected(test, &owner(test).await).await;
    look(test).await;
    linked(test).await;
    merge(test);
    let hook = only(test);
    let body = test.sandbox.event_data("pullrequest:fulfilled", LEDGER, 87, LUCIA).expect("a body").to_string();
    let secret = hook.secret.clone().expect("a secret");
    let right = hub_signature(&secret, body.as_bytes());
    let of_another = hub_signature("another secret", body.as_bytes());
    let of_another_body = hub_signature(&secret, b"{}");
    let nobody = "01990000-0000-7000-8000-000000000000";
    let attempts = [
        forged(test, &id, &hook, None, &body),
        forged(test, &id, &hook, Some(&of_another), &body),
        forged(test, &id, &hook, Some(&of_another_body), &body),
        forged(test, &id, &hook, Some(&right.replace("sha256=", "sha1=")), &body),
        forged(test, &id, &hook, Some(&right[..70]), &body),
        forged(test, &id, &hook, Some(""), &body),
        forged(test, &id, &hook, Some(&right), &format!("{body} ")),
        forged(test, &id, &hook, Some(&right), &body).header("X-Hub-Signature", &of_another),
        forged(test, nobody, &hook, Some(&right), &body),
        forged(test, nobody, &hook, None, &body),
        forged(test, "1", &hook, Some(&right), &body),
        forged(test, "%00", &hook, Some(&right), &body),
    ];
    let without_id = |page: &Page| {
        let mut problem: Value = serde_json::from_str(&page.body).expect("a problem");
        problem["request_id"] = Value::Null;
        (page.status, problem)
    };
    let mut answers = Vec::new();
    for attempt in attempts {
        answers.push(without_id(&send(attempt).await));
    }
    assert_eq!((answers[0].0, answers[0].1["code"].clone()), (401, json!("hook_signature_invalid")));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "one answer for all: {answers:?}");
    assert_eq!(
        (test.jobs().await, heard(test).await["delivered_at"].clone()),
        (Vec::new(), Value::Null),
        "and nothing has changed"
    );
    assert_eq!(send(forged(test, &id, &hook, Some(&right), &body)).await.status, 204, "as Bitbucket itself sends it");
    test.run_jobs().await;
    assert_eq!(state(test).await, "MERGED");
}

/// Sends a body that the webhook has signed.
async fn signed(test: &Test, id: &str, hook: &Hook, body: &str) -> Page {
    let signature = hub_signature(hook.secret.as_deref().expect("a secret"), body.as_bytes());
    send(forged(test, id, hook, Some(&signature), body)).await
}

async fn what_is_signed_and_of_another_place_is_refused(test: &Test) {
    register(test);
    let id = connected(test, &owner(test).await).await;
    look(test).await;
    linked(test).await;
    let hook = only(test);
    let mut body = test.sandbox.event_data("pullrequest:updated", LEDGER, 87, LUCIA).expect("a body");
    body["repository"]["workspace"]["uuid"] = json!("{00000000-1d0e-4b8b-9a3e-6a1f0e5d2c11}");
    let page = signed(test, &id, &hook, &body.to_string()).await;
    assert_eq!((page.status, page.code().as_str()), (403, "workspace_mismatch"));
    for (body, status, code) in [("no JSON", 400, "body_malformed"), (r#"{"repository": {"uuid": "1"}}"#, 400, "")] {
        let page = signed(test, &id, &hook, body).await;
        assert_eq!(page.status, status, "{}", page.body);
        assert!(code.is_empty() || page.code() == code, "{}", page.body);
    }
    for (kibibytes, status) in [(513, 413), (500, 204)] {
        let padded = json!({"padding": "x".repeat(kibibytes * 1024)}).to_string();
        assert_eq!(signed(test, &id, &hook, &padded).await.status, status, "{kibibytes} KiB");
    }
    assert_eq!(test.jobs().await, Vec::<String>::new());
}

async fn a_webhook_of_a_repository_speaks_for_that_repository_alone(test: &Test) {
    connected_as_amara(test).await;
    choose(test, &[LEDGER_UUID], &[]).await;
    look(test).await;
    let id = listed(test).await[0]["id"].as_str().expect("an id").to_owned();
    let hook = only(test);
    linked(test).await;
    let elsewhere = test.sandbox.event_data("pullrequest:updated", "lumenpay/checkout", 412, LUCIA).expect("a body");
    let page = signed(test, &id, &hook, &elsewhere.to_string()).await;
    assert_eq!((page.status, page.code().as_str()), (403, "repository_mismatch"));
    merge(test);
    assert_eq!(deliver(test, "pullrequest:fulfilled").await, [[204]]);
    test.run_jobs().await;
    assert_eq!(state(test).await, "MERGED");
}

async fn nobody_elses_webhook_speaks_for_a_connection(test: &Test) {
    register(test);
    let id = connected(test, &owner(test).await).await;
    look(test).await;
    linked(test).await;
    let hook = only(test);
    let made = make_workspace(&test.server, "Elsewhere", "Maya Levi", "maya@elsewhere.example").await;
    let theirs = test.connection(LUMENPAY_UUID).await;
    test.give_connection(&theirs, &made.owner).await;
    let body = test.sandbox.event_data("pullrequest:updated", LEDGER, 87, LUCIA).expect("a body").to_string();
    assert_eq!(signed(test, &theirs, &hook, &body).await.status, 401, "our webhook at their connection");
    for below in ["rotate", "check"] {
        let path = format!("/connections/{id}/hooks/{below}");
        let answer = test.api_as(&made.token, Method::POST, &path).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{below}");
    }
    assert_eq!(only(test).secret, hook.secret);
    assert_eq!(test.jobs().await, Vec::<String>::new());
}
