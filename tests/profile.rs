//! What a member keeps in order alone: where they are signed in, and the API tokens of their programs.

use std::time::Duration;

use clarityloop_bitbucket::config::Secret;
use clarityloop_bitbucket::people::api_tokens;
use clarityloop_bitbucket::people::members::Member;
use clarityloop_bitbucket::people::sessions::{self, Session};
use diesel::prelude::*;
use reqwest::Method;

use crate::both;
use crate::harness::{AMARA, Page, Test};

both!(
    sessions_are_listed_and_ended_by_their_owner,
    the_oldest_of_very_many_sessions_ends,
    a_removed_member_is_out_at_once_on_every_server,
    a_token_is_made_shown_once_used_and_revoked,
    a_token_ends_when_it_was_said_to,
    a_token_of_somebody_else_is_not_there,
    a_form_with_a_mistake_comes_back,
    only_an_owner_gives_a_token_what_owners_may,
    the_use_of_a_token_is_noted_once_an_hour,
    forms_of_another_session_do_nothing,
);

const NOBODYS: &str = "018f0000-0000-7000-8000-000000000000";

async fn sessions_of(test: &Test, member: &Member, secret: &str) -> Vec<Session> {
    let (viewer, secret, now) = (member.viewer(), Secret::new(secret), test.server.app.now());
    test.server.app.read(move |connection| sessions::list(connection, &viewer, &secret, &now)).await.expect("a list")
}

async fn end(test: &Test, session: &str, id: &str) -> Page {
    let csrf = test.get_as(session, "/profile").await.field("csrf");
    test.post_as(session, &format!("/profile/sessions/{id}/end"), &[("csrf", &csrf)]).await
}

async fn sessions_are_listed_and_ended_by_their_owner(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let (first, second) = (test.session(&amara).await, test.session(&amara).await);
    let (third, owner) = (test.session(&amara).await, test.session(&test.made.owner).await);
    let page = test.get_as(&first, "/profile").await;
    assert_eq!(page.body.matches("Firefox on Linux").count(), 3 + 2, "each once, and in the labels of two buttons");
    assert_eq!(page.body.matches("This browser").count(), 1, "{}", page.body);
    let listed = sessions_of(test, &amara, &first).await;
    assert_eq!(listed.iter().map(|session| session.is_this).collect::<Vec<_>>(), [false, false, true], "the newest first");
    let of_second = listed[1].id.to_string();
    let of_owner = sessions_of(test, &test.made.owner, &owner).await[0].id.to_string();
    assert!(page.body.contains(&of_second) && !page.body.contains(&of_owner), "{}", page.body);

    for not_mine in [of_owner.as_str(), NOBODYS, "x"] {
        assert_eq!(end(test, &first, not_mine).await.status, 404, "{not_mine}");
    }
    assert_eq!(end(test, &owner, &of_second).await.status, 404, "an owner of the workspace is not the owner of a session");
    assert_eq!(test.get_as(&second, "/").await.status, 200);
    let ended = end(test, &first, &of_second).await;
    assert_eq!((ended.status, ended.header("location")), (303, "/profile"));
    assert_eq!(test.get_as(&second, "/").await.status, 303);

    let csrf = test.get_as(&first, "/profile").await.field("csrf");
    assert_eq!(test.post_as(&first, "/profile/sessions/end-others", &[("csrf", &csrf)]).await.status, 303);
    let status = async |session: &str| test.get_as(session, "/").await.status;
    assert_eq!((status(&first).await, status(&third).await, status(&owner).await), (200, 303, 200));
    let page = test.get_as(&first, "/profile").await;
    assert!(!page.body.contains("Sign out everywhere else"), "there is nothing else: {}", page.body);
}

async fn the_oldest_of_very_many_sessions_ends(test: &Test) {
    let first = test.session(&test.made.owner).await;
    for _ in 0..49 {
        test.session(&test.made.owner).await;
    }
    assert_eq!(test.get_as(&first, "/").await.status, 200);
    let last = test.session(&test.made.owner).await;
    assert_eq!(test.get_as(&first, "/").await.status, 303);
    assert_eq!(sessions_of(test, &test.made.owner, &last).await.len(), 50);
}

async fn a_removed_member_is_out_at_once_on_every_server(test: &Test) {
    use clarityloop_bitbucket::storage::schema::members;
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let (session, token, link) = (test.session(&amara).await, test.token(&amara, "read").await, test.sign_in_link(&amara).await);
    let (second, url) = test.second_server().await;
    let on_second = async || {
        let page = test.http.get(format!("{url}/profile")).header("cookie", format!("clarityloop={session}"));
        let call = test.http.get(format!("{url}/api/v1/members")).bearer_auth(&token);
        let status = async |request: reqwest::RequestBuilder| request.send().await.expect("an answer").status().as_u16();
        (status(page).await, status(call).await)
    };
    assert_eq!(on_second().await, (200, 200));
    let (id, at) = (amara.id.clone(), test.server.app.now().at);
    let removed = test.server.app.write(move |connection| {
        Ok(diesel::update(members::table.find(id)).set(members::removed_at.eq(Some(at))).execute(connection)?)
    });
    assert_eq!(removed.await.expect("an answer"), 1);
    assert_eq!(on_second().await, (303, 401));
    assert_eq!(test.get_as(&session, "/profile").await.status, 303);
    assert_eq!(test.api_as(&token, Method::GET, "/members").send().await.expect("an answer").status(), 401);
    assert_eq!(test.get(&format!("{}/sign-in/{link}", test.url)).await.status, 404, "a link that was not used is dead, too");
    second.stop().await;
}

async fn make(test: &Test, session: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = test.get_as(session, "/profile/tokens").await.field("csrf");
    test.post_as(session, "/profile/tokens", &[&[("csrf", csrf.as_str())], fields].concat()).await
}

fn secret_of(page: &Page) -> String {
    let (_, rest) = page.body.split_once("readonly value=\"").unwrap_or_else(|| panic!("no secret in {}", page.body));
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// The ids of the tokens that the page lists, the newest first.
fn ids_of(page: &Page) -> Vec<String> {
    let parts = page.body.split("href=\"/profile/tokens/").skip(1);
    parts.map(|rest| rest.split('/').next().unwrap_or_default().to_owned()).collect()
}

async fn status_with(test: &Test, token: &str, method: Method, path: &str) -> u16 {
    test.api_as(token, method, path).send().await.expect("an answer").status().as_u16()
}

async fn a_token_is_made_shown_once_used_and_revoked(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let session = test.session(&amara).await;
    assert!(test.get_as(&session, "/profile/tokens").await.body.contains("No tokens yet"));
    let page = make(test, &session, &[("name", "Build lights"), ("read", "on"), ("days", "90")]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let secret = secret_of(&page);
    assert!(secret.starts_with("clb_"), "{secret}");
    assert_eq!(status_with(test, &secret, Method::GET, "/members").await, 200);
    assert_eq!(status_with(test, &secret, Method::POST, "/feedback").await, 403, "it may only read");
    let listed = test.get_as(&session, "/profile/tokens").await;
    assert!(listed.body.contains("Build lights") && !listed.body.contains(&secret), "shown once: {}", listed.body);
    assert!(test.get_as(&session, "/profile").await.body.contains("have 1 token of yours"));

    let path = format!("/profile/tokens/{}/revoke", ids_of(&listed)[0]);
    let asked = test.get_as(&session, &path).await;
    assert!(asked.body.contains("Revoke the token Build lights?"), "{}", asked.body);
    assert_eq!(status_with(test, &secret, Method::GET, "/members").await, 200, "asking does nothing");
    let revoked = test.post_as(&session, &path, &[("csrf", &asked.field("csrf"))]).await;
    assert_eq!((revoked.status, revoked.header("location")), (303, "/profile/tokens"));
    assert_eq!(status_with(test, &secret, Method::GET, "/members").await, 401);
    assert_eq!(test.post_as(&session, &path, &[("csrf", &asked.field("csrf"))]).await.status, 404);
}

async fn a_token_ends_when_it_was_said_to(test: &Test) {
    let session = test.session(&test.made.owner).await;
    let short = secret_of(&make(test, &session, &[("name", "Short"), ("read", "on"), ("days", "30")]).await);
    let endless = secret_of(&make(test, &session, &[("name", "Endless"), ("read", "on"), ("days", "never")]).await);
    test.pass_seconds(30 * 24 * 3600 - 60);
    assert_eq!(status_with(test, &short, Method::GET, "/members").await, 200);
    test.pass_seconds(120);
    assert_eq!(status_with(test, &short, Method::GET, "/members").await, 401);
    assert_eq!(status_with(test, &endless, Method::GET, "/members").await, 200);
    let listed = test.get_as(&test.session(&test.made.owner).await, "/profile/tokens").await;
    assert_eq!(listed.body.matches(">Ended<").count(), 1, "{}", listed.body);
}

async fn a_token_of_somebody_else_is_not_there(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let hers = test.session(&amara).await;
    let secret = secret_of(&make(test, &hers, &[("name", "Hers"), ("read", "on"), ("days", "30")]).await);
    let id = ids_of(&test.get_as(&hers, "/profile/tokens").await)[0].clone();
    let owner = test.session(&test.made.owner).await;
    let page = test.get_as(&owner, "/profile/tokens").await;
    assert!(!page.body.contains("Hers") && !page.body.contains(&id), "{}", page.body);
    let csrf = page.field("csrf");
    for id in [id.as_str(), NOBODYS, "x"] {
        let path = format!("/profile/tokens/{id}/revoke");
        assert_eq!(test.get_as(&owner, &path).await.status, 404, "{id}");
        assert_eq!(test.post_as(&owner, &path, &[("csrf", &csrf)]).await.status, 404, "{id}");
    }
    assert_eq!(status_with(test, &secret, Method::GET, "/members").await, 200);
    assert_eq!(test.http.get(format!("{}/profile/tokens", test.url)).send().await.expect("an answer").status(), 303);
}

async fn a_form_with_a_mistake_comes_back(test: &Test) {
    let session = test.session(&test.made.owner).await;
    let before = ids_of(&test.get_as(&session, "/profile/tokens").await);
    for (fields, words, kept) in [
        (&[("name", " "), ("mcp", "on"), ("days", "365")][..], "A name has 1 to 100 characters", "value=\"365\" selected"),
        (&[("name", "No <b> scope"), ("days", "30")], "Tick at least one thing", "value=\"No &#60;b&#62; scope\""),
        (&[("name", "For long"), ("read", "on"), ("days", "9999")], "Choose one of these.", "value=\"For long\""),
    ] {
        let page = make(test, &session, fields).await;
        assert!(page.status == 400 && page.body.contains(words), "{words} in {}", page.body);
        assert!(page.body.contains(kept), "what was typed is still there: {kept} in {}", page.body);
        assert!(page.body.contains("is-wrong"), "{}", page.body);
    }
    assert_eq!(ids_of(&test.get_as(&session, "/profile/tokens").await), before, "nothing was made");
}

async fn only_an_owner_gives_a_token_what_owners_may(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let session = test.session(&amara).await;
    assert!(!test.get_as(&session, "/profile/tokens").await.body.contains("name=\"owner\""));
    let page = make(test, &session, &[("name", "Grab"), ("read", "on"), ("owner", "on"), ("days", "30")]).await;
    assert!(page.status == 403 && page.body.contains("No token was made."), "{}", page.body);
    let owner = test.session(&test.made.owner).await;
    let page = make(test, &owner, &[("name", "Rightly"), ("read", "on"), ("owner", "on"), ("days", "30")]).await;
    assert_eq!(status_with(test, &secret_of(&page), Method::GET, "/installations").await, 200);
}

async fn the_use_of_a_token_is_noted_once_an_hour(test: &Test) {
    let token = test.token(&test.made.owner, "read").await;
    let used_at = async || {
        let viewer = test.made.owner.viewer();
        let listed = test.server.app.read(move |connection| api_tokens::list(connection, &viewer)).await.expect("a list");
        listed[0].last_used_at
    };
    let is_to_be_noted = async || {
        let (token, now) = (token.clone(), test.server.app.now());
        let held = test.server.app.read(move |connection| api_tokens::holder(connection, &token, &now)).await;
        held.expect("a holder").is_use_to_be_noted
    };
    let use_it = async |before| {
        assert_eq!(status_with(test, &token, Method::GET, "/members").await, 200);
        // The note is written beside the answer.
        for _ in 0..200 {
            if used_at().await != before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        used_at().await.expect("a note")
    };
    assert!(used_at().await.is_none() && is_to_be_noted().await);
    let first = use_it(None).await;
    assert!(!is_to_be_noted().await, "a fresh note costs nothing more");
    test.pass_seconds(3500);
    assert!(!is_to_be_noted().await);
    test.pass_seconds(200);
    assert!(is_to_be_noted().await);
    assert!(use_it(Some(first)).await > first);
    let session = test.session(&test.made.owner).await;
    assert!(test.get_as(&session, "/profile/tokens").await.body.contains("data-label=\"Last used\"><time"));
}

async fn forms_of_another_session_do_nothing(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let token = test.token(&amara, "read").await;
    let (session, other) = (test.session(&amara).await, test.session(&amara).await);
    let csrf = test.get_as(&test.session(&test.made.owner).await, "/profile").await.field("csrf");
    let of_other = sessions_of(test, &amara, &other).await.into_iter().find(|session| session.is_this).expect("a session").id;
    let id = ids_of(&test.get_as(&session, "/profile/tokens").await)[0].clone();
    for path in [
        format!("/profile/sessions/{of_other}/end"),
        "/profile/sessions/end-others".to_owned(),
        "/profile/tokens".to_owned(),
        format!("/profile/tokens/{id}/revoke"),
    ] {
        let fields = [("csrf", csrf.as_str()), ("name", "Forged"), ("read", "on"), ("days", "30")];
        assert_eq!(test.post_as(&session, &path, &fields).await.status, 403, "{path}");
        let stranger = test.post(&path, &fields).await;
        assert_eq!((stranger.status, stranger.header("location")), (303, "/sign-in"), "{path}");
    }
    assert_eq!(test.get_as(&other, "/").await.status, 200);
    assert_eq!(status_with(test, &token, Method::GET, "/members").await, 200);
    assert!(!test.get_as(&session, "/profile/tokens").await.body.contains("Forged"));
}
