//! The access tokens that Forge sends along, used at the API.

use super::{PANEL, install, installed, remote::TinyRemote};
use crate::app::client;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bitbucket_sandbox::{Options, RemoteRequest, Sandbox};
use chrono::Duration;
use serde_json::Value;

const PULL_REQUEST: &str = "/2.0/repositories/lumenpay/checkout/pullrequests/412";

async fn status(sandbox: &Sandbox, token: &str, path: &str) -> u16 {
    client().get(format!("{}{path}", sandbox.url())).bearer_auth(token).send().await.unwrap().status().as_u16()
}

fn system_token(remote: &TinyRemote) -> String {
    remote.last().header("x-forge-oauth-system")[0].to_owned()
}

#[tokio::test]
async fn a_system_token_reads_what_its_scopes_allow() {
    let (sandbox, remote, installation) = installed().await;
    let token = system_token(&remote);
    for (path, expected) in [
        (PULL_REQUEST, 200),
        ("/2.0/repositories/lumenpay/checkout", 200),
        ("/2.0/workspaces/lumenpay", 200),
        ("/2.0/workspaces/lumenpay/members", 200),
        ("/2.0/workspaces/priya-raman/members", 403),
        ("/2.0/workspaces/lumenpay/hooks", 401),
        ("/2.0/user", 401),
    ] {
        assert_eq!(status(&sandbox, &token, path).await, expected, "{path}");
    }
    let calls = sandbox.calls();
    assert!(calls.iter().any(|call| call.path == PULL_REQUEST && call.authorized_as.as_ref() == Some(&installation.id)));
    let removed = client().delete(format!("{}/2.0/addon", sandbox.url())).bearer_auth(&token).send().await.unwrap();
    assert_eq!(removed.status(), 401);
    assert_eq!(status(&sandbox, "made up", PULL_REQUEST).await, 401);
}

#[tokio::test]
async fn scopes_do_not_imply_one_another() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let remote = TinyRemote::start();
    let mut request = install(&remote);
    request.scopes = ["read:app-system-token", "read:pullrequest:bitbucket"].map(str::to_owned).into();
    sandbox.install_forge(&request).await.unwrap();
    let token = system_token(&remote);
    for (path, expected) in [(PULL_REQUEST, 200), ("/2.0/repositories/lumenpay/checkout", 403), ("/2.0/workspaces/lumenpay", 403)]
    {
        assert_eq!(status(&sandbox, &token, path).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_token_is_cached_says_its_end_and_ends_with_it_or_with_the_installation() {
    let (sandbox, remote, installation) = installed().await;
    let first = system_token(&remote);
    let claims = URL_SAFE_NO_PAD.decode(first.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert!((14_390..=14_400).contains(&(claims["exp"].as_i64().unwrap() - sandbox.now().timestamp())));

    sandbox.set_now(sandbox.now() + Duration::minutes(119));
    sandbox.run_forge_schedule(&installation.id).await.unwrap();
    assert_eq!(system_token(&remote), first);
    sandbox.set_now(sandbox.now() + Duration::minutes(2));
    sandbox.run_forge_schedule(&installation.id).await.unwrap();
    let second = system_token(&remote);
    assert_ne!(second, first);
    assert_eq!(status(&sandbox, &first, PULL_REQUEST).await, 200);
    sandbox.set_now(sandbox.now() + Duration::minutes(120));
    assert_eq!(status(&sandbox, &first, PULL_REQUEST).await, 401);
    assert_eq!(status(&sandbox, &second, PULL_REQUEST).await, 200);
    sandbox.uninstall_forge(&installation.id).await.unwrap();
    assert_eq!(status(&sandbox, &second, PULL_REQUEST).await, 401);
}

#[tokio::test]
async fn a_page_brings_its_viewers_token_too() {
    let (sandbox, remote, installation) = installed().await;
    sandbox.invoke_remote(&installation.id, PANEL, &RemoteRequest::get("/forge/panel")).await.unwrap();
    let token = remote.last().header("x-forge-oauth-user")[0].to_owned();
    assert_ne!(token, system_token(&remote));
    assert_eq!(status(&sandbox, &token, PULL_REQUEST).await, 200);
}
