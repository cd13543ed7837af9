//! What people do in a browser: Chromium on the stand-in's pages, with the panel in their frames. On SQLite only, because what
//! differs between the databases is tested at each door.

mod forge;
mod journeys;
mod looks;
mod requests;
mod settings;
mod sign_in;

use reqwest::Method;
use serde_json::{Value, json};

use clarityloop_bitbucket::people::members::Member;

use crate::harness::browser::{Browser, ENTER, TAB, in_every_look, sign_in, with_browser};
use crate::harness::{AMARA, LUMENPAY, TOMASZ, Test};

/// Tomasz's pull request, which Amara reviews.
const SECURE_FRAME: &str = "lumenpay/checkout/pull-requests/409";
const ITS_TITLE: &str = "Move the 3-D Secure challenge into its own frame";
/// The frame of the panel beside a pull request, and that of the dialog.
const PANEL: &str = "#panel-0";
const DIALOG: &str = "dialog iframe";

/// The app works in Bitbucket; Tomasz's account is known.
async fn set_up(test: &Test) {
    test.installed().await;
    test.member("Tomasz Zieliński", "tomasz@lumenpay.example", Some(TOMASZ)).await;
}

/// Opens the pull request as the person with this account.
async fn open_pull_request(test: &Test, browser: &Browser, account: &str) {
    browser.open(&format!("{}/{SECURE_FRAME}?as={account}", test.sandbox.url())).await;
}

/// Presses "Get a code" on the profile of whoever is signed in.
async fn get_code(test: &Test, browser: &Browser) -> String {
    browser.open(&format!("{}/profile", test.url)).await;
    browser.press("form[action='/profile/code'] button").await;
    browser.property("#code", "value").await.as_str().expect("a code").to_owned()
}

/// Links the account of the person in the panel with a code that they get in another window.
async fn link_account(test: &Test, browser: &Browser, member: &Member) {
    browser.look_into(PANEL).await;
    browser.find_text("Link your Bitbucket account").await;
    let pull_request = browser.open_in_new_window("about:blank").await;
    sign_in(test, browser, member).await;
    let code = get_code(test, browser).await;
    browser.look_at_window(&pull_request).await;
    browser.look_into(PANEL).await;
    browser.fill("#code", &code).await;
    browser.press("#link").await;
    browser.find("#save").await;
}

/// In the panel: attaches the pull request to a new draft about its author.
async fn attach(browser: &Browser, note: &str) {
    browser.press("input[value='new:author']").await;
    browser.fill("#note", note).await;
    browser.press("#save").await;
    browser.find_text("Saved to your draft about Tomasz Zieliński.").await;
}

/// In the panel: opens the item that the pull request is attached to, in a window of its own; the answer is the window before.
async fn open_item(browser: &Browser) -> Value {
    let address = browser.property("a.row-title", "href").await;
    browser.open_in_new_window(address.as_str().expect("an address")).await
}

/// The whole way of a person whom the panel does not know: link, attach, find it on the item, undo.
async fn link_attach_find_and_undo(test: &Test, browser: &Browser) {
    set_up(test).await;
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    open_pull_request(test, browser, AMARA).await;
    link_account(test, browser, &amara).await;
    browser.run("window.marker = 'the same document'", json!([])).await;
    attach(browser, "It keeps the <b>focus</b> where it was.").await;

    test.run_jobs().await;
    let pull_request = open_item(browser).await;
    browser.find_text("Feedback for Tomasz Zieliński").await;
    assert_eq!(browser.text(".pr a.row-title").await, ITS_TITLE);
    assert_eq!(browser.text(".pr .note").await, "It keeps the <b>focus</b> where it was.");
    let item = browser.url().await;

    browser.look_at_window(&pull_request).await;
    browser.look_into(PANEL).await;
    browser.press("button[name=link]").await;
    browser.find_text("Removed from your draft about Tomasz Zieliński.").await;
    assert_eq!(browser.count("button[name=link]").await, 0, "there is nothing left to undo");
    browser.open_in_new_window(&item).await;
    browser.find_text("Nothing attached yet").await;
    browser.look_at_window(&pull_request).await;
    browser.look_into(PANEL).await;
}

#[tokio::test]
async fn a_stranger_links_the_account_attaches_the_pull_request_finds_it_and_undoes_it_without_a_reload() {
    with_browser(true, async |test, browser| {
        link_attach_find_and_undo(test, browser).await;
        assert_eq!(browser.run("return window.marker", json!([])).await, "the same document", "the frame was loaded again");
    })
    .await;
}

#[tokio::test]
async fn everything_goes_the_same_way_without_scripts() {
    with_browser(false, async |test, browser| {
        link_attach_find_and_undo(test, browser).await;
        assert_eq!(browser.run("return window.marker", json!([])).await, Value::Null, "a script answered the form");
        browser.look_at_page().await;
        browser.press(&format!(".viewing option[value='{TOMASZ}']")).await;
        browser.press(".viewing button").await;
        browser.look_into(PANEL).await;
        browser.find_text("New draft about someone").await;
    })
    .await;
}

#[tokio::test]
async fn what_was_typed_is_still_there_when_something_is_missing() {
    with_browser(true, async |test, browser| {
        set_up(test).await;
        test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
        open_pull_request(test, browser, AMARA).await;
        browser.look_into(PANEL).await;
        browser.press("input[value='new:someone']").await;
        browser.fill("#note", "A long thought.").await;
        browser.press("#save").await;
        browser.find_text("Choose whom the draft is about.").await;
        assert_eq!(browser.property("#note", "value").await, "A long thought.");
        assert_eq!(
            browser.run("return document.activeElement.id", json!([])).await,
            "about",
            "the next thing to do has the focus"
        );
        let complaints = browser.complaints().await;
        assert!(matches!(&complaints[..], [refused] if refused.contains("400")), "{complaints:?}");
    })
    .await;
}

#[tokio::test]
async fn the_frame_is_as_tall_as_what_stands_in_it() {
    with_browser(true, async |test, browser| {
        set_up(test).await;
        test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
        open_pull_request(test, browser, AMARA).await;
        let before = frame_fits(browser).await;
        attach(browser, "").await;
        let after = frame_fits(browser).await;
        assert_ne!(before, after, "another panel has another height");
        test.run_jobs().await;
    })
    .await;
}

/// Waits until the frame is exactly as tall as its content and looks into it; the answer is the height in CSS pixels.
async fn frame_fits(browser: &Browser) -> Value {
    browser.look_at_page().await;
    // A frame of another origin that nobody sees is not drawn, and so does not hear that its style sheet has come.
    browser.run("document.querySelector(arguments[0]).scrollIntoView()", json!([PANEL])).await;
    browser.look_into(PANEL).await;
    let tall = "Math.ceil(document.documentElement.getBoundingClientRect().height)";
    browser.wait_until(&format!("return window.innerHeight === {tall}")).await;
    browser.run(&format!("return {tall}"), json!([])).await
}

#[tokio::test]
async fn the_item_in_the_action_row_opens_the_same_panel_in_a_dialog() {
    with_browser(true, async |test, browser| {
        set_up(test).await;
        test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
        open_pull_request(test, browser, AMARA).await;
        browser.look_into(PANEL).await;
        let beside = browser.text(".panel-body").await;
        browser.look_at_page().await;
        browser.press("[data-dialog]").await;
        browser.look_into(DIALOG).await;
        assert_eq!(browser.text(".panel-body").await, beside);
        attach(browser, "From the dialog.").await;
        test.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn the_configure_page_in_bitbucket_says_which_workspace_it_is_connected_to() {
    with_browser(true, async |test, browser| {
        test.install().await;
        let apps = format!("{}/{LUMENPAY}/workspace/settings/addon-management", test.sandbox.url());
        for (is_confirmed, heading) in [(false, "Waiting for confirmation"), (true, "Connected")] {
            if is_confirmed {
                test.confirm().await;
            }
            browser.open(&apps).await;
            browser.press("a.button").await;
            browser.look_into("#configure").await;
            assert_eq!(browser.text("h2").await, heading);
            browser.find_text("Lumen Pay").await;
            browser.look_at_page().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_pull_request_is_attached_with_the_keyboard_alone() {
    with_browser(true, async |test, browser| {
        set_up(test).await;
        test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
        open_pull_request(test, browser, AMARA).await;
        browser.look_into(PANEL).await;
        browser.find("#save").await;
        assert_eq!(tab_to_save(browser).await, ["target", "note", "save"]);
        browser.key(ENTER).await;
        browser.find_text("Saved to your draft about Tomasz Zieliński.").await;
        test.run_jobs().await;
    })
    .await;
}

/// Presses Tab, from the start of the page, until Save has the focus; the answer is what had it in the panel on the way.
async fn tab_to_save(browser: &Browser) -> Vec<String> {
    let mut way = Vec::new();
    for _ in 0..40 {
        browser.key(TAB).await;
        let focused = "const it = document.activeElement; return document.hasFocus() ? it.id || it.name || '' : ''";
        let focused = browser.run(focused, json!([])).await.as_str().unwrap_or_default().to_owned();
        way.extend((!focused.is_empty()).then(|| focused.clone()));
        if focused == "save" {
            break;
        }
    }
    way
}

#[tokio::test]
async fn pages_and_panel_fit_in_light_and_dark_on_wide_and_narrow_screens() {
    with_browser(true, async |test, browser| {
        set_up(test).await;
        let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
        let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
        write_draft(test, &amara, &priya).await;
        browser.open(&format!("{}/sign-in/{}", test.url, test.sign_in_link(&amara).await)).await;
        in_every_look(browser, "sign-in", None).await;
        sign_in(test, browser, &amara).await;
        in_every_look(browser, "home", None).await;
        get_code(test, browser).await;
        in_every_look(browser, "profile-code", None).await;

        open_pull_request(test, browser, AMARA).await;
        in_every_look(browser, "panel-unknown", Some(PANEL)).await;
        link_account(test, browser, &amara).await;
        in_every_look(browser, "panel-attach", Some(PANEL)).await;
        browser.look_into(PANEL).await;
        attach(browser, "The frame keeps its focus order. Nice.").await;
        in_every_look(browser, "panel-saved", Some(PANEL)).await;

        test.run_jobs().await;
        browser.look_into(PANEL).await;
        let pull_request = open_item(browser).await;
        browser.fill("#body", "You split the work so that each of us could review a part of it in one sitting.").await;
        browser.press("form[action$='/body'] button").await;
        browser.find("form[action$='/share'] .button-primary").await;
        in_every_look(browser, "feedback", None).await;
        for (path, name) in [("/feedback", "feedback-list"), ("/profile", "profile-linked"), ("/api", "api")] {
            browser.open(&format!("{}{path}", test.url)).await;
            in_every_look(browser, name, None).await;
        }
        browser.look_at_window(&pull_request).await;
        browser.press("[data-dialog]").await;
        in_every_look(browser, "panel-dialog", Some(DIALOG)).await;
    })
    .await;
}

/// A draft that the panel offers beside the new ones.
async fn write_draft(test: &Test, author: &Member, about: &Member) {
    let token = test.token(author, "write").await;
    let draft = json!({ "about": about.id, "body": "Your reviews say what you like, too.", "shared": false });
    let answer = test.api_as(&token, Method::POST, "/feedback").json(&draft).send().await.expect("an answer");
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap_or_default());
}
