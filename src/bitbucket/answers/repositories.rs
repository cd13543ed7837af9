//! Repositories, their projects, branches and branching model.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{Commit, Workspace, lenient};

/// A repository, whole or as far as another object names it.
#[derive(Clone, Debug, Deserialize)]
pub struct Repository {
    /// What outlives a rename.
    #[serde(default, deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
    /// `workspace/repository`.
    #[serde(default)]
    pub full_name: Option<String>,
    /// The name, as people write it.
    #[serde(default)]
    pub name: Option<String>,
    /// The name in addresses; not in the OpenAPI file, but sent.
    #[serde(default)]
    pub slug: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether only members see it.
    #[serde(default)]
    pub is_private: Option<bool>,
    /// The main branch; null in an empty repository.
    #[serde(default)]
    pub mainbranch: Option<BranchName>,
    /// The project it belongs to.
    #[serde(default)]
    pub project: Option<Project>,
    /// The workspace it belongs to.
    #[serde(default)]
    pub workspace: Option<Workspace>,
    /// Where it was forked from.
    #[serde(default)]
    pub parent: Option<Box<Repository>>,
    /// The main language, as somebody has set it.
    #[serde(default)]
    pub language: Option<String>,
    /// In bytes.
    #[serde(default)]
    pub size: Option<u64>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub created_on: Option<DateTime<Utc>>,
    /// When it was pushed to or changed last.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub updated_on: Option<DateTime<Utc>>,
}

/// A branch by its name alone.
#[derive(Clone, Debug, Deserialize)]
pub struct BranchName {
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
}

/// A project of a workspace.
#[derive(Clone, Debug, Deserialize)]
pub struct Project {
    /// What outlives a rename.
    #[serde(default, deserialize_with = "lenient::uuid")]
    pub uuid: Option<Uuid>,
    /// The key, in capitals.
    #[serde(default)]
    pub key: Option<String>,
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
}

/// A branch.
#[derive(Clone, Debug, Deserialize)]
pub struct Branch {
    /// The name, slashes and all.
    #[serde(default)]
    pub name: Option<String>,
    /// Its newest commit.
    #[serde(default)]
    pub target: Option<Commit>,
}

/// Which branches are for what.
#[derive(Clone, Debug, Deserialize)]
pub struct BranchingModel {
    /// Where work comes together.
    #[serde(default)]
    pub development: Option<ModelBranch>,
    /// What is released, if another.
    #[serde(default)]
    pub production: Option<ModelBranch>,
    /// The kinds of branches beside them.
    #[serde(default, deserialize_with = "lenient::list")]
    pub branch_types: Vec<BranchType>,
}

/// A branch with a part in the model.
#[derive(Clone, Debug, Deserialize)]
pub struct ModelBranch {
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it is whatever the main branch is.
    #[serde(default)]
    pub use_mainbranch: Option<bool>,
    /// The branch, if it exists.
    #[serde(default)]
    pub branch: Option<Branch>,
}

/// A kind of branches.
#[derive(Clone, Debug, Deserialize)]
pub struct BranchType {
    /// `feature`, `bugfix`, `release` or `hotfix`.
    #[serde(default)]
    pub kind: Option<String>,
    /// What their names begin with.
    #[serde(default)]
    pub prefix: Option<String>,
}
