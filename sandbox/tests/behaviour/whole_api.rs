//! REST 2.0 as a person with every scope uses it: lists and how they are narrowed, files, and what can be changed.

use crate::app::{AMARA, client};
use bitbucket_sandbox::{Consumer, Options, Sandbox, WorkspacePermission, percent_encode};
use serde_json::{Value, json};

const TOMASZ: &str = "712020:33b8cad2-2e7c-4f30-9c79-8c4b3e2f0003";
const TOMASZ_UUID: &str = "{f6195360-a7f9-43ad-92b0-50c0c18fe406}";
const PRIYA_UUID: &str = "{d4f7314e-85d7-418b-909e-3eaeaf6dc204}";
const REPOSITORY: &str = "/2.0/repositories/lumenpay/checkout";

/// Amara as an owner of `lumenpay` with everything granted.
pub struct Person {
    pub sandbox: Sandbox,
    token: String,
    pub commit: String,
    pub hook: String,
    pub pipeline: String,
}

impl Person {
    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = client().request(method.parse().unwrap(), format!("{}{path}", self.sandbox.url())).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, None).await
    }

    async fn names(&self, path: &str, key: &str) -> Vec<String> {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path} {body}");
        body["values"].as_array().unwrap().iter().map(|value| value[key].to_string().trim_matches('"').to_owned()).collect()
    }
}

pub async fn person() -> Person {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let scopes = [
        "account",
        "email",
        "project",
        "project:admin",
        "repository",
        "repository:write",
        "repository:admin",
        "repository:delete",
        "pullrequest",
        "pullrequest:write",
        "pipeline",
        "pipeline:write",
        "webhook",
    ];
    sandbox.add_consumer(Consumer {
        client_id: "key".to_owned(),
        client_secret: "secret".to_owned(),
        callback_url: "http://consumer.example".to_owned(),
        scopes: Vec::new(),
    });
    let token = sandbox.grant_directly("key", AMARA, &scopes).access_token;
    sandbox.world(|world| {
        world.enrol("lumenpay", AMARA, WorkspacePermission::Owner);
        world.enable_code_search("lumenpay");
        world.add_default_reviewer("lumenpay/checkout", TOMASZ);
    });
    let pipeline = sandbox.world(|world| percent_encode(&world.pipelines[0].uuid));
    let mut person = Person { sandbox, token, commit: String::new(), hook: String::new(), pipeline };
    let source = "retry-declined-cards";
    let (_, branch) = person.get(&format!("{REPOSITORY}/refs/branches/{source}")).await;
    person.commit = branch["target"]["hash"].as_str().unwrap().to_owned();
    let wanted = json!({ "url": "https://here.example", "events": ["repo:push"], "description": "", "active": true });
    let (_, hook) = person.send("POST", &format!("{REPOSITORY}/hooks"), Some(wanted)).await;
    person.hook = percent_encode(hook["uuid"].as_str().unwrap());
    person
}

#[tokio::test]
async fn repositories_are_narrowed_sorted_and_seen_by_role() {
    let person = person().await;
    let list = "/2.0/repositories/lumenpay";
    assert_eq!(person.names(&format!("{list}?sort=-name"), "slug").await, ["ledger", "handbook", "checkout"]);
    let query = percent_encode(r#"project.key="PAY" AND name~"LED""#);
    assert_eq!(person.names(&format!("{list}?q={query}"), "slug").await, ["ledger"]);
    assert_eq!(person.names(&format!("{list}?role=admin&pagelen=2"), "slug").await.len(), 2);
    assert_eq!(person.names(&format!("{list}?fields=values.slug,next"), "slug").await.len(), 3);
    for (query, message) in [
        ("pagelen=101", "Invalid pagelen"),
        ("sort=made_up", "Invalid sort attribute"),
        ("q=made_up=1", "Field \".made_up\" does not support filtering"),
    ] {
        let (status, body) = person.get(&format!("{list}?{query}")).await;
        assert_eq!((status, body["error"]["message"].as_str().unwrap()), (400, message));
    }
    assert_eq!(person.get("/2.0/repositories/priya-raman").await.1["size"], 0);
}

#[tokio::test]
async fn a_large_workspace_pages_through_without_holding_its_pull_requests() {
    let person = person().await;
    let now = person.sandbox.now();
    person.sandbox.limit_no_calls();
    person.sandbox.world(|world| world.populate("lumenpay", 5_000, 50_000, now));
    let mut next = Some("/2.0/repositories/lumenpay?pagelen=100&fields=next,size,values.slug".to_owned());
    let mut seen = Vec::new();
    while let Some(path) = next {
        let (_, body) = person.get(&path).await;
        seen.extend(body["values"].as_array().unwrap().iter().map(|value| value["slug"].as_str().unwrap().to_owned()));
        next = body["next"].as_str().map(|next| next.strip_prefix(person.sandbox.url()).unwrap().to_owned());
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5_003);
    let list = "/2.0/repositories/lumenpay/service-04711/pullrequests";
    let (_, page) = person.get(&format!("{list}?state=OPEN&state=MERGED&state=DECLINED&pagelen=50")).await;
    assert_eq!((&page["size"], &page["values"][0]["id"]), (&json!(10), &json!(10)));
    assert_eq!(person.sandbox.world(|world| world.pull_requests.len()), 8, "none of the crowd is kept");
    let (status, _) = person.send("POST", &format!("{list}/10/approve"), None).await;
    assert_eq!((status, person.sandbox.world(|world| world.pull_requests.len())), (200, 9), "until it is changed");
}

#[tokio::test]
async fn a_repository_is_made_renamed_and_deleted() {
    let person = person().await;
    let path = "/2.0/repositories/lumenpay/new-one";
    let body = json!({ "scm": "git", "project": { "key": "PEOPLE" }, "is_private": true });
    let (status, made) = person.send("POST", path, Some(body.clone())).await;
    assert_eq!((status, &made["mainbranch"], &made["project"]["key"]), (200, &Value::Null, &json!("PEOPLE")));
    assert_eq!(person.send("POST", path, Some(body)).await.0, 400);
    assert_eq!(person.get(&format!("{path}/commits")).await.0, 404, "an empty repository has none");
    let (status, renamed) = person.send("PUT", path, Some(json!({ "name": "Another Name" }))).await;
    assert_eq!((status, &renamed["slug"]), (200, &json!("another-name")));
    assert_eq!(person.send("PUT", path, Some(json!({}))).await.0, 201, "PUT makes what is not there");
    assert_eq!(person.send("DELETE", path, None).await.0, 204);
    assert_eq!(person.get(path).await.0, 404);
    let (status, body) = person.send("POST", path, Some(json!({ "project": { "key": "NONE" } }))).await;
    assert!(status == 400 && body["error"]["fields"]["project"].is_array());
}

#[tokio::test]
async fn an_update_without_reviewers_clears_them() {
    let person = person().await;
    let reviewers = json!([{ "uuid": TOMASZ_UUID }, { "uuid": PRIYA_UUID }]);
    let body = json!({
        "title": "New", "source": { "branch": { "name": "release/2026-11" } }, "reviewers": reviewers, "description": "Why"
    });
    let (status, made) = person.send("POST", &format!("{REPOSITORY}/pullrequests"), Some(body.clone())).await;
    assert_eq!((status, &made["id"], made["reviewers"].as_array().unwrap().len()), (201, &json!(413), 2));
    assert_eq!(made["destination"]["branch"]["name"], "main");
    let path = format!("{REPOSITORY}/pullrequests/413");
    let (_, kept) = person.send("PUT", &path, Some(json!({ "title": "Newer", "reviewers": [{ "uuid": TOMASZ_UUID }] }))).await;
    assert_eq!((&kept["title"], kept["reviewers"].as_array().unwrap().len()), (&json!("Newer"), 1));
    let (_, cleared) = person.send("PUT", &path, Some(json!({ "title": "Newest" }))).await;
    assert_eq!((&cleared["reviewers"], &cleared["description"]), (&json!([]), &json!("Why")));
    for (reviewers, sentence) in [
        (json!([{ "account_id": AMARA }]), "Amara Okafor is the author and cannot be included as a reviewer."),
        (json!(["x"]), "Malformed reviewers list"),
    ] {
        let (status, body) = person.send("PUT", &path, Some(json!({ "title": "T", "reviewers": reviewers }))).await;
        assert_eq!((status, &body["error"]["fields"]["reviewers"][0]), (400, &json!(sentence)));
    }
    assert_eq!(person.send("POST", &format!("{path}/decline"), None).await.1["state"], "DECLINED");
    assert_eq!(person.send("PUT", &path, Some(json!({ "title": "T" }))).await.0, 400, "only open ones change");
}

#[tokio::test]
async fn reviews_comments_and_a_merge_show_in_the_activity() {
    let person = person().await;
    let path = format!("{REPOSITORY}/pullrequests/409");
    let (_, participant) = person.send("POST", &format!("{path}/approve"), None).await;
    assert_eq!((&participant["approved"], &participant["state"]), (&json!(true), &json!("approved")));
    assert_eq!(person.send("DELETE", &format!("{path}/approve"), None).await.0, 204);
    let (status, _) = person.send("POST", &format!("{path}/comments"), Some(json!({ "content": { "raw": "Why?" } }))).await;
    assert_eq!((status, &person.get(&path).await.1["comment_count"]), (201, &json!(3)));
    person.send("POST", &format!("{path}/request-changes"), None).await;
    assert_eq!(person.send("POST", &format!("{path}/merge"), None).await.0, 409);
    person.send("POST", &format!("{path}/approve"), None).await;
    let request = client().post(format!("{}{path}/merge?async=true", person.sandbox.url())).bearer_auth(&person.token);
    let accepted = request.send().await.unwrap();
    assert_eq!(accepted.status(), 202);
    let task = accepted.headers()["location"].to_str().unwrap().strip_prefix(person.sandbox.url()).unwrap().to_owned();
    assert_eq!(person.get(&task).await.1["task_status"], "SUCCESS");
    let (_, activity) = person.get(&format!("{path}/activity?pagelen=50")).await;
    assert_eq!(activity["values"][0]["update"]["state"], "MERGED", "the newest comes first");
    let kinds: Vec<bool> = ["update", "approval", "comment"]
        .map(|kind| activity["values"].as_array().unwrap().iter().any(|entry| entry.get(kind).is_some()))
        .into();
    assert_eq!(kinds, [true, true, true], "{activity}");
    assert_eq!(person.get(&format!("{path}/activity?pagelen=51")).await.0, 400);
    let (_, listed) = person.get(&format!("{REPOSITORY}/pullrequests?state=MERGED&fields=%2Bvalues.merge_commit.date")).await;
    assert!(listed["values"][0]["merge_commit"]["date"].is_string(), "{listed}");
}

#[tokio::test]
async fn files_are_raw_listed_or_described_and_a_branch_with_a_slash_is_not_understood() {
    let person = person().await;
    let request = client().get(format!("{}{REPOSITORY}/src/main/docs/guide.md", person.sandbox.url())).bearer_auth(&person.token);
    let raw = request.send().await.unwrap();
    assert_eq!(raw.headers()["content-type"], "text/x-markdown");
    assert!(raw.text().await.unwrap().starts_with("# Guide"));
    let (_, meta) = person.get(&format!("{REPOSITORY}/src/main/docs/logo.png?format=meta")).await;
    assert_eq!((&meta["type"], &meta["attributes"]), (&json!("commit_file"), &json!(["binary"])));
    assert_eq!(person.get(&format!("{REPOSITORY}/src/main/docs?format=meta")).await.1["type"], "commit_directory");
    assert_eq!(person.names(&format!("{REPOSITORY}/src/main/"), "path").await, ["README.md", "docs", "src"]);
    assert_eq!(person.names(&format!("{REPOSITORY}/src/main/?max_depth=2"), "path").await.len(), 6);
    for branch in ["release%2F2026-11", "release/2026-11"] {
        assert_eq!(person.get(&format!("{REPOSITORY}/src/{branch}/README.md")).await.0, 404, "{branch}");
        let (_, found) = person.get(&format!("{REPOSITORY}/refs/branches/{branch}")).await;
        let hash = found["target"]["hash"].as_str().unwrap();
        assert_eq!(person.get(&format!("{REPOSITORY}/src/{hash}/README.md?format=meta")).await.0, 200);
    }
    assert_eq!(person.get(&format!("{REPOSITORY}/src/main/nothing")).await.0, 404);
    assert_eq!(person.get(&format!("{REPOSITORY}/src")).await.0, 302);
}

#[tokio::test]
async fn commits_are_an_iterator_and_a_diffstat_is_somewhere_else() {
    let person = person().await;
    let mut next = Some(format!("{REPOSITORY}/commits/main?pagelen=15"));
    let mut hashes = Vec::new();
    while let Some(path) = next {
        let (_, body) = person.get(&path).await;
        assert!(body.get("size").is_none() && body.get("page").is_none());
        hashes.extend(body["values"].as_array().unwrap().iter().map(|commit| commit["hash"].as_str().unwrap().to_owned()));
        next = body["next"].as_str().map(|next| next.strip_prefix(person.sandbox.url()).unwrap().to_owned());
    }
    assert_eq!(hashes.len(), 40);
    let excluding = format!("{REPOSITORY}/commits?include=retry-declined-cards&exclude=main");
    assert_eq!(person.get(&excluding).await.1["values"].as_array().unwrap().len(), 2);
    let (status, body) = person.get(&format!("{REPOSITORY}/commit/0000000")).await;
    assert_eq!((status, &body["error"]["data"]["shas"]), (404, &json!(["0000000"])));
    let now = person.sandbox.now();
    let pushed = person.sandbox.world(|world| world.push("lumenpay/checkout", "main", AMARA, "One more", now)).unwrap();
    assert_eq!(person.get(&format!("{REPOSITORY}/commits")).await.1["values"][0]["hash"], pushed);
    let request =
        client().get(format!("{}{REPOSITORY}/pullrequests/412/diffstat", person.sandbox.url())).bearer_auth(&person.token);
    let moved = request.send().await.unwrap();
    assert_eq!(moved.status(), 302);
    let there = moved.headers()["location"].to_str().unwrap().strip_prefix(person.sandbox.url()).unwrap().to_owned();
    assert!(there.contains("%0D"), "{there}");
    assert_eq!(person.get(&there).await.1["values"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn what_is_not_turned_on_or_was_taken_away_says_so() {
    let person = person().await;
    assert_eq!(person.get("/2.0/repositories/lumenpay/ledger/pipelines/").await.0, 404);
    assert_eq!(person.get(&format!("{REPOSITORY}/pipelines/?sort=-created_on")).await.1["values"][0]["build_number"], 12);
    assert_eq!(person.get(&format!("{REPOSITORY}/deployments?sort=created_on")).await.0, 400);
    let search = "/2.0/workspaces/lumenpay/search/code?search_query=";
    let (_, found) = person.get(&format!("{search}hello+repo:ledger&fields=%2Bvalues.file.commit.repository")).await;
    assert_eq!((&found["size"], &found["values"][0]["file"]["path"]), (&json!(1), &json!("src/main.rs")));
    assert_eq!(found["values"][0]["file"]["commit"]["repository"]["full_name"], "lumenpay/ledger");
    assert_eq!(person.get("/2.0/workspaces/lumenpay/search/code").await.0, 400);
    person.sandbox.world(|world| world.with_code_search.clear());
    assert_eq!(person.get(&format!("{search}x")).await.0, 404);
    person.sandbox.remove_code_search(true);
    for path in [
        &format!("{search}x"),
        "/2.0/repositories",
        "/2.0/workspaces",
        "/2.0/user/permissions/workspaces",
        &format!("{REPOSITORY}/issues/1"),
    ] {
        let (status, body) = person.get(path).await;
        assert_eq!((status, &body["type"]), (410, &json!("error")), "{path}");
        assert!(body["error"]["data"]["announcement_url"].is_string());
    }
}

#[tokio::test]
async fn what_somebody_may_is_shown_and_changed() {
    let person = person().await;
    let tomasz = percent_encode(TOMASZ_UUID);
    let path = format!("{REPOSITORY}/permissions-config/users/{tomasz}");
    assert_eq!(person.get(&path).await.1["permission"], "write");
    assert_eq!(person.send("PUT", &path, Some(json!({ "permission": "read" }))).await.1["permission"], "read");
    assert_eq!(person.send("PUT", &path, Some(json!({ "permission": "all" }))).await.0, 400);
    let query = percent_encode(&format!(r#"user.uuid="{TOMASZ_UUID}""#));
    let (_, found) = person.get(&format!("/2.0/workspaces/lumenpay/permissions/repositories/checkout?q={query}")).await;
    assert_eq!((&found["size"], &found["values"][0]["permission"]), (&json!(1), &json!("read")));
    let reviewers = format!("{REPOSITORY}/default-reviewers");
    assert_eq!(person.send("DELETE", &format!("{reviewers}/{tomasz}"), None).await.0, 204);
    assert_eq!(person.get(&reviewers).await.1["size"], 0);
    assert_eq!(person.send("PUT", &format!("{reviewers}/{tomasz}"), None).await.0, 200);
    assert_eq!(person.names(&format!("{REPOSITORY}/effective-default-reviewers"), "reviewer_type").await, ["repository"]);
}

#[tokio::test]
async fn a_member_is_found_by_e_mail_address_by_those_in_charge() {
    let person = person().await;
    let query = percent_encode(r#"user.email IN ("tomasz@lumenpay.example", "nobody@nowhere.example")"#);
    let path = format!("/2.0/workspaces/lumenpay/members?q={query}&fields=%2Bvalues.user.email");
    let (_, found) = person.get(&path).await;
    assert_eq!((&found["size"], &found["values"][0]["user"]["account_id"]), (&json!(1), &json!(TOMASZ)));
    assert_eq!(found["values"][0]["user"]["email"], "tomasz@lumenpay.example");
    let (_, all) = person.get("/2.0/workspaces/lumenpay/members?fields=%2Bvalues.user.email").await;
    assert!(all["values"][0]["user"].get("email").is_none());
    person.sandbox.world(|world| world.enrol("lumenpay", AMARA, WorkspacePermission::Member));
    assert_eq!(person.get(&path).await.0, 403);
}

#[tokio::test]
async fn a_run_is_started_and_stopped_where_pipelines_is_on() {
    let person = person().await;
    let wanted = json!({ "target": { "type": "pipeline_ref_target", "ref_type": "branch", "ref_name": "main" } });
    let (status, run) = person.send("POST", &format!("{REPOSITORY}/pipelines/"), Some(wanted.clone())).await;
    assert_eq!((status, &run["build_number"], &run["state"]["name"]), (201, &json!(13), &json!("IN_PROGRESS")));
    let path = format!("{REPOSITORY}/pipelines/{}", percent_encode(run["uuid"].as_str().unwrap()));
    assert_eq!(person.send("POST", &format!("{path}/stopPipeline"), None).await.0, 204);
    assert_eq!(person.get(&path).await.1["state"]["result"]["name"], "STOPPED");
    assert_eq!(person.send("POST", &format!("{path}/stopPipeline"), None).await.0, 400);
    assert_eq!(person.send("POST", "/2.0/repositories/lumenpay/ledger/pipelines/", Some(wanted)).await.0, 400);
}

#[tokio::test]
async fn a_comment_is_changed_and_deleted_by_its_author_only() {
    let person = person().await;
    let comments = format!("{REPOSITORY}/pullrequests/409/comments");
    let (_, made) = person.send("POST", &comments, Some(json!({ "content": { "raw": "Why?" } }))).await;
    let one = format!("{comments}/{}", made["id"]);
    let (_, changed) = person.send("PUT", &one, Some(json!({ "content": { "raw": "How?" } }))).await;
    assert_eq!((&changed["content"]["raw"], &person.get(&one).await.1["content"]["raw"]), (&json!("How?"), &json!("How?")));
    let (_, listed) = person.get(&comments).await;
    let somebody_elses = format!("{comments}/{}", listed["values"][0]["id"]);
    assert_eq!(person.send("DELETE", &somebody_elses, None).await.0, 403);
    assert_eq!(person.send("DELETE", &one, None).await.0, 204);
    assert_eq!(person.get(&one).await.1["deleted"], true);
    assert_eq!(person.get(&format!("{REPOSITORY}/pullrequests/409")).await.1["comment_count"], 2);
}
