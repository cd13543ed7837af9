//! The Forge app's page as it is deployed, in the windows that Bitbucket shows it in: panel, action and settings, with the real bridge
//! package between them and the server.

use serde_json::json;

use super::attach;
use crate::harness::browser::{Browser, in_every_look};
use crate::harness::forge::FORGE;
use crate::harness::{AMARA, Backend, INGRID, TOMASZ, Test, forge_page, run_with};
use bitbucket_sandbox::ForgeInstallation;

const PANEL: &str = "#forge-panel";
const ACTION: &str = "#forge-action";
const SETTINGS: &str = "#forge-settings";

/// Runs a test with a browser on a server that has the Forge app, and fails on anything that the console complained about.
async fn with_page(body: impl AsyncFnOnce(&Test, &Browser, &std::path::Path)) {
    let Some(folder) = forge_page::built() else { return };
    let Some(browser) = Browser::start(true).await else { return };
    run_with(Backend::Sqlite, FORGE, async |test| {
        body(test, &browser, folder).await;
        assert_eq!(browser.complaints().await, Vec::<String>::new(), "the console complained");
    })
    .await;
}

/// Opens Tomasz's pull request as the person with this account.
async fn open(test: &Test, browser: &Browser, account: &str) {
    browser.open(&format!("{}/{}?as={account}", test.sandbox.url(), super::SECURE_FRAME)).await;
}

async fn open_settings(test: &Test, browser: &Browser, app: &ForgeInstallation, account: &str) {
    browser.look_at_page().await;
    let page = format!("{}/lumenpay/workspace/settings/forge/{}?as={account}", test.sandbox.url(), app.id);
    browser.open(&page).await;
    browser.look_into(SETTINGS).await;
}

async fn amara_and_tomasz(test: &Test) {
    test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    test.member("Tomasz Zieliński", "tomasz@lumenpay.example", Some(TOMASZ)).await;
}

#[tokio::test]
async fn the_panel_attaches_and_undoes_in_every_look() {
    with_page(async |test, browser, folder| {
        let app = test.install_forge_with(folder).await;
        test.claim_forge(&app).await;
        amara_and_tomasz(test).await;
        open(test, browser, AMARA).await;
        browser.look_into(PANEL).await;
        browser.find("#save").await;
        in_every_look(browser, "forge-panel", Some(PANEL)).await;
        browser.look_into(PANEL).await;
        attach(browser, "It keeps the focus where it was.").await;
        browser.find_text("Saved to your draft about Tomasz Zieliński.").await;
        assert_eq!(
            browser.property("#said", "textContent").await,
            json!("Saved to your draft about Tomasz Zieliński. Seen by only you, until you share it.")
        );
        test.run_jobs().await;
        in_every_look(browser, "forge-panel-attached", Some(PANEL)).await;
        browser.look_into(PANEL).await;
        browser.press("#more").await;
        browser.find("#save").await;
        browser.press("button[name=link]").await;
        browser.find_text("Removed from your draft about Tomasz Zieliński.").await;
        test.run_jobs().await;
        browser.look_at_page().await;
    })
    .await;
}

#[tokio::test]
async fn the_action_opens_in_a_dialog_that_closes_itself_after_saving() {
    with_page(async |test, browser, folder| {
        let app = test.install_forge_with(folder).await;
        test.claim_forge(&app).await;
        amara_and_tomasz(test).await;
        open(test, browser, AMARA).await;
        browser.press("[data-dialog=forge-dialog]").await;
        browser.look_into(ACTION).await;
        browser.find("#save").await;
        in_every_look(browser, "forge-action", Some(ACTION)).await;
        browser.look_into(ACTION).await;
        attach(browser, "From the menu.").await;
        browser.find_text("Saved to your draft about Tomasz Zieliński.").await;
        browser.look_at_page().await;
        browser.wait_until("return !document.getElementById('forge-dialog').open").await;
        test.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn the_settings_page_claims_switches_and_retires() {
    with_page(async |test, browser, folder| {
        let app = test.install_forge_with(folder).await;
        open_settings(test, browser, &app, INGRID).await;
        browser.find_text("Not connected yet").await;
        in_every_look(browser, "forge-settings-claim", Some(SETTINGS)).await;
        browser.look_into(SETTINGS).await;
        let link = browser.property("#claim", "value").await.as_str().expect("a link").to_owned();
        browser.look_at_page().await;
        super::sign_in(test, browser, &test.made.owner).await;
        browser.open(&link).await;
        browser.find_text("Connect Lumen Pay").await;
        browser.press("main .button-primary").await;
        browser.find_text("People can add pull requests from now on.").await;
        test.run_jobs().await;

        test.installed().await;
        test.bind(&test.made.owner, INGRID).await;
        open_settings(test, browser, &app, INGRID).await;
        browser.find("#retire").await;
        in_every_look(browser, "forge-settings", Some(SETTINGS)).await;
        browser.look_into(SETTINGS).await;
        browser.press("#quick").await;
        browser.find_text("PR Quick Action is off.").await;
        browser.press("#quick").await;
        browser.find_text("PR Quick Action is on.").await;
        browser.press("#retire").await;
        browser.find("#keep").await;
        in_every_look(browser, "forge-settings-retire", Some(SETTINGS)).await;
        browser.look_into(SETTINGS).await;
        browser.press("#keep").await;
        browser.find("#quick").await;
        browser.press("#retire").await;
        browser.find("#keep").await;
        browser.press("#retire").await;
        browser.find_text("The Connect app is retired.").await;
        test.run_jobs().await;
        browser.look_at_page().await;
    })
    .await;
}
