//! Requests for feedback on pages and by REST: asking, answering, declining, closing, lists, and who sees them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::people::Person;
use crate::harness::{LEDGER, Test, make_workspace};

both!(
    a_colleague_is_asked_and_answers,
    what_is_wrong_with_a_request_comes_back_with_what_was_typed,
    a_request_is_declined_with_a_word,
    a_request_is_closed_by_who_asked,
    an_answer_that_cannot_be_saved_comes_back,
    both_attach_pull_requests_until_it_is_over,
    what_is_due_first_is_on_top_and_every_part_is_paged,
    nobody_else_reaches_a_request,
    programs_ask_answer_decline_and_close_by_the_same_rules,
);

/// Tomasz, who asks; Amara, who is asked; Priya, whom it may be about.
async fn people(test: &Test) -> (Person, Person, Person) {
    (Person::new(test, "Tomasz Zieliński").await, Person::new(test, "Amara Okafor").await, Person::new(test, "Priya Raman").await)
}

/// The path of a new request of `asker` to `asked`, about the asker.
async fn asked(test: &Test, asker: &Person, asked: &Person) -> String {
    let form = [("asked", asked.member.id.as_str()), ("about", ""), ("question", "How were the retries?"), ("due_on", "")];
    let made = asker.post(test, "/requests", &form).await;
    assert_eq!(made.status, 303, "{}", made.body);
    made.header("location").to_owned()
}

async fn a_colleague_is_asked_and_answers(test: &Test) {
    let (tomasz, amara, priya) = people(test).await;
    let empty = tomasz.get(test, "/requests").await;
    assert!(empty.body.contains("No requests yet") && empty.body.contains(">Yourself</option>"), "{}", empty.body);
    let due_on = (test.now() + chrono::TimeDelta::days(3)).date_naive().to_string();
    let form = [
        ("asked", amara.member.id.as_str()),
        ("about", priya.member.id.as_str()),
        ("question", "What should <b>Priya</b> try next?"),
        ("due_on", &due_on),
    ];
    let path = tomasz.post(test, "/requests", &form).await.header("location").to_owned();
    let list = amara.get(test, "/requests").await;
    for words in ["To answer", "Tomasz Zieliński asks about Priya Raman", "Due", "is-warning"] {
        assert!(list.body.contains(words), "{words} in {}", list.body);
    }
    assert!(!list.body.contains("try next"), "people share their screens: {}", list.body);
    let page = amara.get(test, &path).await;
    assert!(page.body.contains("What should &#60;b&#62;Priya&#60;/b&#62; try next?"), "{}", page.body);
    assert!(page.body.contains("Seen by you and Tomasz Zieliński at once."), "{}", page.body);
    let waiting = tomasz.get(test, &path).await;
    assert!(waiting.body.contains("You ask Amara Okafor about Priya Raman"), "{}", waiting.body);
    assert!(!waiting.body.contains("name=\"body\""), "not theirs to answer: {}", waiting.body);
    assert_eq!(amara.post(test, &format!("{path}/answer"), &[("body", "To write the why down first.")]).await.status, 303);
    for who in [&tomasz, &amara] {
        let page = who.get(test, &path).await;
        assert!(page.body.contains("To write the why down first.") && page.body.contains("Answered"), "{}", page.body);
        assert!(!page.body.contains("name=\"body\""), "{}", page.body);
        assert!(who.get(test, "/requests").await.body.contains("Done"));
    }
    assert_eq!(priya.get(test, &path).await.status, 404, "whom it is about is not asked");
}

async fn what_is_wrong_with_a_request_comes_back_with_what_was_typed(test: &Test) {
    let (tomasz, amara, _) = people(test).await;
    let elsewhere = make_workspace(&test.server, "Elsewhere", "Noor Haddad", "noor@elsewhere.example").await;
    let (me, her, long) = (tomasz.member.id.as_str(), amara.member.id.as_str(), "ü".repeat(20_001));
    for (asked, about, question, due_on, said) in [
        ("", "", "How?", "", "Choose a person."),
        (me, "", "How?", "", "goes to somebody else"),
        (elsewhere.owner.id.as_str(), "", "How?", "", "Nobody in your workspace"),
        (her, her, "How?", "", "Nobody gives feedback about themselves"),
        (her, "nobody@lumenpay.example", "How?", "", "Nobody in your workspace"),
        (her, "", " ", "", "Say what you would like to hear about."),
        (her, "", long.as_str(), "", "longer than 20000"),
        (her, "", "How?", "soon", "Give a date"),
        (her, "", "How?", "2026-01-01", "This day has passed"),
    ] {
        let form = [("asked", asked), ("about", about), ("question", question), ("due_on", due_on)];
        let page = tomasz.post(test, "/requests", &form).await;
        assert_eq!(page.status, 400, "{said}: {}", page.body);
        assert!(page.body.contains(said) && page.body.contains("aria-invalid=\"true\""), "{said}: {}", page.body);
        assert!(page.body.contains(question) && page.body.contains(&format!("value=\"{due_on}\"")), "{said}");
        if asked == her {
            assert!(page.body.contains(&format!("value=\"{her}\" selected")), "{said}: {}", page.body);
        }
    }
    assert!(tomasz.get(test, "/requests").await.body.contains("No requests yet"), "nothing is half-saved");
}

async fn a_request_is_declined_with_a_word(test: &Test) {
    let (tomasz, amara, _) = people(test).await;
    let path = asked(test, &tomasz, &amara).await;
    let long = "ü".repeat(2_001);
    let page = amara.post(test, &format!("{path}/decline"), &[("word", &long)]).await;
    assert!(page.status == 400 && page.body.contains(&long) && page.body.contains("word-wrong"), "{}", page.body);
    assert_eq!(tomasz.post(test, &format!("{path}/decline"), &[("word", "No")]).await.status, 403, "only who is asked");
    assert_eq!(amara.post(test, &format!("{path}/decline"), &[("word", "I was not there.")]).await.status, 303);
    let page = tomasz.get(test, &path).await;
    for words in ["Amara Okafor declined", "I was not there.", "Declined"] {
        assert!(page.body.contains(words), "{words} in {}", page.body);
    }
    assert!(!page.body.contains("name=\"url\""), "it is over: {}", page.body);
}

async fn a_request_is_closed_by_who_asked(test: &Test) {
    let (tomasz, amara, _) = people(test).await;
    let path = asked(test, &tomasz, &amara).await;
    assert!(tomasz.get(test, &path).await.body.contains("it cannot be opened again"));
    assert_eq!(amara.post(test, &format!("{path}/close"), &[]).await.status, 403);
    assert_eq!(tomasz.post(test, &format!("{path}/close"), &[]).await.status, 303);
    assert_eq!(tomasz.post(test, &format!("{path}/close"), &[]).await.status, 409, "closed already");
    assert!(amara.get(test, "/requests").await.body.contains("Closed"));
}

async fn an_answer_that_cannot_be_saved_comes_back(test: &Test) {
    let (tomasz, amara, _) = people(test).await;
    let path = asked(test, &tomasz, &amara).await;
    let long = "ü".repeat(20_001);
    for (body, said) in [(" ", "Write an answer"), (long.as_str(), "longer than 20000")] {
        let page = amara.post(test, &format!("{path}/answer"), &[("body", body)]).await;
        assert_eq!(page.status, 400, "{}", page.body);
        assert!(page.body.contains(said) && page.body.contains("body-wrong") && page.body.contains(body), "{said}");
    }
    tomasz.post(test, &format!("{path}/close"), &[]).await;
    let page = amara.post(test, &format!("{path}/answer"), &[("body", "Too <late>")]).await;
    assert_eq!(page.status, 409, "{}", page.body);
    for words in ["What you typed", "Too &#60;late&#62;", "closed already"] {
        assert!(page.body.contains(words), "{words} in {}", page.body);
    }
}

async fn both_attach_pull_requests_until_it_is_over(test: &Test) {
    let (tomasz, amara, _) = people(test).await;
    let path = asked(test, &tomasz, &amara).await;
    for (who, number) in [(&tomasz, 87), (&amara, 88)] {
        let url = format!("{}/{LEDGER}/pull-requests/{number}", test.config.bitbucket_web_url);
        let attached = who.post(test, &format!("{path}/links"), &[("url", &url), ("note", "This one")]).await;
        assert_eq!(attached.status, 303, "{}", attached.body);
        let page = who.get(test, &format!("{path}?attached=yes")).await;
        assert!(page.body.contains("Attached.") && page.body.contains("This one"), "{}", page.body);
    }
    let page = amara.get(test, &path).await;
    assert!(page.body.contains("Attached by Tomasz Zieliński") && page.body.contains("Attached by you"), "{}", page.body);
    tomasz.post(test, &format!("{path}/close"), &[]).await;
    let page = amara.get(test, &path).await;
    assert!(page.body.contains("This one") && !page.body.contains("name=\"url\""), "what is attached stays: {}", page.body);
}

async fn what_is_due_first_is_on_top_and_every_part_is_paged(test: &Test) {
    let (tomasz, amara, _) = people(test).await;
    let day = |days: i64| (test.now() + chrono::TimeDelta::days(days)).date_naive().to_string();
    for number in 0..25 {
        let due_on = (number % 5 != 0).then(|| day(number % 7));
        let new = json!({ "asked": amara.member.id.to_string(), "question": format!("{number}"), "due_on": due_on });
        assert_eq!(tomasz.call(test, Method::POST, "/requests", Some(new)).await.0, 201);
    }
    let (mut page, mut ids, mut days) = (amara.get(test, "/requests").await, Vec::new(), Vec::new());
    loop {
        for row in page.body.split("class=\"row-title\" href=\"/requests/").skip(1) {
            ids.push(row.split('"').next().expect("an id").to_owned());
            let row = row.split("</li>").next().expect("a row");
            let due = row.split("Due <time datetime=\"").nth(1).and_then(|rest| rest.split('"').next());
            days.push(due.unwrap_or("without").to_owned());
        }
        let Some(more) = page.body.split("href=\"").find(|rest| rest.starts_with("/requests?part=to-answer")) else { break };
        let more = more.split('"').next().expect("an address").replace("&#38;", "&");
        page = amara.get(test, &more).await;
        assert_eq!(page.status, 200, "{more}: {}", page.body);
    }
    assert!(days.is_sorted(), "{days:?}");
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), days.len()), (25, 25));
    assert!(tomasz.get(test, "/requests").await.body.contains("/requests?part=asked"), "paged, too");
    assert_eq!(amara.get(test, "/requests?part=elsewhere").await.status, 404);
    assert_eq!(amara.get(test, "/requests?part=to-answer&beyond=x").await.status, 400);
}

async fn nobody_else_reaches_a_request(test: &Test) {
    let (tomasz, amara, priya) = people(test).await;
    let path = asked(test, &tomasz, &amara).await;
    let elsewhere = make_workspace(&test.server, "Elsewhere", "Noor Haddad", "noor@elsewhere.example").await;
    let noor = Person::of(test, elsewhere.owner).await;
    for other in [&priya, &noor] {
        assert_eq!(other.get(test, &path).await.status, 404);
        assert!(!other.get(test, "/requests").await.body.contains(&path));
        for (place, form) in [("answer", ("body", "I know")), ("decline", ("word", "No")), ("close", ("", ""))] {
            assert_eq!(other.post(test, &format!("{path}/{place}"), &[form]).await.status, 404, "{place}");
            let body = if form.0.is_empty() { None } else { Some(json!({ form.0: form.1 })) };
            assert_eq!(other.call(test, Method::POST, &format!("{path}/{place}"), body).await.0, 404, "{place}");
        }
        assert_eq!(other.call(test, Method::GET, &path, None).await.0, 404);
    }
    let forged = test.post_as(&amara.session, &format!("{path}/answer"), &[("csrf", &tomasz.csrf), ("body", "Yes")]).await;
    assert_eq!(forged.status, 403);
    assert!(amara.get(test, &path).await.body.contains("Your answer"), "still open");
}

async fn programs_ask_answer_decline_and_close_by_the_same_rules(test: &Test) {
    let (tomasz, amara, priya) = people(test).await;
    let new = json!({ "asked": amara.member.id.to_string(), "about": priya.member.id.to_string(), "question": "How?" });
    let mut ids = Vec::new();
    for _ in 0..3 {
        let (status, made) = tomasz.call(test, Method::POST, "/requests", Some(new.clone())).await;
        assert_eq!((status, &made["state"], &made["answer"]), (201, &json!("open"), &Value::Null), "{made}");
        ids.push(made["id"].as_str().expect("an id").to_owned());
    }
    let (status, made) =
        amara.call(test, Method::POST, &format!("/requests/{}/answer", ids[0]), Some(json!({ "body": "Well" }))).await;
    assert_eq!((status, &made["state"], &made["answer"]), (200, &json!("answered"), &json!("Well")));
    let (status, made) =
        amara.call(test, Method::POST, &format!("/requests/{}/decline", ids[1]), Some(json!({ "word": "Away" }))).await;
    assert_eq!((status, &made["state"], &made["answer"]), (200, &json!("declined"), &json!("Away")));
    let filtered = async |who: &Person, filter: &str| {
        let (status, list) = who.call(test, Method::GET, &format!("/requests?filter={filter}"), None).await;
        assert_eq!(status, 200, "{list}");
        list["entries"].as_array().expect("entries").len()
    };
    assert_eq!((filtered(&amara, "to_answer").await, filtered(&amara, "asked").await, filtered(&amara, "done").await), (1, 0, 2));
    assert_eq!((filtered(&tomasz, "to_answer").await, filtered(&tomasz, "asked").await), (0, 1));
    let (status, made) = tomasz.call(test, Method::POST, &format!("/requests/{}/close", ids[2]), None).await;
    assert_eq!((status, &made["state"], &made["answer"]), (200, &json!("closed"), &Value::Null));
    for (who, place, body, refusal) in [
        (&amara, "answer", Some(json!({ "body": "Late" })), (409, "request_over")),
        (&amara, "decline", None, (409, "request_over")),
        (&tomasz, "close", None, (409, "request_over")),
        (&tomasz, "answer", Some(json!({ "body": "Mine" })), (403, "asked_needed")),
        (&amara, "close", None, (403, "asker_needed")),
        (&amara, "answer", Some(json!({ "body": "" })), (400, "answer_missing")),
    ] {
        let (status, refused) = who.call(test, Method::POST, &format!("/requests/{}/{place}", ids[0]), body).await;
        assert_eq!((status, refused["code"].as_str().unwrap_or_default()), refusal, "{place}: {refused}");
    }
    let (status, shown) = amara.call(test, Method::GET, &format!("/requests/{}", ids[0]), None).await;
    assert_eq!((status, &shown["links"]["entries"]), (200, &json!([])));
    for (bad, code) in [
        (json!({ "asked": tomasz.member.id.to_string(), "question": "How?" }), "asked_yourself"),
        (
            json!({ "asked": amara.member.id.to_string(), "about": amara.member.id.to_string(), "question": "How?" }),
            "about_the_asked",
        ),
        (json!({ "asked": amara.member.id.to_string(), "question": "" }), "question_missing"),
        (json!({ "asked": amara.member.id.to_string(), "question": "How?", "due_on": "soon" }), "date_invalid"),
    ] {
        let (status, refused) = tomasz.call(test, Method::POST, "/requests", Some(bad)).await;
        assert_eq!((status, &refused["code"]), (400, &json!(code)));
    }
}
