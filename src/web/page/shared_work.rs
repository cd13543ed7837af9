//! The card "Work you share" beside a conversation of two people.

use super::{PullRequestState, address_of};

/// The card. A page has it as its field `shared_work` and includes `web/shared_work.html`.
pub struct SharedWorkCard {
    /// The other of the two, by name.
    pub with: String,
    /// Whose Bitbucket account is not known.
    pub unlinked: Option<Unlinked>,
    /// Linked pull requests that involve both, the newest first.
    pub rows: Vec<SharedRow>,
    /// Where the newest are, on a later page.
    pub newest_href: Option<String>,
    /// Where older ones are.
    pub older_href: Option<String>,
    /// Where Attach posts to; absent where the member may not attach.
    pub attach_action: Option<String>,
}

/// Whose Bitbucket account is not known, so that nobody can tell what the two share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlinked {
    /// That of the member who looks.
    You,
    /// That of the other.
    Them,
}

/// A linked pull request that involves both.
pub struct SharedRow {
    /// Its id, which Attach sends.
    pub id: String,
    /// Its address at Bitbucket.
    pub url: String,
    /// Its title, when known.
    pub title: Option<String>,
    /// Its state.
    pub state: PullRequestState,
    /// "lumenpay/ledger #1190".
    pub place: Option<String>,
    /// "By Priya Raman, you review it".
    pub parts: String,
    /// Whether it is attached to this conversation already.
    pub is_attached: bool,
}

impl SharedRow {
    /// What it is called, as far as is known.
    pub fn name(&self) -> &str {
        self.title.as_deref().unwrap_or_else(|| address_of(&self.url))
    }
}
