//! The ids of another workspace, in every field that takes an id: they might as well not exist, and nothing changes there.

use bitbucket_sandbox::Install;
use reqwest::Method;
use serde_json::{Value, json};

use super::{LINKS, everything, panel_of_the_owner, send};
use crate::both;
use crate::harness::{LEDGER, Made, PRIYA, Page, Test, make_workspace};

both!(the_ids_of_another_workspace_are_worth_nothing);

/// Another ClarityLoop workspace with something of everything in it.
struct Elsewhere {
    made: Made,
    member: String,
    feedback: String,
    link: String,
    installation: String,
}

impl Elsewhere {
    async fn new(test: &Test) -> Self {
        let made = make_workspace(&test.server, "Elsewhere", "Priya Raman", "priya@elsewhere.example").await;
        let descriptor = format!("{}/connect/{}/descriptor.json", test.url, made.install_code);
        test.sandbox.install(&Install::new("priya-raman", &descriptor, PRIYA)).await.expect("an installation");
        test.run_jobs().await;
        let other = json!({ "name": "Mei Tanaka", "email": "mei@elsewhere.example", "role": "member" });
        let member = id(&call(test, &made.token, Method::POST, "/members", other).await);
        let item = json!({ "about": member, "body": "Theirs" });
        let feedback = id(&call(test, &made.token, Method::POST, "/feedback", item).await);
        let link = json!({ "kind": "feedback", "target": feedback, "repository": LEDGER, "pull_request": 84, "note": "Theirs" });
        let link = id(&call(test, &made.token, Method::POST, "/links", link).await);
        let installations = call(test, &made.token, Method::GET, "/installations", Value::Null).await;
        let listed: Value = serde_json::from_str(&installations.body).expect("JSON");
        let installation = listed["entries"][0]["id"].as_str().expect("an installation").to_owned();
        Self { made, member, feedback, link, installation }
    }

    async fn everything(&self, test: &Test) -> Vec<String> {
        let mut all = Vec::new();
        for path in ["/members", "/feedback", "/links", "/installations", "/quick-action"] {
            all.push(call(test, &self.made.token, Method::GET, path, Value::Null).await.body);
        }
        all
    }
}

async fn call(test: &Test, token: &str, method: Method, path: &str, body: Value) -> Page {
    let request = test.api_as(token, method, path);
    send(if body.is_null() { request } else { request.json(&body) }).await
}

fn id(page: &Page) -> String {
    let made: Value = serde_json::from_str(&page.body).expect("JSON");
    made["id"].as_str().unwrap_or_else(|| panic!("{}", page.body)).to_owned()
}

async fn the_ids_of_another_workspace_are_worth_nothing(test: &Test) {
    let installation = test.installed().await;
    let token = panel_of_the_owner(test, &installation).await;
    let theirs = Elsewhere::new(test).await;
    let (ours_before, theirs_before) = (everything(test).await, theirs.everything(test).await);
    at_the_panel(test, &token, &theirs).await;
    at_the_pages(test, &theirs).await;
    at_the_api(test, &theirs).await;
    assert_eq!(everything(test).await, ours_before);
    assert_eq!(theirs.everything(test).await, theirs_before);
}

async fn at_the_panel(test: &Test, token: &str, theirs: &Elsewhere) {
    let draft = format!("feedback:{}", theirs.feedback);
    for form in [
        [("token", token), ("target", &draft), ("about", "")],
        [("token", token), ("target", "new:someone"), ("about", &theirs.member)],
        [("token", token), ("target", "new:someone"), ("about", theirs.made.owner.id.as_str())],
    ] {
        let page = test.post(LINKS, &form).await;
        assert_eq!(page.status, 404, "{form:?}: {}", page.body);
        assert!(!page.body.contains("Theirs") && !page.body.contains("Mei"), "{}", page.body);
    }
    for typed in ["mei@elsewhere.example", "Mei Tanaka", "priya@elsewhere.example"] {
        let page = test.post(LINKS, &[("token", token), ("target", "new:someone"), ("about_email", typed)]).await;
        assert_eq!(page.status, 400, "{typed}: {}", page.body);
    }
    let page = test.post(&format!("{LINKS}/{}/remove", theirs.link), &[("token", token)]).await;
    assert_eq!(page.status, 404, "{}", page.body);
}

async fn at_the_pages(test: &Test, theirs: &Elsewhere) {
    let session = test.session(&test.made.owner).await;
    let csrf = test.get_as(&session, "/profile").await.field("csrf");
    let item = format!("/feedback/{}", theirs.feedback);
    assert_eq!(test.get_as(&session, &item).await.status, 404);
    for path in ["share".to_owned(), "body".to_owned(), format!("links/{}/remove", theirs.link)] {
        let page = test.post_as(&session, &format!("{item}/{path}"), &[("csrf", &csrf), ("body", "Ours")]).await;
        assert_eq!(page.status, 404, "{path}: {}", page.body);
    }
}

async fn at_the_api(test: &Test, theirs: &Elsewhere) {
    let Elsewhere { member, feedback, link, installation, .. } = theirs;
    let new_link = json!({ "kind": "feedback", "target": feedback, "repository": LEDGER, "pull_request": 87, "note": "" });
    for (method, path, body) in [
        (Method::GET, format!("/members/{member}"), Value::Null),
        (Method::PUT, format!("/members/{member}/identity"), json!({ "account_id": PRIYA, "bitbucket_uuid": null })),
        (Method::DELETE, format!("/members/{member}/identity"), Value::Null),
        (Method::GET, format!("/feedback/{feedback}"), Value::Null),
        (Method::POST, format!("/feedback/{feedback}/share"), Value::Null),
        (Method::POST, "/feedback".to_owned(), json!({ "about": member, "body": "" })),
        (Method::POST, "/links".to_owned(), new_link),
        (Method::GET, format!("/links/{link}"), Value::Null),
        (Method::DELETE, format!("/links/{link}"), Value::Null),
        (Method::POST, format!("/installations/{installation}/confirm"), Value::Null),
    ] {
        let page = call(test, &test.made.token, method.clone(), &path, body).await;
        assert_eq!((page.status, page.code().as_str()), (404, "not_found"), "{method} {path}: {}", page.body);
    }
    for path in [
        format!("/links?kind=feedback&target={feedback}"),
        format!("/feedback?cursor={feedback}"),
        format!("/links?cursor={link}"),
    ] {
        let listed = test.api_json(Method::GET, &path, None).await;
        assert_eq!(listed["entries"], json!([]), "{path}");
    }
}
