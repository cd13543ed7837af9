//! Percent-encoding as RFC 3986 has it, and the parsing of a raw query; everything that builds or reads an address uses it.

use std::fmt::Write;

/// The text with every byte outside `A-Z a-z 0-9 - . _ ~` written as `%XX`, upper-case.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// The text with `%XX` decoded; a `%` that no two hexadecimal digits follow stays as it is, bytes that are not UTF-8 become U+FFFD.
#[must_use]
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while position < bytes.len() {
        match (bytes[position], hexadecimal_byte(&bytes[position + 1..])) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                position += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                position += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The name-value pairs of a raw query, decoded, in the order they stand in; `+` is a space.
#[must_use]
pub fn query_pairs(raw_query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode(&text.replace('+', " "));
    raw_query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// The address with one more query parameter at its end.
pub(crate) fn with_parameter(address: &str, name: &str, value: &str) -> String {
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{}={}", percent_encode(name), percent_encode(value))
}

fn hexadecimal_byte(following: &[u8]) -> Option<u8> {
    let digit = |index: usize| following.get(index).and_then(|byte| char::from(*byte).to_digit(16));
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_and_decoding_are_inverse() {
        let text = "a b+c&d=%20/{ł}~";
        assert_eq!(percent_decode(&percent_encode(text)), text);
    }

    #[test]
    fn a_percent_sign_without_two_digits_stays() {
        assert_eq!(percent_decode("100%"), "100%");
        assert_eq!(percent_decode("%zz%4"), "%zz%4");
    }

    #[test]
    fn a_plus_is_a_space_and_a_parameter_may_lack_its_value() {
        let expected = [("a b", "c d"), ("e", ""), ("f", "=")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(query_pairs("a+b=c%20d&&e&f=="), expected);
    }
}
