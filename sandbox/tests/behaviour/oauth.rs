//! Signing in by OAuth 2.0, as a browser and a consumer see it.

use crate::app::{AMARA, client};
use bitbucket_sandbox::{Consumer, Email, Options, Sandbox, percent_encode, query_pairs};
use chrono::Duration;
use serde_json::{Value, json};

const CALLBACK: &str = "http://consumer.example/callback";

async fn sandbox_with_consumer(scopes: &[&str]) -> Sandbox {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    sandbox.add_consumer(Consumer {
        client_id: "key".to_owned(),
        client_secret: "secret".to_owned(),
        callback_url: CALLBACK.to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    });
    sandbox
}

/// Where the person is sent when they answer; the fields are those of the address that asked.
async fn answer(sandbox: &Sandbox, fields: &[(&str, &str)], answer: &str) -> (u16, String) {
    let fields = [&[("client_id", "key"), ("response_type", "code"), ("as", AMARA), ("answer", answer)], fields].concat();
    let answer = client().post(format!("{}/site/oauth2/authorize", sandbox.url())).form(&fields).send().await.unwrap();
    let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location.unwrap_or_default())
}

async fn code(sandbox: &Sandbox, fields: &[(&str, &str)]) -> String {
    let (_, location) = answer(sandbox, fields, "grant").await;
    query_pairs(location.split_once('?').unwrap().1).into_iter().find(|(name, _)| name == "code").unwrap().1
}

async fn exchange(sandbox: &Sandbox, secret: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let request = client().post(format!("{}/site/oauth2/access_token", sandbox.url())).basic_auth("key", Some(secret));
    let answer = request.form(fields).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn token(sandbox: &Sandbox) -> String {
    let code = code(sandbox, &[]).await;
    let (status, body) = exchange(sandbox, "secret", &[("grant_type", "authorization_code"), ("code", &code)]).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

pub async fn ask(sandbox: &Sandbox, path: &str, token: &str) -> (u16, Value) {
    let answer = client().get(format!("{}{path}", sandbox.url())).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

pub async fn signed_in() -> (Sandbox, String) {
    let sandbox = sandbox_with_consumer(&["account", "email"]).await;
    let token = token(&sandbox).await;
    (sandbox, token)
}

#[tokio::test]
async fn a_person_grants_and_the_consumer_learns_who_they_are() {
    let sandbox = sandbox_with_consumer(&["account", "email", "repository"]).await;
    let query = format!("client_id=key&response_type=code&state=7&scope=account+email&redirect_uri={}", percent_encode(CALLBACK));
    let page = client().get(format!("{}/site/oauth2/authorize?{query}", sandbox.url())).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("<code>email</code>") && !page.contains("<code>repository</code>"), "{page}");
    let fields = [("state", "7"), ("scope", "account email"), ("redirect_uri", CALLBACK)];
    let (status, location) = answer(&sandbox, &fields, "grant").await;
    let pairs = query_pairs(location.strip_prefix(&format!("{CALLBACK}?")).unwrap());
    assert_eq!((status, pairs[1].1.as_str()), (303, "7"));
    let form = [("grant_type", "authorization_code"), ("code", pairs[0].1.as_str()), ("redirect_uri", CALLBACK)];
    let (_, body) = exchange(&sandbox, "secret", &form).await;
    assert_eq!((&body["scope"], &body["token_type"]), (&json!("account email"), &json!("bearer")));
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(ask(&sandbox, "/2.0/user", token).await.1["account_id"], AMARA);
    let (_, emails) = ask(&sandbox, "/2.0/user/emails", token).await;
    assert_eq!((&emails["size"], &emails["values"][0]["is_confirmed"]), (&json!(1), &json!(true)));
    let (status, refused) = exchange(&sandbox, "secret", &form).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")), "a code works once");
}

#[tokio::test]
async fn a_person_may_deny() {
    let sandbox = sandbox_with_consumer(&["account"]).await;
    let (_, location) = answer(&sandbox, &[("state", "7")], "deny").await;
    assert!(location.starts_with(&format!("{CALLBACK}?error=access_denied&")) && location.ends_with("&state=7"), "{location}");
}

#[tokio::test]
async fn what_the_consumer_is_not_or_may_not_is_refused() {
    let sandbox = sandbox_with_consumer(&["account"]).await;
    for fields in [
        [("client_id", "another"), ("response_type", "code")],
        [("client_id", "key"), ("response_type", "token")],
        [("client_id", "key"), ("redirect_uri", "https://evil.example")],
        [("client_id", "key"), ("scope", "email")],
    ] {
        let answer = client().post(format!("{}/site/oauth2/authorize", sandbox.url()));
        let fields = [&fields[..], &[("as", AMARA), ("answer", "grant")]].concat();
        assert_eq!(answer.form(&fields).send().await.unwrap().status(), 400, "{fields:?}");
    }
    let first = code(&sandbox, &[("redirect_uri", CALLBACK)]).await;
    let form = [("grant_type", "authorization_code"), ("code", first.as_str())];
    let (status, body) = exchange(&sandbox, "wrong", &form).await;
    assert_eq!((status, &body["error"]), (400, &json!("unauthorized_client")));
    let (_, body) = exchange(&sandbox, "secret", &form).await;
    assert_eq!(body["error_description"], "Invalid redirect_uri", "it was sent, so it must be repeated");
    let late = code(&sandbox, &[]).await;
    sandbox.set_now(sandbox.now() + Duration::minutes(11));
    let (_, body) = exchange(&sandbox, "secret", &[("grant_type", "authorization_code"), ("code", &late)]).await;
    assert_eq!(body["error"], "invalid_grant");
    let (_, body) = exchange(&sandbox, "secret", &[("grant_type", "password")]).await;
    assert_eq!(body["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn a_token_lets_in_where_its_scopes_reach_for_two_hours() {
    let sandbox = sandbox_with_consumer(&["account"]).await;
    let token = token(&sandbox).await;
    assert_eq!(ask(&sandbox, "/2.0/user", &token).await.0, 200);
    let (status, body) = ask(&sandbox, "/2.0/user/emails", &token).await;
    assert_eq!((status, &body["error"]["detail"]), (403, &json!({ "granted": ["account"], "required": ["email"] })));
    assert_eq!(ask(&sandbox, "/2.0/user", "another").await.0, 401);
    let in_query = client().get(format!("{}/2.0/user?access_token={token}", sandbox.url())).send().await.unwrap();
    assert_eq!(in_query.status(), 401);
    sandbox.set_now(sandbox.now() + Duration::hours(3));
    assert_eq!(ask(&sandbox, "/2.0/user", &token).await.0, 401);
}

#[tokio::test]
async fn e_mail_addresses_come_in_pages() {
    let (sandbox, token) = signed_in().await;
    let more = (0..11).map(|n| Email {
        account_id: AMARA.to_owned(),
        address: format!("amara{n}@lumenpay.example"),
        is_confirmed: false,
        is_primary: false,
    });
    sandbox.world(|world| world.emails.extend(more));
    let (_, first) = ask(&sandbox, "/2.0/user/emails", &token).await;
    let next = first["next"].as_str().unwrap().strip_prefix(sandbox.url()).unwrap();
    let (_, second) = ask(&sandbox, next, &token).await;
    assert_eq!((first["values"].as_array().unwrap().len(), second["values"].as_array().unwrap().len()), (10, 2));
}
