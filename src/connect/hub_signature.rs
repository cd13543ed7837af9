//! `X-Hub-Signature`, which signs the body of an ordinary webhook with the secret it was made with. For the door of ordinary webhooks.
//!
//! <https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/>

use aws_lc_rs::hmac;

const BYTES: usize = 32;

/// A signature as it came. Nothing is proven by its being one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubSignature([u8; BYTES]);

impl HubSignature {
    /// Reads `sha256=` and 64 hexadecimal digits; `None` for anything else.
    pub fn parse(header: &str) -> Option<Self> {
        let digits = header.strip_prefix("sha256=")?.as_bytes();
        if digits.len() != 2 * BYTES {
            return None;
        }
        let mut bytes = [0; BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = *pair else { return None };
            *byte = value(high)? << 4 | value(low)?;
        }
        Some(Self(bytes))
    }

    /// Whether it is the HMAC-SHA256 of the raw body under `secret`, compared in constant time.
    pub fn signs(&self, secret: &str, body: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, body, &self.0).is_ok()
    }
}

fn value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(bytes: &[u8]) -> String {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256={digits}")
    }

    #[test]
    fn the_published_signature_is_taken_and_no_other() {
        let published = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";
        let signature = HubSignature::parse(published).unwrap();
        assert!(signature.signs("It's a Secret to Everybody", b"Hello World!"));
        assert!(!signature.signs("It's a Secret to Everybody", b"Hello World?"));
        assert!(!signature.signs("It's a Secret to Nobody", b"Hello World!"));
        assert!(HubSignature::parse(&published.to_uppercase()).is_none(), "the word stands in small letters");
    }

    #[test]
    fn what_is_no_signature_is_none() {
        let digits = "a".repeat(64);
        for text in [
            "",
            "sha256=",
            digits.as_str(),
            &format!("sha1={digits}"),
            &format!("sha256={}", "a".repeat(63)),
            &format!("sha256={digits}a"),
            &format!("sha256={}g", "a".repeat(63)),
            &format!(" sha256={digits}"),
            &format!("sha256={digits} "),
            &format!("sha256={digits},sha256={digits}"),
            &format!("sha256={}é", "a".repeat(62)),
        ] {
            assert!(HubSignature::parse(text).is_none(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_signature_is_read_back_as_it_was_written(bytes in proptest::array::uniform32(any::<u8>())) {
            prop_assert_eq!(HubSignature::parse(&header(&bytes)), Some(HubSignature(bytes)));
        }

        #[test]
        fn whatever_is_read_is_the_word_and_64_digits(text in "(sha256=)?[0-9a-fA-Fg=, é]{60,68}|.{0,80}") {
            let is_one = text.strip_prefix("sha256=").is_some_and(|rest| rest.len() == 64 && rest.bytes().all(|b| b.is_ascii_hexdigit()));
            prop_assert_eq!(HubSignature::parse(&text).is_some(), is_one);
        }
    }
}
