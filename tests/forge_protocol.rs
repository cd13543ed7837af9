//! What the sandbox sends as Forge does, read by the server's own verifier and parsers: two implementations that must agree.

use bitbucket_sandbox::{Fault, ForgeCaller, ForgeInstall, ForgeInstallation, Misbehaviour, Options, Sandbox};
use chrono::{DateTime, Duration, Utc};
use clarityloop_bitbucket::config::{Forge, Now, Random};
use clarityloop_bitbucket::forge::events::{Lifecycle, LifecycleEvent, RepositoryEvent};
use clarityloop_bitbucket::forge::invocation_token::{Invocation, Panel};
use clarityloop_bitbucket::forge::refusal::Refusal;
use clarityloop_bitbucket::forge::system_token::AccessToken;
use clarityloop_bitbucket::forge::verifier::Verifier;
use serde_json::json;
use uuid::Uuid;

const APP: &str = "ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000001";
const OTHER_APP: &str = "ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000002";
const AMARA: &str = "712020:22a7b9c1-1d6b-4e2f-8b68-7b3a2d1e0002";
const LUMENPAY: Uuid = Uuid::from_u128(0x5f0c7a52_1d0e_4b8b_9a3e_6a1f0e5d2c11);
const CHECKOUT: Uuid = Uuid::from_u128(0xa1c40e1b_52a4_4e58_8d6b_0b7b7c3a9f01);
const PANEL: ForgeCaller<'_> = ForgeCaller::Panel { viewer: AMARA, repository: "checkout", pull_request: 412 };

struct Both {
    sandbox: Sandbox,
    installation: ForgeInstallation,
    verifier: Verifier,
}

impl Both {
    async fn start() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        // Nobody listens there: an install does not depend on its remote.
        let install = ForgeInstall::new("lumenpay", APP, "http://127.0.0.1:9", AMARA);
        let installation = sandbox.install_forge(&install).await.unwrap();
        let settings = Forge {
            app_id: Some(APP.to_owned()),
            jwks_url: sandbox.forge_keys_url().parse().unwrap(),
            environments: vec!["PRODUCTION".to_owned()],
            install_link: None,
        };
        let verifier = Verifier::new(&settings).unwrap().unwrap();
        Self { sandbox, installation, verifier }
    }

    fn token(&self, caller: ForgeCaller<'_>) -> bitbucket_sandbox::ForgeToken {
        self.sandbox.forge_token(&self.installation.id, caller).unwrap()
    }

    async fn read(&self, token: &str, at: DateTime<Utc>) -> Result<Invocation, Refusal> {
        let header = format!("Bearer {token}");
        self.verifier.invocation([header.as_bytes()], &Now::new(at, Random::system())).await
    }

    async fn read_now(&self, caller: ForgeCaller<'_>) -> Result<Invocation, Refusal> {
        self.read(&self.token(caller).sign(), self.sandbox.now()).await
    }

    fn key_set_reads(&self) -> usize {
        self.sandbox.calls().iter().filter(|call| call.path.ends_with("jwks.json")).count()
    }
}

#[tokio::test]
async fn every_kind_of_call_of_forge_is_read_as_what_it_is() {
    let both = Both::start().await;
    let panel = both.read_now(PANEL).await.unwrap();
    assert_eq!(panel.of_panel(), Ok(Panel { account: AMARA, repository: CHECKOUT, pull_request: 412, is_action: false }));
    assert_eq!((panel.installation.to_string(), panel.workspace), (both.installation.id.clone(), LUMENPAY));
    assert_eq!(panel.api_base_url.as_deref(), Some(both.sandbox.url()));
    assert_eq!((panel.of_settings(), panel.of_platform()), (Err(Refusal::NotOfSettings), Err(Refusal::NotOfPlatform)));

    let action = ForgeCaller::Action { viewer: AMARA, repository: "checkout", pull_request: 412 };
    assert!(both.read_now(action).await.unwrap().of_panel().unwrap().is_action);
    let settings = both.read_now(ForgeCaller::Settings { viewer: AMARA }).await.unwrap();
    assert_eq!((settings.of_settings(), settings.of_panel()), (Ok(AMARA), Err(Refusal::NotOfPanel)));
    for caller in [ForgeCaller::Trigger, ForgeCaller::ScheduledTrigger, ForgeCaller::PreUninstall] {
        let invocation = both.read_now(caller).await.unwrap();
        assert_eq!((invocation.of_platform(), invocation.workspace), (Ok(()), LUMENPAY), "{caller:?}");
    }
    assert_eq!(both.key_set_reads(), 1);
}

#[tokio::test]
async fn forged_and_foreign_tokens_are_refused() {
    let both = Both::start().await;
    let now = both.sandbox.now();
    both.sandbox
        .publish_forge_key(json!({ "kty": "EC", "kid": "other", "alg": "ES256", "use": "sig", "x": "AA==", "y": "AA==" }));
    let right = || both.token(PANEL);
    for (token, expected) in [
        (right().algorithm("none"), Refusal::Algorithm),
        (right().algorithm("HS256"), Refusal::Algorithm),
        (right().signed_by(1), Refusal::Signature),
        (right().header("kid", json!("other")), Refusal::KeyUnknown),
        (right().claim("/aud", json!(OTHER_APP)), Refusal::Audience),
        (right().claim("/aud", json!(OTHER_APP)).claim("/app/id", json!(OTHER_APP)), Refusal::Audience),
        (right().claim("/app/id", json!(OTHER_APP)), Refusal::App),
        (right().claim("/iss", json!("forge/invocation-token/stg")), Refusal::Issuer),
        (right().claim("/app/environment/type", json!("STAGING")), Refusal::Environment),
    ] {
        assert_eq!(both.read(&token.sign(), now).await, Err(expected));
    }
    let token = right().claim("/exp", json!(now.timestamp() + 25)).sign();
    assert!(both.read(&token, now + Duration::seconds(30)).await.is_ok());
    assert_eq!(both.read(&token, now + Duration::seconds(31)).await, Err(Refusal::Expired));
}

#[tokio::test]
async fn keys_rotate_and_fail_without_a_fetch_for_each_token() {
    let both = Both::start().await;
    let token = both.token(PANEL).claim("/exp", json!(both.sandbox.now().timestamp() + 300)).sign();
    let start = both.sandbox.now();
    assert!(both.read(&token, start).await.is_ok());
    both.sandbox.rotate_forge_keys();
    let new = both.token(PANEL).claim("/exp", json!(start.timestamp() + 300)).sign();
    assert_eq!(both.read(&new, start + Duration::seconds(30)).await, Err(Refusal::KeyUnknown));
    assert!(both.read(&new, start + Duration::seconds(60)).await.is_ok());
    assert_eq!(both.key_set_reads(), 2);

    both.sandbox.misbehave(Misbehaviour::on("/forge/", Fault::Status(503)));
    let later = start + Duration::hours(2);
    let token = both.token(PANEL).claim("/iat", json!(later.timestamp())).claim("/nbf", json!(later.timestamp()));
    let token = token.claim("/exp", json!(later.timestamp() + 25)).sign();
    for _ in 0..3 {
        assert!(both.read(&token, later).await.is_ok());
    }
    assert_eq!(both.key_set_reads(), 3);
}

#[tokio::test]
async fn bodies_and_access_tokens_are_read_as_they_were_sent() {
    let both = Both::start().await;
    let lifecycle = both.sandbox.sent().pop().unwrap();
    let installed = Lifecycle::parse(lifecycle.body.to_string().as_bytes()).unwrap();
    assert_eq!((installed.event, installed.installation.to_string()), (LifecycleEvent::Installed, both.installation.id.clone()));
    assert_eq!((installed.workspace, installed.installer.as_deref()), (Some(LUMENPAY), Some(AMARA)));
    for (event, has_pull_request) in [
        ("avi:bitbucket:updated:pullrequest", true),
        ("avi:bitbucket:created:pullrequest-comment", true),
        ("avi:bitbucket:updated:pullrequest-reviewer-status", true),
        ("avi:bitbucket:created:build-status", false),
        ("avi:bitbucket:push:repository", false),
    ] {
        let body = both.sandbox.forge_event(event, "checkout", 412, AMARA).unwrap();
        let read = RepositoryEvent::parse(body.to_string().as_bytes()).unwrap();
        assert_eq!((read.event.as_str(), read.workspace, read.repository), (event, Some(LUMENPAY), Some(CHECKOUT)));
        assert_eq!(read.pull_request, has_pull_request.then_some(412), "{event}");
    }
    let now = both.sandbox.now().timestamp();
    let token = both.sandbox.forge_access_token(&both.installation.id, None).unwrap();
    let read = AccessToken::read(token.as_bytes(), now).unwrap();
    assert!((14_399..=14_400).contains(&(read.expires_at - now)) && read.token.expose() == token);
}
