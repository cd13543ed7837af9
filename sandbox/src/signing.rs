//! The canonical request and the query string hash, written from the facts and shared with nobody: a server under test has its own.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/query-string-hash/>.

use crate::percent::{percent_encode, query_pairs};
use sha2::{Digest, Sha256};
use std::{cmp::Ordering, collections::BTreeMap};

/// The canonical form of a request. `path` is as it stands in the address, without the path of the app's `baseUrl`.
#[must_use]
pub fn canonical_request(method: &str, path: &str, raw_query: &str) -> String {
    canonical_request_of_pairs(method, path, &query_pairs(raw_query))
}

/// The canonical form of a request whose query is already decoded into pairs.
///
/// `METHOD&path&query`: a `jwt` parameter is left out; names are in order of UTF-16 code units, as Atlassian's own library sorts;
/// a repeated name becomes one, its values sorted and joined by commas.
#[must_use]
pub fn canonical_request_of_pairs(method: &str, path: &str, pairs: &[(String, String)]) -> String {
    let mut values_by_name: BTreeMap<CodeUnits, Vec<CodeUnits>> = BTreeMap::new();
    for (name, value) in pairs.iter().filter(|(name, _)| name != "jwt") {
        values_by_name.entry(CodeUnits(name)).or_default().push(CodeUnits(value));
    }
    let parameters: Vec<String> = values_by_name
        .into_iter()
        .map(|(name, mut values)| {
            values.sort();
            let values: Vec<String> = values.iter().map(|value| percent_encode(value.0)).collect();
            format!("{}={}", percent_encode(name.0), values.join(","))
        })
        .collect();
    format!("{}&{}&{}", method.to_ascii_uppercase(), canonical_path(path), parameters.join("&"))
}

/// The `qsh` claim: SHA-256 of the canonical request, in lower-case hexadecimal.
#[must_use]
pub fn query_string_hash(canonical_request: &str) -> String {
    hexadecimal(&Sha256::digest(canonical_request))
}

/// Lower-case hexadecimal of any bytes.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Always starts with a slash and ends with one only if it is the only character; an ampersand would read as a separator.
fn canonical_path(path: &str) -> String {
    let path = path.trim_end_matches('/').replace('&', "%26");
    if path.starts_with('/') { path } else { format!("/{path}") }
}

/// Text in the order of its UTF-16 code units, which differs from that of UTF-8 beyond the basic plane.
#[derive(PartialEq, Eq)]
struct CodeUnits<'a>(&'a str);

impl Ord for CodeUnits<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.encode_utf16().cmp(other.0.encode_utf16())
    }
}

impl PartialOrd for CodeUnits<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
