//! Identities: the accounts that Bitbucket names, whose they are, and who may say so.

use bitbucket_sandbox::{Fault, Installation, Misbehaviour, User, World};
use clarityloop_bitbucket::people::members::Member;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::{audit, bitbucket_accounts, members, pull_request_people, pull_requests};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::{AMARA, INGRID, LUCIA, Page, TOMASZ, Test, make_workspace};

mod browser;
mod members_read;
mod page;
mod routes;

/// Where the page is.
const PAGE: &str = "/settings/integrations/bitbucket/identities";

both!(
    a_refresh_stores_who_takes_part_and_what_they_are_called,
    who_takes_part_follows_the_pull_request_and_goes_with_it,
    a_purge_deletes_accounts_and_who_took_part,
    suggestions_ignore_capitals_accents_and_order_and_two_of_a_name_are_a_choice,
    an_account_of_a_removed_member_needs_attention,
    links_name_author_and_reviewers_by_their_members,
);

/// The app works; `ledger` 87, which Lucía opened and Ingrid and Tomasz review, is attached to a draft about Priya Raman.
async fn attached(test: &Test) -> Installation {
    let installation = test.installed().await;
    test.attached(&installation).await;
    installation
}

/// The accounts by REST.
async fn accounts(test: &Test, query: &str) -> Vec<Value> {
    let listed = test.api_json(Method::GET, &format!("/bitbucket-accounts{query}"), None).await;
    listed["entries"].as_array().expect("entries").clone()
}

/// One of them.
async fn account(test: &Test, account_id: &str) -> Value {
    let all = accounts(test, "?limit=100").await;
    all.into_iter().find(|account| account["account_id"] == account_id).unwrap_or_else(|| panic!("no {account_id}"))
}

/// Opens the page as an owner, which has the members read, and reads it once more.
async fn opened(test: &Test, session: &str, query: &str) -> Page {
    assert_eq!(test.get_as(session, PAGE).await.status, 200);
    test.run_jobs().await;
    let page = test.get_as(session, &format!("{PAGE}{query}")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page
}

/// The actions in the audit, the newest first.
async fn actions(test: &Test) -> Vec<(String, String, String)> {
    let read = |connection: &mut AnyConnection| {
        let rows = audit::table.order(audit::id.desc()).select((audit::actor, audit::action, audit::subject));
        Ok(rows.load::<(String, String, String)>(connection)?)
    };
    test.server.app.read(read).await.expect("the audit")
}

/// Takes a member out of the workspace.
async fn remove(test: &Test, member: &Member) {
    let (id, at) = (member.id.clone(), test.now().naive_utc());
    let work = move |connection: &mut AnyConnection| {
        diesel::update(members::table.find(id)).set(members::removed_at.eq(Some(at))).execute(connection)?;
        Ok(())
    };
    test.server.app.write(work).await.expect("a removal");
}

async fn people(test: &Test) -> Vec<(String, String)> {
    let read = |connection: &mut AnyConnection| {
        let rows = pull_request_people::table.order((pull_request_people::part, pull_request_people::account_id));
        Ok(rows.select((pull_request_people::account_id, pull_request_people::part)).load(connection)?)
    };
    test.server.app.read(read).await.expect("the people")
}

fn part(account: &str, part: &str) -> (String, String) {
    (account.to_owned(), part.to_owned())
}

async fn a_refresh_stores_who_takes_part_and_what_they_are_called(test: &Test) {
    attached(test).await;
    assert_eq!(people(test).await, [part(LUCIA, "author"), part(TOMASZ, "reviewer"), part(INGRID, "reviewer")]);
    let lucia = account(test, LUCIA).await;
    assert_eq!(
        (&lucia["display_name"], &lucia["bitbucket_uuid"], &lucia["authored"], &lucia["reviewed"]),
        (&json!("Lucía Fernández"), &json!("072a6471-b80a-44be-83c1-61d1d290f507"), &json!(1), &json!(0))
    );
    assert_eq!(
        (&lucia["is_workspace_member"], &lucia["state"], &lucia["bound_to"]),
        (&json!(false), &json!("unbound"), &json!(null))
    );
    let ingrid = account(test, INGRID).await;
    assert_eq!((&ingrid["state"], &ingrid["reviewed"]), (&json!("bound"), &json!(1)));
    assert_eq!((&ingrid["bound_to"]["name"], &ingrid["bound_to"]["bound_by"]), (&json!("Ingrid Solberg"), &json!("operator")));
    assert_eq!(accounts(test, "").await.len(), 3, "nothing is kept of anybody else");
}

async fn who_takes_part_follows_the_pull_request_and_goes_with_it(test: &Test) {
    let installation = attached(test).await;
    test.sandbox.world(|world: &mut World| {
        let changed = world.pull_request_mut("lumenpay/ledger", 87).expect("it");
        changed.author = AMARA.to_owned();
        changed.reviewers.retain(|reviewer| reviewer.account_id == INGRID);
    });
    test.pass_seconds(1);
    test.sandbox.deliver(&installation.client_key, "pullrequest:updated", "lumenpay/ledger", 87).await.expect("an answer");
    test.run_jobs().await;
    assert_eq!(people(test).await, [part(AMARA, "author"), part(INGRID, "reviewer")]);
    let links = test.api_json(Method::GET, "/links", None).await;
    let link = links["entries"][0]["id"].as_str().expect("a link");
    assert_eq!(test.api(Method::DELETE, &format!("/links/{link}")).send().await.expect("an answer").status(), 204);
    assert_eq!(people(test).await, [], "the pull request went with its last link");
}

async fn a_purge_deletes_accounts_and_who_took_part(test: &Test) {
    let installation = attached(test).await;
    test.run_jobs().await;
    assert!(!accounts(test, "").await.is_empty() && !people(test).await.is_empty());
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    let nothing = async || {
        let count = |connection: &mut AnyConnection| {
            let accounts: i64 = bitbucket_accounts::table.count().get_result(connection)?;
            let people: i64 = pull_request_people::table.count().get_result(connection)?;
            let kept: i64 = pull_requests::table.count().get_result(connection)?;
            Ok((accounts, people, kept))
        };
        assert_eq!(test.server.app.read(count).await.expect("a count"), (0, 0, 1));
    };
    nothing().await;
    test.run_jobs().await;
    nothing().await;
    let proven = actions(test).await;
    assert_eq!((proven[0].1.as_str(), proven[0].2.as_str()), ("purge_proven", LUMENPAY_UUID));
}

/// Makes Bitbucket know one more person, as a reviewer of the pull request.
fn account_named(display_name: &str, number: u32) -> User {
    User {
        account_id: format!("712020:{number:08}"),
        uuid: format!("{{{number:08}-0000-4000-8000-000000000000}}"),
        display_name: display_name.to_owned(),
    }
}

async fn suggestions_ignore_capitals_accents_and_order_and_two_of_a_name_are_a_choice(test: &Test) {
    test.installed().await;
    let lucia = test.member("Lucia FERNANDEZ", "lucia@lumenpay.example", None).await;
    test.member("Zieliński, Tomasz", "tz@lumenpay.example", None).await;
    test.member("Mei Tanaka", "mei@lumenpay.example", None).await;
    test.member("Mei Tanaka", "mei.t@lumenpay.example", None).await;
    test.member("Jonas Weber", "jweber-lp@lumenpay.example", None).await;
    test.sandbox.world(|world: &mut World| world.users.push(account_named("JWeber-LP", 7)));
    let session = test.session(&test.made.owner).await;
    opened(test, &session, "").await;
    let reasons = async |account_id: &str| {
        let account = account(test, account_id).await;
        let suggestions = account["suggestions"].as_array().expect("suggestions").clone();
        suggestions.iter().map(|one| (one["member"]["name"].clone(), one["reason"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(reasons(LUCIA).await, [(json!("Lucia FERNANDEZ"), json!("same_name"))]);
    assert_eq!(reasons(TOMASZ).await, [(json!("Zieliński, Tomasz"), json!("same_name"))]);
    assert_eq!(reasons("712020:00000007").await, [(json!("Jonas Weber"), json!("nickname_in_email"))]);
    assert_eq!(reasons(AMARA).await, []);
    let mei = accounts(test, "?search=TANAKA").await;
    assert_eq!(mei[0]["suggestions"].as_array().map(Vec::len), Some(2), "a choice: {mei:?}");
    let page = test.get_as(&session, PAGE).await;
    assert!(page.body.contains("Bind to Lucia FERNANDEZ") && page.body.contains("2 members fit"), "{}", page.body);
    assert!(!page.body.contains("Bind to Mei Tanaka"), "two of one name are no suggestion");
    // Nobody is bound by it, and whoever has an account is suggested for no other.
    assert!(accounts(test, "?show=bound").await.is_empty());
    test.bind(&lucia, "712020:another").await;
    assert_eq!(reasons(LUCIA).await, []);
}

async fn an_account_of_a_removed_member_needs_attention(test: &Test) {
    test.installed().await;
    let tomasz = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", Some(TOMASZ)).await;
    let session = test.session(&test.made.owner).await;
    opened(test, &session, "").await;
    let attention = async || accounts(test, "?show=needs-attention").await.iter().any(|account| account["account_id"] == TOMASZ);
    assert!(!attention().await);
    remove(test, &tomasz).await;
    assert!(attention().await);
    assert!(account(test, TOMASZ).await["bound_to"]["removed_at"].is_string());
    let page = test.get_as(&session, &format!("{PAGE}/account?account={TOMASZ}")).await;
    assert!(page.body.contains("was removed from the workspace") && !page.body.contains("Whose is it?"), "{}", page.body);
    let form = [("csrf", page.field("csrf")), ("member", tomasz.id.to_string())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(test.post_as(&session, &format!("{PAGE}/unbind"), &form).await.status, 303);
    assert_eq!(account(test, TOMASZ).await["state"], "unbound");
    let form = [("csrf", page.field("csrf")), ("account", TOMASZ.to_owned()), ("member", tomasz.id.to_string())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(test.post_as(&session, &format!("{PAGE}/bind"), &form).await.status, 404, "nobody is bound to a removed member");
}

async fn links_name_author_and_reviewers_by_their_members(test: &Test) {
    attached(test).await;
    let shown = async || test.api_json(Method::GET, "/links", None).await["entries"][0]["pull_request"].clone();
    let before = shown().await;
    assert_eq!(before["author_name"], "Lucía Fernández", "as Bitbucket names the account");
    assert_eq!(before["reviewer_names"], json!(["Ingrid Solberg", "Tomasz Zieliński"]));
    let lucia = test.member("Lu Fernández", "lu@lumenpay.example", Some(LUCIA)).await;
    assert_eq!(shown().await["author_name"], "Lu Fernández", "as the member is called");
    remove(test, &lucia).await;
    assert_eq!(shown().await["author_name"], "Lu Fernández", "history stays readable under a name");
    let item = test.api_json(Method::GET, "/links", None).await["entries"][0]["target"].clone();
    let session = test.session(&test.made.owner).await;
    let page = test.get_as(&session, &format!("/feedback/{}", item.as_str().expect("an id"))).await;
    assert!(page.body.contains("by Lu Fernández"), "{}", page.body);
}
