//! Feedback on pages and by REST: drafts, sharing with whom it is about and with their manager, withdrawing, lists.

use clarityloop_bitbucket::people::members::Member;
use clarityloop_bitbucket::storage::schema::members;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::people::Person;
use crate::harness::{LEDGER, Test, make_workspace};

both!(
    a_draft_is_begun_from_the_list_written_and_shared,
    whom_a_draft_is_about_comes_back_when_nobody_is_found,
    in_a_large_workspace_a_colleague_is_named_by_address_or_name,
    feedback_is_shared_with_the_manager_who_is_named_before,
    a_manager_who_has_changed_is_named_again_before_anything_is_shared,
    an_author_who_leads_the_subject_is_not_asked_to_share_with_themselves,
    a_draft_is_deleted_after_a_question_and_its_links_go_with_it,
    a_text_that_cannot_be_saved_comes_back,
    every_part_of_the_list_is_paged,
    nobody_else_reaches_a_draft,
    programs_change_share_and_withdraw_by_the_same_rules,
);

/// Amara, who writes; Priya, whom it is about; Tomasz, who leads Priya.
struct People {
    amara: Person,
    priya: Person,
    tomasz: Person,
}

async fn people(test: &Test) -> People {
    let (amara, priya) = (Person::new(test, "Amara Okafor").await, Person::new(test, "Priya Raman").await);
    let tomasz = Person::new(test, "Tomasz Zieliński").await;
    led_by(test, &priya.member, Some(&tomasz.member)).await;
    People { amara, priya, tomasz }
}

async fn led_by(test: &Test, member: &Member, manager: Option<&Member>) {
    let (id, manager) = (member.id.clone(), manager.map(|manager| manager.id.clone()));
    let work = move |connection: &mut _| {
        diesel::update(members::table.find(&id)).set(members::manager_id.eq(manager)).execute(connection)?;
        Ok(())
    };
    test.server.app.write(work).await.expect("a manager");
}

/// A draft of `author` with a pull request attached; its path.
async fn draft(test: &Test, author: &Person, about: &Person) -> String {
    let begun = author.post(test, "/feedback", &[("about", about.member.id.as_str())]).await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    let path = begun.header("location").to_owned();
    let url = format!("{}/{LEDGER}/pull-requests/87", test.config.bitbucket_web_url);
    assert_eq!(author.post(test, &format!("{path}/links"), &[("url", &url), ("note", "This one")]).await.status, 303);
    path
}

async fn a_draft_is_begun_from_the_list_written_and_shared(test: &Test) {
    let People { amara, priya, tomasz } = people(test).await;
    let list = amara.get(test, "/feedback").await;
    assert!(list.body.contains("No feedback yet") && list.body.contains("Begin a draft"), "{}", list.body);
    assert!(list.body.contains(">Priya Raman</option>") && !list.body.contains(">Amara Okafor</option>"), "{}", list.body);
    let path = draft(test, &amara, &priya).await;
    let text = "You made the retries boring.\r\nIn the best sense — Größe, 大きさ. ".to_owned() + &"大".repeat(15_000);
    assert_eq!(amara.post(test, &format!("{path}/body"), &[("body", &text)]).await.status, 303, "a long text in any script");
    let list = amara.get(test, "/feedback").await;
    for words in ["Your drafts", "Feedback for Priya Raman", "seen by only you"] {
        assert!(list.body.contains(words), "{words} in {}", list.body);
    }
    assert!(!list.body.contains("boring"), "people share their screens: {}", list.body);
    let page = amara.get(test, &path).await;
    assert!(page.body.contains("Priya Raman sees the text, the pull requests and your notes"), "{}", page.body);
    assert_eq!(amara.post(test, &format!("{path}/share"), &[]).await.status, 303);
    let seen = priya.get(test, &path).await;
    for words in ["Feedback from Amara Okafor", "In the best sense — Größe, 大きさ.", "This one", "it is about you"] {
        assert!(seen.body.contains(words), "{words} in {}", seen.body);
    }
    assert!(priya.get(test, "/feedback").await.body.contains("About you"));
    assert!(amara.get(test, "/feedback").await.body.contains("seen by you and Priya Raman"));
    assert_eq!(tomasz.get(test, &path).await.status, 404, "not shared with the manager");
}

async fn whom_a_draft_is_about_comes_back_when_nobody_is_found(test: &Test) {
    let amara = people(test).await.amara;
    let elsewhere = make_workspace(&test.server, "Elsewhere", "Noor Haddad", "noor@elsewhere.example").await;
    for about in ["", "nobody@lumenpay.example", "\"><script>", elsewhere.owner.id.as_str(), amara.member.id.as_str(), "a\0b"] {
        let page = amara.post(test, "/feedback", &[("about", about)]).await;
        assert_eq!(page.status, 400, "{about}: {}", page.body);
        assert!(page.body.contains("aria-invalid=\"true\"") && !page.body.contains("<script>"), "{about}: {}", page.body);
    }
    assert!(amara.get(test, "/feedback").await.body.contains("No feedback yet"), "nothing is half-saved");
}

async fn in_a_large_workspace_a_colleague_is_named_by_address_or_name(test: &Test) {
    let People { amara, priya, .. } = people(test).await;
    let (owner, now) = (test.made.owner.clone(), test.now().naive_utc());
    let work = move |connection: &mut _| {
        for number in 0..101 {
            diesel::insert_into(members::table)
                .values((
                    (
                        members::id.eq(format!("01900000-0000-7000-8000-{number:012}")),
                        members::workspace_id.eq(&owner.workspace_id),
                    ),
                    (members::name.eq(format!("Colleague {number}")), members::email.eq(format!("c{number}@lumenpay.example"))),
                    (members::email_folded.eq(format!("c{number}@lumenpay.example")), members::role.eq("member")),
                    members::created_at.eq(now),
                ))
                .execute(connection)?;
        }
        Ok(())
    };
    test.server.app.write(work).await.expect("colleagues");
    let list = amara.get(test, "/feedback").await;
    assert!(list.body.contains("Type an e-mail address or the exact name.") && !list.body.contains("<option"), "{}", list.body);
    for about in ["PRIYA@lumenpay.example", "Priya Raman", priya.member.id.as_str()] {
        assert_eq!(amara.post(test, "/feedback", &[("about", about)]).await.status, 303, "{about}");
    }
    let page = amara.post(test, "/feedback", &[("about", "Nobody At All")]).await;
    assert!(page.status == 400 && page.body.contains("value=\"Nobody At All\""), "{}", page.body);
}

async fn feedback_is_shared_with_the_manager_who_is_named_before(test: &Test) {
    let People { amara, priya, tomasz } = people(test).await;
    let path = draft(test, &amara, &priya).await;
    let page = amara.get(test, &path).await;
    assert!(page.body.contains("Tomasz Zieliński, who leads Priya Raman, sees it too"), "{}", page.body);
    let manager = page.body.split("name=\"manager\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a choice");
    assert_eq!(amara.post(test, &format!("{path}/share"), &[("manager", manager)]).await.status, 303);
    let seen = tomasz.get(test, &path).await;
    assert!(seen.status == 200 && seen.body.contains("Feedback from Amara Okafor for Priya Raman"), "{}", seen.body);
    assert!(seen.body.contains("you lead Priya Raman") && !seen.body.contains("<textarea"), "{}", seen.body);
    assert!(!seen.body.contains("Work you share"), "that is of its two people: {}", seen.body);
    assert!(priya.get(test, &path).await.body.contains("Work you share"));
    assert!(tomasz.get(test, "/feedback").await.body.contains("About people you lead"));
    let page = amara.get(test, &path).await;
    assert!(page.body.contains("leads Priya Raman") && !page.body.contains("/share"), "nobody is left: {}", page.body);
    assert!(amara.get(test, "/feedback").await.body.contains("seen by you, Priya Raman and Tomasz Zieliński"));
    // Whoever leads Priya afterwards is offered anew, and the former manager sees it no more.
    led_by(test, &priya.member, Some(&test.made.owner)).await;
    assert_eq!(tomasz.get(test, &path).await.status, 404);
    assert!(!tomasz.get(test, "/feedback").await.body.contains(&path));
    let page = amara.get(test, &path).await;
    assert!(page.body.contains("Ingrid Solberg, who leads Priya Raman, does not see it."), "{}", page.body);
    let owner = test.made.owner.id.to_string();
    assert_eq!(amara.post(test, &format!("{path}/share"), &[("manager", &owner)]).await.status, 303);
    assert!(amara.get(test, "/feedback").await.body.contains("seen by you, Priya Raman and Ingrid Solberg"));
}

async fn a_manager_who_has_changed_is_named_again_before_anything_is_shared(test: &Test) {
    let People { amara, priya, tomasz } = people(test).await;
    let path = draft(test, &amara, &priya).await;
    led_by(test, &priya.member, Some(&test.made.owner)).await;
    let share = format!("{path}/share");
    let page = amara.post(test, &share, &[("manager", tomasz.member.id.as_str())]).await;
    assert_eq!(page.status, 409, "{}", page.body);
    assert!(page.body.contains("is led by Ingrid Solberg now") && page.body.contains("Not saved."), "{}", page.body);
    led_by(test, &priya.member, None).await;
    let page = amara.post(test, &share, &[("manager", tomasz.member.id.as_str())]).await;
    assert!(page.status == 409 && page.body.contains("has no manager at the moment"), "{}", page.body);
    assert!(amara.post(test, &share, &[("manager", "nobody")]).await.status == 400);
    assert_eq!(priya.get(test, &path).await.status, 404, "nothing was shared");
}

async fn an_author_who_leads_the_subject_is_not_asked_to_share_with_themselves(test: &Test) {
    let People { priya, tomasz, .. } = people(test).await;
    let path = draft(test, &tomasz, &priya).await;
    let page = tomasz.get(test, &path).await;
    assert!(!page.body.contains("name=\"manager\""), "{}", page.body);
    let id = path.rsplit('/').next().expect("an id");
    let (status, shared) =
        tomasz.call(test, Method::POST, &format!("/feedback/{id}/share"), Some(json!({ "with_manager": true }))).await;
    assert_eq!((status, &shared["shared"], &shared["manager"]), (200, &json!(true), &Value::Null), "{shared}");
    assert!(tomasz.get(test, "/feedback").await.body.contains("Shared by you"));
    assert!(!tomasz.get(test, "/feedback").await.body.contains("About people you lead"));
}

async fn a_draft_is_deleted_after_a_question_and_its_links_go_with_it(test: &Test) {
    let People { amara, priya, .. } = people(test).await;
    let path = draft(test, &amara, &priya).await;
    let asked = amara.get(test, &format!("{path}/withdraw")).await;
    for words in ["Delete this draft?", "Priya Raman", "one pull request will no longer be attached"] {
        assert!(asked.body.contains(words), "{words} in {}", asked.body);
    }
    assert_eq!(amara.get(test, &path).await.status, 200, "asking deletes nothing");
    let gone = amara.post(test, &format!("{path}/withdraw"), &[]).await;
    assert_eq!((gone.status, gone.header("location")), (303, "/feedback"), "{}", gone.body);
    assert_eq!(amara.get(test, &path).await.status, 404);
    let (_, links) = amara.call(test, Method::GET, "/links", None).await;
    assert_eq!(links["entries"], json!([]));
    let shared = draft(test, &amara, &priya).await;
    amara.post(test, &format!("{shared}/share"), &[]).await;
    assert_eq!(amara.get(test, &format!("{shared}/withdraw")).await.status, 409);
    assert_eq!(amara.post(test, &format!("{shared}/withdraw"), &[]).await.status, 409, "what was read stays");
    assert_eq!(priya.post(test, &format!("{shared}/withdraw"), &[]).await.status, 403);
    assert_eq!(priya.get(test, &shared).await.status, 200);
}

async fn a_text_that_cannot_be_saved_comes_back(test: &Test) {
    let People { amara, priya, .. } = people(test).await;
    let path = draft(test, &amara, &priya).await;
    let body = format!("{path}/body");
    let page = amara.post(test, &body, &[("body", &"ü".repeat(20_001))]).await;
    assert!(page.status == 400 && page.body.contains("longer than 20000 characters"), "{}", page.status);
    assert!(page.body.contains(&"ü".repeat(20_001)) && page.body.contains("aria-describedby=\"body-wrong\""), "it is kept");
    amara.post(test, &format!("{path}/share"), &[]).await;
    let page = amara.post(test, &body, &[("body", "Taken <b>back</b>")]).await;
    assert_eq!(page.status, 409, "{}", page.body);
    for words in ["What you typed", "Taken &#60;b&#62;back", "shared already"] {
        assert!(page.body.contains(words), "{words} in {}", page.body);
    }
    assert_eq!(priya.post(test, &body, &[("body", &"ü".repeat(20_001))]).await.status, 403, "not theirs, however long");
}

async fn every_part_of_the_list_is_paged(test: &Test) {
    let People { amara, priya, .. } = people(test).await;
    for number in 0..23 {
        let item = json!({ "about": priya.member.id.to_string(), "body": "", "shared": number % 2 == 0 });
        assert_eq!(amara.call(test, Method::POST, "/feedback", Some(item)).await.0, 201);
    }
    for number in 0..71 {
        let item = json!({ "about": amara.member.id.to_string(), "body": format!("{number}"), "shared": true });
        assert_eq!(priya.call(test, Method::POST, "/feedback", Some(item)).await.0, 201);
    }
    let list = amara.get(test, "/feedback").await;
    assert_eq!(list.body.matches(">Feedback for Priya Raman<").count(), 23, "12 shared and 11 drafts fit");
    assert_eq!(list.body.matches(">Feedback from Priya Raman<").count(), 20);
    let mut seen = 20;
    let mut page = list;
    while let Some(older) = page.body.split("href=\"").find(|rest| rest.starts_with("/feedback?part=about-you")) {
        let older = older.split('"').next().expect("an address").replace("&#38;", "&");
        page = amara.get(test, &older).await;
        assert!(page.body.contains("All feedback") && !page.body.contains("Your drafts"), "{}", page.body);
        seen += page.body.matches(">Feedback from Priya Raman<").count();
    }
    assert_eq!(seen, 71);
    assert_eq!(amara.get(test, "/feedback?part=elsewhere").await.status, 404);
    assert_eq!(amara.get(test, "/feedback?part=drafts&before=x").await.status, 400);
}

async fn nobody_else_reaches_a_draft(test: &Test) {
    let People { amara, priya, tomasz } = people(test).await;
    let path = draft(test, &amara, &priya).await;
    let id = path.rsplit('/').next().expect("an id").to_owned();
    let elsewhere = make_workspace(&test.server, "Elsewhere", "Noor Haddad", "noor@elsewhere.example").await;
    let noor = Person::of(test, elsewhere.owner).await;
    for other in [&priya, &tomasz, &noor] {
        for place in [path.clone(), format!("{path}/withdraw")] {
            assert_eq!(other.get(test, &place).await.status, 404, "{place}");
        }
        for (place, form) in
            [("share", ("manager", tomasz.member.id.as_str())), ("body", ("body", "Flattering")), ("withdraw", ("", ""))]
        {
            assert_eq!(other.post(test, &format!("{path}/{place}"), &[form]).await.status, 404, "{place}");
        }
        let item = format!("/feedback/{id}");
        assert_eq!(other.call(test, Method::GET, &item, None).await.0, 404);
        assert_eq!(other.call(test, Method::PATCH, &item, Some(json!({ "body": "Flattering" }))).await.0, 404);
        assert_eq!(other.call(test, Method::DELETE, &item, None).await.0, 404);
        assert_eq!(other.call(test, Method::POST, &format!("{item}/share"), None).await.0, 404);
    }
    assert!(amara.get(test, &path).await.body.contains("Draft"));
}

async fn programs_change_share_and_withdraw_by_the_same_rules(test: &Test) {
    let People { amara, priya, tomasz } = people(test).await;
    let new = json!({ "about": priya.member.id.to_string(), "body": "One" });
    let (_, item) = amara.call(test, Method::POST, "/feedback", Some(new.clone())).await;
    let path = format!("/feedback/{}", item["id"].as_str().expect("an id"));
    let (status, changed) = amara.call(test, Method::PATCH, &path, Some(json!({ "body": "Two" }))).await;
    assert_eq!((status, &changed["body"]), (200, &json!("Two")));
    assert_eq!(amara.call(test, Method::PATCH, &path, Some(json!({ "body": "ü".repeat(20_001) }))).await.0, 400);
    let share = format!("{path}/share");
    let (status, shared) = amara.call(test, Method::POST, &share, None).await;
    assert_eq!((status, &shared["manager"]), (200, &Value::Null), "{shared}");
    let (_, shared) = amara.call(test, Method::POST, &share, Some(json!({ "with_manager": true }))).await;
    assert_eq!(shared["manager"]["name"], "Tomasz Zieliński");
    assert_eq!(tomasz.call(test, Method::GET, &path, None).await.0, 200);
    assert_eq!(amara.call(test, Method::POST, &share, Some(json!({ "with": "x" }))).await.0, 400);
    for (method, body) in [(Method::PATCH, Some(json!({ "body": "Three" }))), (Method::DELETE, None)] {
        let (status, refused) = amara.call(test, method.clone(), &path, body.clone()).await;
        assert_eq!((status, &refused["code"]), (409, &json!("feedback_shared")));
        assert_eq!(priya.call(test, method, &path, body).await.0, 403);
    }
    let (_, draft) = amara.call(test, Method::POST, "/feedback", Some(new)).await;
    let path = format!("/feedback/{}", draft["id"].as_str().expect("an id"));
    assert_eq!(amara.call(test, Method::DELETE, &path, None).await.0, 204);
    assert_eq!(amara.call(test, Method::GET, &path, None).await.0, 404);
    let about_owner = json!({ "about": test.made.owner.id.to_string(), "body": "" });
    let (_, item) = amara.call(test, Method::POST, "/feedback", Some(about_owner)).await;
    let share = format!("/feedback/{}/share", item["id"].as_str().expect("an id"));
    let (status, refused) = amara.call(test, Method::POST, &share, Some(json!({ "with_manager": true }))).await;
    assert_eq!((status, &refused["code"]), (409, &json!("no_manager")));
}
