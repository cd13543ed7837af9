use serde_json::json;

use super::*;

const WORKSPACE: &str = "{acf54878-51be-473e-bf0b-0fbb12e011ad}";
const EXPECTED: Expected<'_> = Expected { app_key: "clarityloop", api_url: "https://api.bitbucket.org" };

/// As captured from Bitbucket, shortened.
fn body(event_type: &str) -> Value {
    let principal = json!({
        "username": "festivus-miracle", "display_name": "festivus miracle", "uuid": WORKSPACE, "type": "team",
        "links": { "self": { "href": "https://api.bitbucket.org/2.0/teams/%7Bacf5%7D" } }, "has_2fa_enabled": null,
    });
    json!({
        "productType": "bitbucket",
        "principal": principal,
        "eventType": event_type,
        "baseUrl": "https://bitbucket.org",
        "actor": {
            "type": "user", "uuid": "6ae3c307-ae59-4135-9c72-bdd06eb2010a", "account_id": "6059303e630024006fab8c2b",
        },
        "publicKey": "MIGfMA0GCSqGSIb3DQEBAQUAA4GN",
        "user": principal,
        "key": "clarityloop",
        "baseApiUrl": "https://api.bitbucket.org",
        "clientKey": "ari:cloud:bitbucket::app/{acf54878-51be-473e-bf0b-0fbb12e011ad}/clarityloop",
        "sharedSecret": "a secret",
        "addedLater": [1, 2, 3],
    })
}

fn installed(body: &Value) -> Result<Installed, PayloadRefusal> {
    Installed::parse(body.to_string().as_bytes(), &EXPECTED)
}

fn installed_with(pointer: &str, value: Value) -> Result<Installed, PayloadRefusal> {
    let mut body = body("installed");
    *body.pointer_mut(pointer).expect("a field") = value;
    installed(&body)
}

fn without(mut body: Value, object: &str, name: &str) -> Value {
    body.pointer_mut(object).and_then(Value::as_object_mut).expect("an object").remove(name);
    body
}

#[test]
fn an_installation_is_read() {
    let installed = installed(&body("installed")).expect("a good body");
    assert_eq!(installed.client_key, "ari:cloud:bitbucket::app/{acf54878-51be-473e-bf0b-0fbb12e011ad}/clarityloop");
    assert_eq!(installed.workspace.braced().to_string(), WORKSPACE);
    assert_eq!(installed.workspace_name.as_deref(), Some("festivus miracle"));
    assert_eq!(installed.shared_secret.as_ref().map(Secret::expose), Some("a secret"));
    assert_eq!(installed.actor_account_id.as_deref(), Some("6059303e630024006fab8c2b"));
    assert!(!format!("{installed:?}").contains("a secret"));
}

#[test]
fn what_bitbucket_may_leave_out_may_be_missing() {
    let bare =
        without(without(without(without(body("installed"), "", "actor"), "", "sharedSecret"), "", "publicKey"), "", "user");
    let personal = without(without(bare, "/principal", "username"), "/principal", "display_name");
    let installed = installed(&personal).expect("a personal workspace");
    assert!(installed.shared_secret.is_none() && installed.workspace_name.is_none() && installed.actor_account_id.is_none());

    assert!(installed_with("/sharedSecret", Value::Null).is_ok_and(|installed| installed.shared_secret.is_none()));
    assert!(installed_with("/actor", json!("odd")).is_ok());
    assert!(installed_with("/principal/display_name", json!(7)).is_ok());
}

#[test]
fn an_uninstall_is_read() {
    let body = without(without(body("uninstalled"), "", "actor"), "", "sharedSecret");
    let uninstalled = Uninstalled::parse(body.to_string().as_bytes(), &EXPECTED).expect("a good body");
    assert_eq!(uninstalled.workspace.braced().to_string(), WORKSPACE);
}

#[test]
fn one_event_is_not_taken_for_the_other() {
    assert_eq!(installed(&body("uninstalled")).err(), Some(PayloadRefusal::EventTypeMismatch));
    let uninstalled = Uninstalled::parse(body("installed").to_string().as_bytes(), &EXPECTED);
    assert_eq!(uninstalled.err(), Some(PayloadRefusal::EventTypeMismatch));
}

#[test]
fn what_decides_whose_installation_it_is_must_be_there_and_agree() {
    use PayloadRefusal as P;
    for (pointer, value, refusal) in [
        ("/productType", json!("jira"), P::ProductTypeUnknown),
        ("/key", json!("another-app"), P::AppKeyMismatch),
        ("/baseApiUrl", json!("https://api.bitbucket.org.example.com"), P::ApiUrlMismatch),
        ("/baseApiUrl", json!("http://api.bitbucket.org"), P::ApiUrlMismatch),
        ("/baseApiUrl", json!("https://api.bitbucket.org/?"), P::ApiUrlMismatch),
        ("/principal/uuid", json!("../hook_events?ignored="), P::WorkspaceUuidMalformed),
        ("/principal/uuid", json!(["{acf54878-51be-473e-bf0b-0fbb12e011ad}"]), P::WorkspaceUuidMalformed),
        ("/principal/uuid", json!("{00000000-0000-0000-0000-000000000001}"), P::ClientKeyWorkspaceMismatch),
        ("/clientKey", json!(""), P::ClientKeyMalformed),
        ("/clientKey", json!("connection: 1"), P::ClientKeyMalformed),
        ("/clientKey", json!("connection:é"), P::ClientKeyMalformed),
        ("/clientKey", json!("c".repeat(256)), P::ClientKeyMalformed),
        ("/clientKey", json!("ari:cloud:jira::app/x/y"), P::ClientKeyMalformed),
        ("/clientKey", json!("ari:cloud:bitbucket::app/lumenpay/clarityloop"), P::ClientKeyMalformed),
        ("/clientKey", json!("ari:cloud:bitbucket::app/{acf54878-51be-473e-bf0b-0fbb12e011ad}/another-app"), P::AppKeyMismatch),
        ("/sharedSecret", json!(""), P::SharedSecretMalformed),
        ("/sharedSecret", json!("s".repeat(513)), P::SharedSecretMalformed),
        ("/sharedSecret", json!(7), P::SharedSecretMalformed),
    ] {
        assert_eq!(installed_with(pointer, value.clone()).err(), Some(refusal), "{pointer} {value}");
    }
    for (name, refusal) in [
        ("productType", P::ProductTypeUnknown),
        ("eventType", P::EventTypeMismatch),
        ("key", P::AppKeyMismatch),
        ("baseApiUrl", P::ApiUrlMismatch),
        ("principal", P::WorkspaceUuidMalformed),
        ("clientKey", P::ClientKeyMalformed),
    ] {
        assert_eq!(installed(&without(body("installed"), "", name)).err(), Some(refusal), "{name}");
    }
}

#[test]
fn both_kinds_of_client_key_and_a_slash_after_the_address_are_taken() {
    for client_key in ["connection:479", &"c".repeat(255)] {
        assert!(installed_with("/clientKey", json!(client_key)).is_ok(), "{client_key}");
    }
    assert!(installed_with("/baseApiUrl", json!("https://api.bitbucket.org/")).is_ok());
    assert!(installed_with("/principal/uuid", json!("acf54878-51be-473e-bf0b-0fbb12e011ad")).is_ok());
    assert!(installed_with("/sharedSecret", json!("ß".repeat(512))).is_ok());
}

#[test]
fn what_is_not_a_json_object_is_malformed() {
    for body in ["", "null", "[]", "{", "{}x", "\"installed\""] {
        assert_eq!(Installed::parse(body.as_bytes(), &EXPECTED).err(), Some(PayloadRefusal::BodyMalformed), "{body}");
    }
    assert_eq!(Installed::parse(b"{\"key\":\"\xff\"}", &EXPECTED).err(), Some(PayloadRefusal::BodyMalformed));
}

#[test]
fn markup_and_control_characters_in_a_name_stay_plain_text_on_one_line() {
    let installed = installed_with("/principal/display_name", json!("<b>\r\nLumen\u{0}Pay")).expect("a good body");
    assert_eq!(installed.workspace_name.as_deref(), Some("<b>  Lumen Pay"));
}
