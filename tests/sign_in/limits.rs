//! Limits of tries: for each address, behind a trusted proxy too, on all servers together, and for each account.

use reqwest::header::HeaderMap;

use super::visitor::{CONSUMER, Visitor, register};
use crate::both;
use crate::harness::{AMARA, Page, Test};

const BEHIND_A_PROXY: &[(&str, &str)] = &[
    ("CLARITYLOOP__TRUSTED_PROXIES", "127.0.0.0/8"),
    ("CLARITYLOOP__OAUTH__CLIENT_ID", "the-key"),
    ("CLARITYLOOP__OAUTH__CLIENT_SECRET", "the-secret"),
];
const AT_MOST: usize = 60;

both!(whoever_tries_too_often_waits_whatever_they_claim_to_be);
both!(with super::BEHIND_A_PROXY =>
    behind_a_proxy_everybody_has_tries_of_their_own,
    an_ipv6_network_is_counted_as_one,
    one_account_is_tried_from_many_addresses_only_so_often,
);
both!(with super::CONSUMER => starting_and_coming_back_are_counted_too);

async fn open(test: &Test, url: &str, forwarded: &str, link: &str) -> Page {
    let request = test.http.get(format!("{url}/sign-in/{link}")).header("x-forwarded-for", forwarded);
    Page::read(request.send().await.expect("an answer")).await
}

fn seconds_to_wait(headers: &HeaderMap) -> u64 {
    headers["retry-after"].to_str().expect("a number").parse().expect("a number")
}

async fn whoever_tries_too_often_waits_whatever_they_claim_to_be(test: &Test) {
    for n in 0..AT_MOST {
        assert_eq!(open(test, &test.url, &format!("198.51.100.{n}"), "guess").await.status, 404);
    }
    let page = open(test, &test.url, "198.51.100.250", "guess").await;
    assert!(page.status == 429 && page.body.contains("Wait ten minutes and try again."), "{}", page.body);
    let wait = seconds_to_wait(&page.headers);
    assert!((500..=600).contains(&wait), "{wait}");
    let link = test.sign_in_link(&test.made.owner).await;
    assert_eq!(test.post(&format!("/sign-in/{link}"), &[("csrf", "0")]).await.status, 429, "using is counted with opening");
    let (second, url) = test.second_server().await;
    assert_eq!(open(test, &url, "", "guess").await.status, 429, "all servers count together");
    second.stop().await;
    test.pass_seconds(601);
    assert_eq!(open(test, &test.url, "", &link).await.status, 200);
}

async fn behind_a_proxy_everybody_has_tries_of_their_own(test: &Test) {
    for n in 0..AT_MOST {
        let forged = format!("192.0.2.{n}, 198.51.100.1");
        assert_eq!(open(test, &test.url, &forged, "guess").await.status, 404);
    }
    assert_eq!(open(test, &test.url, "192.0.2.250, 198.51.100.1", "guess").await.status, 429);
    assert_eq!(open(test, &test.url, "198.51.100.1, 127.0.0.9", "guess").await.status, 429, "through another proxy of ours");
    assert_eq!(open(test, &test.url, "198.51.100.2", "guess").await.status, 404);
    assert_eq!(open(test, &test.url, "198.51.100.1, 198.51.100.2", "guess").await.status, 404);
}

async fn an_ipv6_network_is_counted_as_one(test: &Test) {
    for n in 0..AT_MOST {
        assert_eq!(open(test, &test.url, &format!("2001:db8:0:7::{n:x}"), "guess").await.status, 404);
    }
    assert_eq!(open(test, &test.url, "2001:db8:0:7:ffff::1", "guess").await.status, 429);
    assert_eq!(open(test, &test.url, "2001:db8:0:8::1", "guess").await.status, 404);
}

async fn one_account_is_tried_from_many_addresses_only_so_often(test: &Test) {
    let link = test.sign_in_link(&test.made.owner).await;
    for n in 0..20 {
        assert_eq!(open(test, &test.url, &format!("198.51.100.{n}"), &link).await.status, 200);
    }
    assert_eq!(open(test, &test.url, "198.51.100.99", &link).await.status, 429);
    register(test);
    test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    assert_eq!(Visitor::new().sign_in(test, AMARA).await.header("location"), "/", "others are not held up");
    for _ in 1..20 {
        assert_eq!(Visitor::new().sign_in(test, AMARA).await.status, 303);
    }
    assert_eq!(Visitor::new().sign_in(test, AMARA).await.status, 429);
    test.pass_seconds(601);
    assert_eq!(Visitor::new().sign_in(test, AMARA).await.status, 303);
}

async fn starting_and_coming_back_are_counted_too(test: &Test) {
    for _ in 0..AT_MOST / 2 {
        let page = test.get(&format!("{}/sign-in/bitbucket/callback?code=1&state=2", test.url)).await;
        assert_eq!(page.status, 400, "{}", page.body);
        assert_eq!(test.post("/sign-in/bitbucket", &[]).await.status, 200);
    }
    for page in [
        test.post("/sign-in/bitbucket", &[]).await,
        test.get(&format!("{}/sign-in/bitbucket/callback?code=1&state=2", test.url)).await,
        test.post("/sign-in/bitbucket/choose", &[("csrf", "0"), ("member", "0")]).await,
    ] {
        assert!(page.status == 429 && seconds_to_wait(&page.headers) > 0, "{}", page.body);
    }
}
