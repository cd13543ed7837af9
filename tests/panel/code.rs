//! The code that links a Bitbucket account: made on the profile, typed into the panel, and nothing else does it.

use bitbucket_sandbox::Installation;
use reqwest::Method;
use serde_json::json;

use crate::both;
use crate::harness::{AMARA, INGRID, LUCIA, Page, Test, make_workspace};

both!(
    a_code_from_the_profile_links_the_account_that_types_it_once,
    a_code_is_read_in_any_case_and_a_newer_one_replaces_it,
    a_code_ends_after_ten_minutes,
    after_ten_wrong_codes_an_account_must_wait,
    a_code_of_another_workspace_is_refused,
    nothing_replaces_a_binding,
    an_account_that_an_owner_aligned_is_asked_for_the_code_all_the_same,
);

/// Has the owner, who is linked to nobody yet, get a code.
async fn code(test: &Test, session: &str) -> String {
    let csrf = test.get_as(session, "/profile").await.field("csrf");
    let page = test.post_as(session, "/profile/code", &[("csrf", &csrf)]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let (_, rest) = page.body.split_once("id=\"code\" readonly value=\"").unwrap_or_else(|| panic!("no code in {}", page.body));
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Types a code into the panel of pull request 87 that `account` looks at.
async fn type_code(test: &Test, installation: &Installation, account: &str, code: &str) -> Page {
    let page = test.panel(installation, 87, account).await;
    test.post("/connect/panel/code", &[("token", &page.field("token")), ("code", code)]).await
}

async fn is_unknown(test: &Test, installation: &Installation, account: &str) -> bool {
    let page = test.panel(installation, 87, account).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page.body.contains("Link your Bitbucket account")
}

async fn a_code_from_the_profile_links_the_account_that_types_it_once(test: &Test) {
    let installation = test.installed().await;
    let page = test.panel(&installation, 87, INGRID).await;
    assert!(
        page.body.contains("Link your Bitbucket account") && page.body.contains(&format!("{}/profile", test.url)),
        "{}",
        page.body
    );
    assert!(
        !page.body.contains("New draft") && !page.body.contains("Ingrid Solberg"),
        "an unknown person sees one screen: {}",
        page.body
    );
    let session = test.session(&test.made.owner).await;
    let code = code(test, &session).await;
    let linked = type_code(test, &installation, INGRID, &code).await;
    assert_eq!(linked.status, 200, "{}", linked.body);
    assert!(!is_unknown(test, &installation, INGRID).await);
    let profile = test.get_as(&session, "/profile").await;
    assert!(
        profile.body.contains(INGRID) && profile.body.contains(">Linked<") || profile.body.contains("Linked</span>"),
        "{}",
        profile.body
    );
    let again = type_code(test, &installation, LUCIA, &code).await;
    assert_eq!(again.status, 400, "it works once");
    assert!(again.body.contains("This code is wrong, used or too old."), "{}", again.body);
    assert!(is_unknown(test, &installation, LUCIA).await);
}

async fn a_code_is_read_in_any_case_and_a_newer_one_replaces_it(test: &Test) {
    let installation = test.installed().await;
    let session = test.session(&test.made.owner).await;
    let (first, second) = (code(test, &session).await, code(test, &session).await);
    assert_eq!(type_code(test, &installation, INGRID, &first).await.status, 400);
    let typed = format!(" {} ", second.to_lowercase().replace('-', " "));
    assert_eq!(type_code(test, &installation, INGRID, &typed).await.status, 200);
}

async fn a_code_ends_after_ten_minutes(test: &Test) {
    let installation = test.installed().await;
    let session = test.session(&test.made.owner).await;
    let late = code(test, &session).await;
    test.pass_seconds(601);
    assert_eq!(type_code(test, &installation, INGRID, &late).await.status, 400);
    let in_time = code(test, &session).await;
    test.pass_seconds(590);
    assert_eq!(type_code(test, &installation, INGRID, &in_time).await.status, 200);
}

async fn after_ten_wrong_codes_an_account_must_wait(test: &Test) {
    let installation = test.installed().await;
    let session = test.session(&test.made.owner).await;
    let right = code(test, &session).await;
    for _ in 0..10 {
        assert_eq!(type_code(test, &installation, AMARA, "AAAA-AAAA").await.status, 400);
    }
    let refused = type_code(test, &installation, AMARA, &right).await;
    assert_eq!(refused.status, 429, "not even the right one: {}", refused.body);
    assert!(refused.body.contains("Too many wrong codes."), "{}", refused.body);
    assert!(is_unknown(test, &installation, AMARA).await);
    assert_eq!(
        type_code(test, &installation, INGRID, &right).await.status,
        200,
        "others need not wait, and the code is still good"
    );
    test.pass_seconds(601);
    assert_eq!(type_code(test, &installation, AMARA, "AAAA-AAAA").await.status, 400, "ten minutes later it may be tried again");
}

async fn a_code_of_another_workspace_is_refused(test: &Test) {
    let installation = test.installed().await;
    let other = make_workspace(&test.server, "Elsewhere", "Lucía Fernández", "lucia@elsewhere.example").await;
    let theirs = code(test, &test.session(&other.owner).await).await;
    let refused = type_code(test, &installation, LUCIA, &theirs).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(is_unknown(test, &installation, LUCIA).await);
}

async fn nothing_replaces_a_binding(test: &Test) {
    let installation = test.installed().await;
    let session = test.session(&test.made.owner).await;
    test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    // An account that is linked sees no code screen, but its panel token reaches the door all the same.
    let code_of_owner = code(test, &session).await;
    let taken = type_code(test, &installation, AMARA, &code_of_owner).await;
    assert_eq!(taken.status, 409, "the account is Amara's: {}", taken.body);
    let session_of_amara = test.session(&test.member_by_email("amara@lumenpay.example").await).await;
    let csrf = test.get_as(&session_of_amara, "/profile").await.field("csrf");
    let linked_already = test.post_as(&session_of_amara, "/profile/code", &[("csrf", &csrf)]).await;
    assert_eq!(linked_already.status, 409, "whoever is linked gets no code: {}", linked_already.body);
    // A code from before an owner's alignment meets a member with another account.
    let code_of_owner = code(test, &session).await;
    test.bind(&test.made.owner, INGRID).await;
    let other_account = type_code(test, &installation, LUCIA, &code_of_owner).await;
    assert_eq!(other_account.status, 409, "{}", other_account.body);
    assert!(
        other_account.body.contains("The member who made this code has another Bitbucket account."),
        "{}",
        other_account.body
    );
    assert!(is_unknown(test, &installation, LUCIA).await && !is_unknown(test, &installation, INGRID).await);
}

async fn an_account_that_an_owner_aligned_is_asked_for_the_code_all_the_same(test: &Test) {
    let installation = test.installed().await;
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let path = format!("/members/{}/identity", amara.id);
    test.api_json(Method::PUT, &path, Some(json!({ "account_id": AMARA, "bitbucket_uuid": null }))).await;
    assert!(is_unknown(test, &installation, AMARA).await, "an owner's word opens no panel");
    let session = test.session(&amara).await;
    let profile = test.get_as(&session, "/profile").await;
    assert!(profile.body.contains("Waiting for your confirmation") && profile.body.contains(AMARA), "it is shown to the member");
    let code = code(test, &session).await;
    assert_eq!(type_code(test, &installation, AMARA, &code).await.status, 200);
    assert!(!is_unknown(test, &installation, AMARA).await);
}
