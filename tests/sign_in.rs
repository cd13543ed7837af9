//! The ways in: Bitbucket's, as browsers of their own walk it; sessions that change with every sign-in; limits of tries.

mod bitbucket;
mod limits;
pub mod visitor;

use crate::both;
use crate::harness::{AMARA, Test};
use visitor::Visitor;

both!(
    a_sign_in_ends_the_session_that_the_browser_had,
    a_session_that_somebody_else_chose_is_not_taken_up,
    a_form_on_another_site_signs_nobody_in,
    without_a_consumer_there_is_no_way_through_bitbucket,
);

async fn a_sign_in_ends_the_session_that_the_browser_had(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let mut browser = Visitor::new();
    let elsewhere = test.session(&test.made.owner).await;
    browser.use_link(test, &test.made.owner).await;
    let first = browser.session();
    browser.use_link(test, &amara).await;
    assert_ne!(browser.session(), first);
    assert!(browser.get(test, "/").await.body.contains("Welcome, Amara Okafor"));
    assert_eq!(test.get_as(&first, "/").await.status, 303, "whoever kept the former session is out");
    assert_eq!(test.get_as(&elsewhere, "/").await.status, 200, "the owner's other browser is as it was");
}

async fn a_session_that_somebody_else_chose_is_not_taken_up(test: &Test) {
    let mut victim = Visitor::new();
    victim.set_cookie("clarityloop", "chosen-by-an-attacker");
    victim.use_link(test, &test.made.owner).await;
    assert_ne!(victim.session(), "chosen-by-an-attacker");
    assert_eq!(test.get_as("chosen-by-an-attacker", "/").await.status, 303);
}

async fn a_form_on_another_site_signs_nobody_in(test: &Test) {
    let link = test.sign_in_link(&test.made.owner).await;
    let csrf = test.get(&format!("{}/sign-in/{link}", test.url)).await.field("csrf");
    let post = async |site: &str| {
        let request = test.http.post(format!("{}/sign-in/{link}", test.url)).header("sec-fetch-site", site);
        request.form(&[("csrf", &csrf)]).send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(post("cross-site").await, 403);
    assert_eq!(post("same-site").await, 403);
    assert_eq!(post("same-origin").await, 303, "the link was not used up by the others");
}

async fn without_a_consumer_there_is_no_way_through_bitbucket(test: &Test) {
    let page = test.get(&format!("{}/sign-in", test.url)).await;
    assert!(!page.body.contains("Sign in with Bitbucket"), "{}", page.body);
    assert_eq!(test.post("/sign-in/bitbucket", &[]).await.status, 404);
    let back = test.get(&format!("{}/sign-in/bitbucket/callback?code=1&state=2", test.url)).await;
    assert!(back.status == 404 && back.body.contains("Signing in with Bitbucket is not set up here."), "{}", back.body);
}
