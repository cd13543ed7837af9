//! The API's answers against Bitbucket's own OpenAPI file, where that is at hand.

use crate::{
    app::{get, installed},
    oauth,
};
use serde_json::Value;

#[tokio::test]
async fn answers_have_the_shape_that_the_openapi_file_gives_them() {
    let Some(document) = openapi() else { return };
    let (sandbox, _app, installation) = installed().await;
    let secret = sandbox.secret_of(&installation.client_key).unwrap();
    let repository = "/2.0/repositories/lumenpay/checkout";
    for (path, schema) in [
        ("/2.0/workspaces/lumenpay".to_owned(), "workspace"),
        ("/2.0/workspaces/lumenpay/members?pagelen=2&page=2".to_owned(), "paginated_workspace_memberships"),
        ("/2.0/workspaces/lumenpay/hooks".to_owned(), "paginated_webhook_subscriptions"),
        (repository.to_owned(), "repository"),
        (format!("{repository}/pullrequests/412"), "pullrequest"),
        (format!("{repository}/pullrequests/398"), "pullrequest"),
        (format!("{repository}/pullrequests?state=MERGED&state=OPEN&pagelen=2&page=2"), "paginated_pullrequests"),
        (format!("{repository}/pullrequests/1"), "error"),
    ] {
        let (_, body) = get(&sandbox, &installation.client_key, &secret, &path).await;
        let mut misfits = Vec::new();
        let schema = &document["components"]["schemas"][schema];
        assert!(schema.is_object() && body.is_object(), "{path}");
        compare(&document, schema, &body, &path, &mut misfits);
        assert!(misfits.is_empty(), "{misfits:#?}");
    }
}

#[tokio::test]
async fn a_persons_answers_have_that_shape_too() {
    let Some(document) = openapi() else { return };
    let (sandbox, token) = oauth::signed_in().await;
    for (path, token, schema) in [
        ("/2.0/user", token.as_str(), "account"),
        ("/2.0/user", token.as_str(), "user"),
        ("/2.0/user", "another", "error"),
        ("/2.0/user/emails", "another", "error"),
    ] {
        let (_, body) = oauth::ask(&sandbox, path, token).await;
        let mut misfits = Vec::new();
        compare(&document, &document["components"]["schemas"][schema], &body, path, &mut misfits);
        assert!(misfits.is_empty() && body.is_object(), "{misfits:#?}");
    }
}

#[test]
fn the_comparison_finds_what_does_not_fit() {
    let document = serde_json::json!({ "components": { "schemas": { "thing": {
        "type": "object", "required": ["id"], "properties": { "id": { "type": "integer" }, "state": { "type": "string", "enum": ["ON"] } },
    } } } });
    for (body, count) in [(r#"{"id": 1, "state": "ON"}"#, 0), (r#"{"state": "OFF"}"#, 2), (r#"{"id": "1"}"#, 1), ("[]", 2)] {
        let mut misfits = Vec::new();
        let reference = serde_json::json!({ "$ref": "#/components/schemas/thing" });
        compare(&document, &reference, &serde_json::from_str(body).unwrap(), "", &mut misfits);
        assert_eq!(misfits.len(), count, "{misfits:?}");
    }
}

/// Required keys, types, enumerations and formats. `null` passes where a key is not required and further keys pass everywhere,
/// because real answers have both where the file does not say so.
fn compare(document: &Value, schema: &Value, value: &Value, at: &str, misfits: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return compare(document, document.pointer(&reference[1..]).unwrap(), value, at, misfits);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        compare(document, part, value, at, misfits);
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(key).is_none_or(Value::is_null) {
            misfits.push(format!("{at}/{key} is required"));
        }
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    let is_listed = schema["enum"].as_array().is_none_or(|listed| listed.contains(value));
    let is_formatted = match (schema["format"].as_str(), value.as_str()) {
        (Some("date-time"), Some(text)) => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        (Some("uri"), Some(text)) => text.starts_with("http://"),
        _ => true,
    };
    if !(fits && is_listed && is_formatted) {
        misfits.push(format!("{at} is {value}"));
    }
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(key) {
            compare(document, schema, value, &format!("{at}/{key}"), misfits);
        }
    }
    for item in value.as_array().into_iter().flatten() {
        compare(document, &schema["items"], item, &format!("{at}/item"), misfits);
    }
}

fn openapi() -> Option<Value> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/reference/bitbucket-openapi-2026-10.json").to_owned();
    let path = std::env::var("BITBUCKET_OPENAPI").unwrap_or(beside);
    let text = std::fs::read_to_string(path);
    if text.is_err() {
        eprintln!("skipped: the OpenAPI file is not here; BITBUCKET_OPENAPI can name it");
    }
    serde_json::from_str(&text.ok()?).ok()
}
