//! The faults that the API can be told to have.

use crate::app::{ask, client, installed};
use bitbucket_sandbox::{AccessToken, Consumer, Fault, Misbehaviour, Options, Reach, Sandbox};
use serde_json::Value;
use std::time::Instant;

const PATH: &str = "/2.0/workspaces/lumenpay";

#[tokio::test]
async fn faults_strike_so_often_and_where_they_were_told_to() {
    let (sandbox, _app, _) = installed().await;
    sandbox.misbehave(Misbehaviour::on("/2.0/workspaces/", Fault::RateLimited { retry_after_seconds: Some(7) }).times(2));
    sandbox.misbehave(Misbehaviour::on(PATH, Fault::Status(410)));
    let limited = client().get(format!("{}{PATH}", sandbox.url())).send().await.unwrap();
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
    let answer = client().get(format!("{}{PATH}", sandbox.url())).send().await.unwrap();
    assert!(answer.status().is_success() && answer.json::<Value>().await.is_err());

    sandbox.misbehave(Misbehaviour::on(PATH, Fault::DroppedConnection).times(1));
    let got_whole_answer = match client().get(format!("{}{PATH}", sandbox.url())).send().await {
        Ok(answer) => answer.bytes().await.is_ok(),
        Err(_) => false,
    };
    assert!(!got_whole_answer);
    assert_eq!(sandbox.calls().pop().unwrap().status, 0);
}

/// A list of people with an access token, struck by one fault: status, headers and body.
async fn struck(fault: Fault) -> (u16, reqwest::header::HeaderMap, String) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    sandbox.add_access_token(AccessToken::new("t", Reach::Workspace("lumenpay".to_owned()), &["account"]));
    sandbox.misbehave(Misbehaviour::on("/2.0/", fault));
    let request = client().get(format!("{}/2.0/workspaces/lumenpay/members?pagelen=2", sandbox.url())).bearer_auth("t");
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.text().await.unwrap())
}

#[tokio::test]
async fn refusals_look_as_they_really_do() {
    for (fault, status, kind, words) in [
        (Fault::PlainUnauthorised, 401, "text/plain", "Login failed"),
        (Fault::IpAllowList, 403, "application/json", "an admin must whitelist your IP"),
        (Fault::TwoStepRequired, 403, "application/json", "two-step verification"),
        (Fault::Removed, 410, "application/json", "announcement_url"),
        (Fault::WorkspaceDeleted, 410, "application/json", "This workspace has been deleted"),
        (Fault::HtmlPage(502), 502, "text/html", "<h1>"),
        (Fault::Status(555), 555, "application/json", "error"),
        (Fault::HugeBody { bytes: 100_000 }, 200, "application/json", "    "),
    ] {
        let (answered, headers, body) = struck(fault.clone()).await;
        assert_eq!(answered, status, "{fault:?}");
        assert!(headers["content-type"].to_str().unwrap().starts_with(kind) && body.contains(words), "{fault:?}");
    }
    let (status, headers, body) = struck(Fault::EmptyUnauthorised).await;
    assert_eq!((status, body.as_str(), headers.get("content-type")), (401, "", None));
    let (status, headers, _) = struck(Fault::RedirectTo("https://elsewhere.example".to_owned())).await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (302, "https://elsewhere.example"));
    let (status, headers, _) = struck(Fault::RateLimitedUntil { seconds: 90 }).await;
    assert!(status == 429 && headers["retry-after"].to_str().unwrap().ends_with(" GMT"));
}

#[tokio::test]
async fn a_page_can_be_bent() {
    let page = async |fault| serde_json::from_str::<Value>(&struck(fault).await.2).unwrap();
    let right = page(Fault::Slow { milliseconds: 0 }).await;
    let elsewhere = "https://elsewhere.example/2.0/workspaces";
    assert_eq!(page(Fault::NextElsewhere(elsewhere.to_owned())).await["next"], elsewhere);
    let itself = page(Fault::NextIsItself).await;
    assert!(itself["next"].as_str().unwrap().ends_with("/2.0/workspaces/lumenpay/members?pagelen=2"), "{itself}");
    assert!(right["next"].is_string() && page(Fault::NoNext).await.get("next").is_none());
    assert_eq!(page(Fault::Repeated).await["values"].as_array().unwrap().len(), 4);
    let reordered = page(Fault::Reordered).await;
    assert_eq!(reordered["values"][0]["user"]["uuid"], right["values"][1]["user"]["uuid"]);
}

#[tokio::test]
async fn what_was_done_can_be_answered_late_or_never() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    sandbox.add_consumer(Consumer {
        client_id: "key".to_owned(),
        client_secret: "secret".to_owned(),
        callback_url: "http://consumer.example".to_owned(),
        scopes: Vec::new(),
    });
    let token = sandbox.grant_directly("key", crate::app::AMARA, &["account"]).refresh_token.unwrap();
    let refresh = async |token: &str| {
        let request = client().post(format!("{}/site/oauth2/access_token", sandbox.url())).basic_auth("key", Some("secret"));
        let answer = request.form(&[("grant_type", "refresh_token"), ("refresh_token", token)]).send().await?;
        answer.json::<Value>().await
    };
    sandbox.misbehave(Misbehaviour::on("/site/oauth2/", Fault::LostAnswer).times(1));
    assert!(refresh(&token).await.is_err());
    assert_eq!(sandbox.calls().pop().unwrap().status, 0);
    sandbox.set_now(sandbox.now() + chrono::Duration::minutes(11));
    assert_eq!(refresh(&token).await.unwrap()["error"], "invalid_grant", "it was used, though nobody got the answer");

    sandbox.misbehave(Misbehaviour::on("/site/oauth2/", Fault::Late { milliseconds: 80 }).times(1));
    let token = sandbox.grant_directly("key", crate::app::AMARA, &["account"]).refresh_token.unwrap();
    let asked = Instant::now();
    assert!(refresh(&token).await.unwrap()["refresh_token"].is_string() && asked.elapsed().as_millis() >= 80);
}
