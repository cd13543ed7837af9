//! The ways in through Bitbucket, and what a member keeps in order on the profile, in a browser.

use serde_json::json;

use super::in_every_look;
use crate::harness::browser::Browser;
use crate::harness::{AMARA, Backend, Test, make_workspace, run_with};
use crate::sign_in::visitor::{CONSUMER, register};

/// Runs a test with a browser and a server that is a consumer of its Bitbucket.
async fn with_browser(runs_scripts: bool, body: impl AsyncFnOnce(&Test, &Browser)) {
    let Some(browser) = Browser::start(runs_scripts).await else { return };
    let body = async |test: &Test| {
        register(test);
        body(test, &browser).await;
    };
    run_with(Backend::Sqlite, CONSUMER, body).await;
}

/// From the sign-in page to Bitbucket's, where the person with this name answers.
async fn answer(test: &Test, browser: &Browser, name: &str, answer: &str) {
    browser.open(&format!("{}/sign-in", test.url)).await;
    browser.press("form[action='/sign-in/bitbucket'] button").await;
    browser.find_text("Confirm access to your account").await;
    assert!(browser.url().await.starts_with(test.sandbox.url()), "{}", browser.url().await);
    browser.fill("select[name=as]", name).await;
    browser.press(&format!("button[value={answer}]")).await;
}

async fn denies_then_signs_in(test: &Test, browser: &Browser) {
    test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    answer(test, browser, "Amara", "deny").await;
    browser.find_text("You did not let ClarityLoop see your Bitbucket account.").await;
    answer(test, browser, "Mei", "grant").await;
    browser.find_text("Nobody here has this Bitbucket account.").await;
    answer(test, browser, "Amara", "grant").await;
    browser.find_text("Welcome, Amara Okafor").await;
    assert_eq!(browser.url().await, format!("{}/", test.url), "the code has left the address");
    browser.open(&format!("{}/profile", test.url)).await;
    browser.find_text("by signing in with Bitbucket").await;
}

#[tokio::test]
async fn somebody_denies_changes_their_mind_and_is_known_from_then_on() {
    with_browser(true, async |test, browser| {
        denies_then_signs_in(test, browser).await;
        let complaints = browser.complaints().await;
        assert!(complaints.iter().all(|complaint| complaint.contains("403")), "{complaints:?}");
    })
    .await;
}

#[tokio::test]
async fn the_same_goes_without_scripts() {
    with_browser(false, denies_then_signs_in).await;
}

#[tokio::test]
async fn the_pages_around_signing_in_fit_in_every_look() {
    with_browser(true, async |test, browser| {
        let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
        let school = make_workspace(&test.server, "Evening School", "A. Okafor", "amara@school.example").await.owner;
        test.bind(&school, AMARA).await;
        answer(test, browser, "Amara", "deny").await;
        in_every_look(browser, "sign-in-denied", None).await;
        answer(test, browser, "Amara", "grant").await;
        browser.find_text("Choose a workspace").await;
        in_every_look(browser, "sign-in-choose", None).await;
        browser.press(&format!("form:has([value='{}']) button", amara.id)).await;
        browser.find_text("Welcome, Amara Okafor").await;

        test.session(&amara).await;
        test.session(&amara).await;
        browser.open(&format!("{}/profile", test.url)).await;
        in_every_look(browser, "profile", None).await;
        browser.open(&format!("{}/profile/tokens", test.url)).await;
        in_every_look(browser, "tokens-none", None).await;
        make_token(browser, "Build lights").await;
        make_token(browser, "Nightly report of the whole team").await;
        browser.find_text("It is shown this once.").await;
        in_every_look(browser, "tokens-made", None).await;
        make_token(browser, " ").await;
        browser.find_text("A name has 1 to 100 characters on one line.").await;
        in_every_look(browser, "tokens-mistake", None).await;
        browser.open(&format!("{}/profile/tokens", test.url)).await;
        browser.press("td a.button").await;
        browser.find_text("This cannot be undone.").await;
        in_every_look(browser, "tokens-revoke", None).await;
        browser.press(".button-danger").await;
        browser.find("#new").await;
        assert_eq!(browser.run("return document.querySelectorAll('tbody tr').length", json!([])).await, 1);
    })
    .await;
}

async fn make_token(browser: &Browser, name: &str) {
    browser.fill("#name", name).await;
    browser.press("form[action='/profile/tokens'] button").await;
    browser.find("#new").await;
}
