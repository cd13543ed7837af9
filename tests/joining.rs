//! A person in Bitbucket whom nobody here knows: they ask in the panel, an owner decides; and anybody hides the panel for themselves.

use bitbucket_sandbox::{Install, Installation};
use clarityloop_bitbucket::people::join_requests::{self, JoinRequest};
use clarityloop_bitbucket::people::members::Member;
use clarityloop_bitbucket::people::page;
use clarityloop_bitbucket::storage::schema::hidden_panels;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::lifecycle::PERSONAL;
use crate::harness::{AMARA, INGRID, LUCIA, PRIYA, Page, Test, make_workspace};

both!(
    somebody_unknown_asks_once_and_reads_who_decides,
    a_question_that_cannot_be_read_comes_back_as_it_was_typed,
    an_account_asks_a_few_times_in_ten_minutes_at_most,
    a_member_and_a_panel_that_is_off_cannot_ask,
    two_questions_at_once_are_one,
    the_panel_is_hidden_for_one_account_and_shown_again,
    a_purge_takes_the_questions_of_its_bitbucket_workspace_along,
    a_late_proof_leaves_the_questions_to_whoever_has_taken_over,
    a_panel_stays_hidden_while_the_app_is_in_another_bitbucket_workspace,
    an_owner_lets_somebody_in_who_attaches_at_the_next_load,
    a_decision_is_made_once,
    who_is_refused_reads_it_and_may_ask_again_after_thirty_days,
    an_address_that_is_or_was_a_members_lets_nobody_in,
    an_account_that_is_linked_meanwhile_asks_for_nothing_any_more,
    owners_of_another_workspace_decide_nothing_here,
    programs_decide_by_the_same_rules,
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
    waiting_for(test, &test.made.owner).await
}

/// What waits for this owner.
async fn waiting_for(test: &Test, owner: &Member) -> Vec<JoinRequest> {
    let viewer = owner.viewer();
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
    let switch = |enabled| test.api_json(Method::PUT, "/quick-action", Some(json!({ "enabled": enabled })));
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

async fn a_late_proof_leaves_the_questions_to_whoever_has_taken_over(test: &Test) {
    let installation = test.installed().await;
    amara_asks(test, &installation).await;
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    // The proof of that purge still waits for its turn.
    let other = make_workspace(&test.server, "Elsewhere", "Olga Other", "olga@other.example").await;
    let descriptor_url = format!("{}/connect/{}/descriptor.json", test.url, other.install_code);
    let taken = Install { descriptor_url, ..test.to_install() };
    let taken = test.sandbox.install(&taken).await.expect("what was left may be taken");
    let id = test.installations_of(&other.token).await[0]["id"].as_str().expect("an id").to_owned();
    let confirmed = test.api_as(&other.token, Method::POST, &format!("/installations/{id}/confirm")).send().await;
    assert_eq!(confirmed.expect("an answer").status(), 200);
    // The key of the former installation is remembered for a second.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let asked = amara_asks(test, &taken).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    test.run_jobs().await;
    assert_eq!(waiting_for(test, &other.owner).await.len(), 1);
    assert!(waiting(test).await.is_empty());
}

async fn a_panel_stays_hidden_while_the_app_is_in_another_bitbucket_workspace(test: &Test) {
    let installation = test.installed().await;
    let personal = Install { workspace: PERSONAL.to_owned(), actor: PRIYA.to_owned(), ..test.to_install() };
    let personal = test.sandbox.install(&personal).await.expect("the app installs");
    test.run_jobs().await;
    let token = test.panel(&installation, 87, AMARA).await.field("token");
    assert_eq!(test.post("/connect/panel/hide", &[("token", &token)]).await.status, 200);
    assert_eq!(test.sandbox.uninstall(&personal.client_key).await, Ok(204));
    test.run_jobs().await;
    let panel = test.panel(&installation, 87, AMARA).await;
    assert!(panel.body.contains("You have hidden this panel."), "{}", panel.body);
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
    let kept = test.server.app.read(|connection| Ok(hidden_panels::table.count().get_result::<i64>(connection)?)).await;
    assert_eq!(kept.expect("a count"), 0, "with the last one it is forgotten");
}

/// Posts a form of an owner's page.
async fn decide(test: &Test, session: &str, path: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = test.get_as(session, "/people").await.field("csrf");
    let form: Vec<(&str, &str)> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
    test.post_as(session, path, &form).await
}

const AS_ASKED: [(&str, &str); 3] = [("name", "Amara Okafor"), ("email", "amara@lumenpay.example"), ("role", "member")];

/// The path of the page that decides about the one who waits.
async fn page_of_waiting(test: &Test) -> String {
    format!("/people/joining/{}", waiting(test).await.first().expect("somebody waits").id)
}

async fn an_owner_lets_somebody_in_who_attaches_at_the_next_load(test: &Test) {
    let installation = test.installed().await;
    test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
    amara_asks(test, &installation).await;
    let session = test.session(&test.made.owner).await;
    let path = page_of_waiting(test).await;
    let people = test.get_as(&session, "/people").await;
    assert!(people.body.contains("Waiting to join") && people.body.contains(&path), "{}", people.body);
    assert!(people.body.contains("says amara@lumenpay.example") && people.body.contains(AMARA), "{}", people.body);
    let page = test.get_as(&session, &path).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.body.matches("value=\"amara@lumenpay.example\"").count(), 1, "the form is filled: {}", page.body);
    assert!(page.body.contains("lumenpay/ledger/pull-requests/87</a>"), "{}", page.body);
    let let_in = decide(test, &session, &format!("{path}/approve"), &AS_ASKED).await;
    assert_eq!((let_in.status, let_in.header("location")), (303, "/people?done=joined"));
    let amara = test.member_by_email("amara@lumenpay.example").await;
    let shown = test.api_json(Method::GET, &format!("/members/{}", amara.id), None).await;
    assert_eq!((&shown["identity"]["bound_by"], &shown["identity"]["account_id"]), (&json!("joined"), &json!(AMARA)));
    assert!(shown["identity"]["confirmed_at"].is_string());
    let panel = test.panel(&installation, 87, AMARA).await;
    assert!(panel.body.contains("New draft about Lucía Fernández"), "{}", panel.body);
    let profile = test.get_as(&test.session(&amara).await, "/profile").await;
    assert!(profile.body.contains(AMARA) && profile.body.contains("when an owner let you in"), "{}", profile.body);
    assert!(!test.get_as(&session, "/people").await.body.contains("Waiting to join"));
}

async fn a_decision_is_made_once(test: &Test) {
    let installation = test.installed().await;
    amara_asks(test, &installation).await;
    let session = test.session(&test.made.owner).await;
    let path = page_of_waiting(test).await;
    let (approve, refuse) = (format!("{path}/approve"), format!("{path}/refuse"));
    let (first, second, third) = tokio::join!(
        decide(test, &session, &approve, &AS_ASKED),
        decide(test, &session, &approve, &AS_ASKED),
        decide(test, &session, &refuse, &[]),
    );
    let mut statuses = [first.status, second.status, third.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409, 409]);
    for path in [approve, refuse] {
        let late = decide(test, &session, &path, &AS_ASKED).await;
        assert!(late.status == 409 && late.body.contains("This is decided already."), "{}", late.body);
    }
    assert_eq!(test.get_as(&session, &path).await.status, 409);
}

async fn who_is_refused_reads_it_and_may_ask_again_after_thirty_days(test: &Test) {
    let installation = test.installed().await;
    amara_asks(test, &installation).await;
    let session = test.session(&test.made.owner).await;
    let refuse = format!("{}/refuse", page_of_waiting(test).await);
    assert_eq!(decide(test, &session, &refuse, &[]).await.status, 303);
    let refused = test.panel(&installation, 87, AMARA).await;
    assert!(refused.body.contains("An owner did not let you join on") && !refused.body.contains(JOIN), "{}", refused.body);
    assert_eq!(amara_asks(test, &installation).await.status, 409);
    test.pass_seconds(30 * 24 * 3600);
    let again = test.panel(&installation, 87, AMARA).await;
    assert!(again.body.contains("Ask to join") && !again.body.contains("did not let"), "{}", again.body);
    assert_eq!(amara_asks(test, &installation).await.status, 200);
    assert_eq!(waiting(test).await.len(), 1);
}

async fn an_address_that_is_or_was_a_members_lets_nobody_in(test: &Test) {
    let installation = test.installed().await;
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    assert_eq!(amara_asks(test, &installation).await.status, 200, "whoever asks learns nothing about addresses");
    let session = test.session(&test.made.owner).await;
    let path = page_of_waiting(test).await;
    let taken = decide(test, &session, &format!("{path}/approve"), &AS_ASKED).await;
    assert_eq!(taken.status, 409, "{}", taken.body);
    assert!(taken.body.contains("A member with this e-mail address is in the workspace already."), "{}", taken.body);
    assert!(
        taken.body.contains(&format!("href=\"/people/{}\"", amara.id)) && taken.body.contains("type a code"),
        "{}",
        taken.body
    );
    test.api(Method::DELETE, &format!("/members/{}", amara.id)).send().await.expect("an answer");
    let former = decide(test, &session, &format!("{path}/approve"), &AS_ASKED).await;
    assert_eq!(former.status, 409);
    assert!(former.body.contains("A former member has this e-mail address. Invite them again"), "{}", former.body);
    assert_eq!(waiting(test).await.len(), 1, "nothing was decided");
    let other = [("name", "Amara"), ("email", "other@lumenpay.example"), ("role", "owner")];
    assert_eq!(decide(test, &session, &format!("{path}/approve"), &other).await.status, 303);
}

async fn an_account_that_is_linked_meanwhile_asks_for_nothing_any_more(test: &Test) {
    let installation = test.installed().await;
    amara_asks(test, &installation).await;
    let session = test.session(&test.made.owner).await;
    let path = page_of_waiting(test).await;
    let amara = test.member("Amara Okafor", "work@lumenpay.example", None).await;
    let aligned = format!("/members/{}/identity", amara.id);
    test.api_json(Method::PUT, &aligned, Some(json!({ "account_id": AMARA }))).await;
    assert_eq!(waiting(test).await.len(), 1, "an owner's word alone is not the person's");
    let taken = decide(test, &session, &format!("{path}/approve"), &AS_ASKED).await;
    assert_eq!(taken.status, 409, "{}", taken.body);
    assert!(taken.body.contains("This Bitbucket account is linked to another member."), "{}", taken.body);
    test.bind(&amara, AMARA).await;
    assert!(waiting(test).await.is_empty());
}

async fn owners_of_another_workspace_decide_nothing_here(test: &Test) {
    let installation = test.installed().await;
    amara_asks(test, &installation).await;
    let elsewhere = make_workspace(&test.server, "Elsewhere", "Lucía Fernández", "lucia@elsewhere.example").await;
    let session = test.session(&elsewhere.owner).await;
    let path = page_of_waiting(test).await;
    assert!(!test.get_as(&session, "/people").await.body.contains("Waiting to join"));
    assert_eq!(test.get_as(&session, &path).await.status, 404);
    for verb in ["approve", "refuse"] {
        assert_eq!(decide(test, &session, &format!("{path}/{verb}"), &AS_ASKED).await.status, 404);
    }
    assert_eq!(waiting(test).await.len(), 1);
}

async fn programs_decide_by_the_same_rules(test: &Test) {
    let installation = test.installed().await;
    amara_asks(test, &installation).await;
    ask(test, &installation, LUCIA, "Lucía Fernández", "lucia@lumenpay.example").await;
    let listed = test.api_json(Method::GET, "/join-requests", None).await;
    let entries = listed["entries"].as_array().expect("entries");
    let names: Vec<&str> = entries.iter().filter_map(|entry| entry["name"].as_str()).collect();
    assert_eq!(names, ["Lucía Fernández", "Amara Okafor"], "the newest first");
    let path = |at: usize| format!("/join-requests/{}", entries[at]["id"].as_str().expect("an id"));
    let body = Some(json!({ "name": "Lucía F.", "role": "member" }));
    let joined = test.api_json(Method::POST, &format!("{}/approve", path(0)), body).await;
    assert_eq!((&joined["name"], &joined["email"]), (&json!("Lucía F."), &json!("lucia@lumenpay.example")));
    assert_eq!(joined["identity"]["account_id"], LUCIA);
    let again = test.api(Method::POST, &format!("{}/approve", path(0))).json(&json!({})).send().await.expect("an answer");
    assert_eq!(Page::read(again).await.code(), "join_decided");
    let refused = test.api(Method::POST, &format!("{}/refuse", path(1))).send().await.expect("an answer");
    assert_eq!(refused.status(), 204);
    let left = test.api_json(Method::GET, "/join-requests", None).await;
    assert_eq!((&left["entries"], &left["next"]), (&json!([]), &Value::Null));
}
