//! The descriptor of an app, read and refused as Bitbucket does; whoever calls or frames the app takes its addresses from here.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/app-descriptor/> and the modules pages below it.

use crate::module::check_module;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Where on a pull request page the sandbox shows a web panel.
pub(crate) const PANEL_LOCATION: &str = "org.bitbucket.pullrequest.overview.informationPanel";
/// Where on a pull request page the sandbox shows a web item.
pub(crate) const ITEM_LOCATION: &str = "org.bitbucket.pullrequest.summary.actions";

const SCOPES: [&str; 26] = [
    "account",
    "account:write",
    "email",
    "issue",
    "issue:write",
    "pipeline",
    "pipeline:variable",
    "pipeline:write",
    "project",
    "project:admin",
    "pullrequest",
    "pullrequest:write",
    "repository",
    "repository:admin",
    "repository:delete",
    "repository:write",
    "runner",
    "runner:write",
    "snippet",
    "snippet:write",
    "team",
    "team:write",
    "test",
    "test:write",
    "webhook",
    "wiki",
];

/// An accepted descriptor.
#[derive(Clone, Debug)]
pub struct Descriptor {
    /// The app key.
    pub key: String,
    /// The app's name, for people.
    pub name: String,
    /// What every relative address starts with; no trailing slash.
    pub base_url: String,
    /// The scopes as they are listed, without those that they imply.
    pub scopes: Vec<String>,
    /// The whole document.
    pub document: Value,
}

/// Why a descriptor is refused, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescriptorRefused(pub String);

/// A thing of the app that a page shows: its label and its address, still with context parameters.
pub(crate) struct Module<'a> {
    pub(crate) name: &'a str,
    pub(crate) url: &'a str,
}

impl Descriptor {
    /// Reads a descriptor.
    ///
    /// # Errors
    /// The first rule of Bitbucket's that it breaks.
    pub fn parse(document: Value) -> Result<Self, DescriptorRefused> {
        if document.get("apiMigrations").is_some() {
            return refuse("apiMigrations is not supported for Bitbucket");
        }
        let descriptor = Self {
            key: required_text(&document, "key")?,
            name: required_text(&document, "name")?,
            base_url: base_url(required_text(&document, "baseUrl")?)?,
            scopes: scopes(&document)?,
            document,
        };
        required_text(&descriptor.document, "description")?;
        descriptor.check_authentication()?;
        descriptor.check_lifecycle()?;
        descriptor.check_contexts()?;
        descriptor.check_modules()?;
        Ok(descriptor)
    }

    /// Whether the scopes, with all that they imply, contain this one.
    #[must_use]
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| implies(granted, scope))
    }

    /// The absolute form of an address in the descriptor.
    pub(crate) fn absolute(&self, address: &str) -> String {
        if address.contains("://") { address.to_owned() } else { format!("{}{address}", self.base_url) }
    }

    /// Path and raw query of an absolute address as they are signed: without the path of `baseUrl`.
    pub(crate) fn signed_parts(&self, address: &str) -> (String, String) {
        let within = address.strip_prefix(&self.base_url).unwrap_or_else(|| without_origin(address));
        let (path, query) = within.split_once('?').unwrap_or((within, ""));
        (path.to_owned(), query.to_owned())
    }

    /// The absolute address of a lifecycle callback (`installed`, `uninstalled`).
    pub(crate) fn lifecycle(&self, event: &str) -> Option<String> {
        Some(self.absolute(self.document.get("lifecycle")?.get(event)?.as_str()?))
    }

    /// The web panel or web item at a location.
    pub(crate) fn module_at(&self, kind: &str, location: &str) -> Option<Module<'_>> {
        self.modules(kind).find(|module| text(module, "location") == Some(location)).and_then(shown)
    }

    /// The configure page.
    pub(crate) fn configure_page(&self) -> Option<Module<'_>> {
        self.modules("configurePage").next().and_then(shown)
    }

    /// The address to which events of this key go.
    pub(crate) fn webhook(&self, event_key: &str) -> Option<String> {
        let listens = |hook: &&Value| text(hook, "event").is_some_and(|event| event == "*" || event == event_key);
        self.modules("webhooks").find(listens).and_then(|hook| text(hook, "url")).map(|url| self.absolute(url))
    }

    /// All modules of a kind; one that stands without a list around it counts as a list of one.
    fn modules<'a>(&'a self, kind: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        match self.document.get("modules").and_then(|modules| modules.get(kind)) {
            Some(Value::Array(modules)) => modules.as_slice(),
            Some(module) => std::slice::from_ref(module),
            None => &[],
        }
        .iter()
    }

    fn check_authentication(&self) -> Result<(), DescriptorRefused> {
        match self.document.get("authentication").and_then(|authentication| text(authentication, "type")) {
            Some("jwt" | "none") => Ok(()),
            _ => refuse("authentication.type must be jwt"),
        }
    }

    fn check_lifecycle(&self) -> Result<(), DescriptorRefused> {
        match self.document.get("lifecycle") {
            None => Ok(()),
            Some(Value::Object(callbacks)) if callbacks.values().all(Value::is_string) => Ok(()),
            Some(_) => refuse("lifecycle must name addresses"),
        }
    }

    fn check_contexts(&self) -> Result<(), DescriptorRefused> {
        match self.document.get("contexts") {
            None => Ok(()),
            Some(Value::Array(contexts)) if contexts.iter().all(|context| context == "account") => Ok(()),
            Some(_) => refuse("contexts may only hold account"),
        }
    }

    fn check_modules(&self) -> Result<(), DescriptorRefused> {
        let modules = match self.document.get("modules") {
            None => &Map::new(),
            Some(Value::Object(modules)) => modules,
            Some(_) => return refuse("modules must be an object"),
        };
        let mut keys = HashSet::new();
        for kind in modules.keys() {
            for module in self.modules(kind) {
                check_module(kind, module)?;
                if text(module, "key").is_some_and(|key| !keys.insert(key.to_owned())) {
                    return refuse(&format!("a module key stands twice in {kind}"));
                }
            }
        }
        if self.modules("configurePage").count() > 1 {
            return refuse("an app has one configurePage at most");
        }
        Ok(())
    }
}

impl std::fmt::Display for DescriptorRefused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for DescriptorRefused {}

fn base_url(base_url: String) -> Result<String, DescriptorRefused> {
    let Some((scheme, rest)) = base_url.split_once("://") else {
        return refuse("baseUrl must be absolute");
    };
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    if scheme != "https" && !(scheme == "http" && matches!(host, "127.0.0.1" | "localhost")) {
        return refuse("baseUrl must be https");
    }
    if base_url.ends_with('/') { refuse("baseUrl must not end with a slash") } else { Ok(base_url) }
}

fn scopes(document: &Value) -> Result<Vec<String>, DescriptorRefused> {
    let listed = match document.get("scopes") {
        None => return Ok(Vec::new()),
        Some(Value::Array(scopes)) => scopes,
        Some(_) => return refuse("scopes must be a list"),
    };
    let known = |scope: &Value| scope.as_str().filter(|scope| SCOPES.contains(scope)).map(str::to_owned);
    listed.iter().map(|scope| known(scope).ok_or_else(|| DescriptorRefused(format!("no such scope: {scope}")))).collect()
}

/// Scopes imply downwards, but `admin` and `delete` scopes do not imply reading.
pub(crate) fn implies(granted: &str, scope: &str) -> bool {
    granted == scope
        || match granted {
            "pullrequest:write" => ["pullrequest", "repository:write", "repository"].contains(&scope),
            "pullrequest" => scope == "repository",
            "pipeline:variable" => ["pipeline:write", "pipeline"].contains(&scope),
            _ => granted.strip_suffix(":write") == Some(scope),
        }
}

fn without_origin(address: &str) -> &str {
    let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    after_scheme.find('/').map_or("/", |slash| &after_scheme[slash..])
}

fn shown(module: &Value) -> Option<Module<'_>> {
    Some(Module { name: text(module.get("name")?, "value")?, url: text(module, "url")? })
}

pub(crate) fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str().filter(|text| !text.is_empty())
}

pub(crate) fn required_text(object: &Value, key: &str) -> Result<String, DescriptorRefused> {
    text(object, key).map(str::to_owned).ok_or_else(|| DescriptorRefused(format!("{key} is missing")))
}

pub(crate) fn refuse<T>(reason: &str) -> Result<T, DescriptorRefused> {
    Err(DescriptorRefused(reason.to_owned()))
}
