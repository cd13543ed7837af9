//! "Work you share" on a 1:1, from outside: linked pull requests that involve both, as far as the viewer may see them.

use bitbucket_sandbox::Installation;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::pull_requests;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use crate::both;
use crate::harness::{INGRID, LUCIA, Page, TOMASZ, Test};

both!(
    a_pull_request_of_both_is_shown_and_attached_with_one_press,
    where_an_account_is_unknown_the_card_says_the_next_step,
    more_than_ten_are_shown_on_further_pages,
    what_is_attached_is_the_pull_request_shown_whatever_its_address_says_by_now,
);

/// Ingrid at the ledger's pull request 87, which Lucía wrote and Ingrid and Tomasz review: she attaches it to a draft of her own.
async fn attached_to_a_draft(test: &Test, installation: &Installation) {
    test.bind(&test.made.owner, INGRID).await;
    let token = test.panel(installation, 87, INGRID).await.field("token");
    let saved = test.post("/connect/panel/links", &[("token", &token), ("target", "new:author"), ("note", "")]).await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    test.run_jobs().await;
}

/// Plans a 1:1 as the workspace's owner; its path.
async fn plan(test: &Test, session: &str, with: &str, day: &str) -> String {
    let csrf = test.get_as(session, "/profile").await.field("csrf");
    let with = test.member_by_email(with).await.id.to_string();
    let planned = test.post_as(session, "/one-on-ones", &[("csrf", &csrf), ("with", &with), ("held_on", day)]).await;
    assert_eq!(planned.status, 303, "{}", planned.body);
    planned.header("location").split('?').next().unwrap().to_owned()
}

/// What the card holds.
fn card(page: &Page) -> &str {
    let begin = page.body.find(r#"id="shared-work""#).unwrap_or_else(|| panic!("no card: {}", page.body));
    page.body[begin..].split("</section>").next().unwrap()
}

const TITLE: &str = "Close the day&#39;s books in one transaction";

async fn a_pull_request_of_both_is_shown_and_attached_with_one_press(test: &Test) {
    let installation = test.installed().await;
    let lucia = test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
    test.member("Tomasz Zieliński", "tomasz@lumenpay.example", Some(TOMASZ)).await;
    attached_to_a_draft(test, &installation).await;
    let (ingrids, lucias) = (test.session(&test.made.owner).await, test.session(&lucia).await);
    let path = plan(test, &ingrids, "lucia@lumenpay.example", "2026-11-27").await;

    let page = test.get_as(&ingrids, &path).await;
    for text in [TITLE, "lumenpay/ledger #87", "By Lucía Fernández, you review it", "Open", "Attach Close the day"] {
        assert!(card(&page).contains(text), "{text}: {}", card(&page));
    }
    let hers = test.get_as(&lucias, &path).await;
    assert!(
        card(&hers).contains("No linked pull request involves you both yet."),
        "a draft's link is its author's: {}",
        card(&hers)
    );
    let with_tomasz = plan(test, &ingrids, "tomasz@lumenpay.example", "2026-11-27").await;
    let page = test.get_as(&ingrids, &with_tomasz).await;
    assert!(card(&page).contains("You and Tomasz Zieliński review it"), "{}", card(&page));

    let url = format!("{}/lumenpay/ledger/pull-requests/87", test.sandbox.url());
    let csrf = test.get_as(&ingrids, &path).await.field("csrf");
    let id = to_attach(&test.get_as(&ingrids, &path).await);
    let attached = test.post_as(&ingrids, &format!("{path}/links"), &[("csrf", &csrf), ("pull_request", &id)]).await;
    assert_eq!(attached.status, 303, "{}", attached.body);
    test.run_jobs().await;
    let page = test.get_as(&ingrids, &path).await;
    assert!(card(&page).contains("Attached here") && !card(&page).contains("<form"), "{}", card(&page));
    let hers = test.get_as(&lucias, &path).await;
    assert!(card(&hers).contains("By you, Ingrid Solberg reviews it"), "{}", card(&hers));
    let told = test.api_json(Method::GET, &format!("{path}/shared-work"), None).await;
    assert_eq!((&told["own_account_known"], &told["their_account_known"]), (&json!(true), &json!(true)));
    let shared = &told["pull_requests"]["entries"][0];
    assert_eq!((&shared["url"], &shared["number"], &shared["attached"]), (&json!(url), &json!(87), &json!(true)));
    let toms = test.token(&test.member_by_email("tomasz@lumenpay.example").await, "read").await;
    let refused = test.api_as(&toms, Method::GET, &format!("{path}/shared-work")).send().await.expect("an answer");
    assert_eq!(refused.status(), 404, "a 1:1 is its two people's");
    let feedback = test.api_json(Method::GET, "/feedback", None).await["entries"][0]["id"].as_str().expect("an item").to_owned();
    let told = test.api_json(Method::GET, &format!("/feedback/{feedback}/shared-work"), None).await;
    assert_eq!(told["pull_requests"]["entries"][0]["number"], 87);
}

/// What the first Attach button of the card sends.
fn to_attach(page: &Page) -> String {
    let rest = card(page).split_once(r#"name="pull_request" value=""#).unwrap_or_else(|| panic!("no Attach: {}", card(page))).1;
    rest.split('"').next().unwrap().to_owned()
}

async fn what_is_attached_is_the_pull_request_shown_whatever_its_address_says_by_now(test: &Test) {
    let installation = test.installed().await;
    test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
    let tomasz = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", Some(TOMASZ)).await;
    attached_to_a_draft(test, &installation).await;
    let (ingrids, tomaszs) = (test.session(&test.made.owner).await, test.session(&tomasz).await);
    let path = plan(test, &ingrids, "lucia@lumenpay.example", "2026-11-27").await;
    let with_tomasz = plan(test, &ingrids, "tomasz@lumenpay.example", "2026-11-27").await;
    let id = to_attach(&test.get_as(&ingrids, &path).await);
    let csrf = test.get_as(&tomaszs, "/profile").await.field("csrf");
    let links = format!("{with_tomasz}/links");
    for id in [id.as_str(), "01900000-0000-7000-8000-000000000000", "x"] {
        let refused = test.post_as(&tomaszs, &links, &[("csrf", &csrf), ("pull_request", id)]).await;
        assert_eq!(refused.status, 404, "it hangs on a draft of somebody else's: {}", refused.body);
    }

    // The repository's name was given to another one meanwhile.
    let address = format!("{}/lumenpay/ledger/pull-requests/87#repository-former", test.sandbox.url());
    let rename = move |connection: &mut AnyConnection| {
        Ok(diesel::update(pull_requests::table).set(pull_requests::url.eq(address)).execute(connection)?)
    };
    assert_eq!(test.server.app.write(rename).await.expect("a new address"), 1);
    let csrf = test.get_as(&ingrids, &path).await.field("csrf");
    let attached = test.post_as(&ingrids, &format!("{path}/links"), &[("csrf", &csrf), ("pull_request", &id)]).await;
    assert_eq!(attached.status, 303, "{}", attached.body);
    let count = |connection: &mut AnyConnection| Ok(pull_requests::table.count().get_result::<i64>(connection)?);
    assert_eq!(test.server.app.read(count).await.expect("a count"), 1, "it is the same pull request");
    test.run_jobs().await;
    let again = test.post_as(&ingrids, &format!("{path}/links"), &[("csrf", &csrf), ("pull_request", &id)]).await;
    assert_eq!(again.status, 409, "{}", again.body);
}

async fn where_an_account_is_unknown_the_card_says_the_next_step(test: &Test) {
    let lucia = test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
    let (ingrids, lucias) = (test.session(&test.made.owner).await, test.session(&lucia).await);
    let path = plan(test, &ingrids, "lucia@lumenpay.example", "2026-11-27").await;
    let page = test.get_as(&ingrids, &path).await;
    assert!(card(&page).contains("Link your Bitbucket account") && card(&page).contains(r#"href="/profile""#), "{}", card(&page));
    let page = test.get_as(&lucias, &path).await;
    assert!(card(&page).contains("Ingrid Solberg has not linked a Bitbucket account yet."), "{}", card(&page));
}

async fn more_than_ten_are_shown_on_further_pages(test: &Test) {
    let lucia = test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
    test.bind(&test.made.owner, INGRID).await;
    let ingrids = test.session(&test.made.owner).await;
    let path = plan(test, &ingrids, "lucia@lumenpay.example", "2026-11-27").await;
    seed(test, path.rsplit('/').next().unwrap(), lucia.id.as_str()).await;
    let page = test.get_as(&ingrids, &path).await;
    assert_eq!(card(&page).matches("<li").count(), 10);
    assert!(card(&page).contains("Number 12") && !card(&page).contains("Number 02"), "{}", card(&page));
    let begin = page.body.find(&format!("{path}?work=")).expect("a way on");
    let more = test.get_as(&ingrids, page.body[begin..].split('#').next().unwrap()).await;
    assert_eq!(card(&more).matches("<li").count(), 2, "{}", card(&more));
    assert!(card(&more).contains("Number 01") && card(&more).contains("Newest"), "{}", card(&more));
    assert_eq!(test.get_as(&ingrids, &format!("{path}?work=x")).await.status, 400);
}

/// Twelve pull requests of both, attached to a 1:1 and seen by one of the two.
async fn seed(test: &Test, one_on_one: &str, seen_by: &str) {
    use clarityloop_bitbucket::storage::schema::{links, pull_request_people, sightings};
    let (workspace, owner) = (test.made.owner.workspace_id.clone(), test.made.owner.id.clone());
    let (one_on_one, seen_by, at) = (one_on_one.to_owned(), seen_by.to_owned(), test.now().naive_utc());
    let work = move |connection: &mut _| {
        for number in 1..=12_i64 {
            let id = format!("01900000-0000-7000-8000-0000000000{number:02}");
            diesel::insert_into(pull_requests::table)
                .values((
                    pull_requests::id.eq(&id),
                    pull_requests::workspace_id.eq(&workspace),
                    pull_requests::url.eq(format!("https://bitbucket.example/lumenpay/ledger/pull-requests/{number}")),
                    pull_requests::number.eq(Some(number)),
                    pull_requests::title.eq(Some(format!("Number {number:02}"))),
                    pull_requests::created_at.eq(at),
                ))
                .execute(connection)?;
            for (account, part) in [(INGRID, "author"), (LUCIA, "reviewer")] {
                diesel::insert_into(pull_request_people::table)
                    .values((
                        pull_request_people::pull_request_id.eq(&id),
                        pull_request_people::account_id.eq(account),
                        pull_request_people::part.eq(part),
                    ))
                    .execute(connection)?;
            }
            diesel::insert_into(links::table)
                .values((
                    links::id.eq(&id),
                    links::workspace_id.eq(&workspace),
                    links::pull_request_id.eq(&id),
                    links::target_kind.eq("one_on_one"),
                    links::target_id.eq(&one_on_one),
                    links::note.eq(""),
                    links::created_by.eq(&owner),
                    links::created_at.eq(at),
                ))
                .execute(connection)?;
            diesel::insert_into(sightings::table)
                .values((sightings::pull_request_id.eq(&id), sightings::member_id.eq(&seen_by), sightings::seen_at.eq(at)))
                .execute(connection)?;
        }
        Ok(())
    };
    test.server.app.write(work).await.expect("pull requests");
}
