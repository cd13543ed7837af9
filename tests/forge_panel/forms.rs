//! Every form of the panel, sent by the Forge app's page, and what people can type into it.

use reqwest::Method;
use serde_json::{Value, json};

use super::{amara_and_lucia, ask, open, panel_of, questions, send};
use crate::both;
use crate::harness::forge::FORGE;
use crate::harness::{AMARA, INGRID, LEDGER, LUCIA, TOMASZ, Test};
use bitbucket_sandbox::ForgeCaller;

both!(with super::FORGE =>
    a_pull_request_is_attached_and_taken_away_again,
    the_action_in_the_menu_attaches_as_the_panel_does,
    a_colleagues_link_is_not_taken_away,
    a_code_from_the_profile_links_the_account,
    codes_are_counted_for_the_account,
    one_account_that_guesses_keeps_nobody_else_from_linking_theirs,
    somebody_unknown_asks_to_join,
    the_panel_is_hidden_and_shown_again,
    nothing_that_is_typed_breaks_the_panel_or_is_shown_as_markup,
    what_a_body_says_of_person_and_pull_request_is_not_believed,
);

async fn links(test: &Test) -> Vec<Value> {
    let token = test.token(&test.member_by_email("amara@lumenpay.example").await, "read,write").await;
    let answer = test.api_as(&token, Method::GET, "/links").send().await.expect("an answer");
    answer.json::<Value>().await.expect("JSON")["entries"].as_array().expect("entries").clone()
}

async fn a_pull_request_is_attached_and_taken_away_again(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    let saved = send(test, &app, AMARA, "links", json!({ "target": "new:author", "note": "Nice <b>handling</b>" })).await;
    assert!(saved.saved() && saved.shows("Saved to your draft about Lucía Fernández."), "{saved:?}");
    assert!(saved.html().contains("Nice &#60;b&#62;handling"), "{saved:?}");
    let entries = links(test).await;
    assert_eq!((entries.len(), &entries[0]["note"]), (1, &json!("Nice <b>handling</b>")));
    let url = format!("{}/{LEDGER}/pull-requests/87", test.sandbox.url());
    assert_eq!(entries[0]["url"], url, "{}", entries[0]);
    let twice = send(test, &app, AMARA, "links", json!({ "target": "feedback:not-one", "note": "Kept" })).await;
    assert!(twice.status == 400 && !twice.saved() && twice.html().contains(">Kept</textarea>"), "{twice:?}");
    let undone = send(test, &app, AMARA, "links/remove", json!({ "link": entries[0]["id"] })).await;
    assert!(undone.shows("Removed from your draft about Lucía Fernández.") && !undone.saved(), "{undone:?}");
    assert_eq!(links(test).await.len(), 0);
    let gone = send(test, &app, AMARA, "links/remove", json!({ "link": entries[0]["id"], "note": "Kept" })).await;
    assert!(gone.status == 404 && gone.html().contains(">Kept</textarea>"), "{gone:?}");
}

async fn the_action_in_the_menu_attaches_as_the_panel_does(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    let action = ForgeCaller::Action { viewer: AMARA, repository: LEDGER, pull_request: 87 };
    let opened = ask(test, &app, action, "/forge/panel", json!({})).await;
    assert!(opened.shows("New draft about Lucía Fernández"), "{opened:?}");
    let saved = ask(test, &app, action, "/forge/panel/links", json!({ "target": "new:author", "note": "" })).await;
    assert!(saved.saved(), "{saved:?}");
    test.run_jobs().await;
    assert!(open(test, &app, AMARA).await.shows("Undo"));
}

async fn a_colleagues_link_is_not_taken_away(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    let token = test.token(&test.member_by_email("amara@lumenpay.example").await, "read,write").await;
    let goal = test.api_as(&token, Method::POST, "/goals").json(&json!({ "title": "Reliable", "public": true }));
    let goal: Value = goal.send().await.expect("an answer").json().await.expect("a goal");
    let target = format!("goal:{}", goal["id"].as_str().expect("an id"));
    assert!(send(test, &app, AMARA, "links", json!({ "target": target, "note": "" })).await.saved());
    let link = links(test).await[0]["id"].clone();
    let refused = send(test, &app, LUCIA, "links/remove", json!({ "link": link })).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(links(test).await.len(), 1);
}

async fn a_code_from_the_profile_links_the_account(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    assert!(open(test, &app, INGRID).await.shows("Link your Bitbucket account"));
    let session = test.session(&test.made.owner).await;
    let csrf = test.get_as(&session, "/profile").await.field("csrf");
    let page = test.post_as(&session, "/profile/code", &[("csrf", &csrf)]).await;
    let (_, rest) = page.body.split_once("id=\"code\" readonly value=\"").expect("a code");
    let code = rest.split('"').next().expect("a code");
    let linked = send(test, &app, INGRID, "code", json!({ "code": code })).await;
    assert!(linked.shows("New draft about Lucía Fernández"), "{linked:?}");
    let again = send(test, &app, TOMASZ, "code", json!({ "code": code })).await;
    assert!(again.status == 400 && again.html().contains("This code is wrong, used or too old."), "{again:?}");
}

async fn codes_are_counted_for_the_account(test: &Test) {
    let app = test.installed_forge().await;
    for _ in 0..10 {
        assert_eq!(send(test, &app, TOMASZ, "code", json!({ "code": "ABCD-2345" })).await.status, 400);
    }
    let waits = send(test, &app, TOMASZ, "code", json!({ "code": "ABCD-2345" })).await;
    assert!(waits.status == 429 && waits.html().contains("Too many wrong codes."), "{waits:?}");
    assert_eq!(send(test, &app, LUCIA, "code", json!({ "code": "ABCD-2345" })).await.status, 400, "others go on");
}

async fn somebody_unknown_asks_to_join(test: &Test) {
    let app = test.installed_forge().await;
    let wrong = send(test, &app, LUCIA, "join", json!({ "name": "Lucía Fernández", "email": "nowhere" })).await;
    assert!(wrong.status == 400 && wrong.html().contains("value=\"nowhere\""), "{wrong:?}");
    let asked = send(test, &app, LUCIA, "join", json!({ "name": "Lucía Fernández", "email": "lucia@lumenpay.example" })).await;
    assert!(asked.shows("Asked to join on") && asked.html().contains("Ingrid Solberg decides"), "{asked:?}");
    let session = test.session(&test.made.owner).await;
    let people = test.get_as(&session, "/people").await;
    assert!(people.body.contains("lucia@lumenpay.example"), "{}", people.body);
}

async fn the_panel_is_hidden_and_shown_again(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    let before = questions(test);
    assert!(send(test, &app, AMARA, "hide", json!({})).await.shows("You have hidden this panel."));
    assert!(open(test, &app, AMARA).await.shows("Show it again"));
    assert_eq!(questions(test), before, "nothing is asked for what is hidden");
    assert!(send(test, &app, AMARA, "show", json!({})).await.shows("New draft about Lucía Fernández"));
}

async fn nothing_that_is_typed_breaks_the_panel_or_is_shown_as_markup(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    let long = "x".repeat(20_000);
    let attack = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>";
    let hostile = [attack, "\u{0}", "\u{202e}abc", "' OR 1=1 --", "../../x", "{{7*7}}", "😀😀", long.as_str()];
    for (form, viewer, fields) in [
        ("links", AMARA, &["target", "about", "about_email", "note", "open"][..]),
        ("links/remove", AMARA, &["link", "target", "about", "about_email", "note", "open"]),
        ("code", TOMASZ, &["code"]),
        ("join", TOMASZ, &["name", "email"]),
    ] {
        for field in fields {
            for text in hostile {
                let mut body = json!({ "target": "new:someone", "name": "T", "email": "t@x.example" });
                body[*field] = json!(text);
                let answer = send(test, &app, viewer, form, body).await;
                assert!(answer.status < 500, "{form} {field} {text}: {answer:?}");
                let shown = answer.body["html"].as_str().unwrap_or_default();
                assert!(!shown.contains("<img") && !shown.contains("<script"), "{form} {field}: {shown}");
            }
            for other in [json!(7), json!(["a"]), json!({ "a": "b" }), json!(true)] {
                let answer = send(test, &app, viewer, form, json!({ *field: other })).await;
                assert!(answer.status == 400 && answer.code() == "form_malformed", "{form} {field} {other}: {answer:?}");
            }
        }
    }
    assert_eq!(links(test).await.len(), 0);
}

async fn what_a_body_says_of_person_and_pull_request_is_not_believed(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    let planted = json!({
        "target": "new:author", "note": "", "account": LUCIA, "principal": LUCIA, "pull_request": 84, "repository": "checkout",
        "context": { "principal": LUCIA, "extension": { "pullRequest": { "id": 84 } } }, "token": "x",
    });
    assert!(ask(test, &app, panel_of(AMARA), "/forge/panel/links", planted).await.saved());
    test.run_jobs().await;
    let entries = links(test).await;
    assert_eq!((entries.len(), &entries[0]["pull_request"]["number"]), (1, &json!(87)), "{entries:?}");
}

async fn one_account_that_guesses_keeps_nobody_else_from_linking_theirs(test: &Test) {
    let app = test.installed_forge().await;
    let guess = async |viewer: &str| ask(test, &app, panel_of(viewer), "/forge/panel/code", json!({ "code": "AAAA-AAAA" })).await;
    for tried in 0..61 {
        let refused = guess(TOMASZ).await;
        assert_eq!(refused.status, if tried < 10 { 400 } else { 429 }, "{tried}: {refused:?}");
    }
    let other = guess(LUCIA).await;
    assert_eq!(other.status, 400, "{other:?}");
}
