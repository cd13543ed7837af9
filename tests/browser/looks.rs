//! Pages that no whole way leads past, in every look: where there is nothing yet, where there is nothing to see, and forms that
//! came back with a field to mend.

use bitbucket_sandbox::{App, Install};
use reqwest::Method;
use serde_json::json;

use clarityloop_bitbucket::people::members::Member;

use super::{in_every_look, sign_in, with_browser};
use crate::harness::browser::Browser;
use crate::harness::{Backend, INGRID, LEDGER, LUCIA, LUMENPAY, Test, run_with};

const IDENTITIES: &str = "/settings/integrations/bitbucket/identities";

/// The name of a picture, the page of a form, how the form's action ends, and what is wrong in it.
type Wrong<'a> = (&'a str, String, &'a str, &'a [(&'a str, &'a str)]);

async fn keep(test: &Test, browser: &Browser, path: &str, name: &str) {
    browser.open(&format!("{}{path}", test.url)).await;
    in_every_look(browser, name, None).await;
}

/// Sends the form with this action as a browser without the checks of its own would, with these fields in it, and waits for it to
/// come back with one to mend.
async fn send_wrong(browser: &Browser, action: &str, fields: &[(&str, &str)]) {
    let script = "const forms = document.querySelectorAll(`form[method=post][action$='${arguments[0]}']`); \
                  const form = [...forms].find(form => arguments[1].every(([name]) => form.elements[name])); \
                  for (const [name, value] of arguments[1]) form.elements[name].value = value; \
                  form.submit();";
    browser.run(script, json!([action, fields])).await;
    browser.find(".wrong").await;
}

/// Fails on anything that the console complained about but refusals with these statuses.
async fn assert_refused_only(browser: &Browser, statuses: &[&str]) {
    let complaints = browser.complaints().await;
    let is_expected = |complaint: &String| statuses.iter().any(|status| complaint.contains(&format!("status of {status}")));
    assert!(complaints.iter().all(is_expected), "{complaints:?}");
}

async fn made(test: &Test, who: &Member, path: &str, body: serde_json::Value) -> String {
    let token = test.token(who, "write").await;
    let answer = test.api_as(&token, Method::POST, path).json(&body).send().await.expect("an answer");
    assert_eq!(answer.status(), 201, "{path}");
    answer.json::<serde_json::Value>().await.expect("what was made")["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_workspace_where_nothing_is_yet_fits_in_every_look() {
    with_browser(true, async |test, browser| {
        keep(test, browser, "/sign-in", "sign-in-ways").await;
        sign_in(test, browser, &test.made.owner).await;
        let pages = [
            ("/", "fresh-home"),
            ("/people", "fresh-people"),
            ("/one-on-ones", "fresh-one-on-ones"),
            ("/requests", "fresh-requests"),
            ("/feedback", "fresh-feedback"),
            ("/goals", "fresh-goals"),
            ("/goals?show=closed", "fresh-goals-closed"),
            (IDENTITIES, "fresh-identities"),
            ("/settings/audit", "fresh-audit"),
        ];
        for (path, name) in pages {
            keep(test, browser, path, name).await;
        }
        assert_refused_only(browser, &[]).await;
    })
    .await;
}

#[tokio::test]
async fn pages_that_are_not_there_or_not_theirs_fit_in_every_look() {
    with_browser(true, async |test, browser| {
        let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
        keep(test, browser, "/sign-in/of-nobody", "error-link").await;
        sign_in(test, browser, &amara).await;
        keep(test, browser, "/nowhere", "error-nowhere").await;
        keep(test, browser, "/settings/integrations/bitbucket", "error-owners").await;
        keep(test, browser, "/goals/nothing", "error-goal").await;
        assert_refused_only(browser, &["403", "404"]).await;
    })
    .await;
}

#[tokio::test]
async fn the_page_of_a_claim_link_fits_in_every_look() {
    let Some(browser) = Browser::start(true).await else { return };
    let secret = "the one secret of the registered app";
    run_with(Backend::Sqlite, &[("CLARITYLOOP__CONNECT__APP_SECRET", secret)], async |test| {
        let app = App::Registered { secret: secret.to_owned() };
        let descriptor_url = format!("{}/atlassian-connect.json", test.url);
        let install = Install { app, ..Install::new(LUMENPAY, &descriptor_url, INGRID) };
        let installation = test.sandbox.install(&install).await.expect("the app installs");
        test.run_jobs().await;
        let link = test.claim_link(&installation).await;
        sign_in(test, &browser, &test.made.owner).await;
        keep(test, &browser, &link, "claim").await;
        browser.press("main .button-primary").await;
        browser.find_text("People can add pull requests from now on.").await;
        test.run_jobs().await;
        assert_refused_only(&browser, &[]).await;
    })
    .await;
}

#[tokio::test]
async fn all_pull_requests_of_a_conversation_fit_in_every_look() {
    with_browser(true, async |test, browser| {
        let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
        let goal = made(test, &amara, "/goals", json!({"title": "No payment is charged twice", "public": true})).await;
        for number in [87, 88] {
            let link = json!({"kind": "goal", "target": goal, "repository": LEDGER, "pull_request": number, "note": "A step."});
            made(test, &amara, "/links", link).await;
        }
        sign_in(test, browser, &amara).await;
        keep(test, browser, &format!("/goals/{goal}/links"), "links").await;
        test.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn conversations_that_came_back_with_a_field_to_mend_fit_in_every_look() {
    with_browser(true, async |test, browser| {
        let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
        let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
        let long = "x".repeat(20_001);
        let feedback = made(test, &amara, "/feedback", json!({"about": priya.id, "body": "Clear.", "shared": false})).await;
        let request = made(test, &priya, "/requests", json!({"asked": amara.id, "question": "How did it go?"})).await;
        let one_on_one = made(test, &amara, "/one-on-ones", json!({"with": priya.id, "held_on": "2027-02-01"})).await;
        let item = made(test, &amara, &format!("/one-on-ones/{one_on_one}/agenda"), json!({"body": "Retries"})).await;
        let goal = made(test, &amara, "/goals", json!({"title": "No payment is charged twice", "public": true})).await;
        sign_in(test, browser, &amara).await;
        let one_on_one = format!("/one-on-ones/{one_on_one}");
        let forms: [Wrong<'_>; 13] = [
            ("feedback-begin", "/feedback".to_owned(), "/feedback", &[]),
            ("feedback-body", format!("/feedback/{feedback}"), "/body", &[("body", &long)]),
            ("request-ask", "/requests".to_owned(), "/requests", &[("question", "How did it go?")]),
            ("request-answer", format!("/requests/{request}"), "/answer", &[("body", " ")]),
            ("request-decline", format!("/requests/{request}"), "/decline", &[("word", &long)]),
            ("one-on-one-plan", "/one-on-ones".to_owned(), "/one-on-ones", &[]),
            ("one-on-one-move", format!("{one_on_one}/change"), "/change", &[("held_on", "")]),
            ("agenda-add", one_on_one.clone(), "/agenda", &[("body", " ")]),
            ("agenda-write", format!("{one_on_one}/agenda/{item}"), &item, &[("body", " ")]),
            ("notes", one_on_one.clone(), "/notes", &[("notes", &long)]),
            ("goal-set", "/goals/new".to_owned(), "/goals", &[("title", " ")]),
            ("goal-change", format!("/goals/{goal}/change"), "/change", &[("title", " ")]),
            ("goal-progress", format!("/goals/{goal}"), "/progress", &[("progress", "101")]),
        ];
        for (name, path, action, fields) in forms {
            browser.open(&format!("{}{path}", test.url)).await;
            send_wrong(browser, action, fields).await;
            in_every_look(browser, &format!("wrong-{name}"), None).await;
        }
        assert_refused_only(browser, &["400"]).await;
    })
    .await;
}

#[tokio::test]
async fn pages_of_owners_that_came_back_with_a_field_to_mend_fit_in_every_look() {
    with_browser(true, async |test, browser| {
        let installation = test.installed().await;
        let owner = &test.made.owner;
        let token = test.panel(&installation, 87, LUCIA).await.field("token");
        let asks = [("token", token.as_str()), ("name", "Lucía Fernández"), ("email", "lucia@lumenpay.example")];
        assert_eq!(test.post("/connect/panel/join", &asks).await.status, 200);
        let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
        let id = test.installations().await[0]["id"].as_str().expect("an id").to_owned();
        sign_in(test, browser, owner).await;
        let disconnect = format!("/settings/integrations/bitbucket/installations/{id}/disconnect");
        let invited = [("name", "Amara Okafor"), ("email", "amara@lumenpay.example")];
        let forms: [Wrong<'_>; 4] = [
            ("invite", "/people".to_owned(), "/people", &invited),
            ("role", format!("/people/{}", owner.id), "/role", &[("role", "member")]),
            ("remove-last-owner", format!("/people/{}/remove", owner.id), "/remove", &[]),
            ("disconnect", disconnect, "/disconnect", &[("workspace", "lumen")]),
        ];
        for (name, path, action, fields) in forms {
            browser.open(&format!("{}{path}", test.url)).await;
            send_wrong(browser, action, fields).await;
            in_every_look(browser, &format!("wrong-{name}"), None).await;
        }
        browser.open(&format!("{}/people", test.url)).await;
        browser.press("a[href^='/people/joining/']").await;
        send_wrong(browser, "/approve", &[("email", "amara@lumenpay.example")]).await;
        in_every_look(browser, "wrong-join-request", None).await;
        keep(test, browser, "/people?find=nobody", "people-nobody").await;
        keep(test, browser, "/settings/audit?from=soon", "wrong-audit").await;
        keep(test, browser, &format!("/people/{}/remove", amara.id), "member-remove-nothing-open").await;
        assert_refused_only(browser, &["400", "409"]).await;
    })
    .await;
}
