//! The start page: what waits for a member and for an owner, and what it says when nothing does.

use clarityloop_bitbucket::people::identities::AccountId;
use clarityloop_bitbucket::people::join_requests::{self, Question};
use clarityloop_bitbucket::people::one_on_ones::{self, NewOneOnOne};
use clarityloop_bitbucket::people::text::{EmailAddress, Name};
use reqwest::Method;
use serde_json::json;

use crate::both;
use crate::harness::people::Person;
use crate::harness::{LEDGER, LUCIA, Test};

both!(
    at_first_it_says_what_to_begin_with,
    what_waits_stands_there_and_nothing_of_anybody_else,
    an_owner_is_led_to_the_connection_and_sees_who_waits,
    it_costs_the_same_however_much_there_is,
);

async fn at_first_it_says_what_to_begin_with(test: &Test) {
    let amara = Person::new(test, "Amara Okafor").await;
    let home = amara.get(test, "/").await;
    for words in [
        "Welcome, Amara Okafor",
        "Nobody waits for an answer from you.",
        "Nothing waits for you",
        "Nothing attached in the last 30 days",
        "Your Bitbucket account is not linked yet.",
    ] {
        assert!(home.body.contains(words), "{words} in {}", home.body);
    }
    assert!(!home.body.contains("Connect Bitbucket"), "that is for owners: {}", home.body);
}

/// Tomasz asks Amara, plans a 1:1 with her, and she has a draft about him with a pull request attached.
async fn something(test: &Test, tomasz: &Person, amara: &Person) {
    let new = json!({ "asked": amara.member.id.to_string(), "question": "A text nobody shows on a shared screen" });
    assert_eq!(tomasz.call(test, Method::POST, "/requests", Some(new)).await.0, 201);
    let draft = json!({ "about": tomasz.member.id.to_string(), "body": "Another such text" });
    let (_, draft) = amara.call(test, Method::POST, "/feedback", Some(draft)).await;
    let link = json!({ "kind": "feedback", "target": draft["id"], "repository": LEDGER, "pull_request": 87 });
    assert_eq!(amara.call(test, Method::POST, "/links", Some(link)).await.0, 201);
}

async fn plan(test: &Test, who: &Person, with: &Person, in_days: i64) {
    let (viewer, with, now) = (who.member.viewer(), with.member.id.clone(), test.server.app.now());
    let held_on = (test.now() + chrono::TimeDelta::days(in_days)).date_naive();
    let work = move |connection: &mut _| one_on_ones::plan(connection, &viewer, &NewOneOnOne { with, held_on }, &now);
    test.server.app.write(work).await.expect("a 1:1");
}

async fn what_waits_stands_there_and_nothing_of_anybody_else(test: &Test) {
    let (tomasz, amara) = (Person::new(test, "Tomasz Zieliński").await, Person::new(test, "Amara Okafor").await);
    let mei = Person::new(test, "Mei Tanaka").await;
    something(test, &tomasz, &amara).await;
    plan(test, &tomasz, &amara, 3).await;
    plan(test, &amara, &mei, 15).await;
    let home = amara.get(test, "/").await;
    for words in [
        "One request waits for an answer from you.",
        "Tomasz Zieliński asks about themselves",
        "1:1s ahead",
        "In 3 days",
        "Feedback for Tomasz Zieliński",
        "lumenpay/ledger/pull-requests/87",
        "to feedback",
    ] {
        assert!(home.body.contains(words), "{words} in {}", home.body);
    }
    assert!(
        !home.body.contains("such text") && !home.body.contains("shared screen"),
        "people share their screens: {}",
        home.body
    );
    assert!(!home.body.contains("In 15 days"), "{}", home.body);
    for (who, theirs) in [(&mei, "Nothing waits for you"), (&tomasz, "In 3 days")] {
        let home = who.get(test, "/").await;
        assert!(home.body.contains(theirs), "{}", home.body);
        assert!(!home.body.contains("pull-requests/87") && !home.body.contains("asks about"), "{}", home.body);
    }
    test.pass_seconds(29 * 24 * 3600);
    assert!(amara.get(test, "/").await.body.contains("pull-requests/87"));
    test.pass_seconds(24 * 3600);
    let session = test.session(&amara.member).await;
    let home = test.get_as(&session, "/").await;
    assert!(home.body.contains("Nothing attached in the last 30 days"), "{}", home.body);
}

async fn an_owner_is_led_to_the_connection_and_sees_who_waits(test: &Test) {
    let ingrid = Person::of(test, test.made.owner.clone()).await;
    let amara = Person::new(test, "Amara Okafor").await;
    assert!(ingrid.get(test, "/").await.body.contains("Bitbucket is not connected yet."));
    test.install().await;
    let home = ingrid.get(test, "/").await;
    assert!(home.body.contains("Confirm the Bitbucket workspace"), "{}", home.body);
    assert!(!home.body.contains("not connected yet"), "{}", home.body);
    test.confirm().await;
    let (workspace, now) = (test.made.owner.workspace_id.clone(), test.server.app.now());
    let question = Question {
        name: Name::parse("name", "Lucía <b>Fernández</b>").expect("a name"),
        email: EmailAddress::parse("lucia@lumenpay.example").expect("an address"),
        account: AccountId::parse(LUCIA).expect("an account"),
        bitbucket_workspace: uuid::Uuid::nil(),
        pull_request_url: format!("{}/{LEDGER}/pull-requests/87", test.config.bitbucket_web_url),
    };
    let work = move |connection: &mut _| join_requests::ask(connection, &workspace, &question, &now);
    test.server.app.write(work).await.expect("a question");
    let home = ingrid.get(test, "/").await;
    assert!(home.body.contains("Lucía &#60;b&#62;Fernández&#60;/b&#62; asks to join"), "{}", home.body);
    assert!(!home.body.contains("Confirm the Bitbucket workspace"), "{}", home.body);
    let home = amara.get(test, "/").await;
    assert!(!home.body.contains("asks to join"), "{}", home.body);
}

async fn it_costs_the_same_however_much_there_is(test: &Test) {
    let (tomasz, amara) = (Person::new(test, "Tomasz Zieliński").await, Person::new(test, "Amara Okafor").await);
    let cost = async || {
        let before = test.server.app.metrics.database_statements.get();
        assert_eq!(amara.get(test, "/").await.status, 200);
        test.server.app.metrics.database_statements.get() - before
    };
    let empty = cost().await;
    for _ in 0..7 {
        something(test, &tomasz, &amara).await;
    }
    let full = cost().await;
    assert!(full <= empty + 3, "{empty} statements at first, {full} later");
    assert!(amara.get(test, "/").await.body.contains("7 requests wait for an answer from you."));
}
