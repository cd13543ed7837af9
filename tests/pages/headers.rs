//! What every answer carries, errors included: the headers that tell a browser what not to do, and the id that finds it in the
//! log.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::both;
use crate::harness::{AMARA, LEDGER, Page, Test};

both!(
    every_answer_tells_the_browser_what_not_to_do,
    only_the_pages_inside_bitbucket_may_be_framed_and_only_there,
    assets_are_kept_for_ever_and_answers_are_not_kept,
    an_error_is_a_page_for_people_and_a_document_for_programs,
    an_address_says_which_methods_it_does_not_take,
);

async fn send(request: RequestBuilder) -> Page {
    Page::read(request.send().await.expect("an answer")).await
}

fn directives(page: &Page) -> Vec<(String, String)> {
    let policy = page.header("content-security-policy").to_owned();
    let split = |directive: &str| directive.trim().split_once(' ').map(|(name, value)| (name.to_owned(), value.to_owned()));
    policy.split(';').filter_map(split).collect()
}

fn directive(page: &Page, name: &str) -> String {
    directives(page).into_iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value).unwrap_or_default()
}

/// A stylesheet's address, as the sign-in page names it.
async fn stylesheet(test: &Test) -> String {
    let page = test.get(&format!("{}/sign-in", test.url)).await;
    let (_, rest) = page.body.split_once("rel=\"stylesheet\" href=\"").expect("a stylesheet");
    format!("{}{}", test.url, rest.split('"').next().unwrap_or_default())
}

/// Answers of every kind, with the status each must have.
async fn answers(test: &Test) -> Vec<(&'static str, u16, Page)> {
    let installation = test.installed().await;
    let session = test.session(&test.made.owner).await;
    let url = |path: &str| format!("{}{path}", test.url);
    let get = |path: &str| test.http.get(url(path));
    let panel = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, AMARA).expect("a panel");
    let configure = test.sandbox.configure_url(&installation.client_key).expect("a page");
    let mut all = vec![
        ("a page", 200, test.get_as(&session, "/profile").await),
        ("a page that is not there", 404, test.get_as(&session, "/feedback/018f0000-0000-7000-8000-000000000000").await),
        ("a form that is refused", 403, test.post_as(&session, "/sign-out", &[("csrf", "0")]).await),
    ];
    for (what, status, request) in [
        ("a page without a session", 303, get("/profile")),
        ("sign-in", 200, get("/sign-in")),
        ("a bad link", 404, get("/sign-in/x")),
        ("nothing, for a person", 404, get("/nowhere").header("accept", "text/html")),
        ("nothing, for a program", 404, get("/nowhere")),
        ("a wrong method", 405, test.http.delete(url("/profile"))),
        ("the panel", 200, test.http.get(panel)),
        ("the panel refused", 401, get("/connect/panel")),
        ("the configure page", 200, test.http.get(configure)),
        ("the configure page refused", 401, get("/connect/configure")),
        ("the panel's form refused", 400, test.http.post(url("/connect/panel/links"))),
        ("a webhook refused", 401, test.http.post(url("/connect/webhooks"))),
        ("a lifecycle call refused", 400, test.http.post(url("/connect/installed"))),
        ("a body too large", 413, test.http.post(url("/connect/installed")).body("x".repeat(70_000))),
        ("an address too long", 431, get(&format!("/{}", "x".repeat(20_000)))),
        ("a descriptor", 200, test.http.get(test.descriptor_url())),
        ("no descriptor", 404, get("/connect/0/descriptor.json")),
        ("the API", 200, test.api(Method::GET, "/members")),
        ("the API refused", 401, get("/api/v1/members")),
        ("nothing of the API", 404, get("/api/v1/nowhere").header("accept", "text/html")),
        ("a wrong method of the API", 405, test.api(Method::PATCH, "/members")),
        ("the API's document", 200, get("/api/openapi.json")),
        ("the API's page", 200, get("/api")),
        ("a health check", 200, get("/health/ready")),
        ("an asset", 200, test.http.get(stylesheet(test).await)),
        ("no asset", 404, get("/static/0/looks.css")),
    ] {
        all.push((what, status, send(request).await));
    }
    all
}

async fn every_answer_tells_the_browser_what_not_to_do(test: &Test) {
    for (what, status, page) in answers(test).await {
        assert_eq!(page.status, status, "{what}: {}", page.body);
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{what}");
        assert_eq!(directive(&page, "default-src"), "'none'", "{what}");
        assert_eq!(directive(&page, "base-uri"), "'none'", "{what}");
        assert_eq!(directive(&page, "form-action"), "'self'", "{what}");
        let policy = page.header("content-security-policy");
        for hole in ["unsafe-inline", "unsafe-eval", "*", "data:", "https:;"] {
            assert!(!policy.contains(hole), "{what}: {hole} in {policy}");
        }
        assert_eq!(page.header("strict-transport-security"), "", "{what}: on http it would lock people out");
    }
}

async fn only_the_pages_inside_bitbucket_may_be_framed_and_only_there(test: &Test) {
    let framed =
        ["the panel", "the panel refused", "the panel's form refused", "the configure page", "the configure page refused"];
    for (what, _, page) in answers(test).await {
        let site = &test.config.bitbucket_web_url;
        let expected = if framed.contains(&what) { site.as_str() } else { "'none'" };
        assert_eq!(directive(&page, "frame-ancestors"), expected, "{what}");
        assert_eq!(page.header("x-frame-options"), "", "{what}: it knows no exception for Bitbucket");
        let scripts = directive(&page, "script-src");
        let expected = if framed.contains(&what) { format!("'self' {site}") } else { "'self'".to_owned() };
        assert_eq!(scripts, expected, "{what}");
    }
}

async fn assets_are_kept_for_ever_and_answers_are_not_kept(test: &Test) {
    for (what, _, page) in answers(test).await {
        let kept = page.header("cache-control");
        match what {
            "an asset" => assert!(kept.contains("immutable") && kept.contains("max-age=31536000"), "{kept}"),
            "a descriptor" => assert!(!page.header("etag").is_empty(), "{:?}", page.headers),
            _ => assert_eq!(kept, "no-store", "{what}"),
        }
    }
    let page = test.get_as(&test.session(&test.made.owner).await, "/").await;
    assert!(!page.body.contains("style=\"") && !page.body.contains("onclick"), "the policy would not let it work");
    assert!(!page.body.contains("<script>") && !page.body.contains("<style"), "{}", page.body);
}

async fn an_error_is_a_page_for_people_and_a_document_for_programs(test: &Test) {
    for (what, status, page) in answers(test).await.into_iter().filter(|(_, status, _)| *status >= 400) {
        if page.header("content-type").starts_with("text/html") {
            assert!(page.body.contains("<!doctype html>") && page.body.contains("</html>"), "{what}: {}", page.body);
            continue;
        }
        assert_eq!(page.header("content-type"), "application/problem+json", "{what}");
        let problem: Value = serde_json::from_str(&page.body).expect("JSON");
        assert_eq!(problem["type"], "about:blank", "{what}");
        assert_eq!(problem["status"], status, "{what}");
        for field in ["title", "code", "detail"] {
            assert!(!problem[field].as_str().unwrap_or_default().is_empty(), "{what}: {field} in {problem}");
        }
        let id = problem["request_id"].as_str().unwrap_or_default();
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{what}: {problem}");
    }
    let accepts = |kind: &'static str| test.http.get(format!("{}/nowhere", test.url)).header("accept", kind);
    let page = send(accepts("text/html,application/xhtml+xml,*/*;q=0.8")).await;
    assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    assert!(page.body.contains("There is nothing at this address.") && page.body.contains("Request <code>"), "{}", page.body);
    assert_eq!(send(accepts("application/json")).await.code(), "not_found");
    assert_eq!(send(accepts("*/*")).await.code(), "not_found");
    let (first, second) = (send(accepts("*/*")).await.body, send(accepts("*/*")).await.body);
    assert_ne!(first, second, "every request has an id of its own");
}

async fn an_address_says_which_methods_it_does_not_take(test: &Test) {
    for (method, path) in [
        (Method::POST, "/health/live"),
        (Method::GET, "/connect/installed"),
        (Method::GET, "/connect/webhooks"),
        (Method::POST, "/connect/panel"),
        (Method::GET, "/connect/panel/links"),
        (Method::PUT, "/sign-in"),
        (Method::GET, "/sign-out"),
        (Method::GET, "/profile/code"),
        (Method::PATCH, "/api/v1/links"),
    ] {
        let page = send(test.http.request(method.clone(), format!("{}{path}", test.url))).await;
        assert_eq!((page.status, page.code().as_str()), (405, "method_not_allowed"), "{method} {path}: {}", page.body);
    }
}
