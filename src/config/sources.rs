//! Where settings come from: the defaults, a file, the environment; and how `check-config` shows them. Used by `config` alone.

use std::path::Path;

use config::{Environment, File, FileFormat, Value, ValueKind};
use reqwest::Url;

use super::{Problems, Setting};

const DEFAULTS: &str = include_str!("../default.toml");

pub(super) fn build(file: Option<&Path>, environment: &[(String, String)]) -> Result<config::Config, Problems> {
    let mut builder = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
    if let Some(path) = file {
        builder = builder.add_source(File::from(path).format(FileFormat::Toml));
    }
    // Values of the environment stay texts, so that a secret of digits is not read as a number; only the two lists are split.
    let source = environment.iter().filter(|(name, _)| name.starts_with("CLARITYLOOP__")).cloned().collect();
    let environment = Environment::with_prefix("CLARITYLOOP").prefix_separator("__").separator("__").source(Some(source));
    builder = builder.add_source(environment);
    let mut built = builder.build().map_err(|error| Problems(vec![error.to_string()]))?;
    for path in [&["trusted_proxies"][..], &["forge", "environments"]] {
        split_list(&mut built.cache, path);
    }
    Ok(built)
}

fn split_list(value: &mut Value, path: &[&str]) {
    match (&mut value.kind, path) {
        (ValueKind::Table(table), [name, rest @ ..]) => {
            if let Some(inner) = table.get_mut(*name) {
                split_list(inner, rest);
            }
        }
        (ValueKind::String(text), []) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            value.kind = ValueKind::Array(parts.map(|part| Value::from(part.to_owned())).collect());
        }
        _ => {}
    }
}

pub(super) fn flatten(root: Value) -> Vec<(String, Value)> {
    fn walk(prefix: &str, value: Value, into: &mut Vec<(String, Value)>) {
        match value.kind {
            ValueKind::Table(table) => {
                for (name, inner) in table {
                    let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
                    walk(&name, inner, into);
                }
            }
            _ => into.push((prefix.to_owned(), value)),
        }
    }
    let mut settings = Vec::new();
    walk("", root, &mut settings);
    settings.sort_by(|left, right| left.0.cmp(&right.0));
    settings
}

pub(super) fn origin(value: &Value) -> String {
    match value.origin() {
        None => "default".to_owned(),
        Some("the environment") => "environment".to_owned(),
        Some(file) => file.to_owned(),
    }
}

pub(super) fn setting(name: &str, value: &Value) -> Setting {
    let text = match &value.kind {
        ValueKind::Array(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        _ => value.to_string(),
    };
    let value_shown = match name {
        "secret_key" | "connect.app_secret" | "oauth.client_secret" if !text.is_empty() => "(set, not shown)".to_owned(),
        "database_url" => mask_password(&text),
        _ => text,
    };
    Setting { name: name.to_owned(), value: value_shown, origin: origin(value) }
}

pub(super) fn mask_password(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        return if url.is_empty() { String::new() } else { "(not shown)".to_owned() };
    };
    if parsed.password().is_some() && parsed.set_password(Some("not-shown")).is_err() {
        return "(not shown)".to_owned();
    }
    let pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
    if pairs.iter().any(|(name, _)| name.contains("password")) {
        parsed.query_pairs_mut().clear().extend_pairs(pairs.iter().map(|(name, value)| {
            let value = if name.contains("password") { "not-shown" } else { value };
            (name, value)
        }));
    }
    parsed.to_string()
}
