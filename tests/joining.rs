//! A person in Bitbucket whom nobody here knows: they ask in the panel, an owner decides; and anybody hides the panel for themselves.

use bitbucket_sandbox::Installation;
use clarityloop_bitbucket::people::join_requests::{self, JoinRequest};
use clarityloop_bitbucket::people::page;

use crate::both;
use crate::harness::{AMARA, INGRID, LUCIA, Page, Test, make_workspace};

both!(
    somebody_unknown_asks_once_and_reads_who_decides,
    a_question_that_cannot_be_read_comes_back_as_it_was_typed,
    an_account_asks_a_few_times_in_ten_minutes_at_most,
    a_member_and_a_panel_that_is_off_cannot_ask,
    two_questions_at_once_are_one,
    the_panel_is_hidden_for_one_account_and_shown_again,
    a_purge_takes_the_questions_of_its_bitbucket_workspace_along,
);

const JOIN: &str = "/connect/panel/join";
const LINK: &str = "Link your Bitbucket account";

/// Asks from the panel of 87 as `account`.
async fn ask(test: &Test, installation: &Installation, account: &str, name: &str, email: &str) -> Page {
    let token = test.panel(installation, 87, account).await.field("token");
    test.post(JOIN, &[("token", &token), ("name", name), ("email", email)]).await
}

async fn amara_asks(test: &Test, installation: &Installation) -> Page {
    ask(test, installation, AMARA, "Amara Okafor", "amara@lumenpay.example").await
}

/// What waits for the owners of Lumen Pay.
async fn waiting(test: &Test) -> Vec<JoinRequest> {
    let viewer = test.made.owner.viewer();
    let page = page::Page { before: None, limit: 100 };
    test.server.app.read(move |connection| join_requests::list(connection, &viewer, &page)).await.expect("a list").entries
}

async fn somebody_unknown_asks_once_and_reads_who_decides(test: &Test) {
    let installation = test.installed().await;
    let panel = test.panel(&installation, 87, AMARA).await;
    assert!(panel.body.contains(LINK) && panel.body.contains("No account yet? Ask to join"), "{}", panel.body);
    let asked = amara_asks(test, &installation).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    assert!(asked.body.contains("<!doctype html>"), "without the script the answer is a whole page");
    for page in [asked, test.panel(&installation, 87, AMARA).await] {
        assert!(page.body.contains("Asked to join on") && page.body.contains("Ingrid Solberg decides"), "{}", page.body);
        assert!(!page.body.contains(JOIN) && page.body.contains(LINK), "a code still links: {}", page.body);
    }
    let again = amara_asks(test, &installation).await;
    assert_eq!(again.status, 409, "{}", again.body);
    assert!(again.body.contains("Asked to join on"), "{}", again.body);
    let waiting = waiting(test).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].account_id.as_str(), waiting[0].name.as_str()), (AMARA, "Amara Okafor"));
    assert_eq!(waiting[0].pull_request_url, format!("{}/lumenpay/ledger/pull-requests/87", test.sandbox.url()));
    let other = test.panel(&installation, 87, LUCIA).await;
    assert!(other.body.contains("Ask to join") && !other.body.contains("Asked to join"), "everybody asks for themselves");
}

async fn a_question_that_cannot_be_read_comes_back_as_it_was_typed(test: &Test) {
    let installation = test.installed().await;
    let typed = [
        ("", "amara@lumenpay.example", "A name has 1 to 100 characters"),
        ("Amara <b>", "nowhere", "This is not an e-mail address"),
        ("Amara\u{1e}", "amara@lumenpay.example", "A name has 1 to 100 characters"),
    ];
    for (name, email, sentence) in typed {
        let page = ask(test, &installation, AMARA, name, email).await;
        assert_eq!(page.status, 400, "{}", page.body);
        assert!(page.body.contains(sentence) && page.body.contains(&format!("value=\"{email}\"")), "{}", page.body);
        assert!(
            page.body.contains("<details class=\"more\" open>") && page.body.contains("aria-invalid=\"true\""),
            "{}",
            page.body
        );
    }
    assert!(waiting(test).await.is_empty());
}

async fn an_account_asks_a_few_times_in_ten_minutes_at_most(test: &Test) {
    let installation = test.installed().await;
    for _ in 0..5 {
        assert_eq!(ask(test, &installation, AMARA, "", "").await.status, 400);
    }
    let refused = amara_asks(test, &installation).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.body.contains("Too many tries. Wait ten minutes") && refused.body.contains("value=\"Amara Okafor\""));
    assert_eq!(ask(test, &installation, LUCIA, "Lucía", "lucia@lumenpay.example").await.status, 200, "others need not wait");
    test.pass_seconds(601);
    assert_eq!(amara_asks(test, &installation).await.status, 200);
}

async fn a_member_and_a_panel_that_is_off_cannot_ask(test: &Test) {
    let installation = test.installed().await;
    let token = test.panel(&installation, 87, AMARA).await.field("token");
    let form = [("token", token.as_str()), ("name", "Amara Okafor"), ("email", "amara@lumenpay.example")];
    let switch = |enabled| test.api_json(reqwest::Method::PUT, "/quick-action", Some(serde_json::json!({ "enabled": enabled })));
    switch(false).await;
    assert_eq!(test.post(JOIN, &form).await.status, 403);
    switch(true).await;
    test.run_jobs().await;
    test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let known = test.post(JOIN, &form).await;
    assert_eq!(known.status, 409, "{}", known.body);
    let forged = test.post(JOIN, &[("token", "x"), ("name", "Amara"), ("email", "amara@lumenpay.example")]).await;
    assert_eq!(forged.status, 401);
    assert!(waiting(test).await.is_empty());
}

async fn two_questions_at_once_are_one(test: &Test) {
    let installation = test.installed().await;
    let token = test.panel(&installation, 87, AMARA).await.field("token");
    let form = [("token", token.as_str()), ("name", "Amara Okafor"), ("email", "amara@lumenpay.example")];
    let (first, second, third) = tokio::join!(test.post(JOIN, &form), test.post(JOIN, &form), test.post(JOIN, &form));
    let mut statuses = [first.status, second.status, third.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
    assert_eq!(waiting(test).await.len(), 1);
}

async fn the_panel_is_hidden_for_one_account_and_shown_again(test: &Test) {
    let installation = test.installed().await;
    test.bind(&test.made.owner, INGRID).await;
    let elsewhere = make_workspace(&test.server, "Elsewhere", "Lucía Fernández", "lucia@elsewhere.example").await;
    assert_ne!(elsewhere.owner.workspace_id, test.made.owner.workspace_id);
    for (account, own) in [(AMARA, LINK), (INGRID, "There is nothing of yours")] {
        let panel = test.panel(&installation, 87, account).await;
        assert!(panel.body.contains(own) && panel.body.contains("Hide this panel for me"), "{}", panel.body);
        let hidden = test.post("/connect/panel/hide", &[("token", &panel.field("token"))]).await;
        assert_eq!(hidden.status, 200);
        for page in [hidden, test.panel(&installation, 87, account).await] {
            assert!(page.body.contains("You have hidden this panel.") && !page.body.contains(own), "{}", page.body);
            assert!(page.body.contains("Show it again"), "{}", page.body);
        }
        assert!(!test.panel(&installation, 87, LUCIA).await.body.contains("You have hidden"), "others see it");
        let token = test.panel(&installation, 87, account).await.field("token");
        assert_eq!(test.post("/connect/panel/hide", &[("token", &token)]).await.status, 200, "twice is once");
        let shown = test.post("/connect/panel/show", &[("token", &token)]).await;
        assert!(shown.status == 200 && shown.body.contains(own), "{}", shown.body);
        assert!(test.panel(&installation, 87, account).await.body.contains(own));
    }
    assert_eq!(test.post("/connect/panel/hide", &[("token", "x")]).await.status, 401);
}

async fn a_purge_takes_the_questions_of_its_bitbucket_workspace_along(test: &Test) {
    let installation = test.installed().await;
    amara_asks(test, &installation).await;
    assert_eq!(waiting(test).await.len(), 1);
    test.send(&test.uninstall_call(&installation)).await;
    test.run_jobs().await;
    assert!(waiting(test).await.is_empty());
}
