//! The pages: signing in and out, profile, feedback and who may see it, forms that were made for another session.

mod headers;

use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::{AMARA, Backend, LEDGER, Page, Test};

both!(
    opening_a_sign_in_link_asks_and_the_button_signs_in_once,
    a_sign_in_link_ends_after_a_day,
    a_session_ends_by_signing_out_and_after_thirty_days,
    a_form_of_another_session_does_nothing,
    an_account_is_unlinked_on_the_profile,
    a_draft_is_its_authors_until_it_is_shared,
    a_draft_is_written_until_it_is_shared,
    a_pull_request_is_detached_by_who_attached_it,
    on_https_the_cookie_is_bound_to_the_host,
);

async fn post_link(test: &Test, link: &str, csrf: &str) -> Page {
    test.post(&format!("/sign-in/{link}"), &[("csrf", csrf)]).await
}

/// Amara's draft about the owner, with a pull request attached; Amara's session and the ids of draft and link.
async fn draft(test: &Test) -> (String, String, String) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let token = test.token(&amara, "read,write").await;
    let item = json!({ "about": test.made.owner.id.to_string(), "body": "Thank you for the review" });
    let item = made(test, &token, "/feedback", item).await;
    let link = json!({ "kind": "feedback", "target": item, "repository": LEDGER, "pull_request": 87, "note": "This one" });
    let link = made(test, &token, "/links", link).await;
    (test.session(&amara).await, item, link)
}

async fn made(test: &Test, token: &str, path: &str, body: Value) -> String {
    let answer = test.api_as(token, Method::POST, path).json(&body).send().await.expect("an answer");
    let made: Value = answer.json().await.expect("JSON");
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

async fn opening_a_sign_in_link_asks_and_the_button_signs_in_once(test: &Test) {
    let link = test.sign_in_link(&test.made.owner).await;
    let url = format!("{}/sign-in/{link}", test.url);
    for _ in 0..2 {
        let asked = test.get(&url).await;
        assert_eq!(asked.status, 200);
        assert!(
            asked.body.contains("Sign in as Ingrid Solberg") && asked.body.contains("Welcome to Lumen Pay"),
            "{}",
            asked.body
        );
        assert_eq!(asked.header("set-cookie"), "", "opening a link does nothing: mail scanners open links");
    }
    assert_eq!(post_link(test, &link, "0").await.status, 403, "a form that was not made for this link");
    let csrf = test.get(&url).await.field("csrf");
    let signed_in = post_link(test, &link, &csrf).await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, "/"), "{}", signed_in.body);
    let cookie = signed_in.header("set-cookie");
    let session = cookie.strip_prefix("clarityloop=").and_then(|rest| rest.split(';').next()).expect("a cookie");
    for flag in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(flag), "{flag} in {cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "on http and for this host only: {cookie}");
    assert!(test.get_as(session, "/").await.body.contains("Welcome, Ingrid Solberg"));
    for used in [post_link(test, &link, &csrf).await, test.get(&url).await] {
        assert_eq!(used.status, 409, "{}", used.body);
        assert!(used.body.contains("Ask an owner of your workspace for a new one."), "{}", used.body);
        assert_eq!(used.header("set-cookie"), "");
    }
}

async fn a_sign_in_link_ends_after_a_day(test: &Test) {
    let link = test.sign_in_link(&test.made.owner).await;
    let url = format!("{}/sign-in/{link}", test.url);
    test.pass_seconds(24 * 3600 - 60);
    let csrf = test.get(&url).await.field("csrf");
    test.pass_seconds(120);
    for late in [test.get(&url).await, post_link(test, &link, &csrf).await] {
        assert_eq!(late.status, 404, "{}", late.body);
        assert_eq!(late.header("set-cookie"), "");
    }
}

async fn a_session_ends_by_signing_out_and_after_thirty_days(test: &Test) {
    let (first, second) = (test.session(&test.made.owner).await, test.session(&test.made.owner).await);
    let csrf = test.get_as(&first, "/profile").await.field("csrf");
    let signed_out = test.post_as(&first, "/sign-out", &[("csrf", &csrf)]).await;
    assert_eq!((signed_out.status, signed_out.header("location")), (303, "/sign-in"));
    let cookie = signed_out.header("set-cookie");
    assert!(cookie.starts_with("clarityloop=;") && cookie.contains("Max-Age=0"), "{cookie}");
    assert_eq!(test.get_as(&first, "/profile").await.status, 303, "the cookie is worth nothing, wherever it was kept");
    assert_eq!(test.get_as(&second, "/profile").await.status, 200, "the other browser stays signed in");
    test.pass_seconds(30 * 24 * 3600 + 1);
    assert_eq!(test.get_as(&second, "/profile").await.status, 303);
}

async fn a_form_of_another_session_does_nothing(test: &Test) {
    let (session, item, link) = draft(test).await;
    let of_owner = test.get_as(&test.session(&test.made.owner).await, "/profile").await.field("csrf");
    let before = test.get_as(&session, &format!("/feedback/{item}")).await.body;
    for path in [
        "/sign-out".to_owned(),
        "/profile/code".to_owned(),
        "/profile/account/remove".to_owned(),
        format!("/feedback/{item}/share"),
        format!("/feedback/{item}/body"),
        format!("/feedback/{item}/links/{link}/remove"),
    ] {
        for csrf in [of_owner.as_str(), "", &session] {
            let page = test.post_as(&session, &path, &[("csrf", csrf), ("body", "Replaced")]).await;
            assert_eq!(page.status, 403, "{path}: {}", page.body);
            assert!(page.body.contains("Reload the page and try again."), "{path}: {}", page.body);
        }
        assert_eq!(test.post_as(&session, &path, &[("body", "Replaced")]).await.status, 400, "{path} without any");
        let stranger = test.post(&path, &[("csrf", &of_owner), ("body", "Replaced")]).await;
        assert_eq!((stranger.status, stranger.header("location")), (303, "/sign-in"), "{path} without a session");
    }
    assert_eq!(test.get_as(&session, &format!("/feedback/{item}")).await.body, before);
    assert!(test.get_as(&session, "/profile").await.body.contains(AMARA), "still linked");
    test.run_jobs().await;
}

async fn an_account_is_unlinked_on_the_profile(test: &Test) {
    let installation = test.installed().await;
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let session = test.session(&amara).await;
    let profile = test.get_as(&session, "/profile").await;
    assert!(profile.body.contains(AMARA) && profile.body.contains("Unlink"), "{}", profile.body);
    let unlinked = test.post_as(&session, "/profile/account/remove", &[("csrf", &profile.field("csrf"))]).await;
    assert_eq!((unlinked.status, unlinked.header("location")), (303, "/profile"));
    let profile = test.get_as(&session, "/profile").await;
    assert!(profile.body.contains("Not linked") && !profile.body.contains(AMARA), "{}", profile.body);
    assert!(test.panel(&installation, 87, AMARA).await.body.contains("Link your Bitbucket account"), "the panel knows at once");
    let again = test.post_as(&session, "/profile/account/remove", &[("csrf", &profile.field("csrf"))]).await;
    assert_eq!(again.status, 404, "{}", again.body);
}

async fn a_draft_is_its_authors_until_it_is_shared(test: &Test) {
    let (author, item, _) = draft(test).await;
    let subject = test.session(&test.made.owner).await;
    let other = test.session(&test.member("Mei Tanaka", "mei@lumenpay.example", None).await).await;
    let path = format!("/feedback/{item}");
    let drafted = test.get_as(&author, &path).await;
    assert!(drafted.body.contains("Feedback for Ingrid Solberg") && drafted.body.contains("This one"), "{}", drafted.body);
    assert!(drafted.body.contains("Ingrid Solberg sees the text, the pull requests and your notes"), "{}", drafted.body);
    for session in [&subject, &other] {
        assert_eq!(test.get_as(session, &path).await.status, 404);
        assert!(!test.get_as(session, "/feedback").await.body.contains(&item));
        let csrf = test.get_as(session, "/profile").await.field("csrf");
        assert_eq!(test.post_as(session, &format!("{path}/share"), &[("csrf", &csrf)]).await.status, 404, "not theirs to share");
    }
    let shared = test.post_as(&author, &format!("{path}/share"), &[("csrf", &drafted.field("csrf"))]).await;
    assert_eq!((shared.status, shared.header("location")), (303, path.as_str()));
    let seen = test.get_as(&subject, &path).await;
    for words in ["Feedback from Amara Okafor", "Thank you for the review", "This one", "it is about you"] {
        assert!(seen.body.contains(words), "{words} in {}", seen.body);
    }
    assert!(!seen.body.contains("<textarea") && !seen.body.contains("Detach"), "to read, not to change: {}", seen.body);
    assert!(test.get_as(&subject, "/feedback").await.body.contains(&item));
    assert_eq!(test.get_as(&other, &path).await.status, 404);
    test.run_jobs().await;
}

async fn a_draft_is_written_until_it_is_shared(test: &Test) {
    let (author, item, _) = draft(test).await;
    let path = format!("/feedback/{item}");
    let csrf = test.get_as(&author, &path).await.field("csrf");
    let write = async |session: &str, csrf: &str, body: &str| {
        test.post_as(session, &format!("{path}/body"), &[("csrf", csrf), ("body", body)]).await.status
    };
    assert_eq!(write(&author, &csrf, "Twice\r\nread").await, 303);
    assert!(test.get_as(&author, &path).await.body.contains(">Twice\nread</textarea>"));
    assert_eq!(write(&author, &csrf, &"x".repeat(20_001)).await, 400);
    test.post_as(&author, &format!("{path}/share"), &[("csrf", &csrf)]).await;
    assert_eq!(write(&author, &csrf, "Taken back").await, 409, "what was shared stays as it was read");
    let subject = test.session(&test.made.owner).await;
    let csrf = test.get_as(&subject, "/profile").await.field("csrf");
    assert_eq!(write(&subject, &csrf, "Flattering").await, 403, "who may see it may not write it");
    assert!(test.get_as(&subject, &path).await.body.contains("Twice\nread"));
    test.run_jobs().await;
}

async fn a_pull_request_is_detached_by_who_attached_it(test: &Test) {
    let (author, item, link) = draft(test).await;
    let path = format!("/feedback/{item}");
    let page = test.get_as(&author, &path).await;
    let csrf = page.field("csrf");
    test.post_as(&author, &format!("{path}/share"), &[("csrf", &csrf)]).await;
    let detach = format!("{path}/links/{link}/remove");
    assert!(page.body.contains(&format!("action=\"{detach}\"")), "{}", page.body);
    let subject = test.session(&test.made.owner).await;
    let csrf_of_subject = test.get_as(&subject, "/profile").await.field("csrf");
    assert_eq!(test.post_as(&subject, &detach, &[("csrf", &csrf_of_subject)]).await.status, 403);
    assert!(test.get_as(&subject, &path).await.body.contains("This one"));
    let detached = test.post_as(&author, &detach, &[("csrf", &csrf)]).await;
    let back = format!("{path}?detached={link}#pull-requests");
    assert_eq!((detached.status, detached.header("location")), (303, back.as_str()));
    assert!(test.get_as(&author, &path).await.body.contains("Nothing attached yet"));
    assert_eq!(test.post_as(&author, &detach, &[("csrf", &csrf)]).await.status, 404);
    test.run_jobs().await;
}

/// The same server behind a proxy that takes care of https.
async fn behind_https(backend: Backend) -> Option<Test> {
    let mut test = Test::start(backend, &[("CLARITYLOOP__PUBLIC_URL", "https://clarityloop.example")]).await?;
    test.url = format!("http://{}", test.server.address);
    Some(test)
}

async fn on_https_the_cookie_is_bound_to_the_host(test: &Test) {
    let Some(test) = behind_https(test.backend).await else { return };
    let link = test.sign_in_link(&test.made.owner).await;
    let csrf = test.get(&format!("{}/sign-in/{link}", test.url)).await.field("csrf");
    let signed_in = post_link(&test, &link, &csrf).await;
    let cookie = signed_in.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-clarityloop="), "{cookie}");
    for flag in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(flag), "{flag} in {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let secret = cookie.split(['=', ';']).nth(1).expect("a secret").to_owned();
    assert_eq!(test.get_as(&secret, "/").await.status, 303, "a cookie of the other name could come from anywhere");
    let request = test.http.get(format!("{}/", test.url)).header("cookie", format!("__Host-clarityloop={secret}"));
    let page = Page::read(request.send().await.expect("an answer")).await;
    assert_eq!(page.status, 200);
    assert!(page.header("strict-transport-security").starts_with("max-age="), "{:?}", page.headers);
    test.finish().await;
}
