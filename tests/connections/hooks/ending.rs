//! Ending a connection that has webhooks: they are removed with its last credential, which serves nothing else, and what is left is said.

use super::super::{stored, works};
use super::*;

both!(with super::CONSUMER =>
    a_disconnect_removes_the_webhooks_and_then_the_secrets,
    while_bitbucket_is_down_the_end_waits_an_hour_at_most,
    a_token_that_is_dead_leaves_its_webhooks_and_says_so,
    an_access_token_that_has_ended_is_refreshed_once_more,
);

async fn disconnect(test: &Test, who: &Person, id: &str) {
    let path = format!("{CONNECTIONS}/{id}/disconnect");
    assert!(who.get(test, &path).await.body.contains("Its 1 webhook is removed at Bitbucket"));
    assert_eq!(who.post(test, &path, &[]).await.status, 303);
}

/// What became of the webhooks of the newest connection.
async fn farewell(test: &Test) -> Value {
    listed(test).await[0]["farewell"].clone()
}

/// Works off what is due until nothing is left to do; the proof of the deletion waits for the webhooks.
async fn work_off(test: &Test) {
    for _ in 0..4 {
        test.run_jobs().await;
        test.pass_seconds(20);
    }
    test.run_jobs().await;
}

async fn a_disconnect_removes_the_webhooks_and_then_the_secrets(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let id = connected(test, &ingrid).await;
    look(test).await;
    linked(test).await;
    let late = test.sandbox.deliveries("pullrequest:updated", LEDGER, 87, LUCIA).expect("deliveries").remove(0);
    disconnect(test, &ingrid, &id).await;
    assert_eq!(test.sandbox.send(&late).await, [401], "what it delivers now is nobody's");
    work_off(test).await;
    assert_eq!(test.sandbox.hooks().len(), 0);
    assert!(stored(test).await.is_empty(), "nothing needs the secrets any more");
    assert_eq!(farewell(test).await, json!({"hooks_removed": 1, "hooks_left": 0, "code": null}));
    let page = ingrid.get(test, CONNECTIONS).await;
    for words in ["1 webhook removed", "Its secrets are deleted here.", "nothing left", "App authorizations"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert_eq!(test.sandbox.send(&late).await, [401]);
    let audit = ingrid.get(test, "/settings/audit").await;
    assert!(audit.body.contains("1 removed, 0 left"), "{}", audit.body);
    assert!(!look(test).await, "nothing of it comes again");
}

async fn while_bitbucket_is_down_the_end_waits_an_hour_at_most(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let id = connected(test, &ingrid).await;
    look(test).await;
    test.sandbox.misbehave(Misbehaviour::on("/2.0/", Fault::Status(503)));
    disconnect(test, &ingrid, &id).await;
    test.run_jobs().await;
    assert_eq!(works(&test.server, &id).await, None, "its credential serves nothing else");
    assert!(!stored(test).await.is_empty(), "it is there for the webhooks alone");
    let page = ingrid.get(test, CONNECTIONS).await;
    assert!(
        page.body.contains("1 webhook to be removed") && page.body.contains("with the last of its webhooks"),
        "{}",
        page.body
    );
    test.pass_seconds(3601);
    work_off(test).await;
    assert!(stored(test).await.is_empty());
    assert_eq!(farewell(test).await, json!({"hooks_removed": 0, "hooks_left": 1, "code": "bitbucket_down"}));
    let page = ingrid.get(test, CONNECTIONS).await;
    for words in ["1 webhook could not be removed", &format!("/hooks/bitbucket/{id}"), "nothing left"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    test.sandbox.behave();
    assert_eq!(deliver(test, "pullrequest:updated").await, [[401]], "what is left delivers in vain");
}

async fn a_token_that_is_dead_leaves_its_webhooks_and_says_so(test: &Test) {
    let reach = Reach::Workspace("lumenpay".to_owned());
    test.sandbox.add_access_token(AccessToken::new("ATCTT-all", reach, &["repository", "pullrequest", "webhook"]));
    let body =
        json!({"name": "All", "kind": "workspace_token", "workspace": "lumenpay", "token": "ATCTT-all", "purposes": ["reading"]});
    let id = test.api_json(Method::POST, "/connections", Some(body)).await["id"].as_str().expect("an id").to_owned();
    look(test).await;
    test.sandbox.revoke_token("ATCTT-all");
    let answer = test.api_json(Method::POST, &format!("/connections/{id}/disconnect"), Some(json!({}))).await;
    assert_eq!((&answer["state"], &answer["hooks"]), (&json!("disconnected"), &Value::Null));
    work_off(test).await;
    assert!(stored(test).await.is_empty());
    assert_eq!(farewell(test).await, json!({"hooks_removed": 0, "hooks_left": 1, "code": "bitbucket_not_authorised"}));
}

async fn an_access_token_that_has_ended_is_refreshed_once_more(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let id = connected(test, &ingrid).await;
    look(test).await;
    test.pass_seconds(3 * 3600);
    disconnect(test, &ingrid, &id).await;
    work_off(test).await;
    assert_eq!(farewell(test).await["hooks_removed"], 1);
    assert!(test.sandbox.hooks().is_empty() && stored(test).await.is_empty());
}
