//! The connections in Chromium: an owner connects by consent on Bitbucket's own page, pastes a token, and sees what needs attention, in
//! every look.

use bitbucket_sandbox::{AccessToken, Reach};
use clarityloop_bitbucket::config::Secret;
use serde_json::json;

use super::{CONNECTIONS, consumer};
use crate::harness::browser::{Browser, in_every_look, sign_in, with_browser};
use crate::harness::people::Person;
use crate::harness::{INGRID, LUMENPAY, Test};

const TOKEN: &str = "ATCTT3xFfGN0-in-the-browser";

async fn open(test: &Test, browser: &Browser) {
    browser.open(&format!("{}{CONNECTIONS}", test.url)).await;
}

/// Enters a consumer, presses Connect, and grants on Bitbucket's page.
async fn connect_by_consent(test: &Test, browser: &Browser) {
    test.sandbox.add_consumer(consumer(test, "own-key", "own-secret"));
    open(test, browser).await;
    browser.fill("#client_id", "own-key").await;
    browser.fill("#client_secret", "own-secret").await;
    browser.press("form[action$='/consumer'] button:not([type=button])").await;
    browser.find_text("The consumer is entered.").await;
    browser.press("form[action$='/connections/consent'] button").await;
    browser.find_text("Confirm access to your account").await;
    browser.press(&format!("option[value='{INGRID}']")).await;
    browser.press("button[value=grant]").await;
    browser.find_text("What it serves stands below.").await;
}

#[tokio::test]
async fn an_owner_connects_by_consent_and_with_a_token_and_sees_what_needs_attention() {
    with_browser(true, async |test, browser| {
        sign_in(test, browser, &test.made.owner).await;
        open(test, browser).await;
        in_every_look(browser, "connections-none", None).await;
        connect_by_consent(test, browser).await;
        assert_eq!(browser.text(".card-head .lozenge").await, "Connected");

        test.sandbox.add_access_token(AccessToken::new(
            TOKEN,
            Reach::Workspace(LUMENPAY.to_owned()),
            &["repository", "pullrequest"],
        ));
        browser.press("a[href$='/connections/token']").await;
        in_every_look(browser, "connections-token", None).await;
        browser.fill("#name", "All of Lumen Pay").await;
        browser.press("input[value=workspace_token]").await;
        browser.fill("#workspace", LUMENPAY).await;
        browser.fill("#token", TOKEN).await;
        browser.press("form[action$='/connections/token'] .button-primary").await;
        browser.find_text("What it serves stands below.").await;
        browser.find_text("All of Lumen Pay").await;

        test.sandbox.revoke_token(TOKEN);
        browser.press("button[aria-label='Check now: All of Lumen Pay']").await;
        browser.find_text("Bitbucket does not take this token any more").await;
        in_every_look(browser, "connections", None).await;
        browser.press("a[href$='/token'][aria-label^='Replace']").await;
        in_every_look(browser, "connections-replace", None).await;
        open(test, browser).await;
        browser.press("a[aria-label='Change All of Lumen Pay']").await;
        in_every_look(browser, "connections-change", None).await;
        open(test, browser).await;
        browser.press("a[aria-label='Disconnect All of Lumen Pay']").await;
        in_every_look(browser, "connections-disconnect", None).await;
        browser.press(".button-danger").await;
        browser.find_text("Its secrets are deleted.").await;
    })
    .await;
}

#[tokio::test]
async fn a_form_with_a_wrong_token_comes_back_without_it() {
    with_browser(true, async |test, browser| {
        let ingrid = Person::of(test, test.made.owner.clone()).await;
        sign_in(test, browser, &ingrid.member).await;
        browser.open(&format!("{}{CONNECTIONS}/token", test.url)).await;
        browser.fill("#name", "Ledger").await;
        browser.press("input[value=workspace_token]").await;
        browser.fill("#workspace", LUMENPAY).await;
        browser.fill("#token", Secret::new("ATBBx8zNnQ").expose()).await;
        browser.press("form[action$='/connections/token'] .button-primary").await;
        browser.find_text("This is an app password").await;
        assert_eq!(browser.property("#token", "value").await, json!(""));
        assert_eq!(browser.property("#name", "value").await, json!("Ledger"));
        let complaints = browser.complaints().await;
        assert!(matches!(&complaints[..], [refused] if refused.contains("400")), "{complaints:?}");
    })
    .await;
}
