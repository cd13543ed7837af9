//! An owner connects Bitbucket in a browser alone, from the first sign-in on, and disconnects it again; every state in every look.

use bitbucket_sandbox::{Fault, Misbehaviour};
use serde_json::json;

use super::{in_every_look, sign_in, with_browser};
use crate::harness::browser::Browser;
use crate::harness::{LEDGER, Test};

const SETTINGS: &str = "/settings/integrations/bitbucket";

/// What the head of the only card says.
async fn state(browser: &Browser) -> String {
    browser.text(".card-head .lozenge").await
}

/// In Bitbucket: pastes the install URL where apps are installed from one, and grants.
pub(super) async fn install_by_url(test: &Test, browser: &Browser, url: &str) {
    browser.open(&format!("{}/lumenpay/workspace/settings/addon-management", test.sandbox.url())).await;
    browser.fill("#from-url", url).await;
    browser.press("form[action='/site/addons/authorize'] button").await;
    browser.find_text("asks for access").await;
    browser.press("button[value=grant]").await;
    browser.find_text("Installed apps of Lumen Pay").await;
    test.run_jobs().await;
}

#[tokio::test]
async fn a_new_owner_connects_bitbucket_by_pasting_the_install_url_and_disconnects_it() {
    with_browser(true, async |test, browser| {
        sign_in(test, browser, &test.made.owner).await;
        browser.press("nav a[href='/settings/integrations/bitbucket']").await;
        browser.find_text("Connect Bitbucket to begin").await;
        assert_eq!(state(browser).await, "Not connected");
        let url = browser.property("#connect", "value").await.as_str().expect("an address").to_owned();
        install_by_url(test, browser, &url).await;
        browser.open(&format!("{}{SETTINGS}", test.url)).await;
        assert_eq!(state(browser).await, "Waiting for your confirmation");
        browser.press("form[action$='/confirm'] button").await;
        browser.find_text("People can add pull requests from now on.").await;
        assert_eq!(state(browser).await, "Connected");
        test.run_jobs().await;

        browser.press(".switch").await;
        browser.find_text("PR Quick Action is off.").await;
        test.run_jobs().await;
        browser.press(".switch").await;
        browser.find_text("PR Quick Action is on.").await;
        test.run_jobs().await;

        browser.press("a[href$='/disconnect']").await;
        browser.fill("#type", "lumenpay").await;
        browser.press(".button-danger").await;
        browser.find_text("The panel has stopped, and the data are deleted.").await;
        test.run_jobs().await;
        browser.open(&format!("{}{SETTINGS}", test.url)).await;
        assert_eq!(state(browser).await, "Disconnected");
        browser.find_text("The app is removed at Bitbucket.").await;
        browser.find_text("nothing left").await;
        browser.open(&format!("{}/lumenpay/workspace/settings/addon-management", test.sandbox.url())).await;
        browser.find_text("Removed.").await;
    })
    .await;
}

#[tokio::test]
async fn a_wrong_name_comes_back_with_what_was_typed_and_the_focus_at_the_field() {
    with_browser(true, async |test, browser| {
        test.installed().await;
        sign_in(test, browser, &test.made.owner).await;
        browser.open(&format!("{}{SETTINGS}", test.url)).await;
        browser.press("a[href$='/disconnect']").await;
        browser.fill("#type", "Lumen").await;
        browser.press(".button-danger").await;
        browser.find_text("This is not the workspace's name.").await;
        assert_eq!(browser.property("#type", "value").await, "Lumen");
        assert_eq!(browser.run("return document.activeElement.id", json!([])).await, "type");
        let complaints = browser.complaints().await;
        assert!(matches!(&complaints[..], [refused] if refused.contains("400")), "{complaints:?}");
    })
    .await;
}

#[tokio::test]
async fn the_settings_fit_in_every_state_and_look() {
    with_browser(true, async |test, browser| {
        sign_in(test, browser, &test.made.owner).await;
        let keep = async |path: &str, name: &str| {
            browser.open(&format!("{}{path}", test.url)).await;
            in_every_look(browser, name, None).await;
        };
        keep(SETTINGS, "settings-not-connected").await;
        let installation = test.install().await;
        keep(SETTINGS, "settings-waiting").await;
        let id = test.installations().await[0]["id"].as_str().expect("an id").to_owned();
        let of_installation = |path: &str| format!("{SETTINGS}/installations/{id}/{path}");
        keep(&of_installation("refuse"), "settings-refuse").await;
        test.confirm().await;
        test.attached(&installation).await;
        assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:approved", LEDGER, 87).await, Ok(204));
        test.run_jobs().await;
        keep(SETTINGS, "settings-connected").await;
        keep(&of_installation("disconnect"), "settings-disconnect").await;
        keep(&format!("{SETTINGS}/install-code"), "settings-install-code").await;
        keep("/settings/audit", "settings-audit").await;
        keep("/settings/audit?group=data", "settings-audit-empty").await;

        test.sandbox.misbehave(Misbehaviour::on("/2.0/", Fault::Status(401)));
        browser.open(&format!("{}{SETTINGS}", test.url)).await;
        browser.press("form[action$='/test'] button").await;
        test.run_jobs().await;
        keep(SETTINGS, "settings-needs-attention").await;
        test.sandbox.behave();

        test.sandbox.misbehave(Misbehaviour::on("/2.0/addon", Fault::Status(503)).times(1));
        browser.open(&format!("{}{}", test.url, of_installation("disconnect"))).await;
        browser.fill("#type", "lumenpay").await;
        browser.press(".button-danger").await;
        browser.find_text("Disconnected.").await;
        test.run_jobs().await;
        keep(SETTINGS, "settings-removal-waits").await;
        test.pass_seconds(10);
        test.run_jobs().await;
        keep(SETTINGS, "settings-disconnected").await;
    })
    .await;
}
