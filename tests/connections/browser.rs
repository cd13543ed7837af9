//! The connections in Chromium: an owner connects by consent on Bitbucket's own page, pastes a token, and sees what needs attention, in
//! every look.

use bitbucket_sandbox::{AccessToken, Fault, Misbehaviour, Reach, Workspace};
use clarityloop_bitbucket::config::Secret;
use reqwest::Method;
use serde_json::json;

use super::hooks::look;
use super::{CONNECTIONS, consent, consumer};
use crate::harness::browser::{Browser, in_every_look, sign_in, with_browser};
use crate::harness::people::Person;
use crate::harness::{INGRID, LUMENPAY, TOMASZ, Test, make_workspace};

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
        see_the_webhook(test, browser).await;

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
        browser.find_text("stands on its card").await;
        end_while_bitbucket_is_down(test, browser).await;
    })
    .await;
}

/// The webhook is made in the background; its card says so and gives it a new secret.
async fn see_the_webhook(test: &Test, browser: &Browser) {
    look(test).await;
    open(test, browser).await;
    browser.find_text("By a webhook of the whole workspace").await;
    in_every_look(browser, "connections-webhooks", None).await;
    browser.press("button[aria-label^='New webhook secrets']").await;
    browser.find_text("The webhooks have new secrets.").await;
    test.run_jobs().await;
}

/// Ends what has a webhook while Bitbucket does not answer, and is told what is left.
async fn end_while_bitbucket_is_down(test: &Test, browser: &Browser) {
    test.sandbox.misbehave(Misbehaviour::on("/2.0/", Fault::Status(503)));
    browser.press("a[aria-label^='Disconnect OAuth']").await;
    browser.find_text("Its 1 webhook is removed at Bitbucket").await;
    in_every_look(browser, "connections-disconnect-webhooks", None).await;
    browser.press(".button-danger").await;
    browser.find_text("1 webhook to be removed").await;
    test.pass_seconds(3601);
    for _ in 0..4 {
        test.run_jobs().await;
        test.pass_seconds(20);
    }
    open(test, browser).await;
    browser.find_text("1 webhook could not be removed").await;
    in_every_look(browser, "connections-webhooks-left", None).await;
    test.sandbox.behave();
}

#[tokio::test]
async fn a_member_gives_their_own_grants_and_an_owner_removes_the_consumer() {
    with_browser(true, async |test, browser| {
        sign_in(test, browser, &test.made.owner).await;
        connect_by_consent(test, browser).await;
        browser.press("a[href$='/consumer/remove']").await;
        browser.find_text("One connection lives").await;
        in_every_look(browser, "consumer-in-use", None).await;

        browser.open(&format!("{}/profile", test.url)).await;
        browser.press("button[aria-label='Give: writing']").await;
        browser.find_text("Confirm access to your account").await;
        browser.press(&format!("option[value='{INGRID}']")).await;
        browser.press("button[value=grant]").await;
        browser.find_text("It may: account repository:write").await;
        in_every_look(browser, "profile-grants", None).await;

        open(test, browser).await;
        browser.press("a[aria-label^='Disconnect']").await;
        browser.press(".button-danger").await;
        browser.find_text("stands on its card").await;
        browser.press("a[href$='/consumer/remove']").await;
        browser.find_text("A member’s own grant ends").await;
        in_every_look(browser, "consumer-remove", None).await;
        browser.press(".button-danger").await;
        browser.find_text("The consumer is removed.").await;
        test.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_displaced_connection_says_so_and_a_long_list_of_workspaces_says_that_it_is_cut() {
    with_browser(true, async |test, browser| {
        let workspace = |number: usize| Workspace {
            uuid: format!("{{01990000-0000-4000-8000-{number:012}}}"),
            slug: format!("w-{number:04}"),
            name: format!("Workspace {number}"),
            personal: false,
        };
        test.sandbox.world(|world| world.workspaces.extend((0..501).map(workspace)));
        sign_in(test, browser, &test.made.owner).await;
        test.sandbox.add_consumer(consumer(test, "own-key", "own-secret"));
        let owner = Person::of(test, test.made.owner.clone()).await;
        let fields = [("client_id", "own-key"), ("client_secret", "own-secret")];
        assert_eq!(owner.post(test, &format!("{CONNECTIONS}/consumer"), &fields).await.status, 303);
        let page = consent(test, &owner, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")], TOMASZ).await;
        browser.open(&format!("{}{}", test.url, page.header("location"))).await;
        browser.find_text("reaches more workspaces than the 500 that are shown").await;
        in_every_look(browser, "connections-workspace-cut", None).await;
        browser.press("button[aria-label='Choose lumenpay']").await;
        browser.find_text("What it serves stands below.").await;

        let made = make_workspace(&test.server, "Elsewhere", "Maya Levi", "maya@elsewhere.example").await;
        let maya = Person { token: made.token, ..Person::of(test, made.owner).await };
        let reach = Reach::Workspace(LUMENPAY.to_owned());
        test.sandbox.add_access_token(AccessToken::new(TOKEN, reach, &["account", "repository", "pullrequest"]));
        let body =
            json!({"name": "Own", "kind": "workspace_token", "workspace": LUMENPAY, "token": TOKEN, "purposes": ["reading"]});
        assert_eq!(maya.call(test, Method::POST, "/connections", Some(body)).await.0, 201);
        open(test, browser).await;
        browser.find_text("An administrator of this Bitbucket workspace").await;
        in_every_look(browser, "connections-displaced", None).await;
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
