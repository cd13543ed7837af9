//! Creating, changing and deleting a repository (<https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/>).

use serde_json::{Value, json};

use super::{Acting, Place, Written, text, with_key, without_nothing};
use crate::connections::calls::Manner;
use crate::error::{Error, Result};
use crate::people::idempotency;

/// A repository to be.
#[derive(Clone, Debug)]
pub struct NewRepository {
    /// Where: the slug stands in the path, and nowhere in what is sent.
    pub place: Place,
    /// The key of its project; without one Bitbucket takes the oldest of the workspace.
    pub project: Option<String>,
    /// Whether it is private.
    pub is_private: bool,
    /// What it is for.
    pub description: Option<String>,
}

/// What is to be different; what is left out stays.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Its name. Another name makes another slug, and another address.
    pub name: Option<String>,
    /// The key of its project.
    pub project: Option<String>,
    /// Whether it is private.
    pub is_private: Option<bool>,
    /// What it is for.
    pub description: Option<String>,
}

/// A repository, as Bitbucket has it after an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its UUID in braces, which stays.
    pub uuid: Option<String>,
    /// `workspace/slug`.
    pub full_name: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The key of its project: also one that Bitbucket chose.
    pub project: Option<String>,
    /// Whether it is private.
    pub is_private: Option<bool>,
    /// Its page in Bitbucket.
    pub url: Option<String>,
}

impl Repository {
    fn of(value: &Value) -> Self {
        Self {
            uuid: text(value, "/uuid"),
            full_name: text(value, "/full_name"),
            name: text(value, "/name"),
            project: text(value, "/project/key"),
            is_private: value["is_private"].as_bool(),
            url: text(value, "/links/html/href"),
        }
    }
}

/// Creates a repository.
///
/// # Errors
/// What `calls::make` refuses; `bitbucket_refused` when there is one already.
pub async fn create(acting: &Acting<'_>, new: &NewRepository, key: Option<idempotency::Request>) -> Result<Repository> {
    let body = without_nothing(json!({
        "scm": "git",
        "is_private": new.is_private,
        "description": new.description,
        "project": new.project.as_ref().map(|project| json!({ "key": project })),
    }));
    match acting.write("POST", &new.place.path(""), Some(body), with_key(key)).await? {
        Written::Now(made) => Ok(Repository::of(&made)),
        Written::Before(_) => show(acting, &new.place).await,
    }
}

/// Changes a repository. It is read first: Bitbucket's own call would make one where there is none.
///
/// # Errors
/// `bitbucket_not_found` (404); `nothing_to_change` (400); what `calls::make` refuses.
pub async fn change(
    acting: &Acting<'_>,
    place: &Place,
    changes: &Changes,
    key: Option<idempotency::Request>,
) -> Result<Repository> {
    let body = without_nothing(json!({
        "name": changes.name,
        "is_private": changes.is_private,
        "description": changes.description,
        "project": changes.project.as_ref().map(|project| json!({ "key": project })),
    }));
    if body.as_object().is_some_and(serde_json::Map::is_empty) {
        return Err(Error::invalid(
            "nothing_to_change",
            "name",
            "Say what is to be different: name, project, private or description.",
        ));
    }
    let before = show(acting, place).await?;
    match acting.write("PUT", &place.path(""), Some(body), with_key(key)).await? {
        Written::Now(changed) => Ok(Repository::of(&changed)),
        Written::Before(_) => Ok(before),
    }
}

/// Deletes a repository for good.
///
/// # Errors
/// `confirmation_needed` (409) unless `confirm` is `workspace/slug`; what `calls::make` refuses.
pub async fn delete(acting: &Acting<'_>, place: &Place, confirm: &str, key: Option<idempotency::Request>) -> Result<()> {
    let manner = Manner { confirm: Some(confirm.to_owned()), ..with_key(key) };
    acting.write("DELETE", &place.path(""), None, manner).await.map(|_written| ())
}

async fn show(acting: &Acting<'_>, place: &Place) -> Result<Repository> {
    Ok(Repository::of(&acting.read(&place.path(""), &[]).await?))
}
