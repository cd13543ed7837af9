//! Every setting, checked once; `default.toml` beside this file is their documentation. Anyone may use it.

mod address;
mod check;
mod forge;
mod outside;
mod sources;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use reqwest::Url;

pub use address::{DatabaseUrl, Network, PublicUrl};
pub use outside::{Now, Random, Secret};

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person at a terminal.
    Human,
    /// One JSON object a line.
    Json,
    /// Human on a terminal, JSON otherwise.
    Auto,
}

/// The settings of the Connect app.
#[derive(Clone, Debug)]
pub struct Connect {
    /// The key of the app, unique in Bitbucket.
    pub app_key: String,
    /// The secret of a registered app.
    pub app_secret: Option<Secret>,
}

/// The settings of the Forge app.
#[derive(Clone, Debug)]
pub struct Forge {
    /// The Forge app's id; absent: no Forge.
    pub app_id: Option<String>,
    /// Where Forge publishes its keys.
    pub jwks_url: Url,
    /// Environments whose calls are accepted.
    pub environments: Vec<String>,
    /// Where a workspace installs the app.
    pub install_link: Option<String>,
}

/// The OAuth consumer for signing in.
#[derive(Clone, Debug)]
pub struct OAuth {
    /// The consumer's key.
    pub client_id: Option<String>,
    /// The consumer's secret.
    pub client_secret: Option<Secret>,
}

/// Every setting, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address people and Bitbucket reach the server at.
    pub public_url: PublicUrl,
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Where /metrics is served.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether somebody chose `metrics_listen`: only then is a port that is taken a reason not to start.
    pub metrics_listen_is_chosen: bool,
    /// Whether somebody chose where data live: only a server with nothing configured makes a first workspace by itself.
    pub data_is_chosen: bool,
    /// Proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<Network>,
    /// Which database.
    pub database_url: DatabaseUrl,
    /// Threads that read; 0 chooses.
    pub database_readers: usize,
    /// Where files live.
    pub data_dir: PathBuf,
    /// Keys that secrets are sealed under; empty: the key file.
    pub secret_keys: Vec<[u8; 32]>,
    /// The tracing filter.
    pub log: String,
    /// How logs are written.
    pub log_format: LogFormat,
    /// How long requests in flight may take after SIGTERM.
    pub shutdown_seconds: u64,
    /// Threads that answer HTTP; 0 chooses.
    pub workers: usize,
    /// The REST API, without a trailing slash.
    pub bitbucket_api_url: String,
    /// The site people see, without a trailing slash.
    pub bitbucket_web_url: String,
    /// The Connect app.
    pub connect: Connect,
    /// The Forge app.
    pub forge: Forge,
    /// The OAuth consumer.
    pub oauth: OAuth,
    /// Where ids and tokens come from.
    pub random: Random,
}

/// One effective setting, for `check-config`.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its dotted name.
    pub name: String,
    /// Its value, masked when it is a secret.
    pub value: String,
    /// Where it was set.
    pub origin: String,
}

/// Everything that is wrong with the settings, at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Problems(pub Vec<String>);
/// Reads the defaults, the file and the environment (its variables as pairs), and checks all of it.
///
/// # Errors
/// Every problem found, each naming its setting.
pub fn load(file: Option<&Path>, environment: &[(String, String)]) -> Result<(Config, Vec<Setting>), Problems> {
    let known = sources::flatten(sources::build(None, &[])?.cache);
    let built = sources::build(file, environment)?;
    let effective = sources::flatten(built.cache.clone());

    let mut problems: Vec<String> = effective
        .iter()
        .filter(|(name, _)| !known.iter().any(|(known, _)| known == name))
        .map(|(name, value)| format!("{name}: there is no such setting (set in {})", sources::origin(value)))
        .collect();
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    let raw: check::Raw = built.try_deserialize().map_err(|error| Problems(vec![error.to_string()]))?;
    let settings = effective.iter().map(|(name, value)| sources::setting(name, value)).collect();
    let chosen = |name: &str| effective.iter().any(|(setting, value)| setting == name && sources::origin(value) != "default");
    let config = check::check(raw, chosen, &mut problems);
    match config {
        Some(config) if problems.is_empty() => Ok((config, settings)),
        _ => Err(Problems(problems)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn nothing_configured_is_a_server_on_loopback_with_sqlite_under_data() {
        let (config, settings) = load(None, &[]).unwrap();
        assert_eq!(config.public_url.text, "http://127.0.0.1:8080");
        assert_eq!(config.database_url, DatabaseUrl::Sqlite("./data/clarityloop.db".into()));
        assert!(settings.iter().all(|setting| setting.origin == "default"));
    }

    #[test]
    fn the_environment_wins_and_secrets_of_digits_stay_as_they_are() {
        let pairs = [("CLARITYLOOP__CONNECT__APP_SECRET", "007"), ("CLARITYLOOP__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1")];
        let (config, settings) = load(None, &environment(&pairs)).unwrap();
        assert_eq!(config.connect.app_secret.unwrap().expose(), "007");
        assert!(config.trusted_proxies[0].contains("10.9.8.7".parse().unwrap()));
        assert!(!config.trusted_proxies[1].contains("192.0.2.2".parse().unwrap()));
        let shown = settings.iter().find(|setting| setting.name == "connect.app_secret").unwrap();
        assert_eq!((shown.value.as_str(), shown.origin.as_str()), ("(set, not shown)", "environment"));
    }

    #[test]
    fn an_unknown_setting_is_named() {
        let problems = load(None, &environment(&[("CLARITYLOOP__CONNECT__APPKEY", "x")])).unwrap_err();
        assert!(problems.to_string().contains("connect.appkey"), "{problems}");
    }

    #[test]
    fn every_bad_setting_is_named_at_once() {
        let pairs = [
            ("CLARITYLOOP__DATABASE_URL", "mysql://x"),
            ("CLARITYLOOP__SECRET_KEY", "c2hvcnQ="),
            ("CLARITYLOOP__PUBLIC_URL", "https://example.com/"),
            ("CLARITYLOOP__OAUTH__CLIENT_ID", "without a secret"),
        ];
        let problems = load(None, &environment(&pairs)).unwrap_err().0;
        for name in ["database_url", "secret_key", "public_url", "oauth.client_id"] {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name} in {problems:?}");
        }
    }

    #[test]
    fn a_forge_app_is_named_in_full_and_installed_over_https() {
        for (name, bad) in [
            ("APP_ID", "8a7b6c5d-0000-4000-8000-000000000001"),
            ("APP_ID", "ari:cloud:ecosystem::app/8A7B6C5D-0000-4000-8000-000000000001"),
            ("APP_ID", "ari:cloud:ecosystem::app/x"),
            ("JWKS_URL", "forge.cdn.prod.atlassian-dev.net"),
            ("JWKS_URL", "file:///etc/passwd"),
            ("ENVIRONMENTS", ""),
            ("ENVIRONMENTS", "PRODUCTION,production"),
            ("INSTALL_LINK", "http://developer.atlassian.com/console/install/1"),
            ("INSTALL_LINK", "javascript:alert(1)"),
        ] {
            let problems = load(None, &environment(&[(&format!("CLARITYLOOP__FORGE__{name}"), bad)])).unwrap_err().0;
            let name = format!("forge.{}", name.to_lowercase());
            assert!(problems.len() == 1 && problems[0].starts_with(&name), "{name} in {problems:?}");
        }
        let app_id = "ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000001";
        let pairs = [("CLARITYLOOP__FORGE__APP_ID", app_id), ("CLARITYLOOP__FORGE__ENVIRONMENTS", "DEVELOPMENT, PRODUCTION")];
        let (config, _) = load(None, &environment(&pairs)).unwrap();
        assert_eq!(config.forge.app_id.as_deref(), Some(app_id));
        assert_eq!(config.forge.environments, ["DEVELOPMENT", "PRODUCTION"]);
    }

    #[test]
    fn a_password_is_masked_wherever_it_stands_in_a_database_url() {
        for url in ["postgres://ada:hunter2@db/x", "postgres://db/x?user=ada&password=hunter2"] {
            assert!(!sources::mask_password(url).contains("hunter2"));
        }
    }
}
