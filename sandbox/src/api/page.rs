//! The page object around every list, with what `q`, `sort`, `pagelen` and `fields` make of it.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination>.

use super::{
    ApiError,
    bbql::{Condition, at_path, order_of_texts},
    fields,
};
use crate::percent::{query_pairs, with_parameter};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use std::cmp::Ordering;

/// How a collection behaves.
pub(super) struct List {
    /// Of `pagelen`, when none is asked for, and at most; more is refused.
    pub(super) usual: usize,
    pub(super) largest: usize,
    /// Fields that `q` and `sort` may name.
    pub(super) searchable: &'static [&'static str],
    /// What stands in an answer only when `fields` asks for it.
    pub(super) hidden: &'static [&'static str],
}

/// Which part is asked for.
pub(super) struct Window {
    page: usize,
    pagelen: usize,
    parameters: Vec<(String, String)>,
}

impl List {
    /// Ten at a time, at most a hundred, and no conditions.
    pub(super) const PLAIN: Self = Self { usual: 10, largest: 100, searchable: &[], hidden: &[] };

    /// The page of these values that the request asks for.
    pub(super) fn answer(&self, request: &HttpRequest, url: &str, values: Vec<Value>) -> Result<HttpResponse, ApiError> {
        let field = |value: &Value, path: &str| at_path(value, path).into_iter().cloned().collect();
        self.answer_lazily(request, url, values, field, Value::clone)
    }

    /// The same of things that are drawn only when they are on the page; `field` gives what `q` and `sort` ask about.
    pub(super) fn answer_lazily<T>(
        &self,
        request: &HttpRequest,
        url: &str,
        mut things: Vec<T>,
        field: impl Fn(&T, &str) -> Vec<Value>,
        draw: impl Fn(&T) -> Value,
    ) -> Result<HttpResponse, ApiError> {
        let window = self.window(request)?;
        if let Some(condition) = self.condition(&window)? {
            things.retain(|thing| condition.holds(&|path| field(thing, path)));
        }
        if let Some((name, is_descending)) = self.order(&window)? {
            things.sort_by_cached_key(|thing| Key(field(thing, &name).into_iter().next()));
            if is_descending {
                things.reverse();
            }
        }
        let size = things.len();
        let values = things.iter().skip(window.first()).take(window.pagelen).map(draw).collect();
        Ok(self.page(request, url, &window, size, values))
    }

    /// Which part the request asks for.
    pub(super) fn window(&self, request: &HttpRequest) -> Result<Window, ApiError> {
        let parameters = query_pairs(request.query_string());
        let number = |name: &str, otherwise: usize, most: usize| match parameters.iter().find(|(given, _)| given == name) {
            None => Ok(otherwise),
            Some((_, text)) => {
                let number = text.parse().ok().filter(|number| (1..=most).contains(number));
                number.ok_or_else(|| ApiError::bad_request(format!("Invalid {name}")))
            }
        };
        let (pagelen, page) = (number("pagelen", self.usual, self.largest)?, number("page", 1, 1_000_000)?);
        Ok(Window { page, pagelen, parameters })
    }

    /// What `q` demands.
    pub(super) fn condition(&self, window: &Window) -> Result<Option<Condition>, ApiError> {
        let Some(text) = window.parameter("q") else { return Ok(None) };
        let invalid = || ApiError::bad_request(format!("Invalid query: {text}"));
        let condition = Condition::parse(text).ok_or_else(invalid)?;
        let unknown = condition.fields().into_iter().find(|field| !self.searchable.contains(field)).map(str::to_owned);
        match unknown {
            Some(field) => Err(ApiError::bad_request(format!("Field \".{field}\" does not support filtering"))),
            None => Ok(Some(condition)),
        }
    }

    /// What `sort` demands: the field, and whether the largest comes first.
    pub(super) fn order(&self, window: &Window) -> Result<Option<(String, bool)>, ApiError> {
        let Some(text) = window.parameter("sort") else { return Ok(None) };
        let field = text.strip_prefix('-').unwrap_or(text);
        if !self.searchable.contains(&field) {
            return Err(ApiError::bad_request("Invalid sort attribute"));
        }
        Ok(Some((field.to_owned(), text.starts_with('-'))))
    }

    /// A page of `size` things, of which these are in the window.
    pub(super) fn page(
        &self,
        request: &HttpRequest,
        url: &str,
        window: &Window,
        size: usize,
        values: Vec<Value>,
    ) -> HttpResponse {
        let mut body = json!({ "size": size, "page": window.page, "pagelen": window.pagelen, "values": values });
        if window.first() + window.pagelen < size {
            body["next"] = json!(window.address(request, url, window.page + 1));
        }
        if window.page > 1 {
            body["previous"] = json!(window.address(request, url, window.page - 1));
        }
        HttpResponse::Ok().json(fields::chosen(&body, self.hidden, window.parameter("fields").unwrap_or_default()))
    }
}

impl Window {
    /// How many things come before it.
    pub(super) fn first(&self) -> usize {
        (self.page - 1) * self.pagelen
    }

    pub(super) fn pagelen(&self) -> usize {
        self.pagelen
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parameters.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn address(&self, request: &HttpRequest, url: &str, page: usize) -> String {
        let others = self.parameters.iter().filter(|(name, _)| name != "page");
        let address =
            others.fold(format!("{url}{}", request.uri().path()), |address, (name, value)| with_parameter(&address, name, value));
        with_parameter(&address, "page", &page.to_string())
    }
}

/// One thing, with what `fields` makes of it.
pub(super) fn one(request: &HttpRequest, value: &Value) -> HttpResponse {
    one_without(request, &[], value)
}

/// The same of a thing that has parts which stand in it only when they are asked for.
pub(super) fn one_without(request: &HttpRequest, hidden: &[&str], value: &Value) -> HttpResponse {
    let parameters = query_pairs(request.query_string());
    let asked = parameters.iter().find(|(name, _)| name == "fields").map_or("", |(_, value)| value.as_str());
    HttpResponse::Ok().json(fields::chosen(value, hidden, asked))
}

/// A value in the order of `sort`.
struct Key(Option<Value>);

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Some(Value::String(one)), Some(Value::String(other))) => order_of_texts(one, other),
            (Some(Value::Number(one)), Some(Value::Number(other))) => {
                one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal)
            }
            (Some(Value::Bool(one)), Some(Value::Bool(other))) => one.cmp(other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}
