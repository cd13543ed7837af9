//! Where no webhook tells: a connection without that scope is fine, and what is open and linked is asked for regularly.

use clarityloop_bitbucket::activity::polling;

use super::*;

both!(
    without_the_scope_nothing_is_made_and_what_is_open_is_asked_for,
    what_cannot_be_fetched_is_not_asked_for_at_every_look,
    where_a_webhook_tells_it_is_asked_for_now_and_then,
    where_the_app_is_installed_nobody_polls,
);

/// What the server does every minute; whether anything was due.
async fn look_around(test: &Test) -> bool {
    let is_due = polling::enqueue_due(&test.server.app.database, &test.server.app.now()).await.expect("a look");
    test.run_jobs().await;
    is_due
}

async fn connect(test: &Test, scopes: &[&str]) {
    test.sandbox.add_access_token(AccessToken::new("ATCTT-all", Reach::Workspace("lumenpay".to_owned()), scopes));
    let body =
        json!({"name": "All", "kind": "workspace_token", "workspace": "lumenpay", "token": "ATCTT-all", "purposes": ["reading"]});
    test.api_json(Method::POST, "/connections", Some(body)).await;
    look(test).await;
}

async fn without_the_scope_nothing_is_made_and_what_is_open_is_asked_for(test: &Test) {
    connect(test, &["repository", "pullrequest"]).await;
    assert_eq!((calls(test, "POST"), heard(test).await["way"].clone()), (0, json!("polling")));
    let connection = &listed(test).await[0];
    assert_eq!((&connection["state"], &connection["attention"]), (&json!("connected"), &Value::Null), "it is fine");
    let page = owner(test).await.get(test, CONNECTIONS).await;
    assert!(page.body.contains("By asking regularly: it lacks the scope webhook, which is fine"), "{}", page.body);
    linked(test).await;
    merge(test);
    assert!(!look_around(test).await, "it has just been fetched");
    test.pass_seconds(15 * 60);
    assert!(look_around(test).await);
    assert_eq!(state(test).await, "MERGED");
    test.pass_seconds(24 * 3600);
    assert!(!look_around(test).await, "what is closed is asked for no more");
}

async fn what_cannot_be_fetched_is_not_asked_for_at_every_look(test: &Test) {
    connect(test, &["repository", "pullrequest"]).await;
    linked(test).await;
    test.sandbox.revoke_token("ATCTT-all");
    test.pass_seconds(15 * 60);
    assert!(look_around(test).await);
    assert_eq!(listed(test).await[0]["state"], "reconnect", "a refusal of the token is the connection's matter");
    test.pass_seconds(60);
    assert!(!look_around(test).await);
}

async fn where_a_webhook_tells_it_is_asked_for_now_and_then(test: &Test) {
    connect(test, &["repository", "pullrequest", "webhook"]).await;
    assert_eq!(heard(test).await["way"], "workspace");
    linked(test).await;
    merge(test);
    test.pass_seconds(3600);
    assert!(!look_around(test).await);
    test.pass_seconds(5 * 3600);
    assert!(look_around(test).await, "the delivery was lost");
    assert_eq!(state(test).await, "MERGED");
}

async fn where_the_app_is_installed_nobody_polls(test: &Test) {
    test.installed().await;
    connect(test, &["repository", "pullrequest"]).await;
    linked(test).await;
    test.pass_seconds(24 * 3600);
    assert!(!look_around(test).await, "the app hears of it");
}
