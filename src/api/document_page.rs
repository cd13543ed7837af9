//! The OpenAPI document as a page for people.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use askama::Template as _;
use serde_json::Value;
use utoipa::OpenApi as _;

use super::operations::Document;
use crate::error::{Error, Result};
use crate::web::page::{ApiPage, Field, FieldTable, Operation, Path};

/// How many objects within objects are spelled out.
const DEPTH_AT_MOST: usize = 4;

static PAGE: LazyLock<Result<String, String>> = LazyLock::new(|| {
    let document = serde_json::to_value(Document::openapi()).map_err(|error| error.to_string())?;
    page(&document).render().map_err(|error| error.to_string())
});

/// This API as a page for people.
#[utoipa::path(
    get,
    path = "/api",
    operation_id = "show_page",
    tag = "About",
    responses((status = 200, description = "A page.", content_type = "text/html"))
)]
pub(super) async fn show() -> Result<HttpResponse> {
    let page = PAGE.as_ref().map_err(|error| Error::internal(error.as_str()))?;
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page.as_str()))
}

fn page(document: &Value) -> ApiPage {
    let paths = members(&document["paths"]).map(|(path, item)| Path {
        path: path.clone(),
        operations: members(item).map(|(method, description)| operation(document, method, description)).collect(),
    });
    ApiPage { document_href: "/api/openapi.json".to_owned(), paths: paths.collect() }
}

fn operation(document: &Value, method: &str, operation: &Value) -> Operation {
    let scopes = items(&operation["security"]).flat_map(|scheme| items(&scheme["api_token"])).map(text);
    Operation {
        method: method.to_uppercase(),
        summary: text(&operation["summary"]),
        scope: scopes.collect::<Vec<_>>().join(", "),
        tables: tables(document, operation),
    }
}

fn tables(document: &Value, operation: &Value) -> Vec<FieldTable> {
    let parameters = items(&operation["parameters"]).map(|parameter| Field {
        name: text(&parameter["name"]),
        kind: kind(document, &parameter["schema"]),
        is_required: parameter["required"] == Value::Bool(true),
        meaning: text(&parameter["description"]),
    });
    let parameters = FieldTable { heading: "Parameters".to_owned(), fields: parameters.collect() };
    let request = table(document, "Request".to_owned(), &operation["requestBody"]);
    let succeeding = members(&operation["responses"]).filter(|(status, _)| status.starts_with('2'));
    let answers = succeeding.map(|(status, response)| {
        let mut answer = table(document, format!("Answer {status}"), response);
        // Nobody must send an answer, so none of its fields is marked.
        answer.fields.iter_mut().for_each(|field| field.is_required = false);
        answer
    });
    let all = [parameters, request].into_iter().chain(answers);
    all.filter(|table| !table.fields.is_empty()).collect()
}

fn table(document: &Value, heading: String, message: &Value) -> FieldTable {
    let mut fields = Vec::new();
    collect_fields(document, "", &message["content"]["application/json"]["schema"], DEPTH_AT_MOST, &mut fields);
    FieldTable { heading, fields }
}

/// The fields of an object, those of objects within it under dotted names.
fn collect_fields(document: &Value, prefix: &str, schema: &Value, depth: usize, fields: &mut Vec<Field>) {
    let schema = resolve(document, schema);
    items(&schema["allOf"]).for_each(|part| collect_fields(document, prefix, part, depth, fields));
    for (name, property) in members(&schema["properties"]) {
        let is_required = items(&schema["required"]).any(|required| required.as_str() == Some(name));
        let name = format!("{prefix}{name}");
        let (kind, meaning) = (kind(document, property), meaning(document, property));
        fields.push(Field { name: name.clone(), kind, is_required, meaning });
        if depth > 0 {
            let (inner, separator) = innermost(document, property);
            collect_fields(document, &format!("{name}{separator}"), inner, depth - 1, fields);
        }
    }
}

/// What a property means: in its own words, else in those of its choices or of its type.
fn meaning(document: &Value, property: &Value) -> String {
    let choices = items(&property["oneOf"]).map(|choice| &choice["description"]);
    let candidates = [&property["description"]].into_iter().chain(choices).chain([&resolve(document, property)["description"]]);
    candidates.map(text).find(|words| !words.is_empty()).unwrap_or_default()
}

/// The schema whose fields a property's dotted names go on with.
fn innermost<'a>(document: &'a Value, property: &'a Value) -> (&'a Value, &'static str) {
    let schema = resolve(document, property);
    if schema["items"].is_object() { (&schema["items"], "[].") } else { (schema, ".") }
}

/// The type of a value in words.
fn kind(document: &Value, schema: &Value) -> String {
    let resolved = resolve(document, schema);
    let words: Vec<String> = items(&resolved["enum"]).filter(|word| word.is_string()).map(text).collect();
    let plain = match (type_of(resolved), resolved["format"].as_str()) {
        _ if !words.is_empty() => words.join(", "),
        ("array", _) => format!("list of {}", kind(document, &resolved["items"])),
        ("string", Some("date-time")) => "time, RFC 3339 in UTC".to_owned(),
        ("string", Some("date")) => "date, year-month-day".to_owned(),
        ("string", _) => "text".to_owned(),
        ("integer", _) => "number".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        _ => "object".to_owned(),
    };
    if is_nullable(document, schema) { format!("{plain}, or null") } else { plain }
}

/// The first type that is not null.
fn type_of(schema: &Value) -> &str {
    let one = schema["type"].as_str();
    one.or_else(|| items(&schema["type"]).filter_map(Value::as_str).find(|name| *name != "null")).unwrap_or_default()
}

fn is_nullable(document: &Value, schema: &Value) -> bool {
    let null = Value::from("null");
    let of_types = |schema: &Value| schema["type"] == null || items(&schema["type"]).any(|name| *name == null);
    of_types(schema) || items(&schema["oneOf"]).any(|choice| of_types(resolve(document, choice)))
}

/// The schema behind references and behind the choice between something and null.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let null = Value::from("null");
    if let Some(pointer) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        return document.pointer(pointer).map_or(schema, |found| resolve(document, found));
    }
    let chosen = items(&schema["oneOf"]).find(|choice| choice["type"] != null);
    chosen.map_or(schema, |chosen| resolve(document, chosen))
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text without the marks that only Markdown gives a meaning to.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('`', "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_within_objects_and_lists_have_dotted_names_and_types_in_words() {
        let document = json!({"components": {"schemas": {
            "Person": {"type": "object", "description": "Somebody.", "properties": {"name": {"type": "string"}}},
            "Role": {"type": "string", "enum": ["owner", "member"]},
        }}});
        let person = json!({"$ref": "#/components/schemas/Person"});
        let schema = json!({"type": "object", "required": ["role"], "properties": {
            "at": {"type": ["string", "null"], "format": "date-time", "description": "When `it` was."},
            "manager": {"oneOf": [person, {"type": "null"}]},
            "people": {"type": "array", "items": person},
            "role": {"$ref": "#/components/schemas/Role"},
        }});
        let mut fields = Vec::new();
        collect_fields(&document, "", &schema, DEPTH_AT_MOST, &mut fields);
        let found: Vec<_> =
            fields.iter().map(|field| (field.name.as_str(), field.kind.as_str(), field.meaning.as_str())).collect();
        let expected = [
            ("at", "time, RFC 3339 in UTC, or null", "When it was."),
            ("manager", "object, or null", "Somebody."),
            ("manager.name", "text", ""),
            ("people", "list of object", ""),
            ("people[].name", "text", ""),
            ("role", "owner, member", ""),
        ];
        assert_eq!(found, expected);
        let required: Vec<_> = fields.iter().filter(|field| field.is_required).map(|field| field.name.as_str()).collect();
        assert_eq!(required, ["role"]);
    }
}
