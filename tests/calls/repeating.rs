//! The same writing call under one key: sent once, and answered again for a day with what Bitbucket said, as long as that may be kept.

use bitbucket_sandbox::{Fault, Misbehaviour};
use clarityloop_bitbucket::people::idempotency;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::kept_answers;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use super::{CALL, WRITING, allow, asked, caller};
use crate::both;
use crate::harness::people::Person;
use crate::harness::{AMARA, PRIYA, Test};

both!(
    a_repetition_is_answered_as_the_first_was_and_sent_once,
    what_was_refused_is_sent_again_and_what_was_not_answered_is_not,
    what_is_too_large_to_keep_is_not_given_again,
    an_answer_is_kept_sealed_for_a_day,
    what_is_kept_goes_with_its_bitbucket_workspace,
);

const BRANCHES: &str = "repositories/lumenpay/ledger/refs/branches";

fn branch(name: &str) -> Value {
    json!({"method": "POST", "path": BRANCHES, "body": {"name": name, "target": {"hash": "main"}}})
}

async fn writer(test: &Test) -> Person {
    let amara = caller(test, "Amara Okafor", None).await;
    test.own_grant(&amara.member, AMARA, WRITING).await;
    allow(test, &["branches"], &[]).await;
    amara
}

async fn send(test: &Test, who: &Person, body: &Value, key: &str) -> (u16, Value) {
    let request = test.api_as(&who.token, Method::POST, CALL).header("Idempotency-Key", key).json(body);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
}

async fn sealed(test: &Test) -> Vec<String> {
    let read = |connection: &mut AnyConnection| Ok(kept_answers::table.select(kept_answers::answer).load(connection)?);
    test.server.app.read(read).await.expect("the answers")
}

async fn a_repetition_is_answered_as_the_first_was_and_sent_once(test: &Test) {
    let amara = writer(test).await;
    let (status, first) = send(test, &amara, &branch("fees"), "one").await;
    assert_eq!((status, &first["repeated"], &first["body"]["name"]), (200, &json!(false), &json!("fees")), "{first}");
    let (status, again) = send(test, &amara, &branch("fees"), "one").await;
    assert_eq!((status, &again["status"], &again["repeated"]), (200, &json!(201), &json!(true)), "{again}");
    for same in ["status", "headers", "body", "text", "base64", "next"] {
        assert_eq!(again[same], first[same], "{same}");
    }
    assert_eq!(again["body_not_kept"], false);
    assert_eq!(asked(test).len(), 1, "sent once");
    assert_eq!(send(test, &amara, &branch("other"), "one").await.1["code"], "idempotency_key_reused");
    let priya = caller(test, "Priya Raman", None).await;
    test.own_grant(&priya.member, PRIYA, WRITING).await;
    let (status, answer) = send(test, &priya, &branch("fees"), "one").await;
    assert_eq!((status, &answer["code"]), (400, &json!("bitbucket_refused")), "another’s key is another key: {answer}");
}

async fn what_was_refused_is_sent_again_and_what_was_not_answered_is_not(test: &Test) {
    let amara = writer(test).await;
    assert_eq!(send(test, &amara, &branch("fees"), "one").await.0, 200);
    let (status, refused) = send(test, &amara, &branch("fees"), "two").await;
    assert_eq!(status, 400, "there is one already: {refused}");
    assert_eq!(send(test, &amara, &branch("fees"), "two").await.0, 400);
    test.sandbox.misbehave(Misbehaviour::on(&format!("/2.0/{BRANCHES}"), Fault::Status(502)).times(1));
    assert_eq!(send(test, &amara, &branch("third"), "three").await.0, 503);
    let (status, unknown) = send(test, &amara, &branch("third"), "three").await;
    assert_eq!((status, &unknown["code"]), (409, &json!("answer_unknown")), "{unknown}");
}

async fn what_is_too_large_to_keep_is_not_given_again(test: &Test) {
    let amara = writer(test).await;
    test.sandbox.misbehave(Misbehaviour::on(&format!("/2.0/{BRANCHES}"), Fault::HugeBody { bytes: 70_000 }).times(1));
    let (status, first) = send(test, &amara, &branch("fees"), "one").await;
    assert_eq!((status, first["text"].as_str().map(str::len)), (200, Some(70_000)));
    let (status, again) = send(test, &amara, &branch("fees"), "one").await;
    assert_eq!((status, &again["repeated"], &again["body_not_kept"]), (200, &json!(true), &json!(true)), "{again}");
    assert_eq!((&again["status"], &again["headers"], &again["text"]), (&json!(200), &first["headers"], &json!(null)));
}

async fn an_answer_is_kept_sealed_for_a_day(test: &Test) {
    let amara = writer(test).await;
    assert_eq!(send(test, &amara, &branch("fees"), "one").await.0, 200);
    let kept = sealed(test).await;
    assert!(kept.len() == 1 && !kept[0].contains("fees") && kept[0].contains('.'), "{kept:?}");
    let look = async || {
        let now = test.server.app.now();
        test.server.app.write(move |connection: &mut AnyConnection| idempotency::forget(connection, &now)).await.expect("a look")
    };
    test.pass_seconds(20 * 3600);
    assert_eq!(send(test, &amara, &branch("fees"), "one").await.1["repeated"], true);
    assert_eq!(look().await, 0);
    test.pass_seconds(4 * 3600 + 1);
    assert_eq!((look().await, sealed(test).await.len()), (1, 0), "as the server does every minute");
}

async fn what_is_kept_goes_with_its_bitbucket_workspace(test: &Test) {
    let installation = test.installed().await;
    let amara = writer(test).await;
    assert_eq!(send(test, &amara, &branch("fees"), "one").await.0, 200);
    assert_eq!(sealed(test).await.len(), 1);
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    assert_eq!(sealed(test).await.len(), 0, "at once");
    test.run_jobs().await;
    let (status, again) = send(test, &amara, &branch("fees"), "one").await;
    assert_eq!((status, &again["status"], &again["repeated"]), (200, &json!(201), &json!(true)), "{again}");
    assert_eq!((&again["body"], &again["headers"], &again["body_not_kept"]), (&json!(null), &json!({}), &json!(true)));
}
