//! Pull requests of a repository: the list, which leaves reviewers and participants out unless asked; one; opening and updating one.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/>.

use super::{
    ApiError,
    caller::Caller,
    page::{self, List},
    repositories::{read, visible},
    reviewers,
};
use crate::{
    bitbucket::Bitbucket,
    resource::{Resources, timestamp},
    world::{Listed, PullRequest, PullRequestState, Repository, World},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, Data, Path},
};
use serde_json::{Value, json};

/// Fifty at most, and without the people unless they are asked for.
const PULL_REQUESTS: List = List {
    usual: 10,
    largest: 50,
    searchable: &[
        "id",
        "title",
        "state",
        "author.uuid",
        "author.account_id",
        "reviewers.uuid",
        "source.branch.name",
        "destination.branch.name",
        "updated_on",
        "created_on",
    ],
    hidden: &["values.reviewers", "values.participants", "values.merge_commit.date"],
};

/// `GET …/pullrequests`, newest first; open ones unless `state` (repeated, or `ALL`) or a condition on it says otherwise.
pub(crate) async fn list(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let found = state.world.pull_requests_of(repository);
    answer(&request, &bitbucket, &state.world, found)
}

/// `GET /2.0/workspaces/{workspace}/pullrequests/{selected_user}`: those of an author in every repository that the caller sees.
pub(crate) async fn of_author(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let world = &state.world;
    let workspace = super::workspaces::entered(world, &caller, &path.0)?;
    let author = world.users.iter().find(|user| user.uuid == path.1 || user.account_id == path.1);
    let author = author.ok_or_else(|| ApiError::not_found("Resource not found"))?;
    let seen = world.repositories.iter().filter(|repository| {
        repository.workspace == workspace.uuid && caller.permission(world, repository) > crate::world::Permission::None
    });
    let all = seen.flat_map(|repository| world.pull_requests_of(repository));
    let own = all.filter(|listed| listed.whole(world).author == author.account_id).collect();
    answer(&request, &bitbucket, world, own)
}

fn answer(
    request: &HttpRequest,
    bitbucket: &Bitbucket,
    world: &World,
    mut found: Vec<Listed<'_>>,
) -> Result<HttpResponse, ApiError> {
    let window = PULL_REQUESTS.window(request)?;
    let asks_for_state = PULL_REQUESTS.condition(&window)?.is_some_and(|condition| condition.fields().contains(&"state"));
    let states: Vec<&str> = window.parameters("state").collect();
    found.retain(|listed| match states.as_slice() {
        [] if asks_for_state => true,
        [] => listed.state() == PullRequestState::Open,
        states => states.contains(&listed.state().as_str()) || states.contains(&"ALL"),
    });
    let resources = Resources { world, url: bitbucket.url() };
    let field = |listed: &Listed<'_>, path: &str| match path {
        "id" => vec![json!(listed.id())],
        "state" => vec![json!(listed.state().as_str())],
        "created_on" => vec![json!(timestamp(listed.created_on()))],
        "updated_on" => vec![json!(timestamp(listed.updated_on()))],
        _ => {
            let whole = resources.pull_request(&listed.whole(world));
            super::bbql::at_path(&whole, path).into_iter().cloned().collect()
        }
    };
    PULL_REQUESTS.answer_lazily(request, bitbucket.url(), found, field, |listed| resources.pull_request(&listed.whole(world)))
}

/// `GET …/pullrequests/{pull_request_id}`.
pub(crate) async fn one(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let (_, pull_request) = found(&state.world, &caller, &path)?;
    let shown = Resources { world: &state.world, url: bitbucket.url() }.pull_request(&pull_request);
    Ok(page::one_without(&request, &["merge_commit.date"], &shown))
}

/// `POST …/pullrequests`: a title and the branch with the changes are enough.
pub(crate) async fn create(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let body = read(&body)?;
    let now = bitbucket.now();
    let mut state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?.clone();
    let title = body["title"].as_str().filter(|title| !title.is_empty());
    let title = title.ok_or_else(|| ApiError::of_field("title", "This field is required."))?;
    let source = branch(&body, "source").ok_or_else(|| ApiError::of_field("source", "This field is required."))?;
    let destination = branch(&body, "destination").or_else(|| repository.main_branch.clone());
    let destination = destination.ok_or_else(|| ApiError::of_field("destination", "branch not found: main"))?;
    let names = state.world.branch_names(&repository);
    for (field, name) in [("source", &source), ("destination", &destination)] {
        if !names.contains(name) {
            return Err(ApiError::of_field(field, &format!("branch not found: {name}")));
        }
    }
    if source == destination {
        return Err(ApiError::bad_request("There are no changes to be pulled"));
    }
    let author = caller.account_id().unwrap_or_else(|| caller.name()).to_owned();
    let reviewers = reviewers::read(&state.world, &repository, &author, &body["reviewers"], &[])?;
    let id = state.world.pull_requests_of(&repository).first().map_or(1, |newest| newest.id() + 1);
    let pull_request = PullRequest {
        repository: repository.uuid.clone(),
        id,
        title: title.to_owned(),
        description: body["description"].as_str().unwrap_or_default().to_owned(),
        state: PullRequestState::Open,
        author,
        reviewers,
        source_branch: source,
        destination_branch: destination,
        closed_by: None,
        comment_count: 0,
        created_on: now,
        updated_on: now,
    };
    state.world.pull_requests.push(pull_request.clone());
    let made = Resources { world: &state.world, url: bitbucket.url() }.pull_request(&pull_request);
    let address = made.pointer("/links/self/href").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(HttpResponse::Created().insert_header((header::LOCATION, address)).json(made))
}

/// `PUT …/pullrequests/{pull_request_id}`: reviewers that are not named are taken away.
pub(crate) async fn update(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let body = read(&body)?;
    let now = bitbucket.now();
    let mut state = bitbucket.state();
    let (repository, before) = found(&state.world, &caller, &path)?;
    let (repository, before) = (repository.clone(), before.into_owned());
    if before.state != PullRequestState::Open {
        return Err(ApiError::bad_request("Only open pull requests can be mutated"));
    }
    let title = body["title"].as_str().filter(|title| !title.is_empty());
    let title = title.ok_or_else(|| ApiError::of_field("title", "This field is required."))?.to_owned();
    let destination = branch(&body, "destination").unwrap_or_else(|| before.destination_branch.clone());
    if !state.world.branch_names(&repository).contains(&destination) {
        return Err(ApiError::of_field("destination", &format!("branch not found: {destination}")));
    }
    let reviewers = reviewers::read(&state.world, &repository, &before.author, &body["reviewers"], &before.reviewers)?;
    if let Some(pull_request) = state.world.pull_request_mut(&repository.uuid, before.id) {
        pull_request.retitle(&title, now);
        pull_request.reviewers = reviewers;
        pull_request.destination_branch = destination;
        if let Some(description) = body["description"].as_str() {
            description.clone_into(&mut pull_request.description);
        }
    }
    let (_, pull_request) = found(&state.world, &caller, &path)?;
    Ok(HttpResponse::Ok().json(Resources { world: &state.world, url: bitbucket.url() }.pull_request(&pull_request)))
}

/// The pull request that an address names, if the caller may see it.
pub(super) fn found<'a>(
    world: &'a World,
    caller: &Caller,
    (workspace, slug, id): &(String, String, String),
) -> Result<(&'a Repository, std::borrow::Cow<'a, PullRequest>), ApiError> {
    let repository = visible(world, caller, workspace, slug)?;
    let pull_request = id.parse().ok().and_then(|id| world.find_pull_request(&repository.uuid, id));
    Ok((repository, pull_request.ok_or_else(|| ApiError::not_found("Resource not found"))?))
}

fn branch(body: &Value, side: &str) -> Option<String> {
    body.pointer(&format!("/{side}/branch/name")).and_then(Value::as_str).map(str::to_owned)
}
