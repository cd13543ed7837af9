//! The proxy between a page of the app and its remote.

use super::{PANEL, install, installed, remote::TinyRemote};
use crate::app::AMARA;
use bitbucket_sandbox::{Options, RemoteFailed, RemoteRequest, Sandbox};
use serde_json::json;

const JSON: &str = "application/json";

#[tokio::test]
async fn a_page_chooses_path_body_and_headers_but_not_who_it_is() {
    let (sandbox, remote, installation) = installed().await;
    remote.answers(201, JSON, r#"{"html":"<p>"}"#);
    let request = RemoteRequest::post("/forge/uninstall?a=b", json!({ "principal": "another" }))
        .header("authorization", "Bearer planted")
        .header("x-forge-oauth-system", "planted")
        .header("x-own", "kept");
    let answer = sandbox.invoke_remote(&installation.id, PANEL, &request).await.unwrap();
    assert_eq!((answer.status, answer.body), (201, json!({ "html": "<p>" })));
    assert!(answer.headers.contains(&("content-type".to_owned(), JSON.to_owned())));
    let asked = remote.last();
    assert_eq!((asked.method.as_str(), asked.path.as_str(), asked.query.as_str()), ("POST", "/forge/uninstall", "a=b"));
    assert_eq!((asked.body.clone(), asked.header("x-own")), (json!({ "principal": "another" }), vec!["kept"]));
    assert_eq!(asked.header("authorization").len(), 1);
    assert_eq!(asked.claims()["principal"], AMARA);
    for name in ["x-forge-oauth-system", "x-forge-oauth-user"] {
        assert!(asked.header(name).len() == 1 && asked.header(name) != ["planted"], "{name}");
    }
    let answer = sandbox.invoke_remote(&installation.id, PANEL, &RemoteRequest::get("/forge/panel")).await.unwrap();
    assert_eq!((answer.status, remote.last().method.as_str()), (201, "GET"));
}

#[tokio::test]
async fn a_header_that_the_proxy_does_not_write_itself_reaches_the_remote() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let remote = TinyRemote::start();
    let mut without_tokens = install(&remote);
    without_tokens.scopes.retain(|scope| !scope.starts_with("read:app-"));
    let installation = sandbox.install_forge(&without_tokens).await.unwrap();
    let request = RemoteRequest::get("/forge/panel").header("x-forge-oauth-system", "planted");
    sandbox.invoke_remote(&installation.id, PANEL, &request).await.unwrap();
    assert_eq!(remote.last().header("x-forge-oauth-system"), ["planted"]);
    assert!(remote.last().header("x-forge-oauth-user").is_empty());
}

#[tokio::test]
async fn answers_that_forge_does_not_pass_on_are_rejections() {
    let (sandbox, remote, installation) = installed().await;
    let request = RemoteRequest::get("/forge/panel");
    for (status, content_type, text, expected) in [
        (401, JSON, "{}", Err(RemoteFailed::Unverified)),
        (302, JSON, "{}", Err(RemoteFailed::Redirected)),
        (403, "text/html", "<p>", Err(RemoteFailed::Unreadable)),
        (403, JSON, "", Err(RemoteFailed::Unreadable)),
        (200, JSON, "<p>", Err(RemoteFailed::Unreadable)),
        (403, JSON, r#"{"code":"x"}"#, Ok(403)),
        (204, JSON, "", Ok(204)),
    ] {
        remote.answers(status, content_type, text);
        let answer = sandbox.invoke_remote(&installation.id, PANEL, &request).await;
        assert_eq!(answer.map(|answer| answer.status), expected, "{status} {content_type} {text}");
    }
}

#[tokio::test]
async fn requests_that_the_bridge_does_not_take_are_refused() {
    let (sandbox, remote, installation) = installed().await;
    let before = remote.asked().len();
    for request in [
        RemoteRequest::get("https://elsewhere.example/x"),
        RemoteRequest::get("//elsewhere.example/x"),
        RemoteRequest::post("/x", json!([])),
        RemoteRequest::post("/x", json!({ "large": "a".repeat(500_000) })),
        RemoteRequest::get("/x").header("a b", "c"),
    ] {
        let refused = sandbox.invoke_remote(&installation.id, PANEL, &request).await;
        assert!(matches!(refused, Err(RemoteFailed::Refused(_))), "{}", request.path);
    }
    assert_eq!(remote.asked().len(), before);
}
