//! The path of a call as a stranger may type it: read into plain segments, or refused before anything is made of it. `operations` matches it.

/// The longest path that is read, in bytes.
pub const LONGEST_PATH_BYTES: usize = 2000;
/// The most segments that are read.
pub const MOST_SEGMENTS: usize = 64;

/// A path below the API's `/2.0`, decoded. No segment is empty, `.` or `..`, and none holds a slash, a backslash or a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelativePath {
    segments: Vec<String>,
    ends_in_slash: bool,
}

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathRefusal {
    /// Nothing was typed.
    #[error("Write a path, such as repositories/lumenpay/ledger.")]
    Empty,
    /// More than [`LONGEST_PATH_BYTES`] or [`MOST_SEGMENTS`].
    #[error("A path has at most 2,000 bytes and 64 parts.")]
    TooLong,
    /// A scheme or a host stands in front.
    #[error("Write the path alone, without a scheme and a host: calls go to the configured Bitbucket only.")]
    Absolute,
    /// A query or a fragment follows.
    #[error("Put what follows ? into the query; a path has no ? and no #.")]
    Query,
    /// A segment is `.` or `..`, in whatever writing.
    #[error("A path has no . and no .. as a part.")]
    Dots,
    /// Two slashes in a row.
    #[error("A path has no empty part: write one slash where there are two.")]
    EmptyPart,
    /// A percent sign that is no encoding, an encoding that is no text, or one that hides a slash, a dot or another encoding.
    #[error("Write slashes, dots and percent signs as they are; anything else may be percent-encoded once, as UTF-8.")]
    Encoding,
    /// A backslash or a control character.
    #[error("A path has no backslash, no control character and no blank at either end.")]
    Characters,
}

impl PathRefusal {
    /// Stable, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "path_missing",
            Self::TooLong => "path_too_long",
            Self::Absolute => "path_absolute",
            Self::Query => "path_has_query",
            Self::Dots => "path_dots",
            Self::EmptyPart => "path_part_empty",
            Self::Encoding => "path_encoding",
            Self::Characters => "path_characters",
        }
    }
}

impl RelativePath {
    /// Reads a path with or without its first slash, and with or without the `2.0` that all paths of the API begin with.
    ///
    /// # Errors
    /// A [`PathRefusal`].
    pub fn parse(text: &str) -> Result<Self, PathRefusal> {
        if text.is_empty() {
            return Err(PathRefusal::Empty);
        }
        if text.len() > LONGEST_PATH_BYTES {
            return Err(PathRefusal::TooLong);
        }
        if text.trim() != text || text.chars().any(|character| character.is_control() || character == '\\') {
            return Err(PathRefusal::Characters);
        }
        if text.contains(['?', '#']) {
            return Err(PathRefusal::Query);
        }
        if is_absolute(text) {
            return Err(PathRefusal::Absolute);
        }
        let below = text.strip_prefix('/').unwrap_or(text);
        let below = if below == "2.0" { "" } else { below.strip_prefix("2.0/").unwrap_or(below) };
        let (below, ends_in_slash) = below.strip_suffix('/').map_or((below, false), |below| (below, true));
        if below.is_empty() {
            return Err(PathRefusal::Empty);
        }
        let segments = below.split('/').map(decoded).collect::<Result<Vec<_>, _>>()?;
        if segments.len() > MOST_SEGMENTS {
            return Err(PathRefusal::TooLong);
        }
        Ok(Self { segments, ends_in_slash })
    }

    /// Its parts, decoded.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Whether a slash was typed after the last part.
    pub fn ends_in_slash(&self) -> bool {
        self.ends_in_slash
    }
}

/// Whether the text begins with a host, or with what RFC 3986, section 3.1, calls a scheme.
fn is_absolute(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return text.starts_with("//") };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme || text.starts_with("//")
}

fn decoded(segment: &str) -> Result<String, PathRefusal> {
    if segment.is_empty() {
        return Err(PathRefusal::EmptyPart);
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let byte = escape(rest).ok_or(PathRefusal::Encoding)?;
        // Nobody needs to hide these, and what is between us and Bitbucket might decode once more than we do.
        if b"/.\\".contains(&byte) {
            return Err(PathRefusal::Encoding);
        }
        bytes.push(byte);
        rest = &rest[3..];
    }
    let text = String::from_utf8(bytes).map_err(|_not_text| PathRefusal::Encoding)?;
    if text.chars().any(char::is_control) {
        return Err(PathRefusal::Characters);
    }
    if text == "." || text == ".." {
        return Err(PathRefusal::Dots);
    }
    let hides_another = text.bytes().enumerate().any(|(at, byte)| byte == b'%' && escape(&text.as_bytes()[at..]).is_some());
    if hides_another { Err(PathRefusal::Encoding) } else { Ok(text) }
}

/// The byte that the first three of these stand for, when they are a percent sign and two hexadecimal digits.
fn escape(bytes: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(bytes.get(1..3)?).ok()?;
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if are_digits { u8::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, PathRefusal> {
        RelativePath::parse(text).map(|path| path.segments)
    }

    #[test]
    fn a_path_is_read_with_and_without_what_stands_in_front_of_every_path() {
        for text in ["user/emails", "/user/emails", "/2.0/user/emails", "2.0/user/emails", "/user/emails/"] {
            assert_eq!(read(text).unwrap(), ["user", "emails"], "{text}");
        }
        assert!(RelativePath::parse("user/emails/").unwrap().ends_in_slash());
        assert!(!RelativePath::parse("user/emails").unwrap().ends_in_slash());
    }

    #[test]
    fn what_is_encoded_once_is_decoded() {
        assert_eq!(read("workspaces/%7Ba1%7D").unwrap(), ["workspaces", "{a1}"]);
        assert_eq!(read("workspaces/{a1}").unwrap(), ["workspaces", "{a1}"]);
        assert_eq!(read("a/caf%C3%A9").unwrap(), ["a", "café"]);
        assert_eq!(read("a/100%25").unwrap(), ["a", "100%"]);
        assert_eq!(read("a/557058:b").unwrap(), ["a", "557058:b"]);
    }

    #[test]
    fn tricks_are_refused_each_with_its_code() {
        use PathRefusal::{Absolute, Characters, Dots, Empty, EmptyPart, Encoding, Query, TooLong};
        let cases = [
            ("", Empty),
            ("/", Empty),
            ("/2.0", Empty),
            ("/2.0/", Empty),
            ("https://evil.example/2.0/user", Absolute),
            ("HTTPS:evil.example", Absolute),
            ("//evil.example/user", Absolute),
            ("javascript:alert(1)", Absolute),
            ("user?access_token=x", Query),
            ("user#x", Query),
            ("user/../repositories", Dots),
            ("./user", Dots),
            ("user/..", Dots),
            ("user/%2e%2e/repositories", Encoding),
            ("user/%2E", Encoding),
            ("user/%252e%252e", Encoding),
            ("user/.%2e", Encoding),
            ("user/a%2Fb", Encoding),
            ("user/a%5cb", Encoding),
            ("user/a%zz", Encoding),
            ("user/a%", Encoding),
            ("user/a%2", Encoding),
            ("user/%FF", Encoding),
            ("user/%+f", Encoding),
            ("user//emails", EmptyPart),
            ("user/emails//", EmptyPart),
            ("///user", Absolute),
            ("user\\emails", Characters),
            ("user/\u{0}", Characters),
            ("user/a\r\nHost: x", Characters),
            ("user/%0d%0aHost", Characters),
            ("user/%00", Characters),
            (" user", Characters),
            ("user\n", Characters),
        ];
        for (text, refusal) in cases {
            assert_eq!(read(text), Err(refusal), "{text:?}");
        }
        assert_eq!(read(&"a".repeat(2001)), Err(TooLong));
        assert_eq!(read(&"a/".repeat(65)), Err(TooLong));
    }
}
