//! The pages about people in a browser: in every look, with axe-core, and the whole way of a stranger who asks to join.

use serde_json::json;

use crate::harness::browser::{Browser, in_every_look, sign_in, with_browser};
use crate::harness::{AMARA, Test};

/// Lucía's pull request, which Amara looks at.
const PULL_REQUEST: &str = "lumenpay/ledger/pull-requests/87";
const PANEL: &str = "#panel-0";

async fn ask_to_join(test: &Test, browser: &Browser, picture: bool) {
    browser.open(&format!("{}/{PULL_REQUEST}?as={AMARA}", test.sandbox.url())).await;
    browser.look_into(PANEL).await;
    browser.press(".panel-body details summary").await;
    browser.fill("#join-name", "Amara Okafor").await;
    browser.fill("#join-email", "amara@lumenpay.example").await;
    if picture {
        browser.look_at_page().await;
        in_every_look(browser, "panel-ask-to-join", Some(PANEL)).await;
        browser.look_into(PANEL).await;
    }
    browser.press("#join").await;
    browser.find_text("Asked to join on").await;
    browser.look_at_page().await;
}

/// A stranger asks, the owner lets them in, they attach and hide the panel.
async fn ask_let_in_and_hide(test: &Test, browser: &Browser) {
    test.installed().await;
    ask_to_join(test, browser, false).await;
    sign_in(test, browser, &test.made.owner).await;
    browser.open(&format!("{}/people", test.url)).await;
    browser.press("a[href^='/people/joining/']").await;
    browser.press("form[action$='/approve'] .button-primary").await;
    browser.find_text("Let in.").await;
    browser.open(&format!("{}/{PULL_REQUEST}?as={AMARA}", test.sandbox.url())).await;
    browser.look_into(PANEL).await;
    browser.find("#save").await;
    browser.press("#hide").await;
    browser.find_text("You have hidden this panel.").await;
    browser.press("#show").await;
    browser.find("#save").await;
    browser.look_at_page().await;
}

#[tokio::test]
async fn a_stranger_asks_is_let_in_and_hides_the_panel() {
    with_browser(true, ask_let_in_and_hide).await;
}

#[tokio::test]
async fn a_stranger_asks_is_let_in_and_hides_the_panel_without_scripts() {
    with_browser(false, ask_let_in_and_hide).await;
}

#[tokio::test]
async fn the_pages_about_people_fit_in_every_look() {
    with_browser(true, async |test, browser| {
        test.installed().await;
        let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
        let tomasz = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", None).await;
        let change = json!({ "manager": priya.id });
        test.api_json(reqwest::Method::PATCH, &format!("/members/{}", tomasz.id), Some(change)).await;
        ask_to_join(test, browser, true).await;
        in_every_look(browser, "panel-asked", Some(PANEL)).await;
        sign_in(test, browser, &test.made.owner).await;
        super::removal::plan(test, &tomasz, &priya).await;
        browser.open(&format!("{}/people", test.url)).await;
        in_every_look(browser, "people", None).await;
        browser.fill("#name", "Jonas Weber").await;
        browser.fill("#email", "jonas@lumenpay.example").await;
        browser.press("form[action='/people'][method=post] .button-primary").await;
        browser.find_text("Jonas Weber is invited").await;
        in_every_look(browser, "people-invited", None).await;
        for (path, name) in [("", "member"), ("/remove", "member-remove")] {
            browser.open(&format!("{}/people/{}{path}", test.url, tomasz.id)).await;
            in_every_look(browser, name, None).await;
        }
        browser.open(&format!("{}/people", test.url)).await;
        browser.press("a[href^='/people/joining/']").await;
        browser.find("form[action$='/approve']").await;
        in_every_look(browser, "join-request", None).await;
        sign_in(test, browser, &priya).await;
        browser.open(&format!("{}/people", test.url)).await;
        in_every_look(browser, "people-member", None).await;
    })
    .await;
}
