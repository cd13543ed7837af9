//! Webhooks: a hint that something linked has changed, and nothing else.

use bitbucket_sandbox::{Installation, PullRequestState, World};
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::pull_requests;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::{LEDGER, LUCIA, Test};

both!(
    an_event_about_a_linked_pull_request_has_it_fetched_anew,
    an_event_about_anything_else_leaves_nothing,
    events_that_repeat_or_come_out_of_order_change_nothing,
    an_event_of_another_workspace_is_refused,
    a_body_of_more_than_512_kibibytes_is_refused,
    an_event_of_an_uninstalled_app_is_refused,
    an_event_while_the_installation_waits_is_ignored,
    an_event_that_is_not_signed_is_refused,
);

/// The pull request of the only link, as its maker sees it by REST.
async fn linked(test: &Test) -> Value {
    test.api_json(Method::GET, "/links", None).await["entries"][0]["pull_request"].clone()
}

fn close(test: &Test, state: PullRequestState) {
    let now = test.now();
    test.sandbox.world(|world: &mut World| world.pull_request_mut(LEDGER, 87).expect("it").close(state, LUCIA, now));
}

fn times_fetched(test: &Test) -> usize {
    test.sandbox.calls().iter().filter(|call| call.path.contains("/pullrequests/")).count()
}

async fn an_event_about_a_linked_pull_request_has_it_fetched_anew(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    assert_eq!(linked(test).await["state"], "OPEN");
    close(test, PullRequestState::Merged);
    test.pass_seconds(1);
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:fulfilled", LEDGER, 87).await, Ok(204));
    assert_eq!(linked(test).await["state"], "OPEN", "the body is not believed");
    test.run_jobs().await;
    assert_eq!(linked(test).await["state"], "MERGED");
    let now = test.now();
    test.sandbox.world(|world: &mut World| world.pull_request_mut(LEDGER, 87).expect("it").retitle("A <b>new</b> title", now));
    test.pass_seconds(1);
    assert_eq!(test.sandbox.deliver_plain(&installation.client_key, "pullrequest:updated", LEDGER, 87).await, Ok(204));
    test.run_jobs().await;
    assert_eq!(linked(test).await["title"], "A <b>new</b> title", "a plain body says the same as a wrapped one");
}

async fn an_event_about_anything_else_leaves_nothing(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let fetched = times_fetched(test);
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:updated", LEDGER, 84).await, Ok(204));
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:created", "lumenpay/checkout", 412).await, Ok(204));
    let bare = json!({ "event": "pullrequest:updated", "data": { "pullrequest": null, "repository": null } });
    assert_eq!(test.sandbox.deliver_body(&installation.client_key, "pullrequest:updated", &bare).await, Ok(204));
    assert_eq!(test.jobs().await, Vec::<String>::new());
    let count = |connection: &mut AnyConnection| Ok(pull_requests::table.count().get_result::<i64>(connection)?);
    assert_eq!((test.server.app.read(count).await.expect("a count"), times_fetched(test)), (1, fetched));
}

async fn events_that_repeat_or_come_out_of_order_change_nothing(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    close(test, PullRequestState::Declined);
    test.pass_seconds(1);
    for event in ["pullrequest:rejected", "pullrequest:updated", "pullrequest:created", "pullrequest:rejected"] {
        assert_eq!(test.sandbox.deliver(&installation.client_key, event, LEDGER, 87).await, Ok(204));
    }
    assert_eq!(test.jobs().await, ["refresh_pull_request"], "while one refresh waits, more say nothing new");
    test.run_jobs().await;
    let settled = linked(test).await;
    assert_eq!(settled["state"], "DECLINED");
    // A delivery from before: its body still says OPEN.
    let mut late = test.sandbox.event_data("pullrequest:updated", LEDGER, 87, LUCIA).expect("a body");
    late["pullrequest"]["state"] = json!("OPEN");
    late["pullrequest"]["title"] = json!("An older title");
    for body in [json!({ "event": "pullrequest:updated", "data": late }), late] {
        assert_eq!(test.sandbox.deliver_body(&installation.client_key, "pullrequest:updated", &body).await, Ok(204));
        test.run_jobs().await;
    }
    let after = linked(test).await;
    assert_eq!((&after["state"], &after["title"]), (&settled["state"], &settled["title"]));
}

async fn an_event_of_another_workspace_is_refused(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let mut data = test.sandbox.event_data("pullrequest:updated", LEDGER, 87, LUCIA).expect("a body");
    data["repository"]["workspace"]["uuid"] = json!("{00000000-1d0e-4b8b-9a3e-6a1f0e5d2c11}");
    for body in [json!({ "event": "pullrequest:updated", "data": data }), data] {
        assert_eq!(test.sandbox.deliver_body(&installation.client_key, "pullrequest:updated", &body).await, Ok(403));
    }
    assert_eq!(test.jobs().await, Vec::<String>::new());
}

async fn a_body_of_more_than_512_kibibytes_is_refused(test: &Test) {
    let installation = test.installed().await;
    for (kibibytes, status) in [(513, 413), (500, 204)] {
        let body = json!({ "event": "pullrequest:updated", "data": {}, "padding": "x".repeat(kibibytes * 1024) });
        let answered = test.sandbox.deliver_body(&installation.client_key, "pullrequest:updated", &body).await;
        assert_eq!(answered, Ok(status), "{kibibytes} KiB");
    }
}

async fn an_event_of_an_uninstalled_app_is_refused(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
    let fetched = times_fetched(test);
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:fulfilled", LEDGER, 87).await, Ok(403));
    assert_eq!((test.jobs().await, times_fetched(test)), (Vec::new(), fetched));
}

async fn an_event_while_the_installation_waits_is_ignored(test: &Test) {
    let installation: Installation = test.install().await;
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:updated", LEDGER, 87).await, Ok(204));
    assert_eq!(test.jobs().await, Vec::<String>::new());
    assert_eq!(test.states().await, ["waiting"]);
}

async fn an_event_that_is_not_signed_is_refused(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let data = test.sandbox.event_data("pullrequest:updated", LEDGER, 87, LUCIA).expect("a body");
    let url = format!("{}/connect/webhooks", test.url);
    let forged = test.sandbox.token(&installation.client_key, "POST", &url, 3600).expect("a token").sign("another");
    for authorization in [None, Some(format!("JWT {forged}"))] {
        let mut request = test.http.post(&url).header("X-Event-Key", "pullrequest:updated").json(&data);
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        assert_eq!(request.send().await.expect("an answer").status(), 401);
    }
    assert_eq!(test.jobs().await, Vec::<String>::new());
}
