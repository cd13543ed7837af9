//! The table of the API's operations, as `operations.tsv` holds it: made from Atlassian's OpenAPI file, which the tests compare it with.

use std::sync::LazyLock;

/// One operation in each line; a tab between its columns.
const TEXT: &str = include_str!("operations.tsv");

/// What an operation is about: what owners allow by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Repositories themselves, their forks and watchers.
    Repositories,
    /// Pull requests, their comments, tasks and approvals.
    PullRequests,
    /// Default reviewers.
    Reviewers,
    /// Branches, tags, branching models and branch restrictions.
    Branches,
    /// Commits, files, diffs, build statuses, reports and downloads.
    Commits,
    /// Pipelines, their configuration, deployments and environments.
    Pipelines,
    /// Who belongs to a workspace, and who may do what.
    Permissions,
    /// Projects of a workspace.
    Projects,
    /// Webhooks.
    Webhooks,
    /// Deploy keys, SSH keys and GPG keys.
    Keys,
    /// Snippets.
    Snippets,
    /// Code search.
    Search,
    /// Accounts and workspaces.
    Accounts,
    /// An app's own installation and properties: not for calls.
    App,
}

/// What an operation does to what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Read,
    /// Makes or changes something.
    Write,
    /// Deletes something or does what cannot be taken back.
    Destructive,
}

/// An operation of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Its path below `/2.0`, with names in braces for what the caller fills in.
    pub template: &'static str,
    /// What it is about.
    pub group: Group,
    /// What it does.
    pub effect: Effect,
    /// The scopes that an OAuth grant or an access token needs.
    pub oauth_scopes: Vec<&'static str>,
    /// The scopes that an API token needs.
    pub token_scopes: Vec<&'static str>,
    /// Whether Atlassian says that it will go.
    pub is_deprecated: bool,
    /// The names of the parameters it takes in its query; lists also take `page`, `pagelen` and `fields`.
    pub query: Vec<&'static str>,
    /// What it does, in a few words.
    pub summary: &'static str,
}

static OPERATIONS: LazyLock<Vec<Operation>> =
    LazyLock::new(|| TEXT.lines().filter(|line| !line.starts_with('#')).filter_map(Operation::read).collect());

/// Every operation, in the order of the OpenAPI file.
pub fn operations() -> &'static [Operation] {
    &OPERATIONS
}

impl Group {
    /// Every group whose operations can be called.
    pub const CALLABLE: [Self; 13] = [
        Self::Repositories,
        Self::PullRequests,
        Self::Reviewers,
        Self::Branches,
        Self::Commits,
        Self::Pipelines,
        Self::Permissions,
        Self::Projects,
        Self::Webhooks,
        Self::Keys,
        Self::Snippets,
        Self::Search,
        Self::Accounts,
    ];

    /// Stable, for programs and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Repositories => "repositories",
            Self::PullRequests => "pull_requests",
            Self::Reviewers => "reviewers",
            Self::Branches => "branches",
            Self::Commits => "commits",
            Self::Pipelines => "pipelines",
            Self::Permissions => "permissions",
            Self::Projects => "projects",
            Self::Webhooks => "webhooks",
            Self::Keys => "keys",
            Self::Snippets => "snippets",
            Self::Search => "search",
            Self::Accounts => "accounts",
            Self::App => "app",
        }
    }

    /// The group with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::CALLABLE.into_iter().chain([Self::App]).find(|group| group.as_str() == word)
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Repositories => "Repositories",
            Self::PullRequests => "Pull requests",
            Self::Reviewers => "Default reviewers",
            Self::Branches => "Branches and tags",
            Self::Commits => "Commits and files",
            Self::Pipelines => "Pipelines and deployments",
            Self::Permissions => "Members and permissions",
            Self::Projects => "Projects",
            Self::Webhooks => "Webhooks",
            Self::Keys => "Keys",
            Self::Snippets => "Snippets",
            Self::Search => "Code search",
            Self::Accounts => "Accounts and workspaces",
            Self::App => "Apps",
        }
    }
}

impl Effect {
    /// Stable, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Destructive].into_iter().find(|effect| effect.as_str() == word)
    }
}

impl Operation {
    fn read(line: &'static str) -> Option<Self> {
        let mut columns = line.split('\t');
        let mut column = || columns.next();
        let list = |text: &'static str| text.split(',').filter(|word| !word.is_empty()).collect();
        Some(Self {
            method: column()?,
            template: column()?,
            group: Group::parse(column()?)?,
            effect: Effect::parse(column()?)?,
            oauth_scopes: list(column()?),
            token_scopes: list(column()?),
            is_deprecated: column()? == "deprecated",
            query: list(column()?),
            summary: column()?,
        })
    }

    /// Names the operation, for programs and the database: method and template.
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// The operation with this [`Operation::key`].
    pub fn by_key(key: &str) -> Option<&'static Self> {
        let (method, template) = key.split_once(' ')?;
        operations().iter().find(|operation| operation.method == method && operation.template == template)
    }

    /// Whether it changes nothing.
    pub fn is_read(&self) -> bool {
        self.effect == Effect::Read
    }

    /// Whether it is about one repository that its path names.
    pub fn is_about_a_repository(&self) -> bool {
        self.template.starts_with("/repositories/{workspace}/{repo_slug}")
    }

    /// Whether it takes a form with files, which Atlassian's file says in descriptions only.
    pub fn takes_files(&self) -> bool {
        let takes = [
            ("POST", "/repositories/{workspace}/{repo_slug}/src"),
            ("POST", "/repositories/{workspace}/{repo_slug}/downloads"),
            ("POST", "/snippets"),
            ("POST", "/snippets/{workspace}"),
            ("PUT", "/snippets/{workspace}/{encoded_id}"),
        ];
        takes.contains(&(self.method, self.template))
    }

    /// What a caller should know of an operation that is on its way out.
    pub fn notice(&self) -> Option<&'static str> {
        let is_deprecated = self.is_deprecated;
        is_deprecated.then_some(match self.group {
            Group::Search if self.template.starts_with("/workspaces/") => {
                "Atlassian marks code search as deprecated since 1 November 2026 and names nothing in its place: it may stop answering."
            }
            _ if self.template.starts_with("/teams/") || self.template.starts_with("/users/") => {
                "Atlassian marks this as deprecated: use the same path below /workspaces/{workspace}."
            }
            _ => "Atlassian marks this as deprecated: it may stop answering.",
        })
    }
}
