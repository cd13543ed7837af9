//! Webhooks to the app.

use crate::app::installed;
use bitbucket_sandbox::is_signed_with;
use serde_json::json;

#[tokio::test]
async fn a_delivery_is_wrapped_signed_and_says_what_happened() {
    let (sandbox, app, installation) = installed().await;
    assert_eq!(sandbox.deliver(&installation.client_key, "pullrequest:approved", "checkout", 412).await, Ok(204));
    let posted = app.last();
    assert_eq!((posted.path.as_str(), posted.event_key.as_deref()), ("/base/hooks", Some("pullrequest:approved")));
    assert_eq!(posted.body["event"], "pullrequest:approved");
    let data = &posted.body["data"];
    assert_eq!((&data["pullrequest"]["id"], &data["repository"]["full_name"]), (&json!(412), &json!("lumenpay/checkout")));
    assert_eq!(data["approval"]["user"], data["actor"]);
    let token = posted.authorization.unwrap().strip_prefix("JWT ").unwrap().to_owned();
    assert!(is_signed_with(&token, &sandbox.secret_of(&installation.client_key).unwrap()));
    assert_eq!(sandbox.sent().pop().unwrap().authorization, Some(format!("JWT {token}")));
}

#[tokio::test]
async fn a_plain_delivery_is_not_wrapped_and_an_event_nobody_listens_to_is_not_sent() {
    let (sandbox, app, installation) = installed().await;
    sandbox.deliver_plain(&installation.client_key, "pullrequest:updated", "checkout", 412).await.unwrap();
    assert_eq!(app.last().body["pullrequest"]["id"], 412);
    assert!(sandbox.deliver(&installation.client_key, "repo:push", "checkout", 412).await.is_err());
}
