//! The panel on a pull request.

use crate::both;
use crate::harness::{AMARA, PRIYA, Test};

both!(a_pull_request_is_attached_to_a_new_draft_and_found_on_it);

async fn a_pull_request_is_attached_to_a_new_draft_and_found_on_it(test: &Test) {
    let installation = test.installed().await;
    test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    test.member("Priya Raman", "priya@lumenpay.example", Some(PRIYA)).await;
    let page = test.panel(&installation, 87, AMARA).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("New draft about"), "{}", page.body);
    let saved = test
        .post(
            "/connect/panel/links",
            &[("token", &page.field("token")), ("target", "new:author"), ("note", "Nice <b>handling</b>")],
        )
        .await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    assert!(saved.body.contains("Saved to your draft about"), "{}", saved.body);
    test.run_jobs().await;
}
