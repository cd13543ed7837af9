//! Partial answers: what `fields` adds, takes away or asks for alone.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#partial-response>.

use serde_json::{Map, Value};

/// An answer as `fields` asks for it. What `hidden` names stands in it only if it is asked for.
pub(super) fn chosen(full: &Value, hidden: &[&str], fields: &str) -> Value {
    let mut answer = full.clone();
    hidden.iter().for_each(|path| remove(&mut answer, path));
    let asked: Vec<&str> = fields.split(',').map(str::trim).filter(|field| !field.is_empty()).collect();
    let only: Vec<&str> = asked.iter().copied().filter(|field| !field.starts_with(['+', '-'])).collect();
    if !only.is_empty() {
        answer = Value::Object(Map::new());
        only.iter().for_each(|path| copy(full, &mut answer, path));
    }
    for field in asked {
        match (field.strip_prefix('+'), field.strip_prefix('-')) {
            (Some(path), _) => copy(full, &mut answer, path),
            (None, Some(path)) => remove(&mut answer, path),
            (None, None) => {}
        }
    }
    answer
}

fn remove(value: &mut Value, path: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, path)),
        Value::Object(object) => match path.split_once('.') {
            Some((key, rest)) => {
                if let Some(inner) = object.get_mut(key) {
                    remove(inner, rest);
                }
            }
            None => {
                object.remove(path);
            }
        },
        _ => {}
    }
}

fn copy(full: &Value, into: &mut Value, path: &str) {
    let (key, rest) = path.split_once('.').unwrap_or((path, ""));
    match full {
        Value::Array(items) => {
            if !into.is_array() {
                *into = Value::Array(vec![Value::Object(Map::new()); items.len()]);
            }
            let inside = into.as_array_mut().into_iter().flatten();
            items.iter().zip(inside).for_each(|(item, into)| copy(item, into, path));
        }
        Value::Object(_) if key == "*" || key.is_empty() => *into = full.clone(),
        Value::Object(object) => {
            let Some(found) = object.get(key) else { return };
            if !into.is_object() {
                *into = Value::Object(Map::new());
            }
            if let Some(into) = into.as_object_mut() {
                let is_whole = rest.is_empty() || found.is_null();
                if is_whole {
                    into.insert(key.to_owned(), found.clone());
                } else {
                    copy(found, into.entry(key).or_insert(Value::Null), rest);
                }
            }
        }
        _ => *into = full.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_add_take_away_and_replace() {
        let full = json!({ "next": "n", "values": [{ "id": 1, "reviewers": [{ "uuid": "{a}", "name": "A" }], "links": { "self": 1, "html": 2 } }] });
        let hidden = ["values.reviewers"];
        let seen = |fields: &str| chosen(&full, &hidden, fields);
        assert_eq!(seen("")["values"][0], json!({ "id": 1, "links": { "self": 1, "html": 2 } }));
        assert_eq!(seen("+values.reviewers.uuid")["values"][0]["reviewers"], json!([{ "uuid": "{a}" }]));
        assert_eq!(seen("-values.links.self,-next"), json!({ "values": [{ "id": 1, "links": { "html": 2 } }] }));
        assert_eq!(seen("values.id,next"), json!({ "next": "n", "values": [{ "id": 1 }] }));
        assert_eq!(seen("values.links.*")["values"][0], json!({ "links": { "self": 1, "html": 2 } }));
    }
}
