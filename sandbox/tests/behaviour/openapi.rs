//! The API's answers, and the table of scopes, against Bitbucket's own OpenAPI file, where that is at hand.

use crate::{
    app::{get, installed},
    oauth,
    whole_api::{Person, person},
};
use bitbucket_sandbox::{Call, openapi::OpenApi};
use chrono::Utc;
use serde_json::Value;

#[tokio::test]
async fn answers_have_the_shape_that_the_openapi_file_gives_them() {
    let Some(file) = OpenApi::load() else { return };
    let (sandbox, _app, installation) = installed().await;
    let secret = sandbox.secret_of(&installation.client_key).unwrap();
    let repository = "/2.0/repositories/lumenpay/checkout";
    for path in [
        "/2.0/workspaces/lumenpay".to_owned(),
        "/2.0/workspaces/lumenpay/members?pagelen=2&page=2".to_owned(),
        "/2.0/workspaces/lumenpay/hooks".to_owned(),
        repository.to_owned(),
        format!("{repository}/pullrequests/412"),
        format!("{repository}/pullrequests/398"),
        format!("{repository}/pullrequests?state=MERGED&state=OPEN&pagelen=2&page=2"),
        format!("{repository}/pullrequests/1"),
    ] {
        let (status, body) = get(&sandbox, &installation.client_key, &secret, &path).await;
        let misfits = file.check_answer("GET", path.split('?').next().unwrap(), status, &body);
        assert!(misfits.is_empty() && body.is_object(), "{misfits:#?}");
    }
}

#[tokio::test]
async fn a_persons_answers_have_that_shape_too() {
    let Some(file) = OpenApi::load() else { return };
    let (sandbox, token) = oauth::signed_in().await;
    for (path, token, schema) in [
        ("/2.0/user", token.as_str(), "account"),
        ("/2.0/user", token.as_str(), "user"),
        ("/2.0/user", "another", "error"),
        ("/2.0/user/emails", "another", "error"),
    ] {
        let (_, body) = oauth::ask(&sandbox, path, token).await;
        let misfits = file.misfits(schema, &body);
        assert!(misfits.is_empty() && body.is_object(), "{misfits:#?}");
    }
}

/// Everything that is served to whoever may read and administer.
#[tokio::test]
async fn every_list_and_every_thing_has_that_shape() {
    let Some(file) = OpenApi::load() else { return };
    let person = person().await;
    let Person { commit, hook, pipeline, .. } = &person;
    let repository = "/2.0/repositories/lumenpay/checkout";
    let mut paths: Vec<String> = [
        "/2.0/user",
        "/2.0/user/emails",
        "/2.0/user/workspaces",
        "/2.0/user/workspaces/lumenpay/permission",
        "/2.0/user/workspaces/lumenpay/permissions/repositories",
        "/2.0/workspaces/lumenpay/permissions",
        "/2.0/workspaces/lumenpay/permissions/repositories",
        "/2.0/workspaces/lumenpay/permissions/repositories/checkout",
        "/2.0/workspaces/lumenpay/projects",
        "/2.0/workspaces/lumenpay/projects/PAY",
        "/2.0/workspaces/lumenpay/search/code?search_query=main",
        "/2.0/repositories/lumenpay",
        "/2.0/hook_events/workspace",
    ]
    .map(str::to_owned)
    .into();
    paths.extend(
        [
            "",
            "/hooks",
            &format!("/hooks/{hook}"),
            "/refs/branches",
            "/refs/branches/release%2F2026-11",
            "/commits",
            &format!("/commits/{commit}"),
            &format!("/commit/{commit}"),
            &format!("/commit/{commit}/statuses"),
            &format!("/commit/{commit}/pullrequests"),
            &format!("/diffstat/{commit}"),
            &format!("/src/{commit}/"),
            "/pullrequests",
            "/pullrequests/activity",
            "/pullrequests/412",
            "/pullrequests/412/activity",
            "/pullrequests/412/comments",
            "/pullrequests/412/commits",
            "/pullrequests/412/statuses",
            "/pipelines/",
            &format!("/pipelines/{pipeline}"),
            &format!("/pipelines/{pipeline}/steps"),
            "/deployments",
            "/environments",
            "/default-reviewers",
            "/effective-default-reviewers",
            "/branching-model",
            "/effective-branching-model",
            "/permissions-config/users",
        ]
        .map(|path| format!("{repository}{path}")),
    );
    let mut all = Vec::new();
    for path in paths {
        let (status, body) = person.get(&path).await;
        assert_eq!(status, 200, "{path} {body}");
        all.extend(file.check_answer("GET", path.split('?').next().unwrap(), status, &body));
        let is_list = body.get("values").is_some_and(Value::is_array);
        assert!(!is_list || body["values"] != serde_json::json!([]), "{path} shows nothing: {body}");
    }
    assert_eq!(all, Vec::<String>::new());
    assert!(person.sandbox.unexpected_calls().is_empty());
    for call in person.sandbox.calls() {
        assert_eq!(file.check_request(&call), Vec::<String>::new());
    }
}

#[test]
fn calls_that_are_not_as_the_file_has_them_are_found() {
    let Some(file) = OpenApi::load() else { return };
    let checked = |method: &str, path: &str, query: &str, body: &str| {
        let (method, path, query, body) = (method.to_owned(), path.to_owned(), query.to_owned(), body.to_owned());
        let content_type = if body.starts_with("--") { "multipart/form-data; boundary=x" } else { "application/json" }.to_owned();
        let (authorized_as, credential) = (None, None);
        let at = Utc::now();
        let call =
            Call { at, method, path, query, status: 200, authorized_as, credential, body, content_type, unexpected: false };
        file.check_request(&call).len()
    };
    let repository = "/2.0/repositories/lumenpay/checkout";
    let pull_requests = format!("{repository}/pullrequests");
    assert_eq!(checked("GET", &pull_requests, "state=OPEN&state=MERGED&pagelen=50&fields=%2Bvalues.participants", ""), 0);
    assert_eq!(
        checked("POST", &pull_requests, "", r#"{"title": "T", "source": {"branch": {"name": "b"}}, "description": "D"}"#),
        0
    );
    assert_eq!(checked("GET", &format!("{repository}/src/main/docs/guide.md"), "format=meta", ""), 0);
    assert_eq!(checked("GET", "/site/oauth2/authorize", "anything=1", ""), 0);
    assert_eq!(checked("GET", &pull_requests, "state=CLOSED", ""), 1);
    assert_eq!(checked("GET", &pull_requests, "made_up=1", ""), 1);
    assert_eq!(checked("GET", &pull_requests, "", "{}"), 1);
    assert_eq!(checked("POST", &pull_requests, "", r#"{"title": 7, "made_up": 1}"#), 2);
    assert_eq!(checked("PATCH", &pull_requests, "", ""), 1);
    assert_eq!(checked("GET", "/2.0/repositories/{}/%7Ba%7D", "", ""), 1);
    assert_eq!(checked("GET", "/2.0/repositories/lumenpay/checkout/issues", "", ""), 1);
    let field = |name: &str, is_file: bool| {
        let file = if is_file { "; filename=\"a.txt\"" } else { "" };
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\nbytes\r\n--x--\r\n")
    };
    assert_eq!(checked("POST", &format!("{repository}/src"), "", &field("docs/a.txt", true)), 0);
    assert_eq!(checked("POST", &format!("{repository}/downloads"), "", &field("files", true)), 0);
    assert_eq!(checked("POST", &format!("{repository}/downloads"), "", &field("files", false)), 1, "a file has a name");
    assert_eq!(checked("POST", &format!("{repository}/downloads"), "", &field("other", true)), 1);
    assert_eq!(checked("POST", &format!("{repository}/downloads"), "", "--x\r\nbroken"), 1);
    assert_eq!(checked("POST", &pull_requests, "", &field("title", false)), 1, "it takes JSON only");
}
