//! One page of Bitbucket's list of repositories, reduced to what is kept. For the job that reads the list, and
//! for the token of a repository.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/#api-repositories-workspace-get>

use uuid::Uuid;

use super::store::Listed;
use crate::bitbucket::{Client, Credential, Failure, Repository, RepositoryQuery, WorkspaceName};

/// A part of the list.
pub(super) struct Part {
    /// The repositories.
    pub(super) repositories: Vec<Listed>,
    /// The address of the next part.
    pub(super) next: Option<String>,
}

/// What is kept of a repository; nothing of one that Bitbucket does not name.
pub(in crate::connections) fn listed(repository: Repository) -> Option<Listed> {
    let full_name = repository.full_name.filter(|name| name.contains('/'))?;
    let (project_key, project_name) = repository.project.map(|project| (project.key, project.name)).unwrap_or_default();
    let listed = Listed {
        uuid: repository.uuid?.to_string(),
        name: repository.name.unwrap_or_else(|| full_name.clone()),
        full_name,
        project_key: project_key.unwrap_or_default(),
        project_name,
        // What is not said to be public is not shown as if it were.
        is_private: repository.is_private.unwrap_or(true),
        default_branch: repository.mainbranch.and_then(|branch| branch.name),
    };
    Some(listed.bounded())
}

/// Asks for the first hundred, or for what the `next` of the part before names.
pub(super) async fn ask(
    bitbucket: &Client,
    credential: &Credential,
    workspace: Uuid,
    next: Option<&str>,
) -> Result<Part, Failure> {
    let mut pages = bitbucket.repositories(credential, &WorkspaceName::Uuid(workspace), &RepositoryQuery::default())?;
    if let Some(next) = next {
        pages = pages.from_page(next)?;
    }
    let Some(page) = pages.next_page().await? else { return Ok(Part { repositories: Vec::new(), next: None }) };
    Ok(Part { repositories: page.values.into_iter().filter_map(listed).collect(), next: page.next })
}
