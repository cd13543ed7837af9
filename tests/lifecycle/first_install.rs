//! The first install of a client key: unsigned by design, so nothing of it is believed before Bitbucket has accepted its secret.

use bitbucket_sandbox::{ClientKey, Fault, Install, InstallFailed, Misbehaviour, World};
use clarityloop_bitbucket::connections::install_codes;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::lifecycle::{LUMENPAY_UUID, PERSONAL, refusal};
use crate::harness::{INGRID, PRIYA, Test, make_workspace};

both!(
    an_install_by_code_waits_for_the_owner_of_the_code_alone,
    slug_and_name_are_what_bitbucket_says_of_the_workspace,
    only_an_owner_of_the_workspace_confirms_an_install,
    a_secret_that_bitbucket_does_not_accept_is_not_stored,
    an_install_in_another_workspace_than_the_secret_is_of_is_not_stored,
    while_bitbucket_does_not_answer_nothing_is_stored,
    while_bitbucket_is_slow_nothing_is_stored,
    a_base_api_url_that_is_not_bitbucket_is_refused_without_a_call,
    a_workspace_that_is_not_a_plain_uuid_is_refused_without_a_call,
    a_client_key_that_names_another_workspace_or_app_is_refused_without_a_call,
    a_body_that_is_not_an_install_of_this_app_is_refused_without_a_call,
    an_install_without_a_secret_is_refused,
    a_personal_workspace_without_a_username_is_installed,
    a_numbered_client_key_and_unknown_fields_are_taken,
    an_unknown_install_code_takes_no_install,
    a_replaced_install_code_takes_no_new_client_key,
);

async fn an_install_by_code_waits_for_the_owner_of_the_code_alone(test: &Test) {
    let other = make_workspace(&test.server, "Other", "Olga Other", "olga@other.example").await;
    let installation = test.install().await;
    let listed = test.installations().await;
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["state"], &listed[0]["door"]), (&json!("waiting"), &json!("connect")));
    assert_eq!(listed[0]["reported_installer"], INGRID);
    assert_eq!(test.installations_of(&other.token).await, Vec::<Value>::new());
    let panel = test.panel(&installation, 87, PRIYA).await;
    assert_eq!(panel.status, 200);
    assert!(panel.body.contains("Waiting for an owner of Lumen Pay.") && panel.body.contains("Ingrid Solberg"), "{}", panel.body);
    test.confirm().await;
    assert_eq!(test.states().await, ["active"]);
    let panel = test.panel(&installation, 87, PRIYA).await;
    assert!(panel.status == 200 && !panel.body.contains("Waiting for an owner"), "{}", panel.body);
}

async fn slug_and_name_are_what_bitbucket_says_of_the_workspace(test: &Test) {
    let principal = json!({ "uuid": LUMENPAY_UUID, "username": "a-lie", "display_name": "Another Name" });
    test.install_with(json!({ "principal": principal })).await.expect("the app installs");
    let before = test.installations().await;
    assert_eq!(before[0]["bitbucket_workspace"], json!({ "uuid": LUMENPAY_UUID, "slug": null, "name": null }));
    test.run_jobs().await;
    let after = test.installations().await;
    assert_eq!(after[0]["bitbucket_workspace"], json!({ "uuid": LUMENPAY_UUID, "slug": "lumenpay", "name": "Lumen Pay" }));
}

async fn only_an_owner_of_the_workspace_confirms_an_install(test: &Test) {
    test.install().await;
    let id = test.installations().await[0]["id"].as_str().expect("an id").to_owned();
    let other = make_workspace(&test.server, "Other", "Olga Other", "olga@other.example").await;
    let member = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let member_token = test.token(&member, "read,write").await;
    for (token, status) in [(other.token.as_str(), 404), (member_token.as_str(), 403), ("", 401)] {
        let answer = test.api_as(token, Method::POST, &format!("/installations/{id}/confirm")).send().await.expect("an answer");
        assert_eq!(answer.status(), status);
    }
    assert_eq!(test.states().await, ["waiting"]);
}

async fn assert_refused(test: &Test, installed: Result<bitbucket_sandbox::Installation, InstallFailed>, status: u16, code: &str) {
    assert_eq!(refusal(&installed.expect_err("a refusal")), (status, code.to_owned()));
    assert_eq!(test.stored_installs().await, 0, "{code}");
}

async fn a_secret_that_bitbucket_does_not_accept_is_not_stored(test: &Test) {
    let forged = test.install_with(json!({ "sharedSecret": "0123456789abcdef0123456789abcdef" })).await;
    assert_refused(test, forged, 401, "secret_not_proven").await;
    let client_key = format!("ari:cloud:bitbucket::app/{{{LUMENPAY_UUID}}}/clarityloop-bitbucket");
    let unknown = test.send(&test.first_install_call(&client_key, "known to nobody")).await;
    assert_eq!((unknown.status, unknown.code()), (401, "secret_not_proven".to_owned()));
    assert_eq!(test.stored_installs().await, 0);
}

async fn an_install_in_another_workspace_than_the_secret_is_of_is_not_stored(test: &Test) {
    let victim = test.sandbox.world(|world: &mut World| world.workspace(PERSONAL).expect("a workspace").uuid.clone());
    let fields = json!({ "principal": { "uuid": victim } }).as_object().expect("fields").clone();
    let install = Install { client_key: ClientKey::Connection, extra_fields: fields, ..test.to_install() };
    assert_refused(test, test.sandbox.install(&install).await, 401, "secret_not_proven").await;
}

async fn while_bitbucket_does_not_answer_nothing_is_stored(test: &Test) {
    let faults = [
        (Fault::Status(503), "bitbucket_down"),
        (Fault::Status(500), "bitbucket_down"),
        (Fault::RateLimited { retry_after_seconds: Some(7) }, "bitbucket_rate_limited"),
        (Fault::RateLimited { retry_after_seconds: None }, "bitbucket_rate_limited"),
        (Fault::DroppedConnection, "bitbucket_down"),
    ];
    for (fault, code) in faults {
        test.sandbox.misbehave(Misbehaviour::on("/2.0/workspaces/", fault));
        assert_refused(test, test.sandbox.install(&test.to_install()).await, 503, code).await;
        test.sandbox.behave();
    }
    test.install().await;
    assert_eq!(test.states().await, ["waiting"]);
}

async fn while_bitbucket_is_slow_nothing_is_stored(test: &Test) {
    test.sandbox.misbehave(Misbehaviour::on("/2.0/workspaces/", Fault::Slow { milliseconds: 12_000 }));
    let page = test.send(&test.first_install_call("connection:7", "a secret")).await;
    assert_eq!((page.status, page.code()), (503, "bitbucket_down".to_owned()));
    assert_ne!(page.header("retry-after"), "");
    assert_eq!(test.stored_installs().await, 0);
}

async fn assert_refused_without_a_call(test: &Test, fields: Value, code: &str) {
    let refused = test.install_with(fields.clone()).await.expect_err("a refusal");
    assert_eq!(refusal(&refused), (400, code.to_owned()), "{fields}");
    assert_eq!(test.stored_installs().await, 0, "{fields}");
    assert_eq!(test.sandbox.calls(), [], "{fields}");
}

async fn a_base_api_url_that_is_not_bitbucket_is_refused_without_a_call(test: &Test) {
    let bitbucket = test.sandbox.url().to_owned();
    let hostile = [
        json!("https://bitbucket.evil.example"),
        json!(format!("{bitbucket}.evil.example")),
        json!(format!("{bitbucket}@evil.example")),
        json!(format!("{bitbucket}/../..")),
        json!(format!("{bitbucket}?x=")),
        json!(format!("{bitbucket}//")),
        json!(bitbucket.replace("127.0.0.1", "localhost")),
        json!(bitbucket.to_uppercase()),
        json!(""),
        json!(null),
        json!([bitbucket]),
    ];
    for url in hostile {
        assert_refused_without_a_call(test, json!({ "baseApiUrl": url }), "api_url_mismatch").await;
    }
    let slash = test.install_with(json!({ "baseApiUrl": format!("{bitbucket}/") })).await;
    assert!(slash.is_ok(), "a slash at its end makes no difference");
    test.run_jobs().await;
}

async fn a_workspace_that_is_not_a_plain_uuid_is_refused_without_a_call(test: &Test) {
    let bare = LUMENPAY_UUID.replace('-', "");
    let games = [
        json!("../../2.0/user"),
        json!(format!("{{{LUMENPAY_UUID}}}/hooks?x=")),
        json!(format!("%7B{LUMENPAY_UUID}%7D")),
        json!(format!("{{{LUMENPAY_UUID}")),
        json!(format!("{{{{{LUMENPAY_UUID}}}}}")),
        json!(format!(" {LUMENPAY_UUID}")),
        json!(format!("{LUMENPAY_UUID}\0")),
        json!(format!("urn:uuid:{LUMENPAY_UUID}")),
        json!(bare),
        json!("lumenpay"),
        json!(""),
        json!(null),
        json!(1),
        json!([LUMENPAY_UUID]),
    ];
    for uuid in games {
        assert_refused_without_a_call(test, json!({ "principal": { "uuid": uuid } }), "workspace_uuid_malformed").await;
    }
    assert_refused_without_a_call(test, json!({ "principal": null }), "workspace_uuid_malformed").await;
    let written_otherwise = json!({ "principal": { "uuid": LUMENPAY_UUID.to_uppercase() } });
    test.install_with(written_otherwise).await.expect("the same workspace, without braces and in capitals");
    test.run_jobs().await;
    assert_eq!(test.installations().await[0]["bitbucket_workspace"]["uuid"], LUMENPAY_UUID);
}

async fn a_client_key_that_names_another_workspace_or_app_is_refused_without_a_call(test: &Test) {
    let another = "00000000-1d0e-4b8b-9a3e-6a1f0e5d2c11";
    let keys = [
        (format!("ari:cloud:bitbucket::app/{{{another}}}/clarityloop-bitbucket"), "client_key_workspace_mismatch"),
        (format!("ari:cloud:bitbucket::app/{{{LUMENPAY_UUID}}}/another-app"), "app_key_mismatch"),
        (format!("ari:cloud:bitbucket::app/{{{LUMENPAY_UUID}}}/clarityloop-bitbucket/x"), "app_key_mismatch"),
        (format!("ari:cloud:bitbucket::app/{LUMENPAY_UUID}"), "client_key_malformed"),
        ("ari:cloud:jira::app/x/clarityloop-bitbucket".to_owned(), "client_key_malformed"),
        ("connection:1\n".to_owned(), "client_key_malformed"),
        ("ключ".to_owned(), "client_key_malformed"),
        ("x".repeat(256), "client_key_malformed"),
        (String::new(), "client_key_malformed"),
    ];
    for (client_key, code) in keys {
        assert_refused_without_a_call(test, json!({ "clientKey": client_key }), code).await;
    }
}

async fn a_body_that_is_not_an_install_of_this_app_is_refused_without_a_call(test: &Test) {
    let bodies = [
        (json!({ "productType": "jira" }), "product_type_unknown"),
        (json!({ "eventType": "uninstalled" }), "event_type_mismatch"),
        (json!({ "key": "another-app" }), "app_key_mismatch"),
        (json!({ "sharedSecret": "" }), "shared_secret_malformed"),
        (json!({ "sharedSecret": "x".repeat(513) }), "shared_secret_malformed"),
        (json!({ "sharedSecret": 7 }), "shared_secret_malformed"),
    ];
    for (fields, code) in bodies {
        assert_refused_without_a_call(test, fields, code).await;
    }
    let refused = test.install_with(json!({ "padding": "x".repeat(64 * 1024) })).await.expect_err("a refusal");
    assert_eq!(refusal(&refused), (413, "body_too_large".to_owned()));
    for body in [json!([]), json!("installed"), json!(null)] {
        let page = test.send(&crate::harness::lifecycle::LifecycleCall { body, ..test.first_install_call("x", "x") }).await;
        assert_eq!((page.status, page.code()), (400, "body_malformed".to_owned()));
    }
    assert_eq!(test.stored_installs().await, 0);
}

async fn an_install_without_a_secret_is_refused(test: &Test) {
    let without = Install { omit_shared_secret: true, ..test.to_install() };
    assert_refused(test, test.sandbox.install(&without).await, 400, "shared_secret_missing").await;
    assert_eq!(test.sandbox.calls(), []);
}

async fn a_personal_workspace_without_a_username_is_installed(test: &Test) {
    let install = Install { workspace: PERSONAL.to_owned(), actor: PRIYA.to_owned(), ..test.to_install() };
    test.sandbox.install(&install).await.expect("the app installs");
    assert_eq!(test.sandbox.sent()[0].body["principal"].get("username"), None);
    test.run_jobs().await;
    let listed = test.installations().await;
    assert_eq!((&listed[0]["state"], &listed[0]["bitbucket_workspace"]["slug"]), (&json!("waiting"), &json!(PERSONAL)));
}

async fn a_numbered_client_key_and_unknown_fields_are_taken(test: &Test) {
    let surprises = json!({ "announcedNowhere": { "deep": [1, null] }, "actor": null, "user": [], "publicKey": 3 });
    let extra_fields = surprises.as_object().expect("fields").clone();
    let install = Install { client_key: ClientKey::Connection, extra_fields, ..test.to_install() };
    let installation = test.sandbox.install(&install).await.expect("the app installs");
    assert_eq!(installation.client_key, "connection:1");
    test.run_jobs().await;
    test.confirm().await;
    assert_eq!(test.installations().await[0]["reported_installer"], Value::Null);
    assert_eq!(test.panel_status(&installation).await, 200);
}

async fn an_unknown_install_code_takes_no_install(test: &Test) {
    let call = test.first_install_call("connection:7", "a secret");
    let url = call.url.replace(&test.made.install_code, "0123456789abcdef0123456789abcdef");
    let page = test.send(&crate::harness::lifecycle::LifecycleCall { url, ..call }).await;
    assert_eq!((page.status, page.code()), (404, "install_code_unknown".to_owned()));
    assert_eq!((test.stored_installs().await, test.sandbox.calls().len()), (0, 0));
}

async fn a_replaced_install_code_takes_no_new_client_key(test: &Test) {
    let installation = test.installed().await;
    let (id, now) = (test.made.owner.workspace_id.clone(), test.server.app.now());
    test.server.app.write(move |connection| install_codes::replace(connection, &id, &now)).await.expect("a new code");
    let personal = Install { workspace: PERSONAL.to_owned(), ..test.to_install() };
    let refused = test.sandbox.install(&personal).await.expect_err("a refusal");
    assert_eq!(refusal(&refused), (409, "install_code_replaced".to_owned()));
    test.pass_seconds(1);
    test.install().await;
    assert_eq!(test.states().await, ["active"], "its own installation goes on by the replaced code");
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.pass_seconds(1);
    test.install().await;
    assert_eq!(test.states().await, ["waiting"]);
}
