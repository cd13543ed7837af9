//! The path of a call, built from encoded segments only, so that no name can lead a call elsewhere. Whoever calls Bitbucket makes one.

use std::fmt;

/// Bitbucket's own limit is not documented; nothing real comes near.
const LONGEST_BYTES: usize = 4096;
/// Every path begins with it; the paths of the OpenAPI file come after it.
pub(super) const ROOT: &str = "/2.0";

/// A path below `/2.0`, percent-encoded, on the configured host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ApiPath {
    encoded: String,
}

/// Why a text is no path of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathRefused {
    /// Nothing is named.
    #[error("Name a path below /2.0, such as /user.")]
    Empty,
    /// `.` or `..`, in any encoding.
    #[error("The path must not contain . or .. as a segment.")]
    Dots,
    /// A segment with nothing in it.
    #[error("The path must not contain two slashes in a row.")]
    EmptySegment,
    /// A control character or a backslash, in any encoding.
    #[error("The path must not contain control characters or backslashes.")]
    Character,
    /// Longer than any real path.
    #[error("The path is too long.")]
    TooLong,
}

impl PathRefused {
    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "path_empty",
            Self::Dots => "path_has_dots",
            Self::EmptySegment => "path_has_empty_segment",
            Self::Character => "path_has_bad_character",
            Self::TooLong => "path_too_long",
        }
    }
}

impl ApiPath {
    /// The path with these segments, none of them encoded: a slash in a branch name and the braces of a UUID are encoded here.
    ///
    /// # Errors
    /// A segment that is empty, `.` or `..`, or holds control characters.
    pub fn of<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Result<Self, PathRefused> {
        let mut encoded = ROOT.to_owned();
        for segment in segments {
            check(segment.as_ref())?;
            encoded.push('/');
            encode_into(&mut encoded, segment.as_ref());
        }
        match encoded.len() {
            length if length == ROOT.len() => Err(PathRefused::Empty),
            length if length > LONGEST_BYTES => Err(PathRefused::TooLong),
            _ => Ok(Self { encoded }),
        }
    }

    /// The same path with a slash at its end, which some resources need.
    #[must_use]
    pub fn closed(mut self) -> Self {
        if !self.encoded.ends_with('/') {
            self.encoded.push('/');
        }
        self
    }

    /// The path as it goes on the wire, beginning with `/2.0/`.
    pub fn as_str(&self) -> &str {
        &self.encoded
    }

    /// The segments after `/2.0`, decoded; a slash at the end adds none.
    pub fn segments(&self) -> Vec<String> {
        let below = self.encoded.strip_prefix(ROOT).unwrap_or(&self.encoded);
        below.split('/').filter(|segment| !segment.is_empty()).filter_map(decode).collect()
    }
}

impl fmt::Display for ApiPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.encoded)
    }
}

/// Percent-encodes everything but what RFC 3986 calls unreserved.
pub(super) fn encode_into(encoded: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(hexadecimal(byte >> 4));
            encoded.push(hexadecimal(byte & 15));
        }
    }
}

fn hexadecimal(digit: u8) -> char {
    char::from(if digit < 10 { b'0' + digit } else { b'A' + digit - 10 })
}

fn check(segment: &str) -> Result<(), PathRefused> {
    if segment.is_empty() {
        return Err(PathRefused::EmptySegment);
    }
    // Whoever decodes once more than we do must not find dots or slashes that were not there.
    let mut layer = segment.to_owned();
    loop {
        if layer.chars().any(|c| c.is_control() || c == '\\') {
            return Err(PathRefused::Character);
        }
        if layer.split('/').any(|part| part == "." || part == "..") {
            return Err(PathRefused::Dots);
        }
        match decode(&layer) {
            Some(below) if below != layer => layer = below,
            _ => return Ok(()),
        }
    }
}

/// `None` for what is not well encoded.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
            let (high, low) = (digit(rest.next())?, digit(rest.next())?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(segments: &[&str]) -> Result<String, PathRefused> {
        ApiPath::of(segments).map(|path| path.as_str().to_owned())
    }

    #[test]
    fn braces_slashes_and_dots_in_names_are_encoded_where_they_must_be() {
        let path = ApiPath::of(["repositories", "{}", "{b1}", "refs", "branches", "feature/a b..c"]).unwrap();
        assert_eq!(path.as_str(), "/2.0/repositories/%7B%7D/%7Bb1%7D/refs/branches/feature%2Fa%20b..c");
        assert_eq!(path.segments()[5], "feature/a b..c");
        assert!(path.closed().closed().as_str().ends_with("b..c/"));
    }

    #[test]
    fn whatever_could_lead_elsewhere_is_refused() {
        for (segments, refusal) in [
            (&[][..], PathRefused::Empty),
            (&["user", ""], PathRefused::EmptySegment),
            (&["repositories", "..", "user"], PathRefused::Dots),
            (&["repositories", ".", "user"], PathRefused::Dots),
            (&["repositories", "a/../b"], PathRefused::Dots),
            (&["repositories", "%2e%2E"], PathRefused::Dots),
            (&["repositories", "a%252f%252e%252e%252fb"], PathRefused::Dots),
            (&["repositories", "a\r\nHost: evil"], PathRefused::Character),
            (&["repositories", "a%0d%0aHost: evil"], PathRefused::Character),
            (&["repositories", "a\\..\\b"], PathRefused::Character),
            (&["repositories", "a\0b"], PathRefused::Character),
        ] {
            assert_eq!(of(segments), Err(refusal), "{segments:?}");
        }
        assert_eq!(ApiPath::of(["a".repeat(LONGEST_BYTES)]), Err(PathRefused::TooLong));
        assert_eq!(of(&["refs", "branches", "100%"]).as_deref(), Ok("/2.0/refs/branches/100%25"), "a name is a name");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back_and_stays_below_the_root(segments in proptest::collection::vec(".{1,12}", 1..6)) {
            if let Ok(path) = ApiPath::of(&segments) {
                prop_assert_eq!(path.segments(), segments);
                let url = reqwest::Url::parse(&format!("https://api.bitbucket.org{path}")).unwrap();
                prop_assert_eq!(url.path(), path.as_str());
                prop_assert!(url.host_str() == Some("api.bitbucket.org") && url.query().is_none());
            }
        }

        #[test]
        fn tricks_of_encoding_do_not_leave_the_root(segments in proptest::collection::vec("[a%2eEfF5cC/\\\\.:@?#]{1,12}", 1..4)) {
            if let Ok(path) = ApiPath::of(&segments) {
                let url = reqwest::Url::parse(&format!("https://api.bitbucket.org{path}")).unwrap();
                prop_assert_eq!(url.path(), path.as_str());
                prop_assert!(url.path().starts_with("/2.0/") && url.query().is_none());
            }
        }
    }
}
