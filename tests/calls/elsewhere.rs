//! What Bitbucket keeps on another host: read without the credential, from where Bitbucket may keep it, and nothing else is followed.

use bitbucket_sandbox::{Call, Fault, Misbehaviour};
use serde_json::{Value, json};

use super::{READING, caller, get};
use crate::both;
use crate::harness::people::Person;
use crate::harness::{AMARA, LEDGER, Test};

both!(
    the_log_of_a_step_is_read_from_where_it_is_kept_without_the_credential,
    a_download_is_read_in_the_same_way,
    no_other_address_is_followed_and_no_more_is_read_than_fits,
);

/// A member whose own grant reads, and the path of the log of a step that is over.
async fn reader_of_a_log(test: &Test) -> (Person, String) {
    let now = test.now();
    let pipeline = test.sandbox.world(|world| {
        world.enable_pipelines(LEDGER, 1, now);
        world.pipelines.last().expect("a run").uuid.clone()
    });
    let amara = caller(test, "Amara Okafor", None).await;
    test.own_grant(&amara.member, AMARA, READING).await;
    let steps = format!("repositories/{LEDGER}/pipelines/{pipeline}/steps");
    let (status, answer) = get(test, &amara, &steps).await;
    assert_eq!(status, 200, "{answer}");
    let step = answer["body"]["values"][0]["uuid"].as_str().expect("a step").to_owned();
    (amara, format!("{steps}/{step}/log"))
}

fn fetched(test: &Test) -> Vec<Call> {
    test.sandbox.calls().into_iter().filter(|call| call.path.starts_with("/storage/")).collect()
}

async fn the_log_of_a_step_is_read_from_where_it_is_kept_without_the_credential(test: &Test) {
    let (amara, log) = reader_of_a_log(test).await;
    let (status, answer) = get(test, &amara, &log).await;
    assert_eq!((status, &answer["status"]), (200, &json!(200)), "{answer}");
    assert!(answer["text"].as_str().is_some_and(|text| text.contains("+ cargo test")), "{answer}");
    assert!(answer["budget_left"].is_number() && answer["headers"]["location"].is_null(), "{answer}");
    // The storage refuses whoever brings a credential.
    let calls = fetched(test);
    assert_eq!(calls.iter().map(|call| call.status).collect::<Vec<_>>(), [200]);
    let (status, answer) = get(test, &amara, &log.replace("/log", "/logs/%7B3%7D")).await;
    assert_eq!(status, 200, "that of a container too: {answer}");
}

async fn a_download_is_read_in_the_same_way(test: &Test) {
    test.sandbox.add_download(LEDGER, "report.bin", &[0, 159, 146, 150]);
    let amara = caller(test, "Amara Okafor", None).await;
    test.own_grant(&amara.member, AMARA, READING).await;
    let (status, answer) = get(test, &amara, &format!("repositories/{LEDGER}/downloads/report.bin")).await;
    assert_eq!((status, &answer["base64"]), (200, &json!("AJ+Slg==")), "{answer}");
    assert_eq!(fetched(test).len(), 1);
}

async fn no_other_address_is_followed_and_no_more_is_read_than_fits(test: &Test) {
    let (amara, log) = reader_of_a_log(test).await;
    let refused = |answer: &Value| answer["detail"].as_str().is_some_and(|detail| detail.contains("another address"));
    for elsewhere in [
        "https://169.254.169.254/latest/meta-data",
        "http://example.com/log",
        "https://localhost/log",
        "https://example.com:22/log",
        "ftp://example.com/log",
        "//example.com/log",
    ] {
        test.sandbox.misbehave(Misbehaviour::on("/2.0/repositories/", Fault::RedirectTo(elsewhere.to_owned())).times(1));
        let (status, answer) = get(test, &amara, &log).await;
        assert_eq!((status, &answer["code"]), (400, &json!("bitbucket_refused")), "{elsewhere}: {answer}");
        assert!(refused(&answer), "{elsewhere}: {answer}");
    }
    // What Bitbucket does not keep elsewhere leads nowhere, wherever it points.
    let storage = format!("{}/storage/logs/a/b", test.sandbox.url().replace("127.0.0.1", "localhost"));
    test.sandbox.misbehave(Misbehaviour::on("/2.0/repositories/", Fault::RedirectTo(storage)).times(1));
    let (status, answer) = get(test, &amara, &format!("repositories/{LEDGER}")).await;
    assert!(status == 400 && refused(&answer), "{answer}");
    assert_eq!(fetched(test).len(), 0);

    test.sandbox.misbehave(Misbehaviour::on("/storage/", Fault::HugeBody { bytes: 17 * 1024 * 1024 }).times(1));
    let (status, answer) = get(test, &amara, &log).await;
    assert_eq!((status, &answer["code"]), (400, &json!("bitbucket_too_large")), "{answer}");
    test.sandbox.misbehave(Misbehaviour::on("/storage/", Fault::Status(403)).times(1));
    let (status, answer) = get(test, &amara, &log).await;
    assert_eq!((status, &answer["code"]), (404, &json!("bitbucket_not_found")), "{answer}");
    let own = test.api_as(&amara.token, reqwest::Method::GET, "/bitbucket/operations").send().await.expect("an answer");
    assert_eq!(own.status(), 200, "and nothing of it is held against the grant");
    assert_eq!(get(test, &amara, &log).await.0, 200);
}
