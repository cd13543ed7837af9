//! Who is refused at the doors of the Forge app's pages, and how Forge is told: JSON, and 401 for nothing but a token that fails.

use bitbucket_sandbox::{ForgeCaller, ForgeToken, RemoteRequest};
use serde_json::{Value, json};

use super::{Answer, amara_and_lucia, ask, open, panel_of};
use crate::both;
use crate::harness::forge::FORGE;
use crate::harness::lifecycle::PERSONAL;
use crate::harness::{AMARA, LUCIA, Page, Test};

both!(with super::FORGE =>
    a_token_that_fails_is_401_at_every_form,
    a_page_reaches_the_doors_of_its_own_kind_only,
    a_token_for_another_workspace_or_of_nothing_we_know_is_refused,
    an_uninstalled_app_shows_nothing_at_once,
    a_panel_seen_before_its_installation_is_told_waits,
    what_is_no_form_is_refused_and_changes_nothing,
);

const PANEL_DOORS: [&str; 8] = [
    "/forge/panel",
    "/forge/panel/form",
    "/forge/panel/links",
    "/forge/panel/links/remove",
    "/forge/panel/code",
    "/forge/panel/join",
    "/forge/panel/hide",
    "/forge/panel/show",
];
const SETTINGS_DOORS: [&str; 4] =
    ["/forge/settings", "/forge/settings/quick-action", "/forge/settings/retire/ask", "/forge/settings/retire"];
const PLATFORM_DOORS: [&str; 4] = ["/forge/events", "/forge/lifecycle", "/forge/refresh", "/forge/uninstall"];

fn settings_of(viewer: &str) -> ForgeCaller<'_> {
    ForgeCaller::Settings { viewer }
}

/// Forge reads `application/json` only, and the page shows the sentence in `detail`.
fn refused(page: &Page, status: u16, code: &str) {
    assert_eq!((page.status, page.code().as_str()), (status, code), "{}", page.body);
    assert_eq!(page.header("content-type"), "application/json");
    let body: Value = serde_json::from_str(&page.body).expect("JSON");
    assert!(body["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{body}");
}

async fn a_token_that_fails_is_401_at_every_form(test: &Test) {
    let app = test.installed_forge().await;
    let now = test.now().timestamp();
    for (doors, caller) in [(&PANEL_DOORS[..], panel_of(AMARA)), (&SETTINGS_DOORS[..], settings_of(AMARA))] {
        for door in doors {
            let right = || test.forge_token(&app, caller);
            let wrong: [(ForgeToken, &str); 5] = [
                (right().signed_by(1), "token_signature"),
                (right().claim("/aud", json!("ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000009")), "token_audience"),
                (right().claim("/exp", json!(now - 6)).claim("/iat", json!(now - 31)), "token_expired"),
                (right().algorithm("none"), "token_algorithm"),
                (right().algorithm("HS256"), "token_algorithm"),
            ];
            for (token, code) in wrong {
                refused(&test.forge_post(door, &token.sign(), &json!({})).await, 401, code);
            }
            let unsigned = test.http.post(format!("{}{door}", test.url)).json(&json!({})).send().await.expect("an answer");
            refused(&Page::read(unsigned).await, 401, "token_missing");
        }
    }
}

async fn a_page_reaches_the_doors_of_its_own_kind_only(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    test.bind(&test.made.owner, LUCIA_IS_NOT_HER).await;
    for door in SETTINGS_DOORS {
        let answer = ask(test, &app, panel_of(AMARA), door, json!({ "enabled": "false" })).await;
        assert_eq!((answer.status, answer.code()), (403, "forge_call_not_of_settings"), "{door}");
    }
    for door in PANEL_DOORS {
        let answer = ask(test, &app, settings_of(AMARA), door, json!({})).await;
        assert_eq!((answer.status, answer.code()), (403, "forge_call_not_of_panel"), "{door}");
        let token = test.forge_token(&app, ForgeCaller::Trigger).sign();
        refused(&test.forge_post(door, &token, &json!({})).await, 403, "forge_call_not_of_panel");
    }
    for door in PLATFORM_DOORS {
        for caller in [panel_of(AMARA), settings_of(AMARA)] {
            let request = RemoteRequest::post(door, json!({})).header("x-forge-oauth-system", "planted");
            let answer = test.sandbox.invoke_remote(&app.id, caller, &request).await.expect("an answer");
            assert_eq!((answer.status, &answer.body["code"]), (403, &json!("forge_call_not_of_platform")), "{door}");
        }
    }
    assert_eq!(test.forge_state(&app).await.as_deref(), Some("active"));
    assert_eq!(test.api_json(reqwest::Method::GET, "/quick-action", None).await["enabled"], true);
}

/// Ingrid's account, which is the owner's.
const LUCIA_IS_NOT_HER: &str = crate::harness::INGRID;

async fn a_token_for_another_workspace_or_of_nothing_we_know_is_refused(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    let elsewhere = test.sandbox.world(|world| world.workspace(PERSONAL).map(|it| it.uuid.clone())).expect("a workspace");
    let right = || test.forge_token(&app, panel_of(AMARA));
    let token = right().claim("/context/workspaceId", json!(elsewhere)).sign();
    refused(&test.forge_post("/forge/panel", &token, &json!({})).await, 403, "workspace_mismatch");
    for (pointer, value) in [
        ("/context/extension/type", json!("bitbucket:repoPullRequestCard")),
        ("/context/extension/type", json!("bitbucket:workspaceSettingsMenuPage")),
        ("/context/extension/type", json!(7)),
        ("/context/extension/pullRequest", json!({ "id": 0 })),
        ("/context/extension/pullRequest", json!({ "id": "87" })),
        ("/context/extension/repository", json!({ "uuid": "ledger" })),
        ("/context/extension", json!({})),
    ] {
        let token = right().claim(pointer, value.clone()).sign();
        refused(&test.forge_post("/forge/panel", &token, &json!({})).await, 403, "forge_call_not_of_panel");
    }
    let token = right().without("/principal").sign();
    refused(&test.forge_post("/forge/panel", &token, &json!({})).await, 403, "forge_call_not_of_panel");
}

async fn an_uninstalled_app_shows_nothing_at_once(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    assert_eq!(open(test, &app, AMARA).await.status, 200);
    let (panel, settings) = (test.forge_token(&app, panel_of(AMARA)), test.forge_token(&app, settings_of(AMARA)));
    test.sandbox.uninstall_forge(&app.id).await.expect("an uninstall");
    test.run_jobs().await;
    for (doors, token) in [(&PANEL_DOORS[..], panel.sign()), (&SETTINGS_DOORS[..1], settings.sign())] {
        for door in doors {
            refused(&test.forge_post(door, &token, &json!({})).await, 403, "installation_uninstalled");
        }
    }
    assert_eq!(test.forge_state(&app).await.as_deref(), Some("uninstalled"));
}

async fn a_panel_seen_before_its_installation_is_told_waits(test: &Test) {
    let mut install = test.to_install_forge();
    install.routes.lifecycle = "/forge/lost".to_owned();
    let app = test.sandbox.install_forge(&install).await.expect("the app installs");
    assert_eq!(test.forge_state(&app).await, None);
    let panel = open(test, &app, LUCIA).await;
    assert!(panel.shows("is not connected to ClarityLoop yet"), "{panel:?}");
    assert_eq!(test.forge_state(&app).await.as_deref(), Some("waiting"));
    test.sandbox.run_forge_schedule(&app.id).await.expect("a call");
    test.run_jobs().await;
}

async fn what_is_no_form_is_refused_and_changes_nothing(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    let token = test.forge_token(&app, panel_of(AMARA)).sign();
    let send = |door: &str, kind: &str, body: Vec<u8>| {
        test.http.post(format!("{}{door}", test.url)).bearer_auth(&token).header("content-type", kind).body(body).send()
    };
    for door in ["/forge/panel/links", "/forge/panel/links/remove", "/forge/panel/code", "/forge/panel/join"] {
        for (kind, body) in [
            ("application/json", &b"{"[..]),
            ("application/json", b"[]"),
            ("application/json", b"\xff"),
            ("application/json", b""),
            ("application/json", br#"{"note":"\ud800","link":"\ud800","code":"\ud800","name":"\ud800"}"#),
            ("text/plain", b"{}"),
            ("application/x-www-form-urlencoded", b"note=x"),
        ] {
            let page = Page::read(send(door, kind, body.to_vec()).await.expect("an answer")).await;
            let is_taken = body == b"[]" && page.status == 400;
            if !is_taken {
                refused(&page, 400, "form_malformed");
            }
        }
        let large = format!("{{\"note\":\"{}\"}}", "x".repeat(64 * 1024));
        refused(&Page::read(send(door, "application/json", large.into()).await.expect("an answer")).await, 413, "body_too_large");
        let got = test.http.get(format!("{}{door}", test.url)).bearer_auth(&token).send().await.expect("an answer");
        refused(&Page::read(got).await, 405, "method_not_allowed");
    }
    let empty: Answer = open(test, &app, AMARA).await;
    assert!(empty.shows("New draft about Lucía Fernández") && !empty.shows("Undo"), "{empty:?}");
}
