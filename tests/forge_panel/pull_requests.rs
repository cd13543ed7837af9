//! What Forge does not say of a pull request: asked for once where nothing is known of it, and never again.

use std::time::{Duration, Instant};

use bitbucket_sandbox::{Fault, ForgeCaller, Misbehaviour};
use reqwest::Method;
use serde_json::json;

use super::{amara_and_lucia, ask, open, questions, send};
use crate::both;
use crate::harness::forge::FORGE;
use crate::harness::{AMARA, LEDGER, TOMASZ, Test};

both!(with super::FORGE =>
    a_pull_request_not_seen_before_is_asked_for_and_a_known_one_is_not,
    without_an_answer_the_form_offers_members_in_time,
    a_link_made_by_address_is_found_by_the_name_that_bitbucket_tells,
    nobody_is_asked_for_somebody_unknown,
);

async fn a_pull_request_not_seen_before_is_asked_for_and_a_known_one_is_not(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    assert!(open(test, &app, AMARA).await.shows("New draft about Lucía Fernández"));
    assert_eq!(questions(test), 1);
    assert!(send(test, &app, AMARA, "links", json!({ "target": "new:author", "note": "" })).await.saved());
    let asked = questions(test);
    test.sandbox.misbehave(Misbehaviour::on("/2.0/", Fault::Status(503)));
    let known = open(test, &app, AMARA).await;
    assert!(known.shows("Your draft about Lucía Fernández"), "{known:?}");
    assert!(send(test, &app, AMARA, "form", json!({})).await.shows("New draft about Lucía Fernández"));
    assert_eq!(questions(test), asked, "what is known is not asked for");
    test.sandbox.behave();
    test.run_jobs().await;
}

async fn without_an_answer_the_form_offers_members_in_time(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    for fault in [Fault::Slow { milliseconds: 4_000 }, Fault::Status(500), Fault::MalformedBody, Fault::DroppedConnection] {
        test.sandbox.misbehave(Misbehaviour::on("/2.0/repositories/", fault.clone()));
        let begun = Instant::now();
        let panel = open(test, &app, AMARA).await;
        assert!(begun.elapsed() < Duration::from_secs(12), "{fault:?} took {:?}", begun.elapsed());
        assert!(panel.shows("New draft about someone") && !panel.shows("new:author"), "{fault:?}: {panel:?}");
        test.sandbox.behave();
    }
    let lucia = test.member_by_email("lucia@lumenpay.example").await;
    test.sandbox.misbehave(Misbehaviour::on("/2.0/repositories/", Fault::Status(500)).times(1));
    let fields = json!({ "target": "new:someone", "about": lucia.id, "note": "" });
    assert!(send(test, &app, AMARA, "links", fields).await.saved());
    assert!(open(test, &app, AMARA).await.shows("Your draft about Lucía Fernández"), "what is fetched later is the same one");
}

async fn a_link_made_by_address_is_found_by_the_name_that_bitbucket_tells(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    let token = test.token(&test.member_by_email("amara@lumenpay.example").await, "read,write").await;
    let goal = test.api_as(&token, Method::POST, "/goals").json(&json!({ "title": "Reliable", "public": true }));
    let goal: serde_json::Value = goal.send().await.expect("an answer").json().await.expect("a goal");
    let url = format!("{}/{LEDGER}/pull-requests/87", test.sandbox.url());
    let link = json!({ "kind": "goal", "target": goal["id"], "url": url, "note": "A step" });
    let made = test.api_as(&token, Method::POST, "/links").json(&link).send().await.expect("an answer");
    assert_eq!(made.status(), 201);
    test.run_jobs().await;
    let shown = open(test, &app, AMARA).await;
    assert!(shown.shows("Your goal") && shown.shows("A step"), "{shown:?}");
    test.run_jobs().await;
    let session = test.session(&test.member_by_email("amara@lumenpay.example").await).await;
    let page = test.get_as(&session, &format!("/goals/{}", goal["id"].as_str().expect("an id"))).await;
    assert!(page.body.contains("Close the day&#39;s books in one transaction"), "who has seen it reads it: {}", page.body);
}

async fn nobody_is_asked_for_somebody_unknown(test: &Test) {
    let app = test.installed_forge().await;
    assert!(open(test, &app, TOMASZ).await.shows("Link your Bitbucket account"));
    assert_eq!(questions(test), 0);
    let nowhere = ForgeCaller::Panel { viewer: TOMASZ, repository: LEDGER, pull_request: 87 };
    assert_eq!(ask(test, &app, nowhere, "/forge/panel/nowhere", json!({})).await.status, 404);
}
