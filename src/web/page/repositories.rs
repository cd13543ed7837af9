//! `/settings/integrations/bitbucket/repositories`: what is chosen of a Bitbucket workspace.

use askama::Template;

use super::{Shell, Time};

/// The list of one Bitbucket workspace. Forms post to `action`.
#[derive(Template)]
#[template(path = "web/repositories.html")]
pub struct RepositoriesPage {
    /// What stands around it.
    pub shell: Shell,
    /// The Bitbucket workspaces to choose from; none where there is one.
    pub workspaces: Vec<WorkspaceTab>,
    /// The one that is looked at; none while nothing is connected.
    pub place: Option<Place>,
    /// Proposals that wait.
    pub proposals: Vec<ProposalRow>,
    /// Whether there are more.
    pub has_more_proposals: bool,
}

/// A Bitbucket workspace to look at.
pub struct WorkspaceTab {
    /// Where it leads.
    pub href: String,
    /// Its slug.
    pub name: String,
    /// Whether it is looked at.
    pub is_current: bool,
}

/// A Bitbucket workspace and its list.
pub struct Place {
    /// Its slug.
    pub name: String,
    /// Its UUID.
    pub uuid: String,
    /// How far the list is read.
    pub reading: Reading,
    /// What owners decide about; none for members.
    pub chosen: Option<Chosen>,
    /// The projects to narrow the list to; none for members.
    pub projects: Vec<ProjectOption>,
    /// The parts of the list.
    pub tabs: Vec<ShowTab>,
    /// The word of the part that is on.
    pub show: &'static str,
    /// What was searched for.
    pub typed: String,
    /// The key of the project that is looked at; empty for all.
    pub project: String,
    /// Whether anything narrows the list.
    pub is_narrowed: bool,
    /// The repositories.
    pub rows: Vec<RepositoryRow>,
    /// The address of the next page.
    pub next: Option<String>,
    /// Whether this is not the first page.
    pub is_later_page: bool,
    /// The address of the first page.
    pub first: String,
    /// The query that brings a form back to this view.
    pub query: String,
}

impl Place {
    fn action(&self, verb: &str) -> String {
        format!("{}/{verb}{}", crate::web::repositories::REPOSITORIES, self.query)
    }
}

/// How far a list is read.
pub struct Reading {
    /// What is under way; empty when nothing is.
    pub sentence: String,
    /// When it was read to its end.
    pub listed_at: Option<Time>,
    /// Why it could not be read, and what to do.
    pub problem: Option<&'static str>,
    /// Whether it is being read.
    pub is_under_way: bool,
}

/// What is decided about a project or a whole workspace.
pub struct Chosen {
    /// "project LED", "this workspace".
    pub what: String,
    /// How many repositories there are.
    pub all: i64,
    /// How many are chosen.
    pub chosen: i64,
    /// How many are not.
    pub left: i64,
    /// What may become of new repositories.
    pub rules: Vec<RuleOption>,
}

/// What becomes of new repositories.
pub struct RuleOption {
    /// What the form sends.
    pub value: &'static str,
    /// What it says.
    pub label: &'static str,
    /// Whether it is so.
    pub is_chosen: bool,
}

/// A project to narrow the list to.
pub struct ProjectOption {
    /// Its key.
    pub key: String,
    /// Key, name and counts.
    pub label: String,
    /// Whether it is looked at.
    pub is_chosen: bool,
}

/// A part of the list.
pub struct ShowTab {
    /// Where it leads.
    pub href: String,
    /// What it says.
    pub label: &'static str,
    /// Whether it is on.
    pub is_current: bool,
}

/// A repository.
pub struct RepositoryRow {
    /// Its UUID.
    pub uuid: String,
    /// `workspace/repository`.
    pub name: String,
    /// Project, who sees it, main branch.
    pub facts: Vec<String>,
    /// Whether it is chosen.
    pub is_chosen: bool,
    /// Since when Bitbucket does not list it.
    pub gone_at: Option<Time>,
}

/// A proposal that waits.
pub struct ProposalRow {
    /// Where its forms post to, without the verb.
    pub action: String,
    /// "choose lumenpay/ledger".
    pub what: String,
    /// Who proposes it.
    pub by: String,
    /// When.
    pub at: Time,
}
