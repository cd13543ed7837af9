//! `/api/v1/bitbucket/call`: any operation of the Bitbucket API, with a member's right, as far as owners allow it.

use std::collections::BTreeMap;

use actix_web::web;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::caller::Caller;
use super::sent::Sent;
use crate::app::App;
use crate::bitbucket::{Body, Part};
use crate::connections::calls::{self, Asked, Manner, Outcome, Shown};
use crate::error::{Error, Result};
use crate::people::api_tokens::Scope;

/// A call to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CallRequest {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    method: String,
    /// The path below the API's address, such as `/repositories/lumenpay/ledger`: relative, without a query.
    path: String,
    /// The parameters of the query: a text, a number, a truth value, or a list of them for a parameter that comes several times.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    query: BTreeMap<String, Parameter>,
    /// The body, as JSON.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    body: Option<Value>,
    /// The fields of a form, instead of `body`, where Bitbucket takes a form: texts to commit by their paths, for one.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    form: BTreeMap<String, Parameter>,
    /// Files that go with the fields of `form` as `multipart/form-data`, where Bitbucket takes files: to commit (`POST …/src`), as
    /// downloads (`POST …/downloads`) and in snippets.
    #[serde(default)]
    files: Vec<File>,
    /// Only says what would be sent.
    #[serde(default)]
    dry_run: bool,
    /// Repeats the name of what is destroyed, as a dry run gives it.
    #[serde(default)]
    confirm: Option<String>,
}

/// A file to be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The name of the field: the path in the repository for a commit, `files` for a download.
    field: String,
    /// The name of the file.
    filename: String,
    /// What is in it, when it is a text.
    text: Option<String>,
    /// What is in it, in base64, when it is not.
    base64: Option<String>,
}

/// The value of a parameter.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Parameter {
    One(Scalar),
    Several(Vec<Scalar>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Truth(bool),
    Number(serde_json::Number),
}

/// What came of a call.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallAnswer {
    /// Bitbucket's status; null for a dry run.
    status: Option<u16>,
    /// Bitbucket's headers that matter, names in lower case.
    headers: BTreeMap<String, String>,
    /// Bitbucket's body, when it is JSON.
    #[schema(value_type = Option<Object>)]
    body: Option<Value>,
    /// Bitbucket's body, when it is another text.
    text: Option<String>,
    /// Bitbucket's body in base64, when it is neither.
    base64: Option<String>,
    /// Path and query of the next page, to be called the same way.
    next: Option<Next>,
    /// How many calls of this kind the credential has left in the hour, as far as it is known.
    budget_left: Option<u32>,
    /// With whose right it was made, in one sentence.
    credential: Option<String>,
    /// What to know of an operation that Atlassian is about to take away.
    notice: Option<String>,
    /// What would be sent, for a dry run.
    would_send: Option<WouldSend>,
    /// Whether this repeats what was answered before under the same key, at most a day ago.
    repeated: bool,
    /// Whether the body of that answer is missing here: it was larger than 64 KiB, or what was read from its workspace has been deleted.
    body_not_kept: bool,
}

/// What a call would send; the credential is not shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WouldSend {
    /// The method.
    method: String,
    /// The whole address, with the query.
    url: String,
    /// The body: JSON, the fields of a form, or each part of a form with files, a file by its name and size.
    #[schema(value_type = Option<Object>)]
    body: Option<Value>,
    /// What `confirm` must repeat, where a confirmation is needed.
    confirm: Option<String>,
}

/// Where the next page is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Next {
    /// Its path.
    path: String,
    /// The parameters of its query.
    query: BTreeMap<String, Vec<String>>,
}

impl Next {
    fn of(path: String, pairs: Vec<(String, String)>) -> Self {
        let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in pairs {
            query.entry(name).or_default().push(value);
        }
        Self { path, query }
    }
}

impl Parameter {
    fn texts(self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value.text()],
            Self::Several(values) => values.into_iter().map(Scalar::text).collect(),
        }
    }
}

/// Every name with each of its values.
fn pairs(parameters: BTreeMap<String, Parameter>) -> Vec<(String, String)> {
    let pairs = |(name, value): (String, Parameter)| value.texts().into_iter().map(move |text| (name.clone(), text));
    parameters.into_iter().flat_map(pairs).collect()
}

impl Scalar {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Truth(truth) => truth.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl File {
    fn part(self) -> Result<Part> {
        let bytes = match (self.text, self.base64) {
            (Some(text), None) => Ok(text.into_bytes()),
            (None, Some(base64)) => STANDARD.decode(base64).map_err(|_not_base64| ()),
            _ => Err(()),
        };
        let bytes = bytes.map_err(|()| {
            let detail = "A file has what is in it either as text or in base64 (RFC 4648, with padding). Give one of them.";
            Error::invalid("file_invalid", "files", detail)
        })?;
        Ok(Part { name: self.field, filename: Some(self.filename), bytes })
    }
}

impl CallRequest {
    fn asked(self) -> Result<(Asked, Manner)> {
        let body = match self.body {
            Some(_) if !self.form.is_empty() || !self.files.is_empty() => {
                let detail = "A call has one body: JSON as body, or a form of form and files. Leave one of them out.";
                return Err(Error::invalid("body_ambiguous", "body", detail));
            }
            Some(json) => Some(Body::Json(json)),
            None if self.files.is_empty() && self.form.is_empty() => None,
            None if self.files.is_empty() => Some(Body::Form(pairs(self.form))),
            None => {
                let field = |(name, text): (String, String)| Part { name, filename: None, bytes: text.into_bytes() };
                let mut parts: Vec<Part> = pairs(self.form).into_iter().map(field).collect();
                for file in self.files {
                    parts.push(file.part()?);
                }
                Some(Body::Multipart(parts))
            }
        };
        let asked = Asked::read(&self.method, &self.path, pairs(self.query), body)?;
        Ok((asked, Manner { is_dry_run: self.dry_run, confirm: self.confirm, key: None }))
    }
}

impl CallAnswer {
    fn nothing() -> Self {
        Self {
            status: None,
            headers: BTreeMap::new(),
            body: None,
            text: None,
            base64: None,
            next: None,
            budget_left: None,
            credential: None,
            notice: None,
            would_send: None,
            repeated: false,
            body_not_kept: false,
        }
    }

    fn of(outcome: Outcome, notice: Option<&str>, api_url: &str) -> Self {
        let notice = notice.map(str::to_owned);
        match outcome {
            Outcome::Planned(plan) => {
                let body = plan.call.body.map(|body| match body {
                    Body::Json(json) => json,
                    Body::Form(fields) => Value::from_iter(fields),
                    Body::Multipart(parts) => parts.iter().map(shown_part).collect(),
                });
                let method = plan.call.method.to_string();
                let would_send = Some(WouldSend { method, url: plan.address, body, confirm: plan.confirm });
                Self { credential: Some(plan.why), notice, would_send, ..Self::nothing() }
            }
            Outcome::Answered(answered) => {
                let shown = answered.shown();
                let next = shown.next(api_url).map(|(path, query)| Next::of(path, query));
                let (body, text, base64) = parts_of(shown);
                Self {
                    status: Some(answered.answer.status.as_u16()),
                    headers: answered.answer.headers.into_iter().collect(),
                    body,
                    text,
                    base64,
                    next,
                    budget_left: answered.answer.budget_left,
                    credential: Some(answered.why),
                    notice,
                    ..Self::nothing()
                }
            }
            Outcome::Repeated(kept) => {
                let shown = kept.shown();
                let next = shown.next(api_url).map(|(path, query)| Next::of(path, query));
                let (body, text, base64) = parts_of(shown);
                let (status, headers, body_not_kept) =
                    (Some(kept.status), kept.headers.into_iter().collect(), kept.body.is_none());
                Self { status, headers, body, text, base64, next, notice, repeated: true, body_not_kept, ..Self::nothing() }
            }
        }
    }
}

/// A body as one of three fields: JSON, another text, or base64.
fn parts_of(shown: Shown) -> (Option<Value>, Option<String>, Option<String>) {
    match shown {
        Shown::Nothing => (None, None, None),
        Shown::Json(json) => (Some(json), None, None),
        Shown::Text(text) => (None, Some(text), None),
        Shown::Base64(bytes) => (None, None, Some(bytes)),
    }
}

/// A part of a form in a dry run.
fn shown_part(part: &Part) -> Value {
    match &part.filename {
        Some(filename) => json!({ "field": part.name, "filename": filename, "bytes": part.bytes.len() }),
        None => json!({ "field": part.name, "text": String::from_utf8_lossy(&part.bytes) }),
    }
}

/// Calls the Bitbucket API: reads with your own right, writes where an owner has allowed it.
#[utoipa::path(
    post,
    path = "/api/v1/bitbucket/call",
    operation_id = "call_bitbucket",
    tag = "Bitbucket",
    security(("api_token" = ["bitbucket"])),
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Chosen by you, 1 to 255 characters. The same writing call under the same key is sent once; for a day its answer is \
            given again.")),
    request_body = CallRequest,
    responses(
        (status = 200, description = "What came of it: Bitbucket's answer, or what a dry run would send.", body = CallAnswer),
        (status = 400, description = "A path, query or body that is not taken, such as `path_absolute` or `operation_unknown`; \
            `bitbucket_refused` with what Bitbucket says"),
        (status = 403, description = "`write_not_allowed`, `own_grant_needed`, `repository_not_chosen`, `permission_missing` and others, each \
            with the remedy"),
        (status = 404, description = "`bitbucket_not_found`"),
        (status = 409, description = "`confirmation_needed`, `answer_unknown`, `connection_missing`"),
        (status = 410, description = "`operation_removed`: what replaced it and when"),
        (status = 429, description = "`bitbucket_rate_limited`"),
        (status = 503, description = "`bitbucket_down`")
    )
)]
pub(super) async fn call(app: web::Data<App>, caller: Caller, sent: Sent) -> Result<web::Json<CallAnswer>> {
    caller.needs(Scope::Bitbucket)?;
    let (request, key) = sent.with_key::<CallRequest>()?;
    let (asked, manner) = request.asked()?;
    let notice = asked.target.operation.notice();
    let (parts, now) = (app.parts(), app.now());
    let made = calls::make(&parts, &app.permissions, &caller.viewer, asked, Manner { key, ..manner }, &now).await?;
    Ok(web::Json(CallAnswer::of(made, notice, &app.config.bitbucket_api_url)))
}
