//! The Connect descriptor: what Bitbucket reads before it installs the app.

use bitbucket_sandbox::Descriptor;
use clarityloop_bitbucket::connections::install_codes;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::{Page, Test};

both!(
    bitbucket_takes_the_descriptor_of_an_install_code,
    the_descriptor_of_a_registered_app_installs_without_a_code,
    a_descriptor_that_the_reader_has_is_not_sent_again,
    an_unknown_install_code_has_no_descriptor,
    a_replaced_code_still_describes_the_app_to_its_installations,
    without_quick_action_there_is_neither_panel_nor_entry,
);

both!(with super::FORGE => the_forge_app_is_named_when_it_is_configured);

const FORGE: &[(&str, &str)] = &[("CLARITYLOOP__FORGE__APP_ID", FORGE_APP), ("CLARITYLOOP__FORGE__INSTALL_LINK", FORGE_LINK)];
const FORGE_APP: &str = "ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000001";
const FORGE_LINK: &str = "https://developer.atlassian.com/console/install/8a7b6c5d?signature=1&product=bitbucket";

async fn document(test: &Test) -> Value {
    let page = test.get(&test.descriptor_url()).await;
    assert_eq!(page.status, 200, "{}", page.body);
    serde_json::from_str(&page.body).expect("JSON")
}

async fn bitbucket_takes_the_descriptor_of_an_install_code(test: &Test) {
    let page = test.get(&test.descriptor_url()).await;
    assert_eq!(page.header("content-type"), "application/json");
    let descriptor = Descriptor::parse(document(test).await).expect("Bitbucket takes it");
    assert_eq!((descriptor.key.as_str(), descriptor.base_url.as_str()), ("clarityloop-bitbucket", test.url.as_str()));
    assert_eq!(descriptor.scopes, ["account", "pullrequest", "webhook"]);
    assert_eq!(descriptor.document["contexts"], json!(["account"]));
    let lifecycle = json!({
        "installed": format!("/connect/{}/installed", test.made.install_code),
        "uninstalled": "/connect/uninstalled",
    });
    assert_eq!(descriptor.document["lifecycle"], lifecycle);
    for absent in ["forgeAppLink", "forgeAppId", "apiMigrations"] {
        assert_eq!(descriptor.document.get(absent), None, "{absent}");
    }
}

async fn the_descriptor_of_a_registered_app_installs_without_a_code(test: &Test) {
    let page = test.get(&format!("{}/atlassian-connect.json", test.url)).await;
    let descriptor = Descriptor::parse(serde_json::from_str(&page.body).expect("JSON")).expect("Bitbucket takes it");
    assert_eq!(descriptor.document["lifecycle"]["installed"], "/connect/installed");
    assert!(!page.body.contains(&test.made.install_code));
}

async fn a_descriptor_that_the_reader_has_is_not_sent_again(test: &Test) {
    let first = test.get(&test.descriptor_url()).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{tag}");
    let again = async |tag: &str| {
        let request = test.http.get(test.descriptor_url()).header("If-None-Match", tag);
        Page::read(request.send().await.expect("an answer")).await
    };
    let known = again(&format!("\"another\", W/{tag}")).await;
    assert_eq!((known.status, known.body.as_str(), known.header("etag")), (304, "", tag.as_str()));
    assert_eq!(again("\"another\"").await.status, 200);
    test.api_json(Method::PUT, "/quick-action", Some(json!({ "enabled": false }))).await;
    let changed = again(&tag).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), tag);
}

async fn an_unknown_install_code_has_no_descriptor(test: &Test) {
    for code in ["0123456789abcdef0123456789abcdef", "..", "%2e%2e", &test.made.install_code.to_uppercase(), "'--"] {
        let page = test.get(&format!("{}/connect/{code}/descriptor.json", test.url)).await;
        assert_eq!(page.status, 404, "{code}: {}", page.body);
        assert!(!page.body.contains("baseUrl"), "{code}");
    }
    let page = test.get(&format!("{}/connect/0123456789abcdef0123456789abcdef/descriptor.json", test.url)).await;
    assert_eq!(page.code(), "install_code_unknown");
}

/// Bitbucket reads the descriptor anew when an installation is updated, from where it was installed.
async fn a_replaced_code_still_describes_the_app_to_its_installations(test: &Test) {
    let (id, now) = (test.made.owner.workspace_id.clone(), test.server.app.now());
    let before = document(test).await;
    test.server.app.write(move |connection| install_codes::replace(connection, &id, &now)).await.expect("a new code");
    assert_eq!(document(test).await, before);
}

async fn without_quick_action_there_is_neither_panel_nor_entry(test: &Test) {
    test.api_json(Method::PUT, "/quick-action", Some(json!({ "enabled": false }))).await;
    let descriptor = Descriptor::parse(document(test).await).expect("Bitbucket takes it");
    let modules: Vec<&String> = descriptor.document["modules"].as_object().expect("modules").keys().collect();
    assert_eq!(modules, ["configurePage", "webhooks"]);
    assert_eq!(descriptor.scopes, ["account", "pullrequest", "webhook"]);
}

async fn the_forge_app_is_named_when_it_is_configured(test: &Test) {
    let descriptor = Descriptor::parse(document(test).await).expect("Bitbucket takes it");
    assert_eq!(descriptor.document["forgeAppLink"], FORGE_LINK);
    assert_eq!(descriptor.document["forgeAppId"], FORGE_APP);
}
