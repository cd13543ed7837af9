//! Goals, from outside: setting, changing, closing, and who sees them.

mod pages;

use clarityloop_bitbucket::storage::schema::members;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::{Page, Test};

both!(
    a_goal_is_set_changed_closed_and_opened_again,
    what_a_goal_cannot_be_is_said_at_its_field,
    only_its_owner_changes_a_goal,
    a_deleted_goal_takes_its_links_along,
);

async fn refusal(test: &Test, token: &str, method: Method, path: &str, body: Value) -> (u16, String) {
    let page = Page::read(test.api_as(token, method, path).json(&body).send().await.expect("an answer")).await;
    (page.status, page.code())
}

async fn a_goal_is_set_changed_closed_and_opened_again(test: &Test) {
    let new = json!({"title": "Retry safely", "why": "No double charges.", "due_on": "2026-12-18", "public": true});
    let goal = test.api_json(Method::POST, "/goals", Some(new)).await;
    assert_eq!((&goal["progress"], &goal["closed"], &goal["due_on"]), (&json!(0), &json!(false), &json!("2026-12-18")));
    let path = format!("/goals/{}", goal["id"].as_str().unwrap());

    let changed = test.api_json(Method::PATCH, &path, Some(json!({"progress": 40, "public": false}))).await;
    assert_eq!(
        (&changed["progress"], &changed["public"], &changed["title"]),
        (&json!(40), &json!(false), &json!("Retry safely"))
    );
    assert_eq!(changed["due_on"], "2026-12-18", "what is absent stays");
    let changed = test.api_json(Method::PATCH, &path, Some(json!({"due_on": null}))).await;
    assert_eq!(changed["due_on"], Value::Null, "null takes the day away");

    let closed = test.api_json(Method::PATCH, &path, Some(json!({"progress": 100, "closed": true}))).await;
    assert_eq!((&closed["closed"], &closed["progress"]), (&json!(true), &json!(100)));
    let late = refusal(test, &test.made.token, Method::PATCH, &path, json!({"progress": 10})).await;
    assert_eq!(late, (409, "goal_closed".to_owned()));
    let opened = test.api_json(Method::PATCH, &path, Some(json!({"closed": false, "progress": 90}))).await;
    assert_eq!((&opened["closed_at"], &opened["progress"]), (&Value::Null, &json!(90)));
    let shown = test.api_json(Method::GET, &path, None).await;
    assert_eq!((&shown["progress"], &shown["links"]["entries"]), (&json!(90), &json!([])));
}

async fn what_a_goal_cannot_be_is_said_at_its_field(test: &Test) {
    for (body, code) in [
        (json!({"title": " "}), "line_invalid"),
        (json!({"title": "a\nb"}), "line_invalid"),
        (json!({"title": "x".repeat(301)}), "line_invalid"),
        (json!({"title": "x", "progress": 101}), "progress_invalid"),
        (json!({"title": "x", "progress": -1}), "progress_invalid"),
        (json!({"title": "x", "due_on": "18.12.2026"}), "date_invalid"),
        (json!({"title": "x", "why": "a\u{0}b"}), "text_has_control_characters"),
        (json!({"title": "x", "owner": "me"}), "body_malformed"),
    ] {
        assert_eq!(refusal(test, &test.made.token, Method::POST, "/goals", body.clone()).await, (400, code.to_owned()), "{body}");
    }
    assert_eq!(test.api_json(Method::GET, "/goals", None).await["entries"], json!([]), "nothing is half-saved");
}

async fn only_its_owner_changes_a_goal(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let amaras = test.token(&amara, "read,write").await;
    let goal = test.api_json(Method::POST, "/goals", Some(json!({"title": "For all", "public": true}))).await;
    let path = format!("/goals/{}", goal["id"].as_str().unwrap());
    let needed = (403, "goal_owner_needed".to_owned());
    assert_eq!(refusal(test, &amaras, Method::PATCH, &path, json!({"progress": 1})).await, needed);
    assert_eq!(refusal(test, &amaras, Method::DELETE, &path, json!({})).await, needed);
    let listed: Value = test.api_as(&amaras, Method::GET, "/goals").send().await.unwrap().json().await.unwrap();
    assert_eq!(listed["entries"][0]["title"], "For all");
}

async fn a_deleted_goal_takes_its_links_along(test: &Test) {
    let goal = test.api_json(Method::POST, "/goals", Some(json!({"title": "Retry safely"}))).await;
    let other = test.api_json(Method::POST, "/goals", Some(json!({"title": "Retry often"}))).await;
    let link = |target: &Value, number: u32| json!({"kind": "goal", "target": target["id"], "repository": "lumenpay/ledger", "pull_request": number});
    test.api_json(Method::POST, "/links", Some(link(&goal, 87))).await;
    test.api_json(Method::POST, "/links", Some(link(&goal, 88))).await;
    let kept = test.api_json(Method::POST, "/links", Some(link(&other, 88))).await;
    let path = format!("/goals/{}", goal["id"].as_str().unwrap());
    assert_eq!(test.api(Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(test.api(Method::GET, &path).send().await.unwrap().status(), 404);
    let links = test.api_json(Method::GET, "/links", None).await;
    assert_eq!(links["entries"].as_array().unwrap().len(), 1, "{links}");
    assert_eq!(links["entries"][0]["id"], kept["id"]);
    test.run_jobs().await;
}

/// Sets who leads a member.
pub(crate) async fn led_by(test: &Test, member: &str, manager: Option<&str>) {
    let member = test.member_by_email(member).await.id;
    let manager = match manager {
        Some(manager) => Some(test.member_by_email(manager).await.id),
        None => None,
    };
    let work = move |connection: &mut _| {
        diesel::update(members::table.find(member)).set(members::manager_id.eq(manager)).execute(connection)?;
        Ok(())
    };
    test.server.app.write(work).await.expect("a manager");
}
