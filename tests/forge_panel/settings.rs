//! The app's page in the settings of a Bitbucket workspace: how the installation stands, the link that claims it, and switches that are
//! an owner's whose account is linked.

use bitbucket_sandbox::{ForgeCaller, ForgeInstallation};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, amara_and_lucia, ask, open, send};
use crate::both;
use crate::harness::forge::FORGE;
use crate::harness::{AMARA, INGRID, LUCIA, Test};

both!(with super::FORGE =>
    the_page_of_an_app_that_is_nobodys_has_the_link_that_claims_it,
    an_owner_whose_account_is_linked_switches_and_nobody_else,
    an_owner_retires_the_connect_app_and_every_link_stays,
    what_is_no_switch_is_refused,
);

/// Asks as the settings page that `viewer` looks at.
async fn settings(test: &Test, app: &ForgeInstallation, viewer: &str, path: &str, body: Value) -> Answer {
    ask(test, app, ForgeCaller::Settings { viewer }, &format!("/forge/settings{path}"), body).await
}

async fn is_on(test: &Test) -> bool {
    test.api_json(Method::GET, "/quick-action", None).await["enabled"] == true
}

async fn the_page_of_an_app_that_is_nobodys_has_the_link_that_claims_it(test: &Test) {
    let app = test.install_forge().await;
    let page = settings(test, &app, LUCIA, "", json!({})).await;
    assert!(page.shows("Not connected yet") && !page.shows("PR Quick Action"), "{page:?}");
    let (_, link) =
        page.html().split_once(&format!("value=\"{}/claim/", test.url)).unwrap_or_else(|| panic!("no link: {page:?}"));
    let link = format!("/claim/{}", link.split('"').next().expect("a link"));
    let session = test.session(&test.made.owner).await;
    let asks = test.get_as(&session, &link).await;
    assert!(asks.body.contains("the Bitbucket workspace <b>Lumen Pay</b>"), "{}", asks.body);
    assert!(asks.body.contains("Connect to Lumen Pay"), "it names the ClarityLoop workspace: {}", asks.body);
    assert!(settings(test, &app, LUCIA, "", json!({})).await.shows("Not connected yet"), "looking at it does nothing");
    assert_eq!(test.post_as(&session, &link, &[("csrf", &asks.field("csrf"))]).await.status, 303);
    test.run_jobs().await;
    let connected = settings(test, &app, LUCIA, "", json!({})).await;
    assert!(connected.shows("Connected") && connected.shows("conversations in Lumen Pay") && !connected.shows("/claim/"));
}

async fn an_owner_whose_account_is_linked_switches_and_nobody_else(test: &Test) {
    let app = test.installed_forge().await;
    amara_and_lucia(test).await;
    for viewer in [INGRID, AMARA] {
        // Ingrid is the owner, but nobody has confirmed that this account is hers.
        let page = settings(test, &app, viewer, "", json!({})).await;
        assert!(page.shows("It is on.") && !page.shows("role=\"switch\"") && !page.shows("Retire"), "{page:?}");
        for (path, body) in [("/quick-action", json!({ "enabled": "false" })), ("/retire", json!({})), ("/retire/ask", json!({}))]
        {
            let refused = settings(test, &app, viewer, path, body).await;
            assert_eq!((refused.status, refused.code()), (403, "bound_owner_needed"), "{path}");
        }
    }
    assert!(is_on(test).await);
    test.bind(&test.made.owner, INGRID).await;
    assert!(settings(test, &app, INGRID, "", json!({})).await.shows("aria-checked=\"true\""));
    let off = settings(test, &app, INGRID, "/quick-action", json!({ "enabled": "false" })).await;
    assert!(off.shows("PR Quick Action is off.") && off.shows("aria-checked=\"false\"") && off.shows("switched off"), "{off:?}");
    assert!(off.shows("so nothing can be added from pull requests."), "{off:?}");
    assert!(!is_on(test).await);
    assert!(open(test, &app, AMARA).await.shows("PR Quick Action is switched off for lumenpay."));
    let on = settings(test, &app, INGRID, "/quick-action", json!({ "enabled": "true" })).await;
    assert!(on.shows("PR Quick Action is on."), "{on:?}");
    let nothing = settings(test, &app, INGRID, "/retire", json!({})).await;
    assert_eq!((nothing.status, nothing.code()), (409, "nothing_to_retire"));
    test.run_jobs().await;
}

async fn an_owner_retires_the_connect_app_and_every_link_stays(test: &Test) {
    let frame = test.installed().await;
    amara_and_lucia(test).await;
    test.bind(&test.made.owner, INGRID).await;
    let token = test.panel(&frame, 87, AMARA).await.field("token");
    let form = [("token", token.as_str()), ("target", "new:author"), ("note", "Made before the move")];
    assert_eq!(test.post("/connect/panel/links", &form).await.status, 200);
    test.run_jobs().await;
    let app = test.install_forge().await;
    assert!(open(test, &app, AMARA).await.shows("Made before the move"), "the new door shows what the old one made");
    assert!(!settings(test, &app, AMARA, "", json!({})).await.shows("Retire the Connect app"));
    assert!(settings(test, &app, INGRID, "", json!({})).await.shows("Retire the Connect app"));
    let asks = settings(test, &app, INGRID, "/retire/ask", json!({})).await;
    assert!(asks.shows("Retire the Connect app of lumenpay?"), "{asks:?}");
    assert_eq!(test.panel(&frame, 87, AMARA).await.status, 200, "asking does nothing");
    let retired = settings(test, &app, INGRID, "/retire", json!({})).await;
    assert!(retired.shows("The Connect app is retired.") && !retired.shows("id=\"retire\""), "{retired:?}");
    assert_eq!(test.panel(&frame, 87, AMARA).await.status, 403);
    test.run_jobs().await;
    assert!(test.sandbox.installations().iter().all(|installation| !installation.active), "it is gone at Bitbucket");
    assert!(open(test, &app, AMARA).await.shows("Made before the move"));
    assert!(send(test, &app, AMARA, "form", json!({})).await.shows("New draft about Lucía Fernández"));
}

async fn what_is_no_switch_is_refused(test: &Test) {
    let app = test.installed_forge().await;
    test.bind(&test.made.owner, INGRID).await;
    for (body, code) in [
        (json!({ "enabled": "maybe" }), "switch_invalid"),
        (json!({ "enabled": "" }), "switch_invalid"),
        (json!({ "enabled": false }), "form_malformed"),
        (json!({}), "form_malformed"),
    ] {
        let refused = settings(test, &app, INGRID, "/quick-action", body).await;
        assert_eq!((refused.status, refused.code()), (400, code), "{refused:?}");
    }
    assert!(is_on(test).await);
}
