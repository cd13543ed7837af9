//! Accounts and members as the pages show them.

use crate::connections::workspace_members;
use crate::people::accounts::listing::{Account, Filter, Parts, words};
use crate::people::accounts::suggestions::{Colleague, Reason, Suggestions};
use crate::people::folding::fold;
use crate::people::identities::BoundBy;
use crate::web::page::{AccountRow, AccountState, MemberRow, Person, Reading, Time};
use crate::web::session::person;

use super::IDENTITIES;

/// How far the members of a Bitbucket workspace are known, in words.
pub(super) fn reading(reading: workspace_members::Reading) -> Reading {
    let problem = reading.error.as_deref().map(|code| match code {
        "bitbucket_forbidden"
        | "bitbucket_missing_scopes"
        | "bitbucket_ip_not_allowed"
        | "bitbucket_two_step_needed"
        | "bitbucket_plan_limit"
        | "bitbucket_not_authorised"
        | "bitbucket_not_found"
        | "bitbucket_gone"
        | "bitbucket_workspace_deleted" => {
            "Bitbucket does not let the app read them. Accounts on linked pull requests are listed all the same."
        }
        "bitbucket_refused" | "bitbucket_too_large" => {
            "Bitbucket refused the question. Accounts on linked pull requests are listed all the same."
        }
        _ => "Bitbucket does not answer as it should. It is asked again by itself.",
    });
    let workspace = reading.slug.unwrap_or_else(|| "the Bitbucket workspace".to_owned());
    Reading { workspace, read_at: reading.read_at.map(Time::Moment), problem }
}

/// An account with whose it is, or may be.
pub(super) fn account(account: &Account, parts: Option<&Parts>, suggestions: &Suggestions<'_>, filter: Filter) -> AccountRow {
    let encoded =
        serde_urlencoded::to_string([("account", account.account_id.as_str()), ("show", filter.as_str())]).unwrap_or_default();
    let nickname = account.nickname.clone().filter(|nickname| nickname != account.name());
    AccountRow {
        account_id: account.account_id.clone(),
        name: account.name().to_owned(),
        nickname,
        seen: seen(account, parts.copied().unwrap_or_default()),
        state: state(account, suggestions),
        href: format!("{IDENTITIES}/account?{encoded}"),
    }
}

fn seen(account: &Account, parts: Parts) -> Vec<String> {
    let member_of = account.is_workspace_member.then(|| match &account.bitbucket_workspace_slug {
        Some(slug) => format!("member of {slug}"),
        None => "member of the Bitbucket workspace".to_owned(),
    });
    let counted = |part: &str, count: i64| match count {
        0 => None,
        1 => Some(format!("{part} of 1 linked pull request")),
        _ => Some(format!("{part} of {count} linked pull requests")),
    };
    [member_of, counted("author", parts.authored), counted("reviewer", parts.reviewed)].into_iter().flatten().collect()
}

fn state(account: &Account, suggestions: &Suggestions<'_>) -> AccountState {
    if let Some(bound) = &account.bound {
        let member = person(bound.member_id.as_str(), &bound.name, "");
        return match (bound.removed_at, bound.confirmed_at) {
            (Some(_), _) => AccountState::OfRemoved { member },
            (None, None) => AccountState::Aligned { member, member_id: bound.member_id.to_string() },
            (None, Some(at)) => AccountState::Linked { member, how: how(bound.bound_by), when: Time::Day(at) },
        };
    }
    if account.is_not_a_member {
        return AccountState::NotAMember;
    }
    match suggestions.of(account.display_name.as_deref(), account.nickname.as_deref()).as_slice() {
        [] => AccountState::Unknown,
        [one] => AccountState::Suggested {
            member: shown(one.colleague),
            member_id: one.colleague.member_id.to_string(),
            reason: reason(one.reason),
        },
        several => AccountState::Several { count: several.len() },
    }
}

fn how(bound_by: BoundBy) -> &'static str {
    match bound_by {
        BoundBy::Code => "with a code",
        BoundBy::Operator => "by the operator",
        BoundBy::SignIn => "by signing in with Bitbucket",
        BoundBy::Joined => "by asking to join",
        BoundBy::Owner => "with a code, after an owner aligned it",
    }
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::SameName => "same name",
        Reason::SameNickname => "the nickname is their name",
        Reason::NicknameInEmail => "same as their e-mail’s first part",
        Reason::NameInEmail => "their e-mail is made of this name",
    }
}

fn shown(colleague: &Colleague) -> Person {
    person(colleague.member_id.as_str(), &colleague.name, &colleague.email)
}

/// The members who have no account, or one that has not been seen.
pub(super) fn unseen(colleagues: &[Colleague]) -> Vec<&Colleague> {
    colleagues.iter().filter(|colleague| colleague.seen_account_id.is_none()).collect()
}

/// A page of them, and the cursor of the next.
pub(super) fn members(unseen: &[&Colleague], typed: &str, after: Option<&str>, rows: usize) -> (Vec<MemberRow>, Option<String>) {
    let begin = after.and_then(|after| unseen.iter().position(|colleague| colleague.member_id.as_str() == after));
    let rest = unseen.iter().skip(begin.map_or(0, |index| index + 1)).filter(|colleague| is_found(colleague, typed));
    let mut page: Vec<&&Colleague> = rest.take(rows + 1).collect();
    let has_more = page.len() > rows;
    page.truncate(rows);
    let next = page.last().filter(|_| has_more).map(|colleague| colleague.member_id.to_string());
    (page.into_iter().map(|colleague| without_account(colleague)).collect(), next)
}

fn without_account(colleague: &Colleague) -> MemberRow {
    let search = serde_urlencoded::to_string([("show", "needs-attention"), ("q", &colleague.name)]).unwrap_or_default();
    let meaning = match &colleague.account_id {
        Some(account_id) => format!("has {account_id}, which has not been seen yet"),
        None => "can link theirs with a code on their profile".to_owned(),
    };
    MemberRow {
        person: shown(colleague),
        member_id: colleague.member_id.to_string(),
        meaning: Some(meaning),
        search_href: colleague.account_id.is_none().then(|| format!("{IDENTITIES}?{search}")),
    }
}

/// Who may be chosen for an account: those who are suggested first, then everybody else who has none.
pub(super) fn choices(account: &Account, suggestions: &Suggestions<'_>, colleagues: &[Colleague], typed: &str) -> Vec<MemberRow> {
    let suggested = suggestions.of(account.display_name.as_deref(), account.nickname.as_deref());
    let is_suggested = |colleague: &Colleague| suggested.iter().any(|one| one.colleague.member_id == colleague.member_id);
    let first = suggested.iter().map(|one| (one.colleague, Some(reason(one.reason).to_owned())));
    let others = colleagues.iter().filter(|colleague| colleague.account_id.is_none() && !is_suggested(colleague));
    let all = first.chain(others.map(|colleague| (colleague, None)));
    let found = all.filter(|(colleague, _)| is_found(colleague, typed));
    let row = |(colleague, meaning): (&Colleague, Option<String>)| MemberRow {
        person: shown(colleague),
        member_id: colleague.member_id.to_string(),
        meaning,
        search_href: None,
    };
    found.map(row).collect()
}

fn is_found(colleague: &Colleague, typed: &str) -> bool {
    let folded = fold(&format!("{} {}", colleague.name, colleague.email));
    words(typed).iter().all(|word| folded.contains(word))
}
