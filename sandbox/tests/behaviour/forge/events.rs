//! What Forge sends by itself, and what it does when nobody takes it.

use super::{APP, UPDATED, install, installed, remote::TinyRemote};
use crate::app::{AMARA, CHECKOUT, LUMENPAY};
use bitbucket_sandbox::{ForgeInstall, Options, Sandbox};
use serde_json::json;

const JSON: &str = "application/json";

#[tokio::test]
async fn an_install_is_an_event_and_holds_whatever_the_remote_answers() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let remote = TinyRemote::start();
    remote.answers(500, JSON, "{}");
    let installation = sandbox.install_forge(&install(&remote)).await.unwrap();
    assert_eq!((installation.workspace.as_str(), installation.active), (LUMENPAY, true));
    let asked = remote.last();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/forge/lifecycle"));
    assert_eq!(asked.body["id"], json!(format!("ari:cloud:ecosystem::installation/{}", installation.id)));
    assert_eq!((&asked.body["eventType"], &asked.body["installerAccountId"]), (&json!("avi:forge:installed:app"), &json!(AMARA)));
    let workspace = LUMENPAY.trim_matches(['{', '}']);
    assert_eq!(asked.body["context"], json!(format!("ari:cloud:bitbucket::workspace/{workspace}")));
    assert_eq!(sandbox.failed_forge_deliveries(), 1);
}

#[tokio::test]
async fn an_app_is_installed_once_and_only_in_a_shared_workspace() {
    let (sandbox, remote, first) = installed().await;
    assert!(sandbox.install_forge(&install(&remote)).await.is_err());
    let personal = ForgeInstall { workspace: "priya-raman".to_owned(), ..install(&remote) };
    assert!(sandbox.install_forge(&personal).await.is_err());
    let development = ForgeInstall { environment: "DEVELOPMENT".to_owned(), ..install(&remote) };
    let other = sandbox.install_forge(&development).await.unwrap();
    assert_eq!(remote.last().claims()["app"]["environment"]["type"], "DEVELOPMENT");
    sandbox.uninstall_forge(&first.id).await.unwrap();
    let again = sandbox.install_forge(&install(&remote)).await.unwrap();
    assert!(again.id != first.id && other.id != first.id);
    assert_eq!(sandbox.forge_installations().iter().map(|it| it.active).collect::<Vec<_>>(), [false, true, true]);
}

#[tokio::test]
async fn an_event_names_workspace_repository_and_pull_request() {
    let (sandbox, remote, installation) = installed().await;
    assert_eq!(sandbox.deliver_forge(&installation.id, UPDATED, "checkout", 412).await, Ok(Some(200)));
    let asked = remote.last();
    assert_eq!(asked.path, "/forge/events");
    let body = &asked.body;
    assert_eq!((&body["eventType"], &body["workspace"]["uuid"]), (&json!(UPDATED), &json!(LUMENPAY)));
    assert_eq!((&body["repository"]["uuid"], &body["pullrequest"]["id"]), (&json!(CHECKOUT), &json!(412)));
    assert!(body.get("retryContext").is_none());
    assert_eq!(asked.header("x-b3-traceid").len(), 1);
    assert_eq!((asked.header("x-forge-oauth-system").len(), asked.header("x-forge-oauth-user").len()), (1, 0));
    for (event, part) in [
        ("avi:bitbucket:created:pullrequest-comment", "/comment/id"),
        ("avi:bitbucket:updated:pullrequest-reviewer-status", "/reviewers/value/0/status"),
        ("avi:bitbucket:push:repository", "/push/ref"),
        ("avi:bitbucket:created:build-status", "/buildStatus/state"),
    ] {
        let body = sandbox.forge_event(event, "checkout", 412, AMARA).unwrap();
        assert!(body.pointer(part).is_some(), "{event}");
        assert_eq!(body.get("pullrequest").is_some(), event.contains("pullrequest"), "{event}");
    }
}

#[tokio::test]
async fn what_the_remote_does_not_take_is_sent_four_times_more() {
    let (sandbox, remote, installation) = installed().await;
    remote.answers(503, JSON, "{}");
    assert_eq!(sandbox.deliver_forge(&installation.id, UPDATED, "checkout", 412).await, Ok(Some(503)));
    for retry in 1..=4 {
        assert_eq!(sandbox.retry_forge_deliveries().await, Ok(vec![Some(503)]));
        let context = remote.last().body["retryContext"].clone();
        assert_eq!((&context["retryCount"], &context["retryReason"]), (&json!(retry), &json!("INVALID_REMOTE_INVOCATION_ERROR")));
    }
    assert_eq!(sandbox.retry_forge_deliveries().await, Ok(vec![]));

    remote.answers(401, JSON, "{}");
    sandbox.deliver_forge(&installation.id, UPDATED, "checkout", 412).await.unwrap();
    remote.answers(204, JSON, "");
    assert_eq!(sandbox.retry_forge_deliveries().await, Ok(vec![Some(204)]));
    assert_eq!(remote.last().body["retryContext"]["retryReason"], "INVALID_FORGE_INVOCATION_TOKEN");
    let tokens: Vec<_> = remote.asked().iter().map(|asked| asked.claims()["jti"].clone()).collect();
    assert!(tokens.iter().enumerate().all(|(at, token)| !tokens[..at].contains(token)));
    assert_eq!(sandbox.failed_forge_deliveries(), 0);
}

#[tokio::test]
async fn an_event_may_come_after_the_end_but_nothing_else_does() {
    let (sandbox, remote, installation) = installed().await;
    remote.answers(503, JSON, "{}");
    sandbox.deliver_forge(&installation.id, UPDATED, "checkout", 412).await.unwrap();
    assert_eq!(sandbox.uninstall_forge(&installation.id).await, Ok(Some(503)));
    assert_eq!(remote.last().path, "/forge/uninstall");
    assert_eq!(remote.last().claims()["app"]["id"], APP);
    assert!(!sandbox.forge_installations()[0].active);
    assert_eq!(sandbox.retry_forge_deliveries().await, Ok(vec![Some(503)]));
    assert!(sandbox.run_forge_schedule(&installation.id).await.is_err());
    assert!(sandbox.uninstall_forge(&installation.id).await.is_err());
}

#[tokio::test]
async fn the_clock_calls_without_anything_to_say_and_an_upgrade_has_a_version() {
    let (sandbox, remote, installation) = installed().await;
    assert_eq!(sandbox.run_forge_schedule(&installation.id).await, Ok(Some(200)));
    assert_eq!((remote.last().path.as_str(), remote.last().body), ("/forge/refresh", json!({})));
    assert_eq!(sandbox.upgrade_forge(&installation.id).await, Ok(Some(200)));
    let asked = remote.last();
    assert_eq!((&asked.body["eventType"], &asked.body["app"]["version"]), (&json!("avi:forge:upgraded:app"), &json!("2.0.0")));
    assert_eq!(asked.claims()["app"]["appVersion"], "2.0.0");
    assert_eq!(sandbox.sent().last().unwrap().event, "avi:forge:upgraded:app");
}
