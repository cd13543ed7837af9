//! Whose an account may be: members whose name or address speaks for it, with the reason. Only ever a suggestion; an owner presses.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::error::Result;
use crate::people::Viewer;
use crate::people::folding::{fold, folded_words};
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::{bitbucket_accounts as accounts, identities, members};
use crate::word_column;

word_column! {
    /// Why a member is suggested for an account.
    Reason {
        /// The account has the member's name.
        SameName => "same_name",
        /// The account's nickname is the member's name.
        SameNickname => "same_nickname",
        /// The account's nickname or name is the first part of the member's e-mail address.
        NicknameInEmail => "nickname_in_email",
        /// The first part of the member's e-mail address is made of the words of the account's name.
        NameInEmail => "name_in_email",
    }
}

/// A member, and the account that is theirs.
#[derive(Clone, Debug, Queryable)]
pub struct Colleague {
    /// The member.
    pub member_id: MemberId,
    /// What they are called.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// The account they are bound to.
    pub account_id: Option<String>,
    /// That account as it was seen; absent while Bitbucket has not named it.
    pub seen_account_id: Option<String>,
}

/// Every member of the viewer's workspace, in one query: two thousand rows make the suggestions of any page.
///
/// # Errors
/// `owner_needed` (403).
pub fn colleagues(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<Colleague>> {
    viewer.must_own()?;
    let is_theirs = accounts::workspace_id.eq(identities::workspace_id).and(accounts::account_id.eq(identities::account_id));
    let rows = members::table
        .left_join(identities::table)
        .left_join(accounts::table.on(is_theirs))
        .filter(members::workspace_id.eq(&viewer.workspace_id))
        .filter(members::removed_at.is_null())
        .order((members::name, members::id))
        .select((members::id, members::name, members::email, identities::account_id.nullable(), accounts::account_id.nullable()));
    Ok(rows.load(connection)?)
}

/// A member who may be whom an account belongs to.
#[derive(Clone, Debug)]
pub struct Suggestion<'a> {
    /// The member.
    pub colleague: &'a Colleague,
    /// Why.
    pub reason: Reason,
}

/// The members who have no account yet, by what is compared.
#[derive(Debug)]
pub struct Suggestions<'a> {
    by_name: HashMap<Vec<String>, Vec<&'a Colleague>>,
    by_email: HashMap<String, Vec<&'a Colleague>>,
    by_words_of_email: HashMap<Vec<String>, Vec<&'a Colleague>>,
}

impl<'a> Suggestions<'a> {
    /// Sorts the members who have no account yet.
    pub fn among(colleagues: &'a [Colleague]) -> Self {
        let (mut by_name, mut by_email, mut by_words_of_email) = (HashMap::new(), HashMap::new(), HashMap::new());
        for colleague in colleagues.iter().filter(|colleague| colleague.account_id.is_none()) {
            let (local, _) = colleague.email.split_once('@').unwrap_or((&colleague.email, ""));
            by_name.entry(folded_words(&colleague.name)).or_insert_with(Vec::new).push(colleague);
            by_email.entry(fold(local)).or_insert_with(Vec::new).push(colleague);
            by_words_of_email.entry(folded_words(local)).or_insert_with(Vec::new).push(colleague);
        }
        // What has no letters speaks for nobody.
        by_name.remove(&Vec::new());
        by_words_of_email.remove(&Vec::new());
        Self { by_name, by_email, by_words_of_email }
    }

    /// Who may be behind an account: one is a suggestion, several are a choice that only a person can make.
    pub fn of(&self, display_name: Option<&str>, nickname: Option<&str>) -> Vec<Suggestion<'a>> {
        let mut found: Vec<Suggestion<'a>> = Vec::new();
        let mut add = |colleagues: Option<&Vec<&'a Colleague>>, reason: Reason| {
            for colleague in colleagues.into_iter().flatten().copied() {
                if found.iter().all(|known| known.colleague.member_id != colleague.member_id) {
                    found.push(Suggestion { colleague, reason });
                }
            }
        };
        let words = display_name.map(folded_words).unwrap_or_default();
        add(self.by_name.get(&words), Reason::SameName);
        add(self.by_name.get(&nickname.map(folded_words).unwrap_or_default()), Reason::SameNickname);
        for text in [nickname, display_name].into_iter().flatten() {
            add(self.by_email.get(&fold(text)), Reason::NicknameInEmail);
        }
        add(self.by_words_of_email.get(&words), Reason::NameInEmail);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colleague(name: &str, email: &str, account: Option<&str>) -> Colleague {
        let id = MemberId::parse(&format!("00000000-0000-7000-8000-{:012}", email.len() * 1000 + name.len())).unwrap();
        let account_id = account.map(str::to_owned);
        Colleague { member_id: id, name: name.to_owned(), email: email.to_owned(), account_id, seen_account_id: None }
    }

    fn suggested(colleagues: &[Colleague], display_name: Option<&str>, nickname: Option<&str>) -> Vec<(String, Reason)> {
        let suggestions = Suggestions::among(colleagues);
        let found = suggestions.of(display_name, nickname);
        found.into_iter().map(|found| (found.colleague.email.clone(), found.reason)).collect()
    }

    #[test]
    fn a_member_is_suggested_by_name_nickname_or_address_in_any_case_accent_and_order() {
        let lucia = "lucia.fernandez@lumenpay.example";
        let all = [colleague("Lucía Fernández", lucia, None), colleague("Jonas Weber", "jweber@lumenpay.example", None)];
        for (display_name, nickname, reason) in [
            (Some("FERNANDEZ, Lucia"), None, Reason::SameName),
            (Some("Lu"), Some("lucia fernández"), Reason::SameNickname),
            (None, Some("Lucia.Fernandez"), Reason::SameNickname),
        ] {
            assert_eq!(suggested(&all, display_name, nickname), [(lucia.to_owned(), reason)], "{display_name:?} {nickname:?}");
        }
        let by_address = suggested(&all, Some("jweber"), None);
        assert_eq!(by_address, [("jweber@lumenpay.example".to_owned(), Reason::NicknameInEmail)]);
        assert_eq!(suggested(&all, Some("Weber"), Some("jonas")), []);
        assert_eq!(suggested(&all, None, None), []);
        assert_eq!(suggested(&all, Some("  "), Some("--")), []);
    }

    #[test]
    fn the_words_of_an_address_speak_for_a_name() {
        let all = [colleague("Lu", "lucia.fernandez@lumenpay.example", None)];
        assert_eq!(suggested(&all, Some("Lucía Fernández"), None)[0].1, Reason::NameInEmail);
    }

    #[test]
    fn two_members_of_one_name_are_a_choice_and_whoever_has_an_account_is_none() {
        let twins = [colleague("Mei Tanaka", "mei@a.example", None), colleague("Mei Tanaka", "mei.t@a.example", None)];
        assert_eq!(suggested(&twins, Some("Mei Tanaka"), None).len(), 2);
        let bound = [colleague("Mei Tanaka", "mei@a.example", Some("712020:x"))];
        assert_eq!(suggested(&bound, Some("Mei Tanaka"), None), []);
    }
}
