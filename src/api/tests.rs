//! What must be true of every operation: it is routed and documented alike, and asks for the scopes that its document names.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use actix_web::web;
use chrono::Utc;
use serde_json::{Value, json};
use utoipa::OpenApi as _;

use super::configure;
use super::operations::{Document, OPERATIONS};
use crate::app::App;
use crate::config;
use crate::people::api_tokens::{self, ALL_SCOPES, Scope};
use crate::people::members::{self, NewMember, Role};
use crate::people::text::{EmailAddress, Name};
use crate::people::workspaces;

fn document() -> Value {
    serde_json::to_value(Document::openapi()).unwrap()
}

/// Path, method and description of every operation in the document.
fn documented(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |found| (path, found)));
    operations.map(|(path, (method, operation))| (path.as_str(), method.as_str(), operation)).collect()
}

#[test]
fn every_route_is_documented_and_the_reverse() {
    let document = document();
    let documented: BTreeSet<_> = documented(&document).into_iter().map(|(path, method, _)| (path, method)).collect();
    let routed = OPERATIONS.iter().flat_map(|(path, methods)| methods.iter().map(move |method| (*path, *method)));
    assert_eq!(routed.collect::<BTreeSet<_>>(), documented);
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
    let document = document();
    let operations = documented(&document);
    let names: BTreeSet<_> = operations.iter().map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.len(), operations.len());
    for (path, method, operation) in operations {
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{method} {path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} {status}");
        }
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[test]
fn words_in_the_document_are_those_that_are_sent() {
    let schemas = &document()["components"]["schemas"];
    assert_eq!(schemas["Role"]["enum"], json!(["owner", "member"]));
    assert_eq!(schemas["State"]["enum"], json!(["waiting", "active", "uninstalled"]));
    assert_eq!(schemas["Kind"]["enum"], json!(["feedback", "one_on_one", "request", "goal"]));
}

/// A server's parts over a database of its own, and its owner's tokens: one for each choice of scopes.
struct Fixture {
    app: web::Data<App>,
    owner: members::Member,
    tokens: RefCell<HashMap<Vec<&'static str>, String>>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let settings =
            [("CLARITYLOOP__DATA_DIR", path.to_owned()), ("CLARITYLOOP__DATABASE_URL", format!("sqlite://{path}/test.db"))];
        let (settings, _) = config::load(None, &settings.map(|(name, value)| (name.to_owned(), value))).unwrap();
        let app = web::Data::new(App::open(settings, Arc::new(Utc::now)).unwrap());
        let now = app.now();
        let made = app.write(move |connection| {
            let workspace = workspaces::create(connection, &Name::parse("name", "Lumen")?, &now)?;
            let (name, email) = (Name::parse("name", "Ada")?, EmailAddress::parse("ada@example.com")?);
            members::add(connection, &workspace.id, &NewMember { name, email, role: Role::Owner }, &now)
        });
        let owner = made.await.unwrap();
        Self { app, owner, tokens: RefCell::default(), _folder: folder }
    }

    async fn token(&self, scopes: Vec<Scope>) -> String {
        let words: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
        if let Some(token) = self.tokens.borrow().get(&words) {
            return token.clone();
        }
        let (owner, now) = (self.owner.clone(), self.app.now());
        let name = Name::parse("name", "test").unwrap();
        let made = self.app.write(move |connection| api_tokens::create(connection, &owner, &name, &scopes, &now)).await;
        let token = made.unwrap().expose().to_owned();
        self.tokens.borrow_mut().insert(words, token.clone());
        token
    }

    async fn call(&self, request: TestRequest) -> ServiceResponse {
        let service = actix_web::App::new().app_data(self.app.clone()).configure(configure);
        call_service(&init_service(service).await, request.to_request()).await
    }
}

fn request(method: &str, path: &str, token: &str) -> TestRequest {
    let id = "01900000-0000-7000-8000-000000000000";
    let uri = path.replace("{id}", id).replace("{item}", id);
    let method: Method = method.to_uppercase().parse().unwrap();
    TestRequest::with_uri(&uri).method(method).insert_header(("Authorization", format!("Bearer {token}")))
}

#[actix_web::test]
async fn every_operation_needs_each_scope_that_its_document_names() {
    let fixture = Fixture::new().await;
    let document = document();
    for (path, method, operation) in documented(&document) {
        for scope in operation["security"][0]["api_token"].as_array().into_iter().flatten() {
            let scope = Scope::parse(scope.as_str().unwrap()).unwrap();
            let token = fixture.token(ALL_SCOPES.into_iter().filter(|other| *other != scope).collect()).await;
            let response = fixture.call(request(method, path, &token)).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{method} {path}");
            let problem: Value = read_body_json(response).await;
            assert_eq!(problem["code"], "scope_missing", "{method} {path}");
            assert!(problem["detail"].as_str().unwrap().contains(scope.as_str()), "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn no_operation_needs_a_scope_that_its_document_does_not_name() {
    let fixture = Fixture::new().await;
    let document = document();
    for (path, method, operation) in documented(&document) {
        let named = operation["security"][0]["api_token"].as_array().cloned().unwrap_or_default();
        let scopes = named.iter().map(|scope| Scope::parse(scope.as_str().unwrap()).unwrap()).collect();
        let token = fixture.token(scopes).await;
        let response = fixture.call(request(method, path, &token)).await;
        assert_ne!(response.status(), StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[actix_web::test]
async fn a_repeated_creation_is_answered_the_same_and_creates_nothing() {
    let fixture = Fixture::new().await;
    let token = fixture.token(ALL_SCOPES.to_vec()).await;
    let body = json!({"name": "Grace", "email": "grace@example.com", "role": "member"});
    let creation =
        |body: &Value| request("post", "/api/v1/members", &token).insert_header(("Idempotency-Key", "one")).set_json(body);

    let first = fixture.call(creation(&body)).await;
    assert_eq!(first.status(), StatusCode::CREATED);
    let location = first.headers().get("Location").cloned().unwrap();
    assert!(!first.headers().contains_key("Idempotency-Replayed"));
    let first: Value = read_body_json(first).await;
    assert_eq!(location, format!("/api/v1/members/{}", first["id"].as_str().unwrap()));

    let second = fixture.call(creation(&body)).await;
    assert_eq!(second.status(), StatusCode::CREATED);
    assert_eq!(second.headers().get("Location"), Some(&location));
    assert_eq!(second.headers().get("Idempotency-Replayed").unwrap(), "true");
    assert_eq!(read_body_json::<Value, _>(second).await, first);

    let other = fixture.call(creation(&json!({"name": "Alan", "email": "alan@example.com", "role": "member"}))).await;
    assert_eq!(other.status(), StatusCode::CONFLICT);
    assert_eq!(read_body_json::<Value, _>(other).await["code"], "idempotency_key_reused");
    let list = fixture.call(request("get", "/api/v1/members", &token)).await;
    assert_eq!(read_body_json::<Value, _>(list).await["entries"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn what_cannot_be_read_is_a_problem_with_a_code() {
    let fixture = Fixture::new().await;
    let token = fixture.token(ALL_SCOPES.to_vec()).await;
    let put = || request("put", "/api/v1/quick-action", &token);
    let get = |path: &str| request("get", path, &token);
    let cases = [
        (put().set_json(json!({"enabled": true, "also": 1})), 400, "body_malformed"),
        (put().insert_header(("Content-Type", "application/json")).set_payload("{"), 400, "body_malformed"),
        (put().set_payload(r#"{"enabled":true}"#), 400, "content_type_unsupported"),
        (put().insert_header(("Content-Type", "application/json")).set_payload(" ".repeat(300_000)), 413, "body_too_large"),
        (request("delete", "/api/v1/quick-action", &token), 405, "method_not_allowed"),
        (get("/api/v1/members/not-an-id"), 404, "not_found"),
        (get("/api/v1/members/%00"), 404, "not_found"),
        (get("/api/v1/members/%FF"), 404, "not_found"),
        (get("/api/v1/members?limit=0"), 400, "limit_invalid"),
        (get("/api/v1/members?limit=1&limit=2"), 400, "query_malformed"),
        (get("/api/v1/members?cursor=x"), 400, "cursor_invalid"),
        (get("/api/v1/links?kind=feedback"), 400, "target_invalid"),
        (get("/api/v1/links?kind=feedback&target=%00"), 400, "target_invalid"),
        (get("/api/v1/members").insert_header(("Authorization", "Bearer clb_unknown")), 401, "api_token_unknown"),
        (TestRequest::with_uri("/api/v1/members"), 401, "api_token_missing"),
    ];
    for (index, (request, status, code)) in cases.into_iter().enumerate() {
        let response = fixture.call(request).await;
        assert_eq!(response.status(), status, "{index} {code}");
        assert_eq!(response.headers().contains_key("WWW-Authenticate"), status == 401, "{index} {code}");
        assert_eq!(response.headers().get("Content-Type").unwrap(), "application/problem+json", "{index} {code}");
        assert_eq!(read_body_json::<Value, _>(response).await["code"], code);
    }
}

#[actix_web::test]
async fn a_pull_request_is_attached_found_and_detached() {
    let fixture = Fixture::new().await;
    let token = fixture.token(ALL_SCOPES.to_vec()).await;
    let post = |path: &str, body: Value| request("post", path, &token).set_json(body);

    let grace = json!({"name": "Grace", "email": "grace@example.com", "role": "member"});
    let grace: Value = read_body_json(fixture.call(post("/api/v1/members", grace)).await).await;
    let feedback = json!({"about": grace["id"], "body": "Well done."});
    let feedback: Value = read_body_json(fixture.call(post("/api/v1/feedback", feedback)).await).await;
    assert_eq!((&feedback["shared"], &feedback["about"]["name"]), (&json!(false), &json!("Grace")));

    let id = feedback["id"].as_str().unwrap();
    let new = json!({"kind": "feedback", "target": id.to_uppercase(), "repository": "lumenpay/ledger", "pull_request": 7});
    let link: Value = read_body_json(fixture.call(post("/api/v1/links", new)).await).await;
    assert_eq!(
        (&link["url"], &link["pull_request"]),
        (&json!("https://bitbucket.org/lumenpay/ledger/pull-requests/7"), &Value::Null)
    );

    let path = format!("/api/v1/feedback/{id}");
    let shown: Value = read_body_json(fixture.call(request("get", &path, &token)).await).await;
    assert_eq!((&shown["body"], &shown["links"]["entries"]), (&json!("Well done."), &json!([link])));
    let shared: Value = read_body_json(fixture.call(request("post", &format!("{path}/share"), &token)).await).await;
    assert_eq!(shared["shared"], json!(true));

    let path = format!("/api/v1/links/{}", link["id"].as_str().unwrap());
    assert_eq!(fixture.call(request("delete", &path, &token)).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(fixture.call(request("get", &path, &token)).await.status(), StatusCode::NOT_FOUND);
}
