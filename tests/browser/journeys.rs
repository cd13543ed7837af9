//! Whole ways in a browser alone: from the first sign-in link, or from an invitation, to a pull request on a piece of feedback.

use clarityloop_bitbucket::people::members::Member;

use super::requests::choose;
use super::settings::install_by_url;
use super::{ITS_TITLE, PANEL, attach, get_code, open_item, open_pull_request, set_up, with_browser};
use crate::harness::browser::Browser;
use crate::harness::{AMARA, INGRID, Test};

/// Opens a one-time link and presses its button.
async fn open_link(browser: &Browser, link: &str) {
    browser.open(link).await;
    browser.press("main button").await;
    browser.find(".bar-me").await;
}

/// Invites somebody under People; the answer is the link to send them, read from the field it is copied from.
async fn invite(test: &Test, browser: &Browser, name: &str, email: &str) -> String {
    browser.open(&format!("{}/people", test.url)).await;
    browser.fill("#name", name).await;
    browser.fill("#email", email).await;
    browser.press("form[action='/people'][method=post] .button-primary").await;
    browser.find_text(&format!("{name} is invited")).await;
    browser.property("#link", "value").await.as_str().expect("a link").to_owned()
}

/// Gets a code on the profile and types it into the panel of the pull request, as the person with this account.
async fn link_own_account(test: &Test, browser: &Browser, account: &str) {
    let code = get_code(test, browser).await;
    open_pull_request(test, browser, account).await;
    browser.look_into(PANEL).await;
    browser.fill("#code", &code).await;
    browser.press("#link").await;
    browser.find("#save").await;
}

/// Opens the draft about Tomasz from the panel and sees the pull request on it.
async fn see_it_on_the_draft(test: &Test, browser: &Browser, note: &str) {
    test.run_jobs().await;
    open_item(browser).await;
    browser.find_text("Feedback for Tomasz Zieliński").await;
    assert_eq!(browser.text(".pr a.row-title").await, ITS_TITLE);
    assert_eq!(browser.text(".pr .note").await, note);
    browser.open(&format!("{}/", test.url)).await;
    assert_eq!(browser.text("section[aria-labelledby=attached] a.row-title").await, ITS_TITLE, "it is on the start page, too");
}

/// The owner's way: sign in, connect, confirm, invite a colleague, link the own account, attach, look.
async fn from_first_start(test: &Test, browser: &Browser, owner: &Member) {
    open_link(browser, &format!("{}/sign-in/{}", test.url, test.sign_in_link(owner).await)).await;
    browser.press("main a[href='/settings/integrations/bitbucket']").await;
    browser.find_text("Connect Bitbucket to begin").await;
    let url = browser.property("#connect", "value").await.as_str().expect("an address").to_owned();
    install_by_url(test, browser, &url).await;
    browser.open(&format!("{}/settings/integrations/bitbucket", test.url)).await;
    browser.press("form[action$='/confirm'] button").await;
    browser.find_text("People can add pull requests from now on.").await;
    test.run_jobs().await;

    invite(test, browser, "Tomasz Zieliński", "tomasz@lumenpay.example").await;
    link_own_account(test, browser, INGRID).await;
    browser.press("input[value='new:someone']").await;
    choose(browser, "#about", "Tomasz Zieliński").await;
    browser.fill("#note", "Well cut.").await;
    browser.press("#save").await;
    browser.find_text("Saved to your draft about Tomasz Zieliński.").await;
    see_it_on_the_draft(test, browser, "Well cut.").await;
}

#[tokio::test]
async fn an_owner_gets_from_first_start_to_a_pull_request_on_a_draft() {
    with_browser(true, async |test, browser| from_first_start(test, browser, &test.made.owner).await).await;
}

#[tokio::test]
async fn an_owner_gets_there_without_scripts() {
    with_browser(false, async |test, browser| from_first_start(test, browser, &test.made.owner).await).await;
}

#[tokio::test]
async fn an_invited_person_gets_from_the_link_to_their_first_pull_request() {
    with_browser(true, async |test, browser| {
        set_up(test).await;
        open_link(browser, &format!("{}/sign-in/{}", test.url, test.sign_in_link(&test.made.owner).await)).await;
        let link = invite(test, browser, "Amara Okafor", "amara@lumenpay.example").await;
        browser.press("nav form[action='/sign-out'] button").await;
        browser.find_text("With a sign-in link").await;

        open_link(browser, &link).await;
        browser.find_text("Welcome, Amara Okafor").await;
        link_own_account(test, browser, AMARA).await;
        attach(browser, "It keeps the focus where it was.").await;
        see_it_on_the_draft(test, browser, "It keeps the focus where it was.").await;
        browser.open(&link).await;
        browser.find_text("This link has been used already.").await;
        let complaints = browser.complaints().await;
        assert!(matches!(&complaints[..], [refused] if refused.contains("409")), "{complaints:?}");
    })
    .await;
}
