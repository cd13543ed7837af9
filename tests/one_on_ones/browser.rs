//! A 1:1 in Chromium: planned, talked through, noted, and carried to the next; and the pages of goals.

use reqwest::Method;
use serde_json::json;

use clarityloop_bitbucket::people::members::Member;

use crate::harness::browser::{Browser, in_every_look, sign_in, with_browser};
use crate::harness::{AMARA, LUCIA, Test};

fn in_days(test: &Test, days: i64) -> String {
    (test.now() + chrono::TimeDelta::days(days)).format("%Y-%m-%d").to_string()
}

/// Plans a 1:1 by the form of the list; the address of its page.
async fn plan(test: &Test, browser: &Browser, with: &Member, days: i64) -> String {
    browser.open(&format!("{}/one-on-ones", test.url)).await;
    browser.press(&format!("#with option[value='{}']", with.id)).await;
    // Typing into a date field depends on the browser's language, so its value is set as the calendar would.
    browser.run("document.getElementById('held_on').value = arguments[0]", json!([in_days(test, days)])).await;
    browser.press("form[action='/one-on-ones'] .button-primary").await;
    browser.find_text("Planned.").await;
    browser.url().await.split('?').next().unwrap().to_owned()
}

async fn add(browser: &Browser, text: &str) {
    browser.fill("#add", text).await;
    browser.press("#add + button").await;
    browser.find_text(text).await;
}

/// Attaches a pull request, so that the page shows one.
async fn attach_by_address(test: &Test, who: &Member, page: &str) {
    let token = test.token(who, "write").await;
    let target = page.rsplit('/').next().unwrap();
    let link =
        json!({"kind": "one_on_one", "target": target, "repository": "lumenpay/ledger", "pull_request": 87, "note": "This one."});
    let answer = test.api_as(&token, Method::POST, "/links").json(&link).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    test.run_jobs().await;
}

#[tokio::test]
async fn a_one_on_one_is_planned_ticked_noted_and_carried_to_the_next() {
    with_browser(true, async |test, browser| {
        let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
        let lucia = test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
        sign_in(test, browser, &amara).await;
        let first = plan(test, browser, &lucia, 0).await;
        add(browser, "How far should the retry window go?").await;
        add(browser, "Thank Mei for the load test").await;
        browser.press("li:nth-child(2) .tick").await;
        browser.find("li:nth-child(2) .tick[aria-checked='true']").await;
        browser.find_text("1 open").await;
        browser.fill("#notes", "Ask before offering: does she want to lead the settlement work?").await;
        browser.press("form[action$='/notes'] button").await;
        browser.find_text("Only you see your notes.").await;

        let second = plan(test, browser, &lucia, 7).await;
        browser.find_text("How far should the retry window go?").await;
        browser.find_text("Carried over").await;
        assert_eq!(browser.count(".tick").await, 1, "what was ticked stays behind");
        assert_eq!(browser.property("#notes", "value").await, "", "notes stay with their 1:1");
        attach_by_address(test, &amara, &second).await;
        browser.open(&second).await;
        in_every_look(browser, "one-on-one", None).await;
        browser.press("a[aria-label^='Previous 1:1']").await;
        browser.find_text("carried to").await;
        assert_eq!(browser.url().await, first);
        in_every_look(browser, "one-on-one-previous", None).await;
        browser.press("a[href$='/change']").await;
        browser.find_text("Cancel this 1:1").await;
        in_every_look(browser, "one-on-one-change", None).await;
        browser.open(&first).await;
        browser.press("a[href*='/agenda/']").await;
        browser.find_text("Take it off the agenda").await;
        in_every_look(browser, "agenda-item", None).await;
        browser.open(&format!("{}/one-on-ones", test.url)).await;
        in_every_look(browser, "one-on-ones", None).await;
    })
    .await;
}

#[tokio::test]
async fn a_goal_is_set_and_moved_forward() {
    with_browser(true, async |test, browser| {
        let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
        sign_in(test, browser, &amara).await;
        browser.open(&format!("{}/goals", test.url)).await;
        in_every_look(browser, "goals-empty", None).await;
        browser.press("a[href='/goals/new']").await;
        browser.fill("#title", "No payment is charged twice").await;
        browser.fill("#why", "Shoppers lose trust when a retry charges them again.").await;
        browser.press("input[name=public][value=yes]").await;
        in_every_look(browser, "goal-form", None).await;
        browser.press("form[action='/goals'] .button-primary").await;
        browser.find_text("Set.").await;
        browser.run("document.getElementById('progress').value = ''", json!([])).await;
        browser.fill("#progress", "40").await;
        browser.press("form[action$='/progress'] button").await;
        browser.find_text("Saved.").await;
        assert_eq!(browser.property("progress", "value").await, json!(40));
        in_every_look(browser, "goal", None).await;
        browser.press("a[href$='/remove']").await;
        browser.find_text("This cannot be undone.").await;
        in_every_look(browser, "goal-remove", None).await;
        browser.open(&format!("{}/goals", test.url)).await;
        in_every_look(browser, "goals", None).await;
    })
    .await;
}
