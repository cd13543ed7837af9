//! Addresses and headers as an attacker writes them: parameters twice, in brackets, out of range, half encoded, too long.

use bitbucket_sandbox::Installation;
use reqwest::Method;

use super::send;
use crate::both;
use crate::harness::{AMARA, LEDGER, Test};

both!(
    a_signed_address_that_says_something_twice_or_nonsense_is_refused,
    an_address_that_cannot_be_decoded_is_refused_before_its_token,
    an_address_or_headers_beyond_reason_are_refused,
    a_path_that_is_no_text_leads_nowhere,
    numbers_out_of_range_are_refused,
);

/// The panel's address with one piece replaced, signed as it then is.
fn panel_with(test: &Test, installation: &Installation, from: &str, to: &str) -> String {
    let url = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, AMARA).expect("a panel");
    let url = url.split("&jwt=").next().unwrap_or_default().replacen(from, to, 1);
    let token = test.sandbox.sign(&installation.client_key, "GET", &url).expect("a token");
    format!("{url}&jwt={token}")
}

async fn a_signed_address_that_says_something_twice_or_nonsense_is_refused(test: &Test) {
    let installation = test.installed().await;
    for (from, to) in [
        ("pull_request=87", "pull_request=1&pull_request=2"),
        ("pull_request=87", "pull_request=87&pull_request=87"),
        ("pull_request=87", "pull_request=87&pull%5Frequest=84"),
        ("pull_request=87", "pull_request[]=87"),
        ("pull_request=87", "pull_request%5B0%5D=87"),
        ("pull_request=87", "Pull_Request=87"),
        ("pull_request=87", "pull_request="),
        ("pull_request=87", "pull_request=%7Bpullrequest.id%7D"),
        ("pull_request=87", "pull_request=0"),
        ("pull_request=87", "pull_request=-87"),
        ("pull_request=87", "pull_request=%2B87"),
        ("pull_request=87", "pull_request=87.0"),
        ("pull_request=87", "pull_request=9223372036854775808"),
        ("pull_request=87", "pull_request=99999999999999999999"),
        ("account=", "account=x&account="),
        ("account=", "account=%00"),
        ("account=", "account=%3Cb%3E"),
        ("author=", "author=x&author="),
        ("title=", "title=x&title="),
        ("workspace=", "workspace=%7Bworkspace.uuid%7D&x="),
        ("workspace=", "workspace=..%2F..&x="),
        ("repository_name=", "repository_name=..%2Fuser&x="),
        ("repository_name=", "repository_name=a%2Fb%00&x="),
        ("repository=", "repository=1&x="),
    ] {
        let page = test.get(&panel_with(test, &installation, from, to)).await;
        assert_eq!(page.status, 400, "{to}: {}", page.body);
        assert!(!page.body.contains("name=\"token\""), "{to}");
    }
    let placeholder = test.get(&panel_with(test, &installation, "account=", "account=%7Buser.account_id%7D&x=")).await;
    assert!(placeholder.status == 200 && placeholder.body.contains("Sign in to Bitbucket"), "{}", placeholder.body);
    for harmless in ["&pull_request[]=1", "&title[]=x", "&a=%2525&b=+%2B", "&=", "&&", "&x=%00"] {
        let page = test.get(&panel_with(test, &installation, "&crev=", &format!("{harmless}&crev="))).await;
        assert_eq!(page.status, 200, "{harmless} is hashed and not read: {}", page.body);
    }
}

async fn an_address_that_cannot_be_decoded_is_refused_before_its_token(test: &Test) {
    for (query, code) in [
        ("a=%", "query_encoding_malformed"),
        ("a=%2", "query_encoding_malformed"),
        ("a=%zz", "query_encoding_malformed"),
        ("a=%u0041", "query_encoding_malformed"),
        ("a=%ff", "query_not_utf8"),
        ("a=%C3", "query_not_utf8"),
        ("%ED%A0%80=a", "query_not_utf8"),
        ("a=%C0%AF", "query_not_utf8"),
    ] {
        for path in ["webhooks", "panel", "configure"] {
            let method = if path == "webhooks" { Method::POST } else { Method::GET };
            let page = send(test.http.request(method, format!("{}/connect/{path}?{query}", test.url))).await;
            assert_eq!(page.status, 400, "{path}?{query}: {}", page.body);
            assert!(path != "webhooks" || page.code() == code, "{query}: {}", page.body);
        }
    }
    let many = "a=1&".repeat(101);
    assert_eq!(send(test.http.post(format!("{}/connect/webhooks?{many}", test.url))).await.code(), "query_too_many_parameters");
    let long = "a".repeat(9_000);
    assert_eq!(send(test.http.post(format!("{}/connect/webhooks?{long}", test.url))).await.code(), "query_too_long");
}

async fn an_address_or_headers_beyond_reason_are_refused(test: &Test) {
    let long = "x".repeat(20_000);
    for request in [
        test.http.get(format!("{}/health/live?{long}", test.url)),
        test.http.get(format!("{}/{long}", test.url)),
        test.http.get(format!("{}/health/live", test.url)).header("x-a", &long).header("x-b", &long),
    ] {
        let page = send(request).await;
        assert_eq!((page.status, page.code().as_str()), (431, "request_head_too_large"), "{}", page.body);
    }
    // More than the parser reads at all; it answers by itself and ends the connection.
    let endless = send(test.http.get(format!("{}/health/live", test.url)).header("x-a", "x".repeat(200_000))).await;
    assert!((400..500).contains(&endless.status), "{}", endless.status);
}

async fn a_path_that_is_no_text_leads_nowhere(test: &Test) {
    let session = test.session(&test.made.owner).await;
    for odd in ["%00", "%ff", "a%00b", "..%2f..", "%F0%9F%98%80", "018F0000-0000-7000-8000-000000000000", "'", "%25"] {
        for path in ["/connect/{}/descriptor.json", "/sign-in/{}", "/static/{}/looks.css", "/static/0/{}", "/{}"] {
            let page = test.get(&format!("{}{}", test.url, path.replace("{}", odd))).await;
            assert_eq!(page.status, 404, "{path} with {odd}: {}", page.body);
        }
        for path in ["/feedback/{}", "/claim/{}"] {
            let page = test.get_as(&session, &path.replace("{}", odd)).await;
            assert_eq!(page.status, 404, "{path} with {odd}: {}", page.body);
        }
        for path in ["/feedback/{}", "/members/{}", "/links/{}"] {
            let page = send(test.api(Method::GET, &path.replace("{}", odd))).await;
            assert_eq!((page.status, page.code().as_str()), (404, "not_found"), "{path} with {odd}: {}", page.body);
        }
        let page = send(test.api(Method::POST, &format!("/installations/{odd}/confirm"))).await;
        assert_eq!((page.status, page.code().as_str()), (404, "not_found"), "{odd}: {}", page.body);
        let page = send(test.http.post(format!("{}/connect/{odd}/installed", test.url)).body("{}")).await;
        assert!((400..500).contains(&page.status), "{odd}: {}", page.body);
    }
}

async fn numbers_out_of_range_are_refused(test: &Test) {
    for (query, code) in [
        ("limit=0", "limit_invalid"),
        ("limit=-1", "limit_invalid"),
        ("limit=101", "limit_invalid"),
        ("limit=99999999999999999999", "limit_invalid"),
        ("limit=1e1", "limit_invalid"),
        ("limit=", "limit_invalid"),
        ("cursor=", "cursor_invalid"),
        ("cursor=%00", "cursor_invalid"),
        ("cursor=1", "cursor_invalid"),
        ("limit=1&limit=2", "query_malformed"),
        ("limit[]=1", "query_malformed"),
        ("nothing=1", "query_malformed"),
    ] {
        for path in ["/members", "/feedback", "/links", "/installations"] {
            let page = send(test.api(Method::GET, &format!("{path}?{query}"))).await;
            assert_eq!((page.status, page.code().as_str()), (400, code), "{path}?{query}: {}", page.body);
        }
    }
}
