//! Every request that a typed call makes, against a table of what it should be, and that table against Atlassian's OpenAPI file where it
//! lies beside the repository (`../shared/reference`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chrono::DateTime;
use reqwest::Url;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stub::{Reply, Seen, Stub, credential};
use crate::bitbucket::{
    Client, CommitQuery, Credential, Failure, HookPlace, NewHook, PullRequestQuery, PullRequestState, RepositoryName,
    RepositoryQuery, WorkspaceName,
};
use crate::config::Secret;

const OPENAPI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/reference/bitbucket-openapi-2026-10.json");

/// What a request should be: its method, its path in the OpenAPI file's words, and the parameters it carries.
struct Expected(&'static str, &'static str, &'static [&'static str]);

const EXPECTED: &[Expected] = &[
    Expected("GET", "/workspaces/{workspace}/hooks", &[]),
    Expected("PUT", "/addon", &[]),
    Expected("DELETE", "/addon", &[]),
    Expected("GET", "/user", &[]),
    Expected("GET", "/user/emails", &["pagelen"]),
    Expected("GET", "/user/workspaces", &["pagelen"]),
    Expected("GET", "/user/workspaces/{workspace}/permission", &[]),
    Expected("GET", "/user/workspaces/{workspace}/permissions/repositories", &["pagelen", "q"]),
    Expected("GET", "/workspaces/{workspace}/permissions/repositories", &["pagelen", "q"]),
    Expected("GET", "/workspaces/{workspace}/permissions", &["pagelen", "q"]),
    Expected("GET", "/workspaces/{workspace}", &[]),
    Expected("GET", "/workspaces/{workspace}/members", &["pagelen"]),
    Expected("GET", "/repositories/{workspace}", &["pagelen", "q", "role", "sort"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}", &[]),
    Expected("GET", "/workspaces/{workspace}/projects", &["pagelen"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/refs/branches", &["pagelen", "q", "sort"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/refs/branches/{name}", &[]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/effective-branching-model", &[]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/commits", &["exclude", "include", "pagelen", "path"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/commit/{commit}", &[]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/diffstat/{spec}", &["pagelen"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}/diffstat", &["pagelen"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/src/{commit}/{path}", &["format"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/src/{commit}/{path}", &["max_depth", "pagelen"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/src/{commit}/{path}", &[]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/pullrequests", &["fields", "pagelen", "state"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/pullrequests", &["fields", "pagelen", "q", "sort"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}", &[]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}/activity", &["pagelen"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/pullrequests/activity", &["pagelen"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}", &["fields"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/pipelines", &["pagelen", "sort", "target.branch"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/pipelines/{pipeline_uuid}", &[]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/pipelines/{pipeline_uuid}/steps", &["pagelen"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/deployments", &["pagelen"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/environments", &["pagelen"]),
    Expected("GET", "/repositories/{workspace}/{repo_slug}/hooks", &["pagelen"]),
    Expected("POST", "/repositories/{workspace}/{repo_slug}/hooks", &[]),
    Expected("PUT", "/repositories/{workspace}/{repo_slug}/hooks/{uid}", &[]),
    Expected("DELETE", "/workspaces/{workspace}/hooks/{uid}", &[]),
    Expected("GET", "/workspaces/{workspace}/search/code", &["fields", "pagelen", "search_query"]),
];

/// Makes every typed call once, in the order of the table.
async fn make_every_call(client: &Client, credential: &Credential) -> Result<(), Failure> {
    let (uuid, workspace) = (Uuid::nil(), WorkspaceName::Slug("lumenpay".to_owned()));
    let (by_uuid, name) = (RepositoryName::Uuid(uuid), RepositoryName::Full("lumenpay/ledger".to_owned()));
    client.prove(credential, uuid).await?;
    client.put_descriptor(credential, &json!({})).await?;
    client.remove_app(credential).await?;
    client.user(credential).await?;
    client.emails(credential)?.next_page().await?;
    client.workspaces(credential)?.next_page().await?;
    client.workspace_permission(credential, &workspace).await?;
    client.own_repository_permissions(credential, &workspace, Some("permission=\"write\""))?.next_page().await?;
    client.repository_permissions(credential, &workspace, Some("permission=\"write\""))?.next_page().await?;
    client.permissions(credential, &workspace, Some("permission=\"owner\""))?.next_page().await?;
    client.workspace(credential, uuid).await?;
    client.members(credential, &workspace)?.next_page().await?;
    let of_a_project = RepositoryQuery {
        q: Some("project.key=\"LED\"".to_owned()),
        sort: Some("-updated_on".to_owned()),
        role: Some("member".to_owned()),
    };
    client.repositories(credential, &workspace, &of_a_project)?.next_page().await?;
    client.repository(credential, &by_uuid).await?;
    client.projects(credential, &workspace)?.next_page().await?;
    client.branches(credential, &name, Some("name ~ \"x\""), Some("-target.date"))?.next_page().await?;
    client.branch(credential, &name, "feature/a b").await?;
    client.branching_model(credential, &name).await?;
    let (include, exclude) = (vec!["main".to_owned(), "next".to_owned()], vec!["old".to_owned()]);
    let commits = CommitQuery { include, exclude, path: Some("docs/a.md".to_owned()) };
    client.commits(credential, &name, &commits)?.next_page().await?;
    client.commit(credential, &name, "9f733b96b98a").await?;
    client.diffstat(credential, &name, "9f733b96b98a..1f733b96b98a")?.next_page().await?;
    client.pull_request_diffstat(credential, &name, 87)?.next_page().await?;
    client.source_entry(credential, &name, "9f733b96b98a", "docs/a b.md").await?;
    client.source_folder(credential, &name, "9f733b96b98a", "", 2)?.next_page().await?;
    client.source_file(credential, &name, "9f733b96b98a", "docs/a.md").await?;
    let states = vec![PullRequestState::Open, PullRequestState::Merged];
    let mut query = PullRequestQuery { states, updated_since: None };
    client.pull_requests(credential, &name, &query)?.next_page().await?;
    query.updated_since = DateTime::from_timestamp(1_790_000_000, 0);
    client.pull_requests(credential, &name, &query)?.next_page().await?;
    client.pull_request(credential, &by_uuid, 87).await?;
    client.pull_request_activity(credential, &name, 87)?.next_page().await?;
    client.repository_activity(credential, &name)?.next_page().await?;
    client.comment_count(credential, &name, 87).await?;
    client.pipelines(credential, &name, Some("main"))?.next_page().await?;
    client.pipeline(credential, &name, uuid).await?;
    client.steps(credential, &name, uuid)?.next_page().await?;
    client.deployments(credential, &name)?.next_page().await?;
    client.environments(credential, &name)?.next_page().await?;
    let (here, there) = (HookPlace::Repository(name), HookPlace::Workspace(workspace.clone()));
    client.hooks(credential, &here)?.next_page().await?;
    client.create_hook(credential, &here, &hook()).await?;
    client.update_hook(credential, &here, uuid, &NewHook { secret: None, ..hook() }).await?;
    client.delete_hook(credential, &there, uuid).await?;
    client.code_search(credential, &workspace, "retry repo:ledger")?.next_page().await?;
    Ok(())
}

fn hook() -> NewHook {
    NewHook {
        description: "ClarityLoop".to_owned(),
        url: "https://clarityloop.example.com/hooks/bitbucket/1".to_owned(),
        active: true,
        secret: Some(Secret::new("hook secret")),
        events: vec!["pullrequest:created".to_owned(), "repo:push".to_owned()],
    }
}

async fn every_request() -> Vec<Seen> {
    let stub = Stub::start(|_, _| Reply::json(r#"{"slug":"lumenpay"}"#)).await;
    make_every_call(&stub.client(), &credential()).await.unwrap();
    stub.seen()
}

#[tokio::test]
async fn every_typed_call_is_the_request_that_it_should_be() {
    let all = every_request().await;
    assert_eq!(all.len(), EXPECTED.len());
    for (seen, Expected(method, template, parameters)) in all.iter().zip(EXPECTED) {
        let (path, query) = split(&seen.target);
        let names: BTreeSet<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(seen.method, *method, "{}", seen.target);
        assert!(fits(&path, template), "{path} is no {template}");
        assert_eq!(names.into_iter().collect::<Vec<_>>(), *parameters, "{}", seen.target);
    }
}

#[tokio::test]
async fn what_bitbucket_is_particular_about_is_as_it_wants_it() {
    let targets: Vec<String> = every_request().await.into_iter().map(|seen| seen.target).collect();
    let has = |part: &str| assert!(targets.iter().any(|target| target.contains(part)), "{part} in {targets:#?}");
    has("/2.0/repositories/%7B%7D/%7B00000000-0000-0000-0000-000000000000%7D/pullrequests/87");
    has("/refs/branches/feature%2Fa%20b");
    has("/src/9f733b96b98a/docs/a%20b.md?format=meta");
    has("/src/9f733b96b98a/?max_depth=2");
    has("/pipelines/?");
    has("?state=OPEN&state=MERGED&fields=%2Bvalues.participants%2C%2Bvalues.reviewers%2C%2Bvalues.merge_commit.date&pagelen=50");
    has("q=updated_on%20%3E%3D%202026-09-21T14%3A13%3A20.000000%2B00%3A00%20AND%20%28state%20%3D%20%22OPEN%22%20OR%20state");
    for target in targets.iter().filter(|target| target.contains("/pullrequests?") || target.contains("/activity?")) {
        assert!(target.contains("pagelen=50"), "{target}: more is answered with 400");
    }
    has("/diffstat/9f733b96b98a..1f733b96b98a?pagelen=500");
    assert!(!targets.iter().any(|target| target.contains(['{', '}', '+', ' '])), "{targets:#?}");
}

#[tokio::test]
async fn the_specification_knows_every_request_with_its_parameters_and_body() {
    let Some(specification) = specification() else { return };
    for seen in every_request().await {
        let (path, query) = split(&seen.target);
        let method = seen.method.to_lowercase();
        let mut known = operations(&specification, &method).filter(|(template, _)| fits(&path, template));
        let found = known.next();
        let (template, operation) = found.unwrap_or_else(|| panic!("no such operation: {method} {path}"));
        for (name, value) in &query {
            let documented = parameters(&specification, &template, operation);
            let parameter = documented.iter().find(|parameter| parameter["name"] == name.as_str());
            let described = operation["description"].as_str().unwrap_or_default();
            // Paging, partial answers and filters belong to every list; a few parameters stand in the description only.
            let is_convention = ["page", "pagelen", "fields", "q", "sort"].contains(&name.as_str());
            assert!(parameter.is_some() || is_convention || described.contains(name.as_str()), "{name} of {method} {template}");
            if let Some(words) = parameter.and_then(|parameter| parameter["schema"]["enum"].as_array()) {
                // A minus sign turns an order round.
                let value = if name == "sort" { value.trim_start_matches('-') } else { value };
                assert!(words.iter().any(|word| word == value), "{name}={value} of {template}");
            }
        }
        if template.contains("/hooks") && !seen.body.is_empty() {
            let hook = &specification["components"]["schemas"]["webhook_subscription"]["allOf"][1]["properties"];
            for (field, value) in serde_json::from_str::<Value>(&seen.body).unwrap().as_object().unwrap() {
                assert!(hook[field].is_object(), "{field} of a hook");
                let words = hook[field]["items"]["enum"].as_array();
                let events = value.as_array().into_iter().flatten();
                assert!(events.into_iter().all(|event| words.is_none_or(|words| words.contains(event))), "{value}");
            }
        }
    }
}

fn specification() -> Option<Value> {
    if !Path::new(OPENAPI).exists() {
        println!("skipped: {OPENAPI} is not there; the committed table alone was checked");
        return None;
    }
    Some(serde_json::from_slice(&fs::read(OPENAPI).unwrap()).unwrap())
}

fn operations<'a>(specification: &'a Value, method: &'a str) -> impl Iterator<Item = (String, &'a Value)> {
    let paths = specification["paths"].as_object().unwrap().iter();
    // A word of the path wins over a parameter: /pullrequests/activity is no pull request's number.
    let mut paths: Vec<_> = paths.filter(|(_, operations)| operations[method].is_object()).collect();
    paths.sort_by_key(|(template, _)| template.matches('{').count());
    paths.into_iter().map(move |(template, operations)| (template.clone(), &operations[method]))
}

fn parameters<'a>(specification: &'a Value, template: &str, operation: &'a Value) -> Vec<&'a Value> {
    let of_path = specification["paths"][template]["parameters"].as_array().into_iter().flatten();
    of_path.chain(operation["parameters"].as_array().into_iter().flatten()).collect()
}

/// The path below `/2.0`, without the slash at its end, and the decoded parameters.
fn split(target: &str) -> (String, Vec<(String, String)>) {
    let url = Url::parse(&format!("https://api.bitbucket.org{target}")).unwrap();
    let path = url.path().strip_prefix("/2.0").unwrap().trim_end_matches('/').to_owned();
    (path, url.query_pairs().into_owned().collect())
}

/// Whether a path is one of the template's. The path of a file has as many segments as it has; of the root it has none.
fn fits(path: &str, template: &str) -> bool {
    let (path, template): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template.split('/').collect());
    let is_of_a_file = template.last() == Some(&"{path}");
    let lengths_fit = if is_of_a_file { path.len() + 1 >= template.len() } else { path.len() == template.len() };
    lengths_fit && template.iter().zip(&path).all(|(word, part)| word.starts_with('{') || word == part)
}
