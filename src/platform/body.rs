//! Request bodies, bounded at the door that takes them. Every door uses it.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use futures_util::{Future, StreamExt as _};
use serde::de::DeserializeOwned;

use crate::connect::query::decode;
use crate::error::{Error, Kind};

/// The largest body of a lifecycle call, in bytes.
pub const LIFECYCLE_BYTES: usize = 64 * 1024;
/// The largest body of a webhook, in bytes; Bitbucket's own limit is 256 KiB.
pub const WEBHOOK_BYTES: usize = 512 * 1024;
/// The largest body of a form, in bytes.
pub const FORM_BYTES: usize = 32 * 1024;
/// The largest body of a form that takes a whole text, in bytes: each byte of it is sent as three where it is not ASCII.
pub const TEXT_FORM_BYTES: usize = 256 * 1024;

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;

/// A body of at most `MOST` bytes.
#[derive(Clone, Debug)]
pub struct Body<const MOST: usize>(pub web::BytesMut);

/// A JSON object of at most `MOST` bytes.
#[derive(Clone, Debug)]
pub struct Json<T, const MOST: usize = FORM_BYTES>(pub T);

/// A form of at most `MOST` bytes.
#[derive(Clone, Debug)]
pub struct Form<T, const MOST: usize = FORM_BYTES>(pub T);

impl<const MOST: usize> FromRequest for Body<MOST> {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let announced = request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let payload = payload.take();
        Box::pin(async move {
            if announced.is_some_and(|bytes| bytes > MOST) {
                return Err(too_large(MOST));
            }
            read(payload, MOST).await.map(Self)
        })
    }
}

impl<T: DeserializeOwned + 'static, const MOST: usize> FromRequest for Json<T, MOST> {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Body::<MOST>::from_request(request, payload);
        let is_json = request.content_type() == "application/json";
        Box::pin(async move {
            let Body(bytes) = body.await?;
            let malformed =
                || Error::new(Kind::Invalid, "form_malformed", "The form is incomplete. Reload the page and try again.");
            if !is_json {
                return Err(malformed());
            }
            serde_json::from_slice(&bytes).map(Self).map_err(|error| malformed().because(error))
        })
    }
}

impl<T: DeserializeOwned + 'static, const MOST: usize> FromRequest for Form<T, MOST> {
    type Error = Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Body::<MOST>::from_request(request, payload);
        let is_form = request.content_type() == "application/x-www-form-urlencoded";
        Box::pin(async move {
            let Body(bytes) = body.await?;
            if !is_form {
                return Err(Error::new(Kind::Invalid, "form_malformed", "Send a form (application/x-www-form-urlencoded)."));
            }
            let incomplete =
                || Error::new(Kind::Invalid, "form_malformed", "The form is incomplete. Reload the page and try again.");
            // The parser below would put replacement characters where bytes are no text, and they would be stored.
            let is_text = str::from_utf8(&bytes).is_ok_and(|form| decode(form).is_ok());
            if !is_text {
                return Err(incomplete());
            }
            serde_urlencoded::from_bytes(&bytes).map(Self).map_err(|error| incomplete().because(error))
        })
    }
}

async fn read(mut payload: Payload, most: usize) -> Result<web::BytesMut, Error> {
    let mut bytes = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Error::new(Kind::Invalid, "body_unreadable", "The body broke off.").because(error))?;
        if bytes.len() + chunk.len() > most {
            return Err(too_large(most));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large(most: usize) -> Error {
    Error::new(Kind::TooLarge, "body_too_large", format!("The body is larger than {} KiB.", most / 1024))
}
