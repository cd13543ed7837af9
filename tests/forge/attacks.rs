//! Who is refused at the doors of the platform, and that nothing changes by it.

use bitbucket_sandbox::{Fault, ForgeCaller, ForgeInstallation, ForgeToken, Misbehaviour, RemoteFailed, RemoteRequest};
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::installations;
use diesel::prelude::*;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::both;
use crate::harness::forge::FORGE;
use crate::harness::{AMARA, INGRID, LEDGER, LUCIA, Page, Test};

both!(with super::FORGE =>
    a_token_that_is_not_forges_for_this_app_is_refused_at_every_door,
    a_person_in_a_page_of_the_app_reaches_no_door_of_the_platform,
    a_planted_token_is_never_kept,
    tokens_of_other_kinds_are_worth_nothing_here,
    keys_rotate_and_fail_without_a_fetch_for_each_call,
);

const OTHER_APP: &str = "ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000002";

/// Every door, with a body that it would take.
fn doors(test: &Test, installation: &ForgeInstallation) -> [(&'static str, Value); 4] {
    let id = format!("ari:cloud:ecosystem::installation/{}", installation.id);
    let event = test.sandbox.forge_event("avi:bitbucket:updated:pullrequest", LEDGER, 87, LUCIA).expect("a body");
    [
        ("/forge/uninstall", json!({})),
        ("/forge/lifecycle", json!({ "eventType": "avi:forge:installed:app", "id": id, "installerAccountId": AMARA })),
        ("/forge/refresh", json!({})),
        ("/forge/events", event),
    ]
}

type Row = (String, Option<String>, Option<String>, Option<chrono::NaiveDateTime>);

/// Everything that a call could change.
async fn row(test: &Test) -> Row {
    let read = |connection: &mut AnyConnection| {
        let columns =
            (installations::state, installations::reported_installer, installations::system_token, installations::last_event_at);
        Ok(installations::table.select(columns).first(connection)?)
    };
    test.server.app.read(read).await.expect("the installation")
}

fn refusals(test: &Test, code: &str) -> u64 {
    test.server.app.metrics.token_refusals.with_label_values(&[code]).get()
}

/// JSON that is called so, with the code and nothing of the token.
fn must_be(answer: &Page, status: u16, code: &str, token: &str, what: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
    assert_eq!(answer.header("content-type"), "application/json", "{what}");
    let signature = token.rsplit('.').next().unwrap_or_default();
    assert!(signature.is_empty() || !answer.body.contains(signature), "{what}");
}

async fn a_token_that_is_not_forges_for_this_app_is_refused_at_every_door(test: &Test) {
    let installation = test.installed_forge().await;
    let before = row(test).await;
    test.sandbox
        .publish_forge_key(json!({ "kty": "EC", "kid": "elliptic", "alg": "ES256", "use": "sig", "x": "AA==", "y": "AA==" }));
    test.sandbox.publish_forge_key(json!({ "kty": "oct", "kid": "symmetric", "alg": "HS256", "use": "sig", "k": "AA==" }));
    // Past the minute within which an unknown key is not asked for again.
    test.pass_seconds(61);
    let now = test.now().timestamp();
    // They live for as long as the test takes on a busy machine.
    let right = || test.forge_token(&installation, ForgeCaller::Trigger).claim("/exp", json!(now + 250));
    let lived = |from: i64, until: i64| right().claim("/iat", json!(from)).claim("/nbf", json!(from)).claim("/exp", json!(until));
    let wrong: Vec<(ForgeToken, u16, &str)> = vec![
        (right().algorithm("none"), 401, "token_algorithm"),
        (right().algorithm("HS256"), 401, "token_algorithm"),
        (right().algorithm("RS384"), 401, "token_algorithm"),
        (right().signed_by(1), 401, "token_signature"),
        (right().header("kid", json!("elliptic")), 401, "token_key_unknown"),
        (right().header("kid", json!("symmetric")), 401, "token_key_unknown"),
        (right().header("kid", json!("nobody's")), 401, "token_key_unknown"),
        (right().header("crit", json!(["exp"])), 401, "token_malformed"),
        (right().claim("/aud", json!(OTHER_APP)), 401, "token_audience"),
        (right().claim("/aud", json!(OTHER_APP)).claim("/app/id", json!(OTHER_APP)), 401, "token_audience"),
        (right().claim("/app/id", json!(OTHER_APP)), 401, "token_app"),
        (right().claim("/iss", json!("forge/invocation-token/stg")), 401, "token_issuer"),
        (right().claim("/iss", json!("https://stg.atlassian.example")), 401, "token_issuer"),
        (right().without("/exp"), 401, "token_claims"),
        (right().without("/iat"), 401, "token_claims"),
        (right().without("/app/installationId").without("/app/installation"), 401, "token_claims"),
        (right().without("/app/installation/contexts"), 401, "token_claims"),
        (
            right()
                .claim("/app/installation/id", json!("ari:cloud:ecosystem::installation/00000000-0000-4000-8000-000000000009")),
            401,
            "token_claims",
        ),
        // A second beyond the leeway of five.
        (lived(now - 60, now - 6), 401, "token_expired"),
        (lived(now + 200, now + 225), 401, "token_issued_in_future"),
        (lived(now, now + 86_400), 401, "token_lifetime"),
        (right().claim("/app/environment/type", json!("STAGING")), 403, "forge_environment_not_accepted"),
        (right().claim("/app/environment/type", json!("DEVELOPMENT")), 403, "forge_environment_not_accepted"),
        (right().claim("/icLabel", json!("isolated")), 403, "forge_isolated_cloud_not_accepted"),
    ];
    for (path, body) in doors(test, &installation) {
        for (token, status, code) in &wrong {
            let counted = refusals(test, code);
            let token = token.sign();
            must_be(&test.forge_post(path, &token, &body).await, *status, code, &token, &format!("{path} {code}"));
            assert_eq!(refusals(test, code), counted + 1, "{path} {code}");
        }
        let unsigned = Page::read(test.http.post(format!("{}{path}", test.url)).json(&body).send().await.expect("it")).await;
        must_be(&unsigned, 401, "token_missing", "", path);
        let token = right().sign();
        let twice =
            test.http.post(format!("{}{path}", test.url)).bearer_auth(&token).header(AUTHORIZATION, format!("Bearer {token}"));
        must_be(&Page::read(twice.json(&body).send().await.expect("it")).await, 401, "token_repeated", &token, path);
        let in_address = test.http.post(format!("{}{path}?jwt={token}", test.url)).json(&body).send().await.expect("it");
        must_be(&Page::read(in_address).await, 401, "token_missing", &token, path);
    }
    assert_eq!(row(test).await, before);
    // What verifies at the last second is taken: the refusals above are not of the clock.
    assert_eq!(test.forge_post("/forge/refresh", &lived(now - 20, now - 2).sign(), &json!({})).await.status, 204);
}

async fn a_person_in_a_page_of_the_app_reaches_no_door_of_the_platform(test: &Test) {
    let installation = test.installed_forge().await;
    let before = row(test).await;
    let callers = [
        ForgeCaller::Panel { viewer: INGRID, repository: LEDGER, pull_request: 87 },
        ForgeCaller::Action { viewer: AMARA, repository: LEDGER, pull_request: 87 },
        ForgeCaller::Settings { viewer: INGRID },
    ];
    for (path, body) in doors(test, &installation) {
        for caller in callers {
            let request = RemoteRequest::post(path, body.clone()).header("x-forge-oauth-system", "planted");
            let answer =
                test.sandbox.invoke_remote(&installation.id, caller, &request).await.expect("JSON, so that the page can read it");
            let code = answer.body["code"].as_str().unwrap_or_default().to_owned();
            assert_eq!((answer.status, code.as_str()), (403, "forge_call_not_of_platform"), "{path} {caller:?}");
        }
        // Half of what makes a page: a person without one, a page without a person.
        let person = test.forge_token(&installation, ForgeCaller::Trigger).claim("/principal", json!(INGRID)).sign();
        let page = test.forge_token(&installation, callers[0]).without("/principal").sign();
        for token in [person, page] {
            must_be(&test.forge_post(path, &token, &body).await, 403, "forge_call_not_of_platform", &token, path);
        }
    }
    assert_eq!((row(test).await, test.jobs().await), (before, Vec::new()));
}

async fn a_planted_token_is_never_kept(test: &Test) {
    let installation = test.installed_forge().await;
    let before = row(test).await.2;
    assert!(before.is_some());
    let token = test.forge_token(&installation, ForgeCaller::ScheduledTrigger).sign();
    for values in [&["planted", "another"][..], &["white space"], &[""]] {
        let mut request = test.http.post(format!("{}/forge/refresh", test.url)).bearer_auth(&token).json(&json!({}));
        for value in values {
            request = request.header("x-forge-oauth-system", *value);
        }
        assert_eq!(request.send().await.expect("an answer").status(), 204);
    }
    assert_eq!(row(test).await.2, before, "two headers are none, and neither is what can be no token");
    let request = test.http.post(format!("{}/forge/refresh", test.url)).bearer_auth(&token).json(&json!({}));
    assert_eq!(request.header("x-forge-oauth-user", "somebody's").send().await.expect("an answer").status(), 204);
    assert_eq!(row(test).await.2, before);
}

async fn tokens_of_other_kinds_are_worth_nothing_here(test: &Test) {
    let connect = test.installed().await;
    let installation = test.install_forge().await;
    let url = format!("{}/forge/uninstall", test.url);
    let of_connect = test.sandbox.token(&connect.client_key, "POST", &url, 60).expect("a token");
    let of_connect = of_connect.sign(&test.sandbox.secret_of(&connect.client_key).expect("a secret"));
    let system = test.sandbox.forge_access_token(&installation.id, None).expect("a token");
    for token in [of_connect.as_str(), &test.made.token, &system] {
        let answer = test.forge_post("/forge/uninstall", token, &json!({})).await;
        assert_eq!(answer.status, 401, "{}", answer.body);
    }
    // And Forge's token opens no other door.
    let token = test.forge_token(&installation, ForgeCaller::Trigger).sign();
    for path in ["/connect/webhooks", "/connect/uninstalled", "/connect/configure"] {
        let method = if path.ends_with("configure") { reqwest::Method::GET } else { reqwest::Method::POST };
        for scheme in ["JWT", "Bearer"] {
            let request = test.http.request(method.clone(), format!("{}{path}", test.url)).json(&json!({}));
            let answer = request.header(AUTHORIZATION, format!("{scheme} {token}")).send().await.expect("an answer");
            assert!(matches!(answer.status().as_u16(), 400 | 401), "{path} {scheme}: {}", answer.status());
        }
    }
    assert_eq!(test.api_as(&token, reqwest::Method::GET, "/installations").send().await.expect("an answer").status(), 401);
    assert_eq!(test.states().await, ["active", "active"]);
}

async fn keys_rotate_and_fail_without_a_fetch_for_each_call(test: &Test) {
    let installation = test.installed_forge().await;
    let reads = |test: &Test| test.sandbox.calls().iter().filter(|call| call.path.ends_with("jwks.json")).count();
    assert_eq!(reads(test), 1);
    test.sandbox.rotate_forge_keys();
    test.pass_seconds(61);
    assert_eq!(test.sandbox.run_forge_schedule(&installation.id).await, Ok(Some(204)), "an unknown key is asked for at once");
    assert_eq!(reads(test), 2);
    let unknown = test.forge_token(&installation, ForgeCaller::Trigger).header("kid", json!("nobody's")).sign();
    for _ in 0..5 {
        assert_eq!(test.forge_post("/forge/refresh", &unknown, &json!({})).await.status, 401);
    }
    assert_eq!(reads(test), 2, "but once a minute, whoever asks");
    test.sandbox.misbehave(Misbehaviour::on("/forge/", Fault::Status(503)));
    test.pass_seconds(2 * 3600);
    for _ in 0..3 {
        assert_eq!(
            test.sandbox.run_forge_schedule(&installation.id).await,
            Ok(Some(204)),
            "old keys count while Forge is silent"
        );
    }
    assert_eq!(reads(test), 3);
    test.sandbox.behave();
    let nobody = RemoteRequest::get("/forge/refresh");
    let failed = test.sandbox.invoke_remote(&installation.id, ForgeCaller::Settings { viewer: INGRID }, &nobody).await;
    assert!(!matches!(failed, Err(RemoteFailed::Unverified)), "a wrong method is no matter of the token");
}
