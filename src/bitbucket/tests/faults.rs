//! Redirects, sizes, and what is repeated.

use std::io::Write as _;

use super::stub::{Reply, Stub, credential};
use crate::bitbucket::{ApiPath, Call, Failure, RepositoryName};

fn call(path: &str) -> Call {
    Call::get(ApiPath::of([path]).unwrap())
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_followed_with_the_credential() {
    let stub = Stub::start(|seen, _| match seen.target.as_str() {
        "/2.0/a" => Reply::to("/2.0/b?x=%0D"),
        _ => Reply::json("{}"),
    })
    .await;
    let answer = stub.client().call(&credential(), &call("a")).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.as_slice()), (200, &b"{}"[..]));
    assert_eq!(stub.targets(), ["/2.0/a", "/2.0/b?x=%0D"]);
    assert!(stub.seen().iter().all(|seen| seen.authorization == "Bearer s3cret"));
}

#[tokio::test]
async fn a_redirect_elsewhere_is_refused_and_nothing_is_sent_there() {
    let elsewhere = Stub::start(|_, _| Reply::json("{}")).await;
    let other = elsewhere.url.clone();
    let host = other.trim_start_matches("http://").to_owned();
    let stub = Stub::start(move |seen, _| {
        Reply::to(&match seen.target.as_str() {
            "/2.0/host" => format!("{other}/2.0/user"),
            "/2.0/scheme" => format!("//{host}/2.0/user"),
            "/2.0/person" => format!("http://{}@{host}/2.0/user", "api.bitbucket.org"),
            "/2.0/outside" => "/1.0/user".to_owned(),
            "/2.0/up" => "/2.0/../1.0/user".to_owned(),
            _ => "http://[bad".to_owned(),
        })
    })
    .await;
    for path in ["host", "scheme", "person", "outside", "up", "bad"] {
        let failure = stub.client().call(&credential(), &call(path)).await.unwrap_err();
        assert!(matches!(failure, Failure::Refused { status: 302, .. }), "{path}: {failure:?}");
    }
    assert!(elsewhere.seen().is_empty());
    assert_eq!(stub.seen().len(), 6);
}

#[tokio::test]
async fn a_log_is_fetched_from_where_it_is_kept_without_the_credential() {
    let storage = Stub::start(|seen, _| match seen.target.as_str() {
        "/forbidden" => Reply::status(403, "<Error/>"),
        _ => Reply::status(200, "+ cargo test"),
    })
    .await;
    let kept = storage.url.clone();
    let stub = Stub::start(move |seen, _| {
        let step = seen.target.split('/').nth(8).unwrap_or_default().to_owned();
        Reply::status(307, "").with("location", &format!("{kept}/{step}")).with("x-ratelimit-remaining", "7")
    })
    .await;
    let log = |step: &str| Call::get(ApiPath::of(["repositories", "w", "r", "pipelines", "p", "steps", step, "log"]).unwrap());
    let answer = stub.client().call(&credential(), &log("kept")).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.as_slice()), (200, &b"+ cargo test"[..]));
    assert!(answer.budget_left.is_some() && answer.header("location").is_none());
    assert_eq!(stub.client().call(&credential(), &log("forbidden")).await.unwrap_err(), Failure::NotFound);
    assert_eq!(storage.targets(), ["/kept", "/forbidden"]);
    assert!(storage.seen().iter().all(|seen| seen.authorization.is_empty()), "the credential stays here");
    // What is not kept elsewhere is not fetched, wherever it leads.
    let diff = Call::get(ApiPath::of(["repositories", "w", "r", "pullrequests", "7", "diff", "x"]).unwrap());
    assert!(matches!(stub.client().call(&credential(), &diff).await.unwrap_err(), Failure::Refused { status: 307, .. }));
    assert_eq!(storage.seen().len(), 2);
}

#[tokio::test]
async fn redirects_without_an_end_are_given_up() {
    let stub = Stub::start(|_, before| Reply::to(&format!("/2.0/{before}"))).await;
    let failure = stub.client().call(&credential(), &call("a")).await.unwrap_err();
    assert!(matches!(failure, Failure::Refused { .. }));
    assert_eq!(stub.seen().len(), 4);
}

#[tokio::test]
async fn what_writes_follows_no_redirect() {
    let stub = Stub::start(|_, _| Reply::to("/2.0/b")).await;
    let post = Call::new(reqwest::Method::POST, ApiPath::of(["a"]).unwrap()).json(serde_json::json!({}));
    assert!(matches!(stub.client().call(&credential(), &post).await.unwrap_err(), Failure::Refused { status: 302, .. }));
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn a_small_answer_that_unpacks_into_a_huge_one_is_given_up() {
    let packed = zeros_packed(64);
    assert!(packed.len() < 1024 * 1024);
    let stub = Stub::start(move |_, _| Reply {
        status: 200,
        headers: vec![("content-encoding".to_owned(), "gzip".to_owned())],
        body: packed.clone(),
    })
    .await;
    assert_eq!(stub.client().call(&credential(), &call("a")).await.unwrap_err(), Failure::TooLarge);
}

/// A gzip file of so many mebibytes of zeros, written with deflate's fixed codes: each back reference of 258 bytes takes 13 bits.
fn zeros_packed(mebibytes: usize) -> Vec<u8> {
    let (mut bits, mut count) = (Vec::<u8>::new(), 0_usize);
    let mut put = |value: u32, length: u32| {
        for bit in 0..length {
            if count.is_multiple_of(8) {
                bits.push(0);
            }
            let last = bits.len() - 1;
            bits[last] |= u8::from(value >> bit & 1 == 1) << (count % 8);
            count += 1;
        }
    };
    put(0b011, 3);
    // The literal 0 is 00110000, codes begin with their highest bit.
    put(0b0000_1100, 8);
    for _ in 0..mebibytes * 1024 * 1024 / 258 {
        // Length 258 is the code 285, 11000101; distance 1 is 00000.
        put(0b1010_0011, 8);
        put(0, 5);
    }
    put(0, 7);
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    packed.write_all(&bits).unwrap();
    packed.extend([0; 8]);
    packed
}

#[tokio::test]
async fn a_read_that_fails_for_a_moment_is_made_again_and_a_write_is_not() {
    let stub = Stub::start(|_, before| match before {
        0 => Reply::status(503, "<html>"),
        1 => Reply::status(0, ""),
        _ => Reply::json("{}"),
    })
    .await;
    assert!(stub.client().call(&credential(), &call("a")).await.is_ok());
    assert_eq!(stub.seen().len(), 3);

    let stub = Stub::start(|_, _| Reply::status(503, "")).await;
    let post = Call::new(reqwest::Method::POST, ApiPath::of(["a"]).unwrap());
    assert_eq!(stub.client().call(&credential(), &post).await.unwrap_err(), Failure::Down);
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn a_proof_is_asked_for_once_and_never_shared() {
    let stub = Stub::start(|_, _| Reply::status(503, "")).await;
    let (client, workspace) = (stub.client(), uuid::Uuid::nil());
    let (one, two) = (credential(), credential());
    let both = tokio::join!(client.prove(&one, workspace), client.prove(&two, workspace));
    assert_eq!(both, (Err(Failure::Down), Err(Failure::Down)));
    assert_eq!(stub.seen().len(), 2);
}

#[tokio::test]
async fn connections_are_used_again() {
    let stub = Stub::start(|_, _| Reply::json("{}")).await;
    let client = stub.client();
    for path in ["a", "b", "c"] {
        assert!(client.clone().call(&credential(), &call(path)).await.is_ok());
    }
    assert_eq!((stub.seen().len(), stub.connections()), (3, 1));
}

#[tokio::test]
async fn identical_reads_at_the_same_time_are_one_call() {
    let stub = Stub::start(|_, _| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        Reply::json(r#"{"full_name":"a/b"}"#)
    })
    .await;
    let (client, credential) = (stub.client(), credential());
    let name = RepositoryName::Full("a/b".to_owned());
    let (one, two) = tokio::join!(client.repository(&credential, &name), client.repository(&credential, &name));
    assert_eq!((one.unwrap().full_name, two.unwrap().full_name), (Some("a/b".to_owned()), Some("a/b".to_owned())));
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_not_asked_for() {
    let stub = Stub::start(|_, _| Reply::json("{}")).await;
    for name in ["a/..", "../b", "a", "a/%2e%2e", ""] {
        let failure = stub.client().repository(&credential(), &RepositoryName::Full(name.to_owned())).await.unwrap_err();
        assert_eq!(failure, Failure::NotFound, "{name}");
    }
    assert!(stub.seen().is_empty());
}
