//! How faults look in answers: what is answered instead, and what the right answer is changed to.

use crate::{
    api::{ApiError, removed},
    budget::{RetryAfter, too_many},
    misbehaviour::Fault,
};
use actix_web::{
    Error, HttpMessage, HttpResponse, ResponseError,
    body::{BodySize, BoxBody, MessageBody, to_bytes},
    dev::ServiceResponse,
    http::{StatusCode, header},
    web::Bytes,
};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// Left in a request whose answer breaks off.
pub(crate) struct IsCut;

const LOGIN_FAILED: &str =
    "Login failed due to incorrect login credentials or method. Please check your credentials and try again.";
const PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>Bitbucket</title></head><body><h1>Something went wrong</h1></body></html>\n";

impl Fault {
    /// The answer that stands in for the right one, where nothing is done at all.
    pub(crate) fn answer_instead(&self, now: DateTime<Utc>) -> Option<HttpResponse> {
        let json = || HttpResponse::Ok().content_type("application/json").take();
        let of = |status: u16| StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let limited = |retry_after, seconds: u32| {
            let at = now + Duration::seconds(i64::from(seconds));
            too_many(retry_after, i64::from(seconds), at).body("Rate limit for this resource has been exceeded")
        };
        match self {
            Self::DroppedConnection => Some(json().body(CutBody)),
            Self::MalformedBody => Some(json().body("{\"type\": \"pullrequest\", ")),
            Self::Status(status) => Some(ApiError::new(of(*status), "The sandbox was told to answer so").error_response()),
            Self::RateLimited { retry_after_seconds: None } => Some(limited(RetryAfter::Missing, 0)),
            Self::RateLimited { retry_after_seconds: Some(seconds) } => Some(limited(RetryAfter::Seconds, *seconds)),
            Self::RateLimitedUntil { seconds } => Some(limited(RetryAfter::Date, *seconds)),
            Self::PlainUnauthorised => Some(ApiError::new(StatusCode::UNAUTHORIZED, LOGIN_FAILED).plain().error_response()),
            Self::EmptyUnauthorised => Some(HttpResponse::Unauthorized().finish()),
            Self::IpAllowList => {
                Some(ApiError::forbidden("To access this repository, an admin must whitelist your IP.").error_response())
            }
            Self::TwoStepRequired => {
                let sentence = "To access this repository, you must enable two-step verification.";
                Some(ApiError::forbidden(sentence).error_response())
            }
            Self::Removed => Some(removed::refusal("CHANGE-2770").error_response()),
            Self::WorkspaceDeleted => Some(ApiError::new(StatusCode::GONE, "This workspace has been deleted").error_response()),
            Self::HtmlPage(status) => Some(HttpResponse::build(of(*status)).content_type("text/html; charset=utf-8").body(PAGE)),
            Self::HugeBody { bytes } => Some(json().body(vec![b' '; *bytes])),
            Self::RedirectTo(address) => Some(HttpResponse::Found().insert_header((header::LOCATION, address.as_str())).finish()),
            Self::Slow { .. }
            | Self::Late { .. }
            | Self::LostAnswer
            | Self::NextElsewhere(_)
            | Self::NextIsItself
            | Self::NoNext
            | Self::Repeated
            | Self::Reordered => None,
        }
    }

    /// What becomes of the right answer, once everything is done that was asked for.
    pub(crate) async fn change(self, response: ServiceResponse<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
        match self {
            Self::Late { milliseconds } => {
                actix_web::rt::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
                Ok(response)
            }
            Self::LostAnswer => {
                response.request().extensions_mut().insert(IsCut);
                Ok(response.map_body(|_, _| BoxBody::new(CutBody)))
            }
            Self::Slow { .. } => Ok(response),
            other => {
                let address = response.request().full_url().to_string();
                let (request, response) = response.into_parts();
                let (head, body) = response.into_parts();
                let body = to_bytes(body).await.unwrap_or_default();
                let body = match serde_json::from_slice::<Value>(&body) {
                    Ok(mut page) => {
                        other.bend(&mut page, &address);
                        Bytes::from(page.to_string())
                    }
                    Err(_) => body,
                };
                Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(body))))
            }
        }
    }

    fn bend(&self, page: &mut Value, address: &str) {
        let values = page.get_mut("values").and_then(Value::as_array_mut);
        match (self, values) {
            (Self::NextElsewhere(elsewhere), _) => page["next"] = json!(elsewhere),
            (Self::NextIsItself, _) => page["next"] = json!(address),
            (Self::NoNext, _) => {
                if let Some(page) = page.as_object_mut() {
                    page.remove("next");
                }
            }
            (Self::Repeated, Some(values)) => {
                let again = values.clone();
                values.extend(again);
            }
            (Self::Reordered, Some(values)) => values.reverse(),
            _ => {}
        }
    }
}

/// A body that breaks off at once, whereupon the server closes the connection.
struct CutBody;

impl MessageBody for CutBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(1024)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
