//! Adding and removing one reviewer of a pull request, where Bitbucket's own call takes the whole list and clears whom it does not name.

use serde_json::{Value, json};

use super::pull_requests::{self, Changes, PullRequest};
use super::{Acting, Place, text};
use crate::error::{Error, Result};
use crate::people::idempotency;
use crate::people::pull_requests::parse_uuid;

/// How often a list that somebody else changed at the same moment is read anew.
const TRIES: usize = 3;

/// Somebody who shall look at a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewer {
    /// The Atlassian account id.
    pub account_id: Option<String>,
    /// The Bitbucket UUID in braces.
    pub uuid: Option<String>,
    /// The name that Bitbucket shows.
    pub name: Option<String>,
}

impl Reviewer {
    /// From what a caller writes: an account id, or a UUID in braces.
    ///
    /// # Errors
    /// `reviewer_invalid` (400).
    pub fn named(typed: &str) -> Result<Self> {
        if let Some(uuid) = parse_uuid(typed) {
            return Ok(Self { account_id: None, uuid: Some(format!("{{{uuid}}}")), name: None });
        }
        let is_id =
            (1..=128).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-_".contains(&byte));
        if is_id {
            return Ok(Self { account_id: Some(typed.to_owned()), uuid: None, name: None });
        }
        Err(Error::invalid(
            "reviewer_invalid",
            "reviewers",
            "Name a reviewer by Atlassian account id, or by Bitbucket UUID in braces.",
        ))
    }

    /// From a user as Bitbucket writes one.
    pub(super) fn of(user: &Value) -> Self {
        Self { account_id: text(user, "/account_id"), uuid: text(user, "/uuid"), name: text(user, "/display_name") }
    }

    /// What is sent of them.
    pub(super) fn reference(&self) -> Value {
        match (&self.uuid, &self.account_id) {
            (Some(uuid), _) => json!({ "uuid": uuid }),
            (None, account_id) => json!({ "account_id": account_id }),
        }
    }

    /// Whether both are known to be the same person.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        (self.uuid.is_some() && self.uuid == other.uuid) || (self.account_id.is_some() && self.account_id == other.account_id)
    }
}

/// The reviewers in a list as Bitbucket writes one.
pub(super) fn listed(value: &Value) -> Vec<Reviewer> {
    value.as_array().into_iter().flatten().map(Reviewer::of).collect()
}

/// Which of the reviewers Bitbucket names as impossible, and what it says: "Priya Raman is the author and cannot be …".
pub(super) fn refused(wanted: &[Reviewer], fields: &[(String, String)]) -> Option<(usize, String)> {
    let mut said = fields.iter().filter(|(field, _)| field.starts_with("reviewers")).map(|(_, text)| text);
    said.find_map(|sentence| {
        let names = |reviewer: &Reviewer| {
            let known = [&reviewer.name, &reviewer.account_id, &reviewer.uuid];
            known
                .into_iter()
                .flatten()
                .any(|name| sentence.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(" is ")))
        };
        let mut nameless = wanted.iter().enumerate().filter(|(_, reviewer)| reviewer.name.is_none()).map(|(at, _)| at);
        let only_nameless = nameless.next().filter(|_| nameless.next().is_none() && sentence.contains(" is "));
        let at = wanted.iter().position(names).or(only_nameless)?;
        Some((at, sentence.clone()))
    })
}

/// Adds a reviewer; nothing happens when they are one.
///
/// # Errors
/// `pull_request_closed` or `pull_request_changed` (409); what `calls::make` refuses.
pub async fn add(
    acting: &Acting<'_>,
    place: &Place,
    number: i64,
    reviewer: &Reviewer,
    key: Option<idempotency::Request>,
) -> Result<PullRequest> {
    let with = |mut list: Vec<Reviewer>| {
        list.push(reviewer.clone());
        list
    };
    turn(acting, place, number, key, |list| list.iter().any(|one| one.is_same_as(reviewer)), with).await
}

/// Removes a reviewer; nothing happens when they are none.
///
/// # Errors
/// As [`add`].
pub async fn remove(
    acting: &Acting<'_>,
    place: &Place,
    number: i64,
    reviewer: &Reviewer,
    key: Option<idempotency::Request>,
) -> Result<PullRequest> {
    let without = |list: Vec<Reviewer>| list.into_iter().filter(|one| !one.is_same_as(reviewer)).collect();
    turn(acting, place, number, key, |list| !list.iter().any(|one| one.is_same_as(reviewer)), without).await
}

/// Turns the list of reviewers into another, unless it is so already. The list is read twice, and written back only when nobody changed
/// it in between; the answer shows whether it is as it should be.
async fn turn(
    acting: &Acting<'_>,
    place: &Place,
    number: i64,
    key: Option<idempotency::Request>,
    is_so: impl Fn(&[Reviewer]) -> bool,
    turned: impl Fn(Vec<Reviewer>) -> Vec<Reviewer>,
) -> Result<PullRequest> {
    let (mut before, _) = pull_requests::read(acting, place, number).await?;
    for _try in 0..TRIES {
        pull_requests::must_be_open(&before)?;
        if is_so(&before.reviewers) {
            return Ok(before);
        }
        let (again, value) = pull_requests::read(acting, place, number).await?;
        if again != before {
            before = again;
            continue;
        }
        let wanted = turned(before.reviewers.clone());
        let written = pull_requests::write_back(acting, place, &value, &Changes::default(), &wanted, key).await?;
        return match written {
            Some(written) if is_so(&written.reviewers) => Ok(written),
            Some(_) => Err(pull_requests::changed_meanwhile()),
            None => Ok(before),
        };
    }
    Err(pull_requests::changed_meanwhile())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reviewer(account_id: &str, name: Option<&str>) -> Reviewer {
        Reviewer { account_id: Some(account_id.to_owned()), uuid: None, name: name.map(str::to_owned) }
    }

    fn said(sentence: &str) -> Vec<(String, String)> {
        vec![("title".to_owned(), "Ada is no title".to_owned()), ("reviewers".to_owned(), sentence.to_owned())]
    }

    #[test]
    fn whom_bitbucket_names_is_found_by_name_or_as_the_only_one_without() {
        let wanted = [reviewer("a", Some("Ada")), reviewer("b", Some("Ada Byron")), reviewer("c", None)];
        let at = |sentence: &str| refused(&wanted, &said(sentence)).map(|(at, _)| at);
        assert_eq!(at("Ada Byron is the author and cannot be included as a reviewer."), Some(1));
        assert_eq!(at("c is not a member of this workspace and cannot be added to this pull request"), Some(2));
        assert_eq!(at("Somebody is not a member of this workspace"), Some(2), "the only one whose name is not known");
        assert_eq!(at("Malformed reviewers list"), None);
        let all_named = [reviewer("a", Some("Ada"))];
        assert_eq!(refused(&all_named, &said("Somebody is not a member of this workspace")), None);
    }

    #[test]
    fn a_reviewer_is_named_by_account_or_uuid_and_by_nothing_else() {
        let uuid = "{11f6a8b0-0c5a-4d1e-9a57-6a2f1c0d0001}";
        assert_eq!(Reviewer::named(uuid).unwrap().reference(), json!({ "uuid": uuid }));
        assert_eq!(Reviewer::named("712020:b").unwrap().reference(), json!({ "account_id": "712020:b" }));
        for wrong in ["", "Priya Raman", "a/b", "a\"b"] {
            assert_eq!(Reviewer::named(wrong).unwrap_err().code, "reviewer_invalid", "{wrong}");
        }
    }

    #[test]
    fn the_same_person_is_known_by_either_name() {
        let both = Reviewer { account_id: Some("a".to_owned()), uuid: Some("{u}".to_owned()), name: None };
        assert!(both.is_same_as(&reviewer("a", None)));
        assert!(!both.is_same_as(&reviewer("b", None)));
        let nobody = Reviewer { account_id: None, uuid: None, name: None };
        assert!(!nobody.is_same_as(&nobody.clone()));
    }
}
