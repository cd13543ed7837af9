//! The pages as a browser without JavaScript gets them.

use crate::app::{AMARA, LUMENPAY, TinyApp, client, installed};
use bitbucket_sandbox::{Install, Options, PullRequestState, Sandbox, is_signed_with, percent_encode, query_pairs};

async fn text(sandbox: &Sandbox, path: &str) -> (u16, String) {
    let answer = client().get(format!("{}{path}", sandbox.url())).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn submit(sandbox: &Sandbox, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let answer = client().post(format!("{}{path}", sandbox.url())).form(fields).send().await.unwrap();
    let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location.unwrap_or_default())
}

#[tokio::test]
async fn a_pull_request_page_frames_the_panel_and_offers_the_item() {
    let (sandbox, app, installation) = installed().await;
    let (_, first) = text(&sandbox, "/").await;
    assert!(first.contains("/lumenpay/checkout/pull-requests/412?as="));
    let path = format!("/lumenpay/checkout/pull-requests/412?as={}", percent_encode(AMARA));
    let (status, page) = text(&sandbox, &path).await;
    assert_eq!(status, 200);
    assert!(page.contains(&format!(" src=\"{}/panel?pr=412&amp;title=", app.url)));
    assert!(page.contains("data-dialog=\"dialog-0\">Tiny item</button>"));
    let item = page.split_once(" data-src=\"").unwrap().1;
    let item = item.split_once('"').unwrap().0.replace("&amp;", "&");
    let answer = client().get(format!("{}{item}", sandbox.url())).send().await.unwrap();
    let location = answer.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(&format!("{}/panel?pr=412&xdm_c=", app.url)), "{location}");
    sandbox.uninstall(&installation.client_key).await.unwrap();
    assert!(!text(&sandbox, &path).await.1.contains("<iframe"));
}

#[tokio::test]
async fn what_people_type_is_escaped() {
    let (sandbox, _app, _) = installed().await;
    let now = sandbox.now();
    sandbox
        .world(|world| world.pull_request_mut("checkout", 412).unwrap().retitle("<script>alert(1)</script><!-- panels -->", now));
    let (_, page) = text(&sandbox, "/lumenpay/checkout/pull-requests/412").await;
    assert!(!page.contains("<script>alert"));
    assert_eq!(page.matches("<iframe").count(), 2);
}

#[tokio::test]
async fn the_buttons_change_the_world_and_deliver() {
    let (sandbox, app, _) = installed().await;
    let path = "/lumenpay/checkout/pull-requests/412";
    let (status, location) = submit(&sandbox, &format!("{path}/retitle"), &[("as", AMARA), ("title", "Another title")]).await;
    assert_eq!((status, location), (303, format!("{path}?as={}", percent_encode(AMARA))));
    let posted = app.last();
    assert_eq!(
        (posted.event_key.as_deref(), &posted.body["data"]["pullrequest"]["title"]),
        (Some("pullrequest:updated"), &"Another title".into())
    );
    submit(&sandbox, &format!("{path}/merge"), &[("as", AMARA)]).await;
    assert_eq!(sandbox.world(|world| world.pull_request("checkout", 412).unwrap().state), PullRequestState::Merged);
    assert_eq!(submit(&sandbox, &format!("{path}/decline"), &[("as", AMARA)]).await.0, 404);
}

#[tokio::test]
async fn the_install_page_installs_and_sends_back_with_a_signed_address() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let app = TinyApp::start();
    let (descriptor_uri, redirect_uri) = (app.descriptor_url(), format!("{}/done?state=7", app.url));
    let query = format!("descriptor_uri={}&redirect_uri={}", percent_encode(&descriptor_uri), percent_encode(&redirect_uri));
    let (status, page) = text(&sandbox, &format!("/site/addons/authorize?{query}")).await;
    assert!(status == 200 && page.contains("Tiny &lt;App&gt; asks for access"));

    let fields =
        [("descriptor_uri", descriptor_uri.as_str()), ("redirect_uri", &redirect_uri), ("workspace", LUMENPAY), ("as", AMARA)];
    let cancelled = submit(&sandbox, "/site/addons/authorize", &[&fields[..], &[("answer", "cancel")]].concat()).await;
    assert_eq!(cancelled, (303, format!("{redirect_uri}&error=access_denied")));
    let (_, location) = submit(&sandbox, "/site/addons/authorize", &[&fields[..], &[("answer", "grant")]].concat()).await;
    let pairs = query_pairs(location.strip_prefix(&format!("{}/done?", app.url)).unwrap());
    assert_eq!((pairs[0].1.as_str(), pairs[1].1.as_str(), pairs[2].0.as_str()), ("7", "connection:1", "jwt"));
    assert!(is_signed_with(&pairs[2].1, &sandbox.secret_of("connection:1").unwrap()));
}

#[tokio::test]
async fn the_install_page_refuses_a_way_back_outside_the_app_and_knows_registered_apps() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let app = TinyApp::start();
    let query = format!("descriptor_uri={}&redirect_uri=https%3A%2F%2Fevil.example", percent_encode(&app.descriptor_url()));
    assert_eq!(text(&sandbox, &format!("/site/addons/authorize?{query}")).await.0, 400);
    assert_eq!(text(&sandbox, "/site/addons/authorize?addon_key=tiny-app").await.0, 400);
    sandbox.register("tiny-app", &app.descriptor_url(), "held-by-the-app");
    assert_eq!(text(&sandbox, "/site/addons/authorize?addon_key=tiny-app").await.0, 200);
    let fields = [("addon_key", "tiny-app"), ("workspace", LUMENPAY), ("as", AMARA), ("answer", "grant")];
    let (_, location) = submit(&sandbox, "/site/addons/authorize", &fields).await;
    assert_eq!(location, "/lumenpay/workspace/settings/addon-management");
    assert_eq!(sandbox.secret_of(&sandbox.installations()[0].client_key).unwrap(), "held-by-the-app");
}

#[tokio::test]
async fn installed_apps_can_be_configured_and_removed() {
    let (sandbox, app, installation) = installed().await;
    sandbox.install(&Install { workspace: "priya-raman".to_owned(), ..app.install_request() }).await.unwrap();
    let base = "/lumenpay/workspace/settings/addon-management";
    let (_, page) = text(&sandbox, base).await;
    assert_eq!(page.matches("class=\"app\"").count(), 1);
    let client_key = installation.client_key.as_str();
    let (_, page) = text(&sandbox, &format!("{base}/configure?client_key={}", percent_encode(client_key))).await;
    assert!(page.contains(&format!(" src=\"{}/configure?w=lumenpay&amp;", app.url)));
    assert_eq!(submit(&sandbox, &format!("{base}/remove"), &[("client_key", client_key)]).await, (303, base.to_owned()));
    assert_eq!(app.last().body["eventType"], "uninstalled");
}
