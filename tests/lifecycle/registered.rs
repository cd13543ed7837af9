//! An app registered with Bitbucket: one secret from the settings signs everything, and an owner claims what came without a code.

use bitbucket_sandbox::{App, ClientKey, Install, Installation};
use clarityloop_bitbucket::people::members::Member;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::installations;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::both;
use crate::harness::lifecycle::LifecycleCall;
use crate::harness::{INGRID, LEDGER, LUMENPAY, Page, Test, make_workspace};

both!(with super::REGISTERED =>
    the_first_install_of_a_registered_app_must_be_signed,
    the_shared_secret_in_the_body_of_a_registered_app_counts_for_nothing,
    a_registered_app_is_installed_without_a_shared_secret,
    a_registered_app_is_removed_and_installed_again_with_its_one_secret,
    the_claim_link_makes_an_installation_active_once_an_owner_presses_the_button,
    a_claim_link_works_once_and_for_24_hours,
    nobody_but_an_owner_claims_an_installation,
    a_claimed_bitbucket_workspace_is_not_claimed_by_another,
);

const REGISTERED: &[(&str, &str)] = &[("CLARITYLOOP__CONNECT__APP_SECRET", APP_SECRET)];
const APP_SECRET: &str = "the one secret of the registered app";

fn to_install(test: &Test) -> Install {
    let descriptor_url = format!("{}/atlassian-connect.json", test.url);
    Install { app: App::Registered { secret: APP_SECRET.to_owned() }, ..Install::new(LUMENPAY, &descriptor_url, INGRID) }
}

async fn install(test: &Test) -> Installation {
    let installation = test.sandbox.install(&to_install(test)).await.expect("the app installs");
    test.run_jobs().await;
    installation
}

async fn the_first_install_of_a_registered_app_must_be_signed(test: &Test) {
    let call = test.first_install_call("connection:7", "a secret");
    for url in [call.url.clone(), format!("{}/connect/installed", test.url)] {
        let unsigned = LifecycleCall { url, ..call.clone() };
        assert_eq!(test.send(&unsigned).await.code(), "token_missing");
    }
    let wrong = Install { app: App::Registered { secret: "another".to_owned() }, ..to_install(test) };
    assert_eq!(test.sandbox.install(&wrong).await.expect_err("a refusal").status, 401);
    let unregistered = Install { app: App::Unregistered, ..to_install(test) };
    assert_eq!(test.sandbox.install(&unregistered).await.expect_err("a refusal").status, 401);
    assert_eq!((test.stored_installs().await, test.sandbox.calls().len()), (0, 0));
    install(test).await;
    assert_eq!(test.installations().await, Vec::<Value>::new(), "nobody has claimed it");
}

async fn the_shared_secret_in_the_body_of_a_registered_app_counts_for_nothing(test: &Test) {
    let installation = install(test).await;
    let decoy = test.sandbox.sent()[0].body["sharedSecret"].as_str().expect("a decoy").to_owned();
    let address = format!("{}/connect/configure", test.url);
    let token = test.sandbox.token(&installation.client_key, "GET", &address, 300).expect("a token");
    assert_eq!(test.get(&format!("{address}?jwt={}", token.sign(&decoy))).await.status, 401);
    assert_eq!(test.get(&format!("{address}?jwt={}", token.sign(APP_SECRET))).await.status, 200);
    let stored = |connection: &mut AnyConnection| {
        Ok(installations::table.select((installations::secret, installations::is_registered)).load(connection)?)
    };
    let stored: Vec<(Option<String>, bool)> = test.server.app.read(stored).await.expect("the rows");
    assert_eq!(stored, [(None, true)]);
}

async fn a_registered_app_is_installed_without_a_shared_secret(test: &Test) {
    let without = Install { omit_shared_secret: true, ..to_install(test) };
    test.sandbox.install(&without).await.expect("the app installs");
    test.run_jobs().await;
}

async fn a_registered_app_is_removed_and_installed_again_with_its_one_secret(test: &Test) {
    let installation = install(test).await;
    let token = test.sandbox.token(&installation.client_key, "POST", "/connect/uninstalled", 3600).expect("a token");
    for (token, code) in [(None, "token_missing"), (Some(token.sign("another")), "token_signature")] {
        let page = test.send(&test.uninstall_call(&installation).signed(token)).await;
        assert_eq!((page.status, page.code().as_str()), (401, code));
    }
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    assert_eq!(test.get(&configure_url(test, &installation)).await.status, 403);
    // A signer that knows nothing but the second makes the same token twice within one.
    test.pass_seconds(1);
    install(test).await;
    assert_eq!(test.get(&configure_url(test, &installation)).await.status, 200);
}

fn configure_url(test: &Test, installation: &Installation) -> String {
    test.sandbox.configure_url(&installation.client_key).expect("a configure page")
}

/// Opens a claim link in a new session of `member`.
async fn open(test: &Test, member: &Member, link: &str) -> (Page, String) {
    let session = test.session(member).await;
    (test.get_as(&session, link).await, session)
}

async fn press(test: &Test, link: &str, session: &str, csrf: &str) -> u16 {
    test.post_as(session, link, &[("csrf", csrf)]).await.status
}

async fn the_claim_link_makes_an_installation_active_once_an_owner_presses_the_button(test: &Test) {
    let installation = install(test).await;
    let waiting = test.panel(&installation, 87, INGRID).await;
    assert!(waiting.body.contains("is not connected to ClarityLoop yet"), "{}", waiting.body);
    let link = test.claim_link(&installation).await;
    let (page, session) = open(test, &test.made.owner, &link).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("the Bitbucket workspace <b>Lumen Pay</b>"), "{}", page.body);
    assert!(page.body.contains("Connect to Lumen Pay"), "it names the ClarityLoop workspace: {}", page.body);
    assert_eq!(test.installations().await, Vec::<Value>::new(), "looking at it does nothing");
    assert_eq!(press(test, &link, &session, "forged").await, 403);
    assert_eq!(test.installations().await, Vec::<Value>::new());
    assert_eq!(press(test, &link, &session, &page.field("csrf")).await, 303);
    assert_eq!(test.states().await, ["active"]);
    let panel = test.panel(&installation, 87, INGRID).await;
    assert!(panel.status == 200 && !panel.body.contains("not connected"), "{}", panel.body);
    let configure = test.get(&configure_url(test, &installation)).await;
    assert!(configure.body.contains("Connected") && !configure.body.contains("/claim/"), "{}", configure.body);
}

async fn a_claim_link_works_once_and_for_24_hours(test: &Test) {
    let installation = install(test).await;
    let too_old = test.claim_link(&installation).await;
    test.pass_seconds(24 * 3600);
    let (page, session) = open(test, &test.made.owner, &too_old).await;
    assert_eq!(page.status, 404);
    let (first, second) = (test.claim_link(&installation).await, test.claim_link(&installation).await);
    let (page, _) = open(test, &test.made.owner, &first).await;
    let (other_page, other_session) = open(test, &test.made.owner, &first).await;
    assert_eq!(press(test, &too_old, &other_session, &other_page.field("csrf")).await, 404);
    assert_eq!(press(test, &first, &other_session, &other_page.field("csrf")).await, 303);
    for link in [&first, &second] {
        assert_eq!(press(test, link, &other_session, &other_page.field("csrf")).await, 404);
        assert_eq!(open(test, &test.made.owner, link).await.0.status, 404);
    }
    assert_ne!(page.field("csrf"), other_page.field("csrf"), "each session has forms of its own");
    assert_eq!(press(test, &second, &session, &other_page.field("csrf")).await, 403);
}

async fn nobody_but_an_owner_claims_an_installation(test: &Test) {
    let installation = install(test).await;
    let link = test.claim_link(&installation).await;
    let member = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let (page, session) = open(test, &member, &link).await;
    assert_eq!(page.status, 403);
    let profile = test.get_as(&session, "/profile").await;
    assert_eq!(press(test, &link, &session, &profile.field("csrf")).await, 403);
    let nobody = test.get(&format!("{}{link}", test.url)).await;
    assert_eq!((nobody.status, nobody.header("location")), (303, "/sign-in"));
    assert_eq!(test.installations().await, Vec::<Value>::new());
}

async fn a_claimed_bitbucket_workspace_is_not_claimed_by_another(test: &Test) {
    let installation = install(test).await;
    let numbered = Install { client_key: ClientKey::Connection, ..to_install(test) };
    let numbered = test.sandbox.install(&numbered).await.expect("the app installs");
    test.run_jobs().await;
    let other = make_workspace(&test.server, "Other", "Olga Other", "olga@other.example").await;
    let link = test.claim_link(&installation).await;
    let (page, session) = open(test, &test.made.owner, &link).await;
    assert_eq!(press(test, &link, &session, &page.field("csrf")).await, 303);
    let link = test.claim_link(&numbered).await;
    let (page, session) = open(test, &other.owner, &link).await;
    assert_eq!(press(test, &link, &session, &page.field("csrf")).await, 409);
    assert_eq!(test.installations_of(&other.token).await, Vec::<Value>::new());
    assert_eq!(test.sandbox.deliver(&numbered.client_key, "pullrequest:updated", LEDGER, 87).await, Ok(204));
    assert_eq!(test.states().await, [json!("active")]);
}
