//! The life of a Forge installation: it waits, is claimed or joins, is uninstalled, and nothing late revives it.

use bitbucket_sandbox::{ForgeCaller, ForgeInstall, ForgeRoutes};
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::forge::FORGE;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::{Backend, INGRID, LEDGER, Test, make_workspace, run_with};

both!(with super::FORGE =>
    an_installation_waits_until_an_owner_opens_its_link,
    an_installation_whose_first_event_is_lost_is_known_from_its_next_call,
    an_uninstall_purges_and_nothing_late_revives_it,
    an_uninstall_of_which_nothing_was_heard_before_leaves_a_tombstone,
    a_new_installation_after_an_uninstall_waits_again,
    of_two_installations_the_one_that_fell_silent_is_gone,
    a_body_that_names_another_installation_or_workspace_is_refused,
    a_workspace_that_is_connected_elsewhere_cannot_be_claimed,
    disconnecting_leaves_the_last_step_in_bitbucket,
    an_upgrade_asks_bitbucket_anew,
);

/// An install whose first event goes nowhere.
fn lost(test: &Test) -> ForgeInstall {
    let install = test.to_install_forge();
    ForgeInstall { routes: ForgeRoutes { lifecycle: "/nowhere".to_owned(), ..install.routes.clone() }, ..install }
}

async fn an_installation_waits_until_an_owner_opens_its_link(test: &Test) {
    let installation = test.install_forge().await;
    assert_eq!(test.sandbox.sent()[0].status, Some(204));
    assert_eq!(test.forge_state(&installation).await.as_deref(), Some("waiting"));
    assert_eq!(test.installations().await, Vec::<Value>::new(), "it is nobody's yet");
    test.claim_forge(&installation).await;
    let listed = test.installations().await;
    let (one, workspace) = (&listed[0], &listed[0]["bitbucket_workspace"]);
    assert_eq!((&one["state"], &one["door"], &one["reported_installer"]), (&json!("active"), &json!("forge"), &json!(INGRID)));
    assert_eq!(
        (&workspace["uuid"], &workspace["slug"]),
        (&json!(LUMENPAY_UUID), &json!("lumenpay")),
        "asked with the app's token"
    );
    assert!(one["health"]["called_at"].is_string() && one["health"]["key_expires_at"].is_string(), "{one}");
    let asked = test.sandbox.calls().into_iter().find(|call| call.path.starts_with("/2.0/workspaces/")).expect("a call");
    assert_eq!(asked.authorized_as.as_deref(), Some(installation.id.as_str()));
}

async fn an_installation_whose_first_event_is_lost_is_known_from_its_next_call(test: &Test) {
    let installation = test.sandbox.install_forge(&lost(test)).await.expect("it installs");
    assert_eq!(test.forge_state(&installation).await, None);
    assert_eq!(test.sandbox.run_forge_schedule(&installation.id).await, Ok(Some(204)));
    assert_eq!(test.forge_state(&installation).await.as_deref(), Some("waiting"));
    test.run_jobs().await;
    test.claim_forge(&installation).await;
    assert_eq!(test.installations().await[0]["bitbucket_workspace"]["slug"], "lumenpay");

    // An event does the same.
    assert_eq!(test.sandbox.uninstall_forge(&installation.id).await, Ok(Some(204)));
    let again = test.sandbox.install_forge(&lost(test)).await.expect("it installs");
    let event = "avi:bitbucket:updated:pullrequest";
    assert_eq!(test.sandbox.deliver_forge(&again.id, event, LEDGER, 87).await, Ok(Some(204)));
    assert_eq!(test.forge_state(&again).await.as_deref(), Some("waiting"));
    test.run_jobs().await;
}

async fn an_uninstall_purges_and_nothing_late_revives_it(test: &Test) {
    let installation = test.installed_forge().await;
    test.sandbox.uninstall_forge(&installation.id).await.expect("it uninstalls");
    assert_eq!(test.states().await, ["uninstalled"]);
    test.run_jobs().await;
    assert_eq!(test.installations().await[0]["bitbucket_workspace"]["slug"], Value::Null, "what Bitbucket said is gone");
    let body = test.sandbox.forge_event("avi:bitbucket:updated:pullrequest", LEDGER, 87, INGRID).expect("a body");
    assert_eq!(test.sandbox.deliver_forge_body(&installation.id, body.clone()).await, Ok(Some(403)));
    assert_eq!(test.sandbox.retry_forge_deliveries().await, Ok(vec![Some(403)]));
    let token = test.forge_token(&installation, ForgeCaller::Trigger).sign();
    let id = format!("ari:cloud:ecosystem::installation/{}", installation.id);
    let installed = json!({ "eventType": "avi:forge:installed:app", "id": id });
    for (path, body) in [("/forge/lifecycle", &installed), ("/forge/refresh", &json!({})), ("/forge/events", &body)] {
        let answer = test.forge_post(path, &token, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "installation_uninstalled"), "{path}");
    }
    assert_eq!(test.forge_post("/forge/uninstall", &token, &json!({})).await.status, 204, "repeating it changes nothing");
    assert_eq!((test.states().await, test.jobs().await), (vec![json!("uninstalled")], Vec::new()));
    let happened = test.api_json(Method::GET, "/audit", None).await;
    let uninstalls =
        happened["entries"].as_array().expect("entries").iter().filter(|entry| entry["action"] == "uninstalled").count();
    assert_eq!(uninstalls, 1);
}

async fn an_uninstall_of_which_nothing_was_heard_before_leaves_a_tombstone(test: &Test) {
    let installation = test.sandbox.install_forge(&lost(test)).await.expect("it installs");
    assert_eq!(test.sandbox.uninstall_forge(&installation.id).await, Ok(Some(204)));
    let token = test.forge_token(&installation, ForgeCaller::ScheduledTrigger).sign();
    assert_eq!(test.forge_post("/forge/refresh", &token, &json!({})).await.status, 403);
    assert_eq!(test.forge_state(&installation).await.as_deref(), Some("uninstalled"));
    test.run_jobs().await;
}

async fn a_new_installation_after_an_uninstall_waits_again(test: &Test) {
    let first = test.installed_forge().await;
    test.sandbox.uninstall_forge(&first.id).await.expect("it uninstalls");
    test.run_jobs().await;
    let second = test.install_forge().await;
    assert_ne!(first.id, second.id);
    assert_eq!(test.forge_state(&second).await.as_deref(), Some("waiting"), "without the former workspace's data");
    assert_eq!(test.states().await, ["uninstalled"]);
    test.claim_forge(&second).await;
    assert_eq!(test.states().await, ["active", "uninstalled"]);
}

async fn of_two_installations_the_one_that_fell_silent_is_gone(test: &Test) {
    let first = test.installed_forge().await;
    // Its uninstall was not heard of; all that comes from now on is of another one.
    let token = test.forge_token(&first, ForgeCaller::Trigger);
    let another = uuid::Uuid::from_u128(0x11111111_2222_4333_8444_555555555555);
    let ari = format!("ari:cloud:ecosystem::installation/{another}");
    let token_of_another = |test: &Test| {
        let now = test.now().timestamp();
        let token = token.clone().claim("/app/installationId", json!(ari)).claim("/app/installation/id", json!(ari));
        token.claim("/iat", json!(now)).claim("/nbf", json!(now)).claim("/exp", json!(now + 25)).sign()
    };
    assert_eq!(test.forge_post("/forge/refresh", &token_of_another(test), &json!({})).await.status, 204);
    assert_eq!(test.states().await, ["active", "active"], "it joins, and nothing is lost");
    for _ in 0..7 {
        test.pass_seconds(3600);
        assert_eq!(test.forge_post("/forge/refresh", &token_of_another(test), &json!({})).await.status, 204);
    }
    assert_eq!(test.states().await, ["active", "uninstalled"]);
    assert_eq!(test.forge_state(&first).await.as_deref(), Some("uninstalled"));
    assert_eq!(test.installations().await[0]["bitbucket_workspace"]["slug"], "lumenpay", "the door stays open");
    forget_jobs(test).await;
}

/// Jobs that wait for a token which this test never brings.
async fn forget_jobs(test: &Test) {
    use clarityloop_bitbucket::storage::schema::jobs;
    use diesel::prelude::*;
    let forget =
        |connection: &mut clarityloop_bitbucket::storage::AnyConnection| Ok(diesel::delete(jobs::table).execute(connection)?);
    test.server.app.write(forget).await.expect("no jobs");
}

async fn a_body_that_names_another_installation_or_workspace_is_refused(test: &Test) {
    let installation = test.installed_forge().await;
    let token = test.forge_token(&installation, ForgeCaller::Trigger).sign();
    let other = "ari:cloud:ecosystem::installation/00000000-0000-4000-8000-000000000009";
    let own = format!("ari:cloud:ecosystem::installation/{}", installation.id);
    let elsewhere = "ari:cloud:bitbucket::workspace/00000000-0000-4000-8000-000000000009";
    for (body, code) in [
        (json!({ "eventType": "avi:forge:installed:app", "id": other }), "installation_mismatch"),
        (json!({ "eventType": "avi:forge:upgraded:app", "id": own, "context": elsewhere }), "workspace_mismatch"),
    ] {
        let answer = test.forge_post("/forge/lifecycle", &token, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, code));
    }
    // An installation does not move to another workspace, whatever its token says.
    let moved = test.forge_token(&installation, ForgeCaller::Trigger);
    let moved = moved.claim("/app/installation/contexts/0/workspaceId", json!("00000000-0000-4000-8000-000000000009")).sign();
    for path in ["/forge/refresh", "/forge/uninstall"] {
        let answer = test.forge_post(path, &moved, &json!({})).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "workspace_mismatch"), "{path}");
    }
    assert_eq!(test.states().await, ["active"]);
}

async fn a_workspace_that_is_connected_elsewhere_cannot_be_claimed(test: &Test) {
    let installation = test.install_forge().await;
    let link = test.forge_claim_link(&installation).await;
    let elsewhere = make_workspace(&test.server, "Elsewhere", "Maya Levi", "maya@elsewhere.example").await;
    let maya = test.session(&elsewhere.owner).await;
    let csrf = test.get_as(&maya, &link).await.field("csrf");
    test.claim_forge(&installation).await;
    let late = test.post_as(&maya, &link, &[("csrf", &csrf)]).await;
    assert_eq!(late.status, 404, "the link went with the claim");
    assert_eq!(test.installations_of(&elsewhere.token).await, Vec::<Value>::new());
}

async fn disconnecting_leaves_the_last_step_in_bitbucket(test: &Test) {
    let installation = test.installed_forge().await;
    let id = test.installations().await[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/installations/{id}/disconnect");
    let ended = test.api_json(Method::POST, &path, Some(json!({ "workspace": "lumenpay" }))).await;
    assert_eq!((&ended["state"], &ended["health"]["removal"]), (&json!("uninstalled"), &json!("by_hand")));
    assert_eq!(ended["health"]["key_expires_at"], Value::Null, "the key is gone");
    test.run_jobs().await;
    let session = test.session(&test.made.owner).await;
    let page = test.get_as(&session, "/settings/integrations/bitbucket").await;
    assert!(page.body.contains("One step is left") && page.body.contains("uninstall ClarityLoop"), "{}", page.body);
    assert_eq!(test.sandbox.uninstall_forge(&installation.id).await, Ok(Some(204)));
    assert_eq!(test.installations().await[0]["health"]["removal"], "done");
}

async fn an_upgrade_asks_bitbucket_anew(test: &Test) {
    let installation = test.installed_forge().await;
    let asked = |test: &Test| test.sandbox.calls().iter().filter(|call| call.path.starts_with("/2.0/workspaces/")).count();
    let before = asked(test);
    assert_eq!(test.sandbox.upgrade_forge(&installation.id).await, Ok(Some(204)));
    test.run_jobs().await;
    assert_eq!((asked(test), test.states().await), (before + 1, vec![json!("active")]));
}

#[tokio::test]
async fn an_uninstall_on_one_server_is_honoured_at_once_by_the_other() {
    run_with(Backend::Postgres, FORGE, async |test| {
        let (other, url) = test.second_server().await;
        let installation = test.installed_forge().await;
        let token = test.forge_token(&installation, ForgeCaller::ScheduledTrigger).sign();
        let at_other = async |path: &str| {
            let request = test.http.post(format!("{url}{path}")).bearer_auth(&token).json(&json!({}));
            request.send().await.expect("an answer").status().as_u16()
        };
        assert_eq!(at_other("/forge/refresh").await, 204);
        test.sandbox.uninstall_forge(&installation.id).await.expect("it uninstalls");
        assert_eq!(at_other("/forge/refresh").await, 403);
        assert_eq!(at_other("/forge/uninstall").await, 204);
        test.run_jobs().await;
        other.stop().await;
    })
    .await;
}
