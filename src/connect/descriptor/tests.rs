use serde_json::json;

use super::*;

const INSTALLED_BY_CODE: Descriptor<'_> = Descriptor {
    app_key: "clarityloop",
    public_url: "https://clarityloop.example.com/",
    install_code: Some("K7Q2"),
    quick_action: true,
    forge_app_link: Some("https://developer.atlassian.com/console/install/1?signature=2&product=bitbucket"),
    forge_app_id: Some("ari:cloud:ecosystem::app/1"),
};

#[test]
fn the_descriptor_names_app_address_and_lifecycle() {
    let descriptor = INSTALLED_BY_CODE.render();
    assert_eq!(descriptor["key"], "clarityloop");
    assert_eq!(descriptor["baseUrl"], "https://clarityloop.example.com");
    assert_eq!(descriptor["authentication"], json!({ "type": "jwt" }));
    assert_eq!(descriptor["contexts"], json!(["account"]));
    assert_eq!(descriptor["lifecycle"], json!({ "installed": "/connect/K7Q2/installed", "uninstalled": "/connect/uninstalled" }));
    assert_eq!(descriptor["forgeAppId"], "ari:cloud:ecosystem::app/1");
    assert!(descriptor.get("apiMigrations").is_none(), "Bitbucket does not support it");
}

#[test]
fn a_registered_app_is_installed_without_a_code_and_leaves_out_what_is_not_configured() {
    let registered = Descriptor { install_code: None, forge_app_link: None, forge_app_id: None, ..INSTALLED_BY_CODE };
    let descriptor = registered.render();
    assert_eq!(descriptor["lifecycle"]["installed"], "/connect/installed");
    assert!(descriptor.get("forgeAppLink").is_none() && descriptor.get("forgeAppId").is_none());
}

#[test]
fn without_quick_action_only_the_panel_and_its_entry_go() {
    let on = INSTALLED_BY_CODE.render();
    let off = Descriptor { quick_action: false, ..INSTALLED_BY_CODE }.render();
    let modules =
        |descriptor: &Value| -> Vec<String> { descriptor["modules"].as_object().expect("modules").keys().cloned().collect() };
    assert_eq!(modules(&on), ["configurePage", "webItems", "webPanels", "webhooks"]);
    assert_eq!(modules(&off), ["configurePage", "webhooks"]);
    assert_eq!(on["scopes"], off["scopes"], "an update may not change the scopes");
}

#[test]
fn panel_and_entry_open_the_same_address_with_every_parameter_that_is_read() {
    let descriptor = INSTALLED_BY_CODE.render();
    let panel = &descriptor["modules"]["webPanels"][0];
    let item = &descriptor["modules"]["webItems"][0];
    assert_eq!(panel["url"], item["url"]);
    assert_eq!(panel["location"], "org.bitbucket.pullrequest.overview.informationPanel");
    assert_eq!(item["location"], "org.bitbucket.pullrequest.summary.actions");
    assert_eq!(item["name"]["value"], "Add to ClarityLoop");
    assert_eq!(item["target"]["type"], "dialog");

    let (path, query) = panel["url"].as_str().and_then(|url| url.split_once('?')).expect("a query");
    assert_eq!(path, "/connect/panel");
    let names: Vec<&str> = query.split('&').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
    assert_eq!(names, ["workspace", "repository", "repository_name", "pull_request", "account", "author", "title"]);
}

#[test]
fn module_keys_are_distinct_and_written_as_bitbucket_wants_them() {
    let descriptor = INSTALLED_BY_CODE.render();
    let modules = &descriptor["modules"];
    let mut keys: Vec<&str> = [&modules["webPanels"][0], &modules["webItems"][0], &modules["configurePage"]]
        .iter()
        .filter_map(|module| module["key"].as_str())
        .collect();
    assert!(keys.iter().all(|key| { key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') }));
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 3);
}

#[test]
fn no_placeholder_is_left_and_no_value_breaks_out_of_its_string() {
    let hostile = r#"","modules":{"x":"<app key>"}"#;
    let descriptor = Descriptor { app_key: hostile, ..INSTALLED_BY_CODE }.render();
    assert_eq!(descriptor["key"], hostile);
    assert!(!INSTALLED_BY_CODE.render().to_string().contains('<'));
}

#[test]
fn every_scope_says_what_it_is_for() {
    let scopes = scopes();
    assert_eq!(scopes.iter().map(|(scope, _)| scope.as_str()).collect::<Vec<_>>(), ["account", "pullrequest", "webhook"]);
    assert!(scopes.iter().all(|(_, why)| !why.is_empty()), "{scopes:?}");
}
