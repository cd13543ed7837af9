//! The app's own token: kept sealed, used for every call, refreshed by every call of Forge, and waited for when it has ended.

use bitbucket_sandbox::{ForgeCaller, ForgeInstallation};
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::{installations, jobs};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::forge::FORGE;
use crate::harness::{LEDGER, Test};

both!(with super::FORGE =>
    the_token_is_sealed_for_its_row,
    a_burst_of_calls_stores_a_token_once,
    jobs_wait_for_the_next_call_when_the_token_has_ended,
    the_settings_page_says_that_forge_has_fallen_silent,
    a_refusal_in_the_first_minutes_is_asked_again,
);

async fn sealed(test: &Test, installation: &ForgeInstallation) -> Option<String> {
    let key = installation.id.clone();
    let read = move |connection: &mut AnyConnection| {
        let row = installations::table.filter(installations::client_key.eq(key)).select(installations::system_token);
        Ok(row.first(connection)?)
    };
    test.server.app.read(read).await.expect("a token")
}

async fn the_token_is_sealed_for_its_row(test: &Test) {
    let installation = test.install_forge().await;
    let held = sealed(test, &installation).await.expect("a token");
    let token = test.sandbox.forge_access_token(&installation.id, None).expect("a token");
    assert!(!held.contains(&token) && !held.contains(&token[..20]), "{held}");
    let (keyring, id) = (&test.server.app.keyring, &installation.id);
    let opened = keyring.open_text(&held, &format!("installations:{id}:system_token")).expect("its own row");
    assert_eq!(opened.expose(), token);
    assert!(keyring.open_text(&held, &format!("installations:{id}")).is_err(), "it is no secret of the same row");
    let listed = test.api_json(Method::GET, "/installations", None).await.to_string();
    assert!(!listed.contains(&token));
}

async fn a_burst_of_calls_stores_a_token_once(test: &Test) {
    let installation = test.installed_forge().await;
    let held = sealed(test, &installation).await;
    for _ in 0..3 {
        assert_eq!(test.sandbox.run_forge_schedule(&installation.id).await, Ok(Some(204)));
    }
    assert_eq!(sealed(test, &installation).await, held, "Forge sends the same one again");
    test.pass_seconds(2 * 3600 + 60);
    assert_eq!(test.sandbox.run_forge_schedule(&installation.id).await, Ok(Some(204)));
    assert_ne!(sealed(test, &installation).await, held, "and then a new one");
}

async fn jobs_wait_for_the_next_call_when_the_token_has_ended(test: &Test) {
    let installation = test.installed_forge().await;
    let id = test.installations().await[0]["id"].as_str().expect("an id").to_owned();
    test.pass_seconds(4 * 3600 + 1);
    let session = test.session(&test.made.owner).await;
    let page = test.get_as(&session, "/settings/integrations/bitbucket").await;
    let path = format!("/settings/integrations/bitbucket/installations/{id}/test");
    assert_eq!(test.post_as(&session, &path, &[("csrf", &page.field("csrf"))]).await.status, 303);
    test.run_jobs().await;
    let errors = |connection: &mut AnyConnection| Ok(jobs::table.select((jobs::kind, jobs::last_error)).load(connection)?);
    let waiting: Vec<(String, Option<String>)> = test.server.app.read(errors).await.expect("the queue");
    let describe = ("describe_bitbucket_workspace".to_owned(), Some("forge_token_expired".to_owned()));
    assert_eq!(waiting, [describe]);
    assert_eq!(test.sandbox.run_forge_schedule(&installation.id).await, Ok(Some(204)));
    test.pass_seconds(601);
    test.run_jobs().await;
    assert_eq!(test.jobs().await, Vec::<String>::new());
}

async fn the_settings_page_says_that_forge_has_fallen_silent(test: &Test) {
    let installation = test.installed_forge().await;
    let session = test.session(&test.made.owner).await;
    let page = async || test.get_as(&session, "/settings/integrations/bitbucket").await.body;
    let well = page().await;
    assert!(well.contains("Forge calls, and brings our key") && well.contains("Bitbucket takes our key"), "{well}");
    assert!(well.contains("Nothing is wrong."), "{well}");
    test.pass_seconds(5 * 3600);
    let session = test.session(&test.made.owner).await;
    let silent = test.get_as(&session, "/settings/integrations/bitbucket").await.body;
    assert!(silent.contains("Forge has not called for 5 hours") && silent.contains("Needs attention"), "{silent}");
    assert!(!silent.contains("Bitbucket takes our key"), "{silent}");
    assert_eq!(test.sandbox.run_forge_schedule(&installation.id).await, Ok(Some(204)));
    let again = test.get_as(&session, "/settings/integrations/bitbucket").await.body;
    assert!(again.contains("Nothing is wrong."), "{again}");
}

async fn a_refusal_in_the_first_minutes_is_asked_again(test: &Test) {
    use bitbucket_sandbox::{Fault, Misbehaviour};
    test.sandbox.misbehave(Misbehaviour::on("/2.0/workspaces/", Fault::Status(403)).times(2));
    let installation = test.install_forge().await;
    for _ in 0..4 {
        test.pass_seconds(30);
        test.run_jobs().await;
    }
    test.claim_forge(&installation).await;
    let one = &test.installations().await[0];
    assert_eq!((&one["bitbucket_workspace"]["slug"], &one["health"]["refused_since"]), (&json!("lumenpay"), &Value::Null));
    let token = test.forge_token(&installation, ForgeCaller::Trigger).sign();
    let body = test.sandbox.forge_event("avi:bitbucket:updated:pullrequest", LEDGER, 87, crate::harness::INGRID).expect("a body");
    assert_eq!(test.forge_post("/forge/events", &token, &body).await.status, 204);
}
