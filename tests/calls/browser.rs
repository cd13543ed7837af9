//! Trying a call and allowing changes in a browser, without scripts too.

use crate::harness::browser::Browser;
use crate::harness::browser::{in_every_look, sign_in, with_browser};
use crate::harness::{AMARA, LEDGER, Test};

use super::WRITING;

async fn allows_and_calls(test: &Test, browser: &Browser) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    test.own_grant(&amara, AMARA, WRITING).await;
    sign_in(test, browser, &test.made.owner).await;
    browser.open(&format!("{}/settings/integrations/bitbucket", test.url)).await;
    browser.press("a[href$='/changes']").await;
    browser.find_text("Nothing is allowed that is not ticked here").await;
    browser.press("input[value='branches']").await;
    browser.press("section[aria-labelledby='group-branches'] summary").await;
    browser.press("input[value='DELETE /repositories/{workspace}/{repo_slug}/refs/branches/{name}']").await;
    browser.press("main form .button-primary").await;
    browser.find_text("It counts from the next call on").await;
    in_every_look(browser, "changes-by-api", None).await;

    sign_in(test, browser, &amara).await;
    browser.open(&format!("{}/bitbucket/call?operation=GET+/repositories/{{workspace}}/{{repo_slug}}", test.url)).await;
    browser.find_text("Get a repository").await;
    in_every_look(browser, "call-chosen", None).await;
    browser.run("document.querySelector('#path').value = ''", serde_json::json!([])).await;
    browser.fill("#path", &format!("/repositories/{LEDGER}")).await;
    browser.press("button[value='call']").await;
    browser.find_text("Bitbucket’s answer").await;
    let body = browser.property("#body-said", "value").await;
    assert!(body.as_str().is_some_and(|body| body.contains("\"full_name\": \"lumenpay/ledger\"")), "{body}");
    in_every_look(browser, "call-answered", None).await;
    // What was asked and answered stands in no address.
    let address = browser.run("return location.href", serde_json::json!([])).await;
    assert_eq!(address.as_str(), Some(format!("{}/bitbucket/call", test.url).as_str()));

    browser.open(&format!("{}/bitbucket/call", test.url)).await;
    browser.run("document.querySelector('#method').value = 'DELETE'", serde_json::json!([])).await;
    browser.fill("#path", &format!("/repositories/{LEDGER}/refs/branches/feature/fees")).await;
    browser.press("button[value='try']").await;
    browser.find_text("This would be sent").await;
    in_every_look(browser, "call-dry-run", None).await;
    browser.press("button[value='call']").await;
    browser.find_text("confirmation_needed").await;
    in_every_look(browser, "call-refused", None).await;
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|complaint| complaint.contains("409")), "{complaints:?}");
}

#[tokio::test]
async fn an_owner_allows_changes_and_a_member_calls() {
    with_browser(true, allows_and_calls).await;
}
