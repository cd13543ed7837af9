//! Invocation tokens and the keys they are signed with.

use super::{APP, PANEL, installed};
use crate::app::{AMARA, CHECKOUT, LUMENPAY, client};
use aws_lc_rs::{rsa::PublicKeyComponents, signature::RSA_PKCS1_2048_8192_SHA256};
use base64::{
    Engine,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use bitbucket_sandbox::{Fault, ForgeCaller, Misbehaviour, Sandbox, unverified_claims};
use serde_json::{Value, json};

async fn keys(sandbox: &Sandbox) -> Vec<Value> {
    let document: Value = client().get(sandbox.forge_keys_url()).send().await.unwrap().json().await.unwrap();
    document["keys"].as_array().unwrap().clone()
}

/// Whether one of the published keys, by its name, signed the token.
async fn is_signed(sandbox: &Sandbox, token: &str) -> bool {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let header = URL_SAFE_NO_PAD.decode(signed.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    let keys = keys(sandbox).await;
    let Some(key) = keys.iter().find(|key| key["kid"] == header["kid"]) else { return false };
    let number = |name: &str| URL_SAFE.decode(key[name].as_str().unwrap()).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key = PublicKeyComponents { n: number("n"), e: number("e") };
    header["alg"] == "RS256" && key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_ok()
}

#[tokio::test]
async fn a_token_is_signed_with_a_published_key_and_holds_what_is_documented() {
    let (sandbox, remote, installation) = installed().await;
    let event = remote.last();
    assert!(is_signed(&sandbox, event.token()).await);
    let claims = event.claims();
    assert_eq!(
        (&claims["iss"], &claims["aud"], &claims["app"]["id"]),
        (&json!("forge/invocation-token"), &json!(APP), &json!(APP))
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 25);
    assert_eq!(claims["nbf"], claims["iat"]);
    assert_eq!(claims["jti"].as_str().unwrap().len(), 40);
    let installation_id = format!("ari:cloud:ecosystem::installation/{}", installation.id);
    assert_eq!(claims["app"]["installationId"], json!(installation_id));
    assert_eq!(claims["app"]["environment"]["type"], "PRODUCTION");
    let context = &claims["app"]["installation"]["contexts"][0];
    assert_eq!(context["workspaceId"], json!(LUMENPAY.trim_matches(['{', '}'])));
    assert_eq!((&claims["app"]["apiBaseUrl"], &context["apiBaseUrl"]), (&json!(sandbox.url()), &json!(sandbox.url())));
    assert!(!claims.contains_key("principal") && !claims.contains_key("context"));
}

#[tokio::test]
async fn a_page_names_its_viewer_and_where_it_stands() {
    let (sandbox, _remote, installation) = installed().await;
    let claims = |caller| sandbox.forge_token(&installation.id, caller).unwrap().claims().clone();
    let panel = claims(PANEL);
    assert_eq!((&panel["principal"], &panel["context"]["accountId"]), (&json!(AMARA), &json!(AMARA)));
    assert_eq!(panel["context"]["workspaceId"], LUMENPAY);
    let extension = &panel["context"]["extension"];
    assert_eq!(extension["type"], "bitbucket:repoPullRequestOverviewPanel");
    assert_eq!(extension["repository"]["uuid"], CHECKOUT);
    assert_eq!(extension["pullRequest"]["id"], 412);
    assert_eq!(extension["location"], json!(format!("{}/lumenpay/checkout/pull-requests/412", sandbox.url())));

    let action = claims(ForgeCaller::Action { viewer: AMARA, repository: CHECKOUT, pull_request: 412 });
    assert_eq!(action["context"]["extension"]["type"], "bitbucket:repoPullRequestAction");
    let settings = claims(ForgeCaller::Settings { viewer: AMARA });
    assert_eq!(settings["context"]["extension"]["type"], "bitbucket:workspaceSettingsMenuPage");
    assert_eq!(settings["context"]["extension"]["workspace"]["uuid"], LUMENPAY);

    let nobody = ForgeCaller::Settings { viewer: "712020:nobody" };
    assert!(sandbox.forge_token(&installation.id, nobody).is_err());
    let nothing = ForgeCaller::Panel { viewer: AMARA, repository: "checkout", pull_request: 9999 };
    assert!(sandbox.forge_token(&installation.id, nothing).is_err());
}

#[tokio::test]
async fn keys_rotate_without_notice_and_with() {
    let (sandbox, remote, installation) = installed().await;
    let old = remote.last().token().to_owned();
    sandbox.rotate_forge_keys();
    let new = sandbox.forge_token(&installation.id, PANEL).unwrap().sign();
    assert!(!is_signed(&sandbox, &old).await && is_signed(&sandbox, &new).await);
    sandbox.announce_forge_key();
    assert_eq!(keys(&sandbox).await.len(), 2);
    assert!(is_signed(&sandbox, &new).await);
    sandbox.rotate_forge_keys();
    assert!(!is_signed(&sandbox, &new).await);
}

#[tokio::test]
async fn a_token_can_be_made_wrong_in_every_way() {
    let (sandbox, _remote, installation) = installed().await;
    let right = sandbox.forge_token(&installation.id, PANEL).unwrap();
    assert!(is_signed(&sandbox, &right.sign()).await);
    assert!(!is_signed(&sandbox, &right.clone().signed_by(2).sign()).await);
    assert!(right.clone().algorithm("none").sign().ends_with('.'));
    let confused = right.clone().algorithm("HS256").sign();
    assert_eq!(URL_SAFE_NO_PAD.decode(confused.rsplit('.').next().unwrap()).unwrap().len(), 32);
    let changed =
        right.claim("/app/environment/type", json!("STAGING")).without("/principal").claim("/icLabel", json!("x")).sign();
    let claims = unverified_claims(&changed).unwrap();
    assert_eq!((&claims["app"]["environment"]["type"], &claims["icLabel"]), (&json!("STAGING"), &json!("x")));
    assert!(!claims.contains_key("principal") && is_signed(&sandbox, &changed).await);
}

#[tokio::test]
async fn the_key_set_can_hold_other_keys_and_fail_and_its_reading_is_recorded() {
    let (sandbox, _remote, _) = installed().await;
    sandbox.publish_forge_key(json!({ "kty": "EC", "kid": "other" }));
    let published = keys(&sandbox).await;
    assert_eq!((published.len(), &published[1]["kty"]), (2, &json!("EC")));
    assert!(published[0]["n"].as_str().unwrap().ends_with("=="));
    sandbox.misbehave(Misbehaviour::on("/forge/", Fault::Status(503)));
    assert_eq!(client().get(sandbox.forge_keys_url()).send().await.unwrap().status(), 503);
    let statuses: Vec<u16> = sandbox.calls().iter().filter(|it| it.path.ends_with("jwks.json")).map(|it| it.status).collect();
    assert_eq!(statuses, [200, 503]);
}
