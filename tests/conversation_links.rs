//! The pull requests of a conversation, whatever its kind: attached by address, shown as far as may be, detached and brought back.

use bitbucket_sandbox::{Fault, Misbehaviour};
use clarityloop_bitbucket::people::links::{self, Kind, NewLink, Target};
use clarityloop_bitbucket::people::members::Member;
use clarityloop_bitbucket::people::pull_requests;
use clarityloop_bitbucket::people::text::Note;
use clarityloop_bitbucket::storage::schema::{goals, one_on_ones, requests};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use crate::both;
use crate::harness::{AMARA, INGRID, LEDGER, LUCIA, Page, Test, make_workspace};

both!(
    a_pull_request_is_attached_by_its_address_to_every_kind_of_conversation,
    nobody_else_reaches_the_pull_requests_of_a_conversation,
    what_is_wrong_with_an_address_is_said_at_the_field_and_what_was_typed_comes_back,
    a_link_by_address_shows_more_once_somebody_who_may_see_it_has_opened_the_panel,
    a_row_says_so_when_the_app_has_no_access,
    a_detached_pull_request_is_brought_back_with_its_note,
    only_who_attached_a_pull_request_detaches_it_and_brings_it_back,
    more_than_a_hundred_are_paged,
);

/// Amara and her conversations with Ingrid, the owner: the path of each, and Amara's session.
struct Conversations {
    amara: Member,
    session: String,
    csrf: String,
    paths: [String; 4],
}

const SOME_ID: &str = "01900000-0000-7000-8000-00000000000";

async fn conversations(test: &Test) -> Conversations {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let ingrid = test.made.owner.clone();
    let token = test.token(&amara, "read,write").await;
    let draft = json!({ "about": ingrid.id.to_string(), "body": "Thank you" });
    let answer = test.api_as(&token, Method::POST, "/feedback").json(&draft).send().await.expect("an answer");
    let draft: serde_json::Value = answer.json().await.expect("JSON");
    let draft = draft["id"].as_str().expect("an id").to_owned();
    let (who, other, now) = (amara.clone(), ingrid, test.now().naive_utc());
    let work = move |connection: &mut _| {
        let (workspace, day) = (&who.workspace_id, now.date());
        diesel::insert_into(one_on_ones::table)
            .values((
                (one_on_ones::id.eq(format!("{SOME_ID}1")), one_on_ones::workspace_id.eq(workspace)),
                (one_on_ones::creator_id.eq(&who.id), one_on_ones::other_id.eq(&other.id), one_on_ones::held_on.eq(day)),
                (one_on_ones::created_at.eq(now), one_on_ones::updated_at.eq(now)),
            ))
            .execute(connection)?;
        diesel::insert_into(requests::table)
            .values((
                (requests::id.eq(format!("{SOME_ID}2")), requests::workspace_id.eq(workspace), requests::asker_id.eq(&other.id)),
                (requests::asked_id.eq(&who.id), requests::about_id.eq(&other.id), requests::question.eq("How was it?")),
                (requests::state.eq("open"), requests::answer.eq("")),
                (requests::created_at.eq(now), requests::updated_at.eq(now)),
            ))
            .execute(connection)?;
        diesel::insert_into(goals::table)
            .values((
                (goals::id.eq(format!("{SOME_ID}3")), goals::workspace_id.eq(workspace), goals::owner_id.eq(&who.id)),
                (goals::title.eq("Fewer pages at night"), goals::why.eq(""), goals::progress.eq(0), goals::is_public.eq(false)),
                (goals::created_at.eq(now), goals::updated_at.eq(now)),
            ))
            .execute(connection)?;
        Ok(())
    };
    test.server.app.write(work).await.expect("conversations");
    let session = test.session(&amara).await;
    let csrf = test.get_as(&session, "/profile").await.field("csrf");
    let paths = [
        format!("/feedback/{draft}"),
        format!("/one-on-ones/{SOME_ID}1"),
        format!("/requests/{SOME_ID}2"),
        format!("/goals/{SOME_ID}3"),
    ];
    Conversations { amara, session, csrf, paths }
}

fn address(test: &Test, number: u32) -> String {
    format!("{}/{LEDGER}/pull-requests/{number}", test.config.bitbucket_web_url)
}

impl Conversations {
    async fn attach(&self, test: &Test, path: &str, url: &str, note: &str) -> Page {
        test.post_as(&self.session, &format!("{path}/links"), &[("csrf", &self.csrf), ("url", url), ("note", note)]).await
    }

    async fn links(&self, test: &Test, path: &str) -> Page {
        test.get_as(&self.session, &format!("{path}/links")).await
    }
}

/// The address that the first button with this word posts to.
fn action(page: &Page, end: &str) -> String {
    let mut actions = page.body.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next());
    actions.find(|action| action.ends_with(end)).unwrap_or_else(|| panic!("no {end} in {}", page.body)).to_owned()
}

async fn a_pull_request_is_attached_by_its_address_to_every_kind_of_conversation(test: &Test) {
    let all = conversations(test).await;
    let titles = [
        "Feedback for Ingrid Solberg",
        "1:1 with Ingrid Solberg",
        "Ingrid Solberg asks about themselves",
        "Fewer pages at night",
    ];
    for (path, title) in all.paths.iter().zip(titles) {
        let empty = all.links(test, path).await;
        assert!(empty.status == 200 && empty.body.contains("Nothing attached yet"), "{path}: {}", empty.body);
        let attached = all.attach(test, path, &address(test, 87), "Nice <b>handling</b>").await;
        let back = format!("{path}?attached=yes#pull-requests");
        assert_eq!((attached.status, attached.header("location")), (303, back.as_str()), "{}", attached.body);
        let page = test.get_as(&all.session, &format!("{path}/links?attached=yes")).await;
        for words in [title, "lumenpay/ledger/pull-requests/87", "Only the address is shown", "Attached by you", "Attached."] {
            assert!(page.body.contains(words), "{path}: {words} in {}", page.body);
        }
        assert!(page.body.contains("Nice &#60;b&#62;handling"), "{}", page.body);
        let again = all.attach(test, path, &format!("{}?tab=diff", address(test, 87)), "Once more").await;
        assert_eq!(again.status, 409, "{}", again.body);
        assert!(again.body.contains("attached there already") && again.body.contains("Once more"), "{}", again.body);
    }
    let page = test.get_as(&all.session, &all.paths[0]).await;
    assert!(page.body.contains("lumenpay/ledger/pull-requests/87"), "the item's own page shows it too: {}", page.body);
    assert_eq!(test.jobs().await, Vec::<String>::new(), "nobody has seen it, so nothing is fetched");
}

async fn nobody_else_reaches_the_pull_requests_of_a_conversation(test: &Test) {
    let all = conversations(test).await;
    let mei = test.session(&test.member("Mei Tanaka", "mei@lumenpay.example", None).await).await;
    let elsewhere = make_workspace(&test.server, "Elsewhere", "Noor Haddad", "noor@elsewhere.example").await;
    let noor = test.session(&elsewhere.owner).await;
    for path in &all.paths {
        assert_eq!(all.attach(test, path, &address(test, 87), "Ours").await.status, 303);
        let remove = action(&all.links(test, path).await, "/remove");
        for session in [&mei, &noor] {
            let csrf = test.get_as(session, "/profile").await.field("csrf");
            let form = [("csrf", csrf.as_str()), ("url", &address(test, 88)), ("note", "Mine")];
            assert_eq!(test.get_as(session, &format!("{path}/links")).await.status, 404);
            for place in [format!("{path}/links"), remove.clone(), remove.replace("/remove", "/again")] {
                let page = test.post_as(session, &place, &form).await;
                assert_eq!(page.status, 404, "{place}: {}", page.body);
                assert!(!page.body.contains("Ours"), "{}", page.body);
            }
        }
        let stranger = test.get(&format!("{}{path}/links", test.url)).await;
        assert_eq!((stranger.status, stranger.header("location")), (303, "/sign-in"));
        let forged = test.post_as(&all.session, &format!("{path}/links"), &[("csrf", "0"), ("url", &address(test, 88))]).await;
        assert_eq!(forged.status, 403);
        assert!(all.links(test, path).await.body.contains("Ours"));
    }
    // Whoever sees a shared item without being its author reads its pull requests and attaches none.
    let ingrid = test.session(&test.made.owner).await;
    test.post_as(&all.session, &format!("{}/share", all.paths[0]), &[("csrf", &all.csrf)]).await;
    let seen = test.get_as(&ingrid, &format!("{}/links", all.paths[0])).await;
    assert!(seen.body.contains("Ours") && !seen.body.contains("name=\"url\""), "{}", seen.body);
    let csrf = test.get_as(&ingrid, "/profile").await.field("csrf");
    let form = [("csrf", csrf.as_str()), ("url", &address(test, 88)), ("note", "")];
    assert_eq!(test.post_as(&ingrid, &format!("{}/links", all.paths[0]), &form).await.status, 403);
    assert_eq!(test.get_as(&all.session, "/elsewhere/1/links").await.status, 404);
}

async fn what_is_wrong_with_an_address_is_said_at_the_field_and_what_was_typed_comes_back(test: &Test) {
    let all = conversations(test).await;
    let web = &test.config.bitbucket_web_url;
    let long = "ü".repeat(2_001);
    for (url, note, said) in [
        (String::new(), "why", "There is no address yet."),
        ("https://github.com/a/b/pull/1".to_owned(), "why", "This address is not on"),
        ("javascript:alert(1)".to_owned(), "why", "This address is not on"),
        (format!("{web}/lumenpay/ledger"), "why", "This is the address of a repository."),
        (format!("{web}/lumenpay/ledger/commits/4f5e6a7"), "why", "This is the address of a commit."),
        (format!("{web}/lumenpay/ledger/pull-requests/\"><script>"), "why", "This is not the address of a pull request."),
        (address(test, 87), long.as_str(), "longer than 2000 characters"),
    ] {
        for path in &all.paths {
            let page = all.attach(test, path, &url, note).await;
            assert_eq!(page.status, 400, "{url}: {}", page.body);
            assert!(page.body.contains(said) && page.body.contains("aria-invalid=\"true\""), "{url}: {}", page.body);
            let typed = url.replace('"', "&#34;").replace('<', "&#60;").replace('>', "&#62;");
            assert!(page.body.contains(&format!("value=\"{typed}\"")) && page.body.contains(note), "{url}: {}", page.body);
            assert!(!page.body.contains("<script>"), "{}", page.body);
        }
    }
    for path in &all.paths {
        assert!(all.links(test, path).await.body.contains("Nothing attached yet"), "nothing is half-saved");
    }
}

async fn a_link_by_address_shows_more_once_somebody_who_may_see_it_has_opened_the_panel(test: &Test) {
    let installation = test.installed().await;
    let all = conversations(test).await;
    test.bind(&test.made.owner.clone(), INGRID).await;
    test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
    let title = "Close the day&#39;s books in one transaction";
    let goal = &all.paths[3];
    all.attach(test, goal, &address(test, 87), "").await;
    test.panel(&installation, 87, INGRID).await;
    test.run_jobs().await;
    assert!(!all.links(test, goal).await.body.contains(title), "one who may not see the link has opened the panel");
    test.panel(&installation, 87, AMARA).await;
    test.run_jobs().await;
    let page = all.links(test, goal).await;
    for words in [title, "lumenpay/ledger #87", "by Lucía Fernández", ">Open</span>"] {
        assert!(page.body.contains(words), "{words} in {}", page.body);
    }
    assert!(!page.body.contains("Only the address is shown"), "{}", page.body);
    // Attached elsewhere by address, it is shown at once: Amara has seen it.
    all.attach(test, &all.paths[1], &address(test, 87), "").await;
    assert!(all.links(test, &all.paths[1]).await.body.contains(title));
}

async fn a_row_says_so_when_the_app_has_no_access(test: &Test) {
    let installation = test.installed().await;
    let all = conversations(test).await;
    let goal = &all.paths[3];
    all.attach(test, goal, &address(test, 87), "").await;
    test.sandbox.misbehave(Misbehaviour::on("/2.0/repositories/", Fault::Status(403)));
    test.panel(&installation, 87, AMARA).await;
    test.run_jobs().await;
    let page = all.links(test, goal).await;
    assert!(page.body.contains("The app has no access to this repository any more"), "{}", page.body);
    assert!(page.body.contains(&format!("href=\"{}\"", address(test, 87))), "the address stays: {}", page.body);
    test.sandbox.behave();
    all.attach(test, &all.paths[1], &address(test, 87), "").await;
    test.run_jobs().await;
    let page = all.links(test, goal).await;
    assert!(!page.body.contains("no access") && page.body.contains(">Open</span>"), "asked again: {}", page.body);
}

async fn a_detached_pull_request_is_brought_back_with_its_note(test: &Test) {
    let installation = test.installed().await;
    let all = conversations(test).await;
    for path in &all.paths {
        all.attach(test, path, &address(test, 87), "The test for the double answer").await;
        test.panel(&installation, 87, AMARA).await;
        test.run_jobs().await;
        let remove = action(&all.links(test, path).await, "/remove");
        let detached = test.post_as(&all.session, &remove, &[("csrf", &all.csrf)]).await;
        assert_eq!(detached.status, 303, "{}", detached.body);
        let back = detached.header("location").to_owned();
        let query = back.split_once('?').expect("a query").1;
        assert!(back.starts_with(path.as_str()), "{back}");
        let page = test.get_as(&all.session, &format!("{path}/links?{query}")).await;
        for words in ["Nothing attached yet", "Detached.", "Attach again"] {
            assert!(page.body.contains(words), "{words} in {}", page.body);
        }
        let again = action(&page, "/again");
        let attached = test.post_as(&all.session, &again, &[("csrf", &all.csrf)]).await;
        assert_eq!(attached.status, 303, "{}", attached.body);
        test.run_jobs().await;
        let page = all.links(test, path).await;
        assert!(page.body.contains("The test for the double answer"), "{}", page.body);
        assert!(page.body.contains("Close the day&#39;s books"), "Amara had seen it: {}", page.body);
        assert_eq!(test.post_as(&all.session, &again, &[("csrf", &all.csrf)]).await.status, 404, "only once");
        test.post_as(&all.session, &action(&page, "/remove"), &[("csrf", &all.csrf)]).await;
    }
    // After a day it is too late.
    all.attach(test, &all.paths[0], &address(test, 87), "").await;
    let remove = action(&all.links(test, &all.paths[0]).await, "/remove");
    test.post_as(&all.session, &remove, &[("csrf", &all.csrf)]).await;
    test.pass_seconds(24 * 3600 + 1);
    all.attach(test, &all.paths[0], &address(test, 88), "").await;
    let other = action(&all.links(test, &all.paths[0]).await, "/remove");
    test.post_as(&all.session, &other, &[("csrf", &all.csrf)]).await;
    let late = test.post_as(&all.session, &remove.replace("/remove", "/again"), &[("csrf", &all.csrf)]).await;
    assert_eq!(late.status, 404, "{}", late.body);
}

async fn only_who_attached_a_pull_request_detaches_it_and_brings_it_back(test: &Test) {
    let all = conversations(test).await;
    let ingrid = test.session(&test.made.owner).await;
    let csrf = test.get_as(&ingrid, "/profile").await.field("csrf");
    for path in &all.paths[1..3] {
        all.attach(test, path, &address(test, 87), "Ours").await;
        let remove = action(&all.links(test, path).await, "/remove");
        let seen = test.get_as(&ingrid, &format!("{path}/links")).await;
        assert!(seen.body.contains("Attached by Amara Okafor") && !seen.body.contains("Detach"), "{}", seen.body);
        assert_eq!(test.post_as(&ingrid, &remove, &[("csrf", &csrf)]).await.status, 403);
        let other_place = remove.replace(path.as_str(), &all.paths[3]);
        assert_eq!(
            test.post_as(&all.session, &other_place, &[("csrf", &all.csrf)]).await.status,
            404,
            "not of that conversation"
        );
        assert_eq!(test.post_as(&all.session, &remove, &[("csrf", &all.csrf)]).await.status, 303);
        let again = remove.replace("/remove", "/again");
        assert_eq!(test.post_as(&ingrid, &again, &[("csrf", &csrf)]).await.status, 404);
        let id = remove.rsplit('/').nth(1).expect("an id");
        let page = test.get_as(&ingrid, &format!("{path}/links?detached={id}")).await;
        assert!(!page.body.contains("Attach again"), "{}", page.body);
    }
}

async fn more_than_a_hundred_are_paged(test: &Test) {
    let all = conversations(test).await;
    let (viewer, now, web) = (all.amara.viewer(), test.server.app.now(), test.config.bitbucket_web_url.clone());
    let target = Target { kind: Kind::Goal, id: format!("{SOME_ID}3") };
    let work = move |connection: &mut _| {
        for number in 1..=101 {
            let new = NewLink {
                target: target.clone(),
                pull_request: pull_requests::parse_repository(&web, LEDGER, number)?,
                note: Note::default(),
                is_before_the_makers_eyes: false,
            };
            links::create(connection, &viewer, &new, &now)?;
        }
        Ok(())
    };
    test.server.app.write(work).await.expect("links");
    let first = all.links(test, &all.paths[3]).await;
    assert_eq!(first.body.matches(">Detach<").count(), 100);
    let older = first.body.split("href=\"").find(|rest| rest.starts_with(&format!("{}/links?before=", all.paths[3])));
    let older = older.and_then(|rest| rest.split('"').next()).expect("a way to older ones");
    let second = test.get_as(&all.session, older).await;
    assert_eq!(second.body.matches(">Detach<").count(), 1, "{}", second.body);
    assert!(second.body.contains(">Newest<"), "{}", second.body);
    let last = action(&second, "/remove");
    assert!(!first.body.contains(&last), "another one");
    assert_eq!(test.get_as(&all.session, &format!("{}/links?before=x", all.paths[3])).await.status, 400);
}
