//! 1:1s, from outside: planning, the agenda of two, notes of one, and what is carried over.

mod browser;
mod pages;

use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::{Page, Test};

both!(
    a_one_on_one_is_planned_moved_and_cancelled_by_either_of_the_two,
    a_one_on_one_is_with_a_colleague_on_a_day_they_have_none,
    one_on_ones_are_listed_page_by_page_the_latest_day_first,
    either_adds_and_ticks_and_each_changes_their_own,
    open_items_are_carried_to_the_next_one,
    items_added_later_are_carried_by_hand,
    notes_are_read_by_who_wrote_them_alone,
    a_cancelled_one_on_one_takes_everything_along,
);

/// Two people with tokens of their own.
struct Two {
    amara: Person,
    priya: Person,
}

struct Person {
    id: String,
    token: String,
}

async fn two(test: &Test) -> Two {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    Two {
        amara: Person { id: amara.id.to_string(), token: test.token(&amara, "read,write").await },
        priya: Person { id: priya.id.to_string(), token: test.token(&priya, "read,write").await },
    }
}

/// What a request of this person is answered with.
async fn ask(test: &Test, who: &Person, method: Method, path: &str, body: Value) -> (u16, Value) {
    let answer = test.api_as(&who.token, method, path).json(&body).send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

async fn read(test: &Test, who: &Person, path: &str) -> (u16, Value) {
    let answer = test.api_as(&who.token, Method::GET, path).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
}

/// Plans a 1:1; its path.
async fn plan(test: &Test, who: &Person, with: &Person, held_on: &str) -> String {
    let (status, made) = ask(test, who, Method::POST, "/one-on-ones", json!({"with": with.id, "held_on": held_on})).await;
    assert_eq!(status, 201, "{made}");
    format!("/one-on-ones/{}", made["id"].as_str().unwrap())
}

/// Adds an agenda item; its path.
async fn add(test: &Test, who: &Person, path: &str, body: &str) -> String {
    let (status, made) = ask(test, who, Method::POST, &format!("{path}/agenda"), json!({"body": body})).await;
    assert_eq!(status, 201, "{made}");
    format!("{path}/agenda/{}", made["id"].as_str().unwrap())
}

/// The agenda in a line for each item: text, who added it, what became of it.
async fn agenda(test: &Test, who: &Person, path: &str) -> Vec<String> {
    let (_, shown) = read(test, who, path).await;
    let line = |item: &Value| {
        let word = |name: &str, is: bool| if is { format!(" {name}") } else { String::new() };
        let body = item["body"].as_str().unwrap();
        let (done, from) = (word("done", item["done"] == true), word("carried", item["carried_from"].is_string()));
        format!("{body}{done}{from}{}", word("carried-on", item["carried_to"].is_string()))
    };
    shown["agenda"].as_array().unwrap().iter().map(line).collect()
}

async fn a_one_on_one_is_planned_moved_and_cancelled_by_either_of_the_two(test: &Test) {
    let Two { amara, priya } = two(test).await;
    let path = plan(test, &amara, &priya, "2026-11-27").await;
    let (_, shown) = read(test, &priya, &path).await;
    assert_eq!((&shown["planned_by"]["name"], &shown["with"]["name"]), (&json!("Amara Okafor"), &json!("Priya Raman")));
    let (status, moved) = ask(test, &priya, Method::PATCH, &path, json!({"held_on": "2026-11-30"})).await;
    assert_eq!((status, &moved["held_on"]), (200, &json!("2026-11-30")));

    let owner = &Person { id: String::new(), token: test.made.token.clone() };
    assert_eq!(read(test, owner, &path).await.0, 404, "not even an owner sees it");
    assert_eq!(ask(test, owner, Method::PATCH, &path, json!({"held_on": "2026-12-01"})).await.0, 404);
    assert_eq!(ask(test, owner, Method::DELETE, &path, json!({})).await.0, 404);
    assert_eq!(ask(test, owner, Method::POST, &format!("{path}/agenda"), json!({"body": "x"})).await.0, 404);
    assert_eq!(ask(test, &priya, Method::DELETE, &path, json!({})).await.0, 204);
    assert_eq!(read(test, &amara, &path).await.0, 404);
}

async fn a_one_on_one_is_with_a_colleague_on_a_day_they_have_none(test: &Test) {
    let Two { amara, priya } = two(test).await;
    plan(test, &amara, &priya, "2026-11-27").await;
    let other_day = plan(test, &priya, &amara, "2026-11-28").await;
    let nobody = "01900000-0000-7000-8000-000000000000";
    for (with, held_on, status, code) in [
        (amara.id.as_str(), "2026-11-30", 400, "with_yourself"),
        (nobody, "2026-11-30", 404, "not_found"),
        (&priya.id, "30.11.2026", 400, "date_invalid"),
        (&priya.id, "2026-11-27", 409, "already_planned"),
    ] {
        let answer = ask(test, &amara, Method::POST, "/one-on-ones", json!({"with": with, "held_on": held_on})).await;
        assert_eq!((answer.0, &answer.1["code"]), (status, &json!(code)), "{held_on}");
    }
    let taken = ask(test, &amara, Method::PATCH, &other_day, json!({"held_on": "2026-11-27"})).await;
    assert_eq!((taken.0, &taken.1["code"]), (409, &json!("already_planned")));
    assert_eq!(
        ask(test, &amara, Method::PATCH, &other_day, json!({"held_on": "2026-11-28"})).await.0,
        200,
        "its own day is free"
    );
    let at_once = json!({"with": priya.id, "held_on": "2026-12-04"});
    let both = tokio::join!(
        ask(test, &amara, Method::POST, "/one-on-ones", at_once.clone()),
        ask(test, &amara, Method::POST, "/one-on-ones", at_once)
    );
    let mut statuses = [both.0.0, both.1.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "a second press plans nothing");
}

async fn one_on_ones_are_listed_page_by_page_the_latest_day_first(test: &Test) {
    let Two { amara, priya } = two(test).await;
    for day in ["2026-11-27", "2026-11-13", "2026-12-04", "2025-01-02", "2026-11-20"] {
        plan(test, &amara, &priya, day).await;
    }
    let (mut days, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = read(test, &priya, &format!("/one-on-ones?limit=2{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        days.extend(page["entries"].as_array().unwrap().iter().map(|entry| entry["held_on"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(days, ["2026-12-04", "2026-11-27", "2026-11-20", "2026-11-13", "2025-01-02"]);
    let wrong = Page::read(test.api_as(&priya.token, Method::GET, "/one-on-ones?cursor=x").send().await.unwrap()).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "cursor_invalid"));
}

async fn either_adds_and_ticks_and_each_changes_their_own(test: &Test) {
    let Two { amara, priya } = two(test).await;
    let path = plan(test, &amara, &priya, "2026-11-27").await;
    let hers = add(test, &priya, &path, "Conference talk").await;
    let mine = add(test, &amara, &path, "Retry window").await;
    assert_eq!(ask(test, &amara, Method::PATCH, &hers, json!({"done": true})).await.0, 200);
    for (method, body) in [(Method::PATCH, json!({"body": "Mine now"})), (Method::DELETE, json!({}))] {
        let refused = ask(test, &amara, method, &hers, body).await;
        assert_eq!((refused.0, &refused.1["code"]), (403, &json!("adder_needed")));
    }
    assert_eq!(ask(test, &amara, Method::PATCH, &mine, json!({"body": "How far to retry?"})).await.0, 200);
    assert_eq!(agenda(test, &priya, &path).await, ["Conference talk done", "How far to retry?"]);
    let empty = ask(test, &amara, Method::PATCH, &mine, json!({"body": " "})).await;
    assert_eq!((empty.0, &empty.1["code"]), (400, &json!("line_invalid")));
    assert_eq!(ask(test, &amara, Method::DELETE, &mine, json!({})).await.0, 204);

    let elsewhere = plan(test, &amara, &priya, "2027-11-27").await;
    let astray = hers.replace(&path, &elsewhere);
    assert_eq!(ask(test, &priya, Method::PATCH, &astray, json!({"done": false})).await.0, 404, "it is not on that agenda");
    let stranger = &Person { id: String::new(), token: test.made.token.clone() };
    assert_eq!(ask(test, stranger, Method::PATCH, &hers, json!({"done": false})).await.0, 404);
    assert_eq!(agenda(test, &priya, &path).await, ["Conference talk done"]);
}

async fn open_items_are_carried_to_the_next_one(test: &Test) {
    let Two { amara, priya } = two(test).await;
    let first = plan(test, &amara, &priya, "2026-11-20").await;
    add(test, &amara, &first, "Retry window").await;
    let done = add(test, &amara, &first, "Thank Mei").await;
    add(test, &priya, &first, "Conference talk").await;
    ask(test, &priya, Method::PATCH, &done, json!({"done": true})).await;

    let second = plan(test, &priya, &amara, "2026-11-27").await;
    assert_eq!(agenda(test, &amara, &first).await, ["Retry window carried-on", "Thank Mei done", "Conference talk carried-on"]);
    assert_eq!(agenda(test, &amara, &second).await, ["Retry window carried", "Conference talk carried"]);
    let (_, shown) = read(test, &amara, &second).await;
    let (retry, talk) = (&shown["agenda"][0], &shown["agenda"][1]);
    assert_eq!((&retry["carried_from"], &talk["added_by"]["name"]), (&json!("2026-11-20"), &json!("Priya Raman")));

    let tick = format!("{second}/agenda/{}", retry["id"].as_str().unwrap());
    ask(test, &amara, Method::PATCH, &tick, json!({"done": true})).await;
    assert_eq!(
        agenda(test, &amara, &first).await,
        ["Retry window done carried-on", "Thank Mei done", "Conference talk carried-on"],
        "it is one item: ticked where it was carried to, it is ticked where it came from"
    );
    let third = plan(test, &amara, &priya, "2026-12-04").await;
    assert_eq!(agenda(test, &amara, &third).await, ["Conference talk carried"]);
    let earlier = plan(test, &amara, &priya, "2026-11-13").await;
    assert_eq!(agenda(test, &amara, &earlier).await, Vec::<String>::new(), "nothing is carried back");

    let (_, shown) = read(test, &amara, &first).await;
    let tick = format!("{first}/agenda/{}", shown["agenda"][2]["id"].as_str().unwrap());
    ask(test, &amara, Method::PATCH, &tick, json!({"done": true})).await;
    assert_eq!(
        agenda(test, &amara, &third).await,
        ["Conference talk done carried"],
        "ticked where it came from, it is ticked here"
    );
    assert_eq!(ask(test, &amara, Method::DELETE, &third, json!({})).await.0, 204);
    assert_eq!(agenda(test, &amara, &second).await, ["Retry window done carried", "Conference talk done carried"]);
}

async fn items_added_later_are_carried_by_hand(test: &Test) {
    let Two { amara, priya } = two(test).await;
    let first = plan(test, &amara, &priya, "2026-11-20").await;
    let second = plan(test, &amara, &priya, "2026-11-27").await;
    add(test, &amara, &first, "Retry window").await;
    let session = test.session(&test.member_by_email("priya@lumenpay.example").await).await;
    let csrf = test.get_as(&session, "/profile").await.field("csrf");
    for _ in 0..2 {
        let carried = test.post_as(&session, &format!("{first}/carry"), &[("csrf", &csrf)]).await;
        assert_eq!(carried.status, 303, "{}", carried.body);
    }
    assert_eq!(agenda(test, &amara, &second).await, ["Retry window carried"]);
}

async fn notes_are_read_by_who_wrote_them_alone(test: &Test) {
    let Two { amara, priya } = two(test).await;
    let path = plan(test, &amara, &priya, "2026-11-27").await;
    let note = format!("{path}/note");
    assert_eq!(read(test, &amara, &note).await, (200, json!({"body": "", "updated_at": null})));
    for body in ["Ask before offering.", "Ask her first."] {
        assert_eq!(ask(test, &amara, Method::PUT, &note, json!({"body": body})).await.0, 200);
    }
    assert_eq!(read(test, &amara, &note).await.1["body"], "Ask her first.");
    assert_eq!(read(test, &priya, &note).await.1["body"], "");
    let owner = &Person { id: String::new(), token: test.made.token.clone() };
    assert_eq!(read(test, owner, &note).await.0, 404);
    assert_eq!(ask(test, owner, Method::PUT, &note, json!({"body": "x"})).await.0, 404);
    assert!(!read(test, &priya, &path).await.1.to_string().contains("Ask her"), "nor beside the agenda");
    let too_long = ask(test, &amara, Method::PUT, &note, json!({"body": "x".repeat(20_001)})).await;
    assert_eq!((too_long.0, &too_long.1["code"]), (400, &json!("text_too_long")));
}

async fn a_cancelled_one_on_one_takes_everything_along(test: &Test) {
    let Two { amara, priya } = two(test).await;
    let first = plan(test, &amara, &priya, "2026-11-20").await;
    add(test, &amara, &first, "Retry window").await;
    let second = plan(test, &amara, &priya, "2026-11-27").await;
    let target = second.rsplit('/').next().unwrap();
    let link = json!({"kind": "one_on_one", "target": target, "repository": "lumenpay/ledger", "pull_request": 87});
    assert_eq!(ask(test, &priya, Method::POST, "/links", link).await.0, 201);
    assert_eq!(ask(test, &amara, Method::DELETE, &second, json!({})).await.0, 204);
    assert_eq!(read(test, &priya, "/links").await.1["entries"], json!([]));
    assert_eq!(agenda(test, &amara, &first).await, ["Retry window"], "what was carried over is open again");
    test.run_jobs().await;
}
