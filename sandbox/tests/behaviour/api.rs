//! REST 2.0: who is let in, what is found, how lists page, what an app may do to its own installation.

use crate::app::{AMARA, CHECKOUT, LUMENPAY, ask, client, get, installed};
use bitbucket_sandbox::{Sandbox, Token, percent_encode};
use chrono::Duration;
use serde_json::{Value, json};

#[tokio::test]
async fn only_a_whole_and_current_token_for_this_request_is_accepted() {
    let (sandbox, _app, installation) = installed().await;
    let (key, secret) = (installation.client_key.as_str(), sandbox.secret_of(&installation.client_key).unwrap());
    let path = format!("/2.0/workspaces/{}/hooks", percent_encode(LUMENPAY));
    let now = sandbox.now().timestamp();
    let right = Token::of_app("tiny-app", key).issued_at(now).expires_at(now + 60).request("GET", &path, "");
    let status = async |token: String| ask(sandbox.url(), &path, Some(&token)).await.0;
    assert_eq!(status(format!("JWT {}", right.sign(&secret))).await, 200);
    for (token, why) in [
        (format!("Bearer {}", right.sign(&secret)), "another scheme"),
        (format!("JWT {}", right.sign("another")), "another secret"),
        (format!("JWT {}", right.clone().algorithm("none").sign(&secret)), "no algorithm"),
        (format!("JWT {}", right.clone().expires_at(now - 1).sign(&secret)), "expired"),
        (format!("JWT {}", right.clone().without("exp").sign(&secret)), "no expiry"),
        (format!("JWT {}", right.clone().without("qsh").sign(&secret)), "no hash"),
        (format!("JWT {}", right.clone().request("GET", "/2.0/addon", "").sign(&secret)), "another request"),
        (format!("JWT {}", right.clone().claim("sub", json!(AMARA)).sign(&secret)), "an account as subject"),
        (format!("JWT {}", right.clone().claim("iss", json!("another-app")).sign(&secret)), "another app"),
    ] {
        assert_eq!(status(token).await, 401, "{why}");
    }
    let in_query = format!("{path}?jwt={}", right.sign(&secret));
    assert_eq!(ask(sandbox.url(), &in_query, None).await.0, 401);
}

#[tokio::test]
async fn the_clock_decides_what_is_current() {
    let (sandbox, _app, installation) = installed().await;
    let secret = sandbox.secret_of(&installation.client_key).unwrap();
    let expires_at = sandbox.now().timestamp() + 60;
    let path = "/2.0/workspaces/lumenpay";
    let token = Token::of_app("tiny-app", &installation.client_key).expires_at(expires_at).request("GET", path, "").sign(&secret);
    sandbox.set_now(sandbox.now() + Duration::minutes(5));
    assert_eq!(ask(sandbox.url(), path, Some(&format!("JWT {token}"))).await.0, 401);
}

#[tokio::test]
async fn the_hooks_of_another_workspace_and_a_missing_scope_are_forbidden() {
    let (sandbox, app, installation) = installed().await;
    let secret = sandbox.secret_of(&installation.client_key).unwrap();
    assert_eq!(get(&sandbox, &installation.client_key, &secret, "/2.0/workspaces/priya-raman/hooks").await.0, 403);
    app.change(|behaviour| behaviour.descriptor["scopes"] = json!(["account"]));
    sandbox.install(&app.install_request()).await.unwrap();
    let secret = sandbox.secret_of(&installation.client_key).unwrap();
    let (status, body) = get(&sandbox, &installation.client_key, &secret, "/2.0/workspaces/lumenpay/hooks").await;
    assert_eq!((status, &body["error"]["detail"]), (403, &json!({ "granted": ["account"], "required": ["webhook"] })));
}

#[tokio::test]
async fn things_are_found_by_uuid_in_braces_and_by_slug() {
    let (sandbox, _app, installation) = installed().await;
    let secret = sandbox.secret_of(&installation.client_key).unwrap();
    let (workspace, repository) = (percent_encode(LUMENPAY), percent_encode(CHECKOUT));
    for path in [format!("{workspace}/{repository}"), "lumenpay/checkout".to_owned(), format!("%7B%7D/{repository}")] {
        let path = format!("/2.0/repositories/{path}/pullrequests/412");
        let (status, body) = get(&sandbox, &installation.client_key, &secret, &path).await;
        assert_eq!((status, &body["author"]["account_id"]), (200, &json!(AMARA)), "{path}");
        assert_eq!(body["participants"][0]["state"], "approved");
        assert_eq!(body["reviewers"].as_array().unwrap().len(), 2);
    }
    for path in ["lumenpay/checkout/pullrequests/1", "lumenpay/nothing", "priya-raman/checkout"] {
        let (status, body) = get(&sandbox, &installation.client_key, &secret, &format!("/2.0/repositories/{path}")).await;
        assert_eq!((status, &body["type"]), (404, &json!("error")), "{path}");
    }
}

#[tokio::test]
async fn a_list_pages_and_leaves_reviewers_out_unless_asked() {
    let (sandbox, _app, installation) = installed().await;
    let secret = sandbox.secret_of(&installation.client_key).unwrap();
    let list = async |query: &str| {
        get(&sandbox, &installation.client_key, &secret, &format!("/2.0/repositories/lumenpay/checkout/pullrequests{query}"))
            .await
    };
    let (_, open) = list("").await;
    assert_eq!(open["size"], 2);
    assert!(open["values"][0].get("reviewers").is_none());
    let (_, first) = list("?state=OPEN&state=MERGED&pagelen=3&fields=%2Bvalues.reviewers").await;
    assert_eq!((first["values"].as_array().unwrap().len(), &first["size"]), (3, &json!(4)));
    assert!(first["values"][0]["reviewers"].is_array() && first["values"][0].get("participants").is_none());
    let next = first["next"].as_str().unwrap().strip_prefix(sandbox.url()).unwrap();
    let (_, second) = get(&sandbox, &installation.client_key, &secret, next).await;
    assert_eq!(second["values"].as_array().unwrap().len(), 1);
    assert!(second.get("next").is_none());
    let (status, body) = list("?pagelen=51").await;
    assert_eq!((status, &body["error"]["message"]), (400, &json!("Invalid pagelen")));
}

#[tokio::test]
async fn a_replaced_descriptor_takes_the_panel_away_and_more_scopes_are_refused() {
    let (sandbox, app, installation) = installed().await;
    let mut without_modules = app.behaviour.lock().unwrap().descriptor.clone();
    without_modules["modules"] = json!({});
    let mut grown = without_modules.clone();
    grown["scopes"] = json!(["account", "pullrequest", "webhook", "pipeline"]);
    assert_eq!(addon(&sandbox, &installation.client_key, "PUT", json!({ "descriptor": grown })).await, 400);
    assert!(sandbox.panel_url(&installation.client_key, "checkout", 412, AMARA).is_ok());
    assert_eq!(addon(&sandbox, &installation.client_key, "PUT", json!({ "descriptor": without_modules })).await, 204);
    assert!(sandbox.panel_url(&installation.client_key, "checkout", 412, AMARA).is_err());
    assert_eq!(addon(&sandbox, &installation.client_key, "PUT", json!({})).await, 204);
    assert!(sandbox.panel_url(&installation.client_key, "checkout", 412, AMARA).is_ok());
}

#[tokio::test]
async fn an_app_that_deletes_its_installation_is_locked_out() {
    let (sandbox, _app, installation) = installed().await;
    assert_eq!(addon(&sandbox, &installation.client_key, "DELETE", Value::Null).await, 204);
    assert_eq!(addon(&sandbox, &installation.client_key, "DELETE", Value::Null).await, 401);
}

#[tokio::test]
async fn calls_are_recorded_and_those_to_nowhere_are_unexpected() {
    let (sandbox, _app, installation) = installed().await;
    let secret = sandbox.secret_of(&installation.client_key).unwrap();
    get(&sandbox, &installation.client_key, &secret, "/2.0/workspaces/lumenpay?x=1").await;
    let call = sandbox.calls().pop().unwrap();
    assert_eq!((call.method.as_str(), call.path.as_str(), call.query.as_str()), ("GET", "/2.0/workspaces/lumenpay", "x=1"));
    assert_eq!((call.status, call.authorized_as), (200, Some(installation.client_key.clone())));
    assert!(sandbox.unexpected_calls().is_empty());

    get(&sandbox, &installation.client_key, &secret, "/2.0/repositories/lumenpay/nothing").await;
    assert!(sandbox.unexpected_calls().is_empty());
    let (status, _) = get(&sandbox, &installation.client_key, &secret, "/2.0/nothing/here").await;
    let posted = client().post(format!("{}/2.0/workspaces/lumenpay", sandbox.url())).send().await.unwrap();
    assert_eq!((status, posted.status().as_u16()), (404, 405));
    assert_eq!(sandbox.unexpected_calls().len(), 2);
    sandbox.expect_calls("/2.0/nothing/");
    assert_eq!(sandbox.unexpected_calls().len(), 1);
}

async fn addon(sandbox: &Sandbox, client_key: &str, method: &str, body: Value) -> u16 {
    let now = sandbox.now().timestamp();
    let token = Token::of_app("tiny-app", client_key).expires_at(now + 60).request(method, "/2.0/addon", "");
    let token = token.sign(&sandbox.secret_of(client_key).unwrap());
    let request = client().request(method.parse().unwrap(), format!("{}/2.0/addon", sandbox.url()));
    request.header("Authorization", format!("JWT {token}")).json(&body).send().await.unwrap().status().as_u16()
}
