//! Lifecycle: payloads, whose secret signs, what a refusal leaves.

use crate::app::{AMARA, LUMENPAY, Posted, TinyApp, get, installed};
use bitbucket_sandbox::{
    App, ClientKey, Install, Options, Sandbox, canonical_request, is_signed_with, query_string_hash, unverified_claims,
};
use serde_json::json;

fn is_signed(posted: &Posted, secret: &str) -> bool {
    posted
        .authorization
        .as_deref()
        .and_then(|value| value.strip_prefix("JWT "))
        .is_some_and(|token| is_signed_with(token, secret))
}

#[tokio::test]
async fn the_first_install_is_unsigned_and_its_body_is_as_captured() {
    let (sandbox, app, installation) = installed().await;
    let posted = app.last();
    assert_eq!(posted.path, "/base/installed");
    assert_eq!(posted.authorization, None);
    assert_eq!(installation.client_key, format!("ari:cloud:bitbucket::app/{LUMENPAY}/tiny-app"));
    let body = posted.body;
    assert_eq!(body["productType"], "bitbucket");
    assert_eq!(body["key"], "tiny-app");
    assert_eq!(body["clientKey"], json!(installation.client_key));
    assert_eq!(body["principal"]["username"], "lumenpay");
    assert_eq!(body["principal"]["type"], "team");
    assert_eq!(body["user"], body["principal"]);
    assert_eq!(body["actor"], json!({ "type": "user", "uuid": "e508425f-96e8-429c-81af-4fbfb07ed305", "account_id": AMARA }));
    assert_eq!(body["baseApiUrl"], json!(sandbox.url()));
    assert_eq!(body["sharedSecret"], json!(sandbox.secret_of(&installation.client_key).unwrap()));
    assert!(body["publicKey"].is_string());
}

#[tokio::test]
async fn the_api_accepts_the_new_secret_while_the_call_is_under_way() {
    let (sandbox, app, _) = installed().await;
    assert_eq!(app.last().proof, Some(200));
    sandbox.install(&app.install_request()).await.unwrap();
    assert_eq!(app.last().proof, Some(200));
}

#[tokio::test]
async fn a_later_install_is_signed_with_the_preceding_secret_also_after_an_uninstall() {
    let (sandbox, app, installation) = installed().await;
    let client_key = installation.client_key;
    let first = sandbox.secret_of(&client_key).unwrap();
    sandbox.install(&app.install_request()).await.unwrap();
    let second = sandbox.secret_of(&client_key).unwrap();
    assert_ne!(first, second);
    assert!(is_signed(&app.last(), &first));

    assert_eq!(sandbox.uninstall(&client_key).await, Ok(204));
    let posted = app.last();
    assert!(is_signed(&posted, &second));
    assert_eq!(posted.body["eventType"], "uninstalled");
    assert!(posted.body.get("sharedSecret").is_none() && posted.body.get("actor").is_none());
    assert_eq!(get(&sandbox, &client_key, &second, "/2.0/workspaces/lumenpay").await.0, 401);

    sandbox.install(&app.install_request()).await.unwrap();
    assert!(is_signed(&app.last(), &second));
}

#[tokio::test]
async fn lifecycle_tokens_hold_what_was_captured_and_leave_out_the_path_of_the_base_url() {
    let (sandbox, app, installation) = installed().await;
    sandbox.uninstall(&installation.client_key).await.unwrap();
    let authorization = app.last().authorization.unwrap();
    let claims = unverified_claims(authorization.strip_prefix("JWT ").unwrap()).unwrap();
    assert_eq!(claims["iss"], claims["aud"]);
    assert_eq!(claims["iss"], json!(installation.client_key));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert_eq!(claims["qsh"], json!(query_string_hash(&canonical_request("POST", "/uninstalled", ""))));
    assert_eq!(claims.len(), 5);
}

#[tokio::test]
async fn a_refused_install_leaves_what_was() {
    let (sandbox, app, installation) = installed().await;
    let secret = sandbox.secret_of(&installation.client_key).unwrap();
    app.change(|behaviour| behaviour.answers = 401);
    let failed = sandbox.install(&app.install_request()).await.unwrap_err();
    assert_eq!((failed.status, failed.body.as_str()), (401, "so says the app"));
    assert_eq!(sandbox.secret_of(&installation.client_key).unwrap(), secret);
    assert!(sandbox.installations()[0].active);

    let elsewhere = Install { workspace: "priya-raman".to_owned(), ..app.install_request() };
    assert!(sandbox.install(&elsewhere).await.is_err());
    assert_eq!(sandbox.installations().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_keeps_the_old_secret() {
    let (sandbox, app, installation) = installed().await;
    let secret = sandbox.secret_of(&installation.client_key).unwrap();
    sandbox.install(&Install { lose_answer: true, ..app.install_request() }).await.unwrap_err();
    assert_eq!(app.last().proof, Some(200));
    assert_eq!(sandbox.secret_of(&installation.client_key).unwrap(), secret);
}

#[tokio::test]
async fn a_registered_app_is_always_signed_with_its_own_secret() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let app = TinyApp::start();
    let registered = App::Registered { secret: "held-by-the-app".to_owned() };
    let installation = sandbox.install(&Install { app: registered, ..app.install_request() }).await.unwrap();
    assert!(is_signed(&app.last(), "held-by-the-app"));
    assert_ne!(app.last().body["sharedSecret"], "held-by-the-app");
    assert_eq!(get(&sandbox, &installation.client_key, "held-by-the-app", "/2.0/workspaces/lumenpay").await.0, 200);
}

#[tokio::test]
async fn a_personal_workspace_has_no_username_and_may_lack_the_secret() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let app = TinyApp::start();
    let workspace = "priya-raman".to_owned();
    sandbox.install(&Install { workspace, omit_shared_secret: true, ..app.install_request() }).await.unwrap();
    let body = app.last().body;
    assert_eq!(body["principal"]["type"], "user");
    assert!(body["principal"].get("username").is_none() && body["principal"]["account_id"].is_string());
    assert!(body.get("sharedSecret").is_none());
}

#[tokio::test]
async fn a_numbered_client_key_stays_while_installed_and_is_new_after_an_uninstall() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let app = TinyApp::start();
    let install = Install { client_key: ClientKey::Connection, ..app.install_request() };
    assert_eq!(sandbox.install(&install).await.unwrap().client_key, "connection:1");
    assert_eq!(sandbox.install(&install).await.unwrap().client_key, "connection:1");
    sandbox.uninstall("connection:1").await.unwrap();
    assert_eq!(sandbox.install(&install).await.unwrap().client_key, "connection:2");
}

#[tokio::test]
async fn a_descriptor_that_bitbucket_would_refuse_is_refused() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let app = TinyApp::start();
    let right = app.behaviour.lock().unwrap().descriptor.clone();
    for (pointer, wrong, reason) in [
        ("/baseUrl", json!("http://app.example.com"), "baseUrl must be https"),
        ("/baseUrl", json!("https://app.example.com/"), "baseUrl must not end with a slash"),
        ("/description", json!(null), "description is missing"),
        ("/key", json!(""), "key is missing"),
        ("/scopes/0", json!("everything"), "no such scope: \"everything\""),
        ("/contexts/0", json!("personal"), "contexts may only hold account"),
        ("/modules/webPanels/0/location", json!("org.bitbucket.sky"), "webPanels has no location org.bitbucket.sky"),
        (
            "/modules/webPanels/0/key",
            json!("under_score"),
            "a module key holds only letters, digits and hyphens, 128 at most: under_score",
        ),
        ("/modules/webItems/0/key", json!("panel"), "a module key stands twice in webPanels"),
        ("/modules/webhooks/0/event", json!("pipeline:done"), "no such event: pipeline:done"),
    ] {
        let mut descriptor = right.clone();
        *descriptor.pointer_mut(pointer).unwrap() = wrong;
        app.change(|behaviour| behaviour.descriptor = descriptor);
        let failed = sandbox.install(&app.install_request()).await.unwrap_err();
        assert_eq!((failed.status, failed.body.as_str()), (400, reason), "{pointer}");
    }
    assert!(app.behaviour.lock().unwrap().posted.is_empty());
}
