//! Webhooks: a hint that something linked has changed, and nothing else.

use std::sync::Arc;

use bitbucket_sandbox::{Installation, PullRequestState, World};
use chrono::NaiveDateTime;
use clarityloop_bitbucket::activity::events::{self, Hint, Taken};
use clarityloop_bitbucket::connect::webhook::Delivery;
use clarityloop_bitbucket::people::pull_requests::enqueue_refresh;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::ids::PullRequestId;
use clarityloop_bitbucket::storage::schema::{installations, jobs as job_rows, pull_requests};
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
    an_event_costs_a_single_statement_as_a_transaction_of_its_own,
    either_way_of_enqueuing_a_refresh_writes_the_same_row,
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

/// Has an event about the linked pull request taken, past the door; answers what became of it and how many statements it cost.
async fn take(test: &Test, installation: &Installation) -> (Taken, u64) {
    let data = test.sandbox.event_data("pullrequest:updated", LEDGER, 87, LUCIA).expect("a body");
    let body = json!({ "event": "pullrequest:updated", "data": data }).to_string();
    let hint = Hint::from(Delivery::parse(body.as_bytes(), None).expect("a delivery"));
    let statements = &test.server.app.metrics.database_statements;
    let before = statements.get();
    let arrived = Arc::new((installation.client_key.clone(), hint, test.server.app.now()));
    let at_once = {
        let arrived = Arc::clone(&arrived);
        move |connection: &mut AnyConnection| events::take_at_once(connection, &arrived.0, &arrived.1, &arrived.2)
    };
    let otherwise = move |connection: &mut AnyConnection| events::take_otherwise(connection, &arrived.0, &arrived.1, &arrived.2);
    let taken = test.server.app.write_at_once(at_once, otherwise).await;
    (taken.expect("it is taken"), statements.get() - before)
}

async fn an_event_costs_a_single_statement_as_a_transaction_of_its_own(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let (taken, first) = take(test, &installation).await;
    assert_eq!(taken, Taken::Enqueued);
    assert!(first > 1, "the first of its minute is noted as well");
    test.run_jobs().await;
    test.pass_seconds(20);
    assert_eq!(take(test, &installation).await, (Taken::Enqueued, 1));
    test.run_jobs().await;
    let noted = |connection: &mut AnyConnection| {
        Ok(installations::table.select(installations::last_event_at).first::<Option<NaiveDateTime>>(connection)?)
    };
    let before = test.server.app.read(noted).await.expect("a moment");
    test.pass_seconds(61);
    take(test, &installation).await;
    assert!(test.server.app.read(noted).await.expect("a moment") > before, "a minute later it is noted anew");
    test.run_jobs().await;
}

async fn either_way_of_enqueuing_a_refresh_writes_the_same_row(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    take(test, &installation).await;
    test.run_jobs().await;
    test.pass_seconds(1);
    take(test, &installation).await;
    let of_the_event = written(test).await;
    refresh(test).await;
    assert_eq!(written(test).await, of_the_event, "the one that waits holds the other back");
    test.server.app.write(|connection| Ok(diesel::delete(job_rows::table).execute(connection)?)).await.expect("no job");
    refresh(test).await;
    assert_eq!(written(test).await, of_the_event);
    assert_eq!(take(test, &installation).await.0, Taken::Enqueued);
    assert_eq!(written(test).await, of_the_event, "and the other way round");
    test.run_jobs().await;
}

/// Has the linked pull request fetched anew, as what people do has.
async fn refresh(test: &Test) {
    let now = test.server.app.now();
    let refresh = move |connection: &mut AnyConnection| {
        let id: PullRequestId = pull_requests::table.select(pull_requests::id).first(connection)?;
        enqueue_refresh(connection, &id, &now)
    };
    test.server.app.write(refresh).await.expect("a refresh");
}

type Written = (String, String, Option<String>, i32, Option<NaiveDateTime>, Option<String>, Option<NaiveDateTime>);

/// The rows of the queue, but for what differs from one to the next: the id, and the moment, which is when it was made.
async fn written(test: &Test) -> Vec<Written> {
    let read = |connection: &mut AnyConnection| {
        let same = (
            job_rows::kind,
            job_rows::payload,
            job_rows::deduplication_key,
            job_rows::attempts,
            job_rows::locked_until,
            job_rows::last_error,
            job_rows::failed_at,
        );
        let own = (job_rows::id, job_rows::run_at, job_rows::created_at);
        Ok(job_rows::table.select((same, own)).load::<(Written, (String, NaiveDateTime, NaiveDateTime))>(connection)?)
    };
    let rows = test.server.app.read(read).await.expect("the queue");
    let check = |(same, (id, run_at, created_at)): (Written, (String, NaiveDateTime, NaiveDateTime))| {
        assert_eq!((id.len(), run_at), (36, created_at));
        same
    };
    rows.into_iter().map(check).collect()
}
