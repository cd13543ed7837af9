//! `uninstalled`: signed only, at once, for good, and with nothing of Bitbucket's left when the last door closes.

use bitbucket_sandbox::{ClientKey, Fault, Install, Misbehaviour};
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::{bitbucket_workspaces, installations};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::{INGRID, LEDGER, Test, make_workspace};

both!(
    an_uninstalled_workspace_is_refused_at_the_panel,
    an_uninstall_that_is_not_signed_is_refused,
    a_replaced_secret_uninstalls_nothing,
    a_replayed_uninstall_changes_nothing,
    late_calls_do_not_revive_a_tombstone,
    an_install_after_an_uninstall_is_signed_with_the_old_secret_and_waits_again,
    what_is_connected_by_another_door_stays,
    a_door_that_is_nobodys_keeps_nothing_of_whoever_has_uninstalled,
    an_installation_that_nobody_claimed_leaves_no_name_behind,
    an_answer_that_comes_after_the_purge_is_not_kept,
    an_uninstalled_installation_is_not_confirmed,
);

async fn an_uninstalled_workspace_is_refused_at_the_panel(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let open_panel = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, INGRID).expect("a panel address");
    let page = test.get(&open_panel).await;
    assert_eq!(page.status, 200);
    let configure = test.sandbox.configure_url(&installation.client_key).expect("a configure page");
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    let refused = test.get(&open_panel).await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("ClarityLoop is disconnected from this Bitbucket workspace."), "{}", refused.body);
    let form = [("token", page.field("token")), ("target", "new:someone".to_owned()), ("about", test.priya().await)];
    let saved = test.post("/connect/panel/links", &form.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    assert_eq!(saved.status, 403, "{}", saved.body);
    assert_eq!(test.api_json(Method::GET, "/links", None).await["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(test.get(&configure).await.status, 403);
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:updated", LEDGER, 87).await, Ok(403));
    assert_eq!(test.states().await, ["uninstalled"]);
    test.run_jobs().await;
}

async fn an_uninstall_that_is_not_signed_is_refused(test: &Test) {
    let installation = test.installed().await;
    let call = test.uninstall_call(&installation);
    let token = test.sandbox.token(&installation.client_key, "POST", &call.url, 3600).expect("a token");
    for (token, code) in [(None, "token_missing"), (Some(token.sign("another")), "token_signature")] {
        let page = test.send(&call.clone().signed(token)).await;
        assert_eq!((page.status, page.code().as_str()), (401, code));
    }
    let unknown = test.send(&call.with("/clientKey", json!("connection:99"))).await;
    assert_eq!((unknown.status, unknown.code()), (401, "token_issuer_unknown".to_owned()));
    assert_eq!((test.states().await, test.panel_status(&installation).await), (vec![json!("active")], 200));
}

async fn a_replaced_secret_uninstalls_nothing(test: &Test) {
    let installation = test.installed().await;
    let signed_before_the_change = test.uninstall_call(&installation);
    test.pass_seconds(2);
    test.install().await;
    let page = test.send(&signed_before_the_change).await;
    assert_eq!((page.status, page.code()), (401, "token_signature".to_owned()));
    assert_eq!(test.states().await, ["active"]);
}

async fn a_replayed_uninstall_changes_nothing(test: &Test) {
    let installation = test.installed().await;
    let uninstall = test.uninstall_call(&installation);
    assert_eq!(test.send(&uninstall).await.status, 204);
    assert_eq!(test.send(&uninstall).await.code(), "token_spent");
    test.pass_seconds(1);
    // The same secret comes back, so that only its being spent can refuse the token.
    assert_eq!(test.send(&test.reinstall_call(&installation)).await.status, 204);
    test.run_jobs().await;
    test.confirm().await;
    let replayed = test.send(&uninstall).await;
    assert_eq!((replayed.status, replayed.code()), (401, "token_spent".to_owned()));
    assert_eq!((test.states().await, test.panel_status(&installation).await), (vec![json!("active")], 200));
}

async fn late_calls_do_not_revive_a_tombstone(test: &Test) {
    let installation = test.installed().await;
    let installed = test.reinstall_call(&installation);
    assert_eq!(test.send(&installed).await.status, 204);
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    assert_eq!(test.send(&installed).await.code(), "secret_not_proven", "Bitbucket knows that the app is gone");
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:fulfilled", LEDGER, 87).await, Ok(403));
    let second = test.send(&test.first_install_call(&installation.client_key, "a secret")).await;
    assert_eq!((second.status, second.code()), (401, "token_missing".to_owned()));
    test.pass_seconds(1);
    assert_eq!(test.send(&test.uninstall_call(&installation)).await.status, 204, "a second uninstall is no error");
    test.run_jobs().await;
    assert_eq!(test.states().await, ["uninstalled"]);
}

async fn an_install_after_an_uninstall_is_signed_with_the_old_secret_and_waits_again(test: &Test) {
    let installation = test.installed().await;
    let old = test.sandbox.secret_of(&installation.client_key).expect("a secret");
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
    let unsigned = test.send(&test.reinstall_call(&installation).signed(None)).await;
    assert_eq!((unsigned.status, unsigned.code()), (401, "token_missing".to_owned()));
    // Months later: the secret of a tombstone does not grow old.
    test.pass_seconds(90 * 24 * 3600);
    test.install().await;
    let sent = test.sandbox.sent().pop().expect("a call");
    let token = sent.authorization.as_deref().and_then(|value| value.strip_prefix("JWT ")).expect("a token");
    assert!(bitbucket_sandbox::is_signed_with(token, &old));
    assert_eq!(test.states().await, ["waiting"]);
    let panel = test.panel(&installation, 87, INGRID).await;
    assert!(panel.body.contains("Waiting for an owner of Lumen Pay."), "{}", panel.body);
    let listed = test.installations().await;
    assert_eq!((&listed[0]["confirmed_at"], &listed[0]["uninstalled_at"]), (&Value::Null, &Value::Null));
    test.confirm().await;
    assert_eq!(test.states().await, ["active"]);
}

async fn what_is_connected_by_another_door_stays(test: &Test) {
    let installation = test.installed().await;
    let numbered = Install { client_key: ClientKey::Connection, ..test.to_install() };
    let numbered = test.sandbox.install(&numbered).await.expect("the app installs");
    test.run_jobs().await;
    test.confirm().await;
    test.attached(&installation).await;
    assert_eq!(test.sandbox.uninstall(&numbered.client_key).await, Ok(204));
    test.run_jobs().await;
    assert_eq!(test.states().await, ["uninstalled", "active"]);
    let links = test.api_json(Method::GET, "/links", None).await;
    assert_eq!(links["entries"][0]["pull_request"]["title"], "Close the day's books in one transaction");
    assert_eq!(test.installations().await[1]["bitbucket_workspace"]["slug"], "lumenpay");
    assert_eq!(test.panel_status(&installation).await, 200);
    assert_eq!(test.panel_status(&numbered).await, 403);
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
    assert_eq!(test.api_json(Method::GET, "/links", None).await["entries"][0]["pull_request"], Value::Null);
}

async fn a_door_that_is_nobodys_keeps_nothing_of_whoever_has_uninstalled(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let descriptor_url = format!("{}/atlassian-connect.json", test.url);
    let unclaimed = Install { client_key: ClientKey::Connection, descriptor_url, ..test.to_install() };
    test.sandbox.install(&unclaimed).await.expect("the app installs");
    test.run_jobs().await;
    let link = async || test.api_json(Method::GET, "/links", None).await["entries"][0]["pull_request"].clone();
    assert_eq!(link().await["title"], "Close the day's books in one transaction");
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    assert_eq!(link().await, Value::Null, "at once");
    test.run_jobs().await;
    assert_eq!(link().await, Value::Null);
}

/// What is stored of a workspace at Bitbucket and of who installed the app there.
async fn described(test: &Test) -> Vec<(Option<String>, Option<String>, Option<String>)> {
    let read = |connection: &mut AnyConnection| {
        let columns = (bitbucket_workspaces::slug, bitbucket_workspaces::name, installations::reported_installer);
        Ok(installations::table.inner_join(bitbucket_workspaces::table).select(columns).load(connection)?)
    };
    test.server.app.read(read).await.expect("the rows")
}

async fn an_installation_that_nobody_claimed_leaves_no_name_behind(test: &Test) {
    let descriptor_url = format!("{}/atlassian-connect.json", test.url);
    let installation = test.sandbox.install(&Install { descriptor_url, ..test.to_install() }).await.expect("the app installs");
    test.run_jobs().await;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(described(test).await, [(text("lumenpay"), text("Lumen Pay"), text(INGRID))]);
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    assert_eq!(described(test).await, [(None, None, None)]);
    test.run_jobs().await;
}

async fn an_answer_that_comes_after_the_purge_is_not_kept(test: &Test) {
    let installation = test.sandbox.install(&test.to_install()).await.expect("the app installs");
    let path = format!("/2.0/workspaces/{{{LUMENPAY_UUID}}}");
    test.sandbox.misbehave(Misbehaviour::on(&path, Fault::Slow { milliseconds: 700 }).times(1));
    // Sent by hand: Bitbucket itself answers the late question because it does not know of the end yet.
    let uninstall = test.uninstall_call(&installation);
    tokio::join!(async { test.server.runner.step().await.expect("a job step") }, async {
        test.until_a_job_is_taken_up().await;
        assert_eq!(test.send(&uninstall).await.status, 204);
    });
    assert_eq!(test.sandbox.calls().last().map(|call| call.status), Some(200), "Bitbucket did answer");
    test.run_jobs().await;
    assert_eq!(described(test).await, [(None, None, None)]);
}

async fn an_uninstalled_installation_is_not_confirmed(test: &Test) {
    let installation = test.install().await;
    let id = test.installations().await[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
    let answer = test.api(Method::POST, &format!("/installations/{id}/confirm")).send().await.expect("an answer");
    assert_eq!(answer.status(), 409);
    let other = make_workspace(&test.server, "Other", "Olga Other", "olga@other.example").await;
    let foreign = test.api_as(&other.token, Method::POST, &format!("/installations/{id}/confirm")).send().await;
    assert_eq!(foreign.expect("an answer").status(), 404);
    assert_eq!(test.states().await, ["uninstalled"]);
}
