//! Events of Forge: a hint that something linked has changed, and nothing else.

use bitbucket_sandbox::{Fault, ForgeCaller, ForgeInstallation, Misbehaviour, PullRequestState, World};
use serde_json::{Value, json};

use crate::both;
use crate::harness::forge::FORGE;
use crate::harness::{LEDGER, LUCIA, Page, Test};

both!(with super::FORGE =>
    an_event_about_a_linked_pull_request_has_it_fetched_anew,
    an_event_is_read_however_it_is_nested_and_written,
    events_that_repeat_or_come_out_of_order_change_nothing,
    an_event_about_anything_else_leaves_nothing,
    an_event_of_another_workspace_is_refused,
    bodies_that_cannot_be_forges_are_refused_and_no_more_than_512_kibibytes_are_read,
    an_event_that_the_server_could_not_take_is_taken_when_it_comes_again,
);

const UPDATED: &str = "avi:bitbucket:updated:pullrequest";

/// A Forge installation of the workspace, and a linked pull request in it.
async fn linked(test: &Test) -> ForgeInstallation {
    let connect = test.installed().await;
    test.attached(&connect).await;
    test.install_forge().await
}

/// State and title of the pull request as the database has them.
async fn fetched(test: &Test) -> (Option<String>, Option<String>) {
    use clarityloop_bitbucket::storage::schema::pull_requests;
    use diesel::prelude::*;
    let read = |connection: &mut clarityloop_bitbucket::storage::AnyConnection| {
        Ok(pull_requests::table.select((pull_requests::state, pull_requests::title)).first(connection)?)
    };
    test.server.app.read(read).await.expect("the pull request")
}

async fn state(test: &Test) -> String {
    fetched(test).await.0.unwrap_or_default()
}

fn close(test: &Test, state: PullRequestState) {
    let now = test.now();
    test.sandbox.world(|world: &mut World| world.pull_request_mut(LEDGER, 87).expect("it").close(state, LUCIA, now));
    test.pass_seconds(1);
}

async fn an_event_about_a_linked_pull_request_has_it_fetched_anew(test: &Test) {
    let installation = linked(test).await;
    assert_eq!(state(test).await, "OPEN");
    close(test, PullRequestState::Merged);
    let event = "avi:bitbucket:fulfilled:pullrequest";
    assert_eq!(test.sandbox.deliver_forge(&installation.id, event, LEDGER, 87).await, Ok(Some(204)));
    assert_eq!(state(test).await, "OPEN", "the body is not believed");
    test.run_jobs().await;
    assert_eq!(state(test).await, "MERGED");
    let mut fetches = test.sandbox.calls().into_iter().filter(|call| call.path.contains("/pullrequests/87"));
    assert!(fetches.next_back().is_some_and(|call| call.authorized_as.as_deref() == Some(installation.id.as_str())));
    let newest = &test.installations().await[0];
    assert!(newest["door"] == "forge" && newest["last_event_at"].is_string(), "{newest}");
}

async fn an_event_is_read_however_it_is_nested_and_written(test: &Test) {
    let installation = linked(test).await;
    let body = test.sandbox.forge_event(UPDATED, LEDGER, 87, LUCIA).expect("a body");
    let mut renamed = body.clone();
    renamed["pullRequest"] = renamed["pullrequest"].take();
    let mut bare = body.clone();
    for name in ["workspace", "repository"] {
        let uuid = bare[name]["uuid"].as_str().expect("a UUID").trim_matches(['{', '}']).to_owned();
        bare[name]["uuid"] = json!(uuid);
    }
    let mut without_workspace = body.clone();
    without_workspace["workspace"] = Value::Null;
    for (number, body) in [json!({ "payload": body }), renamed, bare, without_workspace].into_iter().enumerate() {
        let title = format!("Title {number}");
        let now = test.now();
        test.sandbox.world(|world: &mut World| world.pull_request_mut(LEDGER, 87).expect("it").retitle(&title, now));
        test.pass_seconds(1);
        assert_eq!(test.sandbox.deliver_forge_body(&installation.id, body).await, Ok(Some(204)));
        test.run_jobs().await;
        assert_eq!(fetched(test).await.1, Some(title));
    }
}

async fn events_that_repeat_or_come_out_of_order_change_nothing(test: &Test) {
    let installation = linked(test).await;
    let early = test.sandbox.forge_event(UPDATED, LEDGER, 87, LUCIA).expect("a body");
    close(test, PullRequestState::Declined);
    for event in ["avi:bitbucket:rejected:pullrequest", UPDATED, "avi:bitbucket:rejected:pullrequest"] {
        assert_eq!(test.sandbox.deliver_forge(&installation.id, event, LEDGER, 87).await, Ok(Some(204)));
    }
    assert_eq!(test.jobs().await, ["refresh_pull_request"], "while one refresh waits, more say nothing new");
    test.run_jobs().await;
    let settled = fetched(test).await;
    for _ in 0..2 {
        assert_eq!(test.sandbox.deliver_forge_body(&installation.id, early.clone()).await, Ok(Some(204)));
        test.run_jobs().await;
    }
    assert_eq!((settled.0.as_deref(), fetched(test).await), (Some("DECLINED"), settled.clone()));
}

async fn an_event_about_anything_else_leaves_nothing(test: &Test) {
    let installation = linked(test).await;
    for (event, repository, number) in [
        (UPDATED, LEDGER, 84),
        ("avi:bitbucket:created:pullrequest", "lumenpay/checkout", 412),
        ("avi:bitbucket:push:repository", LEDGER, 87),
        ("avi:bitbucket:created:build-status", LEDGER, 87),
    ] {
        assert_eq!(test.sandbox.deliver_forge(&installation.id, event, repository, number).await, Ok(Some(204)));
    }
    let unknown = json!({ "eventType": "avi:bitbucket:invented:thing" });
    assert_eq!(test.sandbox.deliver_forge_body(&installation.id, unknown).await, Ok(Some(204)), "a newer manifest's event");
    assert_eq!(test.jobs().await, Vec::<String>::new());
}

async fn an_event_of_another_workspace_is_refused(test: &Test) {
    let installation = linked(test).await;
    let token = test.forge_token(&installation, ForgeCaller::Trigger).sign();
    let mut body = test.sandbox.forge_event(UPDATED, LEDGER, 87, LUCIA).expect("a body");
    body["workspace"]["uuid"] = json!("{00000000-1d0e-4b8b-9a3e-6a1f0e5d2c11}");
    for body in [json!({ "payload": body }), body] {
        let answer = test.forge_post("/forge/events", &token, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "workspace_mismatch"));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert_eq!(test.jobs().await, Vec::<String>::new());
}

async fn bodies_that_cannot_be_forges_are_refused_and_no_more_than_512_kibibytes_are_read(test: &Test) {
    let installation = test.installed_forge().await;
    let token = test.forge_token(&installation, ForgeCaller::Trigger).sign();
    for (body, code) in [
        (json!([]), "body_malformed"),
        (json!({}), "event_type_malformed"),
        (json!({ "eventType": "avi:forge:installed:app" }), "event_type_unknown"),
        (json!({ "eventType": UPDATED, "workspace": { "uuid": "lumenpay" } }), "workspace_uuid_malformed"),
        (json!({ "eventType": UPDATED, "repository": { "uuid": 7 } }), "repository_uuid_malformed"),
        (json!({ "eventType": UPDATED, "pullrequest": { "id": -1 } }), "pull_request_malformed"),
    ] {
        let answer = test.forge_post("/forge/events", &token, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{body}");
    }
    for path in ["/forge/events", "/forge/lifecycle"] {
        for raw in ["", "[]", "null", "{", "\"installed\"", "\u{feff}{}", "{\"payload\":[]}"] {
            let request = test.http.post(format!("{}{path}", test.url)).bearer_auth(&token).body(raw);
            let answer = Page::read(request.send().await.expect("an answer")).await;
            assert_eq!(answer.status, 400, "{path} {raw}: {}", answer.body);
            assert!(answer.header("content-type") == "application/json" && !answer.code().is_empty(), "{path} {raw}");
        }
    }
    let large = json!({ "eventType": "avi:forge:installed:app", "padding": "x".repeat(64 * 1024) });
    assert_eq!(test.forge_post("/forge/lifecycle", &token, &large).await.code(), "body_too_large");
    for (kibibytes, status) in [(513, 413), (500, 204)] {
        let body = json!({ "eventType": UPDATED, "padding": "x".repeat(kibibytes * 1024) });
        assert_eq!(test.forge_post("/forge/events", &token, &body).await.status, status, "{kibibytes} KiB");
    }
    let answer =
        test.http.get(format!("{}/forge/events", test.url)).header("accept", "text/html").send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].as_bytes()), (405, &b"application/json"[..]));
}

async fn an_event_that_the_server_could_not_take_is_taken_when_it_comes_again(test: &Test) {
    let installation = linked(test).await;
    close(test, PullRequestState::Merged);
    // The keys have just rotated, and Forge's document cannot be had: the token cannot be verified.
    test.sandbox.rotate_forge_keys();
    test.sandbox.misbehave(Misbehaviour::on("/forge/", Fault::Status(503)));
    let event = "avi:bitbucket:fulfilled:pullrequest";
    assert_eq!(test.sandbox.deliver_forge(&installation.id, event, LEDGER, 87).await, Ok(Some(401)));
    test.sandbox.behave();
    test.pass_seconds(61);
    assert_eq!(test.sandbox.retry_forge_deliveries().await, Ok(vec![Some(204)]));
    test.run_jobs().await;
    assert_eq!(state(test).await, "MERGED");
}
