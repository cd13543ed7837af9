//! What Bitbucket lets a person do with a repository, asked with the workspace's credential and remembered for minutes. `access` asks.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::NaiveDateTime;
use serde::Deserialize;

use crate::bitbucket::{ApiPath, Call, Client, Credential, Failure};
use crate::config::Now;

/// How long an answer counts. Whoever loses a right at Bitbucket loses it here after as long.
pub const REMEMBERED_SECONDS: i64 = 300;
/// The most answers that are remembered; beyond it all are forgotten, which costs a question each.
const REMEMBERED_AT_MOST: usize = 10_000;
/// A filter that Bitbucket heeds leaves one entry; one that it does not is followed for this many pages of a hundred.
const PAGES_AT_MOST: u32 = 5;

/// What somebody may do with a repository, the least first (<https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// See it.
    Read,
    /// Push to it and manage pull requests.
    Write,
    /// Everything.
    Admin,
}

/// Whose permission is asked for, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The Bitbucket workspace: its UUID in braces.
    pub workspace: String,
    /// The repository's slug or UUID in braces.
    pub repository: String,
    /// The Atlassian account id.
    pub account_id: String,
    /// The same person's Bitbucket UUID in braces, when it is known.
    pub user_uuid: Option<String>,
}

/// What was answered lately.
#[derive(Debug, Default)]
pub struct Permissions(Mutex<HashMap<Question, (Option<Permission>, NaiveDateTime)>>);

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    values: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    permission: Option<String>,
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    account_id: Option<String>,
    uuid: Option<String>,
}

impl Permission {
    /// A word that is not known here allows nothing.
    fn parse(word: &str) -> Option<Self> {
        match word {
            "read" => Some(Self::Read),
            "write" => Some(Self::Write),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

impl Permissions {
    /// What the person may do; `None` for nothing that Bitbucket tells.
    ///
    /// # Errors
    /// A [`Failure`]: most often that the credential is no admin's, and may not ask.
    pub async fn of(
        &self,
        bitbucket: &Client,
        credential: &Credential,
        question: &Question,
        now: &Now,
    ) -> Result<Option<Permission>, Failure> {
        if let Some(remembered) = self.remembered(question, now) {
            return Ok(remembered);
        }
        let answer = ask(bitbucket, credential, question).await?;
        self.remember(question, answer, now);
        Ok(answer)
    }

    fn remembered(&self, question: &Question, now: &Now) -> Option<Option<Permission>> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(question).filter(|(_, until)| *until > now.at).map(|(answer, _)| *answer)
    }

    fn remember(&self, question: &Question, answer: Option<Permission>, now: &Now) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= REMEMBERED_AT_MOST {
            answers.retain(|_, (_, until)| *until > now.at);
        }
        if answers.len() >= REMEMBERED_AT_MOST {
            answers.clear();
        }
        answers.insert(question.clone(), (answer, now.plus_seconds(REMEMBERED_SECONDS)));
    }
}

async fn ask(bitbucket: &Client, credential: &Credential, question: &Question) -> Result<Option<Permission>, Failure> {
    let path = ApiPath::of(["workspaces", &question.workspace, "permissions", "repositories", &question.repository]);
    let path = path.map_err(|_unlike_a_name| Failure::NotFound)?;
    let filter = match &question.user_uuid {
        Some(uuid) => format!("user.uuid=\"{uuid}\""),
        None => format!("user.account_id=\"{}\"", question.account_id.replace(['"', '\\'], "")),
    };
    for page in 1..=PAGES_AT_MOST {
        let call = Call::get(path.clone()).with("q", filter.clone()).with("pagelen", "100").with("page", page.to_string());
        let answered: Page = bitbucket.call(credential, &call).await?.json()?;
        if let Some(entry) = answered.values.iter().find(|entry| entry.is_about(question)) {
            return Ok(entry.permission.as_deref().and_then(Permission::parse));
        }
        if answered.values.len() < 100 {
            break;
        }
    }
    Ok(None)
}

impl Entry {
    /// Whoever Bitbucket puts into the list is looked at: a filter that it did not heed must not make somebody else's right theirs.
    fn is_about(&self, question: &Question) -> bool {
        let Some(user) = &self.user else { return false };
        match (&user.account_id, &user.uuid) {
            (Some(account_id), _) => *account_id == question.account_id,
            (None, Some(uuid)) => question.user_uuid.as_ref() == Some(uuid),
            (None, None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, Utc};

    use super::*;
    use crate::config::Random;

    fn question(account_id: &str) -> Question {
        let repository = "ledger".to_owned();
        Question { workspace: "{w}".to_owned(), repository, account_id: account_id.to_owned(), user_uuid: Some("{u}".to_owned()) }
    }

    fn later(seconds: i64) -> Now {
        Now::new(Utc::now() + TimeDelta::seconds(seconds), Random::system())
    }

    #[test]
    fn an_answer_is_remembered_for_minutes_and_not_longer() {
        let permissions = Permissions::default();
        permissions.remember(&question("a"), Some(Permission::Write), &later(0));
        permissions.remember(&question("b"), None, &later(0));
        assert_eq!(permissions.remembered(&question("a"), &later(299)), Some(Some(Permission::Write)));
        assert_eq!(permissions.remembered(&question("b"), &later(299)), Some(None));
        assert_eq!(permissions.remembered(&question("a"), &later(301)), None);
        assert_eq!(permissions.remembered(&question("c"), &later(0)), None);
    }

    #[test]
    fn somebody_elses_entry_is_not_theirs() {
        let entry = |json: &str| serde_json::from_str::<Entry>(json).unwrap();
        assert!(entry(r#"{"permission":"admin","user":{"account_id":"a","uuid":"{x}"}}"#).is_about(&question("a")));
        assert!(entry(r#"{"permission":"admin","user":{"uuid":"{u}"}}"#).is_about(&question("a")));
        for other in [r#"{"user":{"account_id":"b","uuid":"{u}"}}"#, r#"{"user":{}}"#, r#"{"permission":"read"}"#] {
            assert!(!entry(other).is_about(&question("a")), "{other}");
        }
    }

    #[test]
    fn a_word_that_is_not_known_allows_nothing() {
        assert_eq!(Permission::parse("create-repo"), None);
        assert!(Permission::parse("read") < Permission::parse("write") && Permission::Write < Permission::Admin);
    }
}
