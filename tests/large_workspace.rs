//! A workspace of 2,000 members, 50,000 conversations and 200,000 links: every page, list and panel asks the database a bounded
//! number of questions and answers with a page of it.

mod ground;

use reqwest::Method;
use serde_json::Value;

use crate::both;
use crate::harness::{INGRID, Page, Test};

both!(every_page_list_and_panel_asks_a_bounded_number_of_questions);

/// The session with its workspace, and what a page reads; a save in the panel asks most. Asked for each row of a list it would be
/// hundreds.
const QUESTIONS_AT_MOST: u64 = 20;
/// A hundred rows with all there is to say of them.
const BYTES_AT_MOST: usize = 300_000;

const PAGES: &[&str] = &[
    "/",
    "/feedback",
    "/one-on-ones",
    "/requests",
    "/goals",
    "/people",
    "/profile",
    "/settings/integrations/bitbucket",
    "/settings/integrations/bitbucket/identities",
    "/settings/audit",
];
const ITEMS: &[(&str, usize)] = &[("/feedback", 4), ("/one-on-ones", 5), ("/requests", 6), ("/goals", 7)];
const LISTS: &[&str] = &["/members", "/feedback", "/one-on-ones", "/requests", "/goals", "/links", "/installations", "/audit"];

async fn every_page_list_and_panel_asks_a_bounded_number_of_questions(test: &Test) {
    let installation = test.installed().await;
    let owner = test.made.owner.clone();
    test.bind(&owner, INGRID).await;
    ground::lay(test).await;
    let session = test.session(&owner).await;
    for path in PAGES {
        check(test, path, test.get_as(&session, path)).await;
    }
    for (path, sort) in ITEMS {
        let path = format!("{path}/{}", ground::id(*sort, 0));
        let page = check(test, &path, test.get_as(&session, &path)).await;
        assert!(page.body.contains("lumenpay/ledger/pull-requests/"), "{path} has no pull request: {}", page.body);
    }
    for path in LISTS {
        let mut cursor = String::new();
        for _ in 0..3 {
            let path = format!("{path}?limit=100{cursor}");
            let request = test.api_as(&test.made.token, Method::GET, &path);
            let page = check(test, &path, async { Page::read(request.send().await.expect("an answer")).await }).await;
            let list: Value = serde_json::from_str(&page.body).expect("JSON");
            let Some(next) = list["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
    }
    let panel = check(test, "the panel", test.panel(&installation, 87, INGRID)).await;
    assert!(panel.body.contains("Attach to"), "{}", panel.body);
    let form = [("token", panel.field("token")), ("target", format!("feedback:{}", ground::id(4, 1)))];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    check(test, "saving in the panel", test.post("/connect/panel/links", &form)).await;
    let panel = check(test, "the panel with a link", test.panel(&installation, 87, INGRID)).await;
    assert!(panel.body.contains("Add to something else"), "{}", panel.body);
    test.run_jobs().await;
}

/// Awaits an answer and counts what it cost.
async fn check(test: &Test, what: &str, answer: impl Future<Output = Page>) -> Page {
    let statements = &test.server.app.metrics.database_statements;
    let before = statements.get();
    let page = answer.await;
    let questions = statements.get() - before;
    assert_eq!(page.status, 200, "{what}: {}", page.body);
    assert!(questions <= QUESTIONS_AT_MOST, "{what} asked {questions} questions");
    assert!(page.body.len() <= BYTES_AT_MOST, "{what} is {} bytes", page.body.len());
    page
}
