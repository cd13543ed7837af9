//! Webhooks that are made over REST, and their deliveries.

use crate::app::{AMARA, TinyApp, client};
use bitbucket_sandbox::{AccessToken, Hook, Options, Reach, Sandbox, hub_signature};
use serde_json::{Value, json};

const OF_WORKSPACE: &str = "/2.0/workspaces/lumenpay/hooks";
const OF_REPOSITORY: &str = "/2.0/repositories/lumenpay/checkout/hooks";

async fn started() -> Sandbox {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let repository = Reach::Repository("lumenpay/checkout".to_owned());
    sandbox.add_access_token(AccessToken::new("workspace", Reach::Workspace("lumenpay".to_owned()), &["webhook", "pullrequest"]));
    sandbox.add_access_token(AccessToken::new("repository", repository, &["webhook"]));
    sandbox
}

async fn send(sandbox: &Sandbox, token: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = client().request(method.parse().unwrap(), format!("{}{path}", sandbox.url())).bearer_auth(token);
    let answer = request.json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

fn wanted(url: &str) -> Value {
    json!({ "description": "For tests", "url": url, "active": true, "secret": "s3cret", "events": ["pullrequest:updated"] })
}

#[tokio::test]
async fn a_hook_is_made_changed_and_removed_and_never_shows_its_secret() {
    let sandbox = started().await;
    let (status, made) = send(&sandbox, "repository", "POST", OF_REPOSITORY, wanted("https://here.example/hook")).await;
    assert_eq!((status, &made["secret_set"], made.get("secret")), (201, &json!(true), None));
    let one = format!("{OF_REPOSITORY}/{}", bitbucket_sandbox::percent_encode(made["uuid"].as_str().unwrap()));
    let (_, changed) = send(&sandbox, "repository", "PUT", &one, json!({ "active": false, "events": ["repo:push"] })).await;
    assert_eq!(
        (&changed["active"], &changed["secret_set"], &changed["events"]),
        (&json!(false), &json!(true), &json!(["repo:push"]))
    );
    let (_, open) = send(&sandbox, "repository", "PUT", &one, json!({ "secret": null })).await;
    assert_eq!(open["secret_set"], false);
    assert_eq!(send(&sandbox, "repository", "GET", OF_REPOSITORY, Value::Null).await.1["size"], 1);
    assert_eq!(send(&sandbox, "repository", "DELETE", &one, Value::Null).await.0, 204);
    assert_eq!(send(&sandbox, "repository", "GET", &one, Value::Null).await.0, 404);
}

#[tokio::test]
async fn who_may_not_and_what_is_wrong_is_refused() {
    let sandbox = started().await;
    assert_eq!(send(&sandbox, "repository", "POST", OF_WORKSPACE, wanted("https://here.example")).await.0, 403);
    assert_eq!(send(&sandbox, "nobody", "POST", OF_WORKSPACE, wanted("https://here.example")).await.0, 401);
    for (field, value) in
        [("url", json!("here")), ("events", json!(["made:up"])), ("events", json!([])), ("secret", json!("x".repeat(129)))]
    {
        let mut body = wanted("https://here.example");
        body[field] = value;
        let (status, body) = send(&sandbox, "workspace", "POST", OF_WORKSPACE, body).await;
        assert_eq!(status, 400);
        assert!(body["error"]["fields"][field].is_array(), "{body}");
    }
    assert!(sandbox.hooks().is_empty());
}

#[tokio::test]
async fn an_event_reaches_the_hooks_that_listen_signed_and_again_after_a_failure() {
    let (sandbox, app) = (started().await, TinyApp::start());
    send(&sandbox, "workspace", "POST", OF_WORKSPACE, wanted(&format!("{}/hook", app.url))).await;
    let deaf = json!({ "url": format!("{}/deaf", app.url), "events": ["repo:push"] });
    send(&sandbox, "workspace", "POST", OF_REPOSITORY, deaf).await;
    let deliver = async || sandbox.deliver_to_hooks("pullrequest:updated", "lumenpay/checkout", 412, AMARA).await.unwrap();
    assert_eq!(deliver().await, [[204]]);
    let posted = app.last();
    assert_eq!((posted.path.as_str(), posted.event_key.as_deref()), ("/base/hook", Some("pullrequest:updated")));
    assert_eq!(posted.body["pullrequest"]["id"], 412);
    app.change(|behaviour| behaviour.answers = 503);
    assert_eq!(deliver().await, [[503, 503, 503]]);
    app.change(|behaviour| behaviour.answers = 400);
    assert_eq!(deliver().await, [[400]]);
}

#[tokio::test]
async fn a_delivery_can_be_kept_and_sent_again() {
    let (sandbox, app) = (started().await, TinyApp::start());
    send(&sandbox, "workspace", "POST", OF_WORKSPACE, wanted(&format!("{}/hook", app.url))).await;
    let Hook { uuid, .. } = sandbox.hooks().remove(0);
    let delivery = sandbox.delivery(&uuid, "pullrequest:updated", &json!({ "any": "body" })).unwrap();
    assert_eq!(delivery.signature, Some(hub_signature("s3cret", delivery.body.as_bytes())));
    assert_eq!((sandbox.send(&delivery).await, sandbox.send(&delivery).await), (vec![204], vec![204]));
    let large = sandbox.delivery(&uuid, "pullrequest:updated", &json!({ "large": "x".repeat(300_000) })).unwrap();
    assert!(sandbox.send(&large).await.is_empty(), "nobody is told");
}
