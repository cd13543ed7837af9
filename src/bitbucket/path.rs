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
    /// It names a host, or a scheme, or carries a query.
    #[error("Write the path alone, without host, question mark or hash sign.")]
    NotAPath,
    /// `.` or `..`, in any encoding.
    #[error("The path must not contain . or .. as a segment.")]
    Dots,
    /// Two slashes in a row.
    #[error("The path must not contain two slashes in a row.")]
    EmptySegment,
    /// A percent sign without two hexadecimal digits, or bytes that are no UTF-8.
    #[error("The path is not well percent-encoded.")]
    Encoding,
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
            Self::NotAPath => "path_not_relative",
            Self::Dots => "path_has_dots",
            Self::EmptySegment => "path_has_empty_segment",
            Self::Encoding => "path_badly_encoded",
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

    /// Reads a path as a person writes it, below `/2.0` or with it, in one layer of percent-encoding or none for braces.
    ///
    /// # Errors
    /// Whatever could lead elsewhere or be read in two ways.
    pub fn parse(text: &str) -> Result<Self, PathRefused> {
        if text.len() > LONGEST_BYTES {
            return Err(PathRefused::TooLong);
        }
        if text.starts_with("//") || text.contains("://") || text.contains(['?', '#']) {
            return Err(PathRefused::NotAPath);
        }
        let path = text.strip_prefix('/').unwrap_or(text);
        let path = match path.strip_prefix("2.0") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest.strip_prefix('/').unwrap_or(rest),
            _ => path,
        };
        let (path, is_closed) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
        if path.is_empty() {
            return Err(PathRefused::Empty);
        }
        let segments: Vec<String> = path.split('/').map(decode).collect::<Result<_, _>>()?;
        let path = Self::of(segments)?;
        Ok(if is_closed { path.closed() } else { path })
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
        below.split('/').filter(|segment| !segment.is_empty()).filter_map(|segment| decode(segment).ok()).collect()
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
            Ok(below) if below != layer => layer = below,
            _ => return Ok(()),
        }
    }
}

fn decode(segment: &str) -> Result<String, PathRefused> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).ok_or(PathRefused::Encoding);
            let (high, low) = (digit(rest.next())?, digit(rest.next())?);
            bytes.push(u8::try_from(high * 16 + low).map_err(|_never| PathRefused::Encoding)?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_not_utf8| PathRefused::Encoding)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<String, PathRefused> {
        ApiPath::parse(text).map(|path| path.as_str().to_owned())
    }

    #[test]
    fn braces_slashes_and_dots_in_names_are_encoded_where_they_must_be() {
        let path = ApiPath::of(["repositories", "{}", "{b1}", "refs", "branches", "feature/a b..c"]).unwrap();
        assert_eq!(path.as_str(), "/2.0/repositories/%7B%7D/%7Bb1%7D/refs/branches/feature%2Fa%20b..c");
        assert_eq!(path.segments()[5], "feature/a b..c");
    }

    #[test]
    fn a_path_is_read_with_or_without_the_root_and_braces_may_come_either_way() {
        for text in ["user/emails", "/user/emails", "/2.0/user/emails", "2.0/user/emails"] {
            assert_eq!(parsed(text).as_deref(), Ok("/2.0/user/emails"), "{text}");
        }
        assert_eq!(parsed("/repositories/{x}/%7By%7D/"), Ok("/2.0/repositories/%7Bx%7D/%7By%7D/".to_owned()));
        assert_eq!(parsed("/2.0.1/user"), Ok("/2.0/2.0.1/user".to_owned()));
    }

    #[test]
    fn whatever_could_lead_elsewhere_is_refused() {
        for (text, refusal) in [
            ("", PathRefused::Empty),
            ("/", PathRefused::Empty),
            ("/2.0/", PathRefused::Empty),
            ("https://evil.example/2.0/user", PathRefused::NotAPath),
            ("//evil.example/user", PathRefused::NotAPath),
            ("/user?access_token=x", PathRefused::NotAPath),
            ("/user#x", PathRefused::NotAPath),
            ("/repositories/../user", PathRefused::Dots),
            ("/repositories/./user", PathRefused::Dots),
            ("/repositories/%2e%2E/user", PathRefused::Dots),
            ("/repositories/%252e%252e/user", PathRefused::Dots),
            ("/repositories/a%2F..%2Fb/user", PathRefused::Dots),
            ("/repositories/a%252f%252e%252e%252fb", PathRefused::Dots),
            ("/repositories//user", PathRefused::EmptySegment),
            ("/repositories/%zz", PathRefused::Encoding),
            ("/repositories/%f", PathRefused::Encoding),
            ("/repositories/%ff", PathRefused::Encoding),
            ("/repositories/a%0d%0aHost:evil", PathRefused::Character),
            ("/repositories/a\\..\\b", PathRefused::Character),
            ("/repositories/a%5c..%5cb", PathRefused::Character),
            ("/repositories/a%00b", PathRefused::Character),
        ] {
            assert_eq!(parsed(text), Err(refusal), "{text}");
        }
        assert_eq!(parsed(&"a".repeat(LONGEST_BYTES + 1)), Err(PathRefused::TooLong));
        assert_eq!(ApiPath::of(["a".repeat(LONGEST_BYTES)]), Err(PathRefused::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back_and_stays_below_the_root(segments in proptest::collection::vec(".{1,12}", 1..6)) {
            if let Ok(path) = ApiPath::of(&segments) {
                prop_assert_eq!(path.segments(), segments);
                let url = reqwest::Url::parse(&format!("https://api.bitbucket.org{path}")).unwrap();
                prop_assert_eq!(url.path(), path.as_str());
                prop_assert_eq!(url.host_str(), Some("api.bitbucket.org"));
                prop_assert_eq!(ApiPath::parse(path.as_str()), Ok(path));
            }
        }

        #[test]
        fn whatever_is_read_stays_on_the_host(text in "[a-z%2eEfF5cC/\\\\.:@{}?# ]{0,40}") {
            if let Ok(path) = ApiPath::parse(&text) {
                let url = reqwest::Url::parse(&format!("https://api.bitbucket.org{path}")).unwrap();
                prop_assert_eq!(url.path(), path.as_str());
                prop_assert!(url.path().starts_with("/2.0/") && url.query().is_none());
            }
        }
    }
}
