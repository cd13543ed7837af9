//! What Forge does not say of a pull request: asked for once where nothing is known of it, and never again.

use std::time::{Duration, Instant};

use bitbucket_sandbox::{Fault, ForgeCaller, Misbehaviour};
use clarityloop_bitbucket::people::members::Member;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::ids::{MemberId, PullRequestId};
use clarityloop_bitbucket::storage::schema::{pull_requests, sightings};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use super::{amara_and_lucia, ask, open, panel_of, questions, send};
use crate::both;
use crate::harness::forge::FORGE;
use crate::harness::{AMARA, LEDGER, TOMASZ, Test};

both!(with super::FORGE =>
    a_pull_request_not_seen_before_is_asked_for_and_a_known_one_is_not,
    without_an_answer_the_form_offers_members_in_time,
    a_link_made_by_address_is_found_by_the_name_that_bitbucket_tells,
    nobody_is_asked_for_somebody_unknown,
    what_was_linked_by_address_is_one_with_what_forge_saved_while_bitbucket_was_silent,
    whoever_asks_for_the_author_while_bitbucket_is_silent_reads_why_there_is_none,
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
    let goal: Value = goal.send().await.expect("an answer").json().await.expect("a goal");
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

/// Attaches 87 to a goal by its address, as Amara.
async fn attached_by_address(test: &Test, token: &str, goal: &Value) {
    let url = format!("{}/{LEDGER}/pull-requests/87", test.sandbox.url());
    let link = json!({ "kind": "goal", "target": goal["id"], "url": url, "note": "By address" });
    let made = test.api_as(token, Method::POST, "/links").json(&link).send().await.expect("an answer");
    assert_eq!(made.status(), 201);
}

async fn seen(test: &Test, pull_request: &PullRequestId, members: &[&Member]) {
    let at = test.now().naive_utc();
    let seen = |member: &&Member| {
        (
            sightings::pull_request_id.eq(pull_request.clone()),
            sightings::member_id.eq(member.id.clone()),
            sightings::seen_at.eq(at),
        )
    };
    let rows: Vec<_> = members.iter().map(seen).collect();
    let write = move |connection: &mut AnyConnection| {
        for row in rows {
            diesel::insert_into(sightings::table).values(row).execute(connection)?;
        }
        Ok(())
    };
    test.server.app.write(write).await.expect("sightings");
}

/// The pull requests that are kept, each with whoever has seen it.
async fn kept(test: &Test) -> Vec<(PullRequestId, String, Vec<MemberId>)> {
    let read = |connection: &mut AnyConnection| {
        let rows = pull_requests::table.order(pull_requests::id).select((pull_requests::id, pull_requests::url));
        let rows: Vec<(PullRequestId, String)> = rows.load(connection)?;
        let mut kept = Vec::new();
        for (id, url) in rows {
            let by = sightings::table.filter(sightings::pull_request_id.eq(&id)).order(sightings::member_id);
            kept.push((id.clone(), url, by.select(sightings::member_id).load(connection)?));
        }
        Ok(kept)
    };
    test.server.app.read(read).await.expect("the rows")
}

async fn what_was_linked_by_address_is_one_with_what_forge_saved_while_bitbucket_was_silent(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    let (amara, lucia) =
        (test.member_by_email("amara@lumenpay.example").await, test.member_by_email("lucia@lumenpay.example").await);
    let token = test.token(&amara, "read,write").await;
    let goal = async |title: &str| -> Value {
        let made = test.api_as(&token, Method::POST, "/goals").json(&json!({ "title": title, "public": true }));
        made.send().await.expect("an answer").json().await.expect("a goal")
    };
    let (reliable, quick) = (goal("Reliable").await, goal("Quick").await);
    attached_by_address(test, &token, &reliable).await;
    attached_by_address(test, &token, &quick).await;
    let by_address = kept(test).await.remove(0);
    seen(test, &by_address.0, &[&amara, &lucia]).await;

    test.pass_seconds(1);
    // The panel's own question goes unanswered, each time; what is fetched afterwards does not.
    let target = format!("goal:{}", reliable["id"].as_str().expect("an id"));
    for fields in [
        json!({ "target": target, "note": "From Forge" }),
        json!({ "target": "new:someone", "about": lucia.id, "note": "A draft" }),
    ] {
        test.sandbox.misbehave(Misbehaviour::on("/2.0/repositories/", Fault::Status(500)));
        assert!(ask(test, &app, panel_of(AMARA), "/forge/panel/links", fields).await.saved());
        test.sandbox.behave();
    }
    assert_eq!(kept(test).await.len(), 2, "nobody can tell yet that it is the same one");
    test.run_jobs().await;

    let rows = kept(test).await;
    let mut both = [amara.id, lucia.id];
    both.sort_by_key(ToString::to_string);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_ne!(rows[0].0, by_address.0, "the row whose repository is known goes on");
    assert_eq!((&rows[0].1, rows[0].2.as_slice()), (&by_address.1, both.as_slice()));
    let listed: Value = test.api_as(&token, Method::GET, "/links").send().await.expect("an answer").json().await.expect("links");
    let mut notes: Vec<&str> = listed["entries"].as_array().expect("links").iter().filter_map(|it| it["note"].as_str()).collect();
    notes.sort_unstable();
    assert_eq!(notes, ["A draft", "By address", "By address"], "of two links to one goal the first stays");
    assert!(listed["entries"].as_array().expect("links").iter().all(|it| it["url"] == by_address.1), "{listed}");

    // What is linked by address from now on finds it.
    let third = goal("Tidy").await;
    attached_by_address(test, &token, &third).await;
    assert_eq!(kept(test).await.len(), 1);
    test.run_jobs().await;
}

async fn whoever_asks_for_the_author_while_bitbucket_is_silent_reads_why_there_is_none(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    test.sandbox.misbehave(Misbehaviour::on("/2.0/repositories/", Fault::Status(500)));
    let refused = send(test, &app, AMARA, "links", json!({ "target": "new:author", "note": "" })).await;
    test.sandbox.behave();
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.html().contains("Bitbucket does not say at the moment who opened this pull request."), "{refused:?}");
    test.run_jobs().await;
}
