//! How often a credential may call.

use crate::app::client;
use bitbucket_sandbox::{AccessToken, Options, Reach, Resource, RetryAfter, Sandbox};
use chrono::Duration;

const PATH: &str = "/2.0/repositories/lumenpay/checkout";

async fn started() -> Sandbox {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    for token in ["t", "another"] {
        let token = AccessToken {
            name: token.to_owned(),
            ..AccessToken::new(token, Reach::Workspace("lumenpay".to_owned()), &["repository"])
        };
        sandbox.add_access_token(token);
    }
    sandbox
}

async fn ask(sandbox: &Sandbox, token: &str) -> reqwest::Response {
    client().get(format!("{}{PATH}", sandbox.url())).bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn so_many_calls_are_let_through_in_an_hour_that_rolls() {
    let sandbox = started().await;
    sandbox.limit_calls(Resource::RepositoryData, 5);
    for left in (0..5).rev() {
        let answer = ask(&sandbox, "t").await;
        assert_eq!((answer.status().as_u16(), answer.headers()["x-ratelimit-limit"].to_str().unwrap()), (200, "5"));
        assert_eq!(answer.headers()["x-ratelimit-nearlimit"].to_str().unwrap(), if left == 0 { "true" } else { "false" });
        assert_eq!(answer.headers()["x-accepted-oauth-scopes"].to_str().unwrap(), "repository");
        sandbox.set_now(sandbox.now() + Duration::minutes(1));
    }
    let refused = ask(&sandbox, "t").await;
    assert_eq!((refused.status().as_u16(), refused.headers().get("retry-after")), (429, None));
    assert!(refused.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(ask(&sandbox, "another").await.status(), 200, "everybody has their own");
    assert_eq!(sandbox.calls_of_last_hour("t", Resource::RepositoryData), 5);
    sandbox.set_now(sandbox.now() + Duration::minutes(56));
    assert_eq!(ask(&sandbox, "t").await.status(), 200, "the first is an hour ago");
}

#[tokio::test]
async fn a_refusal_says_when_to_come_back_in_the_ways_it_really_does() {
    let sandbox = started().await;
    sandbox.limit_calls(Resource::RepositoryData, 1);
    sandbox.show_calls_left(true);
    let answer = ask(&sandbox, "t").await;
    assert_eq!(answer.headers()["x-ratelimit-remaining"].to_str().unwrap(), "0");
    assert_eq!(answer.headers()["x-ratelimit-limit"].to_str().unwrap(), "1, 1;w=3600");
    sandbox.answer_too_many_with(RetryAfter::Seconds);
    let seconds: i64 = ask(&sandbox, "t").await.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3590..=3601).contains(&seconds));
    sandbox.answer_too_many_with(RetryAfter::Date);
    let answer = ask(&sandbox, "t").await;
    let date = chrono::DateTime::parse_from_rfc2822(answer.headers()["retry-after"].to_str().unwrap()).unwrap();
    assert!((date.to_utc() - sandbox.now()).num_minutes() >= 59);
    sandbox.limit_no_calls();
    assert_eq!(ask(&sandbox, "t").await.status(), 200);
}
