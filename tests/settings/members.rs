//! Who does not reach the settings: a member, who reads who the owners are, a stranger, and another workspace's owner.

use crate::both;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::{LEDGER, Page, Test, make_workspace};

use super::{SETTINGS, newest};

both!(
    a_member_reads_who_the_owners_are_at_every_address,
    a_stranger_is_sent_to_the_sign_in,
    another_workspaces_installation_is_not_there,
    a_members_token_reaches_none_of_it,
);

const PATHS: [(&str, &str); 12] = [
    ("GET", ""),
    ("POST", "/quick-action"),
    ("GET", "/install-code"),
    ("POST", "/install-code"),
    ("POST", "/installations/{id}/confirm"),
    ("POST", "/installations/{id}/test"),
    ("GET", "/installations/{id}/refuse"),
    ("POST", "/installations/{id}/refuse"),
    ("GET", "/installations/{id}/disconnect"),
    ("POST", "/installations/{id}/disconnect"),
    ("POST", "/installations/{id}/remove"),
    ("GET", "/../../audit"),
];

fn addresses(id: &str) -> Vec<(&'static str, String)> {
    let below = |path: &str| match path.strip_prefix("/../..") {
        Some(rest) => format!("/settings{rest}"),
        None => format!("{SETTINGS}{}", path.replace("{id}", id)),
    };
    PATHS.iter().map(|(method, path)| (*method, below(path))).chain([("GET", "/settings/audit.csv".to_owned())]).collect()
}

/// Asks for the address as whoever has this session; what is posted would do everything if it were taken.
async fn asked(test: &Test, session: &str, csrf: &str, method: &str, path: &str) -> Page {
    match method {
        "GET" => test.get_as(session, path).await,
        _ => {
            test.post_as(session, path, &[("csrf", csrf), ("enabled", "false"), ("workspace", "lumenpay"), ("links", "on")]).await
        }
    }
}

async fn a_member_reads_who_the_owners_are_at_every_address(test: &Test) {
    test.install().await;
    let member = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let session = test.session(&member).await;
    let csrf = test.get_as(&session, "/profile").await.field("csrf");
    let before = test.api_json(reqwest::Method::GET, "/audit", None).await;
    for (method, path) in addresses(&newest(test).await) {
        let page = asked(test, &session, &csrf, method, &path).await;
        assert_eq!(page.status, 403, "{method} {path}: {}", page.body);
        assert!(page.body.contains("Ask Ingrid Solberg"), "{method} {path}: {}", page.body);
        assert!(!page.body.contains("lumenpay") && !page.body.contains(&test.made.install_code), "{method} {path}");
    }
    assert_eq!(test.states().await, ["waiting"]);
    assert_eq!(test.api_json(reqwest::Method::GET, "/audit", None).await, before, "nothing was done");
    assert!(!test.get_as(&session, "/").await.body.contains(SETTINGS), "the navigation does not lead there either");
}

async fn a_stranger_is_sent_to_the_sign_in(test: &Test) {
    test.install().await;
    for (method, path) in addresses(&newest(test).await) {
        let page = asked(test, "no-session", "", method, &path).await;
        assert_eq!((page.status, page.header("location")), (303, "/sign-in"), "{method} {path}: {}", page.body);
    }
    assert_eq!(test.states().await, ["waiting"]);
}

async fn another_workspaces_installation_is_not_there(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let other = make_workspace(&test.server, "Another", "Ada Owner", "ada@another.example").await;
    let session = test.session(&other.owner).await;
    let csrf = test.get_as(&session, SETTINGS).await.field("csrf");
    for (method, path) in addresses(&newest(test).await).into_iter().filter(|(_, path)| path.contains("/installations/")) {
        let page = asked(test, &session, &csrf, method, &path).await;
        assert_eq!(page.status, 404, "{method} {path}: {}", page.body);
    }
    for path in [SETTINGS, "/settings/audit", "/settings/audit.csv"] {
        let page = test.get_as(&session, path).await;
        assert_eq!(page.status, 200, "{path}");
        for word in ["lumenpay", LUMENPAY_UUID, LEDGER, &test.made.install_code, "Ingrid"] {
            assert!(!page.body.contains(word), "{word} at {path}: {}", page.body);
        }
    }
    assert_eq!(test.states().await, ["active"]);
}

async fn a_members_token_reaches_none_of_it(test: &Test) {
    use reqwest::Method;
    test.install().await;
    let id = newest(test).await;
    let member = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let of_member = test.token(&member, "read,write").await;
    let of_other = make_workspace(&test.server, "Another", "Ada Owner", "ada@another.example").await.token;
    let disconnect = serde_json::json!({ "workspace": "lumenpay", "remove_links": true });
    for (token, status) in [(of_member, 403), (of_other, 404)] {
        for verb in ["refuse", "disconnect"] {
            let request = test.api_as(&token, Method::POST, &format!("/installations/{id}/{verb}")).json(&disconnect);
            assert_eq!(request.send().await.expect("an answer").status(), status, "{verb}");
        }
        let audit = Page::read(test.api_as(&token, Method::GET, "/audit").send().await.expect("an answer")).await;
        assert_eq!(audit.status, if status == 403 { 403 } else { 200 });
        assert!(!audit.body.contains(LUMENPAY_UUID), "{}", audit.body);
    }
    assert_eq!(test.states().await, ["waiting"]);
}
