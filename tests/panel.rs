//! The panel on a pull request: what it shows to whom, and what attaching and undoing do. The code that links an account
//! and the kinds of conversation have files of their own.

mod code;
mod kinds;

use bitbucket_sandbox::Installation;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::{AMARA, INGRID, LEDGER, LUCIA, Page, TOMASZ, Test};

both!(
    a_pull_request_is_attached_to_a_new_draft_and_found_on_it,
    drafts_about_the_author_come_first_and_a_new_one_about_them_before_the_others,
    a_pull_request_is_attached_to_an_existing_draft,
    a_new_draft_about_somebody_else_is_begun_by_choosing_them,
    a_colleague_is_named_by_address_where_there_are_too_many_to_choose_from,
    the_author_of_the_pull_request_is_offered_no_feedback_about_themselves,
    attaching_twice_says_so_and_keeps_what_was_typed,
    a_note_that_is_too_long_is_given_back_and_nothing_is_stored,
    two_attaches_at_once_make_one_link,
    an_own_link_is_undone_and_a_colleagues_is_not,
    links_of_drafts_are_seen_by_their_author_only,
    nobody_who_is_not_signed_in_to_bitbucket_gets_a_form,
    a_waiting_panel_names_the_owners_who_can_confirm,
    a_panel_that_is_switched_off_is_one_quiet_line,
    after_eight_hours_the_note_is_kept_and_nothing_is_saved,
    an_uninstall_stops_panels_that_are_open_already,
    a_panel_of_another_bitbucket_workspace_is_refused,
    a_link_made_by_a_program_shows_its_address_only_until_the_panel_was_opened,
);

const LINKS: &str = "/connect/panel/links";

/// An installed app, and Amara, who looks at Lucía's pull request 87 of the ledger.
async fn amara_at_lucias_pull_request(test: &Test) -> Installation {
    let installation = test.installed().await;
    test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
    installation
}

/// Presses Save in the panel of 87 as `account`.
async fn save(test: &Test, installation: &Installation, account: &str, fields: &[(&str, &str)]) -> Page {
    let token = test.panel(installation, 87, account).await.field("token");
    let form: Vec<(&str, &str)> = [("token", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
    let page = test.post(LINKS, &form).await;
    test.run_jobs().await;
    page
}

async fn entries(test: &Test, token: &str, path: &str) -> Vec<Value> {
    let answer = test.api_as(token, Method::GET, path).send().await.expect("an answer");
    let list: Value = answer.json().await.expect("JSON");
    list["entries"].as_array().expect("entries").clone()
}

/// An API token of the member with this address at Lumen Pay.
async fn token_of(test: &Test, local_part: &str) -> String {
    test.token(&test.member_by_email(&format!("{local_part}@lumenpay.example")).await, "read,write").await
}

async fn draft_about(test: &Test, token: &str, about: &str, shared: bool) -> String {
    let body = json!({ "about": about, "body": "A text nobody shows on a shared screen", "shared": shared });
    let answer = test.api_as(token, Method::POST, "/feedback").json(&body).send().await.expect("an answer");
    let made: Value = answer.json().await.expect("JSON");
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

async fn draft_about_lucia(test: &Test, token: &str) -> String {
    let lucia = test.member_by_email("lucia@lumenpay.example").await;
    draft_about(test, token, lucia.id.as_str(), false).await
}

/// Where in the page the radio button with this value stands.
fn position(page: &Page, value: &str) -> usize {
    page.body.find(&format!("name=\"target\" value=\"{value}\"")).unwrap_or_else(|| panic!("no target {value} in {}", page.body))
}

/// The address that the first Undo button posts to.
fn undo(page: &Page) -> Option<String> {
    let mut actions = page.body.split("formaction=\"").skip(1).filter_map(|rest| rest.split('"').next());
    actions.find(|action| action.ends_with("/remove")).map(ToOwned::to_owned)
}

async fn a_pull_request_is_attached_to_a_new_draft_and_found_on_it(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let page = test.panel(&installation, 87, AMARA).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("New draft about Lucía Fernández"), "{}", page.body);
    assert!(page.body.contains("Seen by: only you, until you share it."), "{}", page.body);
    let saved = save(test, &installation, AMARA, &[("target", "new:author"), ("note", "Nice <b>handling</b>")]).await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    assert!(saved.body.contains("<!doctype html>"), "without the script the answer is a whole page");
    assert!(saved.body.contains("Saved to your draft about Lucía Fernández."), "{}", saved.body);
    let links = entries(test, &token_of(test, "amara").await, "/links").await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0]["note"], "Nice <b>handling</b>");
    let session = test.session(&test.member_by_email("amara@lumenpay.example").await).await;
    let item = test.get_as(&session, &format!("/feedback/{}", links[0]["target"].as_str().expect("a target"))).await;
    assert!(item.body.contains("Close the day&#39;s books in one transaction"), "{}", item.body);
}

async fn drafts_about_the_author_come_first_and_a_new_one_about_them_before_the_others(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let tomasz = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", Some(TOMASZ)).await;
    let token = token_of(test, "amara").await;
    let about_author = draft_about_lucia(test, &token).await;
    let about_other = draft_about(test, &token, tomasz.id.as_str(), false).await;
    let shared = draft_about(test, &token, tomasz.id.as_str(), true).await;
    let page = test.panel(&installation, 87, AMARA).await;
    let order = [
        position(&page, &format!("feedback:{about_author}")),
        position(&page, "new:author"),
        position(&page, &format!("feedback:{about_other}")),
        position(&page, "new:someone"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert!(page.body.contains(&format!("value=\"feedback:{about_author}\" checked")), "the likeliest is chosen");
    assert!(!page.body.contains(&shared), "what is shared is not open any more");
    assert!(!page.body.contains("A text nobody shows"), "people share their screens");
}

async fn a_pull_request_is_attached_to_an_existing_draft(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let token = token_of(test, "amara").await;
    let draft = draft_about_lucia(test, &token).await;
    let saved = save(test, &installation, AMARA, &[("target", &format!("feedback:{draft}"))]).await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    let links = entries(test, &token, &format!("/links?kind=feedback&target={draft}")).await;
    assert_eq!(links.len(), 1, "{links:?}");
    assert_eq!(entries(test, &token, "/feedback").await.len(), 1, "no other item was begun");
    let form = test.post("/connect/panel/form", &[("token", &saved.field("token"))]).await;
    assert!(!form.body.contains(&format!("value=\"feedback:{draft}\"")), "it is no longer offered");
}

async fn a_new_draft_about_somebody_else_is_begun_by_choosing_them(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let tomasz = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", None).await;
    let missing = save(test, &installation, AMARA, &[("target", "new:someone"), ("about", ""), ("note", "kept")]).await;
    assert_eq!(missing.status, 400);
    assert!(missing.body.contains("Choose whom the draft is about."), "{}", missing.body);
    assert!(missing.body.contains(">kept</textarea>"), "{}", missing.body);
    let saved = save(test, &installation, AMARA, &[("target", "new:someone"), ("about", tomasz.id.as_str())]).await;
    assert!(saved.body.contains("Saved to your draft about Tomasz Zieliński."), "{}", saved.body);
    let amara = test.member_by_email("amara@lumenpay.example").await;
    let own = save(test, &installation, AMARA, &[("target", "new:someone"), ("about", amara.id.as_str())]).await;
    assert_eq!(own.status, 400, "nobody writes feedback about themselves: {}", own.body);
    assert_eq!(entries(test, &token_of(test, "amara").await, "/feedback").await.len(), 1);
}

async fn a_colleague_is_named_by_address_where_there_are_too_many_to_choose_from(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    for number in 0..100 {
        test.member(&format!("Member {number}"), &format!("member{number}@lumenpay.example"), None).await;
    }
    let page = test.panel(&installation, 87, AMARA).await;
    assert!(page.body.contains("name=\"about_email\"") && !page.body.contains("name=\"about\""), "{}", page.body);
    let typed = |address: &'static str| [("target", "new:someone"), ("about_email", address)];
    let unknown = save(test, &installation, AMARA, &typed("nobody@lumenpay.example")).await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.body.contains("value=\"nobody@lumenpay.example\""), "what was typed is given back: {}", unknown.body);
    let saved = save(test, &installation, AMARA, &typed(" Member42@LumenPay.example ")).await;
    assert!(saved.body.contains("Saved to your draft about Member 42."), "{}", saved.body);
}

async fn the_author_of_the_pull_request_is_offered_no_feedback_about_themselves(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let page = test.panel(&installation, 87, LUCIA).await;
    assert!(!page.body.contains("new:author") && page.body.contains("New draft about someone"), "{}", page.body);
    let forced = save(test, &installation, LUCIA, &[("target", "new:author")]).await;
    assert_eq!(forced.status, 400, "{}", forced.body);
    assert!(entries(test, &token_of(test, "lucia").await, "/feedback").await.is_empty());
}

async fn attaching_twice_says_so_and_keeps_what_was_typed(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let token = token_of(test, "amara").await;
    let draft = format!("feedback:{}", draft_about_lucia(test, &token).await);
    let other = draft_about_lucia(test, &token).await;
    save(test, &installation, AMARA, &[("target", &draft)]).await;
    let again = save(test, &installation, AMARA, &[("target", &draft), ("note", "A note I typed")]).await;
    assert_eq!(again.status, 409);
    assert!(again.body.contains("This pull request is attached there already."), "{}", again.body);
    assert!(again.body.contains(">A note I typed</textarea>"), "{}", again.body);
    assert!(again.body.contains(&format!("value=\"feedback:{other}\" checked")), "what is left to choose is chosen");
    let gone = "feedback:018f0000-0000-7000-8000-000000000000";
    let gone = save(test, &installation, AMARA, &[("target", gone), ("note", "kept")]).await;
    assert!(gone.status == 404 && gone.body.contains(">kept</textarea>"), "{}", gone.body);
    assert_eq!(entries(test, &token, "/links").await.len(), 1);
}

async fn a_note_that_is_too_long_is_given_back_and_nothing_is_stored(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let note = "ü".repeat(2_001);
    let refused = save(test, &installation, AMARA, &[("target", "new:author"), ("note", &note)]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains(&format!(">{note}</textarea>")), "the note is still there");
    assert!(refused.body.contains("This is longer than 2000 characters."), "{}", refused.body);
    let token = token_of(test, "amara").await;
    assert!(entries(test, &token, "/feedback").await.is_empty() && entries(test, &token, "/links").await.is_empty());
    let fits = save(test, &installation, AMARA, &[("target", "new:author"), ("note", &"ü".repeat(2_000))]).await;
    assert_eq!(fits.status, 200, "{}", fits.body);
}

async fn two_attaches_at_once_make_one_link(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let token = token_of(test, "amara").await;
    let draft = format!("feedback:{}", draft_about_lucia(test, &token).await);
    let panel = test.panel(&installation, 87, AMARA).await.field("token");
    let form = [("token", panel.as_str()), ("target", draft.as_str())];
    let (first, second, third) = tokio::join!(test.post(LINKS, &form), test.post(LINKS, &form), test.post(LINKS, &form));
    let mut statuses = [first.status, second.status, third.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
    assert_eq!(entries(test, &token, "/links").await.len(), 1);
    test.run_jobs().await;
}

async fn an_own_link_is_undone_and_a_colleagues_is_not(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let saved = save(test, &installation, AMARA, &[("target", "new:author"), ("note", "Look here")]).await;
    let undo_path = undo(&saved).expect("an undo of one's own link");
    let token = token_of(test, "amara").await;
    let draft = entries(test, &token, "/feedback").await[0]["id"].as_str().expect("an id").to_owned();
    test.api_as(&token, Method::POST, &format!("/feedback/{draft}/share")).send().await.expect("an answer");
    let subject = test.panel(&installation, 87, LUCIA).await;
    assert!(subject.body.contains("Feedback from Amara Okafor") && subject.body.contains("Look here"), "{}", subject.body);
    assert_eq!(undo(&subject), None, "only who attached it takes it away");
    let refused = test.post(&undo_path, &[("token", &subject.field("token"))]).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert_eq!(entries(test, &token, "/links").await.len(), 1);
    let removed = test.post(&undo_path, &[("token", &saved.field("token")), ("note", "half typed")]).await;
    assert_eq!(removed.status, 200);
    assert!(removed.body.contains("Removed from your feedback about Lucía Fernández."), "{}", removed.body);
    assert!(removed.body.contains(">half typed</textarea>"), "{}", removed.body);
    assert!(entries(test, &token, "/links").await.is_empty());
    let again = test.post(&undo_path, &[("token", &saved.field("token"))]).await;
    assert_eq!(again.status, 404);
    test.run_jobs().await;
}

async fn links_of_drafts_are_seen_by_their_author_only(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    test.bind(&test.made.owner, INGRID).await;
    let saved = save(test, &installation, AMARA, &[("target", "new:author"), ("note", "Between me and me")]).await;
    let undo_path = undo(&saved).expect("an undo");
    for other in [LUCIA, INGRID] {
        let page = test.panel(&installation, 87, other).await;
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("Between me and me") && !page.body.contains("by Amara"), "{}", page.body);
        assert_eq!(undo(&page), None);
        assert_eq!(test.post(&undo_path, &[("token", &page.field("token"))]).await.status, 404, "it might as well not exist");
    }
    test.run_jobs().await;
    assert_eq!(entries(test, &token_of(test, "amara").await, "/links").await.len(), 1);
}

async fn nobody_who_is_not_signed_in_to_bitbucket_gets_a_form(test: &Test) {
    let installation = test.installed().await;
    let url = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, None).expect("a panel");
    assert!(url.contains("account=%7Buser.account_id%7D"), "Bitbucket leaves the parameter as it is: {url}");
    let page = test.get(&url).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Sign in to Bitbucket and reload the pull request"), "{}", page.body);
    assert!(!page.body.contains("<form"), "{}", page.body);
}

async fn a_waiting_panel_names_the_owners_who_can_confirm(test: &Test) {
    let installation = test.install().await;
    test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let page = test.panel(&installation, 87, AMARA).await;
    assert_eq!(page.status, 200);
    for words in ["Waiting for an owner of Lumen Pay", "Ingrid Solberg", "<b>lumenpay</b>"] {
        assert!(page.body.contains(words), "{words} in {}", page.body);
    }
    assert!(!page.body.contains("<form") && !page.body.contains("Amara"), "{}", page.body);
    test.confirm().await;
    assert!(test.panel(&installation, 87, AMARA).await.body.contains("<form"), "at once");
}

async fn a_panel_that_is_switched_off_is_one_quiet_line(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let url = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, AMARA).expect("a panel");
    let token = test.get(&url).await.field("token");
    test.api_json(Method::PUT, "/quick-action", Some(json!({ "enabled": false }))).await;
    let page = test.get(&url).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("PR Quick Action is switched off for lumenpay"), "{}", page.body);
    assert!(!page.body.contains("<form"), "{}", page.body);
    let refused = test.post(LINKS, &[("token", &token), ("target", "new:author")]).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(entries(test, &token_of(test, "amara").await, "/feedback").await.is_empty());
    test.api_json(Method::PUT, "/quick-action", Some(json!({ "enabled": true }))).await;
    test.run_jobs().await;
    assert!(test.get(&url).await.body.contains("<form"));
}

async fn after_eight_hours_the_note_is_kept_and_nothing_is_saved(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let token = test.panel(&installation, 87, AMARA).await.field("token");
    test.pass_seconds(8 * 3600 - 60);
    let saved = test.post(LINKS, &[("token", &token), ("target", "new:author")]).await;
    assert_eq!(saved.status, 200, "a tab may stay open: {}", saved.body);
    test.run_jobs().await;
    test.pass_seconds(120);
    for token in [&token, &saved.field("token")] {
        let late = test.post(LINKS, &[("token", token), ("target", "new:someone"), ("note", "Typed & kept")]).await;
        assert_eq!(late.status, 401, "saving does not make a token younger");
        assert!(late.body.contains("Reload the pull request to save."), "{}", late.body);
        assert!(late.body.contains(">Typed &#38; kept</textarea>"), "{}", late.body);
    }
    assert_eq!(entries(test, &token_of(test, "amara").await, "/links").await.len(), 1);
}

async fn an_uninstall_stops_panels_that_are_open_already(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let url = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, AMARA).expect("a panel");
    let token = test.get(&url).await.field("token");
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
    assert_eq!(test.get(&url).await.status, 403);
    let late = test.post(LINKS, &[("token", &token), ("target", "new:author"), ("note", "still here")]).await;
    assert_eq!(late.status, 403, "{}", late.body);
    assert!(late.body.contains("ClarityLoop is disconnected") && late.body.contains(">still here</textarea>"), "{}", late.body);
    assert_eq!(test.post("/connect/panel/code", &[("token", &token), ("code", "ABCD-2345")]).await.status, 403);
    assert!(entries(test, &token_of(test, "amara").await, "/links").await.is_empty());
}

async fn a_panel_of_another_bitbucket_workspace_is_refused(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let url = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, AMARA).expect("a panel");
    let in_address = |uuid: &str| uuid.replace('{', "%7B").replace('}', "%7D");
    let other = in_address("{d4f7314e-85d7-418b-909e-3eaeaf6dc204}");
    let address = url.split("&jwt=").next().unwrap_or_default().replace(&in_address(&installation.workspace), &other);
    let token = test.sandbox.sign(&installation.client_key, "GET", &address).expect("a token");
    let page = test.get(&format!("{address}&jwt={token}")).await;
    assert_eq!(page.status, 403, "signed, but about a workspace that the installation is not in: {}", page.body);
}

async fn a_link_made_by_a_program_shows_its_address_only_until_the_panel_was_opened(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let token = token_of(test, "amara").await;
    let draft = draft_about_lucia(test, &token).await;
    let link = json!({ "kind": "feedback", "target": draft, "repository": LEDGER, "pull_request": 87, "note": "" });
    let made = test.api_as(&token, Method::POST, "/links").json(&link).send().await.expect("an answer");
    assert_eq!(made.status(), 201);
    test.run_jobs().await;
    let session = test.session(&test.member_by_email("amara@lumenpay.example").await).await;
    let title = "Close the day&#39;s books in one transaction";
    let before = test.get_as(&session, &format!("/feedback/{draft}")).await;
    assert!(before.body.contains("Only the address is shown") && !before.body.contains(title), "{}", before.body);
    test.panel(&installation, 87, LUCIA).await;
    test.run_jobs().await;
    let still = test.get_as(&session, &format!("/feedback/{draft}")).await;
    assert!(!still.body.contains(title), "one who may not see the link opened it: {}", still.body);
    let shown = test.panel(&installation, 87, AMARA).await;
    assert!(shown.body.contains("Your draft about Lucía Fernández"), "{}", shown.body);
    test.run_jobs().await;
    let after = test.get_as(&session, &format!("/feedback/{draft}")).await;
    assert!(after.body.contains(title) && !after.body.contains("Only the address is shown"), "{}", after.body);
}
