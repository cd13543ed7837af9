//! Two servers on one PostgreSQL: what one was told, the other obeys at once. Only keys may be a second old.

use bitbucket_sandbox::Installation;
use clarityloop_bitbucket::server::Running;
use reqwest::Method;
use serde_json::json;

use crate::harness::lifecycle::soon;
use crate::harness::{self, Backend, INGRID, LEDGER, Page, Test};

/// The panel as the other server answers it.
async fn panel_at(test: &Test, url: &str, installation: &Installation) -> Page {
    let address = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, INGRID).expect("a panel address");
    test.get(&address.replacen(&test.url, url, 1)).await
}

async fn with_two_servers(body: impl AsyncFnOnce(&Test, &str)) {
    harness::run(Backend::Postgres, async |test| {
        let (other, url): (Running, String) = test.second_server().await;
        body(test, &url).await;
        other.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_install_and_its_confirmation_on_one_server_hold_on_the_other() {
    with_two_servers(async |test, other| {
        let installation = test.install().await;
        assert!(panel_at(test, other, &installation).await.body.contains("Waiting for an owner of Lumen Pay."));
        let id = test.installations().await[0]["id"].as_str().expect("an id").to_owned();
        let confirm = test.http.post(format!("{other}/api/v1/installations/{id}/confirm")).bearer_auth(&test.made.token);
        assert_eq!(confirm.send().await.expect("an answer").status(), 200);
        for url in [test.url.as_str(), other] {
            let page = panel_at(test, url, &installation).await;
            assert!(page.status == 200 && !page.body.contains("Waiting for an owner"), "{}", page.body);
        }
    })
    .await;
}

#[tokio::test]
async fn a_switch_on_one_server_is_obeyed_by_the_other() {
    with_two_servers(async |test, other| {
        let installation = test.installed().await;
        let quiet = "PR Quick Action is switched off";
        for enabled in [false, true, false] {
            test.api_json(Method::PUT, "/quick-action", Some(json!({ "enabled": enabled }))).await;
            assert_eq!(panel_at(test, other, &installation).await.body.contains(quiet), !enabled);
        }
        test.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_new_secret_on_one_server_is_known_to_the_other_within_a_second() {
    with_two_servers(async |test, other| {
        let installation = test.installed().await;
        assert_eq!(panel_at(test, other, &installation).await.status, 200, "the other server holds the keys now");
        let former = test.sandbox.secret_of(&installation.client_key).expect("a secret");
        test.pass_seconds(1);
        test.install().await;
        soon("the other server takes the new secret", async || panel_at(test, other, &installation).await.status == 200).await;
        test.pass_seconds(1);
        let address = format!("{other}/connect/configure");
        let token =
            test.sandbox.token(&installation.client_key, "GET", "/connect/configure", 300).expect("a token").sign(&former);
        soon("the other server refuses the old one", async || test.get(&format!("{address}?jwt={token}")).await.status == 401)
            .await;
    })
    .await;
}

#[tokio::test]
async fn an_uninstall_on_one_server_closes_the_doors_of_the_other() {
    with_two_servers(async |test, other| {
        let installation = test.installed().await;
        let address = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, INGRID).expect("a panel address");
        let at_other = address.replacen(&test.url, other, 1);
        assert_eq!(test.get(&at_other).await.status, 200);
        let uninstall = test.uninstall_call(&installation);
        assert_eq!(test.send(&uninstall).await.status, 204);
        assert_eq!(test.get(&at_other).await.status, 403);
        assert_eq!(test.send(&uninstall.to(other)).await.code(), "token_spent", "a token is spent for all servers");
        test.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn of_calls_with_one_token_to_both_servers_one_is_taken() {
    with_two_servers(async |test, other| {
        let installation = test.installed().await;
        for call in [test.reinstall_call(&installation), test.uninstall_call(&installation)] {
            let at_other = call.clone().to(other);
            let (here, there) = tokio::join!(test.send_at_once(&call, 4), test.send_at_once(&at_other, 4));
            let taken = here.iter().chain(&there).filter(|page| page.status == 204).count();
            let spent = here.iter().chain(&there).filter(|page| page.status == 401 && page.code() == "token_spent").count();
            assert_eq!((taken, spent), (1, 7));
        }
        test.run_jobs().await;
    })
    .await;
}
