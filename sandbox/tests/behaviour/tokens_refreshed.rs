//! Refresh tokens that rotate, client credentials, and the switches of the token endpoint.

use crate::app::{AMARA, client};
use crate::oauth::ask;
use bitbucket_sandbox::{Consumer, Options, Sandbox};
use chrono::Duration;
use serde_json::{Value, json};

async fn started() -> Sandbox {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    sandbox.add_consumer(Consumer {
        client_id: "key".to_owned(),
        client_secret: "secret".to_owned(),
        callback_url: "http://consumer.example/callback".to_owned(),
        scopes: vec!["account".to_owned(), "repository".to_owned()],
    });
    sandbox
}

async fn post(sandbox: &Sandbox, form: &[(&str, &str)]) -> (u16, Value) {
    let request = client().post(format!("{}/site/oauth2/access_token", sandbox.url())).basic_auth("key", Some("secret"));
    let answer = request.form(form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn refresh(sandbox: &Sandbox, token: &str) -> (u16, Value) {
    post(sandbox, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

#[tokio::test]
async fn a_refresh_token_rotates_and_the_old_one_is_good_for_ten_more_minutes() {
    let sandbox = started().await;
    let first = sandbox.grant_directly("key", AMARA, &["account"]).refresh_token.unwrap();
    let (status, second) = refresh(&sandbox, &first).await;
    assert_eq!((status, &second["scope"], &second["expires_in"]), (200, &json!("account"), &json!(7200)));
    let second_token = second["refresh_token"].as_str().unwrap();
    assert_ne!(second_token, first);
    assert!(second["access_token"].as_str().unwrap().len() > 2500);
    assert_eq!(ask(&sandbox, "/2.0/user", second["access_token"].as_str().unwrap()).await.0, 200);

    sandbox.set_now(sandbox.now() + Duration::minutes(9));
    assert_eq!(refresh(&sandbox, &first).await.0, 200, "an answer may have been lost");
    sandbox.set_now(sandbox.now() + Duration::minutes(2));
    let (status, refused) = refresh(&sandbox, &first).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(refresh(&sandbox, second_token).await.0, 200);
    assert_eq!(refresh(&sandbox, "made up").await.1["error"], "invalid_request");
    let recorded = sandbox.calls().into_iter().find(|call| call.body.contains("refresh_token")).unwrap();
    assert_eq!(recorded.body, "grant_type=refresh_token", "the rest is secret");
}

#[tokio::test]
async fn a_refresh_token_dies_unused_and_by_the_persons_will() {
    let sandbox = started().await;
    let unused = sandbox.grant_directly("key", AMARA, &["account"]).refresh_token.unwrap();
    sandbox.set_now(sandbox.now() + Duration::days(91));
    assert_eq!(refresh(&sandbox, &unused).await.1["error"], "invalid_grant");
    let pair = sandbox.grant_directly("key", AMARA, &["account"]);
    sandbox.revoke_grants("key", AMARA);
    assert_eq!(refresh(&sandbox, &pair.refresh_token.unwrap()).await.0, 400);
    assert_eq!(ask(&sandbox, "/2.0/user", &pair.access_token).await.0, 401);
}

#[tokio::test]
async fn an_expired_access_token_says_what_to_do() {
    let sandbox = started().await;
    sandbox.tokens_live_seconds(60);
    let pair = sandbox.grant_directly("key", AMARA, &["account"]);
    assert_eq!(pair.expires_in, 60);
    sandbox.set_now(sandbox.now() + Duration::seconds(60));
    let (status, body) = ask(&sandbox, "/2.0/user", &pair.access_token).await;
    assert_eq!(status, 401);
    assert!(body["error"]["message"].as_str().unwrap().starts_with("Access token expired."), "{body}");
}

#[tokio::test]
async fn only_a_private_consumer_acts_for_itself_and_gets_no_refresh_token() {
    let sandbox = started().await;
    let form = [("grant_type", "client_credentials")];
    assert_eq!(post(&sandbox, &form).await.1["error"], "unauthorized_client");
    sandbox.make_consumer_private("key", "lumenpay");
    sandbox.answer_with_scopes(true);
    let (_, body) = post(&sandbox, &form).await;
    assert_eq!((&body["scopes"], body.get("scope"), body.get("refresh_token")), (&json!("account repository"), None, None));
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(ask(&sandbox, "/2.0/user", token).await.1["type"], "app_user");
    let (_, workspaces) = ask(&sandbox, "/2.0/user/workspaces", token).await;
    assert_eq!((&workspaces["size"], &workspaces["values"][0]["workspace"]["slug"]), (&json!(1), &json!("lumenpay")));
}
