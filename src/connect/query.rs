//! The query of a request as decoded pairs: what is hashed is what is read. For the query string hash and for every reader
//! of a signed URL's parameters.

use std::fmt;

use uuid::Uuid;

/// The longest query that is read, in bytes as received.
pub const LONGEST_QUERY_BYTES: usize = 8 * 1024;

/// The most pairs that one query may hold.
pub const MOST_PAIRS: usize = 100;

/// The decoded `name=value` pairs of a query, in the order received.
///
/// Its `Debug` output shows names only: values hold tokens and what people wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

/// Why a query cannot be read. None of these shows any part of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// More than [`LONGEST_QUERY_BYTES`].
    #[error("the query is longer than {LONGEST_QUERY_BYTES} bytes")]
    TooLong,
    /// More than [`MOST_PAIRS`].
    #[error("the query has more than {MOST_PAIRS} parameters")]
    TooManyPairs,
    /// A `%` without two hexadecimal digits after it.
    #[error("the query has a percent sign that is not followed by two hexadecimal digits")]
    MalformedEncoding,
    /// The decoded bytes are not UTF-8.
    #[error("the query is not UTF-8 once decoded")]
    NotUtf8,
}

impl QueryError {
    /// The stable code that answers and metrics carry.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLong => "query_too_long",
            Self::TooManyPairs => "query_too_many_parameters",
            Self::MalformedEncoding => "query_encoding_malformed",
            Self::NotUtf8 => "query_not_utf8",
        }
    }
}

/// A parameter that is read came more than once, so that nobody can tell which one was meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the parameter `{name}` came more than once")]
pub struct RepeatedParameter {
    /// The name that was asked for.
    pub name: String,
}

impl Query {
    /// Decodes the raw query of a request, without its `?`. A `+` is a space; a pair without `=` has an empty value; empty
    /// pairs (`a=1&&b=2`) are nothing.
    ///
    /// # Errors
    /// When the query is too long, has too many pairs or is not percent-encoded UTF-8.
    pub fn parse(raw: &str) -> Result<Self, QueryError> {
        if raw.len() > LONGEST_QUERY_BYTES {
            return Err(QueryError::TooLong);
        }
        let mut pairs = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MOST_PAIRS {
                return Err(QueryError::TooManyPairs);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self { pairs })
    }

    /// The query of a call that we make ourselves, from pairs that are not encoded yet.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { pairs }
    }

    /// Every pair, decoded, in the order received.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a parameter that we read. `None` when it is absent, empty, or a context parameter that Bitbucket left as
    /// it stood in the descriptor (`{user.account_id}` for a viewer who is not signed in). `name[]` and the like are other
    /// names.
    ///
    /// <https://developer.atlassian.com/cloud/bitbucket/connect-context-access/>
    ///
    /// # Errors
    /// When the parameter came more than once.
    pub fn parameter(&self, name: &str) -> Result<Option<&str>, RepeatedParameter> {
        let mut values = self.pairs().filter(|(other, _)| *other == name);
        let value = values.next().map(|(_, value)| value);
        if values.next().is_some() {
            return Err(RepeatedParameter { name: name.to_owned() });
        }
        Ok(value.filter(|value| !value.is_empty() && !is_placeholder(value)))
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.pairs().map(|(name, _)| name)).finish()
    }
}

/// Bitbucket writes UUIDs in braces too; those are values.
fn is_placeholder(value: &str) -> bool {
    value
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|inner| !inner.contains(['{', '}']) && Uuid::try_parse(inner).is_err())
}

/// Decodes one name or value, where a `+` is a space.
///
/// # Errors
/// [`QueryError::MalformedEncoding`] or [`QueryError::NotUtf8`].
pub fn decode(encoded: &str) -> Result<String, QueryError> {
    let mut bytes = encoded.bytes();
    let mut decoded = Vec::with_capacity(encoded.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = hexadecimal_digit(bytes.next())?;
                let low = hexadecimal_digit(bytes.next())?;
                high << 4 | low
            }
            other => other,
        });
    }
    // The error of the standard library carries the bytes, which must not reach a log.
    String::from_utf8(decoded).or(Err(QueryError::NotUtf8))
}

fn hexadecimal_digit(byte: Option<u8>) -> Result<u8, QueryError> {
    match byte {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(letter @ b'a'..=b'f') => Ok(letter - b'a' + 10),
        Some(letter @ b'A'..=b'F') => Ok(letter - b'A' + 10),
        _ => Err(QueryError::MalformedEncoding),
    }
}

#[cfg(test)]
mod tests;
