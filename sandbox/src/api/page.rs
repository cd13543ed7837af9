//! The page object around every list.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination>.

use super::ApiError;
use crate::percent::{query_pairs, with_parameter};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

/// The page of these values that the request asks for with `page` and `pagelen`.
pub(crate) fn of(request: &HttpRequest, url: &str, largest: usize, values: Vec<Value>) -> Result<HttpResponse, ApiError> {
    let parameters = query_pairs(request.query_string());
    let number = |name: &str, otherwise: usize, most: usize| match parameters.iter().find(|(given, _)| given == name) {
        None => Ok(otherwise),
        Some((_, text)) => text.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| invalid(name)),
    };
    let pagelen = number("pagelen", 10, largest)?;
    let page = number("page", 1, 1_000_000)?;
    let size = values.len();
    let values: Vec<Value> = values.into_iter().skip((page - 1) * pagelen).take(pagelen).collect();
    let mut body = json!({ "size": size, "page": page, "pagelen": pagelen, "values": values });
    if page * pagelen < size {
        body["next"] = json!(address_of(request, url, &parameters, page + 1));
    }
    if page > 1 {
        body["previous"] = json!(address_of(request, url, &parameters, page - 1));
    }
    Ok(HttpResponse::Ok().json(body))
}

fn address_of(request: &HttpRequest, url: &str, parameters: &[(String, String)], page: usize) -> String {
    let others = parameters.iter().filter(|(name, _)| name != "page");
    let address =
        others.fold(format!("{url}{}", request.uri().path()), |address, (name, value)| with_parameter(&address, name, value));
    with_parameter(&address, "page", &page.to_string())
}

fn invalid(name: &str) -> ApiError {
    ApiError::bad_request(format!("Invalid {name}"))
}
