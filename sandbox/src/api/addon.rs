//! The app's own installation: another descriptor for it, or its end.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-addon/>.

use super::{ApiError, caller::Caller};
use crate::{bitbucket::Bitbucket, descriptor::Descriptor};
use actix_web::{
    HttpResponse,
    web::{Data, Json},
};
use serde::Deserialize;
use serde_json::Value;

/// Where the new descriptor is: here, at another address, or where it was.
#[derive(Deserialize)]
pub(crate) struct Replacement {
    descriptor: Option<Value>,
    descriptor_url: Option<String>,
}

/// `PUT /2.0/addon`: the scopes may neither grow nor vanish, and the key stays.
pub(crate) async fn replace(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    replacement: Json<Replacement>,
) -> Result<HttpResponse, ApiError> {
    let (client_key, present) = caller.connect()?;
    let Replacement { descriptor, descriptor_url } = replacement.into_inner();
    let descriptor = match descriptor {
        Some(document) => Descriptor::parse(document).map_err(|reason| refused(&reason.to_string()))?,
        None => fetched(&bitbucket, client_key, descriptor_url.as_deref()).await?,
    };
    if descriptor.key != present.key {
        return Err(refused("The key of an app cannot be changed"));
    }
    let grown = descriptor.scopes.iter().any(|scope| !present.allows(scope));
    if grown || (descriptor.scopes.is_empty() && !present.scopes.is_empty()) {
        return Err(refused("Scopes have increased or decreased to none"));
    }
    let replaced = bitbucket.with_record(client_key, |record| {
        record.descriptor = descriptor;
        if let Some(url) = descriptor_url {
            record.descriptor_url = url;
        }
    });
    replaced.map(|()| HttpResponse::NoContent().finish()).map_err(|missing| refused(&missing.to_string()))
}

/// `DELETE /2.0/addon`: the installation ends. No `uninstalled` is sent to the app that asked for it itself.
pub(crate) async fn remove(bitbucket: Data<Bitbucket>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let (client_key, _) = caller.connect()?;
    let removed = bitbucket.with_record(client_key, |record| record.active = false);
    removed.map(|()| HttpResponse::NoContent().finish()).map_err(|missing| refused(&missing.to_string()))
}

async fn fetched(bitbucket: &Bitbucket, client_key: &str, url: Option<&str>) -> Result<Descriptor, ApiError> {
    let known = bitbucket.with_record(client_key, |record| record.descriptor_url.clone()).unwrap_or_default();
    bitbucket.fetch_descriptor(url.unwrap_or(&known)).await.map_err(|failed| refused(&failed.body))
}

fn refused(reason: &str) -> ApiError {
    ApiError::bad_request(reason)
}
