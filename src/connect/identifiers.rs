//! How Bitbucket writes the things it names: UUIDs, repositories, accounts. For everything in this module that reads a
//! payload or a signed URL.

use uuid::Uuid;

/// The longest account id or repository name that is taken, in bytes.
pub const LONGEST_IDENTIFIER_BYTES: usize = 255;

/// A UUID as Bitbucket writes it, `{acf54878-51be-473e-bf0b-0fbb12e011ad}`, or the same without braces. No other way of
/// writing one is taken, and nothing around it.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    let bare = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    // Without this look at the length, UUIDs without hyphens and URNs would be taken too.
    if bare.len() == 36 { Uuid::try_parse(bare).ok() } else { None }
}

/// The full name of a repository, `workspace/repository`. It becomes part of addresses, so nothing is taken that could change
/// their meaning.
pub fn parse_repository_name(text: &str) -> Option<&str> {
    let (workspace, repository) = text.split_once('/')?;
    let is_slug = |slug: &str| {
        !matches!(slug, "" | "." | "..")
            && slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    };
    (text.len() <= LONGEST_IDENTIFIER_BYTES && is_slug(workspace) && is_slug(repository)).then_some(text)
}

/// An Atlassian account id (`6059303e630024006fab8c2b`, `557058:…`). Its form is not documented; letters, digits and the
/// punctuation seen so far are taken.
pub fn parse_account_id(text: &str) -> Option<&str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.');
    ((1..=LONGEST_IDENTIFIER_BYTES).contains(&text.len()) && text.bytes().all(is_part)).then_some(text)
}

/// The number of a pull request: from one up, and not more than a signed database column holds.
pub fn parse_pull_request(number: u64) -> Option<u64> {
    (number >= 1 && i64::try_from(number).is_ok()).then_some(number)
}

/// A text for people as one line of at most `most_characters`: control characters become spaces, the rest is cut off, and
/// nothing but white space is `None`.
pub fn single_line(text: &str, most_characters: usize) -> Option<String> {
    let line: String =
        text.chars().take(most_characters).map(|character| if character.is_control() { ' ' } else { character }).collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: Uuid = Uuid::from_u128(0xacf54878_51be_473e_bf0b_0fbb12e011ad);

    #[test]
    fn a_uuid_is_taken_with_and_without_braces() {
        assert_eq!(parse_uuid("{acf54878-51be-473e-bf0b-0fbb12e011ad}"), Some(WORKSPACE));
        assert_eq!(parse_uuid("ACF54878-51be-473e-bf0b-0fbb12e011ad"), Some(WORKSPACE));
    }

    #[test]
    fn nothing_but_a_uuid_is_a_uuid() {
        for text in [
            "",
            "{}",
            "../hook_events?ignored=",
            "{acf54878-51be-473e-bf0b-0fbb12e011ad",
            "acf54878-51be-473e-bf0b-0fbb12e011ad}",
            "{{acf54878-51be-473e-bf0b-0fbb12e011ad}}",
            " acf54878-51be-473e-bf0b-0fbb12e011ad",
            "acf5487851be473ebf0b0fbb12e011ad",
            "{acf5487851be473ebf0b0fbb12e011ad}",
            "urn:uuid:acf54878-51be-473e-bf0b-0fbb12e011ad",
            "acf54878-51be-473e-bf0b-0fbb12e011ag",
        ] {
            assert_eq!(parse_uuid(text), None, "{text}");
        }
    }

    #[test]
    fn a_repository_name_is_two_slugs_and_nothing_that_could_lead_elsewhere() {
        assert_eq!(parse_repository_name("lumenpay/ledger-api_2.0"), Some("lumenpay/ledger-api_2.0"));
        for text in
            ["", "lumenpay", "lumenpay/", "/ledger", "a/b/c", "../ledger", "a/..", "a/b?c", "a/b#c", "a/%2e%2e", "a/<b>", "a/b c"]
        {
            assert_eq!(parse_repository_name(text), None, "{text}");
        }
        assert_eq!(parse_repository_name(&format!("a/{}", "b".repeat(254))), None);
    }

    #[test]
    fn an_account_id_has_no_markup_and_no_spaces() {
        let account = "557058:6059303e-6300-4006-9fab-8c2b00000000";
        assert_eq!(parse_account_id(account), Some(account));
        for text in ["", "a b", "<script>", "a\0b", "ä", &"a".repeat(256)] {
            assert_eq!(parse_account_id(text), None, "{text}");
        }
    }

    #[test]
    fn a_pull_request_has_a_number_that_a_database_can_hold() {
        assert_eq!(parse_pull_request(0), None);
        assert_eq!(parse_pull_request(1), Some(1));
        assert_eq!(parse_pull_request(i64::MAX as u64), Some(i64::MAX as u64));
        assert_eq!(parse_pull_request(u64::MAX), None);
    }

    #[test]
    fn a_line_has_no_control_characters_and_an_end() {
        assert_eq!(single_line(" Fix\tthe\0ledger\n", 255).as_deref(), Some("Fix the ledger"));
        assert_eq!(single_line("żółw", 3).as_deref(), Some("żół"));
        assert_eq!(single_line(" \u{7f}\n", 255), None);
    }
}
