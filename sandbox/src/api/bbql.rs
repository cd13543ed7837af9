//! The language of `q` and `sort`: conditions on fields, joined by AND and OR.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering>.

use chrono::DateTime;
use serde_json::Value;
use std::cmp::Ordering;

/// A condition that a thing meets or not.
#[derive(Debug)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Compare { field: String, operator: String, values: Vec<Literal> },
}

/// What a field is compared with.
#[derive(Debug, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    /// Without quotes: `null`, `true`, a number or a moment.
    Bare(String),
}

impl Condition {
    /// The condition that a text states; `None` when it states none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut tokens = Tokens { tokens: tokens(text)?, position: 0 };
        let condition = tokens.any()?;
        (tokens.position == tokens.tokens.len()).then_some(condition)
    }

    /// The fields that it asks about.
    pub(crate) fn fields(&self) -> Vec<&str> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::fields).collect(),
            Self::Compare { field, .. } => vec![field],
        }
    }

    /// Whether it holds of a thing whose fields (dotted paths) have these values.
    pub(crate) fn holds(&self, field: &dyn Fn(&str) -> Vec<Value>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(field)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(field)),
            Self::Compare { field: name, operator, values } => {
                let mut found = field(name);
                if found.is_empty() {
                    found.push(Value::Null);
                }
                match operator.strip_prefix('!').or_else(|| operator.strip_prefix("NOT ")) {
                    Some(positive) => !found.iter().any(|value| values.iter().any(|literal| literal.fits(positive, value))),
                    None => found.iter().any(|value| values.iter().any(|literal| literal.fits(operator, value))),
                }
            }
        }
    }
}

impl Literal {
    fn fits(&self, operator: &str, value: &Value) -> bool {
        let text = match self {
            Self::Text(text) | Self::Bare(text) => text.as_str(),
        };
        if operator == "~" {
            return value.as_str().is_some_and(|value| value.to_lowercase().contains(&text.to_lowercase()));
        }
        if value.is_null() || *self == Self::Bare("null".to_owned()) {
            return matches!(operator, "=" | "IN") && value.is_null() && *self == Self::Bare("null".to_owned());
        }
        let order = match value {
            Value::Bool(value) => text.parse::<bool>().ok().map(|text| value.cmp(&text)),
            Value::Number(value) => {
                value.as_f64().zip(text.parse().ok()).and_then(|(value, text): (f64, f64)| value.partial_cmp(&text))
            }
            Value::String(value) => Some(order_of_texts(value, text)),
            _ => None,
        };
        order.is_some_and(|order| match operator {
            "=" | "IN" => order == Ordering::Equal,
            ">" => order == Ordering::Greater,
            "<" => order == Ordering::Less,
            ">=" => order != Ordering::Less,
            "<=" => order != Ordering::Greater,
            _ => false,
        })
    }
}

/// Moments in the order of time, whatever their zone; everything else as text.
pub(crate) fn order_of_texts(one: &str, other: &str) -> Ordering {
    match (DateTime::parse_from_rfc3339(one), DateTime::parse_from_rfc3339(other)) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        _ => one.cmp(other),
    }
}

/// Everything at a dotted path; a list on the way is looked into.
pub(crate) fn at_path<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let parts = path.split('.').filter(|part| !part.is_empty());
    parts.fold(vec![value], |found, part| {
        let inside = found.into_iter().flat_map(|value| match value {
            Value::Array(items) => items.iter().collect(),
            other => vec![other],
        });
        inside.filter_map(|value| value.get(part)).collect()
    })
}

struct Tokens {
    tokens: Vec<Token>,
    position: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Quoted(String),
    Word(String),
    /// A parenthesis, a comma or an operator.
    Sign(String),
}

impl Tokens {
    fn any(&mut self) -> Option<Condition> {
        let mut parts = vec![self.all()?];
        while self.takes_word("OR") {
            parts.push(self.all()?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn all(&mut self) -> Option<Condition> {
        let mut parts = vec![self.term()?];
        while self.takes_word("AND") {
            parts.push(self.term()?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn term(&mut self) -> Option<Condition> {
        if self.takes_sign("(") {
            let inner = self.any()?;
            return self.takes_sign(")").then_some(inner);
        }
        let Token::Word(field) = self.next()? else { return None };
        let not = self.takes_word("NOT");
        if self.takes_word("IN") {
            let operator = if not { "NOT IN" } else { "IN" };
            let mut values = Vec::new();
            if !self.takes_sign("(") {
                return None;
            }
            while !self.takes_sign(")") {
                values.push(self.literal()?);
                self.takes_sign(",");
            }
            return Some(Condition::Compare { field, operator: operator.to_owned(), values });
        }
        let Token::Sign(operator) = self.next()? else { return None };
        let known = ["=", "!=", "~", "!~", ">", ">=", "<", "<="].contains(&operator.as_str()) && !not;
        let value = self.literal()?;
        known.then(|| Condition::Compare { field, operator, values: vec![value] })
    }

    fn literal(&mut self) -> Option<Literal> {
        match self.next()? {
            Token::Quoted(text) => Some(Literal::Text(text)),
            Token::Word(text) => Some(Literal::Bare(text)),
            Token::Sign(_) => None,
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.position).cloned();
        self.position += 1;
        token
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.tokens.get(self.position), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.position += usize::from(is_next);
        is_next
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let is_next = self.tokens.get(self.position) == Some(&Token::Sign(sign.to_owned()));
        self.position += usize::from(is_next);
        is_next
    }
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                let (quoted, length) = quoted(rest)?;
                tokens.push(Token::Quoted(quoted));
                length
            }
            '(' | ')' | ',' => {
                tokens.push(Token::Sign(first.to_string()));
                1
            }
            '=' | '!' | '~' | '<' | '>' => {
                let length = rest.find(|character| !"=!~<>".contains(character)).unwrap_or(rest.len());
                tokens.push(Token::Sign(rest[..length].to_owned()));
                length
            }
            _ => {
                let ends = |character: char| character.is_whitespace() || "()\",=!~<>".contains(character);
                let length = rest.find(ends).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..length].to_owned()));
                length
            }
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

/// The text between quotes at the start, and how many bytes it takes with them.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut inner = String::new();
    let mut is_escaped = false;
    for (position, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => {
                inner.push(character);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => return Some((inner, position + 1)),
            _ => inner.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conditions_hold_as_they_read() {
        let thing = json!({ "state": "MERGED", "id": 7, "updated_on": "2026-03-01T00:00:00.5+00:00", "draft": false, "none": null,
            "author": { "uuid": "{a}" }, "reviewers": [{ "uuid": "{b}" }, { "uuid": "{c}" }], "title": "Say \"Hello\"" });
        let holds = |text: &str| {
            let condition = Condition::parse(text).unwrap();
            condition.holds(&|path| at_path(&thing, path).into_iter().cloned().collect())
        };
        for text in [
            r#"state = "MERGED" AND id > 6"#,
            r#"state="OPEN" OR (id >= 7 AND draft=false)"#,
            "updated_on > 2026-02-28T23:59:00-00:00",
            "updated_on <= 2026-03-01T01:00:01+01:00",
            r#"reviewers.uuid = "{c}""#,
            r#"reviewers.uuid != "{a}""#,
            r#"author.uuid IN ("{x}", "{a}")"#,
            r#"author.uuid NOT IN ("{x}")"#,
            r#"title ~ "\"hello""#,
            "none = null AND missing = null AND id != null",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in
            [r#"title !~ "hello""#, "id < 7", r#"reviewers.uuid != "{b}""#, "id = null", "updated_on < 2026-03-01T00:00:00Z"]
        {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in
            ["", "state", "state =", r#"state "OPEN""#, r#"state = "OPEN"#, "(id = 1", "id == 1", "id = 1 id = 2", "id IN 1", ")"]
        {
            assert!(Condition::parse(text).is_none(), "{text}");
        }
    }
}
