//! Whether a call is as the file has it: path, method, parameters, body.

use super::{OpenApi, Operation, shape};
use crate::{
    calls::Call,
    multipart::{is_multipart, parts},
    percent::query_pairs,
};
use serde_json::Value;

/// What every list takes, though no operation says so.
const OF_LISTS: [&str; 5] = ["page", "pagelen", "fields", "q", "sort"];
/// What only the description of an operation mentions.
const DESCRIBED: [(&str, &[&str]); 3] = [
    ("/commits", &["include", "exclude", "path", "ctx"]),
    ("/diffstat/", &["ignore_whitespace", "merge", "topic", "path", "renames", "from_pullrequest_id"]),
    ("/repositories/{workspace}", &["after", "role"]),
];
/// Of a body: what real Bitbucket takes beyond the file's schema.
const TAKEN: [&str; 3] = ["type", "description", "target"];

impl OpenApi {
    /// What of a recorded call is not as the file has it; nothing when all is well. Calls outside `/2.0` are not looked at.
    #[must_use]
    pub fn check_request(&self, call: &Call) -> Vec<String> {
        let Some(path) = call.path.strip_prefix("/2.0") else { return Vec::new() };
        let name = format!("{} {}", call.method, call.path);
        let mut misfits = Vec::new();
        if path.contains(['{', '}', '|', '\\', '^', '"', '<', '>', ' ']) || path.contains("/../") || path.contains("/./") {
            misfits.push(format!("{name} holds characters that must be encoded"));
        }
        let Some(operation) = self.operation(&call.method, path) else {
            misfits.push(format!("{name} is no operation"));
            return misfits;
        };
        for (parameter, value) in query_pairs(&call.query) {
            misfits.extend(self.parameter(&operation, &call.method, &parameter, &value).map(|wrong| format!("{name}: {wrong}")));
        }
        misfits.extend(self.body(&operation, call).into_iter().map(|wrong| format!("{name}: {wrong}")));
        misfits
    }

    fn parameter(&self, operation: &Operation<'_>, method: &str, name: &str, value: &str) -> Option<String> {
        let own = operation.operation["parameters"].as_array().into_iter().flatten();
        let shared = operation.shared.as_array().into_iter().flatten();
        let mut all = own.chain(shared).map(|parameter| self.resolved(parameter));
        if let Some(known) = all.find(|parameter| parameter["in"] == "query" && parameter["name"] == name) {
            let listed = known["schema"]["enum"].as_array();
            // A minus sign turns an order round.
            let value = if name == "sort" { value.trim_start_matches('-') } else { value };
            let is_listed = listed.is_none_or(|listed| listed.iter().any(|one| one == value));
            return (!is_listed).then(|| format!("{name}={value} is not among the values of {name}"));
        }
        let is_of_list = method == "GET" && OF_LISTS.contains(&name);
        let is_described = DESCRIBED.iter().any(|(path, names)| operation.path.contains(path) && names.contains(&name));
        (!is_of_list && !is_described).then(|| format!("{name} is no parameter"))
    }

    /// The body against the schema of the body, or where the file has none, against that of the answer. What is sent as a form is said in
    /// the descriptions only.
    fn body(&self, operation: &Operation<'_>, call: &Call) -> Vec<String> {
        let (method, body) = (call.method.as_str(), call.body.as_str());
        if body.is_empty() || operation.path == "/addon" {
            return Vec::new();
        }
        if method == "GET" || method == "DELETE" {
            return vec!["has a body".to_owned()];
        }
        if is_multipart(&call.content_type) {
            return with_files(operation.path, &call.content_type, body);
        }
        if call.content_type.starts_with("application/x-www-form-urlencoded") {
            return as_form(operation.path, body);
        }
        let wanted = self.resolved(&operation.operation["requestBody"]);
        let wanted = wanted.pointer("/content/application~1json/schema").cloned();
        let answered = [200, 201].into_iter().find_map(|status| self.schema_of_answer(operation, status)).cloned();
        let Some(schema) = wanted.or(answered) else { return vec!["has a body".to_owned()] };
        let Ok(body) = serde_json::from_str::<Value>(body) else { return vec!["the body is not JSON".to_owned()] };
        // The file asks for a `type` that names the kind of thing; the real API does not.
        let mut misfits = shape::misfits(&self.document, &schema, &body, "body");
        misfits.retain(|misfit| !misfit.ends_with("/type is required"));
        let keys = shape::keys(&self.document, &schema);
        let unknown = body.as_object().into_iter().flatten().map(|(key, _)| key);
        let unknown = unknown.filter(|key| !keys.contains(&key.as_str()) && !TAKEN.contains(&key.as_str()));
        misfits.extend(unknown.map(|key| format!("body/{key} is no field")));
        misfits
    }
}

/// A form without files: revisions, so that the address does not grow too long, or texts to commit.
fn as_form(path: &str, body: &str) -> Vec<String> {
    if path.ends_with("/src") || path.starts_with("/snippets") {
        return Vec::new();
    }
    if !path.contains("/commits") {
        return vec!["takes no form".to_owned()];
    }
    let unknown = query_pairs(body).into_iter().filter(|(name, _)| !["include", "exclude", "path"].contains(&name.as_str()));
    unknown.map(|(name, _)| format!("{name} is no field of the form")).collect()
}

/// A form with files: to commit, to upload, or of a snippet.
fn with_files(path: &str, content_type: &str, body: &str) -> Vec<String> {
    let Some(parts) = parts(content_type, body.as_bytes()) else { return vec!["the form cannot be read".to_owned()] };
    if path.ends_with("/src") || path.starts_with("/snippets") {
        return Vec::new();
    }
    if !path.ends_with("/downloads") {
        return vec!["takes no files".to_owned()];
    }
    let wrong = parts.into_iter().filter(|part| part.name != "files" || part.filename.is_none());
    wrong.map(|part| format!("{} is no file to upload", part.name)).collect()
}

/// What of these calls is not as the OpenAPI file has them; `None`, and a line on standard error, when the file is not at hand. For
/// the end of a test: `assert_eq!(check_requests(&sandbox.calls()).unwrap_or_default(), Vec::<String>::new())`.
#[must_use]
pub fn check_requests(calls: &[Call]) -> Option<Vec<String>> {
    let file = OpenApi::shared()?;
    Some(calls.iter().flat_map(|call| file.check_request(call)).collect())
}
