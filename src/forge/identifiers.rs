//! How Forge writes the things it names: UUIDs with and without braces, resource names, accounts. For everything in this
//! module that reads a token or a body.

use uuid::Uuid;

const LONGEST_ACCOUNT_ID_BYTES: usize = 255;
const INSTALLATION: &str = "ari:cloud:ecosystem::installation/";
const WORKSPACE: &str = "ari:cloud:bitbucket::workspace/";

/// A UUID with or without braces: Forge writes the same one in both ways. No other way of writing one is taken.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    let bare = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    // Without this look at the length, UUIDs without hyphens and URNs would be taken too.
    if bare.len() == 36 { Uuid::try_parse(bare).ok() } else { None }
}

/// An installation of the app, `ari:cloud:ecosystem::installation/<uuid>`, or its UUID alone.
pub fn parse_installation(text: &str) -> Option<Uuid> {
    parse_uuid(text.strip_prefix(INSTALLATION).unwrap_or(text))
}

/// A Bitbucket workspace, `ari:cloud:bitbucket::workspace/<uuid>`, or its UUID alone.
pub fn parse_workspace(text: &str) -> Option<Uuid> {
    parse_uuid(text.strip_prefix(WORKSPACE).unwrap_or(text))
}

/// An Atlassian account id. Its form is not documented; letters, digits and the punctuation seen so far are taken.
pub fn parse_account_id(text: &str) -> Option<&str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.');
    ((1..=LONGEST_ACCOUNT_ID_BYTES).contains(&text.len()) && text.bytes().all(is_part)).then_some(text)
}

/// The number of a pull request: from one up, and not more than a signed database column holds.
pub fn parse_pull_request(number: u64) -> Option<u64> {
    (number >= 1 && i64::try_from(number).is_ok()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "acf54878-51be-473e-bf0b-0fbb12e011ad";
    const UUID: Uuid = Uuid::from_u128(0xacf54878_51be_473e_bf0b_0fbb12e011ad);

    #[test]
    fn one_uuid_is_the_same_however_forge_wraps_it() {
        for text in [BARE.to_owned(), format!("{{{BARE}}}"), BARE.to_uppercase()] {
            assert_eq!(parse_uuid(&text), Some(UUID), "{text}");
        }
        assert_eq!(parse_installation(&format!("ari:cloud:ecosystem::installation/{BARE}")), Some(UUID));
        assert_eq!(parse_installation(BARE), Some(UUID));
        assert_eq!(parse_workspace(&format!("ari:cloud:bitbucket::workspace/{BARE}")), Some(UUID));
        assert_eq!(parse_workspace(&format!("ari:cloud:bitbucket::workspace/{{{BARE}}}")), Some(UUID));
        assert_eq!(parse_workspace(&format!("{{{BARE}}}")), Some(UUID));
    }

    #[test]
    fn nothing_else_is_a_uuid() {
        for text in ["", "{}", "{acf54878-51be-473e-bf0b-0fbb12e011ad", "acf5487851be473ebf0b0fbb12e011ad", " x", "{{}}"] {
            assert_eq!(parse_uuid(text), None, "{text}");
        }
        assert_eq!(parse_installation(&format!("ari:cloud:ecosystem::app/{BARE}")), None);
        assert_eq!(parse_workspace(&format!("ari:cloud:jira::workspace/{BARE}")), None);
        assert_eq!(parse_uuid(&format!("urn:uuid:{BARE}")), None);
    }

    #[test]
    fn an_account_id_has_no_markup_and_a_pull_request_fits_a_database() {
        assert_eq!(parse_account_id("712020:22a7b9c1-1d6b"), Some("712020:22a7b9c1-1d6b"));
        for text in ["", "a b", "<b>", "ä", &"a".repeat(256)] {
            assert_eq!(parse_account_id(text), None, "{text}");
        }
        assert_eq!((parse_pull_request(0), parse_pull_request(u64::MAX)), (None, None));
        assert_eq!(parse_pull_request(i64::MAX as u64), Some(i64::MAX as u64));
    }
}
