//! The settings: each state of the card, who reaches them, what ends and what is proven afterwards.

mod ending;
mod members;

use bitbucket_sandbox::{App, ClientKey, Fault, Install, Misbehaviour};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::both;
use crate::harness::lifecycle::{LUMENPAY_UUID, refusal};
use crate::harness::{INGRID, LEDGER, Page, Test};

both!(
    without_an_installation_the_page_says_how_to_make_one,
    an_installation_waits_and_is_confirmed_on_the_page,
    a_connected_workspace_shows_who_when_which_door_and_what_came_last,
    a_refused_key_needs_attention_until_bitbucket_takes_it_again,
    what_may_pass_is_shown_and_needs_no_attention,
    a_job_that_was_given_up_needs_attention_until_it_is_tried_anew,
    a_missing_scope_needs_attention,
    a_clock_that_is_off_is_found_also_when_every_call_is_refused,
    a_new_code_takes_over_and_the_old_one_serves_whom_it_has,
    the_switch_says_what_it_does,
    forms_of_another_session_do_nothing,
    the_pages_cost_the_same_however_much_has_happened,
);
both!(with super::REACHABLE => the_instructions_name_both_doors_and_their_dates);
both!(with super::ON_LOOPBACK => an_address_that_bitbucket_cannot_reach_is_found);
both!(with super::REGISTERED => a_registered_app_is_installed_from_its_own_address);

pub(super) const SETTINGS: &str = "/settings/integrations/bitbucket";
const REACHABLE: &[(&str, &str)] = &[
    ("CLARITYLOOP__FORGE__APP_ID", crate::harness::forge::APP),
    ("CLARITYLOOP__FORGE__INSTALL_LINK", "https://developer.atlassian.com/console/install/5c1e"),
];
const ON_LOOPBACK: &[(&str, &str)] = &[
    ("CLARITYLOOP__BITBUCKET__API_URL", "https://api.bitbucket.org"),
    ("CLARITYLOOP__BITBUCKET__WEB_URL", "https://bitbucket.org"),
];
const APP_SECRET: &str = "the one secret of the registered app";
const REGISTERED: &[(&str, &str)] = &[("CLARITYLOOP__CONNECT__APP_SECRET", APP_SECRET)];

/// The settings page as its owner sees it.
pub(super) async fn page(test: &Test) -> Page {
    let session = test.session(&test.made.owner).await;
    let page = test.get_as(&session, SETTINGS).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page
}

/// Presses a button of the owner's: posts these fields to this path below the settings.
pub(super) async fn press(test: &Test, path: &str, fields: &[(&str, &str)]) -> Page {
    let session = test.session(&test.made.owner).await;
    let csrf = test.get_as(&session, SETTINGS).await.field("csrf");
    let form: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
    test.post_as(&session, &format!("{SETTINGS}{path}"), &form).await
}

/// The id of the newest installation.
pub(super) async fn newest(test: &Test) -> String {
    test.installations().await[0]["id"].as_str().expect("an id").to_owned()
}

pub(super) fn assert_shows(page: &Page, words: &[&str]) {
    for word in words {
        assert!(page.body.contains(word), "{word:?} is not on the page: {}", page.body);
    }
}

pub(super) fn assert_lacks(page: &Page, words: &[&str]) {
    for word in words {
        assert!(!page.body.contains(word), "{word:?} is on the page: {}", page.body);
    }
}

async fn without_an_installation_the_page_says_how_to_make_one(test: &Test) {
    let page = page(test).await;
    let url = test.descriptor_url();
    assert_shows(&page, &["Not connected", "Connect Bitbucket to begin", &url, "made a new install code"]);
    assert_shows(&page, &["Your operator has not set up the Forge app", "<code>forge.install_link</code>"]);
    assert_lacks(&page, &["Disconnect", "Needs attention", "leads to this machine only"]);
}

async fn the_instructions_name_both_doors_and_their_dates(test: &Test) {
    test.installed().await;
    let page = page(test).await;
    assert_shows(&page, &["https://developer.atlassian.com/console/install/5c1e", "For apps registered before 2 February 2026"]);
    assert_shows(&page, &["its support for Connect ends in December 2026", "As of <time", "Move to the Forge app"]);
    let (_, message) = page.body.split_once("id=\"message\"").expect("a message");
    let (message, _) = message.split_once("</textarea>").expect("its end");
    let url = test.descriptor_url();
    for word in ["https://developer.atlassian.com/console/install/5c1e", &url, "2 February 2026", "Ingrid Solberg", "Lumen Pay"] {
        assert!(message.contains(word), "{word} in {message}");
    }
}

async fn an_installation_waits_and_is_confirmed_on_the_page(test: &Test) {
    let installation = test.install().await;
    let waiting = page(test).await;
    assert_shows(&waiting, &["Waiting for your confirmation", "Confirm lumenpay", "“Lumen Pay”", "as reported by Bitbucket"]);
    assert_shows(&waiting, &["Confirm that this Bitbucket workspace belongs to Lumen Pay."]);
    let confirmed = press(test, &format!("/installations/{}/confirm", newest(test).await), &[]).await;
    assert_eq!((confirmed.status, confirmed.header("location")), (303, "/settings/integrations/bitbucket?done=confirmed"));
    test.run_jobs().await;
    assert_shows(&page(test).await, &["Connected</span>", "Nothing is wrong."]);
    assert_eq!(test.panel_status(&installation).await, 200);
}

async fn a_connected_workspace_shows_who_when_which_door_and_what_came_last(test: &Test) {
    let installation = test.installed().await;
    let before = page(test).await;
    assert_shows(&before, &["by the account 712020:66ebfd05", "Connect, installed by URL", "None yet: Bitbucket sends one"]);
    assert_shows(
        &before,
        &["<code>account</code>", "<code>pullrequest</code>", "<code>webhook</code>", "None in the last 30 days"],
    );
    test.bind(&test.made.owner, INGRID).await;
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:approved", LEDGER, 87).await, Ok(204));
    let after = page(test).await;
    assert_shows(&after, &["by Ingrid Solberg, as reported by Bitbucket", "Pull request approved, <time", "Clock agrees"]);
    assert_shows(&after, &["Public address and Bitbucket are on this machine"]);
}

async fn a_refused_key_needs_attention_until_bitbucket_takes_it_again(test: &Test) {
    test.installed().await;
    let path = format!("/installations/{}/test", newest(test).await);
    for status in [401, 403, 404, 410] {
        test.sandbox.misbehave(Misbehaviour::on("/2.0/workspaces/", Fault::Status(status)));
        assert_eq!(press(test, &path, &[]).await.header("location"), "/settings/integrations/bitbucket?done=asked");
        test.run_jobs().await;
        let refused = page(test).await;
        assert_shows(&refused, &["Needs attention", "Bitbucket refuses our key, since <time", "Open Installed apps"]);
        assert_shows(&refused, &["/lumenpay/workspace/settings/addon-management"]);
        assert!(test.installations().await[0]["health"]["refused_since"].is_string());
        test.sandbox.behave();
        press(test, &path, &[]).await;
        test.run_jobs().await;
        assert_lacks(&page(test).await, &["Needs attention"]);
    }
}

async fn what_may_pass_is_shown_and_needs_no_attention(test: &Test) {
    test.installed().await;
    test.sandbox.misbehave(Misbehaviour::on("/2.0/workspaces/", Fault::Status(503)));
    press(test, &format!("/installations/{}/test", newest(test).await), &[]).await;
    test.run_jobs().await;
    let down = page(test).await;
    assert_shows(&down, &["Connected</span>", "Bitbucket did not answer (bitbucket_down), <time"]);
    assert_lacks(&down, &["Needs attention"]);
    test.sandbox.behave();
    for _ in 0..14 {
        test.pass_seconds(5_000);
        test.run_jobs().await;
    }
    test.pass_seconds(31 * 24 * 3600);
    let session = test.session(&test.made.owner).await;
    assert_shows(&test.get_as(&session, SETTINGS).await, &["None in the last 30 days"]);
}

async fn a_job_that_was_given_up_needs_attention_until_it_is_tried_anew(test: &Test) {
    test.installed().await;
    let path = format!("/installations/{}/test", newest(test).await);
    test.sandbox.misbehave(Misbehaviour::on("/2.0/workspaces/", Fault::Status(503)));
    press(test, &path, &[]).await;
    for _ in 0..13 {
        test.run_jobs().await;
        test.pass_seconds(5_000);
    }
    assert_eq!(test.jobs().await, ["describe_bitbucket_workspace"]);
    let given_up = "A job was given up after many tries (describe_bitbucket_workspace)";
    assert_shows(&page(test).await, &["Needs attention", given_up, "Run the self-test, which asks Bitbucket again"]);
    test.sandbox.behave();
    press(test, &path, &[]).await;
    test.run_jobs().await;
    assert_lacks(&page(test).await, &["Needs attention", given_up]);
}

async fn a_missing_scope_needs_attention(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let id = clarityloop_bitbucket::storage::ids::InstallationId::parse(&newest(test).await).expect("an id");
    let now = test.server.app.now();
    let note = move |connection: &mut _| {
        use clarityloop_bitbucket::bitbucket::Failure;
        use clarityloop_bitbucket::connections::health::{self, About};
        let failure =
            Failure::MissingScopes { required: vec!["pullrequest".to_owned(), "repository".to_owned()], granted: Vec::new() };
        health::note_failure(connection, &id, &failure, About::OneThing, &now)
    };
    test.server.app.write(note).await.expect("a note");
    assert_shows(&page(test).await, &["Needs attention", "Bitbucket says that the app lacks pullrequest, repository"]);
    test.pass_seconds(2);
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:updated", LEDGER, 87).await, Ok(204));
    test.run_jobs().await;
    assert_lacks(&page(test).await, &["Needs attention"]);
}

async fn a_clock_that_is_off_is_found_also_when_every_call_is_refused(test: &Test) {
    let installation = test.installed().await;
    let deliver = async || test.sandbox.deliver(&installation.client_key, "pullrequest:updated", LEDGER, 87).await;
    for (seconds, answer, side) in [(-40, Ok(204), "ahead of"), (30, Ok(204), "behind"), (300, Ok(401), "behind")] {
        test.sandbox.set_now(test.now() + TimeDelta::seconds(seconds));
        assert_eq!(deliver().await, answer);
        let skew = test.installations().await[0]["health"]["clock_skew_seconds"].as_i64().expect("a skew");
        assert!((skew + seconds).abs() <= 2, "{skew} for {seconds}");
        let sentence = format!("This server’s clock is {} seconds {side} Bitbucket’s", skew.abs());
        assert_shows(&page(test).await, &["Needs attention", &sentence, "Ask your operator to set it by network time"]);
        // Keys and what is known of the clock are held for a second.
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    }
    test.sandbox.set_now(test.now());
    assert_eq!(deliver().await, Ok(204));
    assert_lacks(&page(test).await, &["Needs attention"]);
}

async fn an_address_that_bitbucket_cannot_reach_is_found(test: &Test) {
    assert_shows(
        &page(test).await,
        &["leads to this machine only, so Bitbucket cannot reach it", "Ask your operator to set public_url"],
    );
}

async fn a_registered_app_is_installed_from_its_own_address(test: &Test) {
    let first = page(test).await;
    assert_shows(&first, &["/site/addons/authorize?addon_key=clarityloop-bitbucket", "Configure ClarityLoop"]);
    assert_lacks(&first, &["descriptor.json", "New install code"]);
    let descriptor_url = format!("{}/atlassian-connect.json", test.url);
    let install =
        Install { app: App::Registered { secret: APP_SECRET.to_owned() }, ..Install::new("lumenpay", &descriptor_url, INGRID) };
    let installation = test.sandbox.install(&install).await.expect("the app installs");
    test.run_jobs().await;
    test.claimed(&installation).await;
    test.run_jobs().await;
    assert_shows(
        &page(test).await,
        &["Connect, an app registered with Bitbucket", "In lumenpay the entry stays", "Connected</span>"],
    );
}

async fn a_new_code_takes_over_and_the_old_one_serves_whom_it_has(test: &Test) {
    let installation = test.installed().await;
    let session = test.session(&test.made.owner).await;
    let asked = test.get_as(&session, &format!("{SETTINGS}/install-code")).await;
    assert_shows(&asked, &["takes no new installation from that moment on", "goes on working"]);
    assert_shows(&page(test).await, &[&test.made.install_code]);
    let made = press(test, "/install-code", &[]).await;
    assert_eq!((made.status, made.header("location")), (303, "/settings/integrations/bitbucket?done=code"));
    let after = page(test).await;
    assert_lacks(&after, &[&test.made.install_code]);
    assert_shows(&after, &["<b>Ingrid Solberg</b> made a new install code"]);
    assert_eq!(test.panel_status(&installation).await, 200, "signed calls go on");
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:updated", LEDGER, 87).await, Ok(204));
    let elsewhere = Install { client_key: ClientKey::Connection, ..Install::new("priya-raman", &test.descriptor_url(), INGRID) };
    let refused = test.sandbox.install(&elsewhere).await.expect_err("the old code takes no new client key");
    assert_eq!(refusal(&refused), (409, "install_code_replaced".to_owned()));
}

async fn the_switch_says_what_it_does(test: &Test) {
    assert_shows(&page(test).await, &["It takes effect once a Bitbucket workspace is connected.", "aria-checked=\"true\""]);
    test.installed().await;
    assert_shows(&page(test).await, &["Off takes the entry out of Bitbucket within a minute, for everybody in lumenpay."]);
    let off = press(test, "/quick-action", &[("enabled", "false")]).await;
    assert_eq!((off.status, off.header("location")), (303, "/settings/integrations/bitbucket?done=off"));
    assert_shows(&page(test).await, &["aria-checked=\"false\"", "Bitbucket is being told."]);
    test.run_jobs().await;
    assert_lacks(&page(test).await, &["Bitbucket is being told."]);
    assert_eq!(test.api_json(Method::GET, "/quick-action", None).await["enabled"], json!(false));
}

async fn forms_of_another_session_do_nothing(test: &Test) {
    test.install().await;
    let session = test.session(&test.made.owner).await;
    let id = newest(test).await;
    for path in ["confirm", "refuse", "disconnect", "test", "remove"] {
        let path = format!("{SETTINGS}/installations/{id}/{path}");
        let answer = test.post_as(&session, &path, &[("csrf", "0"), ("workspace", "lumenpay")]).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    for path in ["quick-action", "install-code"] {
        let answer = test.post_as(&session, &format!("{SETTINGS}/{path}"), &[("csrf", "0"), ("enabled", "false")]).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(test.states().await, ["waiting"]);
    assert_eq!(test.installations().await[0]["bitbucket_workspace"]["uuid"], LUMENPAY_UUID);
}

async fn the_pages_cost_the_same_however_much_has_happened(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let session = test.session(&test.made.owner).await;
    let disconnect = format!("{SETTINGS}/installations/{}/disconnect", newest(test).await);
    let cost = async |path: &str| {
        let before = test.server.app.metrics.database_statements.get();
        assert_eq!(test.get_as(&session, path).await.status, 200, "{path}");
        test.server.app.metrics.database_statements.get() - before
    };
    let costs = async || [cost(SETTINGS).await, cost(&disconnect).await, cost("/settings/audit").await];
    let before = costs().await;
    assert!(before.iter().all(|cost| *cost <= 16), "{before:?}");
    for workspace in ["priya-raman", "lumenpay-labs"] {
        // Another connection each time: every install leaves a tombstone of its own.
        for _ in 0..3 {
            let descriptor_url = test.descriptor_url();
            let install = Install { client_key: ClientKey::Connection, ..Install::new(workspace, &descriptor_url, INGRID) };
            let Ok(more) = test.sandbox.install(&install).await else { continue };
            assert_eq!(test.sandbox.uninstall(&more.client_key).await, Ok(204));
            test.run_jobs().await;
        }
    }
    assert!(test.installations().await.len() >= 4, "there is more to show");
    assert_eq!(costs().await, before);
}
