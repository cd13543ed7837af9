//! Pasted tokens: checked at once, warned about, replaced without losing anything, and ended with what Bitbucket said.

use bitbucket_sandbox::{AccessToken, ApiToken, Reach, WorkspacePermission};
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONNECTIONS, listed, owner};
use crate::both;
use crate::harness::{AMARA, Test};

both!(
    a_token_of_a_repository_is_checked_sealed_and_used_in_it_alone,
    what_bitbucket_does_not_take_is_refused_with_what_to_do,
    an_app_password_is_refused_with_what_to_use_instead,
    an_api_token_goes_with_its_address_and_its_last_day,
    owners_are_warned_before_a_token_ends_and_replace_it_without_losing_anything,
    a_token_that_is_revoked_needs_attention,
    the_last_way_out_takes_the_data_and_proves_it,
);

const LEDGER_TOKEN: &str = "ATCTT3xFfGN0-ledger";

fn ledger_token(test: &Test, secret: &str, scopes: &[&str]) {
    test.sandbox.add_access_token(AccessToken::new(secret, Reach::Repository("lumenpay/ledger".to_owned()), scopes));
}

fn pasted(secret: &str) -> Value {
    json!({"name": "Ledger", "kind": "repository_token", "workspace": "lumenpay", "reach_name": "ledger", "token": secret,
        "purposes": ["reading"]})
}

async fn paste(test: &Test, body: &Value) -> (u16, Value) {
    let answer = test.api(Method::POST, "/connections").json(body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
}

async fn a_token_of_a_repository_is_checked_sealed_and_used_in_it_alone(test: &Test) {
    ledger_token(test, LEDGER_TOKEN, &["repository", "pullrequest"]);
    let ingrid = owner(test).await;
    let form = [
        ("name", "Ledger"),
        ("kind", "repository_token"),
        ("workspace", "lumenpay"),
        ("reach_name", "ledger"),
        ("token", LEDGER_TOKEN),
        ("reading", "on"),
    ];
    let page = ingrid.post(test, &format!("{CONNECTIONS}/token"), &form).await;
    assert_eq!((page.status, page.header("location")), (303, format!("{CONNECTIONS}?done=connected").as_str()), "{}", page.body);
    let connection = &listed(test).await[0];
    assert_eq!(connection["scopes"], json!(["repository", "pullrequest"]), "as the refusal of another call tells");
    assert_eq!((&connection["reach"], &connection["reach_name"]), (&json!("repository"), &json!("ledger")));
    let page = ingrid.get(test, CONNECTIONS).await;
    for words in ["The repository ledger", "By asking regularly", "Nobody has said"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(!page.body.contains(LEDGER_TOKEN));
    let checked = ingrid.post(test, &format!("{CONNECTIONS}/{}/check", connection["id"].as_str().expect("an id")), &[]).await;
    assert_eq!(checked.status, 303, "{}", checked.body);
    assert_eq!(listed(test).await[0]["failing_code"], json!(null));
}

async fn what_bitbucket_does_not_take_is_refused_with_what_to_do(test: &Test) {
    ledger_token(test, LEDGER_TOKEN, &["repository"]);
    let wrong = [
        (pasted("ATCTT3xFfGN0-nobodys"), "token_refused"),
        (
            json!({"name": "L", "kind": "repository_token", "workspace": "lumenpay", "reach_name": "checkout", "token": LEDGER_TOKEN,
            "purposes": ["reading"]}),
            "reach_unknown",
        ),
        (pasted(LEDGER_TOKEN), "token_scopes_missing"),
    ];
    for (body, code) in wrong {
        let (status, answer) = paste(test, &body).await;
        assert_eq!((status, &answer["code"]), (400, &json!(code)), "{answer}");
        assert!(!answer.to_string().contains("ATCTT"), "{answer}");
    }
    assert_eq!(listed(test).await.len(), 0);
    let ingrid = owner(test).await;
    let form = [
        ("name", "L"),
        ("kind", "repository_token"),
        ("workspace", "lumenpay"),
        ("reach_name", "ledger"),
        ("token", "ATCTT-x"),
        ("reading", "on"),
    ];
    let page = ingrid.post(test, &format!("{CONNECTIONS}/token"), &form).await;
    assert!(page.status == 400 && page.body.contains("does not take this token"), "{}", page.body);
    assert!(
        page.body.contains("value=\"ledger\"") && !page.body.contains("ATCTT-x"),
        "all comes back but the token: {}",
        page.body
    );
}

async fn an_app_password_is_refused_with_what_to_use_instead(test: &Test) {
    let (status, answer) = paste(test, &pasted("ATBBx8zNnQ")).await;
    assert_eq!((status, &answer["code"]), (400, &json!("app_password_ended")));
    assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("API token")), "{answer}");
    assert!(test.sandbox.calls().is_empty(), "Bitbucket need not be asked");
}

async fn an_api_token_goes_with_its_address_and_its_last_day(test: &Test) {
    test.sandbox.world(|world| world.enrol("lumenpay", AMARA, WorkspacePermission::Member));
    let scopes = ["read:user:bitbucket", "read:workspace:bitbucket", "read:repository:bitbucket", "read:pullrequest:bitbucket"];
    test.sandbox.add_api_token(ApiToken::new("ATATT-amara", "amara@lumenpay.example", AMARA, &scopes));
    let day = (test.now() + chrono::TimeDelta::days(90)).date_naive().to_string();
    let body = |email: &str| {
        json!({"name": "Amara", "kind": "api_token", "workspace": "lumenpay", "email": email, "token": "ATATT-amara",
            "expires_on": day, "purposes": ["reading"]})
    };
    let (status, answer) = paste(test, &body("priya@lumenpay.example")).await;
    assert_eq!((status, &answer["code"]), (400, &json!("token_refused")), "another's address: {answer}");
    let (status, answer) = paste(test, &body("amara@lumenpay.example")).await;
    assert_eq!(status, 201, "{answer}");
    assert!(answer["expires_at"].as_str().is_some(), "{answer}");
}

async fn owners_are_warned_before_a_token_ends_and_replace_it_without_losing_anything(test: &Test) {
    ledger_token(test, LEDGER_TOKEN, &["repository", "pullrequest"]);
    let mut body = pasted(LEDGER_TOKEN);
    body["expires_on"] = json!((test.now() + chrono::TimeDelta::days(60)).date_naive().to_string());
    let (status, made) = paste(test, &body).await;
    assert_eq!((status, &made["attention"]), (201, &json!(null)), "{made}");
    let id = made["id"].as_str().expect("an id");
    let change =
        json!({"name": "Ledger, read", "purposes": ["reading", "agents"], "repositories": ["ledger"], "default_branch": "main"});
    let changed = test.api_json(Method::PUT, &format!("/connections/{id}"), Some(change)).await;
    assert_eq!((&changed["default_branch"], &changed["repositories"]), (&json!("main"), &json!(["ledger"])));
    test.pass_seconds(31 * 24 * 3600);
    let ingrid = owner(test).await;
    assert!(ingrid.get(test, "/").await.body.contains("The token ends within 30 days"));
    test.pass_seconds(29 * 24 * 3600);
    assert!(ingrid.get(test, CONNECTIONS).await.body.contains("The token ends within"));
    ledger_token(test, "ATCTT3xFfGN0-next", &["repository", "pullrequest", "webhook"]);
    let page = ingrid.get(test, &format!("{CONNECTIONS}/{id}/token")).await;
    assert!(page.body.contains("Replace the token of Ledger, read") && !page.body.contains("name=\"email\""), "{}", page.body);
    let replaced = ingrid.post(test, &format!("{CONNECTIONS}/{id}/token"), &[("token", "ATCTT3xFfGN0-next")]).await;
    assert_eq!(replaced.status, 303, "{}", replaced.body);
    let connection = &listed(test).await[0];
    assert_eq!((&connection["id"], &connection["name"]), (&json!(id), &json!("Ledger, read")));
    assert_eq!((&connection["purposes"], &connection["attention"]), (&json!(["reading", "agents"]), &json!(null)));
    assert_eq!(connection["default_branch"], "main");
}

async fn a_token_that_is_revoked_needs_attention(test: &Test) {
    ledger_token(test, LEDGER_TOKEN, &["repository", "pullrequest"]);
    let (_, made) = paste(test, &pasted(LEDGER_TOKEN)).await;
    test.sandbox.revoke_token(LEDGER_TOKEN);
    let ingrid = owner(test).await;
    let path = format!("{CONNECTIONS}/{}", made["id"].as_str().expect("an id"));
    assert_eq!(ingrid.post(test, &format!("{path}/check"), &[]).await.status, 303);
    let connection = &listed(test).await[0];
    assert_eq!((&connection["state"], &connection["failing_code"]), (&json!("reconnect"), &json!("bitbucket_not_authorised")));
    let page = ingrid.get(test, CONNECTIONS).await;
    assert!(page.body.contains("Bitbucket does not take this token any more"), "{}", page.body);
}

async fn the_last_way_out_takes_the_data_and_proves_it(test: &Test) {
    ledger_token(test, LEDGER_TOKEN, &["repository", "pullrequest"]);
    let (_, made) = paste(test, &pasted(LEDGER_TOKEN)).await;
    let ingrid = owner(test).await;
    let path = format!("{CONNECTIONS}/{}/disconnect", made["id"].as_str().expect("an id"));
    assert!(ingrid.get(test, &path).await.body.contains("It is the last way into this Bitbucket workspace."));
    assert_eq!(ingrid.post(test, &path, &[]).await.status, 303);
    assert_eq!(ingrid.post(test, &path, &[]).await.status, 409, "once is enough");
    test.run_jobs().await;
    let page = ingrid.get(test, CONNECTIONS).await;
    for words in ["Disconnected", "nothing left", "Repository settings &#62; Access tokens"] {
        assert!(page.body.contains(words) || page.body.contains(&words.replace("&#62;", ">")), "{words}: {}", page.body);
    }
    let connection = &listed(test).await[0];
    assert_eq!((&connection["state"], &connection["reach_name"]), (&json!("disconnected"), &json!(null)));
}
