//! What the client does about limits, over the wire.

use super::stub::{Reply, Stub, credential};
use crate::bitbucket::{ApiPath, Call, Failure};

fn call(path: &str) -> Call {
    Call::get(ApiPath::of([path]).unwrap())
}

#[tokio::test]
async fn after_a_429_no_more_calls_are_made() {
    let stub = Stub::start(|_, _| Reply::status(429, "Rate limit for this resource has been exceeded")).await;
    let client = stub.client();
    let first = client.call(&credential(), &call("a")).await.unwrap_err();
    let Failure::RateLimited { after_seconds: Some(after) } = first else { panic!("{first:?}") };
    assert!((60..=90).contains(&after), "{after}");
    for _ in 0..20 {
        assert!(matches!(client.call(&credential(), &call("b")).await, Err(Failure::RateLimited { after_seconds: Some(_) })));
    }
    assert_eq!(stub.seen().len(), 1, "never in a loop");
    let other = crate::bitbucket::Credential::bearer("connection:2", crate::config::Secret::new("t"));
    assert!(client.call(&other, &call("a")).await.is_err());
    assert_eq!(stub.seen().len(), 2, "another credential has a budget of its own");
}

#[tokio::test]
async fn a_short_pause_is_waited_for() {
    let stub = Stub::start(|_, before| match before {
        0 => Reply::status(429, "").with("Retry-After", "1"),
        _ => Reply::json("{}"),
    })
    .await;
    assert!(stub.client().call(&credential(), &call("a")).await.is_ok());
    assert_eq!(stub.seen().len(), 2);
}

#[tokio::test]
async fn an_answer_says_how_much_is_left() {
    let stub = Stub::start(|_, before| match before {
        0 => Reply::json("{}"),
        1 => Reply::json("{}").with("X-Ratelimit-Remaining", "17").with("X-Ratelimit-Reset", "879"),
        _ => Reply::json("{}").with("X-RateLimit-Limit", "2000"),
    })
    .await;
    let client = stub.client();
    let mut left = Vec::new();
    for path in ["a", "b", "c"] {
        left.push(client.call(&credential(), &call(path)).await.unwrap().budget_left);
    }
    assert_eq!(left, [Some(999), Some(17), Some(16)]);
}

#[tokio::test]
async fn the_background_stops_where_the_share_of_people_begins() {
    let stub = Stub::start(|_, _| Reply::json("{}").with("X-Ratelimit-Remaining", "150").with("X-Ratelimit-Reset", "600")).await;
    let (client, background) = (stub.client(), credential().in_background());
    assert!(client.call(&background, &call("a")).await.is_ok());
    let held_back = client.call(&background, &call("b")).await.unwrap_err();
    assert!(matches!(held_back, Failure::RateLimited { after_seconds: Some(590..=600) }), "{held_back:?}");
    assert!(client.call(&credential(), &call("b")).await.is_ok(), "people go on");
    assert_eq!(stub.seen().len(), 2);
}
