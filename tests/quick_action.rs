//! PR Quick Action: off, the panel says so at once, and Bitbucket is told to take the entry away; on, the reverse.

use bitbucket_sandbox::{App, Fault, Install, Installation, Misbehaviour};
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::{INGRID, LEDGER, LUMENPAY, Page, Test};

both!(
    a_panel_that_is_open_obeys_the_switch_at_once,
    the_entry_goes_from_bitbucket_and_comes_back,
    a_refusal_of_bitbucket_ends_the_attempt_and_is_shown,
    what_may_pass_is_tried_again_when_its_time_has_come,
    pressing_the_switch_again_while_bitbucket_is_told_is_not_lost,
    an_install_while_the_switch_is_off_comes_without_the_entry,
    only_an_owner_presses_the_switch,
);
both!(with super::REGISTERED => a_registered_app_keeps_its_entry_with_the_quiet_line);

const APP_SECRET: &str = "the one secret of the registered app";
const REGISTERED: &[(&str, &str)] = &[("CLARITYLOOP__CONNECT__APP_SECRET", APP_SECRET)];
const QUIET_LINE: &str = "PR Quick Action is switched off for lumenpay.";

async fn switch(test: &Test, enabled: bool) -> Value {
    test.api_json(Method::PUT, "/quick-action", Some(json!({ "enabled": enabled }))).await
}

/// How far the only installation follows: its state, whether the entry is shown, and why telling Bitbucket failed.
async fn following(test: &Test) -> (Value, Value, Value) {
    let shown = test.api_json(Method::GET, "/quick-action", None).await;
    let following = &shown["installations"][0];
    (following["state"].clone(), following["entry"]["shown"].clone(), following["entry"]["error"].clone())
}

/// What pull request pages at Bitbucket show of the app: a panel and an entry, or neither.
fn has_entry(test: &Test, installation: &Installation) -> bool {
    let panel = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, INGRID).is_ok();
    assert_eq!(panel, test.sandbox.item_url(&installation.client_key, LEDGER, 87, INGRID).is_ok());
    panel
}

fn times_told(test: &Test) -> usize {
    test.sandbox.calls().iter().filter(|call| call.method == "PUT" && call.path == "/2.0/addon").count()
}

fn assert_quiet(page: &Page) {
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains(QUIET_LINE) && !page.body.contains("<form"), "{}", page.body);
}

async fn a_panel_that_is_open_obeys_the_switch_at_once(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let address = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, INGRID).expect("a panel address");
    let open = test.get(&address).await;
    assert!(open.body.contains("<form"), "{}", open.body);
    switch(test, false).await;
    assert_quiet(&test.get(&address).await);
    let form = [("token", open.field("token")), ("target", "new:someone".to_owned()), ("about", test.priya().await)];
    let saved = test.post("/connect/panel/links", &form.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    assert_eq!(saved.status, 403);
    assert!(saved.body.contains(QUIET_LINE), "{}", saved.body);
    assert_eq!(test.api_json(Method::GET, "/links", None).await["entries"].as_array().map(Vec::len), Some(1));
    switch(test, true).await;
    assert!(test.get(&address).await.body.contains("<form"));
    test.run_jobs().await;
}

async fn the_entry_goes_from_bitbucket_and_comes_back(test: &Test) {
    let installation = test.installed().await;
    assert!(has_entry(test, &installation));
    switch(test, false).await;
    assert_eq!(following(test).await, (json!("pending"), json!(true), Value::Null));
    test.run_jobs().await;
    assert!(!has_entry(test, &installation));
    assert_eq!(following(test).await, (json!("follows"), json!(false), Value::Null));
    assert!(test.sandbox.configure_url(&installation.client_key).is_ok(), "the configure page stays");
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:updated", LEDGER, 87).await, Ok(204));
    switch(test, false).await;
    test.run_jobs().await;
    assert_eq!(times_told(test), 1, "what Bitbucket shows already is not told again");
    switch(test, true).await;
    test.run_jobs().await;
    assert!(has_entry(test, &installation));
    assert_eq!(following(test).await, (json!("follows"), json!(true), Value::Null));
    assert_eq!(test.panel_status(&installation).await, 200);
}

async fn a_refusal_of_bitbucket_ends_the_attempt_and_is_shown(test: &Test) {
    let installation = test.installed().await;
    for (status, code) in [(400, "bitbucket_refused"), (403, "bitbucket_forbidden"), (410, "bitbucket_gone")] {
        test.sandbox.misbehave(Misbehaviour::on("/2.0/addon", Fault::Status(status)));
        let told = times_told(test);
        switch(test, false).await;
        test.run_jobs().await;
        test.pass_seconds(24 * 3600);
        test.run_jobs().await;
        assert_eq!(times_told(test), told + 1, "{status} is not tried again");
        assert_eq!(following(test).await, (json!("failed"), json!(true), json!(code)));
        assert_eq!(test.installations().await[0]["entry"]["error"], code);
        assert_eq!(test.jobs().await, Vec::<String>::new());
        assert!(has_entry(test, &installation));
        test.sandbox.behave();
    }
    switch(test, false).await;
    test.run_jobs().await;
    assert!(!has_entry(test, &installation), "pressing the switch once more tries once more");
    assert_eq!(following(test).await, (json!("follows"), json!(false), Value::Null));
}

async fn what_may_pass_is_tried_again_when_its_time_has_come(test: &Test) {
    let installation = test.installed().await;
    let faults = [
        (Fault::Status(503), "bitbucket_down"),
        (Fault::DroppedConnection, "bitbucket_down"),
        (Fault::RateLimited { retry_after_seconds: Some(300) }, "bitbucket_rate_limited"),
    ];
    switch(test, false).await;
    for (tried, (fault, code)) in faults.into_iter().enumerate() {
        test.sandbox.misbehave(Misbehaviour::on("/2.0/addon", fault));
        test.run_jobs().await;
        test.run_jobs().await;
        assert_eq!(times_told(test), tried + 1, "not again before its time");
        assert_eq!(following(test).await, (json!("failed"), json!(true), json!(code)));
        test.sandbox.behave();
        test.pass_seconds(60);
    }
    test.run_jobs().await;
    assert!(has_entry(test, &installation), "Bitbucket asked to wait for 300 seconds, of which 60 have passed");
    test.pass_seconds(240);
    test.run_jobs().await;
    assert!(!has_entry(test, &installation));
    assert_eq!(following(test).await, (json!("follows"), json!(false), Value::Null));
}

async fn pressing_the_switch_again_while_bitbucket_is_told_is_not_lost(test: &Test) {
    let installation = test.installed().await;
    test.sandbox.misbehave(Misbehaviour::on("/2.0/addon", Fault::Slow { milliseconds: 700 }).times(1));
    switch(test, false).await;
    tokio::join!(async { test.server.runner.step().await.expect("a job step") }, async {
        test.until_a_job_is_taken_up().await;
        switch(test, true).await;
    });
    assert!(!has_entry(test, &installation), "Bitbucket was told what was wanted when the job began");
    test.run_jobs().await;
    assert!(has_entry(test, &installation));
    assert_eq!(following(test).await, (json!("follows"), json!(true), Value::Null));
}

async fn an_install_while_the_switch_is_off_comes_without_the_entry(test: &Test) {
    switch(test, false).await;
    let installation = test.installed().await;
    assert!(!has_entry(test, &installation));
    assert_eq!((following(test).await.0, times_told(test)), (json!("follows"), 0));
    switch(test, true).await;
    test.run_jobs().await;
    assert!(has_entry(test, &installation));
}

async fn only_an_owner_presses_the_switch(test: &Test) {
    let member = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let token = test.token(&member, "read,write").await;
    let put = test.api_as(&token, Method::PUT, "/quick-action").json(&json!({ "enabled": false }));
    assert_eq!(put.send().await.expect("an answer").status(), 403);
    assert_eq!(test.api_json(Method::GET, "/quick-action", None).await["enabled"], true);
}

async fn a_registered_app_keeps_its_entry_with_the_quiet_line(test: &Test) {
    let descriptor_url = format!("{}/atlassian-connect.json", test.url);
    let app = App::Registered { secret: APP_SECRET.to_owned() };
    let install = Install { app, ..Install::new(LUMENPAY, &descriptor_url, INGRID) };
    let installation = test.sandbox.install(&install).await.expect("the app installs");
    test.run_jobs().await;
    test.claimed(&installation).await;
    let answer = switch(test, false).await;
    test.run_jobs().await;
    assert_eq!(times_told(test), 0);
    assert!(has_entry(test, &installation));
    assert_quiet(&test.panel(&installation, 87, INGRID).await);
    let following = &answer["installations"][0];
    assert_eq!((&following["state"], &following["entry"]["shown"]), (&json!("stays"), &json!(true)));
    assert!(following["entry"]["note"].as_str().is_some_and(|note| note.contains("its entry stays")), "{following}");
    switch(test, true).await;
    assert!(!test.panel(&installation, 87, INGRID).await.body.contains(QUIET_LINE));
}
