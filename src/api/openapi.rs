//! The OpenAPI document (<https://spec.openapis.org/oas/v3.1.0>): what all operations share, and the door that serves it.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, ObjectBuilder, Ref, RefOr, Required, Response, Type};
use utoipa::{Modify, OpenApi as _};

use super::operations::Document;
use crate::error::{Error, Result};

/// The name of the one security scheme.
const API_TOKEN: &str = "api_token";

/// What the operations have in common and so does not stand at each of them.
pub(super) struct Shared;

static DOCUMENT: LazyLock<Result<String, String>> =
    LazyLock::new(|| Document::openapi().to_json().map_err(|error| error.to_string()));

/// This API as an OpenAPI document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "show_document",
    tag = "About",
    responses((status = 200, description = "An OpenAPI 3.1 document."))
)]
pub(super) async fn document() -> Result<HttpResponse> {
    let document = DOCUMENT.as_ref().map_err(|error| Error::internal(error.as_str()))?;
    Ok(HttpResponse::Ok().content_type(header::ContentType::json()).body(document.as_str()))
}

impl Modify for Shared {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut token = Http::new(HttpAuthScheme::Bearer);
        token.description = Some("An API token of a member. Each operation names the scopes it needs.".to_owned());
        document.components.get_or_insert_default().add_security_scheme(API_TOKEN, SecurityScheme::Http(token));
        for item in document.paths.paths.values_mut() {
            for operation in
                [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
            {
                complete(operation);
            }
        }
    }
}

fn complete(operation: &mut Operation) {
    let is_creating = operation.responses.responses.contains_key("201");
    if is_creating {
        operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
        describe(operation, "409", "`idempotency_key_reused`: the key was sent with another request.");
    }
    if operation.request_body.is_some() {
        describe(operation, "400", "`body_malformed`, `content_type_unsupported`, or a field is not as it must be.");
        describe(operation, "413", "`body_too_large`: more than 256 KiB.");
    }
    if operation.security.is_some() {
        describe(operation, "401", "`api_token_missing` or `api_token_unknown`");
        describe(operation, "403", "`scope_missing`, or your role or part does not allow it.");
        describe(operation, "default", "Any other problem.");
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            complete_response(status, response);
        }
    }
}

/// Says what a status means, after what the operation itself says of it.
fn describe(operation: &mut Operation, status: &str, description: &str) {
    let response = operation.responses.responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(Response::default()));
    if let RefOr::T(response) = response {
        let own = std::mem::take(&mut response.description);
        response.description = if own.is_empty() { description.to_owned() } else { format!("{own}; {description}") };
    }
}

fn complete_response(status: &str, response: &mut Response) {
    if response.description.is_empty() {
        response.description = match status.parse().ok().and_then(|status: StatusCode| status.canonical_reason()) {
            Some("Not Found") => "`not_found`: there is none, or you may not see it.".to_owned(),
            reason => reason.unwrap_or_default().to_owned(),
        };
    }
    if status == "201" {
        let mut location = Header::default();
        location.description = Some("The path of the new entry.".to_owned());
        response.headers.insert("Location".to_owned(), RefOr::T(location));
    }
    let is_problem = !status.starts_with('2');
    if is_problem {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        response.content.insert("application/problem+json".to_owned(), RefOr::T(content));
    }
}

fn idempotency_key() -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255)).build();
    let mut parameter = Parameter::new("Idempotency-Key");
    parameter.parameter_in = ParameterIn::Header;
    parameter.required = Required::False;
    parameter.description = Some(
        "Chosen by you. The same request under the same key is answered the same for a day, with the header \
         Idempotency-Replayed, and creates nothing twice."
            .to_owned(),
    );
    parameter.schema = Some(text.into());
    parameter
}
