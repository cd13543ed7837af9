//! Projects and repositories.

use chrono::{DateTime, Utc};

/// What groups the repositories of a workspace.
#[derive(Clone, Debug)]
pub struct Project {
    /// In braces.
    pub uuid: String,
    /// Upper-case, unique within the workspace.
    pub key: String,
    /// For people to read.
    pub name: String,
    /// UUID of its workspace.
    pub workspace: String,
}

/// A repository.
#[derive(Clone, Debug)]
pub struct Repository {
    /// In braces.
    pub uuid: String,
    /// The second segment of every address inside.
    pub slug: String,
    /// For people to read.
    pub name: String,
    /// UUID of its workspace.
    pub workspace: String,
    /// Key of its project.
    pub project: String,
    /// Whether only members of the workspace see it.
    pub private: bool,
    /// For people to read.
    pub description: String,
    /// The language it is marked with, lower-case; may be empty.
    pub language: String,
    /// Its main branch; an empty repository has none.
    pub main_branch: Option<String>,
    /// `allow_forks`, `no_public_forks` or `no_forks`.
    pub fork_policy: String,
    /// When it was made.
    pub created_on: DateTime<Utc>,
    /// When it last changed.
    pub updated_on: DateTime<Utc>,
}

impl Repository {
    /// A private repository in a workspace (UUID) and a project (key), with a main branch `main`.
    #[must_use]
    pub fn new(workspace: &str, project: &str, uuid: &str, slug: &str, now: DateTime<Utc>) -> Self {
        Self {
            uuid: uuid.to_owned(),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            workspace: workspace.to_owned(),
            project: project.to_owned(),
            private: true,
            description: String::new(),
            language: String::new(),
            main_branch: Some("main".to_owned()),
            fork_policy: "no_public_forks".to_owned(),
            created_on: now,
            updated_on: now,
        }
    }

    pub(crate) fn is(&self, uuid_or_slug: &str) -> bool {
        self.uuid == uuid_or_slug || self.slug == uuid_or_slug
    }
}
