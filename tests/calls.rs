//! Calls of the Bitbucket API by members and their programs: what owners allow, with whose right, and what is never sent.

mod actions;
mod allowed;
mod attacks;
mod browser;
mod elsewhere;
mod files;
mod reading;
mod repeating;
mod writing;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Test;
use crate::harness::people::Person;

const CALL: &str = "/bitbucket/call";
const ALLOWED: &str = "/bitbucket/allowed-operations";
const READING: &[&str] = &["account", "repository", "pullrequest", "pipeline"];
const WRITING: &[&str] =
    &["account", "repository", "repository:write", "repository:admin", "repository:delete", "pullrequest:write"];

/// A member whose token may call Bitbucket, linked to an account when one is named.
async fn caller(test: &Test, name: &str, account: Option<&str>) -> Person {
    let person = Person::new(test, name).await;
    if let Some(account) = account {
        test.bind(&person.member, account).await;
    }
    let token = test.token(&person.member, "read,write,bitbucket").await;
    Person { token, ..person }
}

async fn call(test: &Test, who: &Person, body: Value) -> (u16, Value) {
    who.call(test, Method::POST, CALL, Some(body)).await
}

async fn get(test: &Test, who: &Person, path: &str) -> (u16, Value) {
    call(test, who, json!({"method": "GET", "path": path})).await
}

async fn allow(test: &Test, groups: &[&str], operations: &[&str]) {
    test.api_json(Method::PUT, ALLOWED, Some(json!({"groups": groups, "operations": operations}))).await;
}

/// What was asked of Bitbucket since, as method and path, without what the server asks to know who may.
fn asked(test: &Test) -> Vec<String> {
    let calls = test.sandbox.calls();
    let calls = calls.iter().filter(|call| call.path.starts_with("/2.0/repositories/") || call.path.starts_with("/2.0/user"));
    calls.map(|call| format!("{} {}", call.method, call.path)).collect()
}
