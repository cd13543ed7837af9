//! Actions at Bitbucket where the bare call is a trap: repositories, pull requests and their reviewers. Each goes through `calls`, so the
//! same is allowed, confirmed and written down. Doors call them.

pub mod pull_requests;
pub mod repositories;
pub mod reviewers;
pub mod status;

use serde_json::Value;

use super::Parts;
use super::calls::{self, Asked, Kept, Manner, Outcome, Permissions};
use crate::bitbucket::{Body, Failure};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::{Viewer, idempotency};

/// Who acts, and with what.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a> {
    /// The server's parts.
    pub parts: Parts<'a>,
    /// What Bitbucket said lately of who may what.
    pub permissions: &'a Permissions,
    /// Who acts.
    pub viewer: &'a Viewer,
    /// When.
    pub now: &'a Now,
}

/// A repository, as it is named in a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its Bitbucket workspace: slug or UUID in braces.
    pub workspace: String,
    /// Its slug.
    pub repository: String,
}

/// What came of a writing call.
enum Written {
    /// Bitbucket's answer.
    Now(Value),
    /// It was answered before.
    Before(Kept),
}

impl Place {
    /// The path of what is below it; a name with a slash in it is not taken apart.
    fn path(&self, below: &str) -> String {
        format!("/repositories/{}/{}{below}", self.workspace, self.repository)
    }
}

impl Acting<'_> {
    async fn read(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let asked = Asked::read("GET", path, query, None)?;
        match calls::make(&self.parts, self.permissions, self.viewer, asked, Manner::default(), self.now).await? {
            Outcome::Answered(answered) => answered.answer.json().map_err(calls::refusal),
            Outcome::Planned(_) | Outcome::Repeated(_) => Err(Error::internal("a reading call was not answered")),
        }
    }

    async fn write(&self, method: &str, path: &str, body: Option<Value>, manner: Manner) -> Result<Written> {
        let asked = Asked::read(method, path, Vec::new(), body.map(Body::Json))?;
        match calls::make(&self.parts, self.permissions, self.viewer, asked, manner, self.now).await? {
            Outcome::Answered(answered) if answered.answer.body.is_empty() => Ok(Written::Now(Value::Null)),
            Outcome::Answered(answered) => answered.answer.json().map(Written::Now).map_err(calls::refusal),
            Outcome::Repeated(kept) => Ok(Written::Before(kept)),
            Outcome::Planned(_) => Err(Error::internal("a call was planned and not made")),
        }
    }
}

fn with_key(key: Option<idempotency::Request>) -> Manner {
    Manner { key, ..Manner::default() }
}

/// What Bitbucket said, when it refused what was sent.
fn said(error: &Error) -> Option<&[(String, String)]> {
    match std::error::Error::source(error)?.downcast_ref::<Failure>()? {
        Failure::Refused { fields, .. } => Some(fields),
        _ => None,
    }
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

/// The value without what was left out, which Bitbucket would take as a wish for nothing.
fn without_nothing(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}
