//! Bitbucket's answer as it can be handed on: JSON, text or bytes, and where its next page is as a path of ours. Doors render it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::perform::Answered;

/// The body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// There is none.
    Nothing,
    /// JSON.
    Json(Value),
    /// A text that is not JSON.
    Text(String),
    /// Anything else, in base64.
    Base64(String),
}

impl Answered {
    /// The body as what it is, whatever its content type says: raw files come with the type of their name.
    pub fn shown(&self) -> Shown {
        Shown::of(self.answer.header("content-type"), &self.answer.body)
    }
}

impl Shown {
    pub(super) fn of(content_type: Option<&str>, body: &[u8]) -> Self {
        if body.is_empty() {
            return Self::Nothing;
        }
        let says_json = content_type.is_none_or(|kind| kind.contains("json"));
        if says_json && let Ok(json) = serde_json::from_slice(body) {
            return Self::Json(json);
        }
        match std::str::from_utf8(body) {
            Ok(text) if !text.contains('\0') => Self::Text(text.to_owned()),
            _ => Self::Base64(STANDARD.encode(body)),
        }
    }

    /// Path and query of the next page. One that leads anywhere but to the API is left out: nobody should follow it.
    pub fn next(&self, api_url: &str) -> Option<(String, Vec<(String, String)>)> {
        let Self::Json(json) = self else { return None };
        let below = json.get("next")?.as_str()?.strip_prefix(api_url)?.strip_prefix("/2.0/")?;
        let (path, query) = below.split_once('?').unwrap_or((below, ""));
        Some((format!("/{path}"), serde_urlencoded::from_str(query).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_next_page_is_a_path_of_ours_and_no_other_address() {
        let next = |address: &str| Shown::Json(json!({ "next": address })).next("https://api.bitbucket.org");
        assert_eq!(
            next("https://api.bitbucket.org/2.0/repositories/lumenpay?page=2&q=a%20b"),
            Some((
                "/repositories/lumenpay".to_owned(),
                vec![("page".to_owned(), "2".to_owned()), ("q".to_owned(), "a b".to_owned())]
            ))
        );
        for elsewhere in ["https://api.bitbucket.org.evil.example/2.0/user", "https://evil.example/2.0/user", "/2.0/user", "x"] {
            assert_eq!(next(elsewhere), None, "{elsewhere}");
        }
        assert_eq!(Shown::Text("next".to_owned()).next(""), None);
    }
}
