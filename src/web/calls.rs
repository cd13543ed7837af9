//! `/bitbucket/call`: trying calls of the Bitbucket API in the browser. The answer is the page itself and stands in no address.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::failure::{PageResult, html_with};
use super::page::{CallAnswer, CallChoice, CallPage, CallPlan, CallProblem, ChosenCall, GroupOfCalls, Place, TypedCall};
use super::session::SignedIn;
use crate::app::App;
use crate::bitbucket::Body;
use crate::bitbucket::operations::{Effect, Group, Operation, RelativePath, Target, operations};
use crate::connections::calls::allowed::{self, Allowed};
use crate::connections::calls::{self, Answered, Asked, Kept, Manner, Outcome, Plan, Shown};
use crate::error::{Error, Kind, Result};
use crate::platform::body::{Form, TEXT_FORM_BYTES};

/// How much of a body is shown, in characters; programs get the whole.
const SHOWN_CHARACTERS: usize = 64 * 1024;

/// The form.
#[derive(Deserialize)]
pub struct CallForm {
    csrf: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    confirm: String,
    #[serde(default)]
    action: String,
}

/// What came of a press of a button.
#[derive(Default)]
struct Came {
    problem: Option<Error>,
    plan: Option<CallPlan>,
    answer: Option<CallAnswer>,
}

/// `GET /bitbucket/call`, with an operation to fill in.
///
/// # Errors
/// When the database refuses.
pub async fn show(app: web::Data<App>, me: SignedIn, request: HttpRequest) -> PageResult<HttpResponse> {
    #[derive(Default, Deserialize)]
    struct Query {
        operation: Option<String>,
    }
    let asked = web::Query::<Query>::from_query(request.query_string()).map(web::Query::into_inner).unwrap_or_default();
    let chosen = asked.operation.as_deref().and_then(Operation::by_key).filter(|operation| operation.group != Group::App);
    let typed = chosen.map_or_else(
        || TypedCall { method: "GET".to_owned(), ..TypedCall::default() },
        |operation| TypedCall {
            method: operation.method.to_owned(),
            path: operation.template.to_owned(),
            ..TypedCall::default()
        },
    );
    page(&app, me, typed, chosen, Came::default()).await
}

/// `POST /bitbucket/call`: a dry run, or the call.
///
/// # Errors
/// `csrf_invalid` (403). What is wrong with a call, and what Bitbucket refuses, comes back on the page.
pub async fn call(app: web::Data<App>, me: SignedIn, form: Form<CallForm, TEXT_FORM_BYTES>) -> PageResult<HttpResponse> {
    let CallForm { csrf, method, path, query, body, confirm, action } = form.0;
    me.check(&csrf)?;
    let typed = TypedCall { method, path, query, body, confirm };
    let chosen = RelativePath::parse(&typed.path).ok().and_then(|path| Target::find(&typed.method, &path).ok());
    let came = match make(&app, &me, &typed, action != "call").await {
        Ok(Outcome::Planned(plan)) => Came { plan: Some(planned(plan)), ..Came::default() },
        Ok(Outcome::Answered(answered)) => Came { answer: Some(answer(&answered)), ..Came::default() },
        // The page sends no key, so nothing of it is ever a repetition.
        Ok(Outcome::Repeated(Kept { status, .. })) => Came { answer: Some(repeated(status)), ..Came::default() },
        Err(error) if error.kind == Kind::Internal => return Err(error.into()),
        Err(error) => Came { problem: Some(error), ..Came::default() },
    };
    page(&app, me, typed, chosen.map(|target| target.operation), came).await
}

async fn make(app: &App, me: &SignedIn, typed: &TypedCall, is_dry_run: bool) -> Result<Outcome> {
    let asked = Asked::read(&typed.method, &typed.path, pairs(&typed.query)?, body(&typed.body)?)?;
    let confirm = Some(typed.confirm.trim().to_owned()).filter(|confirm| !confirm.is_empty());
    let manner = Manner { is_dry_run, confirm, key: None };
    calls::make(&app.parts(), &app.permissions, &me.viewer(), asked, manner, &app.now()).await
}

/// One parameter in each line.
fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let invalid = || Error::invalid("query_invalid", "query", "Write each parameter in a line of its own, as name=value.");
    lines.map(|line| pair(line).ok_or_else(invalid)).collect()
}

fn body(text: &str) -> Result<Option<Body>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let json = serde_json::from_str(text).map_err(|error| {
        let detail = format!("The body is not JSON: look at line {}, column {}.", error.line(), error.column());
        Error::invalid("body_malformed", "body", detail)
    })?;
    Ok(Some(Body::Json(json)))
}

fn planned(plan: Plan) -> CallPlan {
    let body = match &plan.call.body {
        Some(Body::Json(json)) => serde_json::to_string_pretty(json).unwrap_or_default(),
        Some(Body::Form(fields)) => serde_urlencoded::to_string(fields).unwrap_or_default(),
        // The page has no field for files; programs send them.
        Some(Body::Multipart(parts)) => parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join("\n"),
        None => String::new(),
    };
    CallPlan { method: plan.call.method.to_string(), address: plan.address, body, why: plan.why, confirm: plan.confirm }
}

fn answer(answered: &Answered) -> CallAnswer {
    let (kind, body) = match answered.shown() {
        Shown::Nothing => ("Body", String::new()),
        Shown::Json(json) => ("Body, JSON", serde_json::to_string_pretty(&json).unwrap_or_default()),
        Shown::Text(text) => ("Body, text", text),
        Shown::Base64(bytes) => ("Body, base64", bytes),
    };
    let cut = body.char_indices().nth(SHOWN_CHARACTERS).map(|(at, _)| at);
    CallAnswer {
        status: answered.answer.status.as_u16(),
        headers: answered.answer.headers.clone(),
        kind,
        body: cut.map_or_else(|| body.clone(), |at| body[..at].to_owned()),
        is_cut: cut.is_some(),
        budget_left: answered.answer.budget_left,
        why: answered.why.clone(),
    }
}

fn repeated(status: u16) -> CallAnswer {
    let why = "This was answered before.".to_owned();
    CallAnswer { status, headers: Vec::new(), kind: "Body", body: String::new(), is_cut: false, budget_left: None, why }
}

async fn page(
    app: &App,
    me: SignedIn,
    typed: TypedCall,
    chosen: Option<&'static Operation>,
    came: Came,
) -> PageResult<HttpResponse> {
    let workspace_id = me.member.workspace_id.clone();
    let allowed = app.read(move |connection| allowed::read(connection, &workspace_id)).await?;
    let status = came.problem.as_ref().map_or(StatusCode::OK, |problem| {
        problem.log();
        problem.status()
    });
    let problem = came.problem.map(|problem| CallProblem {
        code: problem.code,
        sentence: problem.detail.to_string(),
        field: problem.field,
    });
    let page = CallPage {
        shell: me.shell(Place::Profile, None),
        groups: Group::CALLABLE.into_iter().map(|group| of_group(group, chosen)).collect(),
        chosen: chosen.map(|operation| described(operation, &allowed)),
        typed,
        problem,
        plan: came.plan,
        answer: came.answer,
    };
    html_with(status, &page)
}

fn of_group(group: Group, chosen: Option<&Operation>) -> GroupOfCalls {
    let of_group = operations().iter().filter(|operation| operation.group == group);
    let operations = of_group.map(|operation| CallChoice {
        key: operation.key(),
        summary: operation.summary,
        is_chosen: chosen == Some(operation),
    });
    GroupOfCalls { name: group.name(), operations: operations.collect() }
}

fn described(operation: &Operation, allowed: &Allowed) -> ChosenCall {
    ChosenCall {
        summary: operation.summary,
        is_destructive: operation.effect == Effect::Destructive,
        oauth_scopes: operation.oauth_scopes.join(" "),
        token_scopes: operation.token_scopes.join(" "),
        query: operation.query.join(" "),
        notice: operation.notice(),
        is_allowed: allowed.covers(operation),
    }
}
