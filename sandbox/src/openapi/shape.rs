//! Whether a value has the shape of a schema.

use serde_json::Value;

/// What does not fit: required keys, types, enumerations and formats. `null` passes where a key is not required and further keys pass
/// everywhere, because real answers have both where the file does not say so.
pub(super) fn misfits(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    compare(document, schema, value, at, &mut found);
    found
}

/// What a reference leads to; anything else is itself.
pub(super) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null),
        None => value,
    }
}

fn compare(document: &Value, schema: &Value, value: &Value, at: &str, misfits: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    if schema["$ref"].is_string() {
        return compare(document, resolved(document, schema), value, at, misfits);
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
        // The file has one attribute of a file where real answers have a list of them.
        Some("string") => value.is_string() || at.ends_with("/attributes"),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    let is_listed = schema["enum"].as_array().is_none_or(|listed| listed.contains(value) || value.is_array());
    let is_formatted = match (schema["format"].as_str(), value.as_str()) {
        (Some("date-time"), Some(text)) => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        (Some("uri"), Some(text)) => text.starts_with("http://") || text.starts_with("https://"),
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

/// Every key that a schema gives an object.
pub(super) fn keys<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a str> {
    let schema = resolved(document, schema);
    let own = schema["properties"].as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    let inherited = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| keys(document, part));
    own.chain(inherited).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_comparison_finds_what_does_not_fit() {
        let document = json!({ "components": { "schemas": { "thing": {
            "type": "object", "required": ["id"],
            "properties": { "id": { "type": "integer" }, "state": { "type": "string", "enum": ["ON"] } },
        } } } });
        let reference = json!({ "$ref": "#/components/schemas/thing" });
        for (body, count) in [(r#"{"id": 1, "state": "ON"}"#, 0), (r#"{"state": "OFF"}"#, 2), (r#"{"id": "1"}"#, 1), ("[]", 2)] {
            let found = misfits(&document, &reference, &serde_json::from_str(body).unwrap(), "");
            assert_eq!(found.len(), count, "{found:?}");
        }
    }
}
