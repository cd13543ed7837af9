//! Addresses: of proxies, of the database, of this server. Re-exported by `config`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use reqwest::Url;

use super::Secret;

/// A network of proxies, as `10.0.0.0/8` or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

impl Network {
    pub(super) fn parse(text: &str) -> Option<Self> {
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
/// Reads `public_url`.
pub(super) fn public_url(text: &str, problems: &mut Vec<String>) -> Option<PublicUrl> {
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

/// Reads `database_url`; without one the database is a file in `data_dir`.
pub(super) fn database_url(text: &str, data_dir: &Path, problems: &mut Vec<String>) -> Option<DatabaseUrl> {
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
