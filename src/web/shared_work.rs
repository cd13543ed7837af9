//! The card "Work you share", for the pages of conversations between two people.

use super::conversation_links::state;
use super::page::{SharedRow, SharedWorkCard, Unlinked};
use crate::error::Result;
use crate::people::page::Page;
use crate::people::shared_work::{Opener, SHOWN_AT_MOST, SharedPullRequest, SharedWork};

/// The part that the address of a page asks for in its parameter `work`.
///
/// # Errors
/// `cursor_invalid` (400).
pub fn part(work: Option<&str>) -> Result<Page> {
    let page = Page::parse(work, None)?;
    Ok(Page { limit: SHOWN_AT_MOST, ..page })
}

/// The card on the conversation's page at `path`, for what was read; `with` is the other of the two. Attach is offered only to
/// whoever `may_attach`. Pages draw it with `web/shared_work.html`, from a field `shared_work`.
pub fn card(path: &str, with: &str, work: SharedWork, part: &Page, may_attach: bool) -> SharedWorkCard {
    let unlinked = match (work.knows_own_account, work.knows_their_account) {
        (false, _) => Some(Unlinked::You),
        (true, false) => Some(Unlinked::Them),
        (true, true) => None,
    };
    SharedWorkCard {
        unlinked,
        rows: work.pull_requests.entries.into_iter().map(|pull_request| row(pull_request, with)).collect(),
        newest_href: part.before.is_some().then(|| format!("{path}#shared-work")),
        older_href: work.pull_requests.next.map(|cursor| format!("{path}?work={cursor}#shared-work")),
        attach_action: may_attach.then(|| format!("{path}/links")),
        with: with.to_owned(),
    }
}

fn row(pull_request: SharedPullRequest, with: &str) -> SharedRow {
    let parts = match pull_request.opened_by {
        Opener::Viewer => format!("By you, {with} reviews it"),
        Opener::Other => format!("By {with}, you review it"),
        Opener::SomebodyElse => format!("You and {with} review it"),
    };
    let place = pull_request.repository_name.map(|name| match pull_request.number {
        Some(number) => format!("{name} #{number}"),
        None => name,
    });
    SharedRow {
        id: pull_request.id.to_string(),
        url: pull_request.url,
        title: pull_request.title,
        state: state(pull_request.state.as_deref()),
        place,
        parts,
        is_attached: pull_request.is_attached,
    }
}
