//! What Bitbucket says in the body of an error, read from whatever shape it comes in: JSON of several kinds, plain text, HTML or
//! nothing. For `failure` alone.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#serialization>

use serde_json::Value;

use super::Barrier;

/// More characters of a message than any real one has are cut.
const LONGEST_MESSAGE_CHARACTERS: usize = 300;
const MOST_FIELDS: usize = 20;
const MOST_SCOPES: usize = 50;

/// What could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// The sentence, on one line.
    pub message: Option<String>,
    /// The scopes that the call needs.
    pub required: Vec<String>,
    /// The scopes that the credential has.
    pub granted: Vec<String>,
    /// What is said of single fields.
    pub fields: Vec<(String, String)>,
    /// The address of Atlassian's announcement that this is removed.
    pub announcement: Option<String>,
    /// The `error` of an OAuth answer (<https://www.rfc-editor.org/rfc/rfc6749#section-5.2>).
    oauth_error: Option<String>,
}

impl ErrorBody {
    /// Reads any body.
    pub fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(object)) => match object.get("error") {
                Some(Value::String(error)) => Self {
                    oauth_error: Some(one_line(error)),
                    message: object.get("error_description").and_then(Value::as_str).map(one_line),
                    ..Self::default()
                },
                Some(error) => Self::of_json(error),
                None => Self { message: object.get("message").and_then(Value::as_str).map(one_line), ..Self::default() },
            },
            Ok(_) => Self::default(),
            Err(_) => Self { message: plain_text(body), ..Self::default() },
        }
    }

    fn of_json(error: &Value) -> Self {
        let message = error.get("message").and_then(Value::as_str).map(one_line).filter(|text| !text.is_empty());
        let detail = error.get("detail");
        let scopes = |name: &str| detail.and_then(|detail| detail.get(name)).map(words).unwrap_or_default();
        let detail_text = detail.and_then(Value::as_str).map(one_line).filter(|text| !text.is_empty());
        let announced = error.pointer("/data/announcement_url").and_then(Value::as_str).filter(|url| is_atlassians(url));
        let announcement = announced.map(str::to_owned).or_else(|| message.as_deref().and_then(announcement_of));
        Self {
            required: scopes("required"),
            granted: scopes("granted"),
            fields: fields(error.get("fields")),
            announcement,
            message: message.or(detail_text),
            oauth_error: None,
        }
    }

    /// Whether the consumer itself is wrong.
    pub(super) fn is_about_the_client(&self) -> bool {
        matches!(self.oauth_error.as_deref(), Some("invalid_client" | "unauthorized_client"))
    }

    /// Whether the code or refresh token is no longer taken.
    pub(super) fn is_about_the_grant(&self) -> bool {
        let names_refresh_token = self.message.as_deref().is_some_and(|message| message.contains("refresh_token"));
        match self.oauth_error.as_deref() {
            Some("invalid_grant") => true,
            Some("invalid_request") => names_refresh_token,
            _ => false,
        }
    }

    pub(super) fn barrier(&self) -> Barrier {
        let says = |words: &[&str]| words.iter().any(|word| self.says(word));
        if says(&["whitelist your ip", "allowlist", "allow list", "ip address"]) {
            Barrier::IpAllowList
        } else if says(&["two-step", "two step", "2sv", "two-factor"]) {
            Barrier::TwoStepVerification
        } else if says(&["upgrade", " plan", "premium", "user limit"]) {
            Barrier::Plan
        } else {
            Barrier::Unsaid
        }
    }

    pub(super) fn says_search_is_off(&self) -> bool {
        self.says("search is not enabled")
    }

    pub(super) fn says_workspace_is_deleted(&self) -> bool {
        self.says("workspace has been deleted")
    }

    fn says(&self, words: &str) -> bool {
        self.message.as_deref().is_some_and(|message| message.to_lowercase().contains(words))
    }
}

fn fields(fields: Option<&Value>) -> Vec<(String, String)> {
    let Some(Value::Object(fields)) = fields else { return Vec::new() };
    let text = |value: &Value| match value {
        Value::String(text) => one_line(text),
        Value::Array(texts) => one_line(&texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => String::new(),
    };
    fields.iter().take(MOST_FIELDS).map(|(name, value)| (one_line(name), text(value))).collect()
}

fn words(list: &Value) -> Vec<String> {
    let is_scope = |word: &&str| word.len() <= 100 && word.bytes().all(|byte| byte.is_ascii_graphic());
    match list {
        Value::Array(scopes) => {
            scopes.iter().filter_map(Value::as_str).filter(is_scope).take(MOST_SCOPES).map(str::to_owned).collect()
        }
        Value::String(scopes) => scopes.split_whitespace().filter(is_scope).take(MOST_SCOPES).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// `CHANGE-1234 - …` names its entry in the changelog.
fn announcement_of(message: &str) -> Option<String> {
    let number: String = message.strip_prefix("CHANGE-")?.chars().take_while(char::is_ascii_digit).take(8).collect();
    (!number.is_empty()).then(|| format!("https://developer.atlassian.com/cloud/bitbucket/changelog/#CHANGE-{number}"))
}

/// An announcement is shown as a link, so it leads to Atlassian or nowhere.
fn is_atlassians(url: &str) -> bool {
    let host = url.strip_prefix("https://").map(|rest| rest.split(['/', '?', '#', '\\']).next().unwrap_or_default());
    host.is_some_and(|host| host == "atlassian.com" || (host.ends_with(".atlassian.com") && !host.contains(['@', ':'])))
        && url.len() <= LONGEST_MESSAGE_CHARACTERS
        && url.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Plain text says something; a page of HTML is for no reader of ours.
fn plain_text(body: &[u8]) -> Option<String> {
    let start = body.get(..4 * LONGEST_MESSAGE_CHARACTERS).unwrap_or(body);
    let text = one_line(&String::from_utf8_lossy(start));
    (!text.is_empty() && !text.starts_with('<') && !text.starts_with('{')).then_some(text)
}

fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_MESSAGE_CHARACTERS).collect();
    text.trim().to_owned()
}
