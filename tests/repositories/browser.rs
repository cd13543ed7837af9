//! An owner and a member at the page in a browser, and the page in every look. On SQLite only.

use super::page::PAGE;
use super::*;
use crate::harness::browser::{Browser, in_every_look, sign_in, with_browser};

async fn open(test: &Test, browser: &Browser, query: &str) {
    browser.open(&format!("{}{PAGE}{query}", test.url)).await;
}

/// A member's proposal is approved, one repository is ticked, and a project is chosen whole.
async fn decide(test: &Test, browser: &Browser) {
    test.installed().await;
    lay(test, 60).await;
    let priya = Person::new(test, "Priya Raman").await;
    let proposal = json!({"repository": "lumenpay/service-0007", "choose": true});
    assert_eq!(priya.call(test, Method::POST, "/repository-proposals", Some(proposal)).await.0, 201);
    sign_in(test, browser, &test.made.owner).await;
    browser.find_text("A member proposes a repository").await;
    open(test, browser, "").await;
    browser.press("button[aria-label='Approve: choose lumenpay/service-0007']").await;
    browser.find_text("Done as proposed.").await;
    assert!(is_chosen(test, 7).await);
    browser.press(&format!("input[type=checkbox][value='{}']", uuid(1))).await;
    browser.press("form[action*='/choose'] button").await;
    browser.find_text("2 of 60 chosen").await;
    assert!(is_chosen(test, 1).await && is_chosen(test, 7).await);
    open(test, browser, "?project=PAY").await;
    browser.press("form[action*='/all'] button").await;
    browser.find_text("12 of 12 chosen in project PAY").await;
    assert!(is_chosen(test, 55).await && !is_chosen(test, 2).await);
}

#[tokio::test]
async fn an_owner_decides_about_repositories() {
    with_browser(true, decide).await;
}

#[tokio::test]
async fn an_owner_decides_about_repositories_without_scripts() {
    with_browser(false, decide).await;
}

#[tokio::test]
async fn the_page_fits_in_light_and_dark_on_wide_and_narrow_screens() {
    with_browser(true, async |test, browser| {
        sign_in(test, browser, &test.made.owner).await;
        open(test, browser, "").await;
        in_every_look(browser, "repositories-unconnected", None).await;
        test.installed().await;
        lay(test, 60).await;
        let priya = Person::new(test, "Priya Raman").await;
        for (name, choose) in [("lumenpay/service-0005", false), ("lumenpay/service-0007", true)] {
            let proposal = json!({"repository": name, "choose": choose});
            assert_eq!(priya.call(test, Method::POST, "/repository-proposals", Some(proposal)).await.0, 201);
        }
        test.api_json(Method::PUT, &below("/choice"), Some(json!({"all": true, "project": "LED"}))).await;
        let views =
            [("repositories", ""), ("repositories-project", "?project=PAY&said=saved"), ("repositories-none", "?q=nothing")];
        for (name, query) in views {
            open(test, browser, query).await;
            in_every_look(browser, name, None).await;
        }
        sign_in(test, browser, &priya.member).await;
        open(test, browser, "").await;
        in_every_look(browser, "repositories-member", None).await;
    })
    .await;
}
