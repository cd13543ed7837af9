//! Bitbucket's own OpenAPI file, where it is at hand: which operation a call is, whether the call is as the operation has it, and
//! whether an answer has the shape that it gives. For tests of the sandbox and of whatever calls it.

mod request;
mod shape;

use crate::percent::percent_decode;
use serde_json::Value;
use std::sync::OnceLock;

pub use request::check_requests;

/// The file.
pub struct OpenApi {
    document: Value,
}

/// An operation of the file.
pub struct Operation<'a> {
    /// Its template below `/2.0`, for instance `/workspaces/{workspace}`.
    pub path: &'a str,
    /// What the file says of it.
    pub operation: &'a Value,
    /// The parameters that all operations of the path have.
    shared: &'a Value,
}

impl OpenApi {
    /// Reads the file beside the repository, or the one that `BITBUCKET_OPENAPI` names. Without one, says on standard error that the
    /// comparison is skipped.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "a test that compares nothing must say so")]
    pub fn load() -> Option<Self> {
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/reference/bitbucket-openapi-2026-10.json").to_owned();
        let path = std::env::var("BITBUCKET_OPENAPI").unwrap_or(beside);
        let text = std::fs::read_to_string(path);
        if text.is_err() {
            eprintln!("skipped: the OpenAPI file is not here; BITBUCKET_OPENAPI can name it");
        }
        Some(Self { document: serde_json::from_str(&text.ok()?).ok()? })
    }

    /// The same, read once for the whole process: it is large, and every test asks it.
    #[must_use]
    pub fn shared() -> Option<&'static Self> {
        static FILE: OnceLock<Option<OpenApi>> = OnceLock::new();
        FILE.get_or_init(Self::load).as_ref()
    }

    /// A file of a test's own.
    #[must_use]
    pub fn of(document: Value) -> Self {
        Self { document }
    }

    /// The operation that a call is, by its path as it came, with or without `/2.0`. Of several templates the one with fewer
    /// variables is meant.
    #[must_use]
    pub fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let path = path.strip_prefix("/2.0").unwrap_or(path);
        let paths = self.document["paths"].as_object()?;
        let fitting = paths
            .iter()
            .filter(|(template, operations)| fits(template, path) && operations.get(method.to_ascii_lowercase()).is_some());
        let (template, operations) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
        let operation = operations.get(method.to_ascii_lowercase())?;
        Some(Operation { path: template, operation, shared: &operations["parameters"] })
    }

    /// What of an answer does not have the shape that the file gives it for this call and status.
    #[must_use]
    pub fn check_answer(&self, method: &str, path: &str, status: u16, answer: &Value) -> Vec<String> {
        let Some(operation) = self.operation(method, path) else { return vec![format!("{method} {path} is no operation")] };
        if status >= 400 {
            return self.misfits("error", answer);
        }
        match self.schema_of_answer(&operation, status) {
            Some(schema) => shape::misfits(&self.document, schema, answer, path),
            None => Vec::new(),
        }
    }

    /// What of a value does not have the shape of a schema that the file names.
    #[must_use]
    pub fn misfits(&self, schema: &str, value: &Value) -> Vec<String> {
        match self.document["components"]["schemas"].get(schema) {
            Some(found) => shape::misfits(&self.document, found, value, schema),
            None => vec![format!("there is no schema {schema}")],
        }
    }

    fn schema_of_answer(&self, operation: &Operation<'_>, status: u16) -> Option<&Value> {
        let path = self.document["paths"].get(operation.path)?;
        let found = path.as_object()?.values().find(|known| std::ptr::eq(*known, operation.operation))?;
        found["responses"].get(status.to_string())?["content"].as_object()?.values().next()?.get("schema")
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        shape::resolved(&self.document, value)
    }
}

/// Whether a path is of this form. A variable is one segment that is not empty; the path of a file is all that is left.
fn fits(template: &str, path: &str) -> bool {
    let mut given = path.split('/');
    let mut wanted = template.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            // A slash at the end is how the services behind pipelines and deployments write their lists.
            (None, Some("")) => return given.next().is_none(),
            (Some("{path}"), Some(_)) => return true,
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            (Some(wanted), Some(given)) if wanted == percent_decode(given) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fit_their_templates() {
        for (template, path, is_fitting) in [
            ("/workspaces/{workspace}", "/workspaces/%7Ba%7D", true),
            ("/workspaces/{workspace}", "/workspaces/", false),
            ("/workspaces/{workspace}", "/workspaces/a/hooks", false),
            ("/r/{w}/pipelines", "/r/a/pipelines/", true),
            ("/r/{w}/pipelines", "/r/a/pipelines//", false),
            ("/r/{w}/src/{commit}/{path}", "/r/a/src/b/c/d.rs", true),
            ("/r/{w}/src/{commit}/{path}", "/r/a/src/b/", true),
            ("/r/{w}/refs/branches/{name}", "/r/a/refs/branches/b%2Fc", true),
            ("/r/{w}/refs/branches/{name}", "/r/a/refs/branches/b/c", false),
        ] {
            assert_eq!(fits(template, path), is_fitting, "{template} {path}");
        }
    }
}
