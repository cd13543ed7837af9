//! What surrounds the API: every call is recorded, faults strike, and answers say by what they were let in.

use crate::{
    bitbucket::Bitbucket,
    budget::Standing,
    calls::{Call, CredentialKind},
    fault::IsCut,
    misbehaviour::Fault,
    percent::query_pairs,
};
use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::{Bytes, Data},
};
use futures_util::stream;
use std::{future::ready, time::Duration};

/// Whose credential a handler accepted, left in the request for the record and for headers.
#[derive(Clone)]
pub(crate) struct AuthorizedAs {
    pub(crate) name: String,
    pub(crate) kind: CredentialKind,
    /// The OAuth scopes that the operation needs.
    pub(crate) scopes: &'static str,
}

/// Left in the request when no endpoint fits it.
pub(crate) struct NoSuchEndpoint;

/// Records a call and strikes it with the fault that is due.
pub(crate) async fn record(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (method, path) = (request.method().to_string(), request.path().to_owned());
    let query = request.query_string().to_owned();
    let content_type =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let Some(bitbucket) = request.app_data::<Data<Bitbucket>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let body = recorded_body(&mut request).await;
    let at = bitbucket.now();
    let fault = bitbucket.strike(&path);
    if let Some(Fault::Slow { milliseconds }) = fault {
        actix_web::rt::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    let fault_drops = fault == Some(Fault::DroppedConnection);
    let instead = fault.as_ref().and_then(|fault| fault.answer_instead(bitbucket.now()));
    let mut response = match (instead, fault) {
        (Some(response), _) => request.into_response(response),
        (None, None) => next.call(request).await?.map_into_boxed_body(),
        (None, Some(fault)) => fault.change(next.call(request).await?.map_into_boxed_body()).await?,
    };
    let is_cut = response.request().extensions().contains::<IsCut>();
    let status = if is_cut || fault_drops { 0 } else { response.status().as_u16() };
    let (unexpected, authorized) = {
        let left = response.request().extensions();
        let is_nowhere = left.contains::<NoSuchEndpoint>() || response.status() == StatusCode::METHOD_NOT_ALLOWED;
        (is_nowhere, left.get::<AuthorizedAs>().cloned())
    };
    if let Some(authorized) = &authorized {
        let standing = response.request().extensions().get::<Standing>().copied();
        write_headers(response.headers_mut(), authorized, standing);
    }
    let credential = authorized.as_ref().map(|authorized| authorized.kind);
    let authorized_as = authorized.map(|authorized| authorized.name);
    let call = Call { at, method, path, query, status, authorized_as, credential, body, content_type, unexpected };
    bitbucket.state().calls.push(call);
    Ok(response)
}

/// What real answers say about the credential and its budget.
fn write_headers(headers: &mut HeaderMap, authorized: &AuthorizedAs, standing: Option<Standing>) {
    let accepted = authorized.scopes.replace(' ', ", ");
    for (name, value) in [("x-accepted-oauth-scopes", accepted.as_str()), ("x-credential-type", authorized.kind.as_str())] {
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if let Some(standing) = standing {
        standing.write(authorized.kind, headers);
    }
}

/// Reads the body and puts it back for the handler. A form to the token endpoint is recorded by its kind only.
async fn recorded_body(request: &mut ServiceRequest) -> String {
    let body = request.extract::<Bytes>().await.unwrap_or_default();
    request.set_payload(Payload::Stream { payload: Box::pin(stream::once(ready(Ok(body.clone())))) });
    let text = String::from_utf8_lossy(&body).into_owned();
    if !request.path().starts_with("/site/oauth2") {
        return text;
    }
    let grant_type = query_pairs(&text).into_iter().find(|(name, _)| name == "grant_type");
    grant_type.map_or_else(String::new, |(_, value)| format!("grant_type={value}"))
}
