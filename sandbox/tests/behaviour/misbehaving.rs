//! The faults that the API can be told to have.

use crate::app::{ask, installed};
use bitbucket_sandbox::{Fault, Misbehaviour};
use std::time::Instant;

const PATH: &str = "/2.0/workspaces/lumenpay";

#[tokio::test]
async fn faults_strike_so_often_and_where_they_were_told_to() {
    let (sandbox, _app, _) = installed().await;
    sandbox.misbehave(Misbehaviour::on("/2.0/workspaces/", Fault::RateLimited { retry_after_seconds: Some(7) }).times(2));
    sandbox.misbehave(Misbehaviour::on(PATH, Fault::Status(410)));
    let limited = crate::app::client().get(format!("{}{PATH}", sandbox.url())).send().await.unwrap();
    assert_eq!((limited.status().as_u16(), limited.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(ask(sandbox.url(), "/2.0/addon", None).await.0, 405);
    assert_eq!(ask(sandbox.url(), PATH, None).await.0, 429);
    assert_eq!(ask(sandbox.url(), PATH, None).await.0, 410);
    sandbox.behave();
    assert_eq!(ask(sandbox.url(), PATH, None).await.0, 401);
}

#[tokio::test]
async fn an_answer_can_be_late_malformed_or_missing() {
    let (sandbox, _app, _) = installed().await;
    sandbox.misbehave(Misbehaviour::on(PATH, Fault::Slow { milliseconds: 60 }).times(1));
    let asked = Instant::now();
    assert_eq!(ask(sandbox.url(), PATH, None).await.0, 401);
    assert!(asked.elapsed().as_millis() >= 60);

    sandbox.misbehave(Misbehaviour::on(PATH, Fault::MalformedBody).times(1));
    let answer = crate::app::client().get(format!("{}{PATH}", sandbox.url())).send().await.unwrap();
    assert!(answer.status().is_success() && answer.json::<serde_json::Value>().await.is_err());

    sandbox.misbehave(Misbehaviour::on(PATH, Fault::DroppedConnection).times(1));
    let got_whole_answer = match crate::app::client().get(format!("{}{PATH}", sandbox.url())).send().await {
        Ok(answer) => answer.bytes().await.is_ok(),
        Err(_) => false,
    };
    assert!(!got_whole_answer);
    assert_eq!(sandbox.calls().pop().unwrap().status, 0);
}
