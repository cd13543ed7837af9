//! Pasted tokens: checked at once, warned about, replaced without losing anything, and ended with what Bitbucket said.

use std::time::Duration;

use bitbucket_sandbox::{AccessToken, ApiToken, Fault, Misbehaviour, Project, Reach, Workspace, WorkspacePermission};
use clarityloop_bitbucket::connections::closing;
use clarityloop_bitbucket::connections::purge::Links;
use clarityloop_bitbucket::storage::ids::ConnectionId;
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONNECTIONS, listed, owner, stored};
use crate::both;
use crate::harness::{AMARA, INGRID, Test};

both!(
    a_token_of_a_repository_is_checked_sealed_and_used_in_it_alone,
    a_token_of_a_repository_chooses_it_for_all_to_see,
    what_bitbucket_does_not_take_is_refused_with_what_to_do,
    what_anybody_sees_proves_no_reach,
    a_token_that_comes_while_its_connection_ends_revives_nothing,
    an_app_password_is_refused_with_what_to_use_instead,
    an_api_token_goes_with_its_address_and_its_last_day,
    owners_are_warned_before_a_token_ends_and_replace_it_without_losing_anything,
    a_token_that_is_revoked_needs_attention,
    a_token_that_was_refused_in_passing_is_checked_back_to_connected,
    a_token_of_a_workspace_without_repositories_is_proven_by_another_call,
    a_persons_token_is_no_access_token,
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

async fn a_token_of_a_repository_chooses_it_for_all_to_see(test: &Test) {
    ledger_token(test, LEDGER_TOKEN, &["repository", "pullrequest"]);
    let (status, made) = paste(test, &pasted(LEDGER_TOKEN)).await;
    assert_eq!(status, 201, "{made}");
    let ingrid = owner(test).await;
    let page = ingrid.get(test, "/settings/integrations/bitbucket/repositories").await;
    for words in ["1 of 1 chosen", "lumenpay/ledger", "An owner who enters a repository’s own token chooses that repository"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let audit = test.api_json(Method::GET, "/audit", None).await;
    let said = |words: &str| audit["entries"].as_array().expect("entries").iter().any(|entry| entry.to_string().contains(words));
    assert!(said("1 repository"), "{audit}");
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

async fn what_anybody_sees_proves_no_reach(test: &Test) {
    let scopes = ["repository", "pullrequest"];
    let elsewhere = Reach::Workspace("priya-raman".to_owned());
    test.sandbox.add_access_token(AccessToken::new("ATCTT-elsewhere", elsewhere, &scopes));
    test.sandbox.world(|world| world.enrol("lumenpay", AMARA, WorkspacePermission::None));
    let held = ["read:user:bitbucket", "read:workspace:bitbucket", "read:repository:bitbucket", "read:pullrequest:bitbucket"];
    test.sandbox.add_api_token(ApiToken::new("ATATT-amara", "amara@lumenpay.example", AMARA, &held));
    let day = (test.now() + chrono::TimeDelta::days(90)).date_naive().to_string();
    // The handbook of lumenpay is public.
    for (kind, token) in [
        ("workspace_token", "ATCTT-elsewhere"),
        ("project_token", "ATCTT-elsewhere"),
        ("repository_token", "ATCTT-elsewhere"),
        ("api_token", "ATATT-amara"),
    ] {
        let reach_name = if kind == "project_token" { "PEOPLE" } else { "handbook" };
        let body = json!({"name": "L", "kind": kind, "workspace": "lumenpay", "reach_name": reach_name, "token": token,
            "email": "amara@lumenpay.example", "expires_on": day, "purposes": ["reading"]});
        let (status, answer) = paste(test, &body).await;
        assert_eq!((status, &answer["code"]), (400, &json!("reach_unproven")), "{kind}: {answer}");
    }
    assert_eq!(listed(test).await.len(), 0);
    // A token of the public repository itself is more than what anybody has.
    let reach = Reach::Repository("lumenpay/handbook".to_owned());
    test.sandbox.add_access_token(AccessToken::new("ATCTT-handbook", reach, &scopes));
    let body = json!({"name": "H", "kind": "repository_token", "workspace": "lumenpay", "reach_name": "HandBook",
        "token": "ATCTT-handbook", "purposes": ["reading"]});
    let (status, made) = paste(test, &body).await;
    assert_eq!((status, &made["reach_name"]), (201, &json!("handbook")), "{made}");
}

async fn a_token_that_comes_while_its_connection_ends_revives_nothing(test: &Test) {
    ledger_token(test, LEDGER_TOKEN, &["repository", "pullrequest"]);
    let (_, made) = paste(test, &pasted(LEDGER_TOKEN)).await;
    let id = made["id"].as_str().expect("an id");
    ledger_token(test, "ATCTT3xFfGN0-next", &["repository", "pullrequest"]);
    let (viewer, ended, now) = (test.made.owner.viewer(), ConnectionId::parse(id).expect("an id"), test.server.app.now());
    let end = test.server.app.write(move |connection| {
        closing::disconnect(connection, &viewer, &ended, Links::Keep, &now)?;
        // The other comes while this is not committed.
        std::thread::sleep(Duration::from_millis(1500));
        Ok(())
    });
    let replace = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let body = json!({"token": "ATCTT3xFfGN0-next"});
        test.api(Method::PUT, &format!("/connections/{id}/token")).json(&body).send().await.expect("an answer").status()
    };
    let (ended, replaced) = tokio::join!(end, replace);
    ended.expect("an end");
    assert_eq!(replaced, 409);
    assert_eq!(listed(test).await[0]["state"], "disconnected");
    assert!(stored(test).await.is_empty());
    test.run_jobs().await;
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

async fn a_token_that_was_refused_in_passing_is_checked_back_to_connected(test: &Test) {
    let scopes = ["repository", "pullrequest"];
    ledger_token(test, LEDGER_TOKEN, &scopes);
    let (_, made) = paste(test, &pasted(LEDGER_TOKEN)).await;
    test.sandbox.revoke_token(LEDGER_TOKEN);
    let ingrid = owner(test).await;
    let path = format!("{CONNECTIONS}/{}/check", made["id"].as_str().expect("an id"));
    for _ in 0..2 {
        assert_eq!(ingrid.post(test, &path, &[]).await.status, 303);
        assert_eq!(listed(test).await[0]["state"], "reconnect", "it is still refused");
    }
    let page = ingrid.get(test, CONNECTIONS).await;
    assert!(page.body.contains("Check it now: Bitbucket may have refused it in passing"), "{}", page.body);
    test.sandbox.misbehave(Misbehaviour::on("/2.0/repositories", Fault::Status(503)));
    let silent = ingrid.post(test, &path, &[]).await;
    assert_eq!((silent.status, &listed(test).await[0]["state"]), (503, &json!("reconnect")), "silence is no answer");
    test.sandbox.behave();
    ledger_token(test, LEDGER_TOKEN, &scopes);
    assert_eq!(ingrid.post(test, &path, &[]).await.status, 303);
    let connection = &listed(test).await[0];
    assert_eq!((&connection["state"], &connection["failing_code"]), (&json!("connected"), &json!(null)), "{connection}");
    assert_eq!(connection["attention"], json!(null));
    assert!(ingrid.get(test, "/settings/audit").await.body.contains("is taken again"));
}

async fn a_token_of_a_workspace_without_repositories_is_proven_by_another_call(test: &Test) {
    let uuid = "{01990000-0000-4000-8000-00000000beef}";
    test.sandbox.world(|world| {
        let (slug, name) = ("empty".to_owned(), "Empty".to_owned());
        world.workspaces.push(Workspace { uuid: uuid.to_owned(), slug, name, personal: false });
        let (key, name) = ("NEW".to_owned(), "New".to_owned());
        world.projects.push(Project { uuid: uuid.to_owned(), key, name, workspace: uuid.to_owned() });
    });
    let paste_as = async |token: &str, place: &str, more: &[&str]| {
        let scopes = [&["repository", "pullrequest"], more].concat();
        test.sandbox.add_access_token(AccessToken::new(token, Reach::Workspace(place.to_owned()), &scopes));
        let body =
            json!({"name": "Empty", "kind": "workspace_token", "workspace": "empty", "token": token, "purposes": ["reading"]});
        paste(test, &body).await
    };
    let (status, answer) = paste_as("ATCTT-bare", "empty", &[]).await;
    assert_eq!((status, &answer["code"]), (400, &json!("reach_unproven")), "{answer}");
    assert!(answer["detail"].as_str().expect("a remedy").contains("one of the scopes account, webhook or project"), "{answer}");
    for scope in ["account", "webhook", "project"] {
        let (status, answer) = paste_as(&format!("ATCTT-{scope}"), "empty", &[scope]).await;
        assert_eq!((status, &answer["bitbucket_workspace_slug"]), (201, &json!("empty")), "{scope}: {answer}");
    }
    let (status, answer) = paste_as("ATCTT-elsewhere", "lumenpay", &["account", "webhook", "project"]).await;
    assert_eq!((status, &answer["code"]), (400, &json!("reach_unproven")), "another workspace’s token: {answer}");
}

async fn a_persons_token_is_no_access_token(test: &Test) {
    let token = test.sandbox.grant_directly("consumer", INGRID, &["account", "repository", "pullrequest"]).access_token;
    let body =
        json!({"name": "All", "kind": "workspace_token", "workspace": "lumenpay", "token": token, "purposes": ["reading"]});
    let (status, answer) = paste(test, &body).await;
    assert_eq!((status, &answer["code"]), (400, &json!("token_kind_differs")), "{answer}");
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
