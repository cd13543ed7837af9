//! Who reviews: the reviewers that a body names, the default ones of a repository, and its branching model beside them.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/>.

use super::{
    ApiError,
    caller::Caller,
    page::{self, List},
    repositories::{administered, visible},
};
use crate::{
    bitbucket::Bitbucket,
    resource::Resources,
    world::{Repository, Review, Reviewer, User, World},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use serde_json::{Value, json};

/// The reviewers in a body, each by UUID or account id; what somebody has said before stays theirs.
pub(super) fn read(
    world: &World,
    repository: &Repository,
    author: &str,
    listed: &Value,
    before: &[Reviewer],
) -> Result<Vec<Reviewer>, ApiError> {
    let listed = match listed {
        Value::Null => return Ok(Vec::new()),
        Value::Array(listed) => listed,
        _ => return Err(refused("Malformed reviewers list")),
    };
    let mut reviewers: Vec<Reviewer> = Vec::new();
    for one in listed {
        let (uuid, account_id) = (one["uuid"].as_str(), one["account_id"].as_str());
        if uuid.or(account_id).is_none() {
            return Err(refused("Malformed reviewers list"));
        }
        let user =
            world.users.iter().find(|user| Some(user.uuid.as_str()) == uuid || Some(user.account_id.as_str()) == account_id);
        let user = user.ok_or_else(|| refused("Malformed reviewers list"))?;
        if user.account_id == author {
            return Err(refused(&format!("{} is the author and cannot be included as a reviewer.", user.display_name)));
        }
        if !world.can_see(repository, &user.account_id) {
            let sentence = "is not a member of this workspace and cannot be added to this pull request";
            return Err(refused(&format!("{} {sentence}", user.display_name)));
        }
        if reviewers.iter().any(|reviewer| reviewer.account_id == user.account_id) {
            continue;
        }
        let known = before.iter().find(|reviewer| reviewer.account_id == user.account_id).cloned();
        let fresh = || Reviewer { account_id: user.account_id.clone(), review: Review::Awaited, participated_on: None };
        reviewers.push(known.unwrap_or_else(fresh));
    }
    Ok(reviewers)
}

fn refused(sentence: &str) -> ApiError {
    ApiError::of_field("reviewers", sentence)
}

/// `GET …/default-reviewers`.
pub(crate) async fn defaults(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let values = people(&state.world, repository).map(|user| resources.user(user)).collect();
    List::PLAIN.answer(&request, bitbucket.url(), values)
}

/// `GET …/effective-default-reviewers`.
pub(crate) async fn effective(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let values = people(&state.world, repository)
        .map(|user| json!({ "type": "default_reviewer_and_type", "reviewer_type": "repository", "user": resources.user(user) }));
    List::PLAIN.answer(&request, bitbucket.url(), values.collect())
}

/// `GET`, `PUT` and `DELETE …/default-reviewers/{target_username}`, by UUID or account id.
pub(crate) async fn one_default(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let mut state = bitbucket.state();
    let method = request.method().as_str();
    let repository = match method {
        "GET" => visible(&state.world, &caller, &path.0, &path.1)?.clone(),
        _ => administered(&state.world, &caller, &path.0, &path.1)?.clone(),
    };
    let user = state.world.users.iter().find(|user| user.uuid == path.2 || user.account_id == path.2).cloned();
    let user = user.ok_or_else(|| ApiError::not_found(format!("{} does not exist.", path.2)))?;
    match method {
        "PUT" => state.world.add_default_reviewer(&repository.uuid, &user.account_id),
        _ if !people(&state.world, &repository).any(|known| known.uuid == user.uuid) => {
            return Err(ApiError::not_found("Resource not found"));
        }
        "DELETE" => {
            let gone = (repository.uuid.clone(), user.account_id.clone());
            state.world.default_reviewers.retain(|known| *known != gone);
            return Ok(HttpResponse::NoContent().finish());
        }
        _ => {}
    }
    Ok(page::one(&request, &Resources { world: &state.world, url: bitbucket.url() }.user(&user)))
}

fn people<'a>(world: &'a World, repository: &'a Repository) -> impl Iterator<Item = &'a User> {
    let own = world.default_reviewers.iter().filter(|(of, _)| *of == repository.uuid);
    own.filter_map(|(_, account_id)| world.user(account_id))
}

/// `GET …/branching-model` and `…/effective-branching-model`.
pub(crate) async fn branching_model(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let main = repository.main_branch.as_deref().unwrap_or("main");
    let kind =
        if request.path().ends_with("/effective-branching-model") { "effective_repo_branching_model" } else { "branching_model" };
    Ok(page::one(
        &request,
        &json!({
            "type": kind,
            "development": { "name": main, "use_mainbranch": true, "branch": resources.branch(repository, main) },
            "branch_types": [
                { "kind": "feature", "prefix": "feature/" },
                { "kind": "bugfix", "prefix": "bugfix/" },
                { "kind": "release", "prefix": "release/" },
                { "kind": "hotfix", "prefix": "hotfix/" },
            ],
        }),
    ))
}
