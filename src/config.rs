//! Every setting, checked once; `default.toml` beside this file is their documentation. Anyone may use it.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, NaiveDateTime, SubsecRound as _, Utc};
use config::{Environment, File, FileFormat, Value, ValueKind};
use reqwest::Url;
use serde::Deserialize;

const DEFAULTS: &str = include_str!("default.toml");

/// A text that must not be seen: its `Debug` and `check-config` show that it is set, nothing more.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text that must not be seen.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// A source of random bytes: the system's in production, a fixed one in a test that needs it.
#[derive(Clone)]
pub struct Random(Arc<Source>);

type Source = dyn Fn(&mut [u8]) + Send + Sync;

impl Random {
    /// Draws from `source`, which fills the slice it is given.
    pub fn new(source: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The operating system's generator.
    pub fn system() -> Self {
        Self::new(|bytes| {
            // Without randomness no secret can be made, and nothing later on would notice: stopping is the only safe answer.
            if aws_lc_rs::rand::fill(bytes).is_err() {
                std::process::abort();
            }
        })
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Random")
    }
}

/// What a rule may know of the outside: the time it is, and a source of randomness for new ids and tokens.
#[derive(Clone, Debug)]
pub struct Now {
    /// UTC, truncated to microseconds, because PostgreSQL keeps no more.
    pub at: NaiveDateTime,
    /// Where new ids and tokens come from.
    pub random: Random,
}

impl Now {
    /// The moment `at`.
    pub fn new(at: DateTime<Utc>, random: Random) -> Self {
        Self { at: at.naive_utc().trunc_subsecs(6), random }
    }

    /// Seconds since 1970, as tokens count them.
    pub fn unix_seconds(&self) -> i64 {
        self.at.and_utc().timestamp()
    }

    /// The moment `seconds` from now, or before it when negative.
    pub fn plus_seconds(&self, seconds: i64) -> NaiveDateTime {
        self.at + chrono::TimeDelta::seconds(seconds)
    }
}

/// A network of proxies, as `10.0.0.0/8` or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = prefix.map_or(Some(longest), |prefix| prefix.trim().parse().ok().filter(|bits| *bits <= longest))?;
        Some(Self { address, prefix_bits })
    }

    /// Whether `address` lies in this network.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let shift = 32 - u32::from(self.prefix_bits);
                u32::from(ours).checked_shr(shift).unwrap_or(0) == u32::from(theirs).checked_shr(shift).unwrap_or(0)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let shift = 128 - u32::from(self.prefix_bits);
                u128::from(ours).checked_shr(shift).unwrap_or(0) == u128::from(theirs).checked_shr(shift).unwrap_or(0)
            }
            _ => false,
        }
    }
}

/// Which database the scheme of `database_url` chose.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The path of a SQLite file.
    Sqlite(PathBuf),
    /// A libpq connection URL, which may hold a password.
    Postgres(Secret),
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(formatter, "sqlite://{}", path.display()),
            Self::Postgres(_) => formatter.write_str("postgres://…"),
        }
    }
}

/// The address people and Bitbucket reach the server at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// Without a trailing slash.
    pub text: String,
    /// Its path, empty or with a leading and no trailing slash.
    pub path: String,
    /// Whether it is https.
    pub is_https: bool,
}

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

#[derive(Deserialize)]
struct Raw {
    public_url: String,
    listen: String,
    metrics_listen: String,
    trusted_proxies: Vec<String>,
    database_url: String,
    data_dir: String,
    secret_key: String,
    log: String,
    log_format: String,
    shutdown_seconds: u64,
    workers: usize,
    database: RawDatabase,
    bitbucket: RawBitbucket,
    connect: RawConnect,
    forge: RawForge,
    oauth: RawOAuth,
}

#[derive(Deserialize)]
struct RawDatabase {
    readers: usize,
}

#[derive(Deserialize)]
struct RawBitbucket {
    api_url: String,
    web_url: String,
}

#[derive(Deserialize)]
struct RawConnect {
    app_key: String,
    app_secret: String,
}

#[derive(Deserialize)]
struct RawForge {
    app_id: String,
    jwks_url: String,
    environments: Vec<String>,
    install_link: String,
}

#[derive(Deserialize)]
struct RawOAuth {
    client_id: String,
    client_secret: String,
}

/// Reads the defaults, the file and the environment (its variables as pairs), and checks all of it.
///
/// # Errors
/// Every problem found, each naming its setting.
pub fn load(file: Option<&Path>, environment: &[(String, String)]) -> Result<(Config, Vec<Setting>), Problems> {
    let known = flatten(build(None, &[])?.cache);
    let built = build(file, environment)?;
    let effective = flatten(built.cache.clone());

    let mut problems: Vec<String> = effective
        .iter()
        .filter(|(name, _)| !known.iter().any(|(known, _)| known == name))
        .map(|(name, value)| format!("{name}: there is no such setting (set in {})", origin(value)))
        .collect();
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    let raw: Raw = built.try_deserialize().map_err(|error| Problems(vec![error.to_string()]))?;
    let settings = effective.iter().map(|(name, value)| setting(name, value)).collect();
    let chosen = |name: &str| effective.iter().any(|(setting, value)| setting == name && origin(value) != "default");
    let config = check(raw, chosen("metrics_listen"), &mut problems);
    match config {
        Some(config) if problems.is_empty() => Ok((config, settings)),
        _ => Err(Problems(problems)),
    }
}

fn build(file: Option<&Path>, environment: &[(String, String)]) -> Result<config::Config, Problems> {
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

fn flatten(root: Value) -> Vec<(String, Value)> {
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

fn origin(value: &Value) -> String {
    match value.origin() {
        None => "default".to_owned(),
        Some("the environment") => "environment".to_owned(),
        Some(file) => file.to_owned(),
    }
}

fn setting(name: &str, value: &Value) -> Setting {
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

fn mask_password(url: &str) -> String {
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

fn check(raw: Raw, metrics_listen_is_chosen: bool, problems: &mut Vec<String>) -> Option<Config> {
    let listen = address("listen", &raw.listen, problems);
    let metrics_listen =
        if raw.metrics_listen.is_empty() { None } else { address("metrics_listen", &raw.metrics_listen, problems) };
    let public_url = if raw.public_url.is_empty() { format!("http://{}", raw.listen) } else { raw.public_url };
    let public_url = check_public_url(&public_url, problems);
    let data_dir = PathBuf::from(&raw.data_dir);
    let database_url = check_database_url(&raw.database_url, &data_dir, problems);
    let secret_keys = raw.secret_key.split(',').map(str::trim).filter(|key| !key.is_empty());
    let secret_keys = secret_keys.filter_map(|key| check_secret_key(key, problems)).collect();
    let trusted_proxies = raw.trusted_proxies.iter().filter_map(|text| {
        let network = Network::parse(text);
        if network.is_none() {
            problems.push(format!("trusted_proxies: {text:?} is neither an address nor a network such as 10.0.0.0/8"));
        }
        network
    });
    let trusted_proxies = trusted_proxies.collect();
    let log_format = match raw.log_format.as_str() {
        "human" => LogFormat::Human,
        "json" => LogFormat::Json,
        "auto" => LogFormat::Auto,
        other => {
            problems.push(format!("log_format: {other:?} is not human, json or auto"));
            LogFormat::Auto
        }
    };
    if raw.log.parse::<tracing_subscriber::EnvFilter>().is_err() {
        problems.push(format!("log: {:?} is neither a level nor a tracing filter", raw.log));
    }
    let app_key = raw.connect.app_key;
    if app_key.is_empty()
        || app_key.len() > 80
        || !app_key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        problems.push("connect.app_key: 1 to 80 letters, digits, dots, dashes and underscores".to_owned());
    }
    let bitbucket_api_url = origin_url("bitbucket.api_url", &raw.bitbucket.api_url, problems);
    let bitbucket_web_url = origin_url("bitbucket.web_url", &raw.bitbucket.web_url, problems);
    let jwks_url = Url::parse(&raw.forge.jwks_url).map_err(|_error| problems.push("forge.jwks_url: not a URL".to_owned())).ok();
    Some(Config {
        public_url: public_url?,
        listen: listen?,
        metrics_listen,
        metrics_listen_is_chosen,
        trusted_proxies,
        database_url: database_url?,
        database_readers: raw.database.readers,
        data_dir,
        secret_keys,
        log: raw.log,
        log_format,
        shutdown_seconds: raw.shutdown_seconds,
        workers: raw.workers,
        bitbucket_api_url: bitbucket_api_url?,
        bitbucket_web_url: bitbucket_web_url?,
        connect: Connect { app_key, app_secret: filled(raw.connect.app_secret).map(Secret::new) },
        forge: Forge {
            app_id: filled(raw.forge.app_id),
            jwks_url: jwks_url?,
            environments: raw.forge.environments,
            install_link: filled(raw.forge.install_link),
        },
        oauth: OAuth { client_id: filled(raw.oauth.client_id), client_secret: filled(raw.oauth.client_secret).map(Secret::new) },
        random: Random::system(),
    })
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn address(name: &str, text: &str, problems: &mut Vec<String>) -> Option<SocketAddr> {
    text.parse().map_err(|_error| problems.push(format!("{name}: {text:?} is not an address such as 127.0.0.1:8080"))).ok()
}

fn check_public_url(text: &str, problems: &mut Vec<String>) -> Option<PublicUrl> {
    let parsed = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = parsed.filter(|url| url.query().is_none() && url.fragment().is_none() && url.username().is_empty()) else {
        problems.push(format!("public_url: {text:?} is not an address such as https://clarityloop.example.com"));
        return None;
    };
    if text.ends_with('/') {
        problems.push("public_url: leave out the trailing slash, Bitbucket refuses it".to_owned());
        return None;
    }
    Some(PublicUrl {
        text: text.to_owned(),
        path: url.path().trim_end_matches('/').to_owned(),
        is_https: url.scheme() == "https",
    })
}

fn check_database_url(text: &str, data_dir: &Path, problems: &mut Vec<String>) -> Option<DatabaseUrl> {
    if text.is_empty() {
        return Some(DatabaseUrl::Sqlite(data_dir.join("clarityloop.db")));
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Some(DatabaseUrl::Postgres(Secret::new(text)));
    }
    match text.strip_prefix("sqlite://") {
        Some(path) if !path.is_empty() => Some(DatabaseUrl::Sqlite(PathBuf::from(path))),
        _ => {
            problems.push("database_url: begins with neither sqlite:// nor postgres://".to_owned());
            None
        }
    }
}

fn check_secret_key(text: &str, problems: &mut Vec<String>) -> Option<[u8; 32]> {
    let key = BASE64.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    if key.is_none() {
        problems.push("secret_key: a key is 32 bytes in base64, as `openssl rand -base64 32` makes them".to_owned());
    }
    key
}

fn origin_url(name: &str, text: &str, problems: &mut Vec<String>) -> Option<String> {
    let url =
        Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none());
    if url.is_none() {
        problems.push(format!("{name}: {text:?} is not an address such as https://bitbucket.org"));
    }
    url.map(|_| text.trim_end_matches('/').to_owned())
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
        ];
        let problems = load(None, &environment(&pairs)).unwrap_err().0;
        for name in ["database_url", "secret_key", "public_url"] {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name} in {problems:?}");
        }
    }

    #[test]
    fn a_password_is_masked_wherever_it_stands_in_a_database_url() {
        for url in ["postgres://ada:hunter2@db/x", "postgres://db/x?user=ada&password=hunter2"] {
            assert!(!mask_password(url).contains("hunter2"));
        }
    }
}
