//! A call as it was asked for: read, bounded, and found to be an operation of the API, before anybody asks who may. Doors make it.

use crate::bitbucket::operations::{Group, Operation, PathRefusal, RelativePath, Removed, Target, Unknown};
use crate::bitbucket::{Body, Call, Part};
use crate::error::{Error, Kind, Result};

/// The most pairs of a query.
pub const MOST_PAIRS: usize = 50;
/// The longest query, names and values together, in bytes.
pub const LONGEST_QUERY_BYTES: usize = 8 * 1024;
/// The largest body that is passed on, in bytes.
pub const LARGEST_BODY_BYTES: usize = 128 * 1024;

/// The longest name of a field or a file in a form, in bytes: a path in a repository may be long.
const LONGEST_NAME_BYTES: usize = 1024;

/// Names that Bitbucket reads credentials from, or did: ours go into the header, and nobody else's go anywhere.
const CREDENTIALS: [&str; 3] = ["access_token", "jwt", "oauth_token"];

/// A call that could be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The operation and what its path names.
    pub target: Target,
    /// What goes to Bitbucket.
    pub call: Call,
}

impl Asked {
    /// Reads what somebody asks for.
    ///
    /// # Errors
    /// `method_unknown`, a code of [`PathRefusal`], `operation_unknown`, `operation_not_offered`, `query_invalid` (400);
    /// `files_not_taken` or `file_invalid` (400) for a form with files; `operation_removed` (410); `body_too_large` (413).
    pub fn read(method: &str, path: &str, query: Vec<(String, String)>, body: Option<Body>) -> Result<Self> {
        let method = known(method)?;
        let path = RelativePath::parse(path).map_err(refused)?;
        let target = Target::find(method.as_str(), &path).map_err(|unknown| no_operation(&method, &unknown))?;
        if target.operation.group == Group::App {
            let detail = "This operation is about an app's own installation and is not for calls. Use the settings page instead.";
            return Err(Error::invalid("operation_not_offered", "path", detail));
        }
        check_query(&query)?;
        check_body(target.operation, body.as_ref())?;
        // What was read once more than it was written is refused above, so this is the path that was meant.
        let path = target.path().map_err(|refusal| Error::invalid(refusal.code(), "path", refusal.to_string()))?;
        let call = Call { query, body, ..Call::new(method, path) };
        Ok(Self { target, call })
    }
}

fn known(method: &str) -> Result<reqwest::Method> {
    let method = method.to_ascii_uppercase();
    let known = ["GET", "POST", "PUT", "DELETE"].contains(&method.as_str());
    known.then(|| reqwest::Method::from_bytes(method.as_bytes()).ok()).flatten().ok_or_else(|| {
        Error::invalid("method_unknown", "method", "The API of Bitbucket takes GET, POST, PUT and DELETE. Choose one of them.")
    })
}

fn refused(refusal: PathRefusal) -> Error {
    Error::invalid(refusal.code(), "path", refusal.to_string())
}

fn no_operation(method: &reqwest::Method, unknown: &Unknown) -> Error {
    match unknown {
        Unknown::Removed(removed) => gone(removed),
        Unknown::OtherMethods(methods) => {
            let detail = format!("This path does not take {method}. It takes {}.", methods.join(", "));
            Error::invalid("operation_unknown", "method", detail)
        }
        Unknown::Path => {
            let detail =
                "The API of Bitbucket has no such path. Take one from the table of operations, and fill in what is in braces.";
            Error::invalid("operation_unknown", "path", detail)
        }
    }
}

fn gone(removed: &Removed) -> Error {
    let announced = removed.announcement.map(|address| format!(" Announced at {address}.")).unwrap_or_default();
    let detail = format!("Atlassian removed this from the API {}. {}{announced}", removed.since, removed.instead);
    Error::new(Kind::Gone, "operation_removed", detail).at("path")
}

fn check_query(query: &[(String, String)]) -> Result<()> {
    let invalid = |detail: &'static str| Err(Error::invalid("query_invalid", "query", detail));
    if query.len() > MOST_PAIRS || query.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > LONGEST_QUERY_BYTES
    {
        return invalid("A query has at most 50 parameters and 8 KiB. Ask for less at once.");
    }
    if query.iter().any(|(name, value)| name.is_empty() || name.chars().chain(value.chars()).any(char::is_control)) {
        return invalid("A parameter of the query has a name, and no control characters. Take them out.");
    }
    if query.iter().any(|(name, _)| CREDENTIALS.contains(&name.to_ascii_lowercase().as_str())) {
        return invalid("A query carries no credential: the call is made with one that is connected here. Take it out.");
    }
    Ok(())
}

fn check_body(operation: &Operation, body: Option<&Body>) -> Result<()> {
    let bytes = match body {
        None => return Ok(()),
        Some(_) if operation.method == "GET" || operation.method == "DELETE" => {
            let detail = format!("{} sends no body. Leave it out.", operation.method);
            return Err(Error::invalid("body_not_taken", "body", detail));
        }
        Some(Body::Json(value)) => value.to_string().len(),
        Some(Body::Form(pairs)) => pairs.iter().map(|(name, value)| name.len() + value.len() + 2).sum(),
        Some(Body::Multipart(parts)) => {
            check_files(operation, parts)?;
            parts.iter().map(Part::size).sum()
        }
    };
    if bytes > LARGEST_BODY_BYTES {
        let detail = "A body of a call has at most 128 KiB. Send less at once.";
        return Err(Error::new(Kind::TooLarge, "body_too_large", detail).at("body"));
    }
    Ok(())
}

/// Files go only where Bitbucket takes them, under names that are names.
fn check_files(operation: &Operation, parts: &[Part]) -> Result<()> {
    if !operation.takes_files() {
        let detail = "Bitbucket takes no files here: only to commit (POST …/src), as downloads (POST …/downloads) and in snippets. Send JSON as \
                      body, or fields as form.";
        return Err(Error::invalid("files_not_taken", "files", detail));
    }
    let is_name = |name: &str| (1..=LONGEST_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    if parts.iter().any(|part| !is_name(&part.name) || part.filename.as_deref().is_some_and(|name| !is_name(name))) {
        let detail = "A field and a file have names of 1 to 1,024 bytes without control characters.";
        return Err(Error::invalid("file_invalid", "files", detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(method: &str, path: &str, query: &[(&str, &str)], body: Option<Body>) -> &'static str {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Asked::read(method, path, query, body).map_or_else(|error| error.code, |_| "read")
    }

    #[test]
    fn a_call_is_read_into_an_operation_and_what_is_sent() {
        let body = Some(Body::Json(json!({"title": "Fees"})));
        let asked = Asked::read("post", "/2.0/repositories/lumenpay/ledger/pullrequests", Vec::new(), body.clone()).unwrap();
        assert_eq!(asked.target.operation.key(), "POST /repositories/{workspace}/{repo_slug}/pullrequests");
        assert_eq!(asked.call.path.as_str(), "/2.0/repositories/lumenpay/ledger/pullrequests");
        assert_eq!(asked.call.body, body);
    }

    #[test]
    fn what_cannot_be_called_is_refused_with_its_code() {
        let ledger = "repositories/lumenpay/ledger";
        let src = format!("{ledger}/src");
        let files = |name: &str, bytes: usize| {
            let filename = Some("a.txt".to_owned());
            Some(Body::Multipart(vec![Part { name: name.to_owned(), filename, bytes: vec![0; bytes] }]))
        };
        let cases = [
            (code("PATCH", "user", &[], None), "method_unknown"),
            (code("GET", "https://evil.example/user", &[], None), "path_absolute"),
            (code("GET", "user/../user", &[], None), "path_dots"),
            (code("GET", "nowhere", &[], None), "operation_unknown"),
            (code("DELETE", "user", &[], None), "operation_unknown"),
            (code("DELETE", "addon", &[], None), "operation_not_offered"),
            (code("GET", &format!("{ledger}/issues"), &[], None), "operation_removed"),
            (code("GET", "user", &[("a", "b\r\n")], None), "query_invalid"),
            (code("GET", "user", &[("", "b")], None), "query_invalid"),
            (code("GET", "user", &[("Access_Token", "b")], None), "query_invalid"),
            (code("GET", "user", &[("q", "x"); 51], None), "query_invalid"),
            (code("GET", "user", &[("q", &"x".repeat(9000))], None), "query_invalid"),
            (code("GET", "user", &[], Some(Body::Json(json!({})))), "body_not_taken"),
            (code("PUT", ledger, &[], Some(Body::Json(json!("x".repeat(140_000))))), "body_too_large"),
            (code("PUT", ledger, &[], files("a.txt", 1)), "files_not_taken"),
            (code("POST", &src, &[], files("a\r\nb", 1)), "file_invalid"),
            (code("POST", &src, &[], files("", 1)), "file_invalid"),
            (code("POST", &src, &[], files("a.txt", 140_000)), "body_too_large"),
            (code("POST", &src, &[], files("docs/a.txt", 1)), "read"),
            (code("POST", &format!("{ledger}/downloads"), &[], files("files", 1)), "read"),
        ];
        for (index, (found, expected)) in cases.into_iter().enumerate() {
            assert_eq!(found, expected, "{index}");
        }
    }

    #[test]
    fn what_atlassian_removed_says_since_when_and_what_to_use() {
        let error = Asked::read("GET", "repositories", Vec::new(), None).unwrap_err();
        assert_eq!(error.status(), 410);
        assert!(error.detail.contains("14 April 2026") && error.detail.contains("GET /user/workspaces"), "{error}");
    }
}
