//! Settings as they are written, checked into [`Config`]; every problem is found at once. Used by `config` alone.

use std::net::SocketAddr;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Url;
use serde::Deserialize;

use super::{Config, Connect, LogFormat, Network, OAuth, Random, Secret};
use super::{address, forge};

#[derive(Deserialize)]
pub(super) struct Raw {
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
    forge: forge::Raw,
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
struct RawOAuth {
    client_id: String,
    client_secret: String,
}
pub(super) fn check(raw: Raw, is_chosen: impl Fn(&str) -> bool, problems: &mut Vec<String>) -> Option<Config> {
    let listen = socket("listen", &raw.listen, problems);
    let metrics_listen =
        if raw.metrics_listen.is_empty() { None } else { socket("metrics_listen", &raw.metrics_listen, problems) };
    let public_url = if raw.public_url.is_empty() { format!("http://{}", raw.listen) } else { raw.public_url };
    let public_url = address::public_url(&public_url, problems);
    let data_dir = PathBuf::from(&raw.data_dir);
    let database_url = address::database_url(&raw.database_url, &data_dir, problems);
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
    let forge = forge::check(raw.forge, problems);
    let oauth = OAuth { client_id: filled(raw.oauth.client_id), client_secret: filled(raw.oauth.client_secret).map(Secret::new) };
    if oauth.client_id.is_some() != oauth.client_secret.is_some() {
        problems.push("oauth.client_id: set oauth.client_secret with it, or leave both out".to_owned());
    }
    Some(Config {
        public_url: public_url?,
        listen: listen?,
        metrics_listen,
        metrics_listen_is_chosen: is_chosen("metrics_listen"),
        data_is_chosen: is_chosen("database_url") || is_chosen("data_dir"),
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
        forge: forge?,
        oauth,
        random: Random::system(),
    })
}

pub(super) fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn socket(name: &str, text: &str, problems: &mut Vec<String>) -> Option<SocketAddr> {
    text.parse().map_err(|_error| problems.push(format!("{name}: {text:?} is not an address such as 127.0.0.1:8080"))).ok()
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
