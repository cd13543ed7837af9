//! Whether the table is what the OpenAPI file says, and whether any path is either an operation's or refused.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use reqwest::Url;
use serde_json::Value;

use super::*;

/// Atlassian's file, which lies beside the repository where it is worked on.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/reference/bitbucket-openapi-2026-10.json");
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bitbucket/operations/operations.tsv");
const METHODS: [&str; 4] = ["get", "put", "post", "delete"];
const HEAD: &str = "# The operations of the Bitbucket Cloud API 2.0, made from Atlassian's OpenAPI file of October 2026 (src/bitbucket/operations/tests.rs\n\
# says how): method, path, group, effect, OAuth scopes, API token scopes, whether deprecated, query parameters, summary.\n";

fn document() -> Option<Value> {
    if !Path::new(DOCUMENT).exists() {
        eprintln!("skipped: the OpenAPI file is not beside the repository");
        return None;
    }
    Some(serde_json::from_str(&fs::read_to_string(DOCUMENT).unwrap()).unwrap())
}

fn group(template: &str) -> Group {
    let has = |part: &str| template.contains(part);
    let begins = |part: &str| template.starts_with(part);
    match () {
        () if begins("/addon") || has("/properties/") => Group::App,
        () if has("/hook") => Group::Webhooks,
        () if has("default-reviewers") => Group::Reviewers,
        () if has("permission") || has("/members") => Group::Permissions,
        () if has("deploy-keys") || has("ssh-keys") || has("gpg") => Group::Keys,
        () if has("/search/code") => Group::Search,
        () if has("pipelines") || has("/deployments") || has("/environments") => Group::Pipelines,
        () if has("/pullrequests") => Group::PullRequests,
        () if has("branch") || has("/refs") => Group::Branches,
        () if has("/projects") => Group::Projects,
        () if begins("/snippets") => Group::Snippets,
        () if ["/commit", "/diff", "/src", "/file", "/patch", "/merge-base", "/downloads"].iter().any(|part| has(part)) => {
            Group::Commits
        }
        () if begins("/repositories") => Group::Repositories,
        () => Group::Accounts,
    }
}

fn effect(method: &str, template: &str) -> Effect {
    let ends = |end: &str| template.ends_with(end);
    match method {
        "GET" => Effect::Read,
        // The same list as with GET, for what is too long for an address.
        "POST" if ends("/commits") || ends("/commits/{revision}") => Effect::Read,
        // These take back what the same person did, and can be done again.
        "DELETE" if ends("/approve") || ends("/request-changes") || ends("/resolve") || ends("/watch") => Effect::Write,
        "DELETE" => Effect::Destructive,
        "POST" if ends("/merge") || ends("/decline") => Effect::Destructive,
        _ => Effect::Write,
    }
}

fn scopes(operation: &Value, pointer: &str, inner: &str) -> String {
    let lists = operation[pointer].as_array().into_iter().flatten().filter_map(|entry| entry[inner].as_array());
    let mut scopes: Vec<&str> = lists.flatten().filter_map(Value::as_str).collect();
    scopes.dedup();
    scopes.join(",")
}

/// The table as the document has it.
fn made(document: &Value) -> String {
    let mut lines = HEAD.to_owned();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(method, _)| METHODS.contains(&method.as_str())) {
            let method = method.to_uppercase();
            let own = operation["parameters"].as_array().into_iter().flatten();
            let shared = item["parameters"].as_array().into_iter().flatten();
            let query: Vec<&str> =
                own.chain(shared).filter(|one| one["in"] == "query").filter_map(|one| one["name"].as_str()).collect();
            let columns = [
                method.as_str(),
                template,
                group(template).as_str(),
                effect(&method, template).as_str(),
                &scopes(operation, "security", "oauth2"),
                &scopes(operation, "x-atlassian-oauth2-scopes", "scopes"),
                if operation["deprecated"] == true { "deprecated" } else { "" },
                &query.join(","),
                &operation["summary"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" "),
            ];
            lines.push_str(&columns.join("\t"));
            lines.push('\n');
        }
    }
    lines
}

/// To write it anew from a newer file: `WRITE_OPERATIONS=1 cargo test --lib operations`.
#[test]
fn the_table_is_what_atlassians_document_says() {
    let Some(document) = document() else { return };
    let made = made(&document);
    if std::env::var_os("WRITE_OPERATIONS").is_some() {
        fs::write(TABLE, &made).unwrap();
        return;
    }
    assert!(made == fs::read_to_string(TABLE).unwrap(), "the table is older than the document");
}

#[test]
fn every_line_of_the_table_is_read() {
    let lines = fs::read_to_string(TABLE).unwrap().lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!((operations().len(), lines), (293, 293));
    for operation in operations() {
        assert_eq!(Operation::by_key(&operation.key()), Some(operation));
        assert!(!operation.summary.is_empty() && operation.template.starts_with('/'), "{operation:?}");
        assert_eq!(operation.notice().is_some(), operation.is_deprecated);
    }
}

#[test]
fn files_go_where_the_descriptions_say_that_they_are_taken() {
    let Some(document) = document() else { return };
    for operation in operations() {
        let described = &document["paths"][operation.template][operation.method.to_lowercase()]["description"];
        // One is described as identical to another.
        let is_identical = operation.key() == "POST /snippets/{workspace}";
        let says_so = is_identical || described.as_str().is_some_and(|text| text.contains("multipart/form-data"));
        assert_eq!(operation.takes_files(), says_so && !operation.is_read(), "{}", operation.key());
    }
}

fn find(method: &str, path: &str) -> Target {
    Target::find(method, &RelativePath::parse(path).unwrap()).unwrap_or_else(|unknown| panic!("{method} {path}: {unknown:?}"))
}

/// The path below `/2.0`.
fn sent(target: &Target) -> String {
    target.path().unwrap().as_str().trim_start_matches("/2.0").to_owned()
}

#[test]
fn every_operation_is_found_by_its_own_path() {
    for operation in operations() {
        let mut path = operation.template.to_owned();
        while let (Some(begin), Some(end)) = (path.find('{'), path.find('}')) {
            path.replace_range(begin..=end, "one");
        }
        let target = find(operation.method, &path);
        assert_eq!(target.operation, operation, "{path}");
        assert_eq!(sent(&target).trim_end_matches('/'), path);
    }
}

#[test]
fn literal_parts_win_and_branches_take_slashes() {
    let key = |method: &str, path: &str| find(method, path).operation.template.rsplit("/{repo_slug}").next().unwrap().to_owned();
    let in_ledger = |rest: &str| format!("repositories/lumenpay/ledger/{rest}");
    assert_eq!(key("GET", &in_ledger("pullrequests/activity")), "/pullrequests/activity");
    assert_eq!(key("GET", &in_ledger("pullrequests/87")), "/pullrequests/{pull_request_id}");
    let branch = find("DELETE", &in_ledger("refs/branches/feature/2.0 fees"));
    assert_eq!(branch.argument("name"), Some("feature/2.0 fees"));
    assert_eq!(sent(&branch), "/repositories/lumenpay/ledger/refs/branches/feature%2F2.0%20fees");
    assert_eq!(branch.name(), "feature/2.0 fees");
    let file = find("GET", &in_ledger("src/4f2a/docs/a b.md"));
    assert_eq!(sent(&file), "/repositories/lumenpay/ledger/src/4f2a/docs/a%20b.md");
    assert_eq!(sent(&find("GET", &in_ledger("src/4f2a/"))), "/repositories/lumenpay/ledger/src/4f2a/");
    assert_eq!(sent(&find("GET", &in_ledger("src/4f2a/docs/"))), "/repositories/lumenpay/ledger/src/4f2a/docs/");
    assert_eq!(sent(&find("GET", &in_ledger("pipelines"))), "/repositories/lumenpay/ledger/pipelines/");
    assert_eq!(sent(&find("POST", &in_ledger("pipelines/"))), "/repositories/lumenpay/ledger/pipelines");
    assert_eq!(sent(&find("GET", &in_ledger("commits/main/"))), "/repositories/lumenpay/ledger/commits/main");
    assert_eq!(sent(&find("GET", "workspaces/{a1}/hooks")), "/workspaces/%7Ba1%7D/hooks");
}

#[test]
fn a_workspace_can_be_named_otherwise() {
    let renamed = find("GET", "repositories/lumenpay/ledger/commits/main").with_workspace("{a1}");
    assert_eq!(sent(&renamed), "/repositories/%7Ba1%7D/ledger/commits/main");
}

#[test]
fn a_target_is_named_for_people() {
    assert_eq!(find("DELETE", "repositories/lumenpay/ledger").name(), "lumenpay/ledger");
    assert_eq!(find("DELETE", "repositories/lumenpay/ledger/pipelines-config/caches").name(), "lumenpay/ledger");
    assert_eq!(find("POST", "repositories/lumenpay/ledger/pullrequests/87/merge").name(), "87");
    assert_eq!(find("DELETE", "workspaces/lumenpay/projects/PAY").name(), "PAY");
    assert_eq!(find("GET", "user").name(), "user");
}

#[test]
fn what_is_no_operation_says_why() {
    let unknown = |method: &str, path: &str| Target::find(method, &RelativePath::parse(path).unwrap()).unwrap_err();
    assert!(matches!(unknown("GET", "nowhere"), Unknown::Path));
    assert!(matches!(unknown("GET", "2.0/2.0/user"), Unknown::Path));
    assert!(matches!(unknown("get", "user"), Unknown::OtherMethods(methods) if methods == ["GET"]));
    assert!(matches!(unknown("DELETE", "user"), Unknown::OtherMethods(methods) if methods == ["GET"]));
    let Unknown::OtherMethods(methods) = unknown("PATCH", "repositories/lumenpay/ledger") else { panic!() };
    assert_eq!(methods, ["DELETE", "GET", "POST", "PUT"]);
    assert!(matches!(unknown("GET", "repositories/a/b/issues/1"), Unknown::Removed(removed) if removed.since.contains("August")));
    assert!(matches!(unknown("GET", "repositories/"), Unknown::Removed(removed) if removed.instead.contains("/user/workspaces")));
}

proptest! {
    #[test]
    fn any_path_is_refused_or_stays_below_the_api(path in "(/|2\\.0|repositories|user|workspaces|src|refs|branches|\\.|%2e|%2f|%25|%|\\\\|\\?|#|@|:|;| |[a-z{}é]|//|http:){0,16}") {
        if let Ok(read) = RelativePath::parse(&path) {
            for method in ["GET", "DELETE"] {
                if let Ok(target) = Target::find(method, &read) {
                    let sent = format!("https://api.bitbucket.org/2.0{}", sent(&target));
                    let url = Url::parse(&sent).unwrap();
                    // Nothing in it is read anew by whoever parses an address.
                    prop_assert_eq!(url.as_str(), &sent);
                    prop_assert_eq!(url.host_str(), Some("api.bitbucket.org"));
                    prop_assert!(url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
                    prop_assert!(!sent[8..].contains("//") && !sent.contains("/../") && !sent.contains("%2E"));
                }
            }
        }
    }

    #[test]
    fn a_branch_of_any_name_comes_back_as_it_was(name in "[a-zA-Z0-9._/+@~ é-]{1,40}") {
        if let Ok(read) = RelativePath::parse(&format!("repositories/a/b/refs/branches/{name}")) {
            let target = Target::find("GET", &read).unwrap();
            prop_assert_eq!(target.argument("name").unwrap(), name.trim_end_matches('/'));
            prop_assert_eq!(sent(&target).matches('/').count(), 6);
        }
    }
}
