use proptest::prelude::*;
use serde_json::json;

use super::*;

const WORKSPACE: Uuid = Uuid::from_u128(0x5f0c7a52_1d0e_4b8b_9a3e_6a1f0e5d2c11);
const REPOSITORY: Uuid = Uuid::from_u128(0xa1c40e1b_52a4_4e58_8d6b_0b7b7c3a9f01);
const INSTALLATION: Uuid = Uuid::from_u128(0x11111111_2222_4333_8444_555555555555);

fn event() -> Value {
    json!({
        "eventType": "avi:bitbucket:updated:pullrequest",
        "timestamp": "2026-11-20T10:00:00.000Z", "selfGenerated": false,
        "actor": { "type": "user", "accountId": "712020:1", "uuid": "{e508425f-96e8-429c-81af-4fbfb07ed305}" },
        "workspace": { "uuid": WORKSPACE.braced().to_string() },
        "repository": { "uuid": REPOSITORY.braced().to_string(), "slug": "checkout" },
        "project": { "uuid": "{3a5d97a4-eb3d-47e1-96f4-940405c3281a}" },
        "pullrequest": { "id": 412, "state": "OPEN", "title": { "truncated": false, "value": "Not kept" } },
    })
}

fn parse(body: &Value) -> Result<RepositoryEvent, PayloadRefusal> {
    RepositoryEvent::parse(body.to_string().as_bytes())
}

fn with(name: &str, value: Value) -> Value {
    let mut body = event();
    body[name] = value;
    body
}

#[test]
fn an_event_says_the_same_in_every_shape() {
    let read = RepositoryEvent {
        event: "avi:bitbucket:updated:pullrequest".to_owned(),
        workspace: Some(WORKSPACE),
        repository: Some(REPOSITORY),
        pull_request: Some(412),
    };
    let mut camel = event();
    let pull_request = camel["pullrequest"].take();
    camel["pullRequest"] = pull_request;
    let mut bare = event();
    bare["workspace"]["uuid"] = json!(WORKSPACE.to_string());
    bare["repository"]["uuid"] = json!(REPOSITORY.to_string().to_uppercase());
    let retried =
        json!({ "payload": event(), "retryContext": { "retryCount": 2, "retryReason": "TIMEOUT_ERROR", "retryData": null } });
    for body in [event(), camel, bare, retried, with("payload", Value::Null), with("unheard_of", json!([{}]))] {
        assert_eq!(parse(&body), Ok(read.clone()), "{body}");
    }
}

#[test]
fn what_is_missing_is_none_and_no_error() {
    for body in [
        json!({ "eventType": "avi:bitbucket:push:repository" }),
        json!({ "eventType": "avi:bitbucket:push:repository", "workspace": null, "repository": {}, "pullrequest": { "id": null } }),
        json!({ "eventType": "avi:bitbucket:push:repository", "workspace": "none", "repository": [], "pullRequest": 7 }),
    ] {
        let event = parse(&body).expect("lenient");
        assert_eq!((event.workspace, event.repository, event.pull_request), (None, None, None), "{body}");
    }
}

#[test]
fn a_body_without_one_clear_event_is_refused() {
    for value in [Value::Null, json!(""), json!(7), json!("<b>"), json!(["avi:bitbucket:x"]), json!("a".repeat(97))] {
        assert_eq!(parse(&with("eventType", value)), Err(PayloadRefusal::EventTypeMalformed));
    }
    assert_eq!(parse(&with("eventType", json!("avi:jira:created:issue"))), Err(PayloadRefusal::EventTypeUnknown));
    for body in [json!([]), json!("text"), Value::Null, json!({ "payload": [] }).take()] {
        assert!(parse(&body).is_err(), "{body}");
    }
    assert_eq!(RepositoryEvent::parse(b"{}x"), Err(PayloadRefusal::BodyMalformed));
}

#[test]
fn ids_that_are_none_are_refused() {
    assert_eq!(parse(&with("workspace", json!({ "uuid": "../user" }))), Err(PayloadRefusal::WorkspaceUuidMalformed));
    assert_eq!(parse(&with("repository", json!({ "uuid": 1 }))), Err(PayloadRefusal::RepositoryUuidMalformed));
    for id in [json!(0), json!("412"), json!(-1), json!(1.5), json!(u64::MAX)] {
        assert_eq!(parse(&with("pullrequest", json!({ "id": id }))), Err(PayloadRefusal::PullRequestMalformed));
    }
}

fn lifecycle(event: &str) -> Value {
    json!({
        "id": format!("ari:cloud:ecosystem::installation/{INSTALLATION}"),
        "eventType": event,
        "context": format!("ari:cloud:bitbucket::workspace/{WORKSPACE}"),
        "installerAccountId": "712020:22a7b9c1",
        "app": { "id": "ari:cloud:ecosystem::app/x", "version": "2.0.0" },
        "environment": { "id": "x" }, "permissions": {},
    })
}

#[test]
fn a_lifecycle_call_names_installation_workspace_and_who_installed() {
    for (name, event) in
        [("avi:forge:installed:app", LifecycleEvent::Installed), ("avi:forge:upgraded:app", LifecycleEvent::Upgraded)]
    {
        let read = Lifecycle {
            event,
            installation: INSTALLATION,
            workspace: Some(WORKSPACE),
            installer: Some("712020:22a7b9c1".to_owned()),
        };
        for body in [lifecycle(name), json!({ "payload": lifecycle(name) })] {
            assert_eq!(Lifecycle::parse(body.to_string().as_bytes()), Ok(read.clone()));
        }
    }
    let short =
        json!({ "id": INSTALLATION.to_string(), "eventType": "avi:forge:installed:app", "context": "ari:cloud:jira::site/1" });
    let read = Lifecycle::parse(short.to_string().as_bytes()).expect("lenient");
    assert_eq!((read.workspace, read.installer), (None, None));
}

#[test]
fn a_lifecycle_call_of_no_installation_or_another_event_is_refused() {
    for id in [Value::Null, json!(7), json!("x"), json!(format!("ari:cloud:ecosystem::app/{INSTALLATION}"))] {
        let mut body = lifecycle("avi:forge:installed:app");
        body["id"] = id;
        assert_eq!(Lifecycle::parse(body.to_string().as_bytes()), Err(PayloadRefusal::InstallationMalformed));
    }
    let uninstalled = lifecycle("avi:forge:uninstalled:app").to_string();
    assert_eq!(Lifecycle::parse(uninstalled.as_bytes()), Err(PayloadRefusal::EventTypeUnknown));
    assert_eq!(Lifecycle::parse(b""), Err(PayloadRefusal::BodyMalformed));
}

proptest! {
    #[test]
    fn no_body_makes_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,100}") {
        for body in [body.as_slice(), text.as_bytes()] {
            prop_assert!(RepositoryEvent::parse(body).is_err() && Lifecycle::parse(body).is_err());
        }
    }
}
