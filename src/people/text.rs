//! Texts that people type, read once into types that hold only what may be stored. Doors parse with them.

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The name of a person or a workspace: 1 to 100 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name(String);

/// An e-mail address, as far as its form can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

/// A title, or an item on an agenda: 1 to 300 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(String);

/// A note on a link: at most 2,000 characters, possibly none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note(String);

/// The text of a conversation item: at most 20,000 characters, possibly none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body(String);

/// The longest line, in characters.
pub const LINE_CHARACTERS: usize = 300;
/// The longest note, in characters.
pub const NOTE_CHARACTERS: usize = 2_000;
/// The longest body, in characters.
pub const BODY_CHARACTERS: usize = 20_000;

impl Name {
    /// Reads a name; `field` is what the error names.
    ///
    /// # Errors
    /// `name_invalid` (400).
    pub fn parse(field: &'static str, text: &str) -> Result<Self> {
        let text = text.trim();
        let fits = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid("name_invalid", field, "A name has 1 to 100 characters on one line."))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Line {
    /// Reads a line; `field` is what the error names.
    ///
    /// # Errors
    /// `line_invalid` (400).
    pub fn parse(field: &'static str, text: &str) -> Result<Self> {
        let text = text.trim();
        let fits = (1..=LINE_CHARACTERS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid("line_invalid", field, "Write 1 to 300 characters on one line."))
        }
    }

    /// The line as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads a date of the calendar, as forms and programs write it; `field` is what the error names.
///
/// # Errors
/// `date_invalid` (400).
pub fn date(field: &'static str, text: &str) -> Result<NaiveDate> {
    let text = text.trim();
    // The parser also takes signs and short months; one date has one form.
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|date| date.to_string() == text);
    date.filter(|date| (2000..=2100).contains(&date.year()))
        .ok_or_else(|| Error::invalid("date_invalid", field, "Give a date as year, month and day, such as 2026-11-27."))
}

/// The same where a date may be left out.
///
/// # Errors
/// `date_invalid` (400).
pub fn optional_date(field: &'static str, text: &str) -> Result<Option<NaiveDate>> {
    if text.trim().is_empty() { Ok(None) } else { date(field, text).map(Some) }
}

impl EmailAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// `email_invalid` (400).
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let parts = text.split_once('@').filter(|(local, domain)| {
            !local.is_empty()
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
                && !domain.contains('@')
        });
        let fits = parts.is_some()
            && text.len() <= 254
            && !text.chars().any(|c| c.is_control() || c.is_whitespace() || "<>\"".contains(c));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid("email_invalid", "email", "This is not an e-mail address such as ada@example.com."))
        }
    }

    /// The address as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as it is compared: capitals do not make another person.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

fn bounded(field: &'static str, text: &str, characters: usize) -> Result<String> {
    let text = text.replace("\r\n", "\n");
    if text.chars().count() > characters {
        let detail = format!("This is longer than {characters} characters. Shorten it and save again.");
        return Err(Error::invalid("text_too_long", field, detail));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Error::invalid(
            "text_has_control_characters",
            field,
            "This holds characters that cannot be shown. Remove them and save again.",
        ));
    }
    Ok(text.trim().to_owned())
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// `text_too_long` or `text_has_control_characters` (400).
    pub fn parse(text: &str) -> Result<Self> {
        bounded("note", text, NOTE_CHARACTERS).map(Self)
    }

    /// The note as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Body {
    /// Reads a body.
    ///
    /// # Errors
    /// `text_too_long` or `text_has_control_characters` (400).
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_field("body", text)
    }

    /// Reads a body that callers know under another name.
    ///
    /// # Errors
    /// `text_too_long` or `text_has_control_characters` (400).
    pub fn parse_field(field: &'static str, text: &str) -> Result<Self> {
        bounded(field, text, BODY_CHARACTERS).map(Self)
    }

    /// The body as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One line of a text that Bitbucket sent: without control characters, cut at `characters`.
pub fn one_line(text: &str, characters: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(characters).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_of_2000_characters_fits_and_one_more_does_not() {
        assert!(Note::parse(&"ü".repeat(2_000)).is_ok());
        assert_eq!(Note::parse(&"ü".repeat(2_001)).unwrap_err().code, "text_too_long");
    }

    #[test]
    fn a_nul_is_refused_because_postgresql_cannot_store_it() {
        assert!(Note::parse("a\0b").is_err());
        assert!(Name::parse("name", "a\0b").is_err());
        assert_eq!(one_line("a\0b\nc", 10), "a b c");
    }

    #[test]
    fn a_line_is_one_line_and_a_date_is_one_of_this_century() {
        assert_eq!(Line::parse("title", "  Ship it ").unwrap().as_str(), "Ship it");
        for bad in ["", " ", "a\nb", &"x".repeat(301)] {
            assert_eq!(Line::parse("title", bad).unwrap_err().code, "line_invalid", "{bad}");
        }
        assert_eq!(date("due_on", "2026-11-27").unwrap(), NaiveDate::from_ymd_opt(2026, 11, 27).unwrap());
        for bad in ["", "27.11.2026", "2026-02-30", "1926-11-27", "20261-1-1", "+2026-11-27"] {
            assert_eq!(date("due_on", bad).unwrap_err().code, "date_invalid", "{bad}");
        }
        assert_eq!(optional_date("due_on", " ").unwrap(), None);
    }

    #[test]
    fn an_email_address_is_compared_without_capitals() {
        assert_eq!(EmailAddress::parse(" Ada@Example.com ").unwrap().folded(), "ada@example.com");
        for bad in ["", "ada", "@example.com", "ada@", "ada@example", "a b@example.com", "a@b@c.d"] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad}");
        }
    }
}
