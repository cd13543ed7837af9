//! Commits, what they changed, and the statuses of their builds.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/>.

use super::{
    ApiError,
    caller::Caller,
    page::{self, List},
    repositories::visible,
};
use crate::{
    bitbucket::Bitbucket,
    percent::{percent_decode, percent_encode, query_pairs, with_parameter},
    resource::Resources,
    world::{Commit, Repository, World},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data, Path},
};
use serde_json::{Value, json};

const USUAL_PAGE: usize = 30;
const LARGEST_PAGE: usize = 100;

/// `GET` and `POST …/commits` and `…/commits/{revision}`: an iterator, without sizes and numbers; `next` holds where it stands.
/// `path` narrows nothing, because every commit holds every file alike.
pub(crate) async fn list(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let part = |name: &str| request.match_info().get(name).map(percent_decode);
    let repository =
        visible(&state.world, &caller, &part("workspace").unwrap_or_default(), &part("repo_slug").unwrap_or_default())?;
    let parameters = query_pairs(request.query_string());
    let form = query_pairs(&String::from_utf8_lossy(&body));
    let all = |name: &str| {
        let named = parameters.iter().chain(&form).filter(|(given, _)| given == name);
        named.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let pagelen = match all("pagelen").first() {
        None => USUAL_PAGE,
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| (1..=LARGEST_PAGE).contains(number))
            .ok_or_else(|| ApiError::bad_request("Invalid pagelen"))?,
    };
    let include: Vec<String> = part("revision").into_iter().chain(all("include")).collect();
    let commits = reached(&state.world, repository, &include, &all("exclude"))?;
    let from = match all("ctx").first() {
        None => 0,
        Some(cursor) => {
            commits.iter().position(|commit| commit.hash == *cursor).ok_or_else(|| ApiError::bad_request("Invalid ctx"))?
        }
    };
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let values: Vec<Value> = commits.iter().skip(from).take(pagelen).map(|commit| resources.commit(repository, commit)).collect();
    let mut body = json!({ "pagelen": pagelen, "values": values });
    if let Some(next) = commits.get(from + pagelen) {
        let kept = parameters.iter().filter(|(name, _)| name != "ctx" && name != "page");
        let address = format!("{}{}", bitbucket.url(), request.uri().path());
        let address = kept.fold(address, |address, (name, value)| with_parameter(&address, name, value));
        body["next"] = json!(with_parameter(&address, "ctx", &next.hash));
    }
    Ok(page::one(&request, &body))
}

/// What the included revisions reach and the excluded ones do not.
fn reached(world: &World, repository: &Repository, include: &[String], exclude: &[String]) -> Result<Vec<Commit>, ApiError> {
    let history = |revision: &String| {
        let by_name = world.history(repository, revision);
        let by_hash = || {
            let commit = world.commit(repository, revision)?;
            let names = world.branch_names(repository);
            let whole = names.iter().filter_map(|name| world.history(repository, name)).find(|all| all.contains(&commit))?;
            Some(whole.into_iter().skip_while(|known| *known != commit).collect::<Vec<_>>())
        };
        by_name.or_else(by_hash).ok_or_else(|| missing(revision))
    };
    // Without a revision, those of every branch.
    let include = if include.is_empty() { world.branch_names(repository) } else { include.to_vec() };
    if repository.main_branch.is_none() {
        return Err(missing("HEAD"));
    }
    let mut commits: Vec<Commit> = Vec::new();
    for revision in &include {
        for commit in history(revision)? {
            if !commits.contains(&commit) {
                commits.push(commit);
            }
        }
    }
    for revision in exclude {
        let hidden = history(revision)?;
        commits.retain(|commit| !hidden.contains(commit));
    }
    commits.sort_by_key(|commit| std::cmp::Reverse(commit.date));
    Ok(commits)
}

/// `GET …/commit/{commit}`.
pub(crate) async fn one(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let commit = found(&state.world, repository, &path.2)?;
    let mut whole = Resources { world: &state.world, url: bitbucket.url() }.commit(repository, &commit);
    whole["participants"] = json!([]);
    Ok(page::one(&request, &whole))
}

/// `GET …/commit/{commit}/statuses`.
pub(crate) async fn statuses(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let commit = found(&state.world, repository, &path.2)?;
    let status = Resources { world: &state.world, url: bitbucket.url() }.status(repository, &commit);
    List::PLAIN.answer(&request, bitbucket.url(), vec![status])
}

/// `GET …/commit/{commit}/pullrequests`: those whose source it is the tip of.
pub(crate) async fn pull_requests(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    let resources = Resources { world: &state.world, url: bitbucket.url() };
    let all = state.world.pull_requests_of(repository).into_iter().map(|listed| listed.whole(&state.world));
    let with = all.filter(|pull_request| state.world.tip(repository, &pull_request.source_branch).starts_with(&path.2));
    let values = with.map(|pull_request| resources.pull_request(&pull_request)).collect();
    let list = List { hidden: &["values.reviewers", "values.participants"], ..List::PLAIN };
    list.answer(&request, bitbucket.url(), values)
}

/// `GET …/diffstat/{spec}`: one commit, or the side with the changes, two dots (or a line break) and the base.
pub(crate) async fn diffstat(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    const DIFFSTAT: List = List { usual: 500, largest: 5000, ..List::PLAIN };
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    // The side with the changes may name its repository before a colon.
    let side = path.2.split(['\r', '\n']).next().unwrap_or_default();
    let side = side.split("..").next().unwrap_or_default();
    let side = side.rsplit(':').next().unwrap_or_default();
    let tips = || {
        state
            .world
            .pull_requests_of(repository)
            .into_iter()
            .map(|listed| state.world.tip(repository, &listed.whole(&state.world).source_branch))
    };
    let hash = match found(&state.world, repository, side) {
        Ok(commit) => commit.hash,
        Err(missing) => tips().find(|tip| side.len() >= 7 && tip.starts_with(side)).ok_or(missing)?,
    };
    let values = Resources { world: &state.world, url: bitbucket.url() }.diffstat(repository, &hash);
    DIFFSTAT.answer(&request, bitbucket.url(), values)
}

/// Where the diffstat of a pull request is.
pub(super) fn diffstat_address(url: &str, full_name: &str, source: &str, destination: &str, id: u64) -> String {
    let spec = format!("{}:{}%0D{}", percent_encode(full_name), percent_encode(source), percent_encode(destination));
    format!("{url}/2.0/repositories/{full_name}/diffstat/{spec}?from_pullrequest_id={id}&topic=true")
}

/// The commit that a revision stands for.
pub(super) fn found(world: &World, repository: &Repository, revision: &str) -> Result<Commit, ApiError> {
    world.commit(repository, revision).ok_or_else(|| missing(revision))
}

fn missing(revision: &str) -> ApiError {
    ApiError::not_found("Commit not found").with("data", json!({ "shas": [revision] }))
}
