//! Asking for feedback and answering with a pull request attached by its address, in a browser.

use super::{in_every_look, sign_in, with_browser};
use crate::harness::browser::Browser;
use crate::harness::{AMARA, LEDGER, LUCIA, TOMASZ, Test};

/// Chooses the person with this name in a list.
pub(super) async fn choose(browser: &Browser, list: &str, name: &str) {
    let script = "const list = document.querySelector(arguments[0]); \
                  list.value = [...list.options].find(option => option.text === arguments[1]).value;";
    browser.run(script, serde_json::json!([list, name])).await;
}

async fn asks_and_is_answered(test: &Test, browser: &Browser) {
    let installation = test.installed().await;
    let tomasz = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", Some(TOMASZ)).await;
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;

    sign_in(test, browser, &tomasz).await;
    browser.open(&format!("{}/requests", test.url)).await;
    browser.find_text("No requests yet").await;
    choose(browser, "#asked", "Amara Okafor").await;
    choose(browser, "#about", "Lucía Fernández").await;
    browser.fill("#question", "What should Lucía go on with, and what would help her next?").await;
    browser.press("form[action='/requests'] button").await;
    browser.find_text("You ask Amara Okafor about Lucía Fernández").await;
    in_every_look(browser, "request-asked", None).await;

    sign_in(test, browser, &amara).await;
    browser.find_text("One request waits for an answer from you.").await;
    in_every_look(browser, "home-waiting", None).await;
    browser.press("a.row-title").await;
    browser.find_text("Tomasz Zieliński asks about Lucía Fernández").await;
    browser.fill("#pr-url", &format!("{}/{LEDGER}/commits/4f5e6a7", test.config.bitbucket_web_url)).await;
    browser.fill("#pr-note", "The one transaction is what I mean.").await;
    browser.press("form[action$='/links'] button").await;
    browser.find_text("This is the address of a commit.").await;
    in_every_look(browser, "pull-request-address-wrong", None).await;
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|complaint| complaint.contains("400")), "{complaints:?}");
    let field = browser.property("#pr-note", "value").await;
    assert_eq!(field.as_str(), Some("The one transaction is what I mean."), "what was typed is still there");
    browser.run("document.querySelector('#pr-url').value = ''", serde_json::json!([])).await;
    browser.fill("#pr-url", &format!("{}/{LEDGER}/pull-requests/87", test.config.bitbucket_web_url)).await;
    browser.press("form[action$='/links'] button").await;
    browser.find_text("Only the address is shown").await;
    test.panel(&installation, 87, AMARA).await;
    test.run_jobs().await;
    browser.fill("#body", "Lucía closes the books in one transaction now. To explain the why before the first review.").await;
    browser.press("form[action$='/answer'] button").await;
    browser.find_text("You answered").await;
    browser.find_text("Close the day's books in one transaction").await;
    in_every_look(browser, "request-answered", None).await;
    browser.press("form[action$='/remove'] button").await;
    browser.find_text("Attach again").await;
    in_every_look(browser, "pull-request-detached", None).await;
    browser.press("form[action$='/again'] button").await;
    browser.find_text("The one transaction is what I mean.").await;
    test.run_jobs().await;

    sign_in(test, browser, &tomasz).await;
    browser.open(&format!("{}/requests", test.url)).await;
    browser.press("a.row-title").await;
    browser.find_text("Amara Okafor answered").await;
    browser.find_text("Close the day's books in one transaction").await;
}

#[tokio::test]
async fn a_request_is_asked_and_answered_with_a_pull_request() {
    with_browser(true, asks_and_is_answered).await;
}

#[tokio::test]
async fn feedback_fits_in_every_look() {
    with_browser(true, async |test, browser| {
        let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
        test.member("Priya Raman", "priya@lumenpay.example", None).await;
        sign_in(test, browser, &amara).await;
        in_every_look(browser, "home-empty", None).await;
        browser.open(&format!("{}/feedback", test.url)).await;
        choose(browser, "#about", "Priya Raman").await;
        browser.press("form[action='/feedback'] button").await;
        browser.find_text("Who may see it").await;
        browser.fill("#body", "You made the retries boring in the best sense.").await;
        browser.press("form[action$='/body'] button").await;
        // The page has come back once sharing is the next step.
        browser.find("form[action$='/share'] .button-primary").await;
        browser.fill("#pr-url", &format!("{}/{LEDGER}/pull-requests/87", test.config.bitbucket_web_url)).await;
        browser.press("form[action$='/links'] button").await;
        browser.find_text("Only the address is shown").await;
        in_every_look(browser, "feedback-draft", None).await;
        browser.open(&format!("{}/feedback", test.url)).await;
        browser.find_text("Your drafts").await;
        in_every_look(browser, "feedback-list", None).await;
        browser.press("a.row-title").await;
        browser.press("a[href$='/withdraw']").await;
        browser.find_text("Delete this draft?").await;
        in_every_look(browser, "feedback-withdraw", None).await;
    })
    .await;
}
