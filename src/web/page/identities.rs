//! `/settings/integrations/bitbucket/identities`: Bitbucket accounts beside members, and one account to decide about.

use askama::Template;

use super::{Person, Shell, Time};

/// The accounts, or the members who are not among them. Forms post to `action`.
#[derive(Template)]
#[template(path = "web/identities.html")]
pub struct IdentitiesPage {
    /// What stands around it.
    pub shell: Shell,
    /// How far the members of each connected Bitbucket workspace are known.
    pub readings: Vec<Reading>,
    /// The filters.
    pub tabs: Vec<Tab>,
    /// The word of the filter that is on.
    pub show: &'static str,
    /// What was searched for.
    pub typed: String,
    /// What is listed.
    pub listing: Listing,
    /// The address of the next page.
    pub next: Option<String>,
    /// The query that brings a form back to this view: `?show=bound&q=priya`.
    pub query: String,
}

/// What the page lists.
pub enum Listing {
    /// Accounts, with whose they are.
    Accounts(Vec<AccountRow>),
    /// Members without an account among those seen.
    Members(Vec<MemberRow>),
}

/// How far the members of a Bitbucket workspace are known.
pub struct Reading {
    /// Its slug.
    pub workspace: String,
    /// When Bitbucket answered last; none while the first reading is under way.
    pub read_at: Option<Time>,
    /// Why it could not be read, in words, and what follows from that.
    pub problem: Option<&'static str>,
}

/// A filter.
pub struct Tab {
    /// Where it leads.
    pub href: String,
    /// What it says.
    pub label: &'static str,
    /// How many there are; none where it is not counted.
    pub count: Option<i64>,
    /// Whether it is on.
    pub is_current: bool,
}

/// An account in the list and on its own page.
pub struct AccountRow {
    /// Its Atlassian account id.
    pub account_id: String,
    /// What it is called in Bitbucket.
    pub name: String,
    /// Its nickname, where that is another.
    pub nickname: Option<String>,
    /// Why it is known: "member of lumenpay", "author of 2 linked pull requests".
    pub seen: Vec<String>,
    /// Whose it is.
    pub state: AccountState,
    /// Where one decides about it.
    pub href: String,
}

/// Whose an account is.
pub enum AccountState {
    /// A member's, confirmed.
    Linked {
        /// The member.
        member: Person,
        /// How, such as "with a code".
        how: &'static str,
        /// When.
        when: Time,
    },
    /// A member's, on an owner's word alone.
    Aligned {
        /// The member.
        member: Person,
        /// Their id.
        member_id: String,
    },
    /// That of a member who was removed.
    OfRemoved {
        /// The former member.
        member: Person,
    },
    /// Perhaps a member's.
    Suggested {
        /// The member.
        member: Person,
        /// Their id.
        member_id: String,
        /// Why, in words.
        reason: &'static str,
    },
    /// Perhaps one of several members', and only a person can tell which.
    Several {
        /// How many members it may be.
        count: usize,
    },
    /// Nobody's yet.
    Unknown,
    /// Nobody's, as an owner has said.
    NotAMember,
}

/// A member who has no account, or may have this one.
pub struct MemberRow {
    /// The member.
    pub person: Person,
    /// Their id.
    pub member_id: String,
    /// Why they may be whom an account belongs to, or what is known of the one they have.
    pub meaning: Option<String>,
    /// Where an account of theirs may be found; only in the list of members who have none.
    pub search_href: Option<String>,
}

/// One account: whose it is, and whose it may be.
#[derive(Template)]
#[template(path = "web/identity.html")]
pub struct AccountPage {
    /// What stands around it.
    pub shell: Shell,
    /// The account.
    pub account: AccountRow,
    /// The id of whose it is, for unlinking.
    pub bound_member_id: Option<String>,
    /// Who may be chosen: those who are suggested first, each with the reason, then everybody else without an account.
    pub choices: Vec<MemberRow>,
    /// How many more there are than are shown.
    pub more: usize,
    /// The word of the filter that the list goes on with.
    pub show: &'static str,
    /// What was searched for.
    pub typed: String,
    /// The query that brings a form back to the list.
    pub query: String,
    /// Whence one came, with its filter and search.
    pub back: String,
}

impl IdentitiesPage {
    fn action(&self, verb: &str) -> String {
        format!("{}/{verb}{}", crate::web::identities::IDENTITIES, self.query)
    }

    fn is_empty(&self) -> bool {
        match &self.listing {
            Listing::Accounts(rows) => rows.is_empty(),
            Listing::Members(rows) => rows.is_empty(),
        }
    }

    /// What to do about an empty list.
    fn empty(&self) -> (&'static str, &'static str) {
        if !self.typed.is_empty() {
            return ("Nothing found", "Search for another name, or choose another list.");
        }
        match (&self.listing, self.show) {
            (Listing::Members(_), _) => {
                ("Everybody has an account", "Each member is linked to a Bitbucket account that has been seen.")
            }
            (_, "needs-attention") => {
                ("Nothing to decide", "Every account that has been seen is a member’s, or marked as nobody’s.")
            }
            (_, "bound") => {
                ("No account is linked yet", "Press Bind beside an account, or ask members to link their own with a code.")
            }
            (_, "not-members") => ("Nothing marked", "Robots and people outside the workspace stand here once you mark them."),
            _ if self.readings.is_empty() => {
                ("Bitbucket is not connected", "Connect a Bitbucket workspace under Integrations first.")
            }
            _ => {
                ("No accounts yet", "They appear when Bitbucket has named its members, or when somebody attaches a pull request.")
            }
        }
    }
}

impl AccountPage {
    fn action(&self, verb: &str) -> String {
        format!("{}/{verb}{}", crate::web::identities::IDENTITIES, self.query)
    }
}
