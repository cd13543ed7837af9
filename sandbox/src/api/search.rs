//! Code search, which a workspace turns on and Atlassian means to take away.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-search/>.

use super::{ApiError, caller::Caller, page::List, removed, workspaces::entered};
use crate::{
    bitbucket::Bitbucket,
    percent::query_pairs,
    resource::Resources,
    world::{File, Permission, Repository},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use serde_json::{Value, json};

/// `GET /2.0/workspaces/{workspace}/search/code`: words, and `repo:` for a repository.
pub(crate) async fn code(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    workspace: Path<String>,
) -> Result<HttpResponse, ApiError> {
    const RESULTS: List = List { hidden: &["values.file.commit"], ..List::PLAIN };
    let state = bitbucket.state();
    let world = &state.world;
    if state.is_code_search_removed {
        return Err(removed::refusal("CHANGE-3250"));
    }
    let workspace = entered(world, &caller, &workspace)?;
    if !world.with_code_search.contains(&workspace.uuid) {
        let sentence =
            "Search is not enabled for the requested workspace, navigate to https://bitbucket.org/search to turn it on";
        return Err(ApiError::not_found(sentence));
    }
    let parameters = query_pairs(request.query_string());
    let query = parameters.iter().find(|(name, _)| name == "search_query").map(|(_, value)| value.as_str());
    let query =
        query.filter(|query| !query.trim().is_empty()).ok_or_else(|| ApiError::bad_request("search_query is required"))?;
    let only = query.split_whitespace().find_map(|word| word.strip_prefix("repo:"));
    let words: Vec<String> = query.split_whitespace().filter(|word| !word.contains(':')).map(str::to_lowercase).collect();
    let resources = Resources { world, url: bitbucket.url() };
    let seen = world.repositories.iter().filter(|repository| {
        repository.workspace == workspace.uuid
            && caller.permission(world, repository) > Permission::None
            && only.is_none_or(|only| repository.is(only))
    });
    let mut values = Vec::new();
    for repository in seen {
        let files = world.files_of(repository);
        let found = files.iter().filter(|file| matches(file, &words));
        values.extend(found.map(|file| result(&resources, repository, file, &words)));
    }
    let window = RESULTS.window(&request)?;
    let size = values.len();
    let values = values.into_iter().skip(window.first()).take(window.pagelen()).collect();
    Ok(RESULTS.page(&request, bitbucket.url(), &window, size, values))
}

fn matches(file: &File, words: &[String]) -> bool {
    let text = String::from_utf8_lossy(&file.bytes).to_lowercase();
    file.attributes.is_empty() && words.iter().all(|word| text.contains(word) || file.path.to_lowercase().contains(word))
}

fn result(resources: &Resources<'_>, repository: &Repository, file: &File, words: &[String]) -> Value {
    let text = String::from_utf8_lossy(&file.bytes);
    let lines: Vec<Value> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| words.iter().any(|word| line.to_lowercase().contains(word)))
        .map(|(place, line)| json!({ "line": place + 1, "segments": [{ "text": line, "match": true }] }))
        .collect();
    let commit = resources.world.commit(repository, repository.main_branch.as_deref().unwrap_or_default());
    let mut shown = commit.as_ref().map(|commit| resources.file(repository, commit, file)).unwrap_or_default();
    shown["commit"]["repository"] = resources.condensed_repository(repository);
    json!({
        "type": "code_search_result",
        "content_match_count": lines.len(),
        "content_matches": [{ "lines": lines }],
        "path_matches": [{ "text": file.path }],
        "file": shown,
    })
}
