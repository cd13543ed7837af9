//! The query string hash: one SHA-256 over method, path and every parameter but `jwt`, which ties a token to the request it
//! was made for. For the verifier of tokens and for the signer of our own calls.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/query-string-hash/>

use std::fmt::Write;

use aws_lc_rs::digest;

use super::query::Query;

/// The hash of a request in lower-case hexadecimal, as the claim `qsh` holds it.
pub fn query_string_hash(method: &str, path: &str, query: &Query) -> String {
    let canonical = canonical_request(method, path, query);
    lowercase_hexadecimal(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
}

/// The text that is hashed: `METHOD&/path&name=value&name=value`.
///
/// `path` is the raw path as it was requested, still percent-encoded, without query. Parameters are sorted by decoded name;
/// a name that comes several times becomes one, its sorted values joined by commas; `jwt` is left out and nothing else is.
pub fn canonical_request(method: &str, path: &str, query: &Query) -> String {
    let mut canonical = method.to_ascii_uppercase();
    canonical.push('&');
    push_path(&mut canonical, path);
    canonical.push('&');
    push_parameters(&mut canonical, query);
    canonical
}

fn push_path(canonical: &mut String, path: &str) {
    let path = path.trim_end_matches('/');
    if !path.starts_with('/') {
        canonical.push('/');
    }
    // An `&` in the path would otherwise be taken for the end of the path.
    canonical.push_str(&path.replace('&', "%26"));
}

fn push_parameters(canonical: &mut String, query: &Query) {
    let mut pairs: Vec<_> = query.pairs().filter(|(name, _)| *name != "jwt").collect();
    // Names, then values, in the order of UTF-16 code units, as Atlassian's own library sorts.
    pairs.sort_unstable_by(|(name, value), (other_name, other_value)| {
        let names = name.encode_utf16().cmp(other_name.encode_utf16());
        names.then_with(|| value.encode_utf16().cmp(other_value.encode_utf16()))
    });

    let mut previous = None;
    for (name, value) in pairs {
        if previous == Some(name) {
            canonical.push(',');
        } else {
            if previous.is_some() {
                canonical.push('&');
            }
            push_encoded(canonical, name);
            canonical.push('=');
        }
        push_encoded(canonical, value);
        previous = Some(name);
    }
}

/// Percent-encodes everything that RFC 3986 does not call unreserved (section 2.3).
fn push_encoded(canonical: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            canonical.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(canonical, "%{byte:02X}");
        }
    }
}

pub(super) fn lowercase_hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

#[cfg(test)]
mod tests;
