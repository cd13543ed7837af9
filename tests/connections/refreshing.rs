//! Tokens that stay alive: refreshed once however many need them, across servers and crashes, until Bitbucket refuses for good.

use std::time::Duration;

use bitbucket_sandbox::{Fault, Misbehaviour};
use clarityloop_bitbucket::connections::refresh;
use clarityloop_bitbucket::storage::ids::ConnectionId;
use serde_json::json;

use super::{CONNECTIONS, CONSUMER, connected, consent, listed, owner, refreshes, register, stored, works};
use crate::both;
use crate::harness::{INGRID, Test};

/// What real access tokens live, less some minutes: they are about to end.
const NEARLY: i64 = 7200 - 300;

both!(with super::CONSUMER =>
    a_token_that_is_about_to_end_is_refreshed_by_the_job_and_at_use,
    two_servers_that_refresh_at_once_ask_once_and_both_go_on,
    whoever_hangs_up_loses_no_pair,
    what_else_fails_is_not_mended_by_a_refresh,
    an_answer_that_is_lost_is_made_up_for_within_the_grace,
    a_pair_that_is_lost_for_longer_than_the_grace_needs_a_new_consent,
    bitbucket_being_down_ends_nothing,
    a_grant_that_is_withdrawn_is_final_until_somebody_grants_anew,
    an_answer_may_name_its_scopes_as_it_did_before_and_its_own_end,
);

async fn a_token_that_is_about_to_end_is_refreshed_by_the_job_and_at_use(test: &Test) {
    register(test);
    let id = connected(test, &owner(test).await).await;
    assert!(works(&test.server, &id).await == Some(true) && refreshes(test) == 0, "a fresh token is used as it is");
    test.pass_seconds(NEARLY);
    assert!(refresh::enqueue_due(&test.server.app.database, &test.server.app.now()).await.expect("a look"));
    test.run_jobs().await;
    assert_eq!(refreshes(test), 1);
    assert!(!refresh::enqueue_due(&test.server.app.database, &test.server.app.now()).await.expect("a look"), "it is fresh again");
    for _ in 0..3 {
        test.pass_seconds(7300);
        assert_eq!(works(&test.server, &id).await, Some(true), "each refresh token is used once, and the next is kept");
    }
    assert_eq!(refreshes(test), 4);
}

async fn two_servers_that_refresh_at_once_ask_once_and_both_go_on(test: &Test) {
    register(test);
    let id = connected(test, &owner(test).await).await;
    let (other, _) = test.second_server().await;
    test.pass_seconds(7300);
    test.sandbox.misbehave(Misbehaviour::on("/site/oauth2/access_token", Fault::Slow { milliseconds: 400 }));
    let (first, second, third) = tokio::join!(works(&test.server, &id), works(&other, &id), works(&other, &id));
    assert_eq!((first, second, third), (Some(true), Some(true), Some(true)));
    assert_eq!(refreshes(test), 1, "one lease for all servers");
    other.stop().await;
}

async fn whoever_hangs_up_loses_no_pair(test: &Test) {
    register(test);
    let id = connected(test, &owner(test).await).await;
    let before = stored(test).await;
    test.pass_seconds(7300);
    test.sandbox.misbehave(Misbehaviour::on("/site/oauth2/access_token", Fault::Late { milliseconds: 700 }).times(1));
    let gone = tokio::time::timeout(Duration::from_millis(200), works(&test.server, &id)).await;
    assert!(gone.is_err(), "hung up between the question and the write");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(stored(test).await != before, "the pair is stored all the same");
    assert_eq!(works(&test.server, &id).await, Some(true));
    assert_eq!(refreshes(test), 1);
}

async fn what_else_fails_is_not_mended_by_a_refresh(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let id = connected(test, &ingrid).await;
    test.sandbox.misbehave(Misbehaviour::on("/2.0/repositories/", Fault::IpAllowList));
    let check = format!("{CONNECTIONS}/{id}/check");
    assert_eq!(ingrid.post(test, &check, &[]).await.status, 303);
    let failing = listed(test).await[0]["failing_code"].clone();
    assert!(failing.is_string(), "{failing}");
    test.pass_seconds(7300);
    assert_eq!(works(&test.server, &id).await, Some(true));
    assert_eq!((refreshes(test), &listed(test).await[0]["failing_code"]), (1, &failing));
    test.sandbox.behave();
    assert_eq!(ingrid.post(test, &check, &[]).await.status, 303);
    assert_eq!(listed(test).await[0]["failing_code"], json!(null));
}

/// Bitbucket makes the next pair, and whoever asked is killed before it is stored.
async fn lose_the_next_pair(test: &Test) {
    let stored = stored(test).await;
    let (_, token) = stored.iter().find(|(column, _)| *column == "refresh_token").expect("a refresh token");
    let asked =
        test.http.post(format!("{}/site/oauth2/access_token", test.sandbox.url())).basic_auth("the-key", Some("the-secret"));
    let asked = asked.form(&[("grant_type", "refresh_token"), ("refresh_token", token.as_str())]);
    assert_eq!(asked.send().await.expect("an answer").status(), 200);
}

async fn an_answer_that_is_lost_is_made_up_for_within_the_grace(test: &Test) {
    register(test);
    let id = connected(test, &owner(test).await).await;
    test.pass_seconds(7300);
    lose_the_next_pair(test).await;
    assert_eq!(works(&test.server, &id).await, Some(true), "the former refresh token is still taken");
    assert_eq!(listed(test).await[0]["state"], "connected");
    test.pass_seconds(7300);
    assert_eq!(works(&test.server, &id).await, Some(true), "and so it goes on");
}

async fn a_pair_that_is_lost_for_longer_than_the_grace_needs_a_new_consent(test: &Test) {
    register(test);
    let id = connected(test, &owner(test).await).await;
    test.pass_seconds(7300);
    lose_the_next_pair(test).await;
    test.pass_seconds(601);
    assert_eq!(works(&test.server, &id).await, None);
    assert_eq!(listed(test).await[0]["state"], "reconnect");
}

async fn bitbucket_being_down_ends_nothing(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let id = connected(test, &ingrid).await;
    test.sandbox.misbehave(Misbehaviour::on("/site/oauth2/access_token", Fault::Status(503)));
    test.pass_seconds(NEARLY);
    assert_eq!(works(&test.server, &id).await, Some(true), "the present token is good for some minutes");
    test.pass_seconds(400);
    let (app, asked) = (&test.server.app, ConnectionId::parse(&id).expect("an id"));
    let refused = refresh::credential(&app.parts(), &asked, &app.now()).await;
    assert_eq!(refused.expect_err("no token").code, "token_not_fetched");
    let page = ingrid.get(test, CONNECTIONS).await;
    assert!(page.body.contains("The token could not be refreshed") && page.body.contains("Do this:"), "{}", page.body);
    test.sandbox.behave();
    test.pass_seconds(31);
    assert_eq!(works(&test.server, &id).await, Some(true));
    assert_eq!(listed(test).await[0]["failing_code"], json!(null));
}

async fn a_grant_that_is_withdrawn_is_final_until_somebody_grants_anew(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let id = connected(test, &ingrid).await;
    test.sandbox.revoke_grants("the-key", INGRID);
    test.pass_seconds(7300);
    assert_eq!(works(&test.server, &id).await, None);
    let asked = refreshes(test);
    assert_eq!(works(&test.server, &id).await, None);
    assert_eq!(refreshes(test), asked, "what is final is not asked again");
    let connection = &listed(test).await[0];
    assert_eq!((&connection["state"], &connection["failing_code"]), (&json!("reconnect"), &json!("bitbucket_grant_ended")));
    assert!(connection["attention"]["remedy"].as_str().is_some_and(|remedy| remedy.contains("Connect again")), "{connection}");
    let page = ingrid.get(test, CONNECTIONS).await;
    assert!(page.body.contains("Reconnect"), "{}", page.body);
    assert!(ingrid.get(test, "/").await.body.contains("Look at the connection OAuth for reading activity"));
    let page = consent(test, &ingrid, &format!("{CONNECTIONS}/{id}/consent"), &[], INGRID).await;
    assert_eq!(page.status, 303, "{}", page.body);
    let connection = &listed(test).await[0];
    assert_eq!(
        (&connection["id"], &connection["state"], &connection["attention"]),
        (&json!(id), &json!("connected"), &json!(null))
    );
    assert_eq!(works(&test.server, &id).await, Some(true));
}

async fn an_answer_may_name_its_scopes_as_it_did_before_and_its_own_end(test: &Test) {
    register(test);
    test.sandbox.answer_with_scopes(true);
    test.sandbox.tokens_live_seconds(1800);
    let id = connected(test, &owner(test).await).await;
    let connection = &listed(test).await[0];
    assert!(connection["scopes"].as_array().is_some_and(|scopes| scopes.contains(&json!("pullrequest"))), "{connection}");
    test.pass_seconds(1100);
    assert!(works(&test.server, &id).await == Some(true) && refreshes(test) == 0);
    test.pass_seconds(200);
    assert!(works(&test.server, &id).await == Some(true) && refreshes(test) == 1, "less than ten minutes are left");
}
