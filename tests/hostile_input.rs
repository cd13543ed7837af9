//! What people, programs and Bitbucket can send that they should not: it is escaped where it is shown, refused with a stable code
//! where it cannot be read, and what is refused changes nothing.

mod addresses;
mod elsewhere;

use bitbucket_sandbox::{Install, Installation};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::both;
use crate::harness::{AMARA, INGRID, LEDGER, LUCIA, LUMENPAY, Page, Test, make_workspace};

both!(
    markup_in_any_field_is_shown_as_text,
    markup_in_the_names_of_a_waiting_workspace_is_shown_as_text,
    markup_in_what_a_claim_or_an_alignment_names_is_shown_as_text,
    a_body_that_is_too_large_is_refused_at_every_door,
    a_body_of_another_kind_is_refused,
    a_form_that_cannot_be_read_is_refused_and_stores_nothing,
    json_that_cannot_be_stored_is_refused_and_stores_nothing,
);

const ATTACK: &str = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>";
const LINKS: &str = "/connect/panel/links";

fn hostile(field: &str) -> String {
    format!("{field}{ATTACK}")
}

/// `fields` are shown on the page, and none of them as markup.
fn must_show_as_text(page: &Page, fields: &[&str]) {
    for field in fields {
        assert!(page.body.contains(&format!("{field}&#34;&#39;&#62;&#60;img src=x")), "{field} in {}", page.body);
    }
    for markup in ["<img", "<script>", "onerror=alert(1)>"] {
        assert!(!page.body.contains(markup), "{markup} in {}", page.body);
    }
}

async fn send(request: RequestBuilder) -> Page {
    Page::read(request.send().await.expect("an answer")).await
}

/// Everything that the API shows of the workspace.
async fn everything(test: &Test) -> Vec<Value> {
    let mut all = Vec::new();
    for path in ["/members", "/feedback", "/links", "/installations", "/quick-action", "/one-on-ones", "/requests", "/goals"] {
        all.push(test.api_json(Method::GET, path, None).await);
    }
    // How far Bitbucket's clock is off is learnt from every signed call, whatever becomes of the call.
    for installation in all[3]["entries"].as_array_mut().expect("installations") {
        installation["health"]["clock_skew_seconds"] = Value::Null;
    }
    all
}

/// Opens Lucía's pull request as the owner, who is bound; answers the panel token.
async fn panel_of_the_owner(test: &Test, installation: &Installation) -> String {
    test.bind(&test.made.owner, INGRID).await;
    test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
    test.panel(installation, 87, INGRID).await.field("token")
}

async fn markup_in_any_field_is_shown_as_text(test: &Test) {
    let installation = test.installed().await;
    test.sandbox.world(|world| {
        let pull_request = world.pull_request_mut(LEDGER, 87).expect("the pull request");
        pull_request.title = hostile("title");
        world.users.iter_mut().for_each(|user| user.display_name = hostile("display name"));
    });
    let lucia = test.member(&hostile("subject"), "lucia@lumenpay.example", Some(LUCIA)).await;
    test.member(&hostile("colleague"), "colleague@lumenpay.example", None).await;
    let amara = test.member(&hostile("author"), "amara@lumenpay.example", Some(AMARA)).await;
    let panel = test.panel(&installation, 87, AMARA).await;
    must_show_as_text(&panel, &["subject", "colleague"]);
    let token = panel.field("token");
    let form = [("token", token.as_str()), ("target", "new:author"), ("note", &hostile("note"))];
    must_show_as_text(&test.post(LINKS, &form).await, &["subject", "note"]);
    test.run_jobs().await;
    let too_long = hostile("too long").repeat(50);
    let refused = test.post(LINKS, &[("token", &token), ("target", &hostile("target")), ("note", &too_long)]).await;
    must_show_as_text(&refused, &["too long"]);
    let expired = test.post(LINKS, &[("token", &hostile("token")), ("note", &hostile("unsaved"))]).await;
    must_show_as_text(&expired, &["unsaved"]);

    let api_token = test.token(&amara, "read,write").await;
    let links: Value =
        test.api_as(&api_token, Method::GET, "/links").send().await.expect("an answer").json().await.expect("JSON");
    let item = format!("/feedback/{}", links["entries"][0]["target"].as_str().expect("a target"));
    let session = test.session(&amara).await;
    let csrf = test.get_as(&session, &item).await.field("csrf");
    test.post_as(&session, &format!("{item}/body"), &[("csrf", &csrf), ("body", &hostile("body"))]).await;
    must_show_as_text(&test.get_as(&session, &item).await, &["subject", "author", "title", "note", "body"]);
    must_show_as_text(&test.get_as(&session, "/feedback").await, &["subject"]);
    test.post_as(&session, &format!("{item}/share"), &[("csrf", &csrf)]).await;
    let session_of_subject = test.session(&lucia).await;
    must_show_as_text(&test.get_as(&session_of_subject, &item).await, &["subject", "author", "title", "note", "body"]);
    must_show_as_text(&test.panel(&installation, 87, LUCIA).await, &["author", "note"]);
    for path in ["/", "/profile"] {
        must_show_as_text(&test.get_as(&session, path).await, &["author"]);
    }
    let link = test.sign_in_link(&amara).await;
    must_show_as_text(&test.get(&format!("{}/sign-in/{link}", test.url)).await, &["author"]);
    must_not_be_html(&send(test.api_as(&api_token, Method::GET, &item)).await);
    test.run_jobs().await;
}

fn must_not_be_html(page: &Page) {
    assert!(page.body.contains("<img"), "JSON holds what was typed: {}", page.body);
    assert!(page.header("content-type").starts_with("application/json"), "{:?}", page.headers);
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

async fn markup_in_the_names_of_a_waiting_workspace_is_shown_as_text(test: &Test) {
    test.sandbox.world(|world| world.workspaces[0].name = hostile("bitbucket workspace"));
    let made = make_workspace(&test.server, &hostile("workspace"), &hostile("owner"), "o@example.com").await;
    let descriptor = format!("{}/connect/{}/descriptor.json", test.url, made.install_code);
    let install = Install::new(LUMENPAY, &descriptor, INGRID);
    let installation = test.sandbox.install(&install).await.expect("an installation");
    test.run_jobs().await;
    must_show_as_text(&test.panel(&installation, 87, AMARA).await, &["workspace", "owner"]);
    let configure = test.sandbox.configure_url(&installation.client_key).expect("a page");
    must_show_as_text(&test.get(&configure).await, &["workspace", "owner"]);
    let session = test.session(&made.owner).await;
    must_show_as_text(&test.get_as(&session, "/profile").await, &["workspace", "owner"]);
    must_show_as_text(
        &test.get(&format!("{}/sign-in/{}", test.url, test.sign_in_link(&made.owner).await)).await,
        &["workspace", "owner"],
    );
}

async fn markup_in_what_a_claim_or_an_alignment_names_is_shown_as_text(test: &Test) {
    test.sandbox.world(|world| world.workspaces[0].name = hostile("bitbucket workspace"));
    let install = Install::new(LUMENPAY, &format!("{}/atlassian-connect.json", test.url), INGRID);
    let installation = test.sandbox.install(&install).await.expect("an installation");
    test.run_jobs().await;
    let configure = test.get(&test.sandbox.configure_url(&installation.client_key).expect("a page")).await;
    let (_, link) = configure.body.split_once(&format!("{}/claim/", test.url)).unwrap_or_else(|| panic!("{}", configure.body));
    let session = test.session(&test.made.owner).await;
    let claim = test.get_as(&session, &format!("/claim/{}", link.split('"').next().unwrap_or_default())).await;
    must_show_as_text(&claim, &["bitbucket workspace"]);
    let account = "account\"'><img/src=x/onerror=alert(1)>";
    let path = format!("/members/{}/identity", test.made.owner.id);
    test.api_json(Method::PUT, &path, Some(json!({ "account_id": account, "bitbucket_uuid": null }))).await;
    let profile = test.get_as(&session, "/profile").await;
    assert!(profile.body.contains("account&#34;&#39;&#62;&#60;img/src=x") && !profile.body.contains("<img"), "{}", profile.body);
}

async fn a_body_that_is_too_large_is_refused_at_every_door(test: &Test) {
    let installation = test.installed().await;
    let before = everything(test).await;
    let url = |path: &str| format!("{}{path}", test.url);
    let signed = test.sandbox.sign(&installation.client_key, "POST", "/connect/webhooks").expect("a token");
    let session = format!("clarityloop={}", test.session(&test.made.owner).await);
    let form = "application/x-www-form-urlencoded";
    let padded = |bytes: usize| format!("{{\"x\":\"{}\"}}", "x".repeat(bytes));
    let lifecycle = |path: &str| test.http.post(url(path)).body(padded(64 * 1024));
    for (request, is_for_programs) in [
        (lifecycle("/connect/installed"), true),
        (lifecycle("/connect/uninstalled"), true),
        (lifecycle(&format!("/connect/{}/installed", test.made.install_code)), true),
        (
            test.http.post(url("/connect/webhooks")).header("authorization", format!("JWT {signed}")).body(padded(512 * 1024)),
            true,
        ),
        (test.api(Method::POST, "/feedback").header("content-type", "application/json").body(padded(256 * 1024)), true),
        (test.api(Method::PUT, "/quick-action").header("content-type", "application/json").body(padded(256 * 1024)), true),
        (test.http.post(url(LINKS)).header("content-type", form).body("note=".to_owned() + &"x".repeat(32 * 1024)), false),
        (test.http.post(url("/connect/panel/code")).header("content-type", form).body("x".repeat(32 * 1024 + 1)), false),
        (
            test.http.post(url("/profile/code")).header("cookie", &session).header("content-type", form).body("x".repeat(40_000)),
            false,
        ),
    ] {
        let page = send(request).await;
        assert_eq!(page.status, 413, "{}", page.body);
        assert!(!is_for_programs || page.code() == "body_too_large", "{}", page.body);
    }
    assert_eq!(everything(test).await, before);
}

async fn a_body_of_another_kind_is_refused(test: &Test) {
    let installation = test.installed().await;
    let token = panel_of_the_owner(test, &installation).await;
    let before = everything(test).await;
    let feedback = json!({ "about": test.made.owner.id.to_string(), "body": "" }).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", ""] {
        let page = send(test.api(Method::POST, "/feedback").header("content-type", kind).body(feedback.clone())).await;
        assert_eq!((page.status, page.code().as_str()), (400, "content_type_unsupported"), "{kind}");
    }
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        let body = format!("token={token}&target=new:author");
        let page = send(test.http.post(format!("{}{LINKS}", test.url)).header("content-type", kind).body(body)).await;
        assert_eq!(page.status, 400, "{kind}: {}", page.body);
    }
    for body in ["", "[]", "null", "\"installed\"", "{", "{\"productType\":1}", "\u{feff}{}"] {
        let page = send(test.http.post(format!("{}/connect/installed", test.url)).body(body)).await;
        assert_eq!(page.status, 400, "{body}: {}", page.body);
        assert!(!page.code().is_empty(), "{body}");
        let page = send(test.api(Method::POST, "/feedback").header("content-type", "application/json").body(body)).await;
        assert_eq!((page.status, page.code().as_str()), (400, "body_malformed"), "{body}");
    }
    assert_eq!(everything(test).await, before);
}

async fn a_form_that_cannot_be_read_is_refused_and_stores_nothing(test: &Test) {
    let installation = test.installed().await;
    let token = panel_of_the_owner(test, &installation).await;
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let choice = format!("target=new:someone&about={}", amara.id);
    let before = everything(test).await;
    for fields in [
        format!("{choice}&note=a%00b"),
        format!("{choice}&note=a%1Bb"),
        format!("{choice}&note=%ff"),
        format!("{choice}&note=%C3%28"),
        format!("{choice}&note=1&note=2"),
        format!("{choice}&target=new:author"),
        format!("{choice}&token={token}"),
        "target=new:someone&about=%00".to_owned(),
        "target=new:someone&about_email=a%00b%40example.com".to_owned(),
        "target=new:someone&about_email=%ff".to_owned(),
        "target=feedback:%00".to_owned(),
        "target=feedback:..%2F..".to_owned(),
        "target=epic:018f0000-0000-7000-8000-000000000000".to_owned(),
        "target[]=new:author".to_owned(),
        String::new(),
    ] {
        let page = send_form(test, LINKS, &format!("token={token}&{fields}")).await;
        assert_eq!(page.status, 400, "{fields}: {}", page.body);
    }
    for code in ["", "%00", "%ff", "'", "%F0%9F%98%80", &"A".repeat(10_000)] {
        let page = send_form(test, "/connect/panel/code", &format!("token={token}&code={code}")).await;
        assert_eq!(page.status, 400, "{code}: {}", page.body);
    }
    for id in ["x", "%00", "..%2F..", "018f0000-0000-7000-8000-000000000000"] {
        let page = send_form(test, &format!("{LINKS}/{id}/remove"), &format!("token={token}")).await;
        assert_eq!(page.status, 404, "{id}: {}", page.body);
    }
    assert_eq!(everything(test).await, before);
}

async fn send_form(test: &Test, path: &str, body: &str) -> Page {
    let request = test.http.post(format!("{}{path}", test.url)).header("content-type", "application/x-www-form-urlencoded");
    send(request.body(body.to_owned())).await
}

async fn json_that_cannot_be_stored_is_refused_and_stores_nothing(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let item = json!({ "about": amara.id.to_string(), "body": "kept" });
    let item = test.api_json(Method::POST, "/feedback", Some(item)).await["id"].as_str().expect("an id").to_owned();
    let before = everything(test).await;
    let identity = format!("/members/{}/identity", amara.id);
    let link = |field: &str, value: Value| {
        let mut link = json!({ "kind": "feedback", "target": item, "repository": LEDGER, "pull_request": 87, "note": "" });
        link[field] = value;
        (Method::POST, "/links", link)
    };
    let url = |url: &str| (Method::POST, "/links", json!({ "kind": "feedback", "target": item, "url": url, "note": "" }));
    let member = |name: &str, email: &str| (Method::POST, "/members", json!({ "name": name, "email": email, "role": "member" }));
    let feedback = |about: &str, body: &str| (Method::POST, "/feedback", json!({ "about": about, "body": body }));
    let align =
        |account: &str, uuid: &str| (Method::PUT, identity.as_str(), json!({ "account_id": account, "bitbucket_uuid": uuid }));
    let (amara_id, web) = (amara.id.as_str(), &test.config.bitbucket_web_url);
    for (method, path, body) in [
        member("a\0b", "a@example.com"),
        member("a\nb", "a@example.com"),
        member("", "a@example.com"),
        member(&"x".repeat(101), "a@example.com"),
        member("A", "a\0@example.com"),
        member("A", "nobody"),
        feedback(amara_id, "a\0b"),
        feedback(amara_id, "a\u{1b}[2J"),
        feedback(amara_id, &"x".repeat(20_001)),
        align("a\0b", ""),
        align("a b", "{d4f7314e-85d7-418b-909e-3eaeaf6dc204}"),
        align("a", "{d4f7314e}"),
        align(&"a".repeat(129), "{d4f7314e-85d7-418b-909e-3eaeaf6dc204}"),
        link("note", json!("a\0b")),
        link("note", json!("x".repeat(2_001))),
        link("kind", json!("feedback\0")),
        link("kind", json!("epic")),
        link("target", json!("\0")),
        link("repository", json!("a\0/b")),
        link("repository", json!("../user")),
        link("pull_request", json!(0)),
        link("pull_request", json!(-1)),
        link("pull_request", json!(1.5)),
        link("pull_request", json!(18_446_744_073_709_551_615_u64)),
        link("unknown", json!(1)),
        url(&format!("{web}/lumenpay/ledger\0/pull-requests/1")),
        url(&format!("{web}/lumenpay/ledger/pull-requests/99999999999999999999")),
        url("javascript:alert(1)"),
        url("https://evil.example/lumenpay/ledger/pull-requests/1"),
    ] {
        let page = send(test.api(method, path).json(&body)).await;
        assert_eq!(page.status, 400, "{path} {body}: {}", page.body);
        assert!(!page.code().is_empty(), "{body}");
    }
    for bytes in [&b"{\"about\":\"\xff\",\"body\":\"\"}"[..], b"{\"about\":\"\\ud800\",\"body\":\"\"}", b"\xff\xfe{\0}\0"] {
        let page =
            send(test.api(Method::POST, "/feedback").header("content-type", "application/json").body(bytes.to_vec())).await;
        assert_eq!((page.status, page.code().as_str()), (400, "body_malformed"), "{bytes:?}");
    }
    assert_eq!(everything(test).await, before);
}
