//! An owner brings one account and one member together in a browser, and the pages in every look. On SQLite only.

use super::*;
use crate::harness::PRIYA;
use crate::harness::browser::{Browser, in_every_look, sign_in, with_browser};

/// An account in every state: linked, aligned, suggested, a choice, nobody's yet, marked.
async fn set_up(test: &Test) -> Member {
    attached(test).await;
    let priya = test.member_by_email("priya@lumenpay.example").await;
    test.bind(&priya, PRIYA).await;
    let tomasz = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", None).await;
    let path = format!("/members/{}/identity", tomasz.id);
    test.api_json(Method::PUT, &path, Some(json!({ "account_id": TOMASZ, "bitbucket_uuid": null }))).await;
    test.member("Mei Tanaka", "mei@lumenpay.example", None).await;
    test.member("Mei Tanaka", "mei.tanaka@lumenpay.example", None).await;
    let lucia = test.member("Lucia Fernandez", "lucia@lumenpay.example", None).await;
    test.sandbox.world(|world: &mut World| {
        world.users.extend([account_named("release-bot", 1), account_named("Jonas Weber", 2)]);
    });
    let session = test.session(&test.made.owner).await;
    opened(test, &session, "").await;
    let marked = test.api(Method::PUT, "/bitbucket-accounts/712020:00000001/not-a-member").send().await.expect("an answer");
    assert_eq!(marked.status(), 204);
    lucia
}

async fn open(test: &Test, browser: &Browser, query: &str) {
    browser.open(&format!("{}{PAGE}{query}", test.url)).await;
}

/// An owner presses the suggestion; nobody is bound before.
async fn align(test: &Test, browser: &Browser) {
    set_up(test).await;
    sign_in(test, browser, &test.made.owner).await;
    open(test, browser, "?show=needs-attention").await;
    browser.find_text("same name").await;
    assert_eq!(account(test, LUCIA).await["state"], "unbound");
    browser.press("button[aria-label='Bind to Lucia Fernandez: Lucía Fernández']").await;
    browser.find_text("Their profile shows it.").await;
    assert!(browser.url().await.contains("show=needs-attention"), "the owner goes on where they were");
    assert_eq!(account(test, LUCIA).await["bound_to"]["name"], "Lucia Fernandez");
    open(test, browser, "?q=fernandez").await;
    browser.press("button[aria-label='Unlink Lucia Fernandez from Lucía Fernández']").await;
    browser.find_text("Unlinked.").await;
    assert_eq!(account(test, LUCIA).await["state"], "unbound");
}

#[tokio::test]
async fn an_owner_aligns_one_identity_and_takes_it_back() {
    with_browser(true, align).await;
}

#[tokio::test]
async fn an_owner_aligns_one_identity_without_scripts() {
    with_browser(false, align).await;
}

#[tokio::test]
async fn the_pages_fit_in_light_and_dark_on_wide_and_narrow_screens() {
    with_browser(true, async |test, browser| {
        let lucia = set_up(test).await;
        sign_in(test, browser, &test.made.owner).await;
        let accounts = [("choose", LUCIA), ("linked", PRIYA), ("aligned", TOMASZ), ("marked", "712020:00000001")];
        let accounts = accounts.map(|(name, id)| (format!("identity-{name}"), format!("/account?account={id}")));
        let lists = [
            ("identities", ""),
            ("identities-members", "?show=members"),
            ("identities-empty", "?q=nobody"),
            ("identities-said", "?show=bound&said=bound"),
        ];
        let lists = lists.map(|(name, query)| (name.to_owned(), query.to_owned()));
        for (name, query) in lists.into_iter().chain(accounts) {
            open(test, browser, &query).await;
            in_every_look(browser, &name, None).await;
        }
        remove(test, &lucia).await;
        let path = format!("/2.0/workspaces/{{{LUMENPAY_UUID}}}/members");
        test.sandbox.misbehave(Misbehaviour::on(&path, Fault::Status(403)));
        test.pass_seconds(3601);
        open(test, browser, "").await;
        test.run_jobs().await;
        open(test, browser, "").await;
        browser.find_text("could not be read").await;
        in_every_look(browser, "identities-refused", None).await;
    })
    .await;
}
