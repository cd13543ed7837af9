//! The settings of the Forge app as they are written, checked. Used by `config` alone.

use reqwest::Url;
use serde::Deserialize;
use uuid::Uuid;

use super::{Forge, check::filled};

const APP: &str = "ari:cloud:ecosystem::app/";
const ENVIRONMENTS: [&str; 3] = ["PRODUCTION", "STAGING", "DEVELOPMENT"];

#[derive(Deserialize)]
pub(super) struct Raw {
    app_id: String,
    jwks_url: String,
    environments: Vec<String>,
    install_link: String,
}

pub(super) fn check(raw: Raw, problems: &mut Vec<String>) -> Option<Forge> {
    let app_id = filled(raw.app_id);
    if app_id.as_deref().is_some_and(|app_id| !is_app_id(app_id)) {
        problems.push(format!("forge.app_id: the whole id as `forge register` shows it, {APP} and a UUID"));
    }
    let jwks_url = Url::parse(&raw.jwks_url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if jwks_url.is_none() {
        problems.push(format!("forge.jwks_url: {:?} is not an address such as that in default.toml", raw.jwks_url));
    }
    if raw.environments.is_empty() || !raw.environments.iter().all(|name| ENVIRONMENTS.contains(&name.as_str())) {
        problems.push(format!("forge.environments: one or more of {}", ENVIRONMENTS.join(", ")));
    }
    let install_link = filled(raw.install_link);
    if install_link.as_deref().is_some_and(|link| !is_https(link)) {
        problems
            .push("forge.install_link: the https link that the developer console shows under Distribution > Sharing".to_owned());
    }
    Some(Forge { app_id, jwks_url: jwks_url?, environments: raw.environments, install_link })
}

/// Tokens are compared with the id as it stands, so only the way in which Forge writes it is taken.
fn is_app_id(text: &str) -> bool {
    let uuid = text.strip_prefix(APP).and_then(|uuid| Uuid::try_parse(uuid).ok());
    uuid.is_some_and(|uuid| format!("{APP}{uuid}") == text)
}

fn is_https(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host())
}
