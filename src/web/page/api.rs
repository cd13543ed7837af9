//! The page that shows the REST API: its operations by path, from a plain list.

use askama::Template;

/// The documentation of the REST API, readable without a session.
#[derive(Template)]
#[template(path = "web/api.html")]
pub struct ApiPage {
    /// The path of the OpenAPI document.
    pub document_href: String,
    /// Everything that can be called.
    pub paths: Vec<Path>,
}

/// One path and what can be done with it.
pub struct Path {
    /// The path, with parameters in braces.
    pub path: String,
    /// What can be done with it.
    pub operations: Vec<Operation>,
}

/// One method of a path.
pub struct Operation {
    /// `GET`, `POST`, …
    pub method: String,
    /// What it does, in one sentence.
    pub summary: String,
    /// The scope the token needs; empty when none.
    pub scope: String,
    /// Its parameters, its body, its answer: those that have fields.
    pub tables: Vec<FieldTable>,
}

/// The fields of a request or an answer.
pub struct FieldTable {
    /// What it describes: "Request", "Answer 201".
    pub heading: String,
    /// The fields.
    pub fields: Vec<Field>,
}

/// One field.
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type in words, such as "text" or "list of member".
    pub kind: String,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it means.
    pub meaning: String,
}
